use proptest::prelude::*;

use orrery_base::motion::{Motion, response, velocity_from_m_per_s};
use orrery_base::{CharacterId, GridId, Slot, TypeId};

use super::*;
use crate::snapshot::{
    ClientView, DEFAULT_BUDGET_BYTES, EncodeScratch, GridHistory, SlotState, SnapshotRequest,
};

const OWN: EntityId = EntityId::minted(1);
const BEAT_NS: u64 = 33_333_333;

/// A server with two ships, a client, and a line with a fixed delay each way.
struct Line {
    world: ClientWorld,
    history: GridHistory,
    view: ClientView,
    scratch: EncodeScratch,
    ships: [SlotState; 2],
    tick: Tick,
    delay_ns: u64,
    down: Vec<(u64, Vec<u8>)>,
    up: Vec<(u64, InputDatagram)>,
    last_input: u32,
    /// Positions of the second ship, by tick.
    track: Vec<(Tick, [i32; 3])>,
    is_cut: bool,
    worst_correction_cm: f64,
}

fn ship(id: EntityId, x: i32) -> SlotState {
    SlotState {
        id,
        type_id: TypeId(1),
        owner: CharacterId(1),
        motion: Motion {
            position_cm: [x, 0, 0],
            velocity: [0; 3],
            target_velocity: [0; 3],
            response: response(4.0),
        },
        vitals: [255; 3],
        activity: 0,
    }
}

/// What the rules make of an input; both sides must use the same.
fn target(direction: [i16; 3], throttle: u16) -> [i32; 3] {
    let most = i64::from(velocity_from_m_per_s(250.0));
    direction.map(|axis| (most * i64::from(axis) / 16_384 * i64::from(throttle) / 1_000) as i32)
}

impl Line {
    fn new(delay_ns: u64) -> Self {
        let mut world = ClientWorld::new(30, 2);
        world.spawned(GridId(1), OWN);
        Self {
            world,
            history: GridHistory::new(GridId(1)),
            view: ClientView::new(GridId(1), 0),
            scratch: EncodeScratch::default(),
            ships: [ship(OWN, 0), ship(EntityId::minted(2), 100_000)],
            tick: Tick(10_000),
            delay_ns,
            down: Vec::new(),
            up: Vec::new(),
            last_input: 0,
            track: Vec::new(),
            is_cut: false,
            worst_correction_cm: 0.0,
        }
    }

    fn now(&self) -> u64 {
        self.tick.0 * BEAT_NS
    }

    fn beat(&mut self, fly: Option<([i16; 3], u16)>) {
        self.tick = self.tick.next();
        let now = self.now();
        self.serve(now);
        // The client's frame comes somewhere within the beat.
        let frame = now + BEAT_NS / 2;
        let due: Vec<_> = self.down.extract_if(.., |(due, _)| *due <= frame).collect();
        for (arrived, bytes) in due {
            self.world.receive(arrived, &bytes).unwrap();
            let correction = self.world.prediction().correction_cm();
            self.worst_correction_cm = self.worst_correction_cm.max(correction);
        }
        self.world.advance(frame);
        if let Some((direction, throttle)) = fly {
            self.world
                .fly(direction, throttle, target(direction, throttle));
        }
        let mut bytes = Vec::new();
        self.world.datagram().encode(&mut bytes);
        let datagram = InputDatagram::decode(&bytes).unwrap();
        self.up.push((frame + self.delay_ns, datagram));
    }

