//! Rebuilding the index and asking who is in sight.

use std::cell::RefCell;
use std::rc::Rc;

use orrery_spatial::{CellIndex, Path};

use super::Suite;
use crate::field::{Field, OBSERVERS, RADIUS_CM};
use crate::limits::Cells;
use crate::measure::{Contender, Group, Measured, Role};
use crate::peers::{CellMap, kd, kd_visible, star, star_visible};

pub(super) const SUITE: Suite = Suite {
    name: "interest",
    area: "kernel",
    about: "The cell index: rebuild, and who is in sight",
    groups: || {
        vec![
            rebuild("rebuild, 10 k", 10_000),
            visible("50 in sight of 10 k", 10_000, 50),
            visible("200 in sight of 10 k", 10_000, 200),
            rebuild("rebuild, 100 k", 100_000),
            visible("50 in sight of 100 k", 100_000, 50),
            visible("200 in sight of 100 k", 100_000, 200),
        ]
    },
    more: None,
    figures,
};

const OURS: &str = "cell index";

fn figures(measured: &[Measured]) -> Vec<(&'static str, f64)> {
    let (rebuild, visible) = (&measured[0], &measured[1]);
    let peer = visible.best_peer().name.clone();
    vec![
        ("kernel.rebuild_ns_10k", rebuild.series(OURS).median()),
        ("kernel.visible_ns_50_of_10k", visible.series(OURS).median()),
        (
            "kernel.visible_speedup_vs_best_peer",
            visible.ratio(&peer, OURS),
        ),
    ]
}

/// Our index on a path.
fn index(field: &Field, path: Path) -> CellIndex {
    let mut index = CellIndex::with_path(CellIndex::for_radius(RADIUS_CM).cell_size_cm(), path);
    index.rebuild(&field.x, &field.y, &field.z);
    index
}

fn rebuild(name: &str, ships: usize) -> Group {
    let field = Rc::new(Field::plane(ships, 50));
    let points = Rc::new(field.points());
    let mut group = Group::new(name, "ship");
    for (name, path) in paths() {
        let (field, mut index) = (Rc::clone(&field), index(&field, path));
        group = group.with(Contender::new(name, Role::Ours, ships, move || {
            index.rebuild(&field.x, &field.y, &field.z);
            index.len()
        }));
    }
    let (mut map, mut cells) = (CellMap::default(), Cells::new(&field, RADIUS_CM));
    let (of_map, of_star, of_kd) = (Rc::clone(&field), Rc::clone(&points), points);
    group
        .with(Contender::new(
            "hash map of Vec",
            Role::Peer,
            ships,
            move || {
                map.rebuild(&of_map);
            },
        ))
        .with(Contender::new("kiddo", Role::Peer, ships, move || {
            kd(&of_kd)
        }))
        .with(Contender::new("rstar", Role::Peer, ships, move || {
            star(&of_star)
        }))
        .with(Contender::new(
            "plain counting sort",
            Role::Limit,
            ships,
            move || {
                cells.rebuild(&field);
            },
        ))
}

fn visible(name: &str, ships: usize, in_sight: u32) -> Group {
    let field = Rc::new(Field::plane(ships, in_sight));
    let points = field.points();
    let out = Rc::new(RefCell::new(Vec::<u32>::new()));
    let mut group = Group::new(name, "observer");
    for (name, path) in paths() {
        let index = index(&field, path);
        group = group.with(asking(
            name,
            Role::Ours,
            &field,
            &out,
            move |field, row, out| {
                out.clear();
                index.scan(field.place(row), RADIUS_CM, out);
            },
        ));
    }
    let mut map = CellMap::default();
    map.rebuild(&field);
    let (kd, star) = (kd(&points), star(&points));
    let mut cells = Cells::new(&field, RADIUS_CM);
    cells.rebuild(&field);
    let mut room = vec![0; ships + 16];
    group
        .with(asking(
            "hash map of Vec",
            Role::Peer,
            &field,
            &out,
            move |field, row, out| {
                map.visible(field, field.place(row), out);
            },
        ))
        .with(asking(
            "kiddo",
            Role::Peer,
            &field,
            &out,
            move |field, row, out| {
                kd_visible(&kd, field.place(row).map(|p| p as f32), out);
            },
        ))
        .with(asking(
            "rstar",
            Role::Peer,
            &field,
            &out,
            move |field, row, out| {
                star_visible(&star, field.place(row).map(|p| p as f32), out);
            },
        ))
        .with(asking(
            "scan of nine cells",
            Role::Limit,
            &field,
            &out,
            move |field, row, _| {
                std::hint::black_box(cells.scan(field.place(row), &mut room));
            },
        ))
}

/// A contender that answers every observer's question.
fn asking(
    name: &str,
    role: Role,
    field: &Rc<Field>,
    out: &Rc<RefCell<Vec<u32>>>,
    mut ask: impl FnMut(&Field, u32, &mut Vec<u32>) + 'static,
) -> Contender {
    let (field, out) = (Rc::clone(field), Rc::clone(out));
    Contender::new(name, role, OBSERVERS, move || {
        let mut out = out.borrow_mut();
        for &row in &field.observers {
            ask(&field, row, &mut out);
            std::hint::black_box(&*out);
        }
    })
}

/// The path that production takes under its plain name, and the others that there are.
pub(super) fn paths() -> Vec<(&'static str, Path)> {
    let best = Path::detect();
    let others = [
        ("cell index, AVX2", Path::Avx2),
        ("cell index, portable", Path::Portable),
    ];
    let others = others
        .into_iter()
        .filter(|&(_, path)| path != best && path.is_available());
    std::iter::once((OURS, best)).chain(others).collect()
}
