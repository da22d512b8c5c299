//! Custody accounts: where a thing of value can be.

use orrery_base::value::{OrderId, TradeId};
use orrery_base::{CharacterId, EntityId};

use crate::market::RegionId;

/// One of the parts that all value is divided into: each is a state machine of its own, run by
/// one shard. How many there are is fixed when a store is born.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct PartitionIndex(pub u16);

/// Most partitions of a store: an [`super::EntryRef`] has ten bits for them.
pub const PARTITIONS_MAX: u16 = 1 << 10;

/// The kinds of account. The numbers are on disk and never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum AccountKind {
    /// A character's money. Owner: the character.
    Wallet = 1,
    /// What a character has in a station. Owner: the character; place: the station.
    Hangar = 2,
    /// The hold of a ship. Owner: the character who owns it; place: the ship's item.
    Cargo = 3,
    /// The ship that a character sits in. Owner: the character.
    Helm = 4,
    /// A container in space. Owner: its entity.
    Container = 5,
    /// A wreck. Owner: its entity.
    Wreck = 6,
    /// One side of a trade window. Owner: the trade; place: the character.
    Escrow = 7,
    /// What a market order holds. Owner: the region; place: the order.
    Market = 8,
    /// What a contract holds. Owner: the contract.
    Contract = 9,
    /// A corporation's division. Owner: the corporation; place: the division.
    Division = 10,
    /// Where value comes from. Owner: which faucet; place: the partition.
    Faucet = 0x70,
    /// Where value ends. Owner: which sink; place: the partition.
    Sink = 0x71,
}

impl AccountKind {
    /// Every kind, in order of number.
    pub const ALL: [Self; 12] = [
        Self::Wallet,
        Self::Hangar,
        Self::Cargo,
        Self::Helm,
        Self::Container,
        Self::Wreck,
        Self::Escrow,
        Self::Market,
        Self::Contract,
        Self::Division,
        Self::Faucet,
        Self::Sink,
    ];

    /// The kind of a number on disk.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == number)
    }

    /// The name that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Hangar => "hangar",
            Self::Cargo => "cargo",
            Self::Helm => "helm",
            Self::Container => "container",
            Self::Wreck => "wreck",
            Self::Escrow => "escrow",
            Self::Market => "market",
            Self::Contract => "contract",
            Self::Division => "division",
            Self::Faucet => "faucet",
            Self::Sink => "sink",
        }
    }
}

/// A custody account. Nothing has to be created: an account that never held anything is empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Account {
    /// What kind.
    pub kind: AccountKind,
    /// Whose: see [`AccountKind`].
    pub owner: u64,
    /// Where, or which of the owner's: see [`AccountKind`]. Zero for kinds that have one only.
    pub place: u64,
}

/// Bytes of [`Account::key`].
pub const ACCOUNT_KEY_BYTES: usize = 17;

impl Account {
    const fn new(kind: AccountKind, owner: u64, place: u64) -> Self {
        Self { kind, owner, place }
    }

    /// A character's money.
    #[must_use]
    pub const fn wallet(character: CharacterId) -> Self {
        Self::new(AccountKind::Wallet, character.0, 0)
    }

    /// What a character has in a station.
    #[must_use]
    pub const fn hangar(character: CharacterId, station: EntityId) -> Self {
        Self::new(AccountKind::Hangar, character.0, station.0)
    }

    /// The hold of a ship.
    #[must_use]
    pub const fn cargo(character: CharacterId, ship: EntityId) -> Self {
        Self::new(AccountKind::Cargo, character.0, ship.0)
    }

    /// The ship that a character sits in.
    #[must_use]
    pub const fn helm(character: CharacterId) -> Self {
        Self::new(AccountKind::Helm, character.0, 0)
    }

    /// One side of a trade.
    #[must_use]
    pub const fn escrow(trade: TradeId, character: CharacterId) -> Self {
        Self::new(AccountKind::Escrow, trade.0, character.0)
    }

    /// What a market order holds.
    #[must_use]
    pub const fn market(region: RegionId, order: OrderId) -> Self {
        Self::new(AccountKind::Market, region.0 as u64, order.0)
    }

    /// What is left of a ship.
    #[must_use]
    pub const fn wreck(wreck: EntityId) -> Self {
        Self::new(AccountKind::Wreck, wreck.0, 0)
    }

    /// Where value of one origin comes from, in one partition.
    #[must_use]
    pub const fn faucet(faucet: u32, partition: PartitionIndex) -> Self {
        Self::new(AccountKind::Faucet, faucet as u64, partition.0 as u64)
    }

    /// Where value of one destiny ends, in one partition.
    #[must_use]
    pub const fn sink(sink: u32, partition: PartitionIndex) -> Self {
        Self::new(AccountKind::Sink, sink as u64, partition.0 as u64)
    }

    /// Whether such an account ends when it is empty, and is never used again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            AccountKind::Market | AccountKind::Escrow | AccountKind::Container | AccountKind::Wreck
        )
    }

    /// Whether value comes into being or ends here, so that nothing is held.
    #[must_use]
    pub const fn is_boundary(&self) -> bool {
        matches!(self.kind, AccountKind::Faucet | AccountKind::Sink)
    }

    /// The partition that has the account, of `partitions`.
    ///
    /// # Panics
    /// When `partitions` is zero.
    #[must_use]
    pub const fn home(&self, partitions: u16) -> PartitionIndex {
        match self.kind {
            AccountKind::Faucet | AccountKind::Sink => PartitionIndex(self.place as u16),
            _ => home_of(self.owner, partitions),
        }
    }

    /// The account's part of a row's key: kind, owner, place, big endian.
    #[must_use]
    pub fn key(&self) -> [u8; ACCOUNT_KEY_BYTES] {
        let mut key = [0; ACCOUNT_KEY_BYTES];
        key[0] = self.kind as u8;
        key[1..9].copy_from_slice(&self.owner.to_be_bytes());
        key[9..].copy_from_slice(&self.place.to_be_bytes());
        key
    }

    /// Reads [`Account::key`].
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let key: &[u8; ACCOUNT_KEY_BYTES] = key.try_into().ok()?;
        let number = |range: core::ops::Range<usize>| {
            key[range]
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte))
        };
        Some(Self {
            kind: AccountKind::from_number(key[0])?,
            owner: number(1..9),
            place: number(9..17),
        })
    }
}

impl core::fmt::Display for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (kind, owner) = (self.kind.name(), self.owner);
        match self.place {
            0 => write!(f, "{kind} {owner}"),
            place => write!(f, "{kind} {owner}/{place}"),
        }
    }
}

/// The partition of everything that an owner has.
///
/// # Panics
/// When `partitions` is zero.
#[must_use]
pub const fn home_of(owner: u64, partitions: u16) -> PartitionIndex {
    // Fibonacci hashing: owners are numbered in turn, or are the same few numbers everywhere.
    let mixed = owner.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    PartitionIndex((mixed % partitions as u64) as u16)
}
