//! The same bits and the same order of events on any number of parts, worlds and threads.

use std::collections::BTreeMap;
use std::fmt::Write;

use orrery_base::digest::Digest;
use orrery_base::{EntityId, GridId, Tick};
use orrery_kernel::grid::parallel;
use orrery_kernel::grid::{Delivery, Grid, GridConfig};
use orrery_kernel::rules::Envelope;

use crate::script::{CONFIG, GRIDS, Trace, assert_same, context, game, inputs, play, shown, trace};
use crate::toy::{Toy, ToyEvent, ToyMessage};

const BEATS: u64 = 150;
const COUNTS: [u16; 4] = [1, 2, 3, 8];

#[test]
fn the_script_exercises_everything() {
    let trace = play(&mut game(1, 1), BEATS);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in trace.iter().flat_map(|t| &t.grids).flat_map(|g| &g.events) {
        let name = match event {
            ToyEvent::Shot(..) => "shot",
            ToyEvent::Died(..) => "died",
            ToyEvent::Jumped(..) => "jumped",
            ToyEvent::Arrived(..) => "arrived",
            ToyEvent::Docked(..) => "docked",
            ToyEvent::Launched(..) => "launched",
            ToyEvent::Budded(..) => "budded",
            ToyEvent::Heard(..) => "heard",
        };
        *counts.entry(name).or_default() += 1;
    }
    assert_eq!(counts.len(), 8, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 5), "{counts:?}");
}

#[test]
fn any_number_of_parts_and_worlds_gives_the_same() {
    let reference = play(&mut game(1, 1), BEATS);
    for parts in COUNTS {
        for worlds in COUNTS {
            let found = play(&mut game(usize::from(worlds), parts), BEATS);
            assert_same(
                &found,
                &reference,
                &format!("{parts} parts, {worlds} worlds"),
            );
        }
    }
}

#[test]
fn frames_births_and_departures_agree() {
    let mut present: BTreeMap<GridId, Vec<(EntityId, u32)>> = BTreeMap::new();
    for trace in play(&mut game(2, 3), BEATS) {
        for grid in trace.grids {
            let expected = present.entry(grid.grid).or_default();
            for (id, slot, _) in grid.left {
                let at = expected.iter().position(|place| *place == (id, slot));
                expected.swap_remove(at.unwrap());
            }
            let newcomers = grid
                .seen
                .iter()
                .filter(|(_, _, born, _)| *born == trace.tick);
            expected.extend(newcomers.map(|(id, slot, ..)| (*id, *slot)));
            expected.sort_unstable();
            let seen = grid.seen.iter().map(|(id, slot, ..)| (*id, *slot));
            assert_eq!(seen.collect::<Vec<_>>(), *expected, "beat {}", trace.tick);
            let mut slots: Vec<u32> = expected.iter().map(|(_, slot)| *slot).collect();
            slots.sort_unstable();
            slots.dedup();
            assert_eq!(slots.len(), expected.len(), "a slot has one tenant");
        }
    }
}

#[test]
fn the_digests_are_the_golden_ones() {
    // They change when the kernel's order of things or the toy game changes, and then the change
    // states why; they must not change with the machine, the compiler or the number of cores.
    let mut game = game(2, 3);
    let mut found = String::from("beat,digest\n");
    for _ in 0..BEATS / 10 {
        play(&mut game, 10);
        let digest = game.digest();
        writeln!(found, "{},{digest:#018x}", game.tick()).unwrap();
    }
    assert_eq!(found, include_str!("../golden/toy_digests.csv"));
}

#[test]
fn the_order_in_which_things_come_does_not_matter() {
    let reference = play(&mut game(2, 2), BEATS);
    let mut game = game(2, 2);
    let found: Vec<Trace> = (0..BEATS)
        .map(|beat| {
            let mut inputs = inputs(game.tick().next());
            inputs.reverse();
            let middle = inputs.len() / 2;
            inputs.rotate_left(if beat % 2 == 0 { middle } else { 0 });
            trace(game.beat(inputs))
        })
        .collect();
    assert_same(&found, &reference, "other order of inputs");
}

#[test]
fn grids_may_move_between_worlds() {
    let reference = play(&mut game(1, 2), BEATS);
    let mut game = game(3, 2);
    let mut found = Vec::new();
    for beat in 0..BEATS {
        game.move_grid(GRIDS[(beat % 3) as usize], (beat / 2) as usize);
        found.append(&mut play(&mut game, 1));
    }
    assert_same(&found, &reference, "moving grids");
}

/// One grid for itself: its own messages come back to it, those to others are lost.
fn own_messages(messages: Vec<Envelope<ToyMessage>>, grid: GridId) -> Vec<Envelope<ToyMessage>> {
    messages.into_iter().filter(|m| m.to == grid).collect()
}

fn single_grid(parts: u16) -> Grid<Toy> {
    let config = GridConfig {
        grid: GRIDS[0],
        parts,
        seed: CONFIG.seed,
        context: context(),
    };
    Grid::new(config, Tick(0))
}

/// What a beat of a single grid has to show, as a number.
fn digest_of_beat(output: orrery_kernel::grid::GridBeat<Toy>) -> u64 {
    let digest = Digest::new(output.record.digest);
    let sent = output.record.sent.clone();
    let text = format!("{sent:?} {:?}", shown(output));
    digest.bytes(text.as_bytes()).finish()
}

#[test]
fn a_thread_for_each_part_gives_the_same() {
    let feed_of = |tick: Tick| {
        let inputs = inputs(tick)
            .into_iter()
            .filter(|(grid, _)| *grid == GRIDS[0]);
        inputs.map(|(_, input)| input).collect::<Vec<_>>()
    };
    let mut reference = Vec::new();
    let mut grid = single_grid(1);
    let mut arrivals = Vec::new();
    for tick in (1..=BEATS).map(Tick) {
        let output = grid.step(tick, feed_of(tick), arrivals);
        arrivals = own_messages(output.record.sent.clone(), GRIDS[0]);
        reference.push(digest_of_beat(output));
    }
    for parts in COUNTS {
        let mut found = Vec::new();
        let arrivals = std::cell::RefCell::new(Vec::new());
        let grid = parallel::run(
            single_grid(parts),
            |tick| {
                (tick.0 <= BEATS).then(|| Delivery {
                    inputs: feed_of(tick),
                    arrivals: arrivals.take(),
                })
            },
            |output| {
                let messages = output.record.sent.clone();
                arrivals.replace(own_messages(messages, GRIDS[0]));
                found.push(digest_of_beat(output));
            },
        );
        assert_eq!(found, reference, "{parts} threads");
        assert_eq!(grid.tick(), Tick(BEATS));
    }
}

#[test]
fn a_panic_on_one_thread_stops_all_and_comes_out() {
    let run = std::panic::AssertUnwindSafe(|| {
        parallel::run(
            single_grid(3),
            |tick| {
                let misbehave =
                    crate::toy::ToyInput::SpawnTwice(crate::toy::ship_id(GRIDS[0], 999));
                let stamped = orrery_kernel::rules::Stamped {
                    source: 1,
                    sequence: 1,
                    input: misbehave,
                };
                let inputs = if tick == Tick(5) {
                    vec![stamped]
                } else {
                    vec![]
                };
                let arrivals = vec![];
                Some(Delivery { inputs, arrivals })
            },
            |output| assert!(output.record.digest != 0),
        );
    });
    let panic = std::panic::catch_unwind(run).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("asked for twice"), "{message}");
}
