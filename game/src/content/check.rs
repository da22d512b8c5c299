//! The ranges that content must keep: the same checks for a TOML file, where a fault is shown
//! with its line, and for a pack, which may have been written by anybody.

mod economy;
mod fitting;
mod wild;

pub(super) use fitting::fits;

use super::{Empire, GateType, Navigation, Pack, ShipType, StationType, TYPE_ID_MAX, law};
use orrery_base::TypeId;
use orrery_base::money::Money;
use orrery_base::motion::{VELOCITY_MAX, velocity_to_m_per_s};
use std::collections::BTreeMap;
use std::fmt;

/// The largest range that a table may hold: 10,000 km, half of the way to a grid's edge.
pub(super) const RANGE_M_MAX: u32 = 10_000_000;
/// The largest radius: bigger things are places, not entities.
const RADIUS_M_MAX: f64 = 500_000.0;
/// The longest time constant; beyond it one beat's response is too coarse a fraction.
const TAU_S_MAX: f64 = 1_000.0;
/// The shortest: below it a ship would reach its target velocity within a beat.
const TAU_S_MIN: f64 = 0.1;

/// Which row of the content a fault is in: the table's name and the row's index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Row {
    pub table: &'static str,
    pub index: usize,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[[{}]] number {}", self.table, self.index + 1)
    }
}

/// What is wrong with a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// The field, a dot between levels.
    pub field: &'static str,
    pub reason: String,
    /// The row that has taken what must be unique.
    pub first: Option<Row>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.reason)
    }
}

fn fault(field: &'static str, reason: impl Into<String>) -> Result<(), Fault> {
    Err(Fault {
        field,
        reason: reason.into(),
        first: None,
    })
}

fn taken(field: &'static str, what: impl fmt::Display, first: Option<Row>) -> Result<(), Fault> {
    match first {
        None => Ok(()),
        Some(_) => Err(Fault {
            field,
            reason: format!("{what} is taken"),
            first,
        }),
    }
}

/// Reads a type's number.
pub(super) fn type_id<'de, D: serde::Deserializer<'de>>(source: D) -> Result<TypeId, D::Error> {
    serde::Deserialize::deserialize(source).map(TypeId)
}

/// Reads an amount of money in cents.
pub(super) fn cents<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Money, D::Error> {
    serde::Deserialize::deserialize(source).map(Money)
}

fn between(field: &'static str, value: f64, least: f64, most: f64) -> Result<(), Fault> {
    // Written so that NaN is out of range.
    if value >= least && value <= most {
        Ok(())
    } else {
        fault(
            field,
            format!("is {value}: it must be from {least} to {most}"),
        )
    }
}

fn text(field: &'static str, value: &str, most_chars: usize) -> Result<(), Fault> {
    let count = value.chars().count();
    if value.trim() != value || count == 0 {
        return fault(field, "must not be empty, nor begin or end with a blank");
    }
    if value.chars().any(char::is_control) {
        return fault(field, "must be one line without control characters");
    }
    if count > most_chars {
        return fault(
            field,
            format!("has {count} characters: at most {most_chars} are allowed"),
        );
    }
    Ok(())
}

fn id(id: TypeId) -> Result<(), Fault> {
    between("id", f64::from(id.0), 1.0, f64::from(TYPE_ID_MAX))
}

fn range(field: &'static str, range_m: u32) -> Result<(), Fault> {
    between(field, f64::from(range_m), 0.0, f64::from(RANGE_M_MAX))
}

fn empire(empire: &Empire) -> Result<(), Fault> {
    between("id", f64::from(empire.id), 1.0, 250.0)?;
    text("name", &empire.name, 40)?;
    text("adjective", &empire.adjective, 40)?;
    text("description", &empire.description, 1_000)?;
    between(
        "colour",
        f64::from(empire.colour),
        0.0,
        f64::from(0xFF_FFFF),
    )
}

fn ship(ship: &ShipType) -> Result<(), Fault> {
    id(ship.id)?;
    text("name", &ship.name, 40)?;
    text("role", &ship.role, 40)?;
    text("description", &ship.description, 1_000)?;
    between("mass_kg", ship.mass_kg, 1.0, 1e12)?;
    between("inertia", ship.inertia, 1e-6, 1e6)?;
    let fastest = velocity_to_m_per_s(VELOCITY_MAX);
    between("max_speed_m_per_s", ship.max_speed_m_per_s, 1.0, fastest)?;
    between("radius_m", ship.radius_m, 1.0, RADIUS_M_MAX)?;
    for (field, hp) in [
        ("shield_hp", ship.shield_hp),
        ("armour_hp", ship.armour_hp),
        ("hull_hp", ship.hull_hp),
    ] {
        between(field, f64::from(hp), 1.0, 1e9)?;
    }
    economy::hull(ship)?;
    time_constant("inertia", law(ship, false).tau_s)?;
    let Some(burner) = ship.afterburner else {
        return Ok(());
    };
    between(
        "afterburner.speed_factor_percent",
        burner.speed_factor_percent,
        0.1,
        100_000.0,
    )?;
    between("afterburner.thrust", burner.thrust, 1.0, 1e12)?;
    between(
        "afterburner.mass_addition_kg",
        burner.mass_addition_kg,
        0.0,
        1e12,
    )?;
    let boosted = law(ship, true);
    if boosted.max_speed >= VELOCITY_MAX {
        return fault(
            "afterburner.speed_factor_percent",
            format!("makes the ship faster than the {fastest:.0} m/s that a grid can hold"),
        );
    }
    time_constant("afterburner.mass_addition_kg", boosted.tau_s)
}

