//! Where to fly and how well one hits: pure functions of integers.
//!
//! Cost: one integer square root and three divisions for a course, one square root and two
//! divisions for a chance.

use super::quantised;

/// Positions are taken in units of 2⁴ cm and limited to ±2²⁴ of them (2,684 km) on each axis, so
/// that nothing below overflows.
const COARSE: u32 = 4;
const LIMIT: i64 = 1 << 24;
/// A certain hit.
pub const CERTAIN: u32 = 1_024;

/// From one place to another, in coarse units.
fn coarse_difference(to: [i32; 3], from: [i32; 3]) -> [i64; 3] {
    let difference = orrery_base::math::difference(to, from);
    difference.map(|axis| (axis >> COARSE).clamp(-LIMIT, LIMIT))
}

/// Length of a vector whose components are below 2³⁰ in magnitude, rounded down.
fn length(v: [i64; 3]) -> i64 {
    let squares = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    orrery_base::math::isqrt_u64(squares as u64) as i64
}

/// The velocity that leads from `from` into an orbit around `to`: towards it from afar, away from
/// it when too near, sideways at the orbit. `plane` chooses one of three planes; the result has
/// `speed`, or is zero where the two places are one. Speed in 2⁻¹⁴ cm per beat, below 2³⁰.
#[must_use]
pub fn orbit(from: [i32; 3], to: [i32; 3], orbit_cm: i32, speed: i32, plane: u64) -> [i32; 3] {
    let d = coarse_difference(to, from);
    let orbit = i64::from(orbit_cm >> COARSE).max(1);
    // 1/256: 256 is straight towards, 0 is at the right distance.
    let pull = ((length(d) - orbit) * 256 / orbit).clamp(-256, 256);
    let side = match plane % 3 {
        0 => [0, d[2], -d[1]],
        1 => [-d[2], 0, d[0]],
        _ => [d[1], -d[0], 0],
    };
    // At most 2²⁵ each.
    let course = [0, 1, 2].map(|axis| (d[axis] * pull + side[axis] * 256) >> 8);
    let long = length(course).max(1);
    course.map(|axis| quantised((axis * i64::from(speed) / long) as i32))
}

/// The chance of a shot, in 1/[`CERTAIN`], at a target that is `to − from` away and moves with
/// `velocity` relative to the gun (2⁻¹⁴ cm per beat).
///
/// With angular velocity ω and distance d it is ω₀/(ω₀ + ω), times (optimal/d)² beyond the
/// optimal range; zero beyond `range_cm`. ω₀ is 1/`tracking` radians per beat, `tracking` ≥ 1.
#[must_use]
pub fn chance(
    from: [i32; 3],
    to: [i32; 3],
    velocity: [i64; 3],
    tracking: i64,
    [optimal_cm, range_cm]: [i32; 2],
) -> u32 {
    let d = coarse_difference(to, from);
    let square = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).max(1);
    let range = i64::from(range_cm >> COARSE);
    if square > range * range {
        return 0;
    }
    // In 2⁻⁴ cm per beat, below 2²²; the cross product is below 2⁴⁷.
    let v = velocity.map(|axis| axis >> 10);
    let cross = [
        d[1] * v[2] - d[2] * v[1],
        d[2] * v[0] - d[0] * v[2],
        d[0] * v[1] - d[1] * v[0],
    ];
    let largest = cross[0].abs() | cross[1].abs() | cross[2].abs();
    let shift = (64 - largest.leading_zeros()).saturating_sub(30);
    // ω·d² in coarse units squared per beat; the units differ by 2⁸.
    let sweep = (length(cross.map(|axis| axis >> shift)) << shift) >> 8;
    let still = (square / tracking).max(1);
    let tracked = i64::from(CERTAIN) * still / (still + sweep);
    let optimal = i64::from(optimal_cm >> COARSE);
    let ideal = optimal * optimal;
    let hits = if square > ideal {
        tracked * ideal / square
    } else {
        tracked
    };
    hits as u32
}

#[cfg(test)]
mod tests;
