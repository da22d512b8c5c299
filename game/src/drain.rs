//! Energy warfare: neutralisers destroy capacitor, vampires move it.
//!
//! neutraliser  amount · range factor · min(1, signature/resolution)  docs/mechanics.md#energy-warfare
//! vampire      the same, and only while the target's share of its capacitor is above one's own
//! Golden vectors: tests/golden/drain.csv
//!
//! Both are asks: [`crate::recharge::Pool::drain`] of the target says what was there, and a
//! vampire's owner gets no more than that. Cost: a division.

use crate::blast::size_factor;
use crate::bound::{at_least_zero, share};

/// What a neutraliser takes from a capacitor that has it.
#[must_use]
pub fn neutralised(amount: f64, range_factor: f64, signature_m: f64, resolution_m: f64) -> f64 {
    at_least_zero(amount) * share(range_factor) * size_factor(signature_m, resolution_m)
}

/// By what a vampire compares the two capacitors, data of the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VampireRule {
    /// By their shares of the full capacitor.
    Share,
    /// By what they hold.
    Amount,
}

/// A capacitor as a vampire sees it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Level {
    /// What it holds.
    pub amount: f64,
    /// The share of its capacity, 0..=1.
    pub share: f64,
}

/// Whether a vampire transfers anything: the target has more than its owner.
#[must_use]
pub fn transfers(rule: VampireRule, own: Level, target: Level) -> bool {
    match rule {
        VampireRule::Share => target.share > own.share,
        VampireRule::Amount => target.amount > own.amount,
    }
}

#[cfg(test)]
mod tests;
