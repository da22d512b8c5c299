//! The standard workload of the snapshot codec: a fight whose ships all fly, of which some turn,
//! fire and are hit. Tests of size and benchmarks of time use the same one, so that their
//! figures belong together.
//!
//! Ships fly at 100–300 m/s with time constants of 3–12 s within 100 km, their velocities tend
//! to targets that are multiples of [`orrery_base::motion::TARGET_QUANTUM`], and in every beat
//! each ship has a chance to be given a new target velocity, to begin or cease fire, and to have
//! its vitals change: see [`Rates`].

use orrery_base::motion::{Motion, TARGET_QUANTUM, response, velocity_from_m_per_s};
use orrery_base::rng::Rng;
use orrery_base::{CharacterId, EntityId, GridId, Slot, Tick, TypeId};

use crate::input::SnapshotAck;
use crate::snapshot::{
    ClientView, DEFAULT_BUDGET_BYTES, EncodeReport, EncodeScratch, GridHistory, SlotState,
    SnapshotRequest,
};

/// Chances per ship and beat, in 10,000ths.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// A new target velocity.
    pub turn: u32,
    /// An activity bit flips.
    pub fire: u32,
    /// Vitals change.
    pub hit: u32,
}

impl Rates {
    /// Against a baseline 3 beats old: 3 % of the ships have turned, 3 % have begun or ceased
    /// fire and 6 % have other vitals.
    pub const STANDARD: Self = Self {
        turn: 100,
        fire: 100,
        hit: 200,
    };
    /// A brawl: three times as much of everything.
    pub const BRAWL: Self = Self {
        turn: 300,
        fire: 300,
        hit: 600,
    };
}

/// A grid with ships, one beat after the other.
#[derive(Debug)]
pub struct Workload {
    /// The newest 32 beats.
    pub history: GridHistory,
    rates: Rates,
    ships: Vec<SlotState>,
    tick: Tick,
    rng: Rng,
}

impl Workload {
    /// `ships` ships in the first slots, and 40 beats of history.
    #[must_use]
    pub fn new(ships: u32, rates: Rates) -> Self {
        let tick = Tick(1_000);
        let mut rng = Rng::new(1, tick, EntityId::NONE, 1);
        let ships = (0..ships).map(|index| ship(&mut rng, index)).collect();
        let mut workload = Self {
            history: GridHistory::new(GridId(1)),
            rates,
            ships,
            tick,
            rng,
        };
        for _ in 0..40 {
            workload.beat();
        }
        workload
    }

    /// The newest beat.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The ships, by slot.
    #[must_use]
    pub fn ships(&self) -> &[SlotState] {
        &self.ships
    }

    /// Simulates a beat and pushes its frame.
    pub fn beat(&mut self) {
        self.simulate();
        self.publish();
    }

    /// Simulates a beat.
    pub fn simulate(&mut self) {
        self.tick = self.tick.next();
        for ship in &mut self.ships {
            if self.rng.below(10_000) < self.rates.turn {
                ship.motion.target_velocity = heading(&mut self.rng);
            }
            ship.motion.step(self.tick);
            if self.rng.below(10_000) < self.rates.fire {
                ship.activity ^= 1 << self.rng.below(4);
            }
            if self.rng.below(10_000) < self.rates.hit {
                // Mostly shields, down by hits and up by recharge.
                let which = self.rng.below(8).saturating_sub(5) as usize;
                let by = 1 + self.rng.below(12) as u8;
                let vital = &mut ship.vitals[which];
                *vital = if *vital > by && self.rng.below(3) > 0 {
                    *vital - by
                } else {
                    vital.saturating_add(2)
                };
            }
        }
    }

    /// Pushes the frame of the newest beat.
    pub fn publish(&mut self) {
        let mut frame = self.history.begin(self.tick);
        for (slot, ship) in self.ships.iter().enumerate() {
            frame.insert(Slot(slot as u32), ship);
        }
        self.history.push(frame);
    }
}

