//! What others do to a ship: webs, paints, damps, disruption, and help with sensors and turrets.
//!
//! All multipliers of one value are stacking-penalised together, apart from those of the ship's
//! own modules ([`Penalty::Remote`](crate::attribute::Penalty::Remote)); hostile ones are
//! resisted first: (m − 1)·r + 1.

use super::{ModuleStats, ShipStats};
use crate::attribute::{Attribute, percent, resisted, settled, stacked};
use crate::content::Effect;

/// A change of one value of another ship.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ExternalModifier {
    /// Which value: [`Attribute::MaxSpeed`], [`Attribute::SignatureM`],
    /// [`Attribute::TargetingRangeM`], [`Attribute::ScanResolutionMm`], the strength of a sensor;
    /// of its turrets [`Attribute::Tracking`], [`Attribute::OptimalM`], [`Attribute::FalloffM`];
    /// of its missiles [`Attribute::ExplosionRadiusM`], [`Attribute::ExplosionVelocity`],
    /// [`Attribute::MissileSpeed`], [`Attribute::FlightS`]. Others change nothing.
    pub attribute: Attribute,
    /// By how much, per cent, after the factor of the range.
    pub percent: f64,
    /// The ship resists it.
    pub is_hostile: bool,
}

/// What an effect does to the values of its target, from 0 to 4 changes. `factor` is that of the
/// range, 0..=1. Effects that are no changes of values (damage, jams, disruption of warp) give
/// none.
pub fn externals(effect: &Effect, factor: f64) -> impl Iterator<Item = ExternalModifier> {
    use Attribute as A;
    let is_hostile = effect.is_hostile();
    let is_remote = matches!(
        effect,
        Effect::Webifier { .. }
            | Effect::TargetPainter { .. }
            | Effect::SensorDampener { .. }
            | Effect::RemoteSensor { .. }
            | Effect::TrackingDisruptor { .. }
            | Effect::RemoteTracking { .. }
            | Effect::GuidanceDisruptor { .. }
    );
    let mut found = [None; 4];
    let mut count = 0;
    let mut effect = *effect;
    effect.visit(&mut |attribute, value| {
        let attribute = match attribute {
            A::SpeedPercent => A::MaxSpeed,
            A::SignaturePercent => A::SignatureM,
            A::TargetingRangePercent => A::TargetingRangeM,
            A::ScanResolutionPercent => A::ScanResolutionMm,
            A::TrackingPercent => A::Tracking,
            A::OptimalPercent => A::OptimalM,
            A::FalloffPercent => A::FalloffM,
            A::ExplosionRadiusPercent => A::ExplosionRadiusM,
            A::ExplosionVelocityPercent => A::ExplosionVelocity,
            A::MissileSpeedPercent => A::MissileSpeed,
            A::FlightPercent => A::FlightS,
            _ => return,
        };
        if is_remote && count < found.len() {
            found[count] = Some(ExternalModifier {
                attribute,
                percent: *value * factor,
                is_hostile,
            });
            count += 1;
        }
    });
    found.into_iter().flatten()
}

/// A ship's values under everything that others do to it. Start from what
/// [`derive`](super::derive) gave each time, not from an earlier result.
#[must_use]
pub fn apply_external(stats: &ShipStats, modifiers: &[ExternalModifier]) -> ShipStats {
    use Attribute as A;
    let mut result = stats.clone();
    if modifiers.is_empty() {
        return result;
    }
    let change = Change { stats, modifiers };
    change.apply(A::MaxSpeed, &mut result.max_speed_m_per_s);
    change.apply(A::SignatureM, &mut result.signature_m);
    change.apply(A::TargetingRangeM, &mut result.targeting_range_m);
    change.apply(A::ScanResolutionMm, &mut result.scan_resolution_mm);
    for (attribute, strength) in crate::content::SENSORS.into_iter().zip(&mut result.sensors) {
        change.apply(attribute, strength);
    }
    for module in &mut result.modules {
        change.weapon(module);
    }
    result.settle_law();
    result
}

struct Change<'a> {
    stats: &'a ShipStats,
    modifiers: &'a [ExternalModifier],
}

impl Change<'_> {
    /// The share of hostile changes of a value that takes effect.
    const fn resistance(&self, attribute: Attribute) -> f64 {
        use Attribute as A;
        match attribute {
            A::MaxSpeed => self.stats.web_resistance,
            A::Tracking
            | A::OptimalM
            | A::FalloffM
            | A::ExplosionRadiusM
            | A::ExplosionVelocity
            | A::MissileSpeed
            | A::FlightS => self.stats.weapon_resistance,
            _ => self.stats.sensor_resistance,
        }
    }

    fn apply(&self, attribute: Attribute, value: &mut f64) {
        let same = self.modifiers.iter().filter(|it| it.attribute == attribute);
        let mut multipliers: Vec<f64> = same
            .map(|it| {
                let multiplier = percent(it.percent).max(0.0);
                if it.is_hostile {
                    resisted(multiplier, self.resistance(attribute))
                } else {
                    multiplier
                }
            })
            .collect();
        if !multipliers.is_empty() {
            *value = settled(attribute, *value * stacked(&mut multipliers));
        }
    }

    fn weapon(&self, module: &mut ModuleStats) {
        use Attribute as A;
        if let Effect::Turret {
            tracking_rad_per_s, ..
        } = &mut module.effect
        {
            self.apply(A::Tracking, tracking_rad_per_s);
            self.apply(A::OptimalM, &mut module.optimal_m);
            self.apply(A::FalloffM, &mut module.falloff_m);
        }
        if let (Effect::Launcher { .. }, Some(flight)) = (module.effect, &mut module.flight) {
            self.apply(A::ExplosionRadiusM, &mut flight.explosion_radius_m);
            self.apply(A::ExplosionVelocity, &mut flight.explosion_velocity_m_per_s);
            self.apply(A::MissileSpeed, &mut flight.speed_m_per_s);
            self.apply(A::FlightS, &mut flight.flight_s);
        }
    }
}
