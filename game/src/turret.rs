//! Turrets: whether a shot hits, and how well.
//!
//! ω = |r × v| / |r|², centre to centre, v the target's velocity less one's own
//! P = 0.5^((ω·sigRes/(tracking·signature))² + (max(0, d − optimal)/falloff)²)
//! one draw x in [0, 1): x < 0.01 and P > 0 → wrecking, ×3; else hit if x < P, ×(x + 0.49)
//! E = 3w + (P − w)·((0.01 + P)/2 + 0.49),  w = min(P, 0.01)         docs/mechanics.md#turrets
//! Golden vectors: tests/golden/turret.csv, turret_angular.csv
//!
//! Cost: one `pow` and one `sqrt` per shot, one block of Philox per draw.

use crate::bound::{ratio, smaller};
use crate::{range, vector};
use orrery_base::motion::VELOCITY_ONE;
use orrery_base::rng::Rng;
use orrery_base::{BEATS_PER_SECOND, EntityId, Tick, math};

/// Purpose of the draw of a turret's shot; its slot is added.
pub const PURPOSE_SHOT: u32 = 0x7475_7200;

/// The share of draws that wreck.
pub const WRECKING_CHANCE: f64 = 0.01;
/// What a wrecking shot multiplies damage by.
pub const WRECKING_MULTIPLIER: f64 = 3.0;
/// What is added to the draw of an ordinary hit.
const QUALITY_BASE: f64 = 0.49;

/// What a shot's chance depends on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shot {
    /// Angular velocity of the target as the turret sees it, rad/s.
    pub angular_rad_per_s: f64,
    /// Tracking speed of the turret, rad/s.
    pub tracking_rad_per_s: f64,
    /// Signature resolution of the turret, metres.
    pub signature_resolution_m: f64,
    /// Signature radius of the target, metres.
    pub signature_m: f64,
    /// From hull to hull, metres.
    pub distance_m: f64,
    /// Optimal range, metres.
    pub optimal_m: f64,
    /// Falloff, metres.
    pub falloff_m: f64,
}

/// What became of a shot.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Outcome {
    /// Three times the damage.
    Wrecking,
    /// The damage times this, 0.50..1.49.
    Hit(f64),
    /// Nothing.
    Miss,
}

impl Outcome {
    /// What the damage is multiplied by, 0..=3.
    #[must_use]
    pub const fn multiplier(self) -> f64 {
        match self {
            Self::Wrecking => WRECKING_MULTIPLIER,
            Self::Hit(quality) => quality,
            Self::Miss => 0.0,
        }
    }
}

/// How fast a target moves across the line of sight, rad/s. Positions in centimetres, velocities
/// in 2⁻¹⁴ cm per beat. Zero if both are in one place, where there is no line of sight.
#[must_use]
pub fn angular_rad_per_s(
    own_cm: [i32; 3],
    own_velocity: [i32; 3],
    target_cm: [i32; 3],
    target_velocity: [i32; 3],
) -> f64 {
    let r = vector::between(own_cm, target_cm);
    let v = vector::between(own_velocity, target_velocity);
    let across = vector::length(vector::cross(r, v));
    let per_beat = ratio(across, vector::dot(r, r)) / f64::from(VELOCITY_ONE);
    per_beat * f64::from(BEATS_PER_SECOND)
}

/// The chance that a shot hits, 0..=1. Without tracking only what stands still is hit.
#[must_use]
pub fn hit_chance(shot: &Shot) -> f64 {
    let blur = ratio(shot.angular_rad_per_s, shot.tracking_rad_per_s)
        * ratio(shot.signature_resolution_m, shot.signature_m);
    let beyond = range::excess(shot.distance_m, shot.optimal_m, shot.falloff_m);
    math::pow(0.5, blur * blur + beyond * beyond)
}

/// What becomes of a shot with this chance and this draw from [0, 1).
#[must_use]
pub fn outcome(chance: f64, draw: f64) -> Outcome {
    if draw < WRECKING_CHANCE && chance > 0.0 {
        Outcome::Wrecking
    } else if draw < chance {
        Outcome::Hit(draw + QUALITY_BASE)
    } else {
        Outcome::Miss
    }
}

/// The draw of a shot of `source` from its `slot`-th slot in `tick`, in [0, 1).
#[must_use]
pub fn draw(world_seed: u64, tick: Tick, source: EntityId, slot: u8) -> f64 {
    Rng::new(world_seed, tick, source, PURPOSE_SHOT + u32::from(slot)).unit_f64()
}

/// The mean multiplier of shots with this chance (0..=1), 0..=1.02.
#[must_use]
pub fn expected_multiplier(chance: f64) -> f64 {
    let chance = crate::bound::share(chance);
    let wrecking = smaller(chance, WRECKING_CHANCE);
    WRECKING_MULTIPLIER * wrecking
        + (chance - wrecking) * ((WRECKING_CHANCE + chance) / 2.0 + QUALITY_BASE)
}

#[cfg(test)]
mod tests;
