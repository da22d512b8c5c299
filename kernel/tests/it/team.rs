//! Grids that several shards step together, on threads of their own.

use std::thread;

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::{Delivery, Grid, GridConfig, Order};
use orrery_kernel::probe::NoProbe;
use orrery_kernel::team::{Team, Turn};

use crate::host::{Host, Pacer};
use crate::script::{CONFIG, GRIDS, Trace, assert_same, context, game, inputs, play, trace};
use crate::toy::Toy;

const BEATS: u64 = 150;

/// Every few beats something else is done to some grid.
fn rearrange(host: &mut Host, rng: &mut Rng, done: &mut [u32; 4]) {
    let worlds = host.worlds.len() as u32;
    for grid in GRIDS {
        let what = rng.below(4) as usize;
        let is_done = match what {
            0 => {
                let members = 1 + rng.below(worlds) as u16;
                host.spread(grid, members, 1 + rng.below(3) as u16)
            }
            1 => host.gather_in(grid),
            2 => host.move_grid(grid, rng.below(worlds) as usize),
            _ => {
                let parts = 1 + rng.below(5) as u16;
                host.home(grid).repartition(grid, parts).is_some()
            }
        };
        done[what] += u32::from(is_done);
    }
}

#[test]
fn teams_give_the_same_as_lockstep() {
    let reference = play(&mut game(1, 1), BEATS);
    for threads in [1, 2, 3, 8] {
        let mut done = [0; 4];
        for seed in 0..3 {
            let mut host = Host::new(threads, 1);
            let found: Vec<Trace> = (0..BEATS)
                .map(|beat| {
                    let mut rng = Rng::new(seed, Tick(beat), EntityId::NONE, threads as u32);
                    if rng.below(3) == 0 {
                        rearrange(&mut host, &mut rng, &mut done);
                    }
                    let inputs = inputs(host.tick.next());
                    trace(host.beat(inputs))
                })
                .collect();
            assert_same(
                &found,
                &reference,
                &format!("{threads} threads, seed {seed}"),
            );
        }
        assert!(done.iter().all(|count| *count > 20), "{done:?}");
    }
}

#[test]
fn a_member_that_was_not_told_to_leave_ends_nobody() {
    let reference = play(&mut game(1, 1), 20);
    let mut host = Host::new(3, 1);
    let mut found = Vec::new();
    for beat in 0..20 {
        let grid = GRIDS[beat / 2 % 3];
        match beat % 4 {
            0 => assert!(host.spread(grid, 3, 2)),
            // The others are not told.
            1 => host.home(grid).gather_in(grid).unwrap(),
            2 => {
                host.spread(grid, 2, 1);
            }
            _ => {
                host.home(grid).gather_in(grid).unwrap();
                assert!(host.move_grid(grid, beat));
            }
        }
        let inputs = inputs(host.tick.next());
        found.push(trace(host.beat(inputs)));
    }
    assert_same(&found, &reference, "not told");
}

fn single(parts: u16) -> Grid<Toy> {
    let config = GridConfig {
        grid: GRIDS[0],
        parts,
        seed: CONFIG.seed,
        context: context(),
    };
    Grid::new(config, Tick(0))
}

/// The leader rests, works and pauses in turn with nothing but the team's own barrier between it
/// and the others.
#[test]
fn turns_of_rest_keep_the_members_in_step() {
    let order = |tick: Tick| Order {
        tick,
        wall: tick,
        dilation: Dilation::NONE,
        delivery: Delivery::default(),
    };
    let mut alone = single(1);
    let expected: Vec<u64> = (1..=300)
        .map(|tick| alone.step(Tick(tick), vec![], vec![]).record.digest)
        .collect();
    for members in [1, 2, 3, 5] {
        let team = Team::new(single(1), members, 2);
        let mut found = Vec::new();
        thread::scope(|scope| {
            for member in 1..members {
                let team = &team;
                scope.spawn(move || while team.follow(member, &mut NoProbe).is_ok() {});
            }
            let mut rng = Rng::new(5, Tick(0), EntityId::NONE, 0);
            while found.len() < 300 {
                for _ in 0..rng.below(4) {
                    assert!(matches!(
                        team.lead(None, &mut NoProbe, true),
                        Ok(Turn::Rested)
                    ));
                }
                let mut next = Some(order(Tick(found.len() as u64 + 1)));
                loop {
                    let slices = 1 + rng.below(12);
                    let pacer = &mut Pacer {
                        slices,
                        patience: u32::MAX,
                    };
                    let is_sliced = rng.below(4) > 0;
                    match team.lead(next.take(), pacer, is_sliced).unwrap() {
                        Turn::Paused => assert!(team.is_under_way() && team.dissolve().is_none()),
                        Turn::Done(beat) => {
                            found.push(beat.record.digest);
                            break;
                        }
                        Turn::Rested => panic!("there was something to do"),
                        Turn::Failed(failure) => panic!("{failure:?}"),
                    }
                }
            }
            team.break_up();
        });
        assert_eq!(found, expected, "{members} members");
        assert_eq!(team.dissolve().unwrap().digest(), alone.digest());
        assert!(team.dissolve().is_none(), "there is nothing left of it");
    }
}
