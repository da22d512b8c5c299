//! What a fitted ship can do: derived values, flat, with their units.

use super::{ModuleState, Slot};
use crate::attribute::percent;
use crate::content::{Effect, Flight, Law};
use orrery_base::TypeId;
use orrery_base::motion::{response, velocity_from_m_per_s};

/// Of something limited: what is used of it and what there is.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Share {
    /// What is used.
    pub used: f64,
    /// What there is.
    pub total: f64,
}

impl Share {
    /// It is enough.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.used <= self.total
    }
}

/// Everything derived of a ship. Each value is in the range of its
/// [`Attribute`](crate::attribute::Attribute).
#[derive(Clone, PartialEq, Debug)]
pub struct ShipStats {
    /// The hull.
    pub hull: TypeId,
    /// Shield, armour, hull, hp.
    pub hp: [f64; 3],
    /// Shares of damage that shield, armour and hull take, each electromagnetic, thermal,
    /// kinetic, explosive; 0.01..=1.
    pub resonance: [[f64; 4]; 3],
    /// Time in which the shield recharges, s.
    pub shield_recharge_s: f64,
    /// Capacitor, GJ.
    pub capacitor_gj: f64,
    /// Time in which the capacitor recharges, s.
    pub capacitor_recharge_s: f64,
    /// Computing power, tf.
    pub cpu_tf: Share,
    /// Power, MW.
    pub power_mw: Share,
    /// Calibration, points.
    pub calibration: Share,
    /// Mass without what a burning drive adds, kg.
    pub mass_kg: f64,
    /// Mass that a burning drive adds, kg.
    pub mass_addition_kg: f64,
    /// Inertia.
    pub inertia: f64,
    /// The largest speed, with drives that burn, m/s.
    pub max_speed_m_per_s: f64,
    /// The same as a law of motion, in the integers of the simulation.
    pub law: Law,
    /// Signature, with drives that burn, m.
    pub signature_m: f64,
    /// Scan resolution, mm.
    pub scan_resolution_mm: f64,
    /// How far locks reach, m.
    pub targeting_range_m: f64,
    /// How many targets can be locked.
    pub targets_max: u8,
    /// Strength of the sensors: gravimetric, ladar, magnetometric, radar.
    pub sensors: [f64; 4],
    /// Speed in warp, AU/s.
    pub warp_speed_au_per_s: f64,
    /// Capacitor that warp takes, GJ/(kg·AU).
    pub warp_capacitor_need: f64,
    /// What the warp core bears, points. Warp is barred by more.
    pub warp_core_strength: f64,
    /// The hold, litres.
    pub cargo_l: u64,
    /// The drone bay, m³.
    pub drone_bay_m3: Share,
    /// What drones in space may take, Mbit/s.
    pub drone_bandwidth: f64,
    /// How far drones obey, m.
    pub drone_range_m: f64,
    /// How many drones may be in space.
    pub drones_max: u8,
    /// Factor of the heat that overheated modules give a rack.
    pub heat_generation: f64,
    /// Shares of heat damage that reach the next module: high, mid, low.
    pub heat_attenuation: [f64; 3],
    /// Share of webs that takes effect.
    pub web_resistance: f64,
    /// Share of damps and paints that takes effect.
    pub sensor_resistance: f64,
    /// Share of tracking and guidance disruption that takes effect.
    pub weapon_resistance: f64,
    /// Share of neutralisation that takes effect.
    pub energy_resistance: f64,
    /// Share of remote repairs that arrives.
    pub remote_repair_share: f64,
    /// What is in the slots, in the order of the fit.
    pub modules: Vec<ModuleStats>,
    /// What is in the drone bay, in the order of the fit.
    pub drones: Vec<DroneStats>,
}

/// Everything derived of a module in its slot.
#[derive(Clone, PartialEq, Debug)]
pub struct ModuleStats {
    /// Where it is.
    pub slot: Slot,
    /// Which module.
    pub module: TypeId,
    /// The number of its group.
    pub group: u16,
    /// What it is doing.
    pub state: ModuleState,
    /// What it is loaded with, and how many.
    pub charge: Option<(TypeId, u32)>,
    /// How many of that it takes; zero if it is not loaded.
    pub charge_max: u32,
    /// What it does, with derived parameters.
    pub effect: Effect,
    /// Computing power that it needs online, tf.
    pub cpu_tf: f64,
    /// Power that it needs online, MW.
    pub power_mw: f64,
    /// Calibration that it needs.
    pub calibration: f64,
    /// Length of a cycle, s; zero if it has none.
    pub cycle_s: f64,
    /// Capacitor that a cycle takes, GJ.
    pub capacitor_gj: f64,
    /// Range without loss, m.
    pub optimal_m: f64,
    /// Range beyond that at which half is left, m.
    pub falloff_m: f64,
    /// Time to load or to change charges, s.
    pub reload_s: f64,
    /// Damage that it takes from heat at once.
    pub heat_damage: f64,
    /// Heat that it gives its rack while it is overheated, 1/s.
    pub heat_absorption: f64,
    /// Damage of a cycle: that of the charge times the multiplier, or its own. Electromagnetic,
    /// thermal, kinetic, explosive.
    pub damage: [f64; 4],
    /// How its missile or bomb flies.
    pub flight: Option<Flight>,
    /// Radius of its bomb or probe, m.
    pub charge_radius_m: f64,
    /// How long its probe works, s.
    pub charge_life_s: f64,
    /// Strength of its scan probe.
    pub scan_strength: f64,
}

