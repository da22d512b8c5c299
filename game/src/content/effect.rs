//! What a module does while it is active: one variant for each kind, with its parameters.
//!
//! In TOML a kind is a key and its parameters a table, `effect = { webifier = { speed_percent =
//! -50 } }`; kinds without parameters are a string, `effect = "active"`. Every parameter is an
//! [`Attribute`], so that skills, charges and other modules change it like any other value: in
//! content an [`Effect`] has the base values, in
//! [`ModuleStats`](crate::fitting::ModuleStats) the derived ones.

mod aim;

pub use aim::{Aim, Landing};

use crate::attribute::Attribute;
use rkyv::{Archive, Deserialize, Serialize};

/// What a module does while it is active.
#[derive(
    Clone, Copy, PartialEq, Debug, Default, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Nothing: it cannot be activated, and its passive rows are all there is to it.
    #[default]
    Passive,
    /// Its active rows, and nothing else: hardeners, boosters, computers.
    Active,
    /// A gun: damage is that of the charge times the multiplier.
    Turret {
        /// [`Attribute::DamageMultiplier`].
        damage_multiplier: f64,
        /// [`Attribute::Tracking`].
        tracking_rad_per_s: f64,
        /// [`Attribute::SignatureResolutionM`].
        signature_resolution_m: f64,
    },
    /// Launches missiles: damage is that of the charge times the multiplier.
    Launcher {
        /// [`Attribute::DamageMultiplier`].
        damage_multiplier: f64,
    },
    /// Drops bombs, straight ahead and without a target.
    BombLauncher {
        /// [`Attribute::DamageMultiplier`].
        damage_multiplier: f64,
    },
    /// Adds to the speed.
    Afterburner {
        /// [`Attribute::SpeedFactorPercent`].
        speed_factor_percent: f64,
        /// [`Attribute::ThrustKg`].
        thrust_kg: f64,
        /// [`Attribute::MassAdditionKg`].
        mass_addition_kg: f64,
    },
    /// Adds much to the speed, and to the signature.
    MicrowarpDrive {
        /// [`Attribute::SpeedFactorPercent`].
        speed_factor_percent: f64,
        /// [`Attribute::ThrustKg`].
        thrust_kg: f64,
        /// [`Attribute::MassAdditionKg`].
        mass_addition_kg: f64,
        /// [`Attribute::SignaturePercent`].
        signature_percent: f64,
    },
    /// Gives shield at the start of a cycle.
    ShieldBooster {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives armour at the end of a cycle.
    ArmourRepairer {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives hull at the end of a cycle.
    HullRepairer {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives a target shield at the start of a cycle.
    RemoteShield {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives a target armour at the end of a cycle.
    RemoteArmour {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives a target hull at the end of a cycle.
    RemoteHull {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Gives a target capacitor at the start of a cycle.
    RemoteCapacitor {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Slows a target.
    Webifier {
        /// [`Attribute::SpeedPercent`].
        speed_percent: f64,
    },
    /// Keeps a target out of warp.
    WarpDisruptor {
        /// [`Attribute::Strength`].
        strength: f64,
    },
    /// Keeps a target out of warp and switches its microwarp drive off.
    WarpScrambler {
        /// [`Attribute::Strength`].
        strength: f64,
    },
    /// Makes a target's signature larger.
    TargetPainter {
        /// [`Attribute::SignaturePercent`].
        signature_percent: f64,
    },
    /// Shortens a target's range of locks and slows them.
    SensorDampener {
        /// [`Attribute::TargetingRangePercent`].
        targeting_range_percent: f64,
        /// [`Attribute::ScanResolutionPercent`].
        scan_resolution_percent: f64,
    },
    /// Lengthens a target's range of locks and hastens them.
    RemoteSensor {
        /// [`Attribute::TargetingRangePercent`].
        targeting_range_percent: f64,
        /// [`Attribute::ScanResolutionPercent`].
        scan_resolution_percent: f64,
    },
    /// Worsens a target's turrets.
    TrackingDisruptor {
        /// [`Attribute::TrackingPercent`].
        tracking_percent: f64,
        /// [`Attribute::OptimalPercent`].
        optimal_percent: f64,
        /// [`Attribute::FalloffPercent`].
        falloff_percent: f64,
    },
    /// Betters a target's turrets.
    RemoteTracking {
        /// [`Attribute::TrackingPercent`].
        tracking_percent: f64,
        /// [`Attribute::OptimalPercent`].
        optimal_percent: f64,
        /// [`Attribute::FalloffPercent`].
        falloff_percent: f64,
    },
    /// Worsens a target's missiles.
    GuidanceDisruptor {
        /// [`Attribute::ExplosionRadiusPercent`].
        explosion_radius_percent: f64,
        /// [`Attribute::ExplosionVelocityPercent`].
        explosion_velocity_percent: f64,
        /// [`Attribute::MissileSpeedPercent`].
        missile_speed_percent: f64,
        /// [`Attribute::FlightPercent`].
        flight_percent: f64,
    },
    /// May break all locks of a target for a cycle.
    Jammer {
        /// [`Attribute::JamGravimetric`].
        jam_gravimetric: f64,
        /// [`Attribute::JamLadar`].
        jam_ladar: f64,
        /// [`Attribute::JamMagnetometric`].
        jam_magnetometric: f64,
        /// [`Attribute::JamRadar`].
        jam_radar: f64,
    },
    /// May break the locks of everything around, once.
    JammerBurst {
        /// [`Attribute::JamGravimetric`].
        jam_gravimetric: f64,
        /// [`Attribute::JamLadar`].
        jam_ladar: f64,
        /// [`Attribute::JamMagnetometric`].
        jam_magnetometric: f64,
        /// [`Attribute::JamRadar`].
        jam_radar: f64,
        /// [`Attribute::RadiusM`].
        radius_m: f64,
    },
    /// Takes capacitor from a target.
    Neutraliser {
        /// [`Attribute::Amount`].
        amount: f64,
        /// [`Attribute::NeutralisedSignatureM`].
        neutralised_signature_m: f64,
    },
    /// Takes capacitor from a target that has more, and keeps it.
    Nosferatu {
        /// [`Attribute::Amount`].
        amount: f64,
        /// [`Attribute::NeutralisedSignatureM`].
        neutralised_signature_m: f64,
    },
    /// Takes capacitor from everything around.
    NeutraliserBurst {
        /// [`Attribute::Amount`].
        amount: f64,
        /// [`Attribute::RadiusM`].
        radius_m: f64,
        /// [`Attribute::NeutralisedSignatureM`].
        neutralised_signature_m: f64,
    },
    /// Damages everything around.
    SmartBomb {
        /// [`Attribute::DamageEm`].
        damage_em: f64,
        /// [`Attribute::DamageThermal`].
        damage_thermal: f64,
        /// [`Attribute::DamageKinetic`].
        damage_kinetic: f64,
        /// [`Attribute::DamageExplosive`].
        damage_explosive: f64,
        /// [`Attribute::RadiusM`].
        radius_m: f64,
    },
    /// Sets out a probe that keeps everything around it out of warp: radius and life are the charge's.
    InterdictionLauncher,
    /// Keeps everything around the ship out of warp; with a script that gives it a strength, one target instead.
    BubbleGenerator {
        /// [`Attribute::RadiusM`].
        radius_m: f64,
        /// [`Attribute::Strength`].
        strength: f64,
    },
    /// Sets out scan probes: strength and life are the charge's.
    ProbeLauncher,
    /// Takes ore from a rock.
    MiningLaser {
        /// [`Attribute::Amount`].
        amount: f64,
    },
    /// Hides the ship.
    Cloak {
        /// [`Attribute::RecalibrationS`].
        recalibration_s: f64,
    },
    /// Hides the ship, in warp too.
    CovertCloak {
        /// [`Attribute::RecalibrationS`].
        recalibration_s: f64,
    },
    /// Hauls in wrecks and containers.
    Tractor {
        /// [`Attribute::TractorSpeed`].
        tractor_speed_m_per_s: f64,
    },
    /// Takes what is of use from a wreck.
    Salvager {
        /// [`Attribute::ChancePercent`].
        chance_percent: f64,
    },
}

impl Effect {
    /// Shows `f` every parameter with its attribute, to be read or replaced.
    pub fn visit(&mut self, f: &mut dyn FnMut(Attribute, &mut f64)) {
        self.visit_own(f);
        self.visit_given(f);
        self.visit_others(f);
        self.visit_around(f);
    }

    /// A part of [`Effect::visit`], by the order of the list.
    fn visit_own(&mut self, f: &mut dyn FnMut(Attribute, &mut f64)) {
        match self {
            Self::Turret {
                damage_multiplier,
                tracking_rad_per_s,
                signature_resolution_m,
            } => {
                f(Attribute::DamageMultiplier, damage_multiplier);
                f(Attribute::Tracking, tracking_rad_per_s);
                f(Attribute::SignatureResolutionM, signature_resolution_m);
            }
            Self::Launcher { damage_multiplier } | Self::BombLauncher { damage_multiplier } => {
                f(Attribute::DamageMultiplier, damage_multiplier);
            }
            Self::Afterburner {
                speed_factor_percent,
                thrust_kg,
                mass_addition_kg,
            } => {
                f(Attribute::SpeedFactorPercent, speed_factor_percent);
                f(Attribute::ThrustKg, thrust_kg);
                f(Attribute::MassAdditionKg, mass_addition_kg);
            }
            Self::MicrowarpDrive {
                speed_factor_percent,
                thrust_kg,
                mass_addition_kg,
                signature_percent,
            } => {
                f(Attribute::SpeedFactorPercent, speed_factor_percent);
                f(Attribute::ThrustKg, thrust_kg);
                f(Attribute::MassAdditionKg, mass_addition_kg);
                f(Attribute::SignaturePercent, signature_percent);
            }
            Self::ShieldBooster { amount }
            | Self::ArmourRepairer { amount }
            | Self::HullRepairer { amount }
            | Self::RemoteShield { amount }
            | Self::RemoteArmour { amount }
            | Self::RemoteHull { amount }
            | Self::RemoteCapacitor { amount }
            | Self::MiningLaser { amount } => {
                f(Attribute::Amount, amount);
            }
            Self::Webifier { speed_percent } => {
                f(Attribute::SpeedPercent, speed_percent);
            }
            Self::WarpDisruptor { strength } | Self::WarpScrambler { strength } => {
                f(Attribute::Strength, strength);
            }
            Self::TargetPainter { signature_percent } => {
                f(Attribute::SignaturePercent, signature_percent);
            }
            _ => {}
        }
    }

    /// A part of [`Effect::visit`], by the order of the list.
    fn visit_given(&mut self, f: &mut dyn FnMut(Attribute, &mut f64)) {
        match self {
            Self::SensorDampener {
                targeting_range_percent,
                scan_resolution_percent,
            }
            | Self::RemoteSensor {
                targeting_range_percent,
                scan_resolution_percent,
            } => {
                f(Attribute::TargetingRangePercent, targeting_range_percent);
                f(Attribute::ScanResolutionPercent, scan_resolution_percent);
            }
            Self::TrackingDisruptor {
                tracking_percent,
                optimal_percent,
                falloff_percent,
            }
            | Self::RemoteTracking {
                tracking_percent,
                optimal_percent,
                falloff_percent,
            } => {
                f(Attribute::TrackingPercent, tracking_percent);
                f(Attribute::OptimalPercent, optimal_percent);
                f(Attribute::FalloffPercent, falloff_percent);
            }
            Self::GuidanceDisruptor {
                explosion_radius_percent,
                explosion_velocity_percent,
                missile_speed_percent,
                flight_percent,
            } => {
                f(Attribute::ExplosionRadiusPercent, explosion_radius_percent);
                f(
                    Attribute::ExplosionVelocityPercent,
                    explosion_velocity_percent,
                );
                f(Attribute::MissileSpeedPercent, missile_speed_percent);
                f(Attribute::FlightPercent, flight_percent);
            }
            Self::Jammer {
                jam_gravimetric,
                jam_ladar,
                jam_magnetometric,
                jam_radar,
            } => {
                f(Attribute::JamGravimetric, jam_gravimetric);
                f(Attribute::JamLadar, jam_ladar);
                f(Attribute::JamMagnetometric, jam_magnetometric);
                f(Attribute::JamRadar, jam_radar);
            }
            _ => {}
        }
    }

    /// A part of [`Effect::visit`], by the order of the list.
    fn visit_others(&mut self, f: &mut dyn FnMut(Attribute, &mut f64)) {
        match self {
            Self::JammerBurst {
                jam_gravimetric,
                jam_ladar,
                jam_magnetometric,
                jam_radar,
                radius_m,
            } => {
                f(Attribute::JamGravimetric, jam_gravimetric);
                f(Attribute::JamLadar, jam_ladar);
                f(Attribute::JamMagnetometric, jam_magnetometric);
                f(Attribute::JamRadar, jam_radar);
                f(Attribute::RadiusM, radius_m);
            }
            Self::Neutraliser {
                amount,
                neutralised_signature_m,
            }
            | Self::Nosferatu {
                amount,
                neutralised_signature_m,
            } => {
                f(Attribute::Amount, amount);
                f(Attribute::NeutralisedSignatureM, neutralised_signature_m);
            }
            Self::NeutraliserBurst {
                amount,
                radius_m,
                neutralised_signature_m,
            } => {
                f(Attribute::Amount, amount);
                f(Attribute::RadiusM, radius_m);
                f(Attribute::NeutralisedSignatureM, neutralised_signature_m);
            }
            Self::SmartBomb {
                damage_em,
                damage_thermal,
                damage_kinetic,
                damage_explosive,
                radius_m,
            } => {
                f(Attribute::DamageEm, damage_em);
                f(Attribute::DamageThermal, damage_thermal);
                f(Attribute::DamageKinetic, damage_kinetic);
                f(Attribute::DamageExplosive, damage_explosive);
                f(Attribute::RadiusM, radius_m);
            }
            Self::BubbleGenerator { radius_m, strength } => {
                f(Attribute::RadiusM, radius_m);
                f(Attribute::Strength, strength);
            }
            _ => {}
        }
    }

    /// A part of [`Effect::visit`], by the order of the list.
    fn visit_around(&mut self, f: &mut dyn FnMut(Attribute, &mut f64)) {
        match self {
            Self::Cloak { recalibration_s } | Self::CovertCloak { recalibration_s } => {
                f(Attribute::RecalibrationS, recalibration_s);
            }
            Self::Tractor {
                tractor_speed_m_per_s,
            } => {
                f(Attribute::TractorSpeed, tractor_speed_m_per_s);
            }
            Self::Salvager { chance_percent } => {
                f(Attribute::ChancePercent, chance_percent);
            }
            _ => {}
        }
    }

    /// It can be activated.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !matches!(self, Self::Passive)
    }

    /// It cannot do anything without a charge.
    #[must_use]
    pub const fn needs_charge(&self) -> bool {
        matches!(
            self,
            Self::Turret { .. }
                | Self::Launcher { .. }
                | Self::BombLauncher { .. }
                | Self::InterdictionLauncher
                | Self::ProbeLauncher
        )
    }

    /// Using it on somebody is an act of war; help and what only concerns the own ship are none.
    #[must_use]
    pub const fn is_hostile(&self) -> bool {
        match self {
            Self::RemoteShield { .. }
            | Self::RemoteArmour { .. }
            | Self::RemoteHull { .. }
            | Self::RemoteCapacitor { .. }
            | Self::RemoteSensor { .. }
            | Self::RemoteTracking { .. } => false,
            Self::BombLauncher { .. } | Self::InterdictionLauncher => true,
            _ => matches!(self.aim(), Aim::Target | Aim::Around),
        }
    }
}
