//! Security: of systems, of pilots, and how the police answer.
//!
//! loss  m = k·systemSec·(1 + (targetSec − aggressorSec)/100), new = (1 − m)·(sec + 10) − 10
//!       k ⚙ 0.025 for aggression, 0.25 for a kill; none at or below 0.0
//! gain  new = sec + (10 − sec)·bonus, at most +5
//! shown rounded to 0.1, but 0.0 < s < 0.05 shows 0.1; high is ≥ 0.45   docs/mechanics.md#security
//! Golden vectors: tests/golden/security_loss.csv, security_gain.csv, security_shown.csv
//!
//! Statuses are f64 in −10..=10, systems' in −1..=1. Tables are data: bands from the safest down.

use crate::bound::{at_least_zero, share, smaller};

/// The lowest and the highest status.
const STATUS_MOST: f64 = 10.0;
/// What killing pirates brings at most.
const GAIN_MOST: f64 = 5.0;
/// From which true security on a system counts as high.
const HIGH: f64 = 0.45;

/// How lawful a system is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Band {
    /// The police protect.
    High,
    /// The law is noted, not enforced.
    Low,
    /// No law.
    Null,
}

/// A number limited to ±`most`; 0 if it is not a number.
fn within(x: f64, most: f64) -> f64 {
    smaller(at_least_zero(x), most) - smaller(at_least_zero(-x), most)
}

/// The band of a system's true security.
#[must_use]
pub fn band(system_security: f64) -> Band {
    if system_security >= HIGH {
        Band::High
    } else if system_security > 0.0 {
        Band::Low
    } else {
        Band::Null
    }
}

/// The security that players see, in tenths: 10 is 1.0. Half a tenth rounds away from zero, and
/// whatever is above zero shows at least one.
#[must_use]
pub fn shown_tenths(security: f64) -> i32 {
    let tenths = within(security, STATUS_MOST) * 10.0;
    if tenths > 0.0 && tenths < 0.5 {
        1
    } else if tenths < 0.0 {
        (tenths - 0.5) as i32
    } else {
        (tenths + 0.5) as i32
    }
}

/// The status of an aggressor after an unlawful act against a target in a system: −10..=10, never
/// more than before.
#[must_use]
pub fn after_crime(status: f64, target_status: f64, system_security: f64, severity: f64) -> f64 {
    let (own, target) = (
        within(status, STATUS_MOST),
        within(target_status, STATUS_MOST),
    );
    let place = smaller(at_least_zero(system_security), 1.0);
    let loss = at_least_zero(severity) * place * (1.0 + (target - own) / 100.0);
    within(
        (1.0 - share(loss)) * (own + STATUS_MOST) - STATUS_MOST,
        STATUS_MOST,
    )
}

/// The status of a pilot after the best kill of an award period: −10..=10, never less than before;
/// kills bring nobody above +5.
#[must_use]
pub fn after_kill(status: f64, bonus: f64) -> f64 {
    let own = within(status, STATUS_MOST);
    if own >= GAIN_MOST {
        return own;
    }
    smaller(own + (STATUS_MOST - own) * share(bonus), GAIN_MOST)
}

/// One band of the police's table: from this shown security on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Police {
    /// Shown security of the system, tenths.
    pub from_tenths: i32,
    /// The status below which the police attack on sight.
    pub attacks_below: f64,
    /// How long they take to come to a crime, beats.
    pub response_beats: u32,
}

/// The police of a system: the first band of the table (highest first) that its security reaches.
/// `None` where there are none.
#[must_use]
pub fn police(table: &[Police], system_security: f64) -> Option<&Police> {
    let tenths = shown_tenths(system_security);
    table.iter().find(|band| tenths >= band.from_tenths)
}

/// Whether the police attack a pilot of this status on sight.
#[must_use]
pub fn is_hunted(table: &[Police], system_security: f64, status: f64) -> bool {
    police(table, system_security).is_some_and(|band| status < band.attacks_below)
}

/// Whether anybody may attack a pilot of this status, wherever: an outlaw.
#[must_use]
pub fn is_outlaw(status: f64, outlaw_at: f64) -> bool {
    status <= outlaw_at
}

/// Beats from a crime until the police are there: longer if they are busy elsewhere in the system.
/// `None` where there are none.
#[must_use]
pub fn response_beats(
    table: &[Police],
    system_security: f64,
    is_busy: bool,
    busy_beats: u32,
) -> Option<u32> {
    let more = if is_busy { busy_beats } else { 0 };
    police(table, system_security).map(|band| band.response_beats.saturating_add(more))
}

#[cfg(test)]
mod tests;
