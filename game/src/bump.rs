//! Bumping: ships are spheres that push each other.
//!
//! along the line of centres n, with u the speed at which they approach: docs/mechanics.md#bumping
//! Δv₁ = −n · u · 2·m₂/(m₁ + m₂),  Δv₂ = +n · u · 2·m₁/(m₁ + m₂)
//! (a ship at rest that is hit head-on gets 2·m₁·v₁/(m₁ + m₂))
//! drift = v · τ, the target's own time constant
//! Golden vectors: tests/golden/bump.csv, bump_drift.csv
//!
//! Velocities are integers of 2⁻¹⁴ cm per beat, so momentum is kept up to the rounding of one
//! such unit per axis and ship, 0.002 cm/s. The caller decides who pushes (missiles and drones do
//! not). Cost: a square root and two divisions per pair.

use crate::bound::{at_least_zero, ratio, share};
use crate::vector;
use orrery_base::math;
use orrery_base::motion::{VELOCITY_MAX, VELOCITY_ONE};

/// A ship as the other one meets it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Body {
    /// Its centre at the beginning of the beat, centimetres.
    pub position_cm: [i32; 3],
    /// 2⁻¹⁴ cm per beat.
    pub velocity: [i32; 3],
    /// Its radius, centimetres, ≥ 0.
    pub radius_cm: i32,
    /// Its mass, kg.
    pub mass_kg: f64,
}

/// The share of the beat, 0..=1, after which two spheres that fly straight touch (their surfaces
/// `reach_cm` apart or nearer); 0 if they touch already, `None` if they do not in this beat.
#[must_use]
pub fn contact(a: &Body, b: &Body, reach_cm: i32) -> Option<f64> {
    let r = vector::between(a.position_cm, b.position_cm);
    let v = vector::between(a.velocity, b.velocity);
    let v = vector::scale(v, 1.0 / f64::from(VELOCITY_ONE));
    let reach = f64::from(a.radius_cm) + f64::from(b.radius_cm) + f64::from(reach_cm);
    let reach = at_least_zero(reach);
    // |r + v·t| = reach: the smaller root of a quadratic equation.
    let apart = vector::dot(r, r) - reach * reach;
    if apart <= 0.0 {
        return Some(0.0);
    }
    let closing = -vector::dot(r, v);
    let speed_squared = vector::dot(v, v);
    let discriminant = closing * closing - speed_squared * apart;
    if closing <= 0.0 || discriminant < 0.0 {
        return None;
    }
    // apart/(closing + √…) is that root without the cancellation of (closing − √…)/speed².
    let share_of_beat = apart / (closing + math::sqrt(discriminant));
    (share_of_beat <= 1.0).then_some(share_of_beat)
}

/// The velocities of two spheres after an elastic bump along the line of their centres. Two that
/// fly apart keep theirs, as do two with no mass between them. Two in one place part along x.
#[must_use]
pub fn elastic(a: &Body, b: &Body) -> ([i32; 3], [i32; 3]) {
    let r = vector::between(a.position_cm, b.position_cm);
    let normal = vector::unit(r, 0.5).unwrap_or([1.0, 0.0, 0.0]);
    let relative = vector::between(b.velocity, a.velocity);
    let approach = vector::dot(relative, normal);
    let (m_a, m_b) = (at_least_zero(a.mass_kg), at_least_zero(b.mass_kg));
    if approach <= 0.0 || m_a + m_b <= 0.0 {
        return (a.velocity, b.velocity);
    }
    let of_b = share(ratio(m_b, m_a + m_b));
    let push = 2.0 * approach;
    (
        pushed(a.velocity, normal, -(push * of_b)),
        pushed(b.velocity, normal, push * (1.0 - of_b)),
    )
}

/// The speed that a ship at rest gets from one that hits it head-on, in the unit of `speed`.
#[must_use]
pub fn head_on_speed(mass_kg: f64, speed: f64, target_mass_kg: f64) -> f64 {
    let sum = at_least_zero(mass_kg) + at_least_zero(target_mass_kg);
    2.0 * at_least_zero(speed) * share(ratio(mass_kg, sum))
}

/// How far a ship with this time constant drifts after a push, in the unit of `speed` · s.
#[must_use]
pub fn drift(speed: f64, tau_s: f64) -> f64 {
    at_least_zero(speed) * at_least_zero(tau_s)
}

fn pushed(velocity: [i32; 3], normal: [f64; 3], by: f64) -> [i32; 3] {
    let limit = f64::from(VELOCITY_MAX);
    let axis = |axis: usize| {
        let exact = f64::from(velocity[axis]) + normal[axis] * by;
        // Half away from zero, in operations that are exact everywhere.
        let rounded = if exact < 0.0 {
            exact - 0.5
        } else {
            exact + 0.5
        };
        rounded.clamp(-limit, limit) as i32
    };
    [axis(0), axis(1), axis(2)]
}

#[cfg(test)]
mod tests;
