//! Who entered and who left, from one beat to the next: scan and difference together, and the
//! difference alone.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Instant;

use orrery_spatial::{
    BerthIndex, BitSet, CellIndex, InterestScratch, InterestSet, Path, Positions, Radii, Watch,
    WatchScratch,
};

use super::Suite;
use crate::field::{Field, RADIUS_CM};
use crate::measure::{Contender, Group, Measured, Role};

pub(super) const SUITE: Suite = Suite {
    name: "difference",
    area: "kernel",
    about: "Who entered and who left since the last beat",
    groups: || vec![update(), prepare(), replace()],
    figures: |_: &[Measured]| Vec::new(),
};

const SHIPS: usize = 10_000;
const IN_SIGHT: u32 = 100;
/// Observers of a run: few enough for their sets to stay in cache, as a shard's are in a beat.
const WATCHING: usize = 500;

/// Two beats; the contenders go from one to the other and back.
struct Beats {
    fields: [Field; 2],
    indices: [CellIndex; 2],
    slots: Vec<u32>,
}

impl Beats {
    fn new() -> Rc<Self> {
        let first = Field::plane(SHIPS, IN_SIGHT);
        let fields = [first.moved(), first];
        let indices = fields.each_ref().map(|field| {
            let mut index = CellIndex::for_radius(RADIUS_CM);
            index.rebuild(&field.x, &field.y, &field.z);
            index
        });
        let slots = fields[0].slots();
        Rc::new(Self {
            fields,
            indices,
            slots,
        })
    }
}

fn update() -> Group {
    let beats = Beats::new();
    let group = Group::new("scan and difference, 100 in sight of 10 k", "observer");
    let (sharp, soft) = (
        Radii::with_hysteresis(RADIUS_CM, 0),
        Radii::with_hysteresis(RADIUS_CM, 50),
    );
    let (avx2, portable) = (Path::Avx2, Path::Portable);
    group
        .with(with_lanes(&beats, "watch", Path::detect(), sharp))
        .with(with_lanes(
            &beats,
            "watch, hysteresis",
            Path::detect(),
            soft,
        ))
        .with(with_lanes(&beats, "watch, AVX2", avx2, sharp))
        .with(with_lanes(&beats, "watch, portable", portable, sharp))
        .with(with_bits(
            &beats,
            "interest set",
            Radii::with_hysteresis(RADIUS_CM, 0),
        ))
        .with(with_bits(
            &beats,
            "interest set, hysteresis",
            Radii::with_hysteresis(RADIUS_CM, 50),
        ))
        .with(with_merge(&beats))
        .with(with_hash_sets(&beats))
}

/// The berths are brought up to date before each run, as a grid does once for all observers: see
/// the group of updates.
fn with_lanes(beats: &Rc<Beats>, name: &str, path: Path, radii: Radii) -> Contender {
    let beats = Rc::clone(beats);
    let mut berths = BerthIndex::with_path(radii.leave_cm, path);
    let mut watches = vec![Watch::new(); WATCHING];
    let mut scratch = WatchScratch::new();
    let mut beat = 0;
    Contender::timed(name, Role::Ours, WATCHING, move || {
        beat = 1 - beat;
        let field = &beats.fields[beat];
        berths.update(&[positions(field)], &beats.slots);
        let mut changes = 0;
        let start = Instant::now();
        for (watch, &row) in watches.iter_mut().zip(&field.observers) {
            let change = watch.update(&mut scratch, &berths, field.place(row), radii);
            changes += change.entered.len() + change.left.len();
        }
        std::hint::black_box(changes);
        start.elapsed()
    })
}

fn positions(field: &Field) -> Positions<'_> {
    Positions {
        x: &field.x,
        y: &field.y,
        z: &field.z,
    }
}

