//! What a grid has to tell the economy about value that was in a lost ship.
//!
//! Collected in a beat, in canonical order; the ship's own rows are written by [`super::death`].

use orrery_base::{CharacterId, EntityId};

/// A ship is no more: what was in it is burnt, but for what its wreck keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Destroyed {
    /// Who lost it.
    pub character: CharacterId,
    /// The ship.
    pub ship: EntityId,
    /// Its wreck.
    pub wreck: EntityId,
}

/// Puts a loss on this beat's list.
pub fn destroyed(
    list: &mut Vec<Destroyed>,
    character: CharacterId,
    ship: EntityId,
    wreck: EntityId,
) {
    list.push(Destroyed {
        character,
        ship,
        wreck,
    });
}
