//! Grids whose time runs slower than the host's, and beats in slices.

use orrery_base::{GridId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::{Grid, RecordOf};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::probe::NoProbe;
use orrery_kernel::replay::replay_grid;
use orrery_kernel::rules::Envelope;
use orrery_kernel::world::{World, WorldConfig};

use crate::host::{Host, PATIENT, Pacer};
use crate::script::{CONFIG, GRIDS, context, game, numbered};
use crate::toy::{Toy, ToyContext, ToyMessage};

type Record = RecordOf<Toy>;
const GRID: GridId = GRIDS[0];

/// Plays grid 1 alone until `beats` beats of its own are done, with the inputs that belong to
/// each of these; its records and its checkpoint.
fn alone(host: &mut Host, beats: u64) -> (Vec<Record>, Vec<u8>) {
    let mut records: Vec<Record> = Vec::new();
    let mut is_due = true;
    for other in [GRIDS[1], GRIDS[2]] {
        assert!(host.home(other).remove_grid(other));
    }
    while records.len() < beats as usize {
        if std::mem::take(&mut is_due) {
            let mut inputs = numbered(Tick(records.len() as u64 + 1));
            inputs.retain(|(grid, _)| *grid == GRID);
            let sent = records.last().map(|record| record.sent.as_slice());
            // Whoever leaves comes back.
            let back = sent.unwrap_or_default().iter();
            let back: Vec<_> = back.map(|e| Envelope { to: GRID, ..*e }).collect();
            host.deliver(inputs, &back);
        }
        let output = host.step();
        assert!(output.failures.is_empty(), "{:?}", output.failures);
        assert!(!host.home(GRID).is_asleep(GRID), "there is always someone");
        for beat in output.grids {
            if beat.record.grid == GRID {
                records.push(beat.record);
                is_due = true;
            }
        }
    }
    let image = host.home(GRID).image(GRID).unwrap();
    (records, image.encode())
}

/// What must not depend on the pace.
fn plain(records: &[Record]) -> Vec<Record> {
    let mut records = records.to_vec();
    for record in &mut records {
        (record.wall, record.dilation) = (Tick(0), Dilation::NONE);
    }
    records
}

#[test]
fn at_any_pace_the_same_comes_of_a_beat() {
    let (expected, checkpoint) = alone(&mut Host::new(1, 1), 60);
    for (pace, parts) in [(100, 1), (100, 3), (333, 2), (999, 1)] {
        let mut host = Host::new(1, parts);
        host.set_pace(GRID, pace);
        let (found, bytes) = alone(&mut host, 60);
        assert_eq!(plain(&found), plain(&expected), "pace {pace}");
        assert_eq!(bytes, checkpoint, "pace {pace}");
        assert!(expected.iter().all(|record| record.wall == record.tick));
        assert!(found.iter().all(|record| record.wall > record.tick));
        assert!(found.iter().all(|r| r.dilation.per_mille() == pace));
        assert_eq!(host.tick.0, 60_000_u64.div_ceil(u64::from(pace)));
    }
}

#[test]
fn a_beat_in_slices_gives_the_same_as_in_one() {
    let (expected, checkpoint) = alone(&mut Host::new(1, 1), 40);
    for (members, slices) in [(0, 1), (0, 3), (1, 2), (2, 1), (2, 3), (3, 2)] {
        for allowed in [1, 2, 3, 7] {
            let what = format!("{members} members, {slices} slices, {allowed} at a time");
            let mut host = Host::new(3, slices);
            if members > 0 {
                assert!(host.spread(GRID, members, slices));
            }
            host.set_pace(GRID, 999);
            host.pacer.slices = allowed;
            let (found, bytes) = alone(&mut host, 40);
            assert_eq!(plain(&found), plain(&expected), "{what}");
            assert_eq!(bytes, checkpoint, "{what}");
            let turns = u64::from(5 * u32::from(slices)).div_ceil(u64::from(allowed));
            // The first of the host's beats does not give time enough.
            assert!(
                (40 * turns..=41 * turns + 1).contains(&host.tick.0),
                "{what}"
            );
        }
    }
}

#[test]
fn a_beat_that_was_begun_is_ended_at_full_pace() {
    let mut host = Host::new(1, 3);
    host.set_pace(GRID, 500);
    host.pacer.slices = 4;
    let mut ended = Vec::new();
    for _ in 0..6 {
        if host.tick == Tick(2) {
            assert!(host.home(GRID).image(GRID).is_none(), "it is under way");
            assert!(host.home(GRID).repartition(GRID, 2).is_none());
            assert!(!host.spread(GRID, 1, 1));
            assert!(host.move_grid(GRID, 0), "that much may be done");
            host.set_pace(GRID, 1000);
        }
        let grids = host.step().grids;
        let beat = grids.iter().find(|beat| beat.record.grid == GRID);
        ended.push(beat.map_or(0, |beat| beat.record.wall.0));
    }
    assert_eq!(ended, [0, 0, 2, 4, 5, 6]);
}

/// How many beats a grid ends in so many of the host's.
fn beats_in(world: &mut World<Toy>, grid: GridId, beats: u64) -> u64 {
    let done = (0..beats).filter(|_| {
        let output = world.beat(world.tick().next());
        output.grids.iter().any(|beat| beat.record.grid == grid)
    });
    done.count() as u64
}

fn small(ships: u32) -> World<Toy> {
    let toy = ToyContext {
        ships,
        rocks: 1,
        do_bud: false,
    };
    let mut world = World::new(CONFIG, toy.into(), Tick(0));
    world.add_grid(GRID, 1);
    world
}

#[test]
fn the_pace_is_kept_on_average() {
    for pace in [1, 10, 100, 333, 500, 667, 700, 999, 1000] {
        let mut world = small(1);
        assert!(world.set_pace(GRID, Dilation::new(pace).unwrap()));
        assert_eq!(world.pace(GRID), Dilation::new(pace));
        assert_eq!(beats_in(&mut world, GRID, 2000), 2 * u64::from(pace));
    }
}

#[test]
fn time_is_not_saved_up() {
    // At full pace.
    let mut world = small(1);
    beats_in(&mut world, GRID, 100);
    world.set_pace(GRID, Dilation::new(100).unwrap());
    assert_eq!(beats_in(&mut world, GRID, 9), 0);
    assert_eq!(beats_in(&mut world, GRID, 1), 1);
    // While it sleeps.
    let mut world = small(0);
    world.set_pace(GRID, Dilation::new(100).unwrap());
    beats_in(&mut world, GRID, 500);
    assert!(world.is_asleep(GRID));
    for beat in 0..20 {
        let news = Envelope {
            from: GridId(9),
            to: GRID,
            sent: Tick(beat),
            sequence: 0,
            message: ToyMessage::News(1),
        };
        world.deliver([], [news]);
        let done = beats_in(&mut world, GRID, 1);
        assert!(done <= 1);
        if beat == 19 {
            // One that it had, and one for each ten beats.
            let own = world.tick_of(GRID).unwrap();
            assert!(own <= world.tick());
            assert_eq!(world.waiting(GRID).unwrap().arrivals.len() % 10, 0);
        }
    }
    // While a beat of its own takes longer than it may.
    let mut host = Host::new(1, 4);
    host.set_pace(GRID, 500);
    host.pacer.slices = 1;
    let mut done = 0;
    let mut count = |host: &mut Host, beats| {
        for _ in 0..beats {
            let grids = host.step().grids;
            done += u32::from(grids.iter().any(|beat| beat.record.grid == GRID));
        }
        std::mem::take(&mut done)
    };
    assert_eq!(count(&mut host, 100), 4, "twenty turns each");
    host.pacer = PATIENT;
    let found = count(&mut host, 20);
    assert!((10..=11).contains(&found), "{found}");
}

#[test]
fn neighbours_at_full_pace_have_a_beat_in_every_beat() {
    let mut host = Host::new(2, 2);
    host.set_pace(GRIDS[1], 100);
    host.pacer.slices = 3;
    let mut slow = 0;
    for _ in 0..200 {
        let inputs = numbered(host.tick.next());
        let output = host.beat(inputs);
        for grid in [GRIDS[0], GRIDS[2]] {
            let beat = output.grids.iter().find(|beat| beat.record.grid == grid);
            let record = &beat.unwrap().record;
            assert_eq!((record.tick, record.wall), (host.tick, host.tick));
        }
        slow += output.grids.len() - 2;
    }
    assert!((19..=20).contains(&slow), "{slow}");
}

#[test]
fn messages_to_a_dilated_grid_are_taken_in_in_order_and_once() {
    let slow = GRIDS[1];
    let mut host = Host::new(3, 2);
    host.set_pace(slow, 70);
    host.pacer.slices = 4;
    let (mut sent, mut taken) = (Vec::new(), Vec::new());
    let mut most = 0;
    for _ in 0..300 {
        let inputs = numbered(host.tick.next());
        for beat in host.beat(inputs).grids {
            let record = beat.record;
            sent.extend(record.sent.into_iter().filter(|e| e.to == slow));
            if record.grid == slow {
                let order = |e: &Envelope<ToyMessage>| (e.from, e.sent, e.sequence);
                assert!(record.arrivals.is_sorted_by_key(order));
                most = most.max(record.arrivals.len());
                taken.extend(record.arrivals);
            } else {
                assert!(
                    record
                        .arrivals
                        .iter()
                        .all(|e| e.sent.0 + 1 == record.tick.0 || e.from == slow)
                );
            }
        }
    }
    assert!(most > 5 && taken.len() > 20, "{most}, {}", taken.len());
    // What is neither taken in nor part of the beat under way waits.
    let waits = &host.home(slow).waiting(slow).unwrap().arrivals;
    let under_way = sent.len() - taken.len() - waits.len();
    taken.extend(waits);
    let order = |e: &Envelope<ToyMessage>| (e.from, e.sent, e.sequence);
    sent.sort_by_key(order);
    let is_taken = |e: &Envelope<ToyMessage>| taken.contains(e);
    assert_eq!(sent.iter().filter(|e| !is_taken(e)).count(), under_way);
    let mut names: Vec<_> = taken.iter().map(order).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), taken.len(), "exactly once");
    for from in GRIDS {
        let of_one = taken.iter().filter(|e| e.from == from);
        assert!(of_one.is_sorted_by_key(order), "in order");
    }
}

