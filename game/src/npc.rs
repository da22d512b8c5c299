//! What pirates think: whom they notice and shoot, how they fly, when they flee, and how the bounty
//! for one is divided.
//!
//! noticed within an aggro radius ⚙; the target is who has the most weight: kind weight ⚙ (jammers
//! and repairers more) · (1 + damage share) · nearness; it is kept until another weighs ⚙ more
//! bounty: ⌊bounty · damage/Σ damage⌋ each, what rounding leaves to the largest
//!                                                                    docs/mechanics.md#pirates
//! Golden vectors: tests/golden/npc_bounty.csv
//!
//! The weights are our own. All results are independent of the order of rows: ties go to the
//! smaller id. Cost: one division per ship that is weighed.

use crate::bound::{at_least_zero, ratio, share};
use orrery_base::money::Money;
use orrery_base::{CharacterId, EntityId};

/// A ship as a pirate weighs it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Threat {
    /// Which one.
    pub id: EntityId,
    /// From hull to hull, metres.
    pub distance_m: f64,
    /// What its role weighs, ≥ 0: data; 1 for an ordinary ship.
    pub role_weight: f64,
    /// The share of the damage that this pirate (or its group) took from it lately, 0..=1.
    pub damage_share: f64,
}

/// How much a threat counts, ≥ 0; 0 beyond `aggro_radius_m`. At the edge of it half as much as
/// close by.
#[must_use]
pub fn weight(threat: &Threat, aggro_radius_m: f64) -> f64 {
    let distance = at_least_zero(threat.distance_m);
    let radius = at_least_zero(aggro_radius_m);
    if distance > radius {
        return 0.0;
    }
    let nearness = 1.0 - 0.5 * share(ratio(distance, radius));
    at_least_zero(threat.role_weight) * (1.0 + share(threat.damage_share)) * nearness
}

/// Whom to shoot. `current` is kept unless another weighs `switch_factor` (≥ 1) times as much;
/// `None` if nobody counts.
#[must_use]
pub fn choose(
    threats: impl IntoIterator<Item = Threat>,
    current: EntityId,
    aggro_radius_m: f64,
    switch_factor: f64,
) -> Option<EntityId> {
    let mut best: Option<(f64, EntityId)> = None;
    for threat in threats {
        let mut heavy = weight(&threat, aggro_radius_m);
        if heavy == 0.0 {
            continue;
        }
        if threat.id == current {
            heavy *= 1.0 + at_least_zero(switch_factor - 1.0);
        }
        // Heavier, or as heavy and the one that is kept, or as heavy with the smaller id.
        let is_better = best.is_none_or(|(most, id)| {
            heavy > most
                || heavy == most && id != current && (threat.id == current || threat.id < id)
        });
        if is_better {
            best = Some((heavy, threat.id));
        }
    }
    best.map(|(_, id)| id)
}

/// The radius to circle a target at, metres: the pirate's preference, but within what its weapons
/// reach, and not inside the target.
#[must_use]
pub fn orbit_m(preferred_m: f64, weapon_reach_m: f64, least_m: f64) -> f64 {
    let wanted = crate::bound::smaller(at_least_zero(preferred_m), at_least_zero(weapon_reach_m));
    crate::bound::larger(wanted, at_least_zero(least_m))
}

/// Whether it flees: it may, nothing holds its warp core, and its hull and armour together are
/// below a share of what they were.
#[must_use]
pub fn flees(may_flee: bool, is_warp_blocked: bool, left_share: f64, flee_below: f64) -> bool {
    may_flee && !is_warp_blocked && share(left_share) < flee_below
}

/// The part of a bounty that goes to who did `damage` of `damage_sum`: rounded down, so that the
/// parts never exceed it. The rest is [`leftover`].
#[must_use]
pub fn bounty_part(bounty: Money, damage: u64, damage_sum: u64) -> Money {
    if damage_sum == 0 || bounty.0 <= 0 {
        return Money::ZERO;
    }
    let damage = u128::from(damage.min(damage_sum));
    let cents = u128::from(bounty.0.unsigned_abs()) * damage / u128::from(damage_sum);
    // At most the bounty, which is an i64.
    Money(cents as i64)
}

/// What rounding leaves of a bounty (fewer cents than there are parts), and who gets it: whoever
/// did the most damage, of equal ones the smaller id. `None` if nobody did any: then the whole
/// bounty stays where it was.
#[must_use]
pub fn leftover(bounty: Money, damage: &[(CharacterId, u64)]) -> Option<(CharacterId, Money)> {
    let sum = damage_sum(damage);
    let most = damage
        .iter()
        .filter(|(_, done)| *done > 0)
        .max_by_key(|(id, done)| (*done, core::cmp::Reverse(*id)))?;
    let paid: i64 = damage
        .iter()
        .map(|(_, done)| bounty_part(bounty, *done, sum).0)
        .sum();
    Some((most.0, Money(bounty.0.max(0) - paid)))
}

/// The sum that parts are taken of; each character stands in the list once.
#[must_use]
pub fn damage_sum(damage: &[(CharacterId, u64)]) -> u64 {
    damage
        .iter()
        .fold(0, |sum: u64, (_, done)| sum.saturating_add(*done))
}

#[cfg(test)]
mod tests;
