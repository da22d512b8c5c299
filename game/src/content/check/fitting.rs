//! The ranges of what is fitted: systems, modules, charges, drones, skills; and that named fits
//! fit.

use super::super::{
    ChargeType, Content, DroneType, Effect, HullSystems, ModifierRow, ModuleType, NamedFit, Pack,
    Rack, ShipType, SkillType,
};
use super::economy::{Checked, cents, hue, key, volume};
use super::{Fault, RADIUS_M_MAX, Row, Seen, between, fault, id, rows, taken, text};
use crate::attribute::{Attribute, Operation};
use crate::fitting;
use std::collections::{BTreeMap, BTreeSet};

/// The largest number in a modifier row.
const ROW_VALUE_MAX: f64 = 1e9;
/// The most rows that one thing may have of a kind.
const ROWS_MAX: usize = 32;

/// Groups, skills and names that rows may refer to.
pub(super) struct Known<'a> {
    groups: BTreeSet<&'a str>,
    skills: BTreeSet<&'a str>,
    roles: BTreeSet<&'a str>,
    goods: BTreeSet<&'a str>,
    charge_groups: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of(pack: &'a Pack) -> Self {
        Self {
            groups: pack.groups.iter().map(|it| it.key.as_str()).collect(),
            skills: pack.skills.iter().map(|it| it.key.as_str()).collect(),
            roles: pack.ships.iter().map(|it| it.role.as_str()).collect(),
            goods: pack.items.iter().map(|it| it.name.as_str()).collect(),
            charge_groups: pack.charges.iter().map(|it| it.group.as_str()).collect(),
        }
    }

    pub(super) fn group(&self, key: &str) -> Result<(), Fault> {
        if self.groups.contains(key) {
            Ok(())
        } else {
            fault("group", format!("\"{key}\" is not a group's key"))
        }
    }

    pub(super) fn good(&self, field: &'static str, name: &str) -> Result<(), Fault> {
        if self.goods.contains(name) {
            Ok(())
        } else {
            fault(field, format!("\"{name}\" is not the name of an item"))
        }
    }

    /// Rows of one thing. `own` says that there is a module for `self` to mean.
    fn rows(&self, field: &'static str, rows: &[ModifierRow], may: May) -> Result<(), Fault> {
        if rows.len() > ROWS_MAX {
            return fault(
                field,
                format!("has {} rows: at most {ROWS_MAX}", rows.len()),
            );
        }
        for (number, row) in rows.iter().enumerate() {
            self.row(row, may)
                .or_else(|reason| fault(field, format!("row {}: {reason}", number + 1)))?;
        }
        Ok(())
    }

    fn row(&self, row: &ModifierRow, may: May) -> Result<(), String> {
        match row.on.as_str() {
            "ship" | "drones" if !may.only_own => {}
            "self" if may.own => {}
            "self" => return Err("on is \"self\", but there is no module here".to_owned()),
            other if may.only_own => {
                return Err(format!("on is \"{other}\": it must be \"self\""));
            }
            key if self.groups.contains(key) => {}
            other => {
                return Err(format!(
                    "on is \"{other}\": it must be \"ship\", \"self\", \"drones\" or a group's key"
                ));
            }
        }
        if row.value.is_nan() || row.value.abs() > ROW_VALUE_MAX {
            return Err(format!(
                "value is {}: it must be from -{ROW_VALUE_MAX} to {ROW_VALUE_MAX}",
                row.value
            ));
        }
        let is_share = matches!(row.op, Operation::Percent | Operation::Stack);
        if is_share && row.value < -100.0 {
            return Err(format!(
                "value is {}: nothing loses more than 100 %",
                row.value
            ));
        }
        match &row.skill {
            Some(skill) if !self.skills.contains(skill.as_str()) => {
                return Err(format!("skill \"{skill}\" is not a skill's key"));
            }
            Some(_) if !may.skill => {
                return Err("skill is for hulls only".to_owned());
            }
            _ => {}
        }
        if row.is_bonus && !may.bonus {
            return Err("is_bonus is for hulls, skills, charges and heat only".to_owned());
        }
        Ok(())
    }
}

/// What rows may do, by where they stand.
#[derive(Clone, Copy)]
struct May {
    own: bool,
    only_own: bool,
    skill: bool,
    bonus: bool,
}

