//! The economy: what players do with things of value.
//!
//! Each partition of custody has a [`Partition`] here: its ledger, its market books and the work
//! that players ask for. A shard drives it once in a beat, with everything that has come for it:
//!
//! ```text
//! inputs:  commands of characters at home here · where these are docked · parcels of partitions
//!          accounts that were read
//! step     → rows (one batch of the beat) · parcels · answers · events · accounts to be read
//! ```
//!
//! A character's commands go to the character's partition. What needs another one (a payment, an
//! order in a region's market) leaves as a [`Shipment`] in the outbox, value and intention
//! together, and the answer comes back as one. Where both ends are the same partition it goes the
//! same way, so that nothing depends on how value is divided.
//!
//! **Invariants**
//! - A step is a function of the partition's state, the tick, the time and the inputs in their
//!   order: the number of shards changes nothing.
//! - Commands of one character, and parcels of one partition, are handled in the order in which
//!   they came, also when one has to wait for an account.
//! - An answer is for the beat in which it is given: the shell releases it when that is durable.

mod birth;
mod orders;
mod own;
mod partition;
pub mod query;
mod regions;
mod rules;
mod share;
mod shipment;
mod station;
mod trades;

use orrery_base::value::{ItemId, Place, RequestId, ValueCommand};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Batch, Domain, Rows as StoredRows};

use crate::character::{CharacterRow, Location};
use crate::custody::{Account, AccountKind, Outcome, Parcel, PartitionIndex, Stored, read_account};
use crate::market::Order;
use crate::rows::RowError;

pub use birth::{partitions, put_partitions};
pub use partition::Partition;
pub use regions::Regions;
pub use rules::{Goods, Rules, Taps};
pub use share::{Message, Share, ShareOutput};
pub use shipment::{Placing, Purpose, Shipment};
pub use trades::{Dealing, OwnTrade, Stage, Trade, TradeLimits, audit_trades};

/// Partitions of a galaxy: many more than shards, so that these share them out evenly.
pub const PARTITIONS: u16 = 32;

/// Where a docked character is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Desk {
    /// The station.
    pub station: EntityId,
    /// Its system.
    pub system: SystemId,
    /// The ship that the character sits in.
    pub ship: EntityId,
    /// Its hull.
    pub ship_type: TypeId,
}

impl Desk {
    /// The account of a place here.
    #[must_use]
    pub const fn account(&self, character: CharacterId, place: Place) -> Account {
        match place {
            Place::Hangar => Account::hangar(character, self.station),
            Place::Cargo => Account::cargo(character, self.ship),
        }
    }
}

/// A command that a character's client has sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Who.
    pub actor: CharacterId,
    /// Its identity.
    pub request: RequestId,
    /// Where the character is docked; none: in space.
    pub desk: Option<Desk>,
    /// What.
    pub command: ValueCommand,
}

/// What comes for a partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// A character who is at home here has logged in: the wallet will be needed.
    Arrival(CharacterId),
    /// Where a character who is at home here is docked, if it is connected and docked.
    Presence(CharacterId, Option<EntityId>),
    /// A command of a character who is at home here.
    Command(Command),
    /// A parcel of another partition, or of this one.
    Parcel(PartitionIndex, Parcel),
    /// A partition has everything up to this number.
    Acknowledged(PartitionIndex, u64),
    /// An account that was asked for.
    Account(Read),
}

/// An account as it was read from the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// The account.
    pub stored: Stored,
    /// For a wallet: its character, if there is one.
    pub owner: Option<Newcomer>,
    /// For a wallet: the character's orders.
    pub orders: Vec<Order>,
    /// For a wallet: the character's trades.
    pub trades: Vec<OwnTrade>,
}

impl Read {
    /// Reads an account that a partition has asked for. May wait for the disk.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn from(
        rows: &impl StoredRows,
        partition: PartitionIndex,
        account: Account,
    ) -> Result<Self, RowError> {
        let stored = read_account(rows, partition, account)?;
        if account.kind != AccountKind::Wallet {
            return Ok(Self {
                stored,
                owner: None,
                orders: Vec::new(),
                trades: Vec::new(),
            });
        }
        let owner = CharacterId(account.owner);
        let key = CharacterRow::key(owner);
        let row = match rows.get(Domain::Character, &key)? {
            None => None,
            Some(row) => Some(
                CharacterRow::decode(&row)
                    .map_err(|error| RowError::damaged(Domain::Character, &key, error))?,
            ),
        };
        Ok(Self {
            stored,
            owner: row.as_ref().map(Newcomer::of),
            orders: own::read(rows, partition, owner)?,
            trades: trades::read_own(rows, partition, owner)?,
        })
    }
}

/// What a character is given a start with, if the wallet never was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newcomer {
    /// Who.
    pub character: CharacterId,
    /// Where the goods are left: where the character is docked, or the hub of its system.
    pub station: EntityId,
    /// The hull and the id of the ship that the character sits in, which has an owner by this.
    pub ship: (TypeId, ItemId),
}

impl Newcomer {
    fn of(row: &CharacterRow) -> Self {
        let station = match row.location {
            Location::Docked { station, .. } => station,
            Location::InSpace { grid, .. } => EntityId(u64::from(grid.0)),
        };
        let serial = row.ship.entity.minted_serial().unwrap_or(0);
        Self {
            character: row.id,
            station,
            ship: (row.ship.type_id, ItemId(serial)),
        }
    }
}

/// What a step puts out.
#[derive(Debug, Default)]
pub struct Output {
    /// Rows, for the beat's commit.
    pub batch: Batch,
    /// Parcels to hand to their partitions, now.
    pub parcels: Vec<(PartitionIndex, Parcel)>,
    /// What was received, to tell its senders.
    pub acknowledgements: Vec<(PartitionIndex, u64)>,
    /// Answers, to be released when the beat is durable.
    pub answers: Vec<(CharacterId, RequestId, Outcome)>,
    /// What characters are to be told, when the beat is durable.
    pub events: Vec<(CharacterId, ServerMessage)>,
    /// Accounts that are to be read and given back as [`Input::Account`].
    pub loads: Vec<Account>,
}

#[cfg(test)]
pub(crate) mod tests;
