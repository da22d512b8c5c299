//! Burning: whoever comes too near to a star is grilled.
//!
//! damage per second = d₀ · ((R/d)² − 1) for d < R, none beyond, d from the star's centre, R the
//! burn radius ⚙, d₀ ⚙; half of it electromagnetic, half thermal         docs/mechanics.md#stars
//! Golden vectors: tests/golden/star.csv
//!
//! Our own: radiation falls with the square of the distance, and the −1 makes it begin at zero, so
//! that nobody dies at a border. No nearer than the star's surface. Cost: a division.

use crate::bound::{at_least_zero, larger, ratio};
use crate::damage::{DamageKind, Volley};
use orrery_base::BEATS_PER_SECOND;

/// A star that burns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Burn {
    /// Its own radius, metres.
    pub surface_m: f64,
    /// The radius beyond which it does not burn, metres.
    pub burn_m: f64,
    /// Hit points per second at burn radius/√2.
    pub damage_per_s: f64,
}

/// Hit points per second at a distance from the star's centre, before resistances.
#[must_use]
pub fn damage_per_s(burn: &Burn, distance_m: f64) -> f64 {
    let distance = larger(at_least_zero(distance_m), at_least_zero(burn.surface_m));
    let nearness = ratio(burn.burn_m, distance);
    if nearness > 1.0 {
        at_least_zero(burn.damage_per_s) * (nearness * nearness - 1.0)
    } else {
        0.0
    }
}

/// The volley of `beats` beats near a star.
#[must_use]
pub fn volley(burn: &Burn, distance_m: f64, beats: u32) -> Volley {
    let seconds = f64::from(beats) / f64::from(BEATS_PER_SECOND);
    let half = damage_per_s(burn, distance_m) * seconds / 2.0;
    let mut volley = Volley::default();
    volley[DamageKind::Electromagnetic as usize] = half;
    volley[DamageKind::Thermal as usize] = half;
    volley
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, golden, number};
    use proptest::prelude::*;

    #[test]
    fn burns_are_the_golden_ones() {
        for cells in golden::<5>(include_str!("../tests/golden/star.csv")) {
            let [surface_m, burn_m, damage, distance, want] = cells.map(number::<f64>);
            let burn = Burn {
                surface_m,
                burn_m,
                damage_per_s: damage,
            };
            close(damage_per_s(&burn, distance), want, 1e-9);
            let beats = volley(&burn, distance, 15);
            close(beats.iter().sum(), want / 2.0, 1e-9);
            assert_eq!([beats[0], 0.0, 0.0], [beats[1], beats[2], beats[3]]);
        }
    }

    proptest! {
        #[test]
        fn nearer_is_hotter(distance in 0.0..1e10_f64, more in 0.0..1e10_f64, any in any::<[f64; 4]>()) {
            let burn = Burn { surface_m: 7e8, burn_m: 5e9, damage_per_s: 20.0 };
            prop_assert!(damage_per_s(&burn, distance + more) <= damage_per_s(&burn, distance));
            let burn = Burn { surface_m: any[0], burn_m: any[1], damage_per_s: any[2] };
            prop_assert!(damage_per_s(&burn, any[3]) >= 0.0);
        }
    }
}
