//! Claims: what a grid tells the economy about value, exactly once.
//!
//! Grids know what happens in space (a ship is lost, ore is mined, a pirate is killed), partitions
//! know who owns what. A grid **claims**: it writes a row in the batch of the beat in which the
//! thing happened. The shard hands the claim to the partition of its home, which carries it out in
//! a later beat and deletes the row in that beat's batch. After a restart every row that is left is
//! carried out. So a claim has its effect once, whatever happens in between, and whoever replays
//! the beats of a grid changes nothing.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | claim | `Outbox` | `4`, home, grid, beat, number | the claim's bytes |

use orrery_base::money::Money;
use orrery_base::value::ItemId;
use orrery_base::{CharacterId, EntityId, GridId, Tick, TypeId};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};
use orrery_storage::{Domain, Order, Rows};

use crate::custody::{Account, CLAIM, CLAIM_KEY_BYTES, claim_prefix, damaged_row};
use crate::rows::RowError;

const VERSION: u8 = 1;

/// Names a claim: no two have the same name, on any grid in any beat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClaimId {
    /// The grid that claims.
    pub grid: GridId,
    /// The beat of the host in which it does.
    pub tick: Tick,
    /// Which of that beat's, from zero, in the grid's canonical order.
    pub number: u32,
}

/// What has happened in space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// A character's ship is lost: the hull is burned; of what was in the hold some is in the wreck
    /// and the rest is burned.
    Destroyed {
        /// Whose.
        character: CharacterId,
        /// The ship. One without value of its own, such as a pod, has no item, and nothing of it
        /// is burned but what it carried.
        ship: EntityId,
        /// What is left of it; none where nothing is.
        wreck: Option<EntityId>,
        /// Seed of what drops.
        seed: u64,
    },
    /// Ore has come into a ship's hold. What has no room there is lost.
    Mined {
        /// Whose ship.
        character: CharacterId,
        /// The ship.
        ship: EntityId,
        /// Which ore.
        type_id: TypeId,
        /// Units, > 0.
        units: u64,
    },
    /// A bounty has been earned.
    Bounty {
        /// By whom.
        character: CharacterId,
        /// How much, > 0.
        amount: Money,
        /// What for: the entity that was killed.
        about: EntityId,
    },
    /// A wreck is gone: what nobody has taken from it is burned.
    Abandoned {
        /// The wreck.
        wreck: EntityId,
    },
}

impl Claim {
    /// The owner in whose partition the claim is carried out.
    #[must_use]
    pub const fn home(&self) -> u64 {
        match self {
            Self::Destroyed { character, .. }
            | Self::Mined { character, .. }
            | Self::Bounty { character, .. } => character.0,
            Self::Abandoned { wreck } => wreck.0,
        }
    }

    /// The accounts that it is about.
    pub(super) fn needs(&self) -> Vec<Account> {
        match *self {
            Self::Destroyed {
                character, ship, ..
            }
            | Self::Mined {
                character, ship, ..
            } => vec![Account::helm(character), Account::cargo(character, ship)],
            Self::Bounty { character, .. } => vec![Account::wallet(character)],
            Self::Abandoned { wreck } => vec![Account::wreck(wreck)],
        }
    }

    /// The row that a grid writes: its domain, key and value.
    #[must_use]
    pub fn row(&self, id: ClaimId) -> (Domain, Vec<u8>, Vec<u8>) {
        (Domain::Outbox, key(self.home(), id).to_vec(), self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        let numbers: &[u64] = match *self {
            Self::Destroyed {
                character,
                ship,
                wreck,
                seed,
            } => &[
                1,
                character.0,
                ship.0,
                wreck.map_or(0, |wreck| wreck.0),
                seed,
            ],
            Self::Mined {
                character,
                ship,
                type_id,
                units,
            } => &[2, character.0, ship.0, u64::from(type_id.0), units],
            Self::Bounty {
                character,
                amount,
                about,
            } => &[3, character.0, amount.0.cast_unsigned(), about.0],
            Self::Abandoned { wreck } => &[4, wreck.0],
        };
        for number in numbers {
            put_varint(&mut out, *number);
        }
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = FieldReader::new(bytes);
        match fields.u8()? {
            VERSION => {}
            version => return Err(FieldError::Range(version.into())),
        }
        let kind = fields.varint()?;
        let claim = match kind {
            1 => Self::Destroyed {
                character: CharacterId(fields.varint()?),
                ship: EntityId(fields.varint()?),
                wreck: Some(EntityId(fields.varint()?)).filter(|wreck| wreck.0 != 0),
                seed: fields.varint()?,
            },
            2 => Self::Mined {
                character: CharacterId(fields.varint()?),
                ship: EntityId(fields.varint()?),
                type_id: TypeId(fields.int()?),
                units: fields.varint()?,
            },
            3 => Self::Bounty {
                character: CharacterId(fields.varint()?),
                amount: Money(fields.varint()?.cast_signed()),
                about: EntityId(fields.varint()?),
            },
            4 => Self::Abandoned {
                wreck: EntityId(fields.varint()?),
            },
            other => return Err(FieldError::Range(other)),
        };
        if !fields.is_empty() {
            return Err(FieldError::Range(bytes.len() as u64));
        }
        Ok(claim)
    }
}

/// A claim that has been made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claimed {
    /// Its name.
    pub id: ClaimId,
    /// What it says.
    pub claim: Claim,
}