    fn serve(&mut self, now: u64) {
        let due: Vec<_> = self.up.extract_if(.., |(due, _)| *due <= now).collect();
        for (_, datagram) in due {
            if let Some(ack) = datagram.acknowledgement {
                self.view.acknowledge(&ack);
            }
            for input in datagram.inputs().iter().rev() {
                if input.sequence > self.last_input {
                    self.last_input = input.sequence;
                    self.ships[0].motion.target_velocity = target(input.direction, input.throttle);
                }
            }
        }
        let mut frame = self.history.begin(self.tick);
        for (slot, ship) in self.ships.iter_mut().enumerate() {
            ship.motion.step(self.tick);
            frame.insert(Slot(slot as u32), ship);
        }
        self.history.push(frame);
        self.track
            .push((self.tick, self.ships[1].motion.position_cm));
        if self.tick.0.is_multiple_of(2) {
            let request = SnapshotRequest {
                visible: &[3],
                own: Some(Slot(0)),
                last_input_sequence: self.last_input,
                budget_bytes: DEFAULT_BUDGET_BYTES,
            };
            let mut out = Vec::new();
            self.view
                .encode(&mut self.scratch, &self.history, &request, &mut out);
            if !self.is_cut {
                self.down.push((now + self.delay_ns, out));
            }
        }
    }

    /// Where the second ship was at a time of the server.
    fn truth(&self, tick: Tick, fraction: f64) -> f64 {
        let at = |tick: Tick| {
            let found = self.track.iter().find(|(at, _)| *at == tick).unwrap();
            f64::from(found.1[0])
        };
        at(tick) + (at(tick.next()) - at(tick)) * fraction
    }
}

#[test]
fn own_ship_answers_at_once_and_is_hardly_corrected() {
    let mut line = Line::new(2 * BEAT_NS);
    for _ in 0..60 {
        line.beat(None);
    }
    assert_eq!(line.worst_correction_cm, 0.0, "nothing was unforeseen");
    let full = ([16_384, 0, 0], 1_000);
    line.beat(Some(full));
    let (tick, before) = line
        .world
        .prediction()
        .state()
        .map(|(t, m)| (t, *m))
        .unwrap();
    assert!(tick > line.tick, "the own ship is shown ahead");
    line.beat(Some(full));
    let (_, after) = line.world.prediction().state().unwrap();
    assert!(
        after.velocity[0] > before.velocity[0],
        "no round trip is waited for"
    );
    // Turning every second for ten seconds: the lead settles, and so do the corrections.
    let turns = [
        full,
        ([0, 16_384, 0], 700),
        ([0, 0, -16_384], 1_000),
        ([0, 0, 0], 0),
    ];
    for beat in 0..300 {
        line.beat(Some(turns[beat / 30 % 4]));
    }
    line.worst_correction_cm = 0.0;
    for beat in 0..300 {
        line.beat(Some(turns[beat / 30 % 4]));
    }
    // One beat of difference in when an input takes effect is 7 m/s² · 1/30 s · some beats.
    assert!(
        line.worst_correction_cm < 60.0,
        "{} cm",
        line.worst_correction_cm
    );
    assert!(line.world.prediction().pending_inputs() < 12);
    assert!(line.world.prediction().lead_ns() >= 3 * BEAT_NS);
}

#[test]
fn others_are_shown_100_ms_back_and_true() {
    let mut line = Line::new(2 * BEAT_NS);
    line.ships[1].motion.target_velocity = target([16_384, 0, 0], 1_000);
    for beat in 0..200 {
        line.beat(None);
        let now = line.now() + BEAT_NS / 2;
        let Some(pose) = line.world.pose(now, EntityId::minted(2)) else {
            assert!(beat < 10, "shown soon");
            continue;
        };
        if beat < 20 {
            continue;
        }
        assert_eq!(pose.source, PoseSource::Interpolated);
        let shown = line.world.clock().shown(now).unwrap();
        let truth = line.truth(shown.tick, shown.fraction);
        let error = (pose.position_cm[0] - truth).abs();
        assert!(error < 2.0, "{error} cm off at beat {beat}");
        assert_eq!(line.world.poses(now).count(), 1, "all but the own ship");
    }
}

