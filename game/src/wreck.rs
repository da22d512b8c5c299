//! Wrecks: what is left of a ship, for how long, and whose it is.
//!
//! every stack of a destroyed ship drops with a chance of ⚙ 50 %, alone  docs/mechanics.md#wrecks
//! a wreck lasts ⚙ 2 h; its owner's side and whoever killed the ship may take from it, others become
//! suspects, until it is abandoned
//!
//! The roll is keyed by the item, so it does not depend on the order of the hold. What does not
//! drop is destroyed, and the caller names it a sink. Cost: one block of Philox per stack.

use orrery_base::digest::Digest;
use orrery_base::rng::Rng;
use orrery_base::value::ItemId;
use orrery_base::{CharacterId, EntityId, Tick};

/// Purpose of the roll for a stack.
pub const PURPOSE_DROP: u32 = 0x6472_6f70;

/// Whether a stack of `ship`, destroyed in `tick`, is found in its wreck.
#[must_use]
pub fn drops(world_seed: u64, tick: Tick, ship: EntityId, item: ItemId, chance: f64) -> bool {
    let seed = Digest::new(world_seed).word(item.0).finish();
    Rng::new(seed, tick, ship, PURPOSE_DROP).unit_f64() < chance
}

/// Whether a wreck or can that came into being in `created` is gone in `tick`: its time is over,
/// or it may vanish when empty and is.
#[must_use]
pub const fn is_gone(
    created: Tick,
    tick: Tick,
    lifetime_beats: u64,
    is_empty: bool,
    vanishes_empty: bool,
) -> bool {
    (is_empty && vanishes_empty) || tick.since(created) >= lifetime_beats
}

/// Whose a wreck is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// Who lost the ship; [`CharacterId::NONE`] for a pirate's.
    pub owner: CharacterId,
    /// Who may take as if it were theirs: the killer of a pirate, else nobody.
    pub killer: CharacterId,
    /// Given up: everybody's.
    pub is_abandoned: bool,
}

/// Whether taking from it is lawful. `is_own_side`: the taker is in the fleet or corporation of
/// the owner or the killer.
#[must_use]
pub fn may_take(rights: &Rights, taker: CharacterId, is_own_side: bool) -> bool {
    let is_free = rights.owner == CharacterId::NONE && rights.killer == CharacterId::NONE;
    let is_theirs = taker != CharacterId::NONE && (taker == rights.owner || taker == rights.killer);
    rights.is_abandoned || is_free || is_theirs || is_own_side
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_stacks_drop_each_by_itself() {
        let drop = |item, ship| drops(6, Tick(44), EntityId(ship), ItemId(item), 0.5);
        let both = |a: bool, b: bool| u32::from(a && b);
        let (mut one, mut pairs) = (0, 0);
        for item in 0..20_000 {
            one += u32::from(drop(item, 1));
            pairs += both(drop(item, 1), drop(item + 1, 1));
        }
        // Six standard deviations: 71 and 61.
        assert!(one.abs_diff(10_000) < 424, "{one}");
        assert!(pairs.abs_diff(5_000) < 370, "{pairs}");
        let other = (0..64)
            .filter(|&item| drop(item, 1) != drop(item, 2))
            .count();
        assert!(other > 10, "another ship, another roll");
    }

    #[test]
    fn a_wreck_ends() {
        assert!(!is_gone(Tick(10), Tick(216_009), 216_000, true, false));
        assert!(is_gone(Tick(10), Tick(216_010), 216_000, false, true));
        assert!(is_gone(Tick(10), Tick(11), 216_000, true, true));
    }

    #[test]
    fn only_the_sides_may_take_until_it_is_abandoned() {
        let rights = Rights {
            owner: CharacterId(5),
            killer: CharacterId::NONE,
            is_abandoned: false,
        };
        assert!(may_take(&rights, CharacterId(5), false));
        assert!(!may_take(&rights, CharacterId(6), false));
        assert!(may_take(&rights, CharacterId(6), true));
        assert!(!may_take(&rights, CharacterId::NONE, false));
        let abandoned = Rights {
            is_abandoned: true,
            ..rights
        };
        assert!(may_take(&abandoned, CharacterId(6), false));
        let pirate = Rights {
            owner: CharacterId::NONE,
            killer: CharacterId(6),
            ..rights
        };
        assert!(may_take(&pirate, CharacterId(6), false));
        assert!(!may_take(&pirate, CharacterId(5), false));
        let nobody = Rights {
            killer: CharacterId::NONE,
            ..pirate
        };
        assert!(may_take(&nobody, CharacterId(5), false));
    }
}
