//! What the tests of several modules need: the project's own content, golden files, a grid.

use crate::columns::{Ship, ShipColumns};
use crate::content::{self, Content};
use crate::motion;
use crate::order::Order;
use crate::steer::{self, Contact, Contacts};
use orrery_base::columns::Columns as _;
use orrery_base::motion::{velocity_from_m_per_s, velocity_to_m_per_s};
use orrery_base::{CharacterId, EntityId, Tick, TypeId};
use std::path::Path;
use std::sync::OnceLock;

/// Hulls of `content/ships.toml` with the time constants of the golden table: 3.6, 6, 12, 58.5 s.
pub(crate) const HULLS: [TypeId; 4] = [TypeId(1101), TypeId(1102), TypeId(1103), TypeId(1303)];
pub(crate) const STATION: TypeId = TypeId(2001);
pub(crate) const GATE: TypeId = TypeId(3001);

/// The content of the project.
pub(crate) fn content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
        Content::new(content::compile(&folder).unwrap()).unwrap()
    })
}

/// A small content that is never retuned, for golden results.
pub(crate) fn good_content() -> &'static Content {
    static CONTENT: OnceLock<Content> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/good.toml");
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(file, folder.path().join("good.toml")).unwrap();
        Content::new(content::compile(folder.path()).unwrap()).unwrap()
    })
}

/// The rows of a golden file, `N` cells each.
pub(crate) fn golden<const N: usize>(text: &str) -> Vec<[&str; N]> {
    let rows: Vec<[&str; N]> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            cells
                .try_into()
                .unwrap_or_else(|_| panic!("{N} cells: {line}"))
        })
        .collect();
    assert!(!rows.is_empty());
    rows
}

/// A cell as a number.
pub(crate) fn number<T: std::str::FromStr>(cell: &str) -> T {
    cell.parse().unwrap_or_else(|_| panic!("a number: {cell}"))
}

/// A result that agrees with a golden value: within `tolerance` of it, or of one if it is smaller.
pub(crate) fn close(got: f64, want: f64, tolerance: f64) {
    assert!(
        (got - want).abs() <= tolerance * want.abs().max(1.0),
        "{got} not {want}"
    );
}

/// Three cells as a vector.
pub(crate) fn vector<T: std::str::FromStr>(cells: &[&str]) -> [T; 3] {
    [number(cells[0]), number(cells[1]), number(cells[2])]
}

/// A small grid: rows and their ids, stepped as a server's schedule does.
#[derive(Clone, Default)]
pub(crate) struct Grid {
    pub(crate) tick: Tick,
    pub(crate) ids: Vec<EntityId>,
    pub(crate) ships: ShipColumns,
}

impl Grid {
    /// Adds a hull and returns its id.
    pub(crate) fn hull(&mut self, type_id: TypeId, position_m: [i32; 3]) -> EntityId {
        let id = EntityId::minted(self.ids.len() as u64 + 1);
        let position_cm = position_m.map(|m| m * 100);
        let ship = Ship::of_hull(content(), type_id, CharacterId(1), position_cm, self.tick);
        self.add(id, ship.unwrap());
        id
    }

    pub(crate) fn add(&mut self, id: EntityId, ship: Ship) {
        self.ids.push(id);
        self.ships.push(ship);
    }

    pub(crate) fn row(&self, id: EntityId) -> usize {
        self.ids.iter().position(|&it| it == id).unwrap()
    }

    pub(crate) fn order(&mut self, id: EntityId, order: Order) {
        let row = self.row(id);
        self.ships.set_order(row, order, self.tick.next());
    }

    /// One beat: motion, then steering with the positions after it.
    pub(crate) fn beat(&mut self) {
        self.tick = self.tick.next();
        motion::step(self.tick, &mut self.ships);
        let frame = self.clone();
        steer::step(self.tick, &self.ids, &mut self.ships, content(), &frame);
    }

    pub(crate) fn beats(&mut self, beats: u64) {
        for _ in 0..beats {
            self.beat();
        }
    }

    /// Speed, m/s.
    pub(crate) fn speed(&self, id: EntityId) -> f64 {
        let v = self.ships.velocity(self.row(id)).map(velocity_to_m_per_s);
        (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
    }

    /// From hull to hull, m.
    pub(crate) fn distance_m(&self, a: EntityId, b: EntityId) -> f64 {
        let own = self.ships.own(self.row(a), content());
        steer::surface_distance_cm(&own, &self.contact(b).unwrap()) as f64 / 100.0
    }
}

impl Contacts for Grid {
    fn contact(&self, id: EntityId) -> Option<Contact> {
        let row = self.ids.iter().position(|&it| it == id)?;
        Some(Contact {
            kind: self.ships.kind_of(row),
            type_id: self.ships.type_id[row],
            position_cm: self.ships.position_cm(row),
            velocity: self.ships.velocity(row),
            radius_cm: content().radius_cm(self.ships.type_id[row]),
        })
    }
}

/// Nothing can be seen.
pub(crate) fn nobody(_: EntityId) -> Option<Contact> {
    None
}

/// Metres per second along x, as a velocity.
pub(crate) fn along_x(m_per_s: f64) -> [i32; 3] {
    [velocity_from_m_per_s(m_per_s), 0, 0]
}
