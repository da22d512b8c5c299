//! Warp inhibition: modules that hold a ship's warp core, and fields that stop or catch ships.
//!
//! blocked when Σ attack strength > core strength                    docs/mechanics.md#inhibition
//! a field of radius r around C, on the line of a warp that ends at P in direction u:
//! along = (C − P)·u,  off² = |C − P|² − along²,  entry = along − √(r² − off²) if off < r
//! Golden vectors: tests/golden/inhibit_line.csv
//!
//! Whoever warps lands where the line enters the first field that it meets: before P if a field
//! lies in front, beyond P if it begins at most `catch_m` (⚙ 500 km) behind. The caller tests the
//! fields of the *destination* grid once, when the warp is committed: fields raised later, or
//! around the start, do not redirect. Cost: one square root per field on the line.

use crate::vector;
use orrery_base::math;

/// Strength of a disruptor.
pub const DISRUPTOR: i32 = 1;
/// Strength of a scrambler, which also stops micro warp drives and micro jump drives.
pub const SCRAMBLER: i32 = 2;

/// A sphere in which no ship enters warp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its centre, centimetres on its grid.
    pub centre_cm: [i32; 3],
    /// Its radius, centimetres, ≥ 0.
    pub radius_cm: i32,
}

/// The sum of the strengths that are aimed at a ship; negative ones count as none.
#[must_use]
pub fn attack(strengths: impl IntoIterator<Item = i32>) -> i32 {
    strengths
        .into_iter()
        .fold(0_i32, |sum, strength| sum.saturating_add(strength.max(0)))
}

/// Whether attacks of this sum keep a ship of this core strength (base 0, stabilisers add) from
/// warping and from jumping by its own drive. Gates and docking are not concerned.
#[must_use]
pub const fn is_blocked(attack: i32, core_strength: i32) -> bool {
    attack > core_strength
}

/// Whether a point is inside a field; its surface is. Exact.
#[must_use]
pub fn is_inside(position_cm: [i32; 3], field: &Field) -> bool {
    if field.radius_cm < 0 {
        return false;
    }
    let square = |x: i64| u128::from(x.unsigned_abs()) * u128::from(x.unsigned_abs());
    let [x, y, z] = math::difference(position_cm, field.centre_cm).map(square);
    x + y + z <= square(i64::from(field.radius_cm))
}

/// Where the line of a warp that ends at `point_cm`, flown along `direction` (a unit vector),
/// enters a field: metres beyond the point, negative before it. `None` if it passes outside.
#[must_use]
pub fn entry_m(point_cm: [i32; 3], direction: [f64; 3], field: &Field) -> Option<f64> {
    let to_centre = vector::between(point_cm, field.centre_cm);
    let along = vector::dot(to_centre, direction);
    // The part across the line as a vector: subtracting squares would cancel.
    let across = vector::sub(to_centre, vector::scale(direction, along));
    let radius = f64::from(field.radius_cm);
    let half_chord_squared = radius * radius - vector::dot(across, across);
    (radius > 0.0 && half_chord_squared > 0.0)
        .then(|| (along - math::sqrt(half_chord_squared)) / 100.0)
}

/// How much farther than its point a warp lands because of fields, metres; negative if it lands
/// before; `None` if no field is in its way. `flown_m` is the length of the warp: fields that
/// begin before its start do not count.
#[must_use]
pub fn caught_m<'a>(
    point_cm: [i32; 3],
    direction: [f64; 3],
    flown_m: f64,
    catch_m: f64,
    fields: impl IntoIterator<Item = &'a Field>,
) -> Option<f64> {
    fields
        .into_iter()
        .filter_map(|field| entry_m(point_cm, direction, field))
        .filter(|&entry| entry > -flown_m && entry <= catch_m)
        .reduce(crate::bound::smaller)
}

#[cfg(test)]
mod tests;
