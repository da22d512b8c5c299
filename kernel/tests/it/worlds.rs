//! Worlds: strays, sleeping grids, probes.

use std::sync::Arc;

use orrery_base::{GridId, Tick};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::probe::{Phase, Probe};
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_kernel::world::{World, WorldConfig};

use crate::toy::{Toy, ToyContext, ToyInput, ToyMessage, ship, ship_id};

const CONFIG: WorldConfig = WorldConfig { seed: 3 };

fn context(ships: u32) -> Arc<ToyContext> {
    Arc::new(ToyContext {
        ships,
        rocks: 3,
        do_bud: false,
    })
}

fn world(ships: u32, grids: &[u32]) -> World<Toy> {
    let mut world = World::new(CONFIG, context(ships), Tick(0));
    for grid in grids {
        world.add_grid(GridId(*grid), 2);
    }
    world
}

fn beat(world: &mut World<Toy>) -> Vec<u32> {
    let output = world.beat(world.tick().next(), &mut vec![], vec![]);
    output.grids.iter().map(|beat| beat.record.grid.0).collect()
}

fn news(to: u32, news: u64) -> Envelope<ToyMessage> {
    Envelope {
        from: GridId(9),
        to: GridId(to),
        sequence: news as u32,
        message: ToyMessage::News(news),
    }
}

#[test]
fn what_is_for_nobody_comes_back() {
    let mut world = world(1, &[1]);
    let stamped = Stamped {
        source: 1,
        sequence: 1,
        input: ToyInput::Dock(ship_id(GridId(1), 0)),
    };
    let mut inputs = vec![(GridId(5), stamped), (GridId(1), stamped)];
    let output = world.beat(Tick(1), &mut inputs, vec![news(5, 0), news(1, 1)]);
    assert!(inputs.is_empty());
    assert_eq!(output.stray_inputs, [(GridId(5), stamped)]);
    assert_eq!(output.stray_messages, [news(5, 0)]);
    let record = &output.grids[0].record;
    assert_eq!((record.inputs.len(), record.arrivals.len()), (1, 1));
}

#[test]
fn a_still_grid_sleeps_until_something_comes() {
    let mut world = world(0, &[1, 2]);
    assert_eq!(beat(&mut world), [1, 2], "the first frame must be drawn");
    assert!(beat(&mut world).is_empty());
    assert!(world.grids().all(|grid| grid.is_asleep()));
    let digest = world.grid(GridId(1)).unwrap().digest();
    assert_eq!(world.grid(GridId(1)).unwrap().frames()[0].tick, Tick(1));
    assert!(beat(&mut world).is_empty());

    let output = world.beat(Tick(4), &mut vec![], vec![news(1, 1)]);
    assert_eq!(output.grids.len(), 1);
    assert_ne!(output.grids[0].record.digest, digest);
    assert_eq!(output.grids[0].frames[0].tick, Tick(4));
    assert!(beat(&mut world).is_empty());

    let arrival = Envelope {
        message: ToyMessage::Arrive(ship_id(GridId(9), 1), ship([0; 3])),
        ..news(2, 1)
    };
    world.beat(Tick(6), &mut vec![], vec![arrival]);
    assert_eq!(beat(&mut world), [2], "a ship keeps it awake");
}

#[test]
fn a_grid_does_not_fall_asleep_before_a_frame_has_shown_who_left() {
    let mut world = world(1, &[1]);
    let leaver = ship_id(GridId(1), 0);
    let stamped = Stamped {
        source: 1,
        sequence: 1,
        input: ToyInput::Dock(leaver),
    };
    world.beat(Tick(1), &mut vec![(GridId(1), stamped)], vec![]);
    let output = world.beat(Tick(2), &mut vec![], vec![]);
    let frames = output.grids[0].frames.iter();
    let left: Vec<_> = frames.flat_map(|f| &f.departures).map(|d| d.id).collect();
    assert_eq!(left, [leaver]);
    assert!(beat(&mut world).is_empty());
}

