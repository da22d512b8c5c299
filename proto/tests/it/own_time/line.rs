//! A server of two grids, each with a time of its own, a client at sixty frames a second, and a
//! network between them that loses, delays and reorders.

use std::collections::BTreeMap;

use orrery_base::motion::{Motion, response, velocity_from_m_per_s};
use orrery_base::rng::Rng;
use orrery_base::{CharacterId, EntityId, GridId, Slot, SystemId, Tick, TypeId};
use orrery_proto::client::{ClientWorld, PoseSource};
use orrery_proto::input::InputDatagram;
use orrery_proto::message::{DepartureReason, ServerMessage};
use orrery_proto::snapshot::{
    ClientView, DEFAULT_BUDGET_BYTES, EncodeScratch, GridHistory, SlotState, SnapshotRequest,
};

const OWN: EntityId = EntityId::minted(1);
const OTHER: EntityId = EntityId::minted(2);
const BEAT_NS: u64 = 33_333_333;
const FRAME_NS: u64 = BEAT_NS / 2;
const INTERVAL: u64 = 2;
const WHOLE_BEAT: u32 = 1_000;
/// Both ships' top speed, metres per second.
const SPEED: f64 = 250.0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    pub(super) loss_percent: u32,
    pub(super) delay_ms: u64,
    /// Added to the delay: anything from zero to this.
    pub(super) jitter_ms: u64,
}

/// One grid: its own ship, if it is here, in slot 0, and another one in slot 1.
struct Grid {
    tick: Tick,
    pace: u32,
    /// The pace from a beat on.
    announced: Option<(Tick, u32)>,
    credit: u32,
    stands: bool,
    /// Time that is not used at once is lost: it runs slower than announced.
    wastes: bool,
    own: Option<Motion>,
    other: Motion,
    history: GridHistory,
    /// Both motions after each beat.
    past: BTreeMap<Tick, (Option<Motion>, Motion)>,
}

/// What a stretch of play was like for the client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) snapshots: u32,
    /// By how much a snapshot corrected the own ship.
    pub(super) correction_cm: f64,
    /// How far the shown own ship moved in a frame, most.
    pub(super) own_step_cm: f64,
    /// How far it moved against its velocity in a frame, most.
    pub(super) own_back_cm: f64,
    /// How far the other ship was from where it was at the shown time, most.
    pub(super) other_error_cm: f64,
    /// How far the other ship moved in a frame, most.
    pub(super) other_step_cm: f64,
    /// How far the predicted beat was ahead of the grid's newest one.
    pub(super) ahead_beats: u64,
    /// Frames in which something was extrapolated, or stood.
    pub(super) carried: u32,
    pub(super) frames: u32,
}

pub(super) struct Line {
    pub(super) world: ClientWorld,
    seen: Seen,
    grids: BTreeMap<GridId, Grid>,
    /// Where the own ship is.
    place: Option<GridId>,
    view: ClientView,
    scratch: EncodeScratch,
    network: Network,
    rng: Rng,
    pub(super) now_ns: u64,
    beats: u64,
    frames: u64,
    down: Vec<(u64, Vec<u8>)>,
    up: Vec<(u64, InputDatagram)>,
    stream: Vec<(u64, ServerMessage)>,
    last_input: u32,
    shown: Option<(GridId, f64)>,
    own_shown: Option<[f64; 3]>,
    other_shown: Option<[f64; 3]>,
}

fn state(id: EntityId, motion: Motion) -> SlotState {
    SlotState {
        id,
        type_id: TypeId(1),
        owner: CharacterId(1),
        motion,
        vitals: [255; 3],
        activity: 0,
    }
}

/// What the rules make of an input; both sides use the same.
fn target(direction: [i16; 3], throttle: u16) -> [i32; 3] {
    let most = i64::from(velocity_from_m_per_s(SPEED));
    direction.map(|axis| (most * i64::from(axis) / 16_384 * i64::from(throttle) / 1_000) as i32)
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let apart = [0, 1, 2].map(|axis| a[axis] - b[axis]);
    orrery_base::math::sqrt(apart.iter().map(|axis| axis * axis).sum())
}

