//! Worlds: strays, sleeping grids, probes.

use std::sync::Arc;

use orrery_base::{GridId, Tick};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::probe::{Conductor, Phase, Probe};
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
    let output = world.beat(world.tick().next());
    output.grids.iter().map(|beat| beat.record.grid.0).collect()
}

fn news(to: u32, news: u64) -> Envelope<ToyMessage> {
    Envelope {
        from: GridId(9),
        to: GridId(to),
        sent: Tick(2),
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
    let inputs = [(GridId(5), stamped), (GridId(1), stamped)];
    let strays = world.deliver(inputs, [news(5, 0), news(1, 1)]);
    assert_eq!(strays.inputs, [(GridId(5), stamped)]);
    assert_eq!(strays.messages, [news(5, 0)]);
    let output = world.beat(Tick(1));
    let record = &output.grids[0].record;
    assert_eq!((record.inputs.len(), record.arrivals.len()), (1, 1));
}

#[test]
fn a_still_grid_sleeps_until_something_comes() {
    let mut world = world(0, &[1, 2]);
    assert_eq!(beat(&mut world), [1, 2], "the first frame must be drawn");
    assert!(beat(&mut world).is_empty());
    assert!(world.grids().all(|grid| world.is_asleep(grid)));
    let digest = world.grid(GridId(1)).unwrap().digest();
    assert_eq!(world.grid(GridId(1)).unwrap().frames()[0].tick, Tick(1));
    assert!(beat(&mut world).is_empty());

    world.deliver([], [news(1, 1)]);
    let output = world.beat(Tick(4));
    assert_eq!(output.grids.len(), 1);
    assert_ne!(output.grids[0].record.digest, digest);
    assert_eq!(output.grids[0].frames[0].tick, Tick(4));
    assert!(beat(&mut world).is_empty());

    let arrival = Envelope {
        message: ToyMessage::Arrive(ship_id(GridId(9), 1), ship([0; 3])),
        ..news(2, 1)
    };
    world.deliver([], [arrival]);
    world.beat(Tick(6));
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
    world.deliver([(GridId(1), stamped)], []);
    world.beat(Tick(1));
    let output = world.beat(Tick(2));
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
    let mut stepped = world.take(GridId(1)).unwrap().grid;
    let mut world = World::<Toy>::new(CONFIG, context(0), Tick(0));
    world.add_grid(GridId(1), 2);
    for tick in (1..=20).map(Tick) {
        let mut arrivals = if tick.0 % 7 == 0 {
            vec![news(1, tick.0)]
        } else {
            vec![]
        };
        world.deliver([], arrivals.clone());
        world.beat(tick);
        if tick > stepped.tick() {
            stepped.step(tick, vec![], std::mem::take(&mut arrivals));
        }
        assert_eq!(world.digest(GridId(1)), Some(stepped.digest()));
    }
    let parcel = world.take(GridId(1)).unwrap();
    assert_eq!(parcel.grid.tick(), stepped.tick());
    assert_eq!(parcel.grid.digest(), stepped.digest());
}

#[test]
fn a_sleeping_grid_moves_and_is_saved_at_the_present_beat() {
    let mut from = world(0, &[1]);
    for _ in 0..5 {
        beat(&mut from);
    }
    let bytes = from.image(GridId(1)).unwrap().encode();
    let mut restored = World::<Toy>::new(CONFIG, context(0), Tick(5));
    assert_eq!(restored.restore_grid(&bytes, 1, Tick(5)), Ok(GridId(1)));
    let parcel = from.take(GridId(1)).unwrap();
    assert_eq!((parcel.grid.tick(), parcel.done), (Tick(5), Tick(5)));
    assert!(from.grid(GridId(1)).is_none() && !from.remove_grid(GridId(1)));
    let mut to = World::<Toy>::new(CONFIG, context(0), Tick(5));
    to.insert(parcel);
    for world in [&mut to, &mut restored] {
        assert!(beat(world).is_empty(), "it sleeps on where it comes to");
        world.deliver([], [news(1, 1)]);
        assert_eq!(beat(world), [1]);
    }
    assert_eq!(to.digest(GridId(1)), restored.digest(GridId(1)));
}

#[test]
#[should_panic(expected = "is ahead of the host's")]
fn a_grid_of_another_beat_is_not_taken_in() {
    let mut late = world(1, &[1]);
    beat(&mut late);
    let parcel = late.take(GridId(1)).unwrap();
    world(1, &[]).insert(parcel);
}

#[test]
#[should_panic(expected = "beat 7 after 0")]
fn a_world_leaves_no_beat_out() {
    world(1, &[1]).beat(Tick(7));
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
    impl Conductor for Log {}
    let mut log = Log::default();
    let mut world = world(2, &[8, 4]);
    world.beat_with(Tick(1), &mut log);
    assert_eq!(log.0.len(), 12);
    assert!(log.0.is_sorted(), "{:?}", log.0);
    assert!(log.0[5] == (4, Phase::Done) && log.0[6] == (8, Phase::Gather));
}

#[test]
fn a_message_to_nowhere_comes_back() {
    let mut game = Lockstep::<Toy>::new(CONFIG, &context(1), 3, Tick(0));
    game.add_grid(GridId(2), 1, 7);
    let jump = Stamped {
        source: 1,
        sequence: 1,
        input: ToyInput::Jump(ship_id(GridId(2), 0), GridId(44)),
    };
    let output = game.beat(vec![(GridId(2), jump)]);
    assert_eq!(output.messages.len(), 1);
    assert_eq!(game.take_strays().messages, output.messages);
    assert_eq!(output.messages[0].to, GridId(44));
    assert!(game.take_strays().messages.is_empty());
}
