//! Blasts: bombs, smart bombs, single heavy strikes, and how damage jumps in a chain.
//!
//! bomb, heavy strike  factor = min(1, S/E_r)                         docs/mechanics.md#blasts
//! smart bomb          whole damage to every hull within its range of the bomber's hull
//! arc                 missile factor · (1 within range, 0 beyond), then to the nearest untouched
//! Golden vectors: tests/golden/blast.csv
//!
//! Cost: a division, or a comparison of integer squares. No memory.

use crate::bound::{ratio, smaller};
use orrery_base::{EntityId, math};

/// The share of its damage (or of its drain) that reaches a target of this signature, 0..=1.
#[must_use]
pub fn size_factor(signature_m: f64, resolution_m: f64) -> f64 {
    smaller(ratio(signature_m, resolution_m), 1.0)
}

/// Whether a hull is touched by a blast of this range around another hull: from hull to hull.
/// Exact, for all positions; radii and range are not negative.
#[must_use]
pub fn reaches(
    source_cm: [i32; 3],
    source_radius_cm: i32,
    range_cm: i32,
    target_cm: [i32; 3],
    target_radius_cm: i32,
) -> bool {
    let square = |x: i64| u128::from(x.unsigned_abs()) * u128::from(x.unsigned_abs());
    let [x, y, z] = math::difference(target_cm, source_cm).map(square);
    let reach = [source_radius_cm, range_cm, target_radius_cm]
        .into_iter()
        .map(|length| i64::from(length.max(0)))
        .sum();
    x + y + z <= square(reach)
}

/// A ship that an arc may jump to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Which one.
    pub id: EntityId,
    /// Its distance from where the arc is now, centimetres.
    pub distance_cm: i64,
    /// It was struck by this arc already.
    pub was_struck: bool,
}

/// Where an arc jumps next: the nearest that it has not struck within `jump_cm`; of equally near
/// ones the one with the smaller id. `None` ends it.
#[must_use]
pub fn next_of_arc(
    candidates: impl IntoIterator<Item = Candidate>,
    jump_cm: i64,
) -> Option<EntityId> {
    candidates
        .into_iter()
        .filter(|it| !it.was_struck && it.distance_cm <= jump_cm)
        .min_by_key(|it| (it.distance_cm, it.id))
        .map(|it| it.id)
}

#[cfg(test)]
mod tests;