impl Grid {
    fn new(id: GridId, tick: Tick) -> Self {
        let mut other = Motion::at_rest([100_000, 5_000, 0]);
        other.response = response(4.0);
        Self {
            tick,
            pace: WHOLE_BEAT,
            announced: None,
            credit: 0,
            stands: false,
            wastes: false,
            own: None,
            other,
            history: GridHistory::new(id),
            past: BTreeMap::new(),
        }
    }

    /// One beat of the host; whether the grid did one of its own.
    fn beat(&mut self) -> bool {
        if self.stands {
            return false;
        }
        let next = self.tick.next();
        if let Some((_, pace)) = self.announced.take_if(|(from, _)| *from <= next) {
            self.pace = pace;
        }
        self.credit += self.pace;
        if self.wastes {
            self.credit = self.credit.min(WHOLE_BEAT);
        }
        if self.credit < WHOLE_BEAT {
            return false;
        }
        self.credit -= WHOLE_BEAT;
        self.tick = next;
        // The other ship turns every two seconds of the grid's time.
        if next.0.is_multiple_of(60) {
            let directions = [[16_384, 0, 0], [0, 16_384, 0], [-16_384, 0, 0], [0; 3]];
            let turn = next.0 / 60 % directions.len() as u64;
            self.other.target_velocity = target(directions[turn as usize], 1_000);
        }
        let mut frame = self.history.begin(next);
        if let Some(own) = &mut self.own {
            own.step(next);
            frame.insert(Slot(0), &state(OWN, *own));
        }
        self.other.step(next);
        frame.insert(Slot(1), &state(OTHER, self.other));
        self.history.push(frame);
        self.past.insert(next, (self.own, self.other));
        true
    }
}

impl Line {
    /// The own ship has just come to the first of the grids.
    pub(super) fn new(seed: u64, network: Network, grids: &[(GridId, Tick)]) -> Self {
        let first = grids[0].0;
        let mut line = Self {
            world: ClientWorld::new(30, INTERVAL as u8),
            seen: Seen::default(),
            grids: grids
                .iter()
                .map(|&(id, tick)| (id, Grid::new(id, tick)))
                .collect(),
            place: None,
            view: ClientView::new(first, 0),
            scratch: EncodeScratch::default(),
            network,
            rng: Rng::new(seed, Tick(0), EntityId(1), 0x6c69_6e65),
            now_ns: 1_000_000_000,
            beats: 0,
            frames: 0,
            down: Vec::new(),
            up: Vec::new(),
            stream: Vec::new(),
            last_input: 0,
            shown: None,
            own_shown: None,
            other_shown: None,
        };
        line.arrive(first);
        line
    }

    pub(super) fn tick(&self, grid: GridId) -> Tick {
        self.grids[&grid].tick
    }

    fn grid_mut(&mut self, grid: GridId) -> &mut Grid {
        self.grids.get_mut(&grid).unwrap()
    }

    /// The pace changes a beat from now; a client that is there is told at once.
    pub(super) fn set_pace(&mut self, grid: GridId, per_mille: u32) {
        let place = self.place;
        let it = self.grid_mut(grid);
        let from_tick = it.tick.plus(2);
        it.announced = Some((from_tick, per_mille));
        if place == Some(grid) {
            self.tell(ServerMessage::Dilation {
                per_mille: per_mille as u16,
                from_tick,
            });
        }
    }

    pub(super) fn waste(&mut self, grid: GridId) {
        self.grid_mut(grid).wastes = true;
    }

    pub(super) fn stand(&mut self, grid: GridId, stands: bool) {
        self.grid_mut(grid).stands = stands;
    }

    /// Jumps; the ship is there a beat later.
    pub(super) fn jump(&mut self, to: GridId) {
        let from = self.place.take().unwrap();
        self.grid_mut(from).own = None;
        self.tell(ServerMessage::GridLeft {
            grid: from,
            reason: DepartureReason::Jumped,
        });
        self.host_beat();
        self.view.change_grid(to);
        self.arrive(to);
    }

