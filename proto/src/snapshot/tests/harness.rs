//! The server, the client and the network of the tests.

use std::collections::BTreeMap;

use orrery_base::motion::{Motion, VELOCITY_MAX, response, velocity_from_m_per_s};
use orrery_base::rng::Rng;
use orrery_base::{CharacterId, EntityId, GridId, Slot, Tick, TypeId};

use super::super::*;
use crate::input::SnapshotAck;

#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    pub(super) loss_percent: u32,
    pub(super) double_percent: u32,
    pub(super) reorder_percent: u32,
    /// Each way.
    pub(super) delay_beats: u64,
}

impl Network {
    pub(super) const fn perfect() -> Self {
        Self {
            loss_percent: 0,
            double_percent: 0,
            reorder_percent: 0,
            delay_beats: 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) slots: u32,
    pub(super) budget_bytes: usize,
    /// Of slots, per beat: an entity comes, goes or is replaced.
    pub(super) churn_percent: u32,
    /// Of entities, per beat: something about them changes.
    pub(super) change_percent: u32,
    /// Of slots, per beat: visibility flips.
    pub(super) blink_percent: u32,
    pub(super) network: Network,
    /// Beats from snapshot to snapshot.
    pub(super) interval: u64,
    pub(super) beats: u64,
}

impl Plan {
    pub(super) const fn calm() -> Self {
        Self {
            seed: 1,
            slots: 20,
            budget_bytes: DEFAULT_BUDGET_BYTES,
            churn_percent: 0,
            change_percent: 3,
            blink_percent: 0,
            network: Network::perfect(),
            interval: 1,
            beats: 40,
        }
    }
}

type World = BTreeMap<u32, SlotState>;

pub(super) struct Session {
    pub(super) plan: Plan,
    pub(super) history: GridHistory,
    pub(super) view: ClientView,
    pub(super) replica: Replica,
    /// Every snapshot, as sent.
    pub(super) recorded: Vec<Vec<u8>>,
    pub(super) applied: usize,
    pub(super) visible: Vec<u64>,
    /// The first beat at which everything visible was exact, counted from the start.
    pub(super) beats_until_whole: Option<u64>,
    scratch: EncodeScratch,
    world: World,
    past: BTreeMap<Tick, World>,
    rng: Rng,
    tick: Tick,
    start: Tick,
    serial: u64,
    own: Slot,
    down: Vec<(Tick, Vec<u8>)>,
    up: Vec<(Tick, SnapshotAck)>,
    last_exact: BTreeMap<u32, Tick>,
    longest: u64,
}

impl Session {
    pub(super) fn new(plan: Plan) -> Self {
        // Not at zero, and across the place where 16 bits of the tick wrap.
        let start = Tick(0x1_ffd0 + plan.seed % 32);
        let mut session = Self {
            plan,
            history: GridHistory::new(GridId(1)),
            view: ClientView::new(GridId(1), 250),
            replica: Replica::new(),
            recorded: Vec::new(),
            applied: 0,
            visible: vec![u64::MAX; plan.slots.div_ceil(64) as usize],
            beats_until_whole: None,
            scratch: EncodeScratch::default(),
            world: World::new(),
            past: BTreeMap::new(),
            rng: Rng::new(plan.seed, start, EntityId::NONE, 0),
            tick: start,
            start,
            serial: 1,
            own: Slot(0),
            down: Vec::new(),
            up: Vec::new(),
            last_exact: BTreeMap::new(),
            longest: 0,
        };
        for slot in 0..plan.slots {
            session.spawn(slot);
        }
        session
    }

    pub(super) fn run(&mut self) {
        for _ in 0..self.plan.beats {
            self.beat();
        }
    }

    /// The longest that a visible entity went without being exact.
    pub(super) fn longest_unheard(&self) -> u64 {
        let since = |slot: &u32| {
            let last = self.last_exact.get(slot).copied().unwrap_or(self.start);
            self.tick.since(last)
        };
        let now = self.world.keys().map(since).max().unwrap_or(0);
        now.max(self.longest)
    }