const ON_HULL: May = May {
    own: false,
    only_own: false,
    skill: true,
    bonus: true,
};
const ON_SKILL: May = May {
    skill: false,
    ..ON_HULL
};
const ON_MODULE: May = May {
    own: true,
    only_own: false,
    skill: false,
    bonus: false,
};
const ON_CHARGE: May = May {
    own: true,
    only_own: true,
    skill: false,
    bonus: true,
};

/// Whether a number is one that its attribute may have.
fn attribute(field: &'static str, attribute: Attribute, value: f64) -> Result<(), Fault> {
    let (least, most) = attribute.range();
    if value >= least && value <= most {
        return Ok(());
    }
    let what = match field {
        "effect" => format!("{} ", attribute.key()),
        _ => String::new(),
    };
    fault(
        field,
        format!("{what}is {value}: it must be from {least} to {most}"),
    )
}

/// Keeps the first fault of a walk over attributes.
struct First(Result<(), Fault>);

impl First {
    fn see(&mut self, field: &'static str, it: Attribute, value: f64) {
        if self.0.is_ok() {
            self.0 = attribute(field, it, value);
        }
    }
}

fn systems(systems: &HullSystems) -> Result<(), Fault> {
    for slots in systems.slots {
        between(
            "systems.slots",
            f64::from(slots),
            0.0,
            f64::from(fitting::RACK_SLOTS_MAX),
        )?;
    }
    for (field, hardpoints) in [
        ("systems.turret_hardpoints", systems.turret_hardpoints),
        ("systems.launcher_hardpoints", systems.launcher_hardpoints),
    ] {
        between(
            field,
            f64::from(hardpoints),
            0.0,
            f64::from(systems.slots[0]),
        )?;
    }
    let mut first = First(Ok(()));
    systems.visit(&mut |field, it, value| first.see(field, it, value));
    first.0
}

/// The systems and bonuses of a hull.
pub(super) fn hull(ship: &ShipType, known: &Known<'_>) -> Result<(), Fault> {
    systems(&ship.systems)?;
    known.rows("bonuses", &ship.bonuses, ON_HULL)
}

fn module(module: &ModuleType, known: &Known<'_>) -> Result<(), Fault> {
    id(module.id)?;
    text("name", &module.name, 40)?;
    text("description", &module.description, 1_000)?;
    known.group(&module.group)?;
    volume("volume_l", module.volume_l)?;
    cents("base_price_cents", module.base_price, 1.0)?;
    hue("hue", module.hue)?;
    between("tier", f64::from(module.tier), 0.0, 5.0)?;
    let mut first = First(Ok(()));
    module.visit(&mut |field, it, value| first.see(field, it, value));
    first.0?;
    for role in &module.roles {
        if !known.roles.contains(role.as_str()) {
            return fault("roles", format!("\"{role}\" is the role of no hull"));
        }
    }
    for (field, most) in [
        ("group_fitted_max", module.group_fitted_max),
        ("group_active_max", module.group_active_max),
    ] {
        between(field, f64::from(most.unwrap_or(1)), 1.0, 32.0)?;
    }
    rack(module)?;
    work(module)?;
    ammunition(module, known)?;
    known.rows("passive", &module.passive, ON_MODULE)?;
    known.rows("active", &module.active, ON_MODULE)?;
    known.rows("overheated", &module.overheated, ON_CHARGE)
}

/// What racks ask of a module.
fn rack(module: &ModuleType) -> Result<(), Fault> {
    let is_rig = module.slot == Rack::Rig;
    if is_rig != (module.calibration > 0.0) {
        return fault("calibration", "is what rigs have, and nothing else");
    }
    if is_rig && module.effect != Effect::Passive {
        return fault("effect", "of a rig must be \"passive\"");
    }
    if is_rig && module.size.is_none() {
        return fault("size", "is missing: rigs are made for hulls of one size");
    }
    if module.hardpoint.is_some() && module.slot != Rack::High {
        return fault("hardpoint", "is for modules of the high rack only");
    }
    Ok(())
}

/// Cycle, heat and active rows go with an effect.
fn work(module: &ModuleType) -> Result<(), Fault> {
    if module.effect.is_active() {
        return between("cycle_s", module.cycle_s, 0.1, 3_600.0);
    }
    for (field, is_there) in [
        ("cycle_s", module.cycle_s > 0.0),
        ("capacitor_gj", module.capacitor_gj > 0.0),
        ("heat_absorption", module.heat_absorption > 0.0),
        ("active", !module.active.is_empty()),
        ("overheated", !module.overheated.is_empty()),
    ] {
        if is_there {
            return fault(field, "is for modules with an effect only");
        }
    }
    Ok(())
}

