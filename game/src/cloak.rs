//! Cloaks: when one may be switched on, what breaks it, and what it costs.
//!
//! nothing may be nearer than ⚙ 2,000 m from hull to hull: ships, drones, wrecks, cans, clouds
//! while cloaked: no locking, speed · factor (⚙ 0.1; 1 for covert hulls), warp only if covert
//! after it ends: no locking for the recalibration delay ⚙            docs/mechanics.md#cloaks
//!
//! Whether something is near is asked for every cloaked ship and beat, with the exact
//! [`crate::blast::reaches`]. Cost: one comparison of integer squares per neighbour.

use crate::bound::share;
use orrery_base::Tick;

/// Why a cloak cannot be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Somebody has locked the ship.
    Targeted,
    /// Something is too near.
    TooNear,
    /// The ship still recalibrates, or its cloak still waits after the last use.
    Waiting,
    /// The ship is in warp, or tied to a structure.
    Busy,
}

/// What the rule looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Situation {
    /// Somebody has locked the ship.
    pub is_targeted: bool,
    /// Something that decloaks is within the distance.
    pub is_something_near: bool,
    /// The ship is in warp.
    pub is_in_warp: bool,
    /// The ship is tethered to a structure.
    pub is_tethered: bool,
    /// The tick from which the cloak may be used again.
    pub ready: Tick,
}

/// Whether a cloak may be switched on in `tick`.
///
/// # Errors
/// The first [`Refusal`] that holds.
pub const fn may_cloak(situation: &Situation, tick: Tick) -> Result<(), Refusal> {
    if situation.is_in_warp || situation.is_tethered {
        Err(Refusal::Busy)
    } else if tick.0 < situation.ready.0 {
        Err(Refusal::Waiting)
    } else if situation.is_targeted {
        Err(Refusal::Targeted)
    } else if situation.is_something_near {
        Err(Refusal::TooNear)
    } else {
        Ok(())
    }
}

/// The largest speed of a cloaked ship, in the unit of `max_speed` (≥ 0), rounded down.
#[must_use]
pub fn max_speed(max_speed: i32, speed_factor: f64) -> i32 {
    (f64::from(max_speed.max(0)) * share(speed_factor)) as i32
}

/// From which tick on a ship may lock again whose cloak ended in `tick`.
#[must_use]
pub const fn recalibrated(tick: Tick, delay_beats: u32) -> Tick {
    Tick(tick.0.saturating_add(delay_beats as u64))
}

/// Whether a module may be switched on under a cloak: harmless ones in the first beats (⚙ 5 s),
/// nothing else.
#[must_use]
pub const fn may_use_module(
    cloaked_since: Tick,
    tick: Tick,
    grace_beats: u32,
    is_offensive: bool,
) -> bool {
    !is_offensive && tick.since(cloaked_since) < grace_beats as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_rule_refuses() {
        let with = |change: fn(&mut Situation)| {
            let mut situation = Situation::default();
            change(&mut situation);
            may_cloak(&situation, Tick(100))
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|s| s.is_targeted = true), Err(Refusal::Targeted));
        assert_eq!(with(|s| s.is_something_near = true), Err(Refusal::TooNear));
        assert_eq!(with(|s| s.ready = Tick(101)), Err(Refusal::Waiting));
        assert_eq!(with(|s| s.ready = Tick(100)), Ok(()));
        assert_eq!(with(|s| s.is_in_warp = true), Err(Refusal::Busy));
        assert_eq!(with(|s| s.is_tethered = true), Err(Refusal::Busy));
    }

    #[test]
    fn only_harmless_modules_and_only_at_first() {
        let may = |beats: u64, is_offensive| {
            may_use_module(Tick(50), Tick(50 + beats), 150, is_offensive)
        };
        assert!(may(0, false) && may(149, false));
        assert!(!may(150, false) && !may(0, true));
        assert_eq!(recalibrated(Tick(7), 180), Tick(187));
        assert_eq!(recalibrated(Tick(u64::MAX), 1), Tick(u64::MAX));
    }

    proptest! {
        #[test]
        fn a_cloak_never_speeds_up(speed in any::<i32>(), factor in any::<f64>()) {
            let cloaked = max_speed(speed, factor);
            prop_assert!(cloaked >= 0 && cloaked <= speed.max(0));
        }
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        assert_eq!(max_speed(16_384_000, 0.1), 1_638_400);
        assert_eq!(max_speed(16_384_000, 1.0), 16_384_000);
    }
}