#[test]
fn loss_is_bridged_by_the_law_and_then_stands_still() {
    let mut line = Line::new(BEAT_NS);
    line.ships[1].motion.target_velocity = target([16_384, 0, 0], 1_000);
    for _ in 0..60 {
        line.beat(None);
    }
    line.is_cut = true;
    let mut sources = Vec::new();
    for _ in 0..40 {
        line.beat(None);
        let now = line.now() + BEAT_NS / 2;
        let pose = line.world.pose(now, EntityId::minted(2)).unwrap();
        if pose.source == PoseSource::Extrapolated {
            let shown = line.world.clock().shown(now).unwrap();
            let truth = line.truth(shown.tick, shown.fraction);
            assert!(
                (pose.position_cm[0] - truth).abs() < 2.0,
                "the law is the law"
            );
        }
        if sources.last() != Some(&pose.source) {
            sources.push(pose.source);
        }
    }
    assert_eq!(
        sources,
        [
            PoseSource::Interpolated,
            PoseSource::Extrapolated,
            PoseSource::Stalled
        ]
    );
    // Back again: the server tells everything anew, against what was acknowledged or in full.
    line.is_cut = false;
    for _ in 0..20 {
        line.beat(None);
    }
    let now = line.now() + BEAT_NS / 2;
    let pose = line.world.pose(now, EntityId::minted(2)).unwrap();
    assert_eq!(pose.source, PoseSource::Interpolated);
    assert_eq!(line.world.counts().malformed, 0);
}

#[test]
fn what_goes_wrong_is_counted() {
    let mut line = Line::new(0);
    for _ in 0..20 {
        line.beat(None);
    }
    let now = line.now();
    assert!(line.world.receive(now, &[1, 2, 3]).is_err());
    assert!(line.world.receive(now, &[]).is_err());
    let counts = line.world.counts();
    assert_eq!((counts.malformed, counts.stale), (2, 0));
    assert!(counts.applied >= 9);
    line.world.departed(EntityId::minted(2));
    assert_eq!(line.world.pose(now, EntityId::minted(2)), None);
    assert!(line.world.own_pose(now).is_some());
    line.world.left_grid();
    assert_eq!(line.world.own_pose(now), None);
}

#[test]
fn the_clock_follows_the_best_arrivals_and_the_speed_of_time() {
    let mut clock = BeatClock::new(30, 1);
    assert_eq!(clock.beat(5), None);
    // Delays of 20 ms with jitter up to 30 ms more.
    for beat in 0..100_u64 {
        let jitter = (beat * 7 % 30) * 1_000_000;
        clock.observe(
            1_000_000_000 + beat * BEAT_NS + 20_000_000 + jitter,
            Tick(500 + beat),
        );
    }
    let (tick, fraction) = clock
        .beat(1_000_000_000 + 99 * BEAT_NS + 20_000_000)
        .unwrap();
    let estimate = tick.0 as f64 + fraction;
    assert!((estimate - 599.0).abs() < 0.1, "{estimate}");
    // At half pace a beat lasts twice as long, from the beat that was announced.
    let due = |beats: u64| 1_000_000_000 + beats * BEAT_NS + 20_000_000;
    clock.dilate(due(99), 500, Tick(602));
    assert_eq!(clock.per_mille(due(100)), 1_000);
    let estimate = |clock: &BeatClock, now_ns| {
        let (tick, fraction) = clock.beat(now_ns).unwrap();
        tick.0 as f64 + fraction
    };
    for (beats, expected) in [(101, 601.0), (102, 601.5), (103, 602.0), (105, 603.0)] {
        let found = estimate(&clock, due(beats));
        assert!((found - expected).abs() < 0.1, "{found} at beat {beats}");
    }
    assert_eq!(clock.per_mille(due(105)), 500);
    // An announcement that comes late corrects what was estimated since, and later ones count.
    clock.dilate(due(103), 1_000, Tick(603));
    clock.dilate(due(103), 250, Tick(601));
    let found = estimate(&clock, due(103));
    assert!((found - 600.75).abs() < 0.1, "{found}");
    // Without snapshots it waits.
    let (waits, _) = clock.beat(due(10_000)).unwrap();
    assert_eq!(clock.beat(due(20_000)).unwrap().0, waits);
    assert!(waits < Tick(605), "{waits}");
    // Another grid's beats begin another count, at full pace.
    clock.restart();
    assert_eq!(clock.beat(11_000_000_000), None);
    clock.observe(11_000_000_000, Tick(3));
    let (tick, _) = clock.beat(11_000_000_000 + BEAT_NS).unwrap();
    assert_eq!(tick, Tick(4));
}