fn ship(rng: &mut Rng, index: u32) -> SlotState {
    let target_velocity = heading(rng);
    SlotState {
        id: EntityId::minted(1_000 + u64::from(index)),
        type_id: TypeId(1 + rng.below(200)),
        owner: CharacterId(1_000 + u64::from(index)),
        motion: Motion {
            position_cm: [0; 3].map(|_: i32| rng.below(10_000_000) as i32 - 5_000_000),
            velocity: target_velocity,
            target_velocity,
            response: response(3.0 + f64::from(rng.below(900)) / 100.0),
        },
        vitals: [200, 255, 255],
        activity: 0,
    }
}

/// A random direction at 100–300 m/s.
fn heading(rng: &mut Rng) -> [i32; 3] {
    let speed = 100.0 + f64::from(rng.below(200));
    loop {
        let axes = [0; 3].map(|_: i32| f64::from(rng.below(2_001)) / 1_000.0 - 1.0);
        let square: f64 = axes.iter().map(|axis| axis * axis).sum();
        if (0.01..=1.0).contains(&square) {
            let length = orrery_base::math::sqrt(square);
            return axes.map(|axis| {
                velocity_from_m_per_s(axis / length * speed) / TARGET_QUANTUM * TARGET_QUANTUM
            });
        }
    }
}

/// A client that sees `visible` ships of a [`Workload`] and whose acknowledgements are always
/// three beats old.
#[derive(Debug)]
pub struct Observer {
    view: ClientView,
    visible: Vec<u64>,
    scratch: EncodeScratch,
    /// The newest snapshot.
    pub bytes: Vec<u8>,
    budget_bytes: usize,
}

/// The age of the baselines of an [`Observer`].
pub const BASELINE_AGE: u64 = 3;

impl Observer {
    /// Sees `visible` of the first `of` slots, evenly spread.
    #[must_use]
    pub fn new(visible: u32, of: u32) -> Self {
        let mut words = vec![0_u64; of.div_ceil(64) as usize];
        for index in 0..visible {
            let slot = (u64::from(index) * u64::from(of) / u64::from(visible)) as usize;
            words[slot / 64] |= 1 << (slot % 64);
        }
        Self {
            view: ClientView::new(GridId(1), 0),
            visible: words,
            scratch: EncodeScratch::default(),
            bytes: Vec::new(),
            budget_bytes: DEFAULT_BUDGET_BYTES,
        }
    }

    /// As many bytes as it takes.
    #[must_use]
    pub fn without_budget(mut self) -> Self {
        self.budget_bytes = 1 << 20;
        self
    }

    /// The snapshot of the newest beat into [`Observer::bytes`].
    pub fn observe(&mut self, workload: &Workload) -> EncodeReport {
        self.view.acknowledge(&SnapshotAck {
            epoch: 0,
            tick: workload.tick().minus(BASELINE_AGE),
            mask: 0,
        });
        self.encode(workload)
    }

    /// The same without the acknowledgement.
    pub fn encode(&mut self, workload: &Workload) -> EncodeReport {
        self.bytes.clear();
        let request = SnapshotRequest {
            visible: &self.visible,
            own: None,
            last_input_sequence: 0,
            budget_bytes: self.budget_bytes,
        };
        self.view.encode(
            &mut self.scratch,
            &workload.history,
            &request,
            &mut self.bytes,
        )
    }
}

/// Bytes of whole snapshots, headers included, per visible entity, over `beats` beats at steady
/// state.
#[must_use]
pub fn bytes_per_entity(visible: u32, rates: Rates, beats: u32) -> f64 {
    let mut workload = Workload::new(visible, rates);
    let mut observer = Observer::new(visible, visible);
    let mut bytes = 0;
    for beat in 0..beats + 60 {
        workload.beat();
        let report = observer.observe(&workload);
        if beat >= 60 {
            bytes += report.bytes;
        }
    }
    bytes as f64 / (f64::from(beats) * f64::from(visible))
}