impl ModuleStats {
    /// Damage of a cycle, all types together.
    #[must_use]
    pub fn volley(&self) -> f64 {
        self.damage.iter().sum()
    }

    /// Damage of a second, before misses and resistances; zero without a cycle.
    #[must_use]
    pub fn damage_per_s(&self) -> f64 {
        if self.cycle_s > 0.0 {
            self.volley() / self.cycle_s
        } else {
            0.0
        }
    }

    /// It works, overheated or not.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state >= ModuleState::Active
    }
}

/// Everything derived of one kind of drone in the bay.
#[derive(Clone, PartialEq, Debug)]
pub struct DroneStats {
    /// Which drone.
    pub drone: TypeId,
    /// How many there are.
    pub count: u16,
    /// What one does, with derived parameters.
    pub effect: Effect,
    /// Damage of a cycle: electromagnetic, thermal, kinetic, explosive.
    pub damage: [f64; 4],
    /// Shield, armour, hull, hp.
    pub hp: [f64; 3],
    /// Bandwidth of one, Mbit/s.
    pub bandwidth: f64,
    /// Signature, m.
    pub signature_m: f64,
    /// The largest speed, m/s.
    pub max_speed_m_per_s: f64,
    /// The law of motion.
    pub law: Law,
    /// Distance that it keeps, m.
    pub orbit_m: f64,
    /// Length of a cycle, s.
    pub cycle_s: f64,
    /// Range without loss, m.
    pub optimal_m: f64,
    /// Range beyond that at which half is left, m.
    pub falloff_m: f64,
}

impl ShipStats {
    /// Time to three quarters of the largest speed, s: −ln(¼)·τ.
    #[must_use]
    pub fn align_s(&self) -> f64 {
        -orrery_base::math::ln(0.25) * self.law.tau_s
    }

    /// Hit points of the three layers against one kind of damage, given as shares of the four
    /// types that add up to 1: HP / Σ(shareᵢ·rᵢ).
    #[must_use]
    pub fn effective_hp(&self, shares: [f64; 4]) -> f64 {
        let mut sum = 0.0;
        for (hp, layer) in self.hp.into_iter().zip(self.resonance) {
            let taken = shares.into_iter().zip(layer).map(|(share, r)| share * r);
            let taken: f64 = taken.sum();
            sum += hp / taken.max(1e-9);
        }
        sum
    }

    /// Damage of a second of all modules at work, before misses and resistances.
    #[must_use]
    pub fn damage_per_s(&self) -> f64 {
        let active = self.modules.iter().filter(|it| it.is_active());
        active.map(ModuleStats::damage_per_s).sum()
    }

    /// The strongest sensor: its strength.
    #[must_use]
    pub fn sensor_strength(&self) -> f64 {
        self.sensors.into_iter().fold(0.0, f64::max)
    }

    /// Brings the law of motion in line with mass, inertia and speed.
    pub(super) fn settle_law(&mut self) {
        let mass_kg = self.mass_kg + self.mass_addition_kg;
        self.law = law(mass_kg, self.inertia, self.max_speed_m_per_s);
    }
}

/// The shortest and the longest time constant that the integers of motion hold, s.
const TAU_S: (f64, f64) = (0.1, 1_000.0);

/// A law of motion; the time constant is kept to what the integers hold.
pub(super) fn law(mass_kg: f64, inertia: f64, max_speed_m_per_s: f64) -> Law {
    let tau_s = (mass_kg * inertia / 1e6).clamp(TAU_S.0, TAU_S.1);
    Law {
        tau_s,
        response: response(tau_s),
        max_speed: velocity_from_m_per_s(max_speed_m_per_s),
        mass_kg,
    }
}

/// A signature that a drive makes larger.
pub(super) fn bloomed(signature_m: f64, signature_percent: f64) -> f64 {
    signature_m * percent(signature_percent)
}
