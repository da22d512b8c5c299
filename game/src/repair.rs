//! Repairs: when they land, and why many repairers on one ship do less than their sum.
//!
//! r = amount/⌊cycle⌋, M = 7000 + 20r, R = Σ r over all repairers of one layer of one target
//! applied = amount/cycle · (1 − ((r + M)/(R + M) − 1)²)              docs/mechanics.md#repairs
//! Golden vectors: tests/golden/repair.csv
//!
//! A shield boost lands when its cycle begins, armour and hull repairs when it ends. R is kept per
//! target and layer, 8 bytes each; cost 3 divisions per cycle.

use crate::bound::{at_least_zero, larger, ratio, smaller};
use crate::damage::LayerKind;
use orrery_base::Tick;

/// What makes repairers resist each other, hit points per second.
const RESISTANCE_BASE: f64 = 7_000.0;
const RESISTANCE_PER_RATE: f64 = 20.0;

/// r, the rate that a repairer counts with: hit points per whole second of its cycle, of which
/// there is at least one.
#[must_use]
pub fn rate(amount: f64, cycle_s: f64) -> f64 {
    // `as` truncates towards zero and saturates.
    let whole = larger(1.0, smaller(at_least_zero(cycle_s), 1e9) as u32 as f64);
    at_least_zero(amount) / whole
}

/// The share of a repair that is applied, 0..=1, if repairers with a sum of `rates_sum` (own one
/// included) work at the same layer of the same target.
#[must_use]
pub fn applied_share(rate: f64, rates_sum: f64) -> f64 {
    let own = at_least_zero(rate);
    let all = larger(at_least_zero(rates_sum), own);
    let resistance = RESISTANCE_BASE + RESISTANCE_PER_RATE * own;
    let short = 1.0 - (own + resistance) / (all + resistance);
    1.0 - short * short
}

/// What a repairer applies per second.
#[must_use]
pub fn applied_per_s(amount: f64, cycle_s: f64, rates_sum: f64) -> f64 {
    ratio(amount, cycle_s) * applied_share(rate(amount, cycle_s), rates_sum)
}

/// What one cycle of a repairer applies, of which the target takes what it lacks.
#[must_use]
pub fn applied_per_cycle(amount: f64, cycle_s: f64, rates_sum: f64) -> f64 {
    at_least_zero(amount) * applied_share(rate(amount, cycle_s), rates_sum)
}

/// The beat in which a cycle's repair lands.
#[must_use]
pub const fn lands_at(layer: LayerKind, cycle_start: Tick, cycle_beats: u32) -> Tick {
    match layer {
        LayerKind::Shield => cycle_start,
        LayerKind::Armour | LayerKind::Hull => {
            Tick(cycle_start.0.saturating_add(cycle_beats as u64))
        }
    }
}

#[cfg(test)]
mod tests;
