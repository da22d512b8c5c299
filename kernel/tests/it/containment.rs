//! What goes wrong in one grid ends that grid only, and it can be restored.

use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::effects::part_of;
use orrery_kernel::grid::{Grid, RecordOf};
use orrery_kernel::probe::NoProbe;
use orrery_kernel::replay::replay_grid;
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_kernel::team::Failure;
use orrery_kernel::world::World;

use crate::host::{Host, Pacer};
use crate::script::{CONFIG, GRIDS, Trace, assert_same, context, numbered, trace};
use crate::toy::{IMPOSSIBLE, Toy, ToyInput, ToyMessage, ship, ship_id};

const LOST: GridId = GRIDS[1];
/// The host's beat in which it goes wrong.
const WRONG: Tick = Tick(31);

/// Never done by the script.
const POISON: u64 = 77;

fn poison() -> (GridId, Stamped<ToyInput>) {
    let input = Stamped {
        source: POISON,
        sequence: 0,
        input: ToyInput::SpawnTwice(ship_id(LOST, 999)),
    };
    (LOST, input)
}

fn envelope(message: ToyMessage) -> Envelope<ToyMessage> {
    Envelope {
        from: GridId(9),
        to: LOST,
        sent: Tick(1),
        sequence: 0,
        message,
    }
}

/// The others' traces in `beats` beats; what the lost grid would send is withheld from `WRONG` on.
fn others(host: &mut Host, beats: u64, failures: &mut Vec<Failure<Toy>>) -> Vec<Trace> {
    let mut traces = Vec::new();
    for _ in 0..beats {
        host.deliver(numbered(host.tick.next()), &[]);
        let mut output = host.step();
        failures.append(&mut output.failures);
        if host.tick >= WRONG {
            output.messages.retain(|e| e.from != LOST);
            output.grids.retain(|beat| beat.record.grid != LOST);
        }
        host.deliver(Vec::new(), &output.messages);
        traces.push(trace(output));
    }
    traces
}

