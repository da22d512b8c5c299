//! The kinds of rows. Each domain is one column family: its own memtable, files and options,
//! flushed together, so that a batch over several domains is atomic.
//!
//! The numbers and names are on disk, in the beat log too: they are never changed or reused.
//! Number 7 was the journal's, which is in the log itself now ([`crate::journal`]).

use core::fmt;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Domain {
    /// The store itself: schema, last beat, clean shutdown, the world's seed. See
    /// [`crate::meta`] for the reserved keys.
    Meta = 0,
    /// Accounts, by account id.
    Account = 1,
    /// Login and session tokens, by their digest.
    Token = 2,
    /// Characters, by character id.
    Character = 3,
    /// Unique names and what they belong to.
    Name = 4,
    /// Ships: existence, owner, docked or in space.
    Ship = 5,
    /// Star systems, their objects and connections.
    Galaxy = 6,
    /// State of each grid at some beats: see [`crate::checkpoint`].
    Checkpoint = 8,
    /// Custody accounts, by account: heads, balances, stacks.
    Custody = 9,
    /// Which account an item is in, or what became of it, by item id.
    Item = 10,
    /// The history of transfers and the answers to requests, by partition and beat: only ever
    /// appended.
    Entry = 11,
    /// What is on its way between partitions, and what has arrived.
    Outbox = 12,
    /// Market orders and the daily history of prices.
    Market = 13,
}

impl Domain {
    /// All domains in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Meta,
        Self::Account,
        Self::Token,
        Self::Character,
        Self::Name,
        Self::Ship,
        Self::Galaxy,
        Self::Checkpoint,
        Self::Custody,
        Self::Item,
        Self::Entry,
        Self::Outbox,
        Self::Market,
    ];

    /// The name on disk and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Account => "account",
            Self::Token => "token",
            Self::Character => "character",
            Self::Name => "name",
            Self::Ship => "ship",
            Self::Galaxy => "galaxy",
            Self::Checkpoint => "checkpoint",
            Self::Custody => "custody",
            Self::Item => "item",
            Self::Entry => "entry",
            Self::Outbox => "outbox",
            Self::Market => "market",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number that names no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no storage domain {0}")]
pub struct UnknownDomain(pub u8);

impl TryFrom<u8> for Domain {
    type Error = UnknownDomain;

    fn try_from(number: u8) -> Result<Self, UnknownDomain> {
        Self::ALL
            .into_iter()
            .find(|domain| *domain as u8 == number)
            .ok_or(UnknownDomain(number))
    }
}

impl From<Domain> for u8 {
    fn from(domain: Domain) -> Self {
        domain as Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_the_ones_on_disk() {
        let listed: Vec<(u8, &str)> = Domain::ALL
            .iter()
            .map(|d| (u8::from(*d), d.name()))
            .collect();
        let on_disk = [
            (0, "meta"),
            (1, "account"),
            (2, "token"),
            (3, "character"),
            (4, "name"),
            (5, "ship"),
            (6, "galaxy"),
            (8, "checkpoint"),
            (9, "custody"),
            (10, "item"),
            (11, "entry"),
            (12, "outbox"),
            (13, "market"),
        ];
        assert_eq!(listed, on_disk);
        for domain in Domain::ALL {
            assert_eq!(Domain::try_from(u8::from(domain)), Ok(domain));
        }
        for number in [7, 14, u8::MAX] {
            assert_eq!(Domain::try_from(number), Err(UnknownDomain(number)));
        }
    }
}