    pub(super) fn replace(&mut self, slot: Slot) {
        self.spawn(slot.0);
    }

    pub(super) fn change_grid(&mut self, grid: GridId) {
        self.history = GridHistory::new(grid);
        self.view.change_grid(grid);
    }

    pub(super) fn skip_beats(&mut self, beats: u64) {
        self.tick = self.tick.plus(beats);
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.below(100) < percent
    }

    fn signed(&mut self, below: u32) -> i32 {
        let magnitude = self.rng.below(below) as i32;
        if self.rng.below(2) == 0 {
            magnitude
        } else {
            -magnitude
        }
    }

    fn velocity(&mut self) -> [i32; 3] {
        let quantum = [1, 1 << 8, 1 << 11, 1 << 14][self.rng.below(4) as usize];
        let most = velocity_from_m_per_s(400.0) as u32;
        if self.chance(5) {
            let extreme = [VELOCITY_MAX, -VELOCITY_MAX, 0];
            return [0; 3].map(|_: i32| extreme[self.rng.below(3) as usize]);
        }
        [0; 3].map(|_: i32| self.signed(most) / quantum * quantum)
    }

    fn spawn(&mut self, slot: u32) {
        self.serial += 1;
        let id = match self.rng.below(3) {
            0 => EntityId::of_object(orrery_base::ObjectId(self.serial as u32)),
            1 => EntityId::minted(self.serial),
            _ => EntityId::spawned(GridId(3), self.serial),
        };
        let edge = if self.chance(5) {
            i32::MAX as u32
        } else {
            10_000_000
        };
        let target_velocity = self.velocity();
        let velocity = if self.chance(50) {
            target_velocity
        } else {
            self.velocity()
        };
        let motion = Motion {
            position_cm: [0; 3].map(|_: i32| self.signed(edge)),
            velocity,
            target_velocity,
            response: response(1.0 + f64::from(self.rng.below(60))),
        };
        let state = SlotState {
            id,
            type_id: TypeId(self.rng.below(500)),
            owner: CharacterId(self.rng.next_u64() >> self.rng.below(64)),
            motion,
            vitals: [255, 255, 200],
            activity: 0,
        };
        self.world.insert(slot, state);
        self.last_exact.insert(slot, self.tick);
    }

    fn disturb(&mut self, slot: u32) {
        let what = self.rng.below(9);
        let (velocity, jump) = (self.velocity(), [0; 3].map(|_: i32| self.signed(1 << 30)));
        let (tau, byte, axis) = (
            self.rng.below(20),
            self.rng.below(256) as u8,
            self.rng.below(3),
        );
        let Some(state) = self.world.get_mut(&slot) else {
            return;
        };
        match what {
            0..=2 => state.motion.target_velocity = velocity,
            3 => state.motion.response = response(f64::from(tau)),
            4 => state.vitals[axis as usize] = byte,
            5 => {
                let vital = &mut state.vitals[axis as usize];
                *vital = vital.saturating_sub(byte % 20);
            }
            6 => state.activity ^= 1 << (byte % 8),
            7 => state.motion.position_cm = jump,
            _ => {
                state.motion.velocity = velocity;
                state.activity = byte;
            }
        }
    }

    pub(super) fn beat(&mut self) {
        self.tick = self.tick.next();
        for slot in 0..self.plan.slots {
            if self.chance(self.plan.churn_percent) && slot != self.own.0 {
                match self.rng.below(3) {
                    0 => drop(self.world.remove(&slot)),
                    _ => self.spawn(slot),
                }
            }
            if self.chance(self.plan.change_percent) {
                // Before the step or after it: as an input does, or as an effect.
                self.disturb(slot);
            }
            if self.chance(self.plan.blink_percent) && slot != self.own.0 {
                self.visible[slot as usize / 64] ^= 1 << (slot % 64);
            }
        }
        let tick = self.tick;
        for state in self.world.values_mut() {
            state.motion.step(tick);
        }
        for slot in 0..self.plan.slots {
            if self.chance(self.plan.change_percent / 4) {
                self.disturb(slot);
            }
        }
        self.publish();
        self.deliver();
    }

