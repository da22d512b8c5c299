//! Target locks: how long one takes, how many there may be, and what ends one.
//!
//! lock time = min(1800, 40000 / (scan resolution · asinh(signature)²)) s   docs/mechanics.md#locks
//! targets = ⌈min(hull's most, 2 + skills)⌉
//! Golden vectors: tests/golden/lock.csv
//!
//! Scan resolution in millimetres, signature radius in metres. Cost: one `asinh`, once per lock.

use crate::bound::{at_least_zero, smaller};
use orrery_base::{BEATS_PER_SECOND, math};

/// The longest lock time, seconds.
pub const LONGEST_S: f64 = 1_800.0;
/// Targets without any skill, if the hull allows as many.
pub const TARGETS_BASE: f64 = 2.0;

/// Seconds from the command until the lock holds.
#[must_use]
pub fn time_s(scan_resolution_mm: f64, signature_m: f64) -> f64 {
    let size = math::asinh(at_least_zero(signature_m));
    let speed = at_least_zero(scan_resolution_mm) * (size * size);
    if speed > 0.0 {
        smaller(40_000.0 / speed, LONGEST_S)
    } else {
        LONGEST_S
    }
}

/// [`time_s`] in beats, rounded up, at least one.
#[must_use]
pub fn time_beats(scan_resolution_mm: f64, signature_m: f64) -> u32 {
    let beats = time_s(scan_resolution_mm, signature_m) * f64::from(BEATS_PER_SECOND);
    // `as` truncates; up to 54,000, so it fits.
    let whole = beats as u32;
    (whole + u32::from(f64::from(whole) < beats)).max(1)
}

/// How many targets a ship may have locked: what skills give on top of two, no more than the
/// hull's computer holds, rounded up after modifiers.
#[must_use]
pub fn most_targets(hull_most: f64, from_skills: f64) -> u32 {
    let most = smaller(
        at_least_zero(hull_most),
        TARGETS_BASE + at_least_zero(from_skills),
    );
    let whole = most as u32;
    whole.saturating_add(u32::from(f64::from(whole) < most))
}

/// What is asked of a lock in a beat, running or held.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Situation {
    /// The target is on this grid.
    pub is_present: bool,
    /// The target may be seen by the locker: not cloaked.
    pub is_target_cloaked: bool,
    /// The locker is cloaked.
    pub is_own_cloaked: bool,
    /// Either of the two is in warp.
    pub is_in_warp: bool,
    /// The target is tethered to a structure.
    pub is_tethered: bool,
    /// The locker is jammed.
    pub is_jammed: bool,
    /// The target is one of those who jam the locker.
    pub is_jammer: bool,
    /// From hull to hull, metres.
    pub distance_m: f64,
    /// The locker's targeting range, metres.
    pub range_m: f64,
}

/// Why a lock ends or does not begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The target is gone: destroyed, docked, jumped.
    Gone,
    /// One of the two is in warp.
    Warp,
    /// One of the two is cloaked.
    Cloak,
    /// The target is tethered.
    Tether,
    /// The locker is jammed, and the target is not the jammer.
    Jam,
    /// The target is beyond the targeting range.
    Range,
}

/// Why a lock cannot be; `None` if it can. The same rule begins and ends locks.
#[must_use]
pub fn lost(situation: &Situation) -> Option<Lost> {
    let s = situation;
    if !s.is_present {
        Some(Lost::Gone)
    } else if s.is_in_warp {
        Some(Lost::Warp)
    } else if s.is_target_cloaked || s.is_own_cloaked {
        Some(Lost::Cloak)
    } else if s.is_tethered {
        Some(Lost::Tether)
    } else if s.is_jammed && !s.is_jammer {
        Some(Lost::Jam)
    } else if s.distance_m <= s.range_m {
        None
    } else {
        Some(Lost::Range)
    }
}

#[cfg(test)]
mod tests;
