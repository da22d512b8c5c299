//! Mining: what a cycle brings, what it wastes, and how rocks grow again.
//!
//! units = ⌊yield · elapsed/cycle / unit volume⌋, no more than the rock and the hold have room for
//! residue: with a chance per cycle, units · multiplier more are lost from the rock
//! refill: a share of what is missing, once per period               docs/mechanics.md#mining
//! Golden vectors: tests/golden/mining.csv
//!
//! Volumes are litres, as in the content: all of it is exact integers, and ore is conserved.
//! Cost: one 128-bit division per cycle.

use crate::bound::{at_least_zero, share, smaller};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

/// Purpose of the roll for residue; the module's slot is added.
pub const PURPOSE_RESIDUE: u32 = 0x6d69_6e00;

/// A mining cycle at its end, or when it is broken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// What a whole cycle yields, litres.
    pub yield_l: u64,
    /// How long the module ran, beats.
    pub elapsed_beats: u32,
    /// How long a cycle is, beats, > 0.
    pub cycle_beats: u32,
    /// The volume of a unit of this ore, litres, > 0.
    pub unit_l: u64,
}

/// What came of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mined {
    /// Units that go to the hold.
    pub units: u64,
    /// Units that are lost.
    pub residue: u64,
    /// Units that the rock still has.
    pub left: u64,
    /// The hold took less than was mined: the module stops.
    pub is_full: bool,
}

/// Whole units that a cycle yields if the rock has them; a part of a cycle yields its part.
#[must_use]
pub fn units(cycle: &Cycle) -> u64 {
    let elapsed = u128::from(cycle.elapsed_beats.min(cycle.cycle_beats));
    let whole = u128::from(cycle.cycle_beats.max(1)) * u128::from(cycle.unit_l.max(1));
    (u128::from(cycle.yield_l) * elapsed / whole) as u64
}

/// Takes a cycle from a rock of `rock` units into a hold with `room_l` litres free. `waste` is the
/// residue multiplier if the roll came out against the miner, else 0.
#[must_use]
pub fn mine(cycle: &Cycle, rock: u64, room_l: u64, waste: f64) -> Mined {
    let room = room_l / cycle.unit_l.max(1);
    let wanted = units(cycle).min(rock);
    let units = wanted.min(room);
    let left = rock - units;
    // `as` truncates towards zero and saturates.
    let lost = units as f64 * at_least_zero(waste);
    let residue = (smaller(lost, 1e18) as u64).min(left);
    Mined {
        units,
        residue,
        left: left - residue,
        is_full: wanted > room,
    }
}

/// Whether a cycle of the miner's module in `slot` wastes: one draw.
#[must_use]
pub fn wastes(world_seed: u64, tick: Tick, miner: EntityId, slot: u8, chance: f64) -> bool {
    let purpose = PURPOSE_RESIDUE + u32::from(slot);
    Rng::new(world_seed, tick, miner, purpose).unit_f64() < chance
}

/// What a rock of `left` units has after a refill that puts back a share of what is missing to
/// `whole`, rounded up, so that it is whole again one day. Never less than before.
#[must_use]
pub fn refilled(left: u64, whole: u64, refill_share: f64) -> u64 {
    let missing = whole.saturating_sub(left);
    let refill = missing as f64 * share(refill_share);
    let units = refill as u64;
    let up = units + u64::from((units as f64) < refill);
    left + up.min(missing)
}

/// When a field that was emptied in `emptied` is there again (⚙ ice: 4 h).
#[must_use]
pub const fn respawns_at(emptied: Tick, respawn_beats: u64) -> Tick {
    Tick(emptied.0.saturating_add(respawn_beats))
}

#[cfg(test)]
mod tests;