#[test]
fn a_dilated_run_is_replayed() {
    let mut host = Host::new(3, 2);
    let mut replay = game(2, 3);
    let mut single: Vec<Grid<Toy>> = GRIDS
        .iter()
        .map(|grid| {
            let checkpoint = replay.grid(*grid).unwrap().checkpoint(&[]);
            Grid::restore(context(), 1, &checkpoint).unwrap().0
        })
        .collect();
    for beat in 0..240_u64 {
        match beat {
            20 => host.set_pace(GRIDS[0], 300),
            40 => assert!(host.spread(GRIDS[1], 3, 2)),
            50 => host.set_pace(GRIDS[1], 450),
            60 => {
                host.pacer = Pacer {
                    slices: 4,
                    ..PATIENT
                }
            }
            150 => host.set_pace(GRIDS[0], 1000),
            170 => host.set_pace(GRIDS[1], 1000),
            180 => assert!(host.gather_in(GRIDS[1])),
            _ => {}
        }
        let inputs = numbered(host.tick.next());
        let output = host.beat(inputs);
        assert!(output.failures.is_empty());
        let grids: Vec<Record> = output.grids.into_iter().map(|b| b.record).collect();
        for record in &grids {
            let grid = &mut single[record.grid.0 as usize - 1];
            replay_grid(grid, record.clone(), &mut NoProbe).unwrap();
        }
        let record = BeatRecord::<Toy> {
            tick: output.tick,
            shard: orrery_base::ShardIndex(0),
            grids,
        };
        // Through its bytes.
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let record = BeatRecord::decode(&bytes).unwrap();
        replay.replay(vec![record]).unwrap();
        for (grid, alone) in GRIDS.into_iter().zip(&single) {
            let digest = host.home(grid).digest(grid);
            assert_eq!(replay.grid(grid).map(Grid::digest), digest);
            assert_eq!(Some(alone.digest()), digest);
        }
    }
    for (grid, bytes) in replay.checkpoint().grids {
        assert_eq!(host.home(grid).image(grid).unwrap().encode(), bytes);
    }
}