    fn arrive(&mut self, grid: GridId) {
        let mut own = Motion::at_rest([0, 0, 20_000]);
        own.response = response(4.0);
        let it = self.grid_mut(grid);
        it.own = Some(own);
        let (tick, pace) = (it.tick.next(), it.pace);
        self.place = Some(grid);
        self.tell(ServerMessage::EntitySpawned {
            grid,
            system: SystemId(grid.0),
            entity: OWN,
            tick,
        });
        if pace != WHOLE_BEAT {
            self.tell(ServerMessage::Dilation {
                per_mille: pace as u16,
                from_tick: tick,
            });
        }
    }

    fn jitter_ns(&mut self) -> u64 {
        let most_us = (self.network.jitter_ms * 1_000) as u32;
        u64::from(self.rng.below(most_us + 1)) * 1_000
    }

    fn is_lost(&mut self) -> bool {
        self.rng.below(100) < self.network.loss_percent
    }

    /// On the stream nothing is lost or reordered: it comes later.
    fn tell(&mut self, message: ServerMessage) {
        let mut delay_ns = self.network.delay_ms * 1_000_000 + self.jitter_ns();
        if self.is_lost() {
            delay_ns *= 3;
        }
        let behind = self.stream.last().map_or(0, |(due, _)| *due);
        self.stream
            .push((behind.max(self.now_ns + delay_ns), message));
    }

    fn send_down(&mut self, bytes: Vec<u8>) {
        let due = self.now_ns + self.network.delay_ms * 1_000_000 + self.jitter_ns();
        if !self.is_lost() {
            self.down.push((due, bytes));
        }
    }

    /// A beat of the host: inputs are taken, grids that may do theirs, snapshots go out.
    fn host_beat(&mut self) {
        self.beats += 1;
        let now_ns = self.now_ns;
        let due: Vec<_> = self.up.extract_if(.., |(due, _)| *due <= now_ns).collect();
        for (_, datagram) in due {
            if let Some(ack) = datagram.acknowledgement {
                self.view.acknowledge(&ack);
            }
            let Some(place) = self.place else { continue };
            for input in datagram.inputs().iter().rev() {
                if input.sequence > self.last_input {
                    self.last_input = input.sequence;
                    let it = self.grid_mut(place);
                    if let Some(own) = &mut it.own {
                        own.target_velocity = target(input.direction, input.throttle);
                    }
                }
            }
        }
        let mut moved = Vec::new();
        for (&id, grid) in &mut self.grids {
            if grid.beat() && grid.tick.0.is_multiple_of(INTERVAL) {
                moved.push(id);
            }
        }
        if let Some(place) = self.place.filter(|place| moved.contains(place)) {
            let request = SnapshotRequest {
                visible: &[3],
                own: Some(Slot(0)),
                last_input_sequence: self.last_input,
                budget_bytes: DEFAULT_BUDGET_BYTES,
            };
            let mut out = Vec::new();
            let history = &self.grids[&place].history;
            self.view
                .encode(&mut self.scratch, history, &request, &mut out);
            self.send_down(out);
        }
    }

    /// One frame of the client, with an input at every second one.
    fn frame(&mut self, fly: ([i16; 3], u16)) {
        self.now_ns += FRAME_NS;
        self.frames += 1;
        if self.frames.is_multiple_of(2) {
            self.host_beat();
        }
        self.hear();
        self.world.advance(self.now_ns);
        self.look();
        if self.frames.is_multiple_of(2) {
            let target = target(fly.0, fly.1);
            if self.world.own().is_some() {
                self.world.fly(fly.0, fly.1, target);
            }
            let mut bytes = Vec::new();
            self.world.datagram().encode(&mut bytes);
            let datagram = InputDatagram::decode(&bytes).unwrap();
            let due = self.now_ns + self.network.delay_ms * 1_000_000 + self.jitter_ns();
            if !self.is_lost() {
                self.up.push((due, datagram));
            }
        }
    }

    /// Plays for so many frames of a sixtieth of a second; what they were like.
    pub(super) fn frames(&mut self, count: u64, fly: impl Fn(u64) -> ([i16; 3], u16)) -> Seen {
        self.seen = Seen::default();
        for frame in 0..count {
            self.frame(fly(frame));
        }
        self.seen
    }

