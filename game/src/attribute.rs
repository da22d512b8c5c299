//! Attributes, and how modifiers change them.
//!
//! A value begins at what the content says (its base) and passes the same stages in the same
//! order, whatever the order in which modifiers were collected:
//!
//! ```text
//! assign → add → multiply and percent → stack, per penalty group → after_add → at_least → at_most
//! ```
//!
//! Multipliers of one penalty group that raise a value and those that lower it are penalised
//! apart; of each, the i-th strongest (from zero) counts with e^(−i²/7.1289):
//!
//! > Π (1 + (mᵢ − 1) · e^(−i²/7.1289))                       docs/mechanics.md#attributes
//!
//! Golden vectors: `tests/golden/stacking.csv`, `tests/golden/attributes.csv` (the numbers).
//!
//! **Invariant:** [`evaluate`] sorts before it computes, so that its result does not depend on
//! the order of its modifiers, to the bit; and it lies in the attribute's range, never NaN.

mod list;

pub use list::Attribute;

use orrery_base::math::exp;
use rkyv::{Archive, Deserialize, Serialize};

/// One value for every attribute, indexed by [`Attribute::number`].
pub type Values = [f64; Attribute::COUNT];

/// What a modifier does to a value, in the order in which that happens.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Replaces the base. Of several the largest counts.
    Assign,
    /// Adds to it.
    Add,
    /// Multiplies by the value.
    Multiply,
    /// Multiplies by 1 + value/100.
    Percent,
    /// Multiplies by 1 + value/100, penalised beside others of its [`Penalty`].
    Stack,
    /// Adds after everything was multiplied.
    AfterAdd,
    /// The result is no less than this.
    AtLeast,
    /// The result is no more than this.
    AtMost,
}

/// Which multipliers are penalised together. Groups do not know of each other.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Modules and rigs.
    #[default]
    Common,
    /// Damage controls and other modules that may be fitted once.
    Control,
    /// What others do to a ship.
    Remote,
}

/// A change of one value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Modifier {
    /// What it does.
    pub operation: Operation,
    /// Beside what it is penalised, if the operation is [`Operation::Stack`].
    pub penalty: Penalty,
    /// By how much, in the attribute's unit or in per cent.
    pub value: f64,
}

/// The share that the i-th strongest multiplier keeps: e^(−i²/7.1289).
#[must_use]
pub fn stacking_factor(index: usize) -> f64 {
    let i = index as f64;
    exp(-(i * i) / 7.1289)
}

/// The factors of the first multipliers, computed once; beyond these a multiplier counts less
/// than 10⁻¹³ of itself.
fn factors() -> &'static [f64; 16] {
    static FACTORS: std::sync::OnceLock<[f64; 16]> = std::sync::OnceLock::new();
    FACTORS.get_or_init(|| std::array::from_fn(stacking_factor))
}

/// The product of multipliers that are penalised together. Sorts the slice; the result does not
/// depend on the order in which it was.
#[must_use]
pub fn stacked(multipliers: &mut [f64]) -> f64 {
    multipliers.sort_unstable_by(|a, b| {
        let (da, db) = ((a - 1.0).abs(), (b - 1.0).abs());
        db.total_cmp(&da).then(a.total_cmp(b))
    });
    let (mut raised, mut lowered, mut product) = (0, 0, 1.0);
    for &mut multiplier in multipliers {
        let index = if multiplier > 1.0 {
            &mut raised
        } else {
            &mut lowered
        };
        let factor = factors().get(*index).copied().unwrap_or(0.0);
        *index += 1;
        product *= 1.0 + (multiplier - 1.0) * factor;
    }
    product
}

/// What is left of a multiplier on a target that lets so much of it through: (m − 1)·r + 1.
#[must_use]
pub fn resisted(multiplier: f64, resistance: f64) -> f64 {
    (multiplier - 1.0) * resistance + 1.0
}

/// A value to hundredths, halves away from zero.
#[must_use]
pub fn hundredths(value: f64) -> f64 {
    let scaled = value * 100.0;
    let whole = if scaled < 0.0 {
        (scaled - 0.5).ceil()
    } else {
        (scaled + 0.5).floor()
    };
    whole / 100.0
}

/// A derived value as an attribute may have it: rounded if it is one of those, and in its range.
/// What is not a number becomes the least value.
#[must_use]
pub fn settled(attribute: Attribute, value: f64) -> f64 {
    let (least, most) = attribute.range();
    let value = if attribute.is_rounded() {
        hundredths(value)
    } else {
        value
    };
    if value.is_nan() {
        least
    } else {
        value.clamp(least, most)
    }
}

/// A value after all of its modifiers. Sorts the slice; the result does not depend on the order
/// in which it was.
#[must_use]
pub fn evaluate(attribute: Attribute, base: f64, modifiers: &mut [Modifier]) -> f64 {
    settled(attribute, evaluate_row(base, modifiers))
}

/// The same for the value of a row, which has no range.
#[must_use]
pub fn evaluate_row(base: f64, modifiers: &mut [Modifier]) -> f64 {
    modifiers.sort_unstable_by(|a, b| {
        let key = |it: &Modifier| (it.operation, it.penalty);
        key(a).cmp(&key(b)).then(a.value.total_cmp(&b.value))
    });
    let mut value = base;
    let mut at = 0;
    while let Some(first) = modifiers.get(at) {
        let (operation, penalty) = (first.operation, first.penalty);
        let run = modifiers[at..]
            .iter()
            .take_while(|it| it.operation == operation && it.penalty == penalty)
            .count();
        value = apply(value, operation, &modifiers[at..at + run]);
        at += run;
    }
    value
}

/// Applies all modifiers of one operation and penalty group, ascending by value.
fn apply(value: f64, operation: Operation, run: &[Modifier]) -> f64 {
    match operation {
        Operation::Assign | Operation::AtLeast | Operation::AtMost => {
            run.iter().fold(value, |value, it| match operation {
                Operation::Assign => it.value,
                Operation::AtLeast => value.max(it.value),
                _ => value.min(it.value),
            })
        }
        Operation::Add | Operation::AfterAdd => run.iter().fold(value, |sum, it| sum + it.value),
        Operation::Multiply => run.iter().fold(value, |value, it| value * it.value),
        Operation::Percent => run
            .iter()
            .fold(value, |value, it| value * percent(it.value)),
        Operation::Stack => {
            let mut multipliers: Vec<f64> = run.iter().map(|it| percent(it.value)).collect();
            value * stacked(&mut multipliers)
        }
    }
}

/// The multiplier of a value in per cent.
#[must_use]
pub fn percent(value: f64) -> f64 {
    1.0 + value / 100.0
}

#[cfg(test)]
mod tests;
