//! Missiles: what arrives, and how far they fly.
//!
//! damage = base · min(1, S/E_r, ((E_v·S)/(E_r·V))^DRF)              docs/mechanics.md#missiles
//! where content gives DRF and a sensitivity DRS instead, the exponent is ln(DRF)/ln(DRS)
//! flight T = explosion delay + ship's radius/v;  range = v·τ'/2 + v·(T − τ'),  τ' = min(T, τ)
//! Golden vectors: tests/golden/missile.csv, missile_exponent.csv, missile_range.csv
//!
//! S and V are signature radius and speed of the target when the missile arrives. The genre flies
//! whole seconds, and draws which of the two neighbours of T it is; here a flight is rounded to
//! the nearest of thirty beats a second, and there is nothing to draw. Cost: one `pow` per hit.

use crate::bound::{at_least_zero, ratio, smaller};
use orrery_base::{BEATS_PER_SECOND, math};

/// The longest flight, beats: an hour.
const BEATS_MOST: f64 = 108_000.0;

/// A warhead: how large and how fast a target has to be to take all of its damage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Warhead {
    /// E_r, the radius of the explosion, metres.
    pub explosion_radius_m: f64,
    /// E_v, the velocity of the explosion, m/s.
    pub explosion_velocity_m_per_s: f64,
    /// DRF as an exponent, 0..1: see [`exponent`].
    pub reduction_exponent: f64,
}

/// The share of its damage that a warhead does, 0..=1. A target at rest is only judged by size.
#[must_use]
pub fn damage_factor(warhead: &Warhead, speed_m_per_s: f64, signature_m: f64) -> f64 {
    let size = ratio(signature_m, warhead.explosion_radius_m);
    let speed = ratio(speed_m_per_s, warhead.explosion_velocity_m_per_s);
    let caught = math::pow(
        ratio(size, speed),
        at_least_zero(warhead.reduction_exponent),
    );
    smaller(1.0, smaller(size, caught))
}

/// The exponent of content that gives a reduction factor and a sensitivity: ln(DRF)/ln(DRS).
/// 0 if either is not positive, or the sensitivity is one.
#[must_use]
pub fn exponent(reduction_factor: f64, reduction_sensitivity: f64) -> f64 {
    if reduction_factor > 0.0 && reduction_sensitivity > 0.0 && reduction_sensitivity != 1.0 {
        let factor = math::ln(at_least_zero(reduction_factor));
        at_least_zero(factor / math::ln(at_least_zero(reduction_sensitivity)))
    } else {
        0.0
    }
}

/// How long a missile flies at most, seconds: its fuel, and the way from the launcher's centre to
/// its hull, which is given away.
#[must_use]
pub fn flight_s(fuel_s: f64, launcher_radius_m: f64, max_speed_m_per_s: f64) -> f64 {
    at_least_zero(fuel_s) + ratio(launcher_radius_m, max_speed_m_per_s)
}

/// [`flight_s`] in whole beats, to the nearest, at most an hour.
#[must_use]
pub fn flight_beats(flight_s: f64) -> u32 {
    let beats = at_least_zero(flight_s) * f64::from(BEATS_PER_SECOND);
    (smaller(beats, BEATS_MOST) + 0.5) as u32
}

/// How far a missile with a time constant of `tau_s` comes in `flight_s`, metres: half its speed
/// while it gathers it, then all of it.
#[must_use]
pub fn range_m(max_speed_m_per_s: f64, tau_s: f64, flight_s: f64) -> f64 {
    let flight = at_least_zero(flight_s);
    let gathering = smaller(flight, at_least_zero(tau_s));
    at_least_zero(max_speed_m_per_s) * (gathering / 2.0 + (flight - gathering))
}

#[cfg(test)]
mod tests;
