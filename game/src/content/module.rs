//! What is fitted: the systems of hulls, modules, charges, drones, and the rows by which one
//! thing changes the values of another.
//!
//! Modules, charges and drones are items too, under their own numbers.

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

/// Shares of damage that the three layers take: electromagnetic, thermal, kinetic, explosive.
#[derive(Clone, Copy, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resonances {
    /// Of the shield.
    pub shield: [f64; 4],
    /// Of the armour.
    pub armour: [f64; 4],
    /// Of the hull.
    pub hull: [f64; 4],
}

/// What a hull has besides mass, speed, hit points and a hold. A hull that says nothing of it is
/// a bare one: it flies, and takes no module.
#[derive(Clone, Copy, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HullSystems {
    /// Which rigs fit.
    pub size: Size,
    /// It is a capsule: what is left to a pilot whose ship is lost.
    pub is_capsule: bool,
    /// How many slots the racks have: high, mid, low, rig; each at most 8.
    pub slots: [u8; 4],
    /// How many turrets fit.
    pub turret_hardpoints: u8,
    /// How many launchers fit.
    pub launcher_hardpoints: u8,
    /// See [`Attribute::CpuTf`].
    pub cpu_tf: f64,
    /// See [`Attribute::PowerMw`].
    pub power_mw: f64,
    /// See [`Attribute::Calibration`].
    pub calibration: f64,
    /// See [`Attribute::CapacitorGj`].
    pub capacitor_gj: f64,
    /// See [`Attribute::CapacitorRechargeS`].
    pub capacitor_recharge_s: f64,
    /// See [`Attribute::ShieldRechargeS`].
    pub shield_recharge_s: f64,
    /// What the layers take of damage.
    pub resonance: Resonances,
    /// See [`Attribute::SignatureM`].
    pub signature_m: f64,
    /// See [`Attribute::ScanResolutionMm`].
    pub scan_resolution_mm: f64,
    /// See [`Attribute::TargetingRangeM`].
    pub targeting_range_m: f64,
    /// See [`Attribute::TargetsMax`].
    pub targets_max: f64,
    /// Strength of the sensors: gravimetric, ladar, magnetometric, radar.
    pub sensors: [f64; 4],
    /// See [`Attribute::WarpSpeed`].
    pub warp_speed_au_per_s: f64,
    /// See [`Attribute::WarpCapacitorNeed`].
    pub warp_capacitor_need: f64,
    /// See [`Attribute::WarpCoreStrength`].
    pub warp_core_strength: f64,
    /// See [`Attribute::DroneBayM3`].
    pub drone_bay_m3: f64,
    /// See [`Attribute::DroneBandwidth`].
    pub drone_bandwidth: f64,
    /// See [`Attribute::HeatGeneration`].
    pub heat_generation: f64,
    /// Shares of heat damage that reach the next module: of the high, the mid, the low rack.
    pub heat_attenuation: [f64; 3],
    /// See [`Attribute::WebResistance`].
    pub web_resistance: f64,
    /// See [`Attribute::SensorResistance`].
    pub sensor_resistance: f64,
    /// See [`Attribute::WeaponResistance`].
    pub weapon_resistance: f64,
    /// See [`Attribute::EnergyResistance`].
    pub energy_resistance: f64,
    /// See [`Attribute::RemoteRepairShare`].
    pub remote_repair_share: f64,
}

impl Default for HullSystems {
    fn default() -> Self {
        Self {
            size: Size::Small,
            is_capsule: false,
            slots: [0; 4],
            turret_hardpoints: 0,
            launcher_hardpoints: 0,
            cpu_tf: 0.0,
            power_mw: 0.0,
            calibration: 0.0,
            capacitor_gj: 100.0,
            capacitor_recharge_s: 100.0,
            shield_recharge_s: 600.0,
            resonance: Resonances {
                shield: [1.0; 4],
                armour: [1.0; 4],
                hull: [1.0; 4],
            },
            signature_m: 30.0,
            scan_resolution_mm: 100.0,
            targeting_range_m: 10_000.0,
            targets_max: 1.0,
            sensors: [1.0; 4],
            warp_speed_au_per_s: 3.0,
            warp_capacitor_need: 1e-6,
            warp_core_strength: 0.0,
            drone_bay_m3: 0.0,
            drone_bandwidth: 0.0,
            heat_generation: 1.0,
            heat_attenuation: [0.63, 0.5, 0.5],
            web_resistance: 1.0,
            sensor_resistance: 1.0,
            weapon_resistance: 1.0,
            energy_resistance: 1.0,
            remote_repair_share: 1.0,
        }
    }
}

