//! A ball, and exact distances.

use crate::index::RADIUS_MAX_CM;

/// A ball around a place, with what the comparisons need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    pub(crate) centre: [i32; 3],
    pub(crate) radius_cm: i64,
    pub(crate) radius_squared: u64,
    /// An `f32` distance² up to this is surely inside.
    pub(crate) sure: f32,
    /// An `f32` distance² above this is surely outside.
    pub(crate) limit: f32,
    /// The ball reaches past the range of the coordinates: differences modulo 2³² could take the
    /// far end of an axis for the near one.
    pub(crate) past_the_edge: bool,
}

/// Relative room around a threshold in which the exact integers decide. The computed square's
/// relative error is at most 6·2⁻²⁴: one rounding of each difference, counted twice by the
/// square, one of each product, and two of the sums.
pub(crate) const MARGIN: f32 = 1.0 / 262_144.0;

impl Ball {
    #[inline(always)]
    pub(crate) fn new(centre: [i32; 3], radius_cm: u32) -> Self {
        let radius_cm = i64::from(radius_cm.min(RADIUS_MAX_CM));
        let radius_squared = radius_cm * radius_cm;
        let outside = |at: i64| at != i64::from(at as i32);
        let past = |c: i32| outside(i64::from(c) - radius_cm) | outside(i64::from(c) + radius_cm);
        Self {
            centre,
            radius_cm,
            radius_squared: radius_squared as u64,
            sure: radius_squared as f32 * (1.0 - MARGIN),
            limit: radius_squared as f32 * (1.0 + MARGIN),
            past_the_edge: past(centre[0]) | past(centre[1]) | past(centre[2]),
        }
    }

    /// The corners of the box around the ball, which may be wider than a coordinate.
    #[inline(always)]
    pub(crate) fn corners(&self) -> [[i64; 3]; 2] {
        let centre = self.centre.map(i64::from);
        [
            centre.map(|c| c - self.radius_cm),
            centre.map(|c| c + self.radius_cm),
        ]
    }
}

/// The exact square of the distance; where a difference is 2³¹ or more, farther than any radius,
/// it counts as 2³¹, so that the sum fits 64 bits.
#[inline(always)]
pub(crate) fn distance_squared(a: [i32; 3], b: [i32; 3]) -> u64 {
    let mut sum = 0;
    for axis in 0..3 {
        let difference = u64::from(a[axis].abs_diff(b[axis]).min(1 << 31));
        sum += difference * difference;
    }
    sum
}