fn any_tick() -> impl Strategy<Value = u64> {
    prop_oneof![0..2_000_u64, any::<u64>()]
}

proptest! {
    /// Whatever a server says and whenever it says it: no overflow, and steady time that does not
    /// go back by itself.
    #[test]
    fn any_announcements_and_arrivals_are_survived(
        steps in prop::collection::vec((any_tick(), any::<u16>(), 0..3_u8, 0..3_000_000_000_u64), 1..80),
        lead_ns in 0..1_000_000_000_u64,
    ) {
        let mut clock = BeatClock::new(30, 2);
        let mut now_ns = 0;
        clock.lead(now_ns, lead_ns);
        for (tick, per_mille, kind, pause_ns) in steps {
            match kind {
                0 => clock.dilate(now_ns, per_mille, Tick(tick)),
                1 => clock.observe(now_ns, Tick(tick)),
                _ => clock.lead(now_ns, lead_ns / 2),
            }
            prop_assert!((100..=1_000).contains(&clock.per_mille(now_ns)));
            let read = |now_ns| {
                let shown = clock.shown(now_ns).map(|it| (it.tick, it.fraction));
                [shown, clock.ahead(now_ns), clock.beat(now_ns)]
            };
            let (before, after) = (read(now_ns), read(now_ns + pause_ns));
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(before <= after, "{before:?} {after:?}");
            }
            now_ns += pause_ns;
        }
    }
}

#[test]
fn late_snapshots_of_another_grid_are_ignored_whatever_their_beat() {
    let mut line = Line::new(0);
    for _ in 0..20 {
        line.beat(None);
    }
    // Two more of the first grid, still on their way when the ship is elsewhere.
    line.delay_ns = 1 << 40;
    for _ in 0..4 {
        line.beat(None);
    }
    let late: Vec<_> = line.down.drain(..).map(|(_, bytes)| bytes).collect();
    assert_eq!(late.len(), 2);
    let now = line.now();
    let elsewhere = |line: &mut Line, bytes: &[u8]| {
        let refused = line.world.receive(now, bytes);
        assert_eq!(refused, Err(SnapshotError::Elsewhere(GridId(1))));
    };
    line.world.left_grid();
    elsewhere(&mut line, &late[0]);
    line.world.spawned(GridId(2), OWN);
    elsewhere(&mut line, &late[1]);
    assert_eq!(line.world.replica().entities().count(), 0, "forgotten");
    assert_eq!(line.world.datagram().acknowledgement, None);
    assert_eq!(line.world.own_pose(now), None);
    // The new grid's time is far behind, and its first snapshot comes before the message.
    let mut history = GridHistory::new(GridId(2));
    let mut frame = history.begin(Tick(7));
    frame.insert(Slot(0), &ship(OWN, 500));
    history.push(frame);
    line.view.change_grid(GridId(2));
    let request = SnapshotRequest {
        visible: &[1],
        own: Some(Slot(0)),
        last_input_sequence: 0,
        budget_bytes: DEFAULT_BUDGET_BYTES,
    };
    let mut first = Vec::new();
    line.view
        .encode(&mut line.scratch, &history, &request, &mut first);
    line.world.spawned(GridId(1), OWN);
    let refused = line.world.receive(now, &first);
    assert_eq!(refused, Err(SnapshotError::Elsewhere(GridId(2))));
    line.world.spawned(GridId(2), OWN);
    let applied = line.world.receive(now, &first).unwrap();
    assert_eq!((applied.tick, applied.grid), (Tick(7), GridId(2)));
    assert_eq!(line.world.clock().beat(now).unwrap().0, Tick(7));
    assert_eq!(line.world.counts().elsewhere, 3);
}
