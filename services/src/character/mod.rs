//! The character: the stored row, and what a grid receives when the character enters it.
//!
//! One encoding serves both, because both are the same fact: who this is, which ship, in which
//! state, and where. Docked or in space, a character is on exactly one grid.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | [`CharacterRow`] | `Character` | character id, 8 bytes big-endian | version byte, rkyv |
//! | [`ShipOwner`] | `Ship` | entity id, 8 bytes big-endian | version byte, rkyv |
//!
//! **Invariants** (checked by `audit`)
//! - A ship belongs to at most one character; its [`ShipOwner`] row names that character.
//! - [`CharacterRow::version`] grows by one with every write of the row.
//! - Only two write a character's row: the accounts service, once, at creation, and afterwards
//!   the shard on whose grid the character is.
//!
//! Cost: about 100 bytes a row plus the name.

use orrery_base::{AccountId, CharacterId, EntityId, GridId, TypeId};

use crate::record::{self, RecordError};

/// Version byte of [`CharacterRow`].
const CHARACTER_VERSION: u8 = 1;
/// Version byte of [`ShipOwner`].
const SHIP_VERSION: u8 = 1;

/// State of an undamaged ship: shield, armour and hull full.
pub const VITALS_FULL: [u8; 3] = [255; 3];

/// A character as it is stored and as it travels between grids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CharacterRow {
    /// Who. Never zero, never reused.
    pub id: CharacterId,
    /// The account that owns the character.
    pub account: AccountId,
    /// The name, valid in the sense of `names`.
    pub name: String,
    /// The ship that the character sits in.
    pub ship: ShipRow,
    /// Where the ship is.
    pub location: Location,
    /// Number of this version of the row, from 1.
    pub version: u32,
}

/// The ship that a character sits in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShipRow {
    /// The ship's entity, from [`EntityId::minted`].
    pub entity: EntityId,
    /// The hull's type in the content pack.
    pub type_id: TypeId,
    /// Shield, armour and hull, each of 255 parts.
    pub vitals: [u8; 3],
}

/// Where a ship is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Location {
    /// Inside a station.
    Docked {
        /// The grid of the station.
        grid: GridId,
        /// The station's entity.
        station: EntityId,
    },
    /// Flying.
    InSpace {
        /// The grid.
        grid: GridId,
        /// Centimetres from the grid's origin.
        position_cm: [i32; 3],
        /// In the unit of `orrery_base::motion`: 2⁻¹⁴ cm per beat.
        velocity: [i32; 3],
    },
}

impl Location {
    /// The grid that has the character, docked or not.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        match self {
            Self::Docked { grid, .. } | Self::InSpace { grid, .. } => *grid,
        }
    }
}

/// Whose a ship is and what it is: the row whose existence is the ship's existence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShipOwner {
    /// The owner.
    pub character: CharacterId,
    /// The hull's type in the content pack.
    pub type_id: TypeId,
}

impl CharacterRow {
    /// The row's key in the domain `Character`.
    #[must_use]
    pub const fn key(id: CharacterId) -> [u8; 8] {
        id.0.to_be_bytes()
    }

    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        record::encode(CHARACTER_VERSION, &disk::Character::from(self))
    }

    /// Reads [`CharacterRow::encode`]'s bytes.
    ///
    /// # Errors
    /// [`RecordError`] when they are damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        record::decode::<disk::Character>(CHARACTER_VERSION, bytes).map(Self::from)
    }
}

impl ShipOwner {
    /// The row's key in the domain `Ship`.
    #[must_use]
    pub const fn key(ship: EntityId) -> [u8; 8] {
        ship.0.to_be_bytes()
    }

    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let row = disk::ShipOwner {
            character: self.character.0,
            type_id: self.type_id.0,
        };
        record::encode(SHIP_VERSION, &row)
    }

    /// Reads [`ShipOwner::encode`]'s bytes.
    ///
    /// # Errors
    /// [`RecordError`] when they are damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let row: disk::ShipOwner = record::decode(SHIP_VERSION, bytes)?;
        Ok(Self {
            character: CharacterId(row.character),
            type_id: TypeId(row.type_id),
        })
    }
}

/// The layout on disk. It has plain integers, so that it changes only when somebody changes it
/// here (with a new version byte), and not when a type above does.
mod disk {
    use rkyv::{Archive, Deserialize, Serialize};

    use super::{AccountId, CharacterId, CharacterRow, EntityId, GridId, ShipRow, TypeId};

    #[derive(Archive, Serialize, Deserialize)]
    pub(super) struct Character {
        id: u64,
        account: u64,
        name: String,
        ship: u64,
        ship_type: u32,
        vitals: [u8; 3],
        location: Location,
        version: u32,
    }

    #[derive(Archive, Serialize, Deserialize)]
    pub(super) enum Location {
        Docked {
            grid: u32,
            station: u64,
        },
        InSpace {
            grid: u32,
            position_cm: [i32; 3],
            velocity: [i32; 3],
        },
    }

    #[derive(Archive, Serialize, Deserialize)]
    pub(super) struct ShipOwner {
        pub(super) character: u64,
        pub(super) type_id: u32,
    }

    impl From<&CharacterRow> for Character {
        fn from(row: &CharacterRow) -> Self {
            Self {
                id: row.id.0,
                account: row.account.0,
                name: row.name.clone(),
                ship: row.ship.entity.0,
                ship_type: row.ship.type_id.0,
                vitals: row.ship.vitals,
                location: match row.location {
                    super::Location::Docked { grid, station } => Location::Docked {
                        grid: grid.0,
                        station: station.0,
                    },
                    super::Location::InSpace {
                        grid,
                        position_cm,
                        velocity,
                    } => Location::InSpace {
                        grid: grid.0,
                        position_cm,
                        velocity,
                    },
                },
                version: row.version,
            }
        }
    }

    impl From<Character> for CharacterRow {
        fn from(row: Character) -> Self {
            Self {
                id: CharacterId(row.id),
                account: AccountId(row.account),
                name: row.name,
                ship: ShipRow {
                    entity: EntityId(row.ship),
                    type_id: TypeId(row.ship_type),
                    vitals: row.vitals,
                },
                location: match row.location {
                    Location::Docked { grid, station } => super::Location::Docked {
                        grid: GridId(grid),
                        station: EntityId(station),
                    },
                    Location::InSpace {
                        grid,
                        position_cm,
                        velocity,
                    } => super::Location::InSpace {
                        grid: GridId(grid),
                        position_cm,
                        velocity,
                    },
                },
                version: row.version,
            }
        }
    }
}

#[cfg(test)]
mod tests;
