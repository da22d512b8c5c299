//! The directional scanner: what lies in a cone, without saying where.
//!
//! seen if within the range (at most 2³¹ − 1 km) and the angle to the axis is at most half the
//! cone's, of 5° to 360°                                             docs/mechanics.md#scanner
//!
//! Distances within a system do not fit a grid's centimetres: offsets are whole metres in i64.
//! Cost: a square root per object; the cosine is taken once per scan.

use orrery_base::math;

/// The longest range, metres.
pub const RANGE_MOST_M: i64 = 2_147_483_647_000;
/// The narrowest and the widest cone, degrees.
pub const DEGREES: [u32; 2] = [5, 360];

/// A scan that is ready to look.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cone {
    axis: [f64; 3],
    cosine: f64,
    range_m: i64,
    is_sphere: bool,
}

impl Cone {
    /// A scan along `axis` (any length but zero). The angle and the range are limited to what the
    /// scanner can do. `None` for an axis without a direction.
    #[must_use]
    pub fn new(axis: [f64; 3], degrees: u32, range_m: i64) -> Option<Self> {
        let degrees = degrees.clamp(DEGREES[0], DEGREES[1]);
        let half = f64::from(degrees) / 2.0 * (core::f64::consts::PI / 180.0);
        let square = axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2];
        if !(square > 1e-60 && square < 1e60) {
            return None;
        }
        Some(Self {
            axis: axis.map(|component| component / math::sqrt(square)),
            cosine: math::cos(half),
            range_m: range_m.clamp(0, RANGE_MOST_M),
            is_sphere: degrees == DEGREES[1],
        })
    }

    /// Whether something at this offset from the ship, metres, shows.
    #[must_use]
    pub fn sees(&self, offset_m: [i64; 3]) -> bool {
        if offset_m
            .iter()
            .any(|m| m.unsigned_abs() > RANGE_MOST_M as u64)
        {
            return false;
        }
        let d = offset_m.map(|m| m as f64);
        let square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        let range = self.range_m as f64;
        if square > range * range {
            return false;
        }
        let along = d[0] * self.axis[0] + d[1] * self.axis[1] + d[2] * self.axis[2];
        self.is_sphere || along >= self.cosine * math::sqrt(square)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cone_is_half_as_wide_on_each_side() {
        let cone = Cone::new([2.0, 0.0, 0.0], 90, RANGE_MOST_M).unwrap();
        assert!(cone.sees([1_000_000, 999_000, 0]) && !cone.sees([1_000_000, 1_001_000, 0]));
        assert!(!cone.sees([-1, 0, 0]) && cone.sees([0, 0, 0]));
        let wide = Cone::new([0.0, 1.0, 0.0], 180, 5_000).unwrap();
        assert!(wide.sees([3_000, 1, -2_000]) && !wide.sees([3_000, -1, -2_000]));
        let all = Cone::new([0.0, 0.0, 1.0], 999, 5_000).unwrap();
        assert!(all.sees([0, 0, -5_000]) && !all.sees([0, 0, -5_001]));
        let narrow = Cone::new([0.0, 0.0, 1.0], 0, 5_000).unwrap();
        assert!(
            narrow.sees([43, 0, 1_000]) && !narrow.sees([44, 0, 1_000]),
            "2.5° is 43.66"
        );
        assert!(Cone::new([0.0; 3], 90, 5).is_none());
        assert!(Cone::new([f64::NAN; 3], 90, 5).is_none());
    }

    #[test]
    fn the_range_is_a_signed_number_of_kilometres() {
        let all = Cone::new([1.0, 0.0, 0.0], 360, i64::MAX).unwrap();
        assert!(all.sees([RANGE_MOST_M, 0, 0]));
        assert!(!all.sees([RANGE_MOST_M + 1, 0, 0]) && !all.sees([i64::MIN, 0, 0]));
    }

    proptest! {
        #[test]
        fn a_wider_cone_sees_no_less(axis in any::<[f64; 3]>(), degrees in 5..360_u32, at in any::<[i32; 3]>()) {
            let at = at.map(i64::from);
            if let Some(narrow) = Cone::new(axis, degrees, i64::MAX) {
                let wide = Cone::new(axis, degrees + 1, i64::MAX).unwrap();
                prop_assert!(!narrow.sees(at) || wide.sees(at));
            }
        }
    }
}