fn time_constant(field: &'static str, tau_s: f64) -> Result<(), Fault> {
    if (TAU_S_MIN..=TAU_S_MAX).contains(&tau_s) {
        return Ok(());
    }
    fault(
        field,
        format!(
            "gives a time constant (mass · inertia / 10⁶) of {tau_s} s: \
             it must be from {TAU_S_MIN} to {TAU_S_MAX} s"
        ),
    )
}

fn station(station: &StationType) -> Result<(), Fault> {
    id(station.id)?;
    text("name", &station.name, 40)?;
    text("description", &station.description, 1_000)?;
    between("radius_m", station.radius_m, 1.0, RADIUS_M_MAX)?;
    range("dock_range_m", station.dock_range_m)?;
    range("undock_clearance_m", station.undock_clearance_m)?;
    between(
        "undock_speed_percent",
        f64::from(station.undock_speed_percent),
        0.0,
        100.0,
    )
}

fn gate(gate: &GateType) -> Result<(), Fault> {
    id(gate.id)?;
    text("name", &gate.name, 40)?;
    text("description", &gate.description, 1_000)?;
    between("radius_m", gate.radius_m, 1.0, RADIUS_M_MAX)?;
    range("activation_range_m", gate.activation_range_m)?;
    range("arrival_range_m", gate.arrival_range_m)
}

pub(super) fn navigation(navigation: &Navigation) -> Result<(), Fault> {
    range("approach_range_m", navigation.approach_range_m)?;
    for (field, [least, most]) in [
        ("keep_range_m", navigation.keep_range_m),
        ("orbit_range_m", navigation.orbit_range_m),
    ] {
        range(field, most)?;
        if least > most {
            return fault(field, format!("begins at {least} and ends at {most}"));
        }
    }
    Ok(())
}

/// What must be unique in a pack, and where it stands already.
#[derive(Default)]
struct Seen {
    types: BTreeMap<u32, Row>,
    names: BTreeMap<String, Row>,
}

impl Seen {
    fn name(&mut self, row: Row, name: &str) -> Result<(), Fault> {
        taken(
            "name",
            format_args!("\"{name}\""),
            self.names.insert(name.to_lowercase(), row),
        )
    }

    fn type_id(&mut self, row: Row, id: TypeId) -> Result<(), Fault> {
        taken("id", id, self.types.insert(id.0, row))
    }

    fn both(&mut self, row: Row, id: TypeId, name: &str) -> Result<(), Fault> {
        self.type_id(row, id)?;
        self.name(row, name)
    }
}

/// Checks every row and what the rows must agree on.
pub(super) fn pack(pack: &Pack) -> Result<(), (Row, Fault)> {
    let mut seen = Seen::default();
    let mut empires = BTreeMap::new();
    let names = fitting::Known::of(pack);
    let known = |empires: &BTreeMap<u8, Row>, id: u8| {
        if empires.contains_key(&id) {
            Ok(())
        } else {
            fault("empire", format!("{id} is not an empire"))
        }
    };
    for (row, it) in rows("empire", &pack.empires) {
        let first = empires.insert(it.id, row);
        empire(it)
            .and_then(|()| taken("id", it.id, first))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("ship", &pack.ships) {
        ship(it)
            .and_then(|()| fitting::hull(it, &names))
            .and_then(|()| known(&empires, it.empire))
            .and_then(|()| seen.type_id(row, it.id))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("station", &pack.stations) {
        station(it)
            .and_then(|()| {
                if it.empire == 0 {
                    Ok(())
                } else {
                    known(&empires, it.empire)
                }
            })
            .and_then(|()| seen.type_id(row, it.id))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("gate", &pack.gates) {
        gate(it)
            .and_then(|()| seen.type_id(row, it.id))
            .and_then(|()| seen.name(row, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    economy::pack(pack, &mut seen)?;
    fitting::pack(pack, &names, &mut seen)?;
    wild::pack(pack, &names, &mut seen)?;
    navigation(&pack.navigation).map_err(|fault| {
        (
            Row {
                table: "navigation",
                index: 0,
            },
            fault,
        )
    })
}

fn rows<'a, T>(table: &'static str, rows: &'a [T]) -> impl Iterator<Item = (Row, &'a T)> {
    rows.iter()
        .enumerate()
        .map(move |(index, it)| (Row { table, index }, it))
}