    /// Takes what has arrived, in order of arrival.
    fn hear(&mut self) {
        let now_ns = self.now_ns;
        let messages: Vec<_> = self
            .stream
            .extract_if(.., |(due, _)| *due <= now_ns)
            .collect();
        for (_, message) in messages {
            match message {
                ServerMessage::EntitySpawned { grid, entity, .. } => {
                    self.world.spawned(grid, entity);
                    self.own_shown = None;
                    self.other_shown = None;
                }
                ServerMessage::GridLeft { .. } => self.world.left_grid(),
                ServerMessage::Dilation {
                    per_mille,
                    from_tick,
                } => self.world.dilate(now_ns, per_mille, from_tick),
                other => panic!("{other:?}"),
            }
        }
        let mut due: Vec<_> = self
            .down
            .extract_if(.., |(due, _)| *due <= now_ns)
            .collect();
        due.sort_by_key(|(due, _)| *due);
        for (arrived, bytes) in due {
            match self.world.receive(arrived, &bytes) {
                Ok(applied) => {
                    self.seen.snapshots += 1;
                    let correction = self.world.prediction().correction_cm();
                    self.seen.correction_cm = self.seen.correction_cm.max(correction);
                    self.check_own(applied.grid, applied.tick);
                }
                Err(error) => assert!(error.is_harmless(), "{error}"),
            }
        }
    }

    /// The own ship is exact in every snapshot: the server's very bits, on the right grid.
    fn check_own(&self, grid: GridId, tick: Tick) {
        assert_eq!(Some(grid), self.world.grid(), "only the grid of this stay");
        let replica = self.world.replica();
        let own = replica.entity(OWN).unwrap();
        assert!(replica.is_exact(own));
        let (truth, _) = self.grids[&grid].past[&tick];
        assert_eq!(
            Some(*own.motion()),
            truth,
            "at beat {tick} of grid {}",
            grid.0
        );
    }

    /// Looks at what is shown.
    fn look(&mut self) {
        let Some(grid) = self.world.grid() else {
            return;
        };
        self.seen.frames += 1;
        self.look_at_own(grid);
        let clock = self.world.clock();
        let (Some(shown), Some(pose)) = (
            clock.shown(self.now_ns),
            self.world.pose(self.now_ns, OTHER),
        ) else {
            return;
        };
        let position = shown.tick.0 as f64 + shown.fraction;
        if let Some((_, before)) = self.shown.filter(|(before, _)| *before == grid) {
            assert!(
                position >= before - 1e-6,
                "shown time goes back: {before} {position}"
            );
        }
        self.shown = Some((grid, position));
        self.seen.carried += u32::from(pose.source != PoseSource::Interpolated);
        if let Some(before) = self.other_shown.replace(pose.position_cm) {
            let step = distance(before, pose.position_cm);
            self.seen.other_step_cm = self.seen.other_step_cm.max(step);
        }
        let past = &self.grids[&grid].past;
        let (Some((_, from)), Some((_, to))) =
            (past.get(&shown.tick), past.get(&shown.tick.next()))
        else {
            return;
        };
        let truth = [0, 1, 2].map(|axis| {
            let (from, to) = (from.position_cm[axis], to.position_cm[axis]);
            f64::from(from) + f64::from(to - from) * shown.fraction
        });
        let error = distance(truth, pose.position_cm);
        self.seen.other_error_cm = self.seen.other_error_cm.max(error);
    }

    fn look_at_own(&mut self, grid: GridId) {
        if let Some((tick, _)) = self.world.prediction().state() {
            let ahead = tick.since(self.grids[&grid].tick);
            self.seen.ahead_beats = self.seen.ahead_beats.max(ahead);
        }
        let Some(pose) = self.world.own_pose(self.now_ns) else {
            return;
        };
        if let Some(before) = self.own_shown.replace(pose.position_cm) {
            let step = distance(before, pose.position_cm);
            self.seen.own_step_cm = self.seen.own_step_cm.max(step);
            let v = pose.velocity_m_per_s;
            let speed = distance(v, [0.0; 3]);
            if speed > 100.0 {
                let along: f64 = (0..3)
                    .map(|axis| (pose.position_cm[axis] - before[axis]) * v[axis] / speed)
                    .sum();
                self.seen.own_back_cm = self.seen.own_back_cm.max(-along);
            }
        }
    }
}
