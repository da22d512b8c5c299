//! `orrery-gate WORKLOAD REPETITIONS`: work whose instructions `perf/gate.sh` counts.
//!
//! Each workload prepares, warms up with one repetition and then repeats. The count of a run with
//! zero repetitions, subtracted, leaves the repetitions alone. The count must not depend on the
//! processor: everything here takes the portable path, and nothing looks at a clock, a thread or
//! a random seed.
//!
//! `orrery-gate` alone lists the workloads with their repetitions, one in a line.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::process::ExitCode;

use orrery_benches::field::{Field, RADIUS_CM};
use orrery_benches::fleet::Law;
use orrery_benches::wire::{Film, Stage};
use orrery_kernel::ring::ring;
use orrery_spatial::{CellIndex, InterestScratch, InterestSet, Path, Radii};

/// A workload: its name, how often it is repeated to be counted, and what prepares it. What that
/// returns does one repetition, whose number it is told.
type Workload = (&'static str, usize, fn() -> Box<dyn FnMut(usize)>);

const WORKLOADS: [Workload; 8] = [
    ("integrate_10k", 10, integrate),
    ("rebuild_10k", 10, rebuild),
    ("visible_200", 10, visible),
    ("difference_200", 10, difference),
    ("nearest_255", 10, nearest),
    ("encode_200", BEATS - 1, encode),
    ("append_200", BEATS - 1, append),
    ("ring", 100, ring_batches),
];

const SHIPS: usize = 10_000;
/// Observers of a repetition.
const OBSERVERS: usize = 100;
/// Beats that are filmed: one to warm up, the rest to repeat.
const BEATS: usize = 21;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, repetitions] = &arguments[..] else {
        for (name, repetitions, _) in WORKLOADS {
            println!("{name} {repetitions}");
        }
        return ExitCode::SUCCESS;
    };
    let workload = WORKLOADS.iter().find(|workload| workload.0 == name);
    let (Some((_, most, prepare)), Ok(repetitions)) = (workload, repetitions.parse::<usize>())
    else {
        eprintln!("usage: orrery-gate WORKLOAD REPETITIONS");
        return ExitCode::FAILURE;
    };
    let mut repeat = prepare();
    // The first repetition warms up: allocations and lazy beginnings are not what is counted.
    for number in 0..=repetitions.min(*most) {
        repeat(number);
    }
    ExitCode::SUCCESS
}

/// A beat of the law of motion.
fn integrate() -> Box<dyn FnMut(usize)> {
    let mut law = Law::new(SHIPS);
    Box::new(move |_| law.step())
}

fn index(field: &Field) -> CellIndex {
    let mut index = CellIndex::with_path(RADIUS_CM, Path::Portable);
    index.rebuild(&field.x, &field.y, &field.z);
    index
}

/// The index, rebuilt.
fn rebuild() -> Box<dyn FnMut(usize)> {
    let field = Field::plane(SHIPS, 50);
    let mut index = index(&field);
    Box::new(move |_| index.rebuild(&field.x, &field.y, &field.z))
}

/// Who is in sight of each observer.
fn visible() -> Box<dyn FnMut(usize)> {
    let field = Field::plane(SHIPS, 200);
    let (index, mut out) = (index(&field), Vec::new());
    Box::new(move |_| {
        for &row in &field.observers[..OBSERVERS] {
            out.clear();
            index.scan(field.place(row), RADIUS_CM, &mut out);
            black_box(&out);
        }
    })
}

/// Who entered and left each observer's sight, between two beats to and fro.
fn difference() -> Box<dyn FnMut(usize)> {
    let field = Field::plane(SHIPS, 200);
    let fields = [field.moved(), field];
    let indices = fields.each_ref().map(index);
    let slots = fields[0].slots();
    let (mut sets, mut scratch) = (vec![InterestSet::new(); OBSERVERS], InterestScratch::new());
    let radii = Radii::with_hysteresis(RADIUS_CM, 50);
    Box::new(move |number| {
        let (field, index) = (&fields[number % 2], &indices[number % 2]);
        for (set, &row) in sets.iter_mut().zip(&field.observers) {
            black_box(set.update(&mut scratch, index, &slots, field.place(row), radii));
        }
    })
}

/// The nearest in a battle.
fn nearest() -> Box<dyn FnMut(usize)> {
    let field = Field::battle(4_000);
    let (index, mut out) = (index(&field), Vec::new());
    Box::new(move |_| {
        for &row in &field.observers[..OBSERVERS / 10] {
            out.clear();
            index.nearest(field.place(row), 10 * RADIUS_CM, 255, &mut out);
            black_box(&out);
        }
    })
}

/// A beat's frame, its records and the first client's snapshot.
fn encode() -> Box<dyn FnMut(usize)> {
    snapshots(1)
}

/// The same for ten clients: nine of them append.
fn append() -> Box<dyn FnMut(usize)> {
    snapshots(10)
}

fn snapshots(clients: usize) -> Box<dyn FnMut(usize)> {
    let film = Film::new(200, BEATS);
    let mut stage = Stage::new(&film, clients);
    let first = film.beats().start;
    Box::new(move |number| {
        stage.publish(&film, first + number);
        for client in 0..clients {
            black_box(stage.observe(&film, first + number, client));
        }
    })
}

/// Batches of 64 messages of 64 bytes through a ring, in and out.
fn ring_batches() -> Box<dyn FnMut(usize)> {
    let (mut producer, mut consumer) = ring::<[u64; 8]>(256);
    Box::new(move |number| {
        let mut batch = (0..64).map(|i| [number as u64 + i; 8]);
        let sent = producer.push_batch(&mut batch);
        let mut sum = 0;
        let taken = consumer.pop_each(64, |message| sum += message[0]);
        assert!(sent == 64 && taken == 64, "the ring has room for a batch");
        black_box(sum);
    })
}
