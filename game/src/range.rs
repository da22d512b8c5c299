//! The range factor: how an effect at a distance weakens beyond its optimal range.
//!
//! f = 0.5^((max(0, d − optimal)/falloff)²)                          docs/mechanics.md#range
//! not activatable beyond optimal + 3·falloff (turrets are)
//! Golden vectors: tests/golden/range.csv
//!
//! Distances are from hull to hull, in any one unit. Cost: one `pow`.

use crate::bound::{at_least_zero, ratio};
use orrery_base::math;

/// How many falloffs beyond optimal an effect can still be switched on.
const FALLOFFS: f64 = 3.0;

/// The share of its strength (or of its chance) that an effect has at a distance, 0..=1. Without
/// falloff it is whole up to `optimal` and nothing beyond.
#[must_use]
pub fn factor(distance: f64, optimal: f64, falloff: f64) -> f64 {
    let beyond = excess(distance, optimal, falloff);
    math::pow(0.5, beyond * beyond)
}

/// Falloffs beyond optimal, 0..=∞: what a turret's chance adds to its tracking term.
pub(crate) fn excess(distance: f64, optimal: f64, falloff: f64) -> f64 {
    let beyond = at_least_zero(distance) - at_least_zero(optimal);
    ratio(beyond, falloff)
}

/// Whether a module other than a turret can be switched on at this distance.
#[must_use]
pub fn may_activate(distance: f64, optimal: f64, falloff: f64) -> bool {
    excess(distance, optimal, falloff) <= FALLOFFS
}

#[cfg(test)]
mod tests;