impl HullSystems {
    /// Shows `f` every number that is an attribute, with the field's path in TOML.
    pub(crate) fn visit(&self, f: &mut dyn FnMut(&'static str, Attribute, f64)) {
        use Attribute as A;
        for (field, attribute, value) in [
            ("systems.cpu_tf", A::CpuTf, self.cpu_tf),
            ("systems.power_mw", A::PowerMw, self.power_mw),
            ("systems.calibration", A::Calibration, self.calibration),
            ("systems.capacitor_gj", A::CapacitorGj, self.capacitor_gj),
            (
                "systems.capacitor_recharge_s",
                A::CapacitorRechargeS,
                self.capacitor_recharge_s,
            ),
            (
                "systems.shield_recharge_s",
                A::ShieldRechargeS,
                self.shield_recharge_s,
            ),
            ("systems.signature_m", A::SignatureM, self.signature_m),
            (
                "systems.scan_resolution_mm",
                A::ScanResolutionMm,
                self.scan_resolution_mm,
            ),
            (
                "systems.targeting_range_m",
                A::TargetingRangeM,
                self.targeting_range_m,
            ),
            ("systems.targets_max", A::TargetsMax, self.targets_max),
            (
                "systems.warp_speed_au_per_s",
                A::WarpSpeed,
                self.warp_speed_au_per_s,
            ),
            (
                "systems.warp_capacitor_need",
                A::WarpCapacitorNeed,
                self.warp_capacitor_need,
            ),
            (
                "systems.warp_core_strength",
                A::WarpCoreStrength,
                self.warp_core_strength,
            ),
            ("drone_bay_m3", A::DroneBayM3, self.drone_bay_m3),
            (
                "systems.drone_bandwidth",
                A::DroneBandwidth,
                self.drone_bandwidth,
            ),
            (
                "systems.heat_generation",
                A::HeatGeneration,
                self.heat_generation,
            ),
            (
                "systems.web_resistance",
                A::WebResistance,
                self.web_resistance,
            ),
            (
                "systems.sensor_resistance",
                A::SensorResistance,
                self.sensor_resistance,
            ),
            (
                "systems.weapon_resistance",
                A::WeaponResistance,
                self.weapon_resistance,
            ),
            (
                "systems.energy_resistance",
                A::EnergyResistance,
                self.energy_resistance,
            ),
            (
                "systems.remote_repair_share",
                A::RemoteRepairShare,
                self.remote_repair_share,
            ),
        ] {
            f(field, attribute, value);
        }
        for (field, layer, attributes) in [
            ("systems.resonance.shield", self.resonance.shield, SHIELD),
            ("systems.resonance.armour", self.resonance.armour, ARMOUR),
            ("systems.resonance.hull", self.resonance.hull, HULL),
            ("systems.sensors", self.sensors, SENSORS),
        ] {
            for (attribute, value) in attributes.into_iter().zip(layer) {
                f(field, attribute, value);
            }
        }
        for (attribute, value) in HEAT.into_iter().zip(self.heat_attenuation) {
            f("systems.heat_attenuation", attribute, value);
        }
    }
}

/// Attributes of the shield's resonances, in the order of the damage types.
pub(crate) const SHIELD: [Attribute; 4] = [
    Attribute::ShieldEm,
    Attribute::ShieldThermal,
    Attribute::ShieldKinetic,
    Attribute::ShieldExplosive,
];
/// The same for the armour.
pub(crate) const ARMOUR: [Attribute; 4] = [
    Attribute::ArmourEm,
    Attribute::ArmourThermal,
    Attribute::ArmourKinetic,
    Attribute::ArmourExplosive,
];
/// The same for the hull.
pub(crate) const HULL: [Attribute; 4] = [
    Attribute::HullEm,
    Attribute::HullThermal,
    Attribute::HullKinetic,
    Attribute::HullExplosive,
];
/// Strengths of sensors.
pub(crate) const SENSORS: [Attribute; 4] = [
    Attribute::SensorGravimetric,
    Attribute::SensorLadar,
    Attribute::SensorMagnetometric,
    Attribute::SensorRadar,
];
/// Heat attenuation of the three racks that can be overheated.
pub(crate) const HEAT: [Attribute; 3] = [
    Attribute::HeatAttenuationHigh,
    Attribute::HeatAttenuationMid,
    Attribute::HeatAttenuationLow,
];
/// Damage of the four types.
pub(crate) const DAMAGE: [Attribute; 4] = [
    Attribute::DamageEm,
    Attribute::DamageThermal,
    Attribute::DamageKinetic,
    Attribute::DamageExplosive,
];

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
