//! Landing on a surface: how fast one may come down, and what it costs to come faster.
//!
//! slow enough to brake with a from h:  v ≤ √(v_soft² + 2·a·h)        docs/mechanics.md#landing
//! touching down at v > v_soft: the share (v² − v_soft²)/(v_wreck² − v_soft²) of the hull is lost
//! Golden vectors: tests/golden/landing.csv
//!
//! Our own, from the energy of the fall: what the landing gear does not take up, the hull does.
//! Cost: a square root or a division.

use crate::bound::{at_least_zero, larger, ratio};
use orrery_base::math;

/// What a hull bears.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Gear {
    /// The largest vertical speed without harm, m/s.
    pub soft_m_per_s: f64,
    /// The vertical speed that wrecks it, m/s.
    pub wreck_m_per_s: f64,
    /// What it can brake with against the planet's gravity, m/s².
    pub braking_m_per_s2: f64,
}

/// What became of a touch-down.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Landing {
    /// Down, whole.
    Soft,
    /// Down, with this share of the hull's whole hit points lost, in 0..1.
    Hard(f64),
    /// Wrecked.
    Crash,
}

/// The largest speed of descent at a height above the surface, m/s, from which a hull can still
/// brake to a soft landing: what the autopilot follows.
#[must_use]
pub fn descent_m_per_s(gear: &Gear, height_m: f64) -> f64 {
    let soft = at_least_zero(gear.soft_m_per_s);
    let braking = at_least_zero(gear.braking_m_per_s2);
    math::sqrt(soft * soft + 2.0 * braking * at_least_zero(height_m))
}

/// What comes of touching down with this vertical speed.
#[must_use]
pub fn touch_down(gear: &Gear, vertical_m_per_s: f64) -> Landing {
    let speed = at_least_zero(vertical_m_per_s);
    let soft = at_least_zero(gear.soft_m_per_s);
    if speed <= soft {
        return Landing::Soft;
    }
    let wreck = larger(at_least_zero(gear.wreck_m_per_s), soft);
    let lost = ratio(speed * speed - soft * soft, wreck * wreck - soft * soft);
    if speed < wreck && lost < 1.0 {
        Landing::Hard(lost)
    } else {
        Landing::Crash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{close, golden, number};
    use proptest::prelude::*;

    #[test]
    fn landings_are_the_golden_ones() {
        for cells in golden::<7>(include_str!("../tests/golden/landing.csv")) {
            let [soft, wreck, braking, height, descent, speed] =
                [0, 1, 2, 3, 4, 5].map(|cell| number::<f64>(cells[cell]));
            let gear = Gear {
                soft_m_per_s: soft,
                wreck_m_per_s: wreck,
                braking_m_per_s2: braking,
            };
            close(descent_m_per_s(&gear, height), descent, 1e-9);
            match (cells[6], touch_down(&gear, speed)) {
                ("soft", Landing::Soft) | ("crash", Landing::Crash) => (),
                (share, Landing::Hard(lost)) => close(lost, number(share), 1e-9),
                (want, got) => panic!("{got:?} not {want}"),
            }
        }
    }

    proptest! {
        #[test]
        fn harder_is_never_better(a in any::<[f64; 4]>(), speed in 0.0..200.0_f64, more in 0.0..200.0_f64) {
            let rank = |landing| match landing {
                Landing::Soft => 0.0,
                Landing::Hard(lost) => lost,
                Landing::Crash => 1.0,
            };
            let gear = Gear { soft_m_per_s: 8.0, wreck_m_per_s: 60.0, braking_m_per_s2: 12.0 };
            prop_assert!(rank(touch_down(&gear, speed)) <= rank(touch_down(&gear, speed + more)));
            let gear = Gear { soft_m_per_s: a[0], wreck_m_per_s: a[1], braking_m_per_s2: a[2] };
            prop_assert!((0.0..=1.0).contains(&rank(touch_down(&gear, a[3]))));
            prop_assert!(descent_m_per_s(&gear, a[3]) >= 0.0);
        }
    }
}