    fn publish(&mut self) {
        let mut frame = self.history.begin(self.tick);
        for (&slot, state) in &self.world {
            frame.insert(Slot(slot), state);
        }
        self.history.push(frame);
        self.past.insert(self.tick, self.world.clone());
        self.past.retain(|tick, _| self.tick.since(*tick) < 64);
        for index in 0..self.up.len() {
            if self.up[index].0 <= self.tick {
                self.view.acknowledge(&self.up[index].1.clone());
            }
        }
        let now = self.tick;
        self.up.retain(|(due, _)| *due > now);
        if !self.tick.0.is_multiple_of(self.plan.interval) {
            return;
        }
        let request = SnapshotRequest {
            visible: &self.visible,
            own: Some(self.own),
            last_input_sequence: self.tick.0 as u32 * 3,
            budget_bytes: self.plan.budget_bytes,
        };
        let mut out = Vec::new();
        let report = self
            .view
            .encode(&mut self.scratch, &self.history, &request, &mut out);
        assert_eq!(report.bytes, out.len());
        assert!(out.len() <= self.plan.budget_bytes, "{report:?}");
        self.send(out.clone());
        self.recorded.push(out);
    }

    fn due(&mut self) -> Tick {
        let network = self.plan.network;
        let late = if self.chance(network.reorder_percent) {
            u64::from(self.rng.below(6))
        } else {
            0
        };
        self.tick.plus(network.delay_beats + late)
    }

    fn send(&mut self, bytes: Vec<u8>) {
        let network = self.plan.network;
        let copies = 1 + u32::from(self.chance(network.double_percent));
        for _ in 0..copies {
            if !self.chance(network.loss_percent) {
                let due = self.due();
                self.down.push((due, bytes.clone()));
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.tick;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.down)
            .into_iter()
            .partition(|(due, _)| *due <= now);
        self.down = later;
        for (_, bytes) in due {
            match self.replica.decode(&bytes) {
                Ok(applied) => self.check(&applied),
                // The client acknowledges only what it has: nothing but the loss of an epoch's
                // first snapshot can be missing.
                Err(SnapshotError::Stale | SnapshotError::UnknownBaseline(Tick(0))) => {}
                Err(error) => panic!("{error:?}"),
            }
            if let Some(ack) = self.replica.acknowledgement()
                && !self.chance(self.plan.network.loss_percent)
            {
                let due = self.due();
                self.up.push((due, ack));
            }
        }
    }

    fn check(&mut self, applied: &Applied) {
        self.applied += 1;
        let world = &self.past[&applied.tick];
        assert_eq!(applied.last_input_sequence, applied.tick.0 as u32 * 3);
        let mut exact = 0;
        for entity in self.replica.entities() {
            if !self.replica.is_exact(entity) {
                continue;
            }
            exact += 1;
            let slot = entity.slot.0;
            let state = world.get(&slot).expect("an exact entity is there");
            assert_eq!(entity.id, state.id);
            assert_eq!(entity.type_id, state.type_id);
            assert_eq!(entity.owner, state.owner);
            assert_eq!(*entity.motion(), state.motion, "slot {slot}");
            assert_eq!(entity.vitals(), state.vitals, "slot {slot}");
            assert_eq!(entity.activity(), state.activity, "slot {slot}");
            if let Some(before) = self.last_exact.insert(slot, applied.tick) {
                self.longest = self.longest.max(applied.tick.since(before));
            }
        }
        assert_eq!(exact, applied.exact);
        let own = self.replica.in_slot(self.own).expect("own is told first");
        assert!(self.replica.is_exact(own), "own is exact in every snapshot");
        if exact == world.len() && self.beats_until_whole.is_none() {
            self.beats_until_whole = Some(applied.tick.since(self.start));
        }
    }
}
