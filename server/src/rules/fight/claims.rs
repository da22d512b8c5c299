//! What a grid tells the economy about value that was in a lost ship: rows of the beat in which
//! it happened ([`orrery_services::economy::Claim`]).
//!
//! A claim is named by grid, beat and wreck.

use orrery_base::{CharacterId, EntityId};
use orrery_kernel::rules::{BeatContext, Output, Write};
use orrery_services::economy::{Claim, ClaimId};

use super::super::Space;

/// A ship is no more: what was in it is burned, but for what its wreck keeps. `name` is the id of
/// the wreck, also where there is none.
pub(super) fn destroyed(
    beat: &BeatContext<'_, Space>,
    out: &mut Output<Space>,
    (character, ship): (CharacterId, EntityId),
    (wreck, name): (Option<EntityId>, EntityId),
) {
    if character == CharacterId::NONE {
        return;
    }
    let claim = Claim::Destroyed {
        character,
        ship,
        wreck,
        seed: beat.seed,
    };
    write(beat, out, (EntityId::NONE, name), &claim);
}

/// A wreck is gone: what nobody took from it is burned.
pub(super) fn abandoned(beat: &BeatContext<'_, Space>, out: &mut Output<Space>, wreck: EntityId) {
    write(beat, out, (wreck, wreck), &Claim::Abandoned { wreck });
}

fn write(
    beat: &BeatContext<'_, Space>,
    out: &mut Output<Space>,
    (source, name): (EntityId, EntityId),
    claim: &Claim,
) {
    let id = ClaimId {
        grid: beat.grid,
        tick: beat.tick,
        // The lower half of a spawned entity's id is its serial's: no two in a beat are equal.
        number: name.0 as u32,
    };
    let (domain, key, value) = claim.row(id);
    let (domain, value) = (domain as u8, Some(value));
    out.write(source, Write { domain, key, value });
}