fn ammunition(module: &ModuleType, known: &Known<'_>) -> Result<(), Fault> {
    for group in &module.charge_groups {
        if !known.charge_groups.contains(group.as_str()) {
            return fault(
                "charge_groups",
                format!("\"{group}\" is the group of no charge"),
            );
        }
    }
    let takes = !module.charge_groups.is_empty();
    if takes != (module.charge_m3 > 0.0) {
        return fault(
            "charge_m3",
            "must be above 0 with charge_groups, and only with them",
        );
    }
    if module.effect.needs_charge() && !takes {
        return fault("charge_groups", "is missing: this effect needs charges");
    }
    Ok(())
}

fn charge(charge: &ChargeType, known: &Known<'_>) -> Result<(), Fault> {
    id(charge.id)?;
    text("name", &charge.name, 40)?;
    text("description", &charge.description, 1_000)?;
    known.group(&charge.group)?;
    volume("volume_l", charge.volume_l)?;
    cents("base_price_cents", charge.base_price, 1.0)?;
    hue("hue", charge.hue)?;
    let mut first = First(Ok(()));
    charge.visit(&mut |field, it, value| first.see(field, it, value));
    first.0?;
    for ore in &charge.ores {
        known.good("ores", ore)?;
    }
    known.rows("loaded", &charge.loaded, ON_CHARGE)
}

fn drone(drone: &DroneType, known: &Known<'_>) -> Result<(), Fault> {
    id(drone.id)?;
    text("name", &drone.name, 40)?;
    text("description", &drone.description, 1_000)?;
    known.group(&drone.group)?;
    volume("volume_l", drone.volume_l)?;
    cents("base_price_cents", drone.base_price, 1.0)?;
    hue("hue", drone.hue)?;
    between("radius_m", drone.radius_m, 1.0, RADIUS_M_MAX)?;
    between("cycle_s", drone.cycle_s, 0.1, 3_600.0)?;
    if !drone.effect.is_active() {
        return fault("effect", "of a drone must do something");
    }
    let mut first = First(Ok(()));
    drone.visit(&mut |field, it, value| first.see(field, it, value));
    first.0
}

fn skill(skill: &SkillType, known: &Known<'_>) -> Result<(), Fault> {
    id(skill.id)?;
    key("key", &skill.key)?;
    text("name", &skill.name, 40)?;
    text("description", &skill.description, 1_000)?;
    between("rank", f64::from(skill.rank), 1.0, 16.0)?;
    known.rows("per_level", &skill.per_level, ON_SKILL)
}

/// All rows of what is fitted, but for named fits.
pub(super) fn pack(pack: &Pack, known: &Known<'_>, seen: &mut Seen) -> Checked {
    for (row, it) in rows("module", &pack.modules) {
        module(it, known)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("charge", &pack.charges) {
        charge(it, known)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    for (row, it) in rows("drone", &pack.drones) {
        drone(it, known)
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    let mut keys = BTreeMap::new();
    for (row, it) in rows("skill", &pack.skills) {
        let same = keys.insert(it.key.as_str(), row);
        skill(it, known)
            .and_then(|()| taken("key", format_args!("\"{}\"", it.key), same))
            .and_then(|()| seen.both(row, it.id, &it.name))
            .map_err(|fault| (row, fault))?;
    }
    Ok(())
}

/// Whether every named fit fits, with the skills that it names. The rows stand as they were
/// written; the content has been made of them.
pub(in crate::content) fn fits(content: &Content, fits: &[NamedFit]) -> Result<(), (Row, Fault)> {
    for (row, it) in rows("fit", fits) {
        let refuse = |reason: String| fault("name", format!("\"{}\": {reason}", it.name));
        let made = match fitting::named(content, it, it.skill_level) {
            Ok(fit) => fitting::check(content, &fit)
                .map(|_| ())
                .or_else(|reject| refuse(reject.sentence(content))),
            Err(error) => refuse(error.to_string()),
        };
        made.map_err(|fault| (row, fault))?;
    }
    Ok(())
}
