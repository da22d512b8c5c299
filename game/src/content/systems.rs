//! What a hull has besides mass, speed, hit points and a hold: slots, capacitor, sensors, resonances.

use super::Size;
use crate::attribute::Attribute;
use rkyv::{Archive, Deserialize, Serialize};

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
    /// What modules live on, and what the sensors are like.
    const fn supplies(&self) -> [(&'static str, Attribute, f64); 9] {
        use Attribute as A;
        [
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
        ]
    }

    /// All other single numbers.
    const fn others(&self) -> [(&'static str, Attribute, f64); 12] {
        use Attribute as A;
        [
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
            ("systems.drone_bay_m3", A::DroneBayM3, self.drone_bay_m3),
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
        ]
    }

    /// Shows `f` every number that is an attribute, with the field's path in TOML.
    pub(crate) fn visit(&self, f: &mut dyn FnMut(&'static str, Attribute, f64)) {
        for (field, attribute, value) in self.supplies().into_iter().chain(self.others()) {
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