impl Claimed {
    /// Reads a row of the domain `Outbox`; none if it is no claim.
    ///
    /// # Errors
    /// [`RowError`] when it is one and is damaged.
    pub fn read(row_key: &[u8], value: &[u8]) -> Result<Option<Self>, RowError> {
        if row_key.first() != Some(&CLAIM) {
            return Ok(None);
        }
        let bad = |error| damaged_row(Domain::Outbox, row_key, error);
        let claim = Claim::decode(value).map_err(bad)?;
        let id = id_of(row_key).filter(|id| key(claim.home(), *id) == row_key);
        let id = id.ok_or_else(|| bad(FieldError::Range(row_key.len() as u64)))?;
        Ok(Some(Self { id, claim }))
    }

    /// The key of its row.
    #[must_use]
    pub(super) fn key(&self) -> [u8; CLAIM_KEY_BYTES] {
        key(self.claim.home(), self.id)
    }
}

/// Every claim that has not been carried out, in the order of their keys.
///
/// # Errors
/// [`RowError`] when the store is bad or a row is damaged.
pub(super) fn pending(rows: &impl Rows) -> Result<Vec<Claimed>, RowError> {
    let mut claims = Vec::new();
    for row in rows.scan(Domain::Outbox, claim_prefix(), Order::Ascending) {
        let row = row?;
        claims.extend(Claimed::read(&row.key, &row.value)?);
    }
    Ok(claims)
}

/// Whether a ship's loss is claimed and has not been carried out: its item is still in the helm,
/// and its pilot in a pod.
///
/// # Errors
/// [`RowError`] when the store is bad or a claim of this character is damaged.
pub(crate) fn is_lost(
    rows: &impl Rows,
    character: CharacterId,
    lost: EntityId,
) -> Result<bool, RowError> {
    let mut prefix = [CLAIM; 9];
    prefix[1..].copy_from_slice(&character.0.to_be_bytes());
    for row in rows.prefix(Domain::Outbox, &prefix) {
        let row = row?;
        let claimed = Claimed::read(&row.key, &row.value)?;
        if let Some(Claim::Destroyed { ship, .. }) = claimed.map(|it| it.claim)
            && ship == lost
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn key(home: u64, id: ClaimId) -> [u8; CLAIM_KEY_BYTES] {
    let mut key = [CLAIM; CLAIM_KEY_BYTES];
    key[1..9].copy_from_slice(&home.to_be_bytes());
    key[9..13].copy_from_slice(&id.grid.0.to_be_bytes());
    key[13..21].copy_from_slice(&id.tick.0.to_be_bytes());
    key[21..].copy_from_slice(&id.number.to_be_bytes());
    key
}

fn id_of(key: &[u8]) -> Option<ClaimId> {
    let key: &[u8; CLAIM_KEY_BYTES] = key.try_into().ok()?;
    let (grid, rest) = key[9..].split_first_chunk()?;
    let (tick, rest) = rest.split_first_chunk()?;
    Some(ClaimId {
        grid: GridId(u32::from_be_bytes(*grid)),
        tick: Tick(u64::from_be_bytes(*tick)),
        number: u32::from_be_bytes(rest.try_into().ok()?),
    })
}

/// The item that a ship is; none for one without value of its own.
pub(super) const fn item_of(ship: EntityId) -> Option<ItemId> {
    match ship.minted_serial() {
        Some(serial) => Some(ItemId(serial)),
        None => None,
    }
}
