//! The 255 nearest of a battle in which everybody is in sight.

use std::rc::Rc;

use orrery_spatial::{CellIndex, Nearness, Path};

use super::Suite;
use super::interest::paths;
use crate::field::Field;
use crate::limits::KnownThreshold;
use crate::measure::{Contender, Group, Measured, Role};

pub(super) const SUITE: Suite = Suite {
    name: "top_k",
    area: "kernel",
    about: "The 255 nearest of a battle",
    groups: || [1_000, 4_000, 8_000, 16_000].map(group).into(),
    more: None,
    figures: |_: &[Measured]| Vec::new(),
};

const NEAREST: usize = 255;
/// Farther than the battle's corners are apart.
const SIGHT_CM: u32 = 25_000_000;
/// Observers of a run.
const ASKING: usize = 50;

fn group(ships: usize) -> Group {
    let field = Rc::new(Field::battle(ships));
    let mut group = Group::new(format!("of {ships} ships"), "observer");
    for (name, path) in paths() {
        let (field, mut out) = (Rc::clone(&field), Vec::new());
        let mut index = CellIndex::with_path(SIGHT_CM, path);
        index.rebuild(&field.x, &field.y, &field.z);
        group = group.with(Contender::new(name, Role::Ours, ASKING, move || {
            for &row in &field.observers[..ASKING] {
                out.clear();
                index.nearest(field.place(row), SIGHT_CM, NEAREST, &mut out);
                std::hint::black_box(&out);
            }
        }));
    }
    for (name, path) in paths() {
        group = group.with(again(&field, name, path));
    }
    let known = KnownThreshold::new(&field);
    let asking = field.observers[..ASKING].iter().map(|&row| {
        let centre = field.place(row);
        (centre, known.threshold(centre, NEAREST))
    });
    let asking: Vec<_> = asking.collect();
    let mut room = vec![0; ships + 16];
    group.with(sorting(&field)).with(Contender::new(
        "scan, threshold known",
        Role::Limit,
        ASKING,
        move || {
            for &(centre, threshold) in &asking {
                std::hint::black_box(known.scan(centre, threshold, &mut room));
            }
        },
    ))
}

/// As production asks: each observer from beat to beat, beginning where its last search ended. The
/// ships go to and fro between two beats.
fn again(field: &Rc<Field>, name: &str, path: Path) -> Contender {
    let fields = [field.moved(), Field::clone(field)];
    let indices = fields.each_ref().map(|field| {
        let mut index = CellIndex::with_path(SIGHT_CM, path);
        index.rebuild(&field.x, &field.y, &field.z);
        index
    });
    let mut nearness = [Nearness::new(); ASKING];
    let (mut inside, mut between, mut beat) = (Vec::new(), Vec::new(), 0);
    Contender::new(format!("{name}, again"), Role::Ours, ASKING, move || {
        beat = 1 - beat;
        let (field, index) = (&fields[beat], &indices[beat]);
        for (nearness, &row) in nearness.iter_mut().zip(&field.observers) {
            inside.clear();
            let lists = [&mut inside, &mut between];
            let ranks = [NEAREST; 2];
            index.nearest_ring_again(field.place(row), SIGHT_CM, ranks, nearness, lists);
            std::hint::black_box(&inside);
        }
    })
}

/// What one would write: all distances, and the standard library's selection.
fn sorting(field: &Rc<Field>) -> Contender {
    let field = Rc::clone(field);
    let mut all: Vec<(i64, u32)> = Vec::new();
    Contender::new("select_nth_unstable", Role::Peer, ASKING, move || {
        for &row in &field.observers[..ASKING] {
            let centre = field.place(row);
            all.clear();
            all.extend((0..field.len() as u32).map(|row| {
                let place = field.place(row);
                let squared = (0..3)
                    .map(|axis| i64::from(place[axis] - centre[axis]))
                    .map(|difference| difference * difference)
                    .sum();
                (squared, row)
            }));
            all.select_nth_unstable(NEAREST);
            std::hint::black_box(&all[..NEAREST]);
        }
    })
}
