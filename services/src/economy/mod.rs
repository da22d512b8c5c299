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
mod claims;
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
use crate::custody::{
    Account, AccountKind, EntryRef, Outcome, Parcel, PartitionIndex, Stored, read_account,
    read_head,
};
use crate::market::Order;
use crate::rows::RowError;

pub use birth::{partitions, put_partitions};
pub(crate) use claims::is_lost;
pub use claims::{Claim, ClaimId, Claimed};
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
    /// What a grid has claimed, for a home that is here.
    Claim(Claimed),
    /// An account that was asked for.
    Account(Read),
}

/// An account as it was read from the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// The account.
    pub stored: Stored,
    /// For a wallet: whose it is.
    pub owner: Owner,
    /// For a wallet: the character's orders.
    pub orders: Vec<Order>,
    /// For a wallet: the character's trades.
    pub trades: Vec<OwnTrade>,
}

/// Whose a wallet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// There is no such character.
    Nobody,
    /// A character who was given a start.
    Known,
    /// One who was not.
    Newcomer(Newcomer),
}

impl Read {
    /// Reads an account that a partition has asked for. May wait for the disk.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn from(
        rows: &impl StoredRows,
        rules: &Rules,
        partition: PartitionIndex,
        account: Account,
    ) -> Result<Self, RowError> {
        let stored = read_account(rows, partition, account)?;
        if account.kind != AccountKind::Wallet {
            return Ok(Self {
                stored,
                owner: Owner::Known,
                orders: Vec::new(),
                trades: Vec::new(),
            });
        }
        let character = CharacterId(account.owner);
        Ok(Self {
            stored,
            owner: Owner::read(rows, rules, partition, character)?,
            orders: own::read(rows, partition, character)?,
            trades: trades::read_own(rows, partition, character)?,
        })
    }
}

impl Owner {
    /// Whoever has a helm has been given a start; whoever has none was not, whatever else there is.
    fn read(
        rows: &impl StoredRows,
        rules: &Rules,
        partition: PartitionIndex,
        character: CharacterId,
    ) -> Result<Self, RowError> {
        let key = CharacterRow::key(character);
        let Some(row) = rows.get(Domain::Character, &key)? else {
            return Ok(Self::Nobody);
        };
        let row = CharacterRow::decode(&row)
            .map_err(|error| RowError::damaged(Domain::Character, &key, error))?;
        let (_, newest) = read_head(rows, partition, &Account::helm(character))?;
        if newest != EntryRef::NONE {
            return Ok(Self::Known);
        }
        Ok(Newcomer::of(&row, rules).map_or(Self::Known, Self::Newcomer))
    }
}

/// A character who is to be given a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newcomer {
    /// Who.
    pub character: CharacterId,
    /// Where the goods are left: where the character is docked, or the hub of the system.
    pub station: EntityId,
    /// The hull and the id of the ship that the character sits in, which has an owner by this.
    pub ship: (TypeId, ItemId),
}

impl Newcomer {
    /// None where there is no station in the galaxy, or no ship that could be an item.
    fn of(row: &CharacterRow, rules: &Rules) -> Option<Self> {
        let station = match row.location {
            Location::Docked { station, .. } => station,
            Location::InSpace { grid, .. } => rules.hub_near(grid)?,
        };
        let serial = row.ship.entity.minted_serial()?;
        Some(Self {
            character: row.id,
            station,
            ship: (row.ship.type_id, ItemId(serial)),
        })
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
