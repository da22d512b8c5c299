//! Modules and rigs, and the rows by which one thing changes the values of another.
//!
//! Modules are items too, under their own numbers.

use super::{Content, ItemType, Shape, check};
use crate::attribute::{Attribute, Operation, Penalty};
use crate::content::Effect;
use orrery_base::TypeId;
use orrery_base::money::Money;
use rkyv::{Archive, Deserialize, Serialize};

/// A rack of slots.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rack {
    /// Weapons and what works on others.
    High,
    /// Shields, drives, sensors.
    Mid,
    /// Armour, engineering.
    Low,
    /// Rigs: built in for good.
    Rig,
}

impl Rack {
    /// Every rack, in the order in which slots are counted.
    pub const ALL: [Self; 4] = [Self::High, Self::Mid, Self::Low, Self::Rig];
}

/// How large a hull, a module, a charge or a rig is.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Pods, shuttles, frigates, destroyers.
    #[default]
    Small,
    /// Cruisers, battlecruisers, haulers.
    Medium,
    /// Battleships.
    Large,
    /// Carriers, dreadnoughts, freighters.
    Capital,
}

/// What a weapon is mounted on.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Hardpoint {
    /// A turret hardpoint.
    Turret,
    /// A launcher hardpoint.
    Launcher,
}

/// A row by which one thing changes a value of another.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifierRow {
    /// What is changed: `ship`, `self` (the module, or for a charge the module that it is in),
    /// `drones`, or the key of a group: every module, charge or drone of it.
    pub on: String,
    /// Which value.
    pub attribute: Attribute,
    /// How.
    pub op: Operation,
    /// By how much: in the attribute's unit, or in per cent. With a skill, for each level of it.
    pub value: f64,
    /// Beside what it is penalised, if `op` is `stack`.
    #[serde(default)]
    pub penalty: Penalty,
    /// Only modules, charges and drones of this size.
    pub size: Option<Size>,
    /// The key of the skill by whose level the value is multiplied.
    pub skill: Option<String>,
    /// What is changed is not the value, but the rows by which the module changes that value of
    /// something else.
    #[serde(default)]
    pub is_bonus: bool,
}

/// A module or a rig.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The group it is listed in and limited with, a [`Group::key`](super::Group::key).
    pub group: String,
    /// A line or two for players.
    pub description: String,
    /// What one takes up in a hold, litres, 1..=10¹².
    pub volume_l: u64,
    /// What one is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// What its icon shows.
    pub shape: Shape,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
    /// How good it is of its kind, 0..=5: 0 is what everybody sells.
    #[serde(default)]
    pub tier: u8,
    /// The rack that it fits in.
    pub slot: Rack,
    /// Its size. Rigs fit hulls of their size only; charges must have that of their module.
    pub size: Option<Size>,
    /// What it must be mounted on.
    pub hardpoint: Option<Hardpoint>,
    /// Roles of the hulls that take it; empty for any.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How many of its group may be fitted at once; absent for any number.
    pub group_fitted_max: Option<u8>,
    /// How many of its group may be active at once; absent for any number.
    pub group_active_max: Option<u8>,
    /// See [`Attribute::CpuNeedTf`].
    #[serde(default)]
    pub cpu_tf: f64,
    /// See [`Attribute::PowerNeedMw`].
    #[serde(default)]
    pub power_mw: f64,
    /// See [`Attribute::CalibrationNeed`]. Rigs only.
    #[serde(default)]
    pub calibration: f64,
    /// See [`Attribute::CycleS`]. Zero for passive modules, > 0 for all others.
    #[serde(default)]
    pub cycle_s: f64,
    /// See [`Attribute::CapacitorNeedGj`].
    #[serde(default)]
    pub capacitor_gj: f64,
    /// See [`Attribute::OptimalM`].
    #[serde(default)]
    pub optimal_m: f64,
    /// See [`Attribute::FalloffM`].
    #[serde(default)]
    pub falloff_m: f64,
    /// Keys of the groups of charges that it takes.
    #[serde(default)]
    pub charge_groups: Vec<String>,
    /// See [`Attribute::ChargeM3`].
    #[serde(default)]
    pub charge_m3: f64,
    /// See [`Attribute::ReloadS`].
    #[serde(default)]
    pub reload_s: f64,
    /// See [`Attribute::HeatDamage`].
    #[serde(default)]
    pub heat_damage: f64,
    /// See [`Attribute::HeatAbsorption`]. Zero for what cannot be overheated.
    #[serde(default)]
    pub heat_absorption: f64,
    /// What it does while it is active.
    #[serde(default)]
    pub effect: Effect,
    /// What it changes while it is online.
    #[serde(default)]
    pub passive: Vec<ModifierRow>,
    /// What it changes while it is active.
    #[serde(default)]
    pub active: Vec<ModifierRow>,
    /// What it changes, of itself alone, while it is overheated.
    #[serde(default)]
    pub overheated: Vec<ModifierRow>,
}

impl ModuleType {
    /// Shows `f` every number that is an attribute, with the field's name in TOML; the effect's
    /// parameters are shown with `effect`.
    pub(crate) fn visit(&self, f: &mut dyn FnMut(&'static str, Attribute, f64)) {
        use Attribute as A;
        for (field, attribute, value) in [
            ("cpu_tf", A::CpuNeedTf, self.cpu_tf),
            ("power_mw", A::PowerNeedMw, self.power_mw),
            ("calibration", A::CalibrationNeed, self.calibration),
            ("cycle_s", A::CycleS, self.cycle_s),
            ("capacitor_gj", A::CapacitorNeedGj, self.capacitor_gj),
            ("optimal_m", A::OptimalM, self.optimal_m),
            ("falloff_m", A::FalloffM, self.falloff_m),
            ("charge_m3", A::ChargeM3, self.charge_m3),
            ("reload_s", A::ReloadS, self.reload_s),
            ("heat_damage", A::HeatDamage, self.heat_damage),
            ("heat_absorption", A::HeatAbsorption, self.heat_absorption),
        ] {
            f(field, attribute, value);
        }
        let mut effect = self.effect;
        effect.visit(&mut |attribute, value| f("effect", attribute, *value));
    }

    pub(super) fn item(&self) -> ItemType {
        let (name, group) = (self.name.clone(), self.group.clone());
        ItemType {
            id: self.id,
            name,
            group,
            description: self.description.clone(),
            volume_l: self.volume_l,
            base_price: self.base_price,
            is_marketable: true,
            shape: self.shape,
            hue: self.hue,
        }
    }
}

impl Content {
    /// A module or rig.
    #[must_use]
    pub fn module(&self, id: TypeId) -> Option<&ModuleType> {
        self.modules().get(self.module_at(id)?)
    }

    /// Every module and rig, by ascending number.
    #[must_use]
    pub fn modules(&self) -> &[ModuleType] {
        &self.pack.modules
    }
}
