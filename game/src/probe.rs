//! Scan probes: how strong a signal is, how far off the place, and what is known of it.
//!
//! strength halves and deviation doubles with each doubling of the radius; n probes multiply by a
//! table ⚙; signal = site · strength(radius) · table(n) · e^(−(d/r)²)  docs/mechanics.md#probes
//! deviation = most · (1 − signal); a site is warpable at 1, its group shows at ⚙ ¼, its type at ⚙ ¾
//! site of a ship ∝ signature/sensor strength, the ratio at least 1.08
//! Golden vectors: tests/golden/probe.csv
//!
//! The genre has not published how probes have to stand; d here is the distance of the site from
//! the centre of the probes' formation, and the table is for a good one. Cost: one `exp`.

use crate::bound::{at_least_zero, larger, ratio, share, smaller};
use orrery_base::math;

/// What so many probes in a good formation multiply by, from one to eight.
pub const FORMATION: [f64; 8] = [
    0.257_743, 0.513_025, 0.723_413, 0.882_474, 0.996_333, 1.075_416, 1.129_625, 1.166_697,
];
/// The least ratio of signature to sensor strength.
pub const SHIP_RATIO_LEAST: f64 = 1.08;

/// Probes as they scan.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Probes {
    /// Strength at the smallest radius, after ship, skills and rigs; 0..1 for site strengths
    /// that are shares.
    pub strength: f64,
    /// How often the radius was doubled.
    pub doublings: u32,
    /// How many there are.
    pub count: u32,
    /// Their radius, in the unit of the distance.
    pub radius: f64,
}

/// A number halved so many times.
fn halved(x: f64, times: u32) -> f64 {
    // 2^1074 is beyond the smallest float.
    (0..times.min(1_100)).fold(at_least_zero(x), |x, _| x * 0.5)
}

/// The signal of a site at a distance from the centre of the formation, 0..=1; 1 can be warped to.
#[must_use]
pub fn signal(probes: &Probes, site_strength: f64, distance: f64) -> f64 {
    if probes.count == 0 {
        return 0.0;
    }
    let formation = FORMATION[(probes.count as usize - 1).min(FORMATION.len() - 1)];
    let off = ratio(distance, probes.radius);
    let strength = halved(probes.strength, probes.doublings);
    share(at_least_zero(site_strength) * strength * formation * math::exp(-(off * off)))
}

/// How far the shown place may be off, in the unit of `most` (the deviation at the smallest
/// radius), for a signal of 0..=1.
#[must_use]
pub fn deviation(most: f64, doublings: u32, signal: f64) -> f64 {
    let doubled =
        (0..doublings.min(1_100)).fold(at_least_zero(most), |x, _| smaller(x * 2.0, 1e60));
    doubled * (1.0 - share(signal))
}

/// What a ship is worth as a site: its signature against its sensors, times `per_ratio` ⚙.
#[must_use]
pub fn ship_strength(signature_m: f64, sensor_strength: f64, per_ratio: f64) -> f64 {
    larger(ratio(signature_m, sensor_strength), SHIP_RATIO_LEAST) * at_least_zero(per_ratio)
}

/// What the result of a scan looks like, by the number of probes that reach the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Nobody reaches it.
    Nothing,
    /// One: somewhere on a sphere.
    Sphere,
    /// Two: somewhere on a circle.
    Ring,
    /// Three: one of two points.
    TwoPoints,
    /// Four and more: a point.
    Point,
}

/// The shape of a result.
#[must_use]
pub const fn shape(probes_in_reach: u32) -> Shape {
    match probes_in_reach {
        0 => Shape::Nothing,
        1 => Shape::Sphere,
        2 => Shape::Ring,
        3 => Shape::TwoPoints,
        _ => Shape::Point,
    }
}

/// How much is known of a site.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Knowledge {
    /// That there is something.
    Presence,
    /// Its group.
    Group,
    /// Its type.
    Kind,
    /// Its place, well enough to warp there.
    Place,
}

/// What a signal says, with the two thresholds as data.
#[must_use]
pub fn knowledge(signal: f64, group_from: f64, kind_from: f64) -> Knowledge {
    if signal >= 1.0 {
        Knowledge::Place
    } else if signal >= kind_from {
        Knowledge::Kind
    } else if signal >= group_from {
        Knowledge::Group
    } else {
        Knowledge::Presence
    }
}

#[cfg(test)]
mod tests;