/// A way of going wrong, with what the failure says.
type Wrong = (fn(&mut Host), &'static str);

fn spawn_twice(host: &mut Host) {
    host.deliver(vec![poison()], &[]);
}

/// A ship arrives that is here already, and is not of the leader's seats on up to three members.
fn arrive_twice(host: &mut Host) {
    let mut here = Vec::new();
    host.home(LOST)
        .each_part(LOST, |part| here.extend_from_slice(part.table.ids()));
    let is_elsewhere = |id: &&EntityId| (2..=3).all(|members| part_of(**id, 2 * members) >= 2);
    let id = here.iter().find(is_elsewhere).unwrap();
    let message = ToyMessage::Arrive(*id, ship([0; 3]));
    host.deliver(vec![], &[envelope(message)]);
}

fn arrive_impossible(host: &mut Host) {
    let mut row = ship([0; 3]);
    row.hull = IMPOSSIBLE;
    let message = ToyMessage::Arrive(ship_id(GridId(9), 5), row);
    host.deliver(vec![], &[envelope(message)]);
}

const WAYS: [Wrong; 3] = [
    (spawn_twice, "asked for twice"),
    (arrive_twice, "is here already"),
    (arrive_impossible, "has an impossible hull"),
];

#[test]
fn the_others_go_on_as_without_it() {
    let mut none = Vec::new();
    let expected = others(&mut Host::new(1, 1), 60, &mut none);
    assert!(none.is_empty());
    for (go_wrong, says) in WAYS {
        for (members, parts) in [(0, 1), (0, 3), (1, 2), (2, 2), (3, 2)] {
            let what = format!("{says}: {members} members, {parts} parts");
            let mut host = Host::new(3, parts);
            let mut failures = Vec::new();
            let mut found = others(&mut host, 10, &mut failures);
            if members > 0 {
                assert!(host.spread(LOST, members, parts));
            }
            found.extend(others(&mut host, 20, &mut failures));
            let waited = host.home(LOST).waiting(LOST).unwrap().arrivals.clone();
            go_wrong(&mut host);
            found.extend(others(&mut host, 30, &mut failures));
            assert_same(&found, &expected, &what);

            let [failure] = failures.as_slice() else {
                panic!("{what}: {failures:?}");
            };
            assert!(failure.message.contains(says), "{failure:?}");
            assert_eq!((failure.grid, failure.tick), (LOST, WRONG));
            assert_eq!(failure.wall, WRONG);
            let arrivals = &failure.delivery.arrivals;
            assert!(waited.iter().all(|envelope| arrivals.contains(envelope)));
            let script = numbered(WRONG).into_iter().filter(|(to, _)| *to == LOST);
            let inputs = failure.delivery.inputs.iter();
            let inputs = inputs.filter(|input| input.source != POISON);
            assert_eq!(inputs.count(), script.count(), "{what}");
            let extra = failure.delivery.inputs.iter();
            let extra = extra.filter(|input| input.source == POISON).count();
            assert_eq!(arrivals.len() - waited.len() + extra, 1, "{what}");

            let world = host.home(LOST);
            assert_eq!(world.members(LOST), Some(0));
            assert_eq!(world.digest(LOST), None);
            assert!(world.image(LOST).is_none() && world.take(LOST).is_none());
            assert!(world.is_asleep(LOST));
            let waits = world.waiting(LOST).unwrap();
            assert!(
                waits.inputs.len() > 20 && !waits.arrivals.is_empty(),
                "{what}"
            );
        }
    }
}

/// Plays until it has gone wrong, restores, and plays on; the records of the lost grid.
fn restored(members: u16, parts: u16, pause: u64) -> Vec<RecordOf<Toy>> {
    let mut host = Host::new(3, parts);
    if members > 0 {
        assert!(host.spread(LOST, members, parts));
    }
    let mut image = None;
    let mut records: Vec<RecordOf<Toy>> = Vec::new();
    let mut since = 0;
    let mut failure: Option<Failure<Toy>> = None;
    for tick in (1..=80).map(Tick) {
        let mut inputs = numbered(tick);
        if tick == WRONG {
            inputs.push(poison());
        }
        let mut output = host.beat(inputs);
        for beat in output.grids {
            if beat.record.grid == LOST {
                records.push(beat.record);
            }
        }
        if tick == Tick(25) {
            image = host.home(LOST).image(LOST);
            since = records.len();
        }
        failure = failure.or_else(|| output.failures.pop());
        assert!(output.failures.is_empty());
        if tick == WRONG.plus(pause) {
            let bytes = image.as_ref().unwrap().encode();
            let (mut grid, _) = Grid::<Toy>::restore(context(), 2, &bytes).unwrap();
            for record in &records[since..] {
                replay_grid(&mut grid, record.clone(), &mut NoProbe).unwrap();
            }
            let failure = failure.as_mut().unwrap();
            assert_eq!(grid.tick().next(), failure.tick);
            host.home(LOST).resume(grid);
            let inputs = failure.delivery.inputs.drain(..);
            let inputs = inputs.filter(|input| input.source != POISON);
            let inputs = inputs.map(|input| (LOST, input)).collect();
            let arrivals = std::mem::take(&mut failure.delivery.arrivals);
            host.deliver(inputs, &arrivals);
            if members > 0 {
                assert!(host.spread(LOST, members, parts), "a new team");
            }
        }
    }
    records
}

#[test]
fn a_lost_grid_is_restored_and_goes_on() {
    for pause in [0, 1, 12] {
        let expected = restored(0, 1, pause);
        // No beat of its own is left out; the host's are.
        assert!(expected.iter().map(|r| r.tick.0).eq(1..80 - pause));
        let last = expected.last().unwrap();
        assert_eq!((last.wall, last.tick), (Tick(80), Tick(79 - pause)));
        let first = &expected[WRONG.0 as usize - 1];
        assert_eq!(first.wall, WRONG.plus(pause + 1));
        // What came meanwhile is taken in.
        let from = |n: usize| expected[n].inputs.len() + expected[n].arrivals.len();
        assert!(from(WRONG.0 as usize - 1) > 0);
        for (members, parts) in [(0, 4), (2, 1), (3, 2)] {
            assert_eq!(restored(members, parts, pause), expected);
        }
    }
}

#[test]
fn a_beat_in_slices_may_go_wrong() {
    for members in [0, 2] {
        let mut host = Host::new(2, 3);
        if members > 0 {
            assert!(host.spread(LOST, members, 3));
        }
        host.set_pace(LOST, 500);
        host.pacer.slices = 2;
        host.step();
        host.deliver(vec![poison()], &[]);
        // Begins in beat 2 with the poison, which works in the fourth slice, in beat 3.
        assert!(host.step().failures.is_empty());
        let output = host.step();
        let [failure] = output.failures.as_slice() else {
            panic!("{:?}", output.failures);
        };
        assert_eq!((failure.tick, failure.wall), (Tick(1), Tick(2)));
        assert_eq!(failure.delivery.inputs, [poison().1]);
        assert_eq!(output.grids.len(), 2);
        assert_eq!(host.step().grids.len(), 2);
    }
}

/// A shard is stuck: those who wait for it give up.
#[test]
fn a_broken_team_loses_its_grid_and_ends_nobody_else() {
    let mut host = Host::new(4, 1);
    // The homes are worlds 1, 2 and 3; world 0 is a guest of grid 2 only.
    assert!(host.spread(LOST, 3, 2));
    for _ in 0..5 {
        host.beat(numbered(host.tick.next()));
    }
    let waits = host.home(LOST).waiting(LOST).unwrap().arrivals.clone();
    host.stuck = Some(0);
    host.pacer = Pacer {
        slices: u32::MAX,
        patience: 1000,
    };
    host.deliver(numbered(Tick(6)), &[]);
    let came = host.home(LOST).waiting(LOST).unwrap().inputs.len();
    let output = host.step();
    let [failure] = output.failures.as_slice() else {
        panic!("{:?}", output.failures);
    };
    assert_eq!((failure.grid, failure.tick), (LOST, Tick(6)));
    assert!(failure.message.contains("do not come"), "{failure:?}");
    assert_eq!(failure.delivery.arrivals.len(), waits.len());
    assert_eq!(failure.delivery.inputs.len(), came);
    let grids = |output: &orrery_kernel::world::BeatOutput<Toy>| -> Vec<GridId> {
        output.grids.iter().map(|beat| beat.record.grid).collect()
    };
    assert_eq!(grids(&output), [GRIDS[0], GRIDS[2]]);
    for _ in 0..5 {
        let output = host.step();
        assert_eq!(grids(&output), [GRIDS[0], GRIDS[2]]);
        assert!(output.failures.is_empty());
    }
    assert_eq!(host.home(LOST).members(LOST), Some(0));
}

#[test]
fn a_grid_that_is_removed_keeps_nobody_waiting() {
    let mut host = Host::new(3, 1);
    assert!(host.spread(LOST, 3, 1));
    host.step();
    assert!(host.home(LOST).remove_grid(LOST));
    let output = host.step();
    assert_eq!(output.grids.len(), 2);
    assert!(output.failures.is_empty());
}

/// It was the simulator that found this: what had come for a lost grid kept it awake in the world
/// that it had left.
#[test]
fn a_lost_grid_moves_with_what_waits_for_it() {
    let mut worlds: [World<Toy>; 2] =
        std::array::from_fn(|_| World::new(CONFIG, context(), Tick(0)));
    worlds[0].add_grid(LOST, 2);
    worlds[0].deliver([poison()], []);
    assert_eq!(worlds[0].beat(Tick(1)).failures.len(), 1);
    let news = envelope(ToyMessage::News(7));
    worlds[0].deliver([], [news]);
    worlds[1].beat(Tick(1));
    let cargo = worlds[0].take_any(LOST).unwrap();
    assert_eq!(cargo.grid(), LOST);
    worlds[1].insert_any(cargo);
    for world in &mut worlds {
        assert!(world.beat(Tick(2)).grids.is_empty());
    }
    let waiting = worlds[1].waiting(LOST).unwrap();
    assert_eq!(waiting.arrivals, [news]);
}