#[test]
fn a_restored_game_sleeps_to_the_same_time() {
    // A grid's own time goes on while it sleeps, also over a checkpoint.
    let toy = || {
        std::sync::Arc::new(ToyContext {
            ships: 0,
            rocks: 2,
            do_bud: false,
        })
    };
    let config = WorldConfig { seed: 7 };
    let mut game = Lockstep::<Toy>::new(config, &toy(), 1, Tick(0));
    game.add_grid(GRID, 2, 0);
    for _ in 0..9 {
        game.beat(vec![]);
    }
    let checkpoint = game.checkpoint();
    let mut restored = Lockstep::restore(config, &toy(), 1, &checkpoint, |_| (1, 0)).unwrap();
    for _ in 0..4 {
        game.beat(vec![]);
        restored.beat(vec![]);
    }
    assert_eq!(restored.checkpoint(), game.checkpoint());
    let ship = crate::toy::ship_id(GridId(9), 1);
    let arrival = Envelope {
        from: GridId(9),
        to: GRID,
        sent: Tick(3),
        sequence: 0,
        message: ToyMessage::Arrive(ship, crate::toy::ship([0; 3])),
    };
    for game in [&mut game, &mut restored] {
        let strays = game.worlds_mut()[0].deliver([], [arrival]);
        assert!(strays.messages.is_empty());
        let output = game.beat(vec![]);
        assert_eq!(output.grids[0].record.tick, Tick(14));
    }
    assert_eq!(restored.checkpoint(), game.checkpoint());
}