/// Bringing the structures up to date, once a beat for all observers.
fn prepare() -> Group {
    let beats = Beats::new();
    let (for_berths, for_index) = (Rc::clone(&beats), Rc::clone(&beats));
    let mut berths = BerthIndex::for_radius(RADIUS_CM);
    let mut index = CellIndex::for_radius(RADIUS_CM);
    let (mut one, mut other) = (0, 0);
    Group::new("a beat's preparation, 10 k", "ship")
        .with(Contender::new(
            "berths, updated",
            Role::Ours,
            SHIPS,
            move || {
                one = 1 - one;
                berths.update(&[positions(&for_berths.fields[one])], &for_berths.slots);
                berths.len()
            },
        ))
        .with(Contender::new(
            "cell index, rebuilt",
            Role::Ours,
            SHIPS,
            move || {
                other = 1 - other;
                let field = &for_index.fields[other];
                index.rebuild(&field.x, &field.y, &field.z);
                index.len()
            },
        ))
}

fn with_bits(beats: &Rc<Beats>, name: &str, radii: Radii) -> Contender {
    let beats = Rc::clone(beats);
    let mut sets = vec![InterestSet::new(); WATCHING];
    let mut scratch = InterestScratch::new();
    let mut beat = 0;
    Contender::new(name, Role::Ours, WATCHING, move || {
        beat = 1 - beat;
        let (field, index) = (&beats.fields[beat], &beats.indices[beat]);
        let mut changes = 0;
        for (set, &row) in sets.iter_mut().zip(&field.observers) {
            let centre = field.place(row);
            let change = set.update(&mut scratch, index, &beats.slots, centre, radii);
            changes += change.entered.iter().count() + change.left.iter().count();
        }
        changes
    })
}

fn with_merge(beats: &Rc<Beats>) -> Contender {
    let beats = Rc::clone(beats);
    let mut sets = vec![Vec::<u32>::new(); WATCHING];
    let (mut found, mut beat) = (Vec::new(), 0);
    Contender::new("sorted lists, merged", Role::Peer, WATCHING, move || {
        beat = 1 - beat;
        let (field, index) = (&beats.fields[beat], &beats.indices[beat]);
        let mut changes = 0;
        for (set, &row) in sets.iter_mut().zip(&field.observers) {
            found.clear();
            index.scan(field.place(row), RADIUS_CM, &mut found);
            for row in &mut found {
                *row = beats.slots[*row as usize];
            }
            found.sort_unstable();
            changes += merge(set, &found);
            std::mem::swap(set, &mut found);
        }
        changes
    })
}

/// How many are in one list only.
fn merge(old: &[u32], new: &[u32]) -> usize {
    let (mut i, mut j, mut changes) = (0, 0, 0);
    while i < old.len() && j < new.len() {
        let (a, b) = (old[i], new[j]);
        changes += usize::from(a != b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    changes + (old.len() - i) + (new.len() - j)
}

fn with_hash_sets(beats: &Rc<Beats>) -> Contender {
    let beats = Rc::clone(beats);
    let mut sets = vec![HashSet::<u32>::new(); WATCHING];
    let (mut found, mut beat) = (Vec::new(), 0);
    Contender::new("hash sets", Role::Peer, WATCHING, move || {
        beat = 1 - beat;
        let (field, index) = (&beats.fields[beat], &beats.indices[beat]);
        let mut changes = 0;
        for (set, &row) in sets.iter_mut().zip(&field.observers) {
            found.clear();
            index.scan(field.place(row), RADIUS_CM, &mut found);
            let slots = found.iter().map(|&row| beats.slots[row as usize]);
            let new: HashSet<u32> = slots.collect();
            changes += new.difference(set).count() + set.difference(&new).count();
            *set = new;
        }
        changes
    })
}

/// The difference alone, per visible ship.
fn replace() -> Group {
    let visible = |offset: u32| -> BitSet {
        let all = SHIPS as u32;
        (0..IN_SIGHT)
            .map(|i| (i * (all / IN_SIGHT) + offset) % all)
            .collect()
    };
    let (mut old, next) = (visible(0), visible(1));
    let (mut entered, mut left) = (BitSet::new(), BitSet::new());
    let path = Path::detect();
    let group = Group::new("difference alone, 100 in sight of 10 k", "visible ship");
    group.with(Contender::new(
        "bit sets",
        Role::Ours,
        IN_SIGHT as usize,
        move || {
            let mut fresh = next.clone();
            old.replace(&mut fresh, &mut entered, &mut left, path);
            entered.words().len()
        },
    ))
}