#[test]
fn sleeping_changes_nothing() {
    // The same grid, asleep in a world and stepped by itself.
    let mut world = world(0, &[1]);
    beat(&mut world);
    let mut stepped = world.take_grid(GridId(1)).unwrap();
    let mut world = World::<Toy>::new(CONFIG, context(0), Tick(0));
    world.add_grid(GridId(1), 2);
    for tick in (1..=20).map(Tick) {
        let mut arrivals = if tick.0 % 7 == 0 {
            vec![news(1, tick.0)]
        } else {
            vec![]
        };
        world.beat(tick, &mut vec![], arrivals.clone());
        if tick > stepped.tick() {
            stepped.step(tick, vec![], std::mem::take(&mut arrivals));
        }
        assert_eq!(world.grid(GridId(1)).unwrap().digest(), stepped.digest());
    }
    assert_eq!(world.checkpoint()[0].1, stepped.checkpoint());
}

#[test]
fn a_sleeping_grid_moves_and_is_saved_at_the_present_beat() {
    let mut from = world(0, &[1]);
    for _ in 0..5 {
        beat(&mut from);
    }
    let bytes = from.checkpoint().remove(0).1;
    let mut restored = World::<Toy>::new(CONFIG, context(0), Tick(5));
    assert_eq!(restored.restore_grid(&bytes, 1), Ok(GridId(1)));
    let grid = from.take_grid(GridId(1)).unwrap();
    assert_eq!(grid.tick(), Tick(5));
    assert!(from.grid(GridId(1)).is_none() && !from.remove_grid(GridId(1)));
    let mut to = World::<Toy>::new(CONFIG, context(0), Tick(5));
    to.insert_grid(grid);
    assert_eq!(beat(&mut to), [1], "it is awake where it comes to");
    beat(&mut restored);
    assert_eq!(to.checkpoint(), restored.checkpoint());
}

#[test]
#[should_panic(expected = "is of another beat")]
fn a_grid_of_another_beat_is_not_taken_in() {
    let mut late = world(1, &[1]);
    beat(&mut late);
    let grid = late.take_grid(GridId(1)).unwrap();
    world(1, &[]).insert_grid(grid);
}

#[test]
#[should_panic(expected = "beat 7 after 0")]
fn a_world_leaves_no_beat_out() {
    world(1, &[1]).beat(Tick(7), &mut vec![], vec![]);
}

#[test]
fn a_probe_is_told_every_phase_in_order() {
    #[derive(Default)]
    struct Log(Vec<(u32, Phase)>);
    impl Probe for Log {
        fn phase(&mut self, grid: GridId, phase: Phase) {
            self.0.push((grid.0, phase));
        }
    }
    let mut log = Log::default();
    let mut world = world(2, &[8, 4]);
    world.beat_probed(Tick(1), &mut vec![], vec![], &mut log);
    assert_eq!(log.0.len(), 12);
    assert!(log.0.is_sorted(), "{:?}", log.0);
    assert!(log.0[5] == (4, Phase::Done) && log.0[6] == (8, Phase::Gather));
}

#[test]
fn a_message_to_nowhere_comes_back_a_beat_later() {
    let mut game = Lockstep::<Toy>::new(CONFIG, &context(1), 3, Tick(0));
    game.add_grid(GridId(2), 1, 7);
    let jump = Stamped {
        source: 1,
        sequence: 1,
        input: ToyInput::Jump(ship_id(GridId(2), 0), GridId(44)),
    };
    let output = game.beat(vec![(GridId(2), jump)]);
    assert_eq!(output.messages.len(), 1);
    assert_eq!(game.pending(), output.messages);
    let output = game.beat(vec![]);
    assert_eq!(output.stray_messages[0].to, GridId(44));
    assert!(game.pending().is_empty());
}
