//! Rows of the accounts service and their bytes.

use orrery_base::{AccountId, CharacterId};

use crate::passwords::Hash;
use crate::record::{self, RecordError};
use crate::time::WallTime;

/// Key of the counters in the domain `Meta`.
pub const COUNTERS_KEY: &[u8] = b"services/counters";

const ACCOUNT_VERSION: u8 = 1;
const NAME_VERSION: u8 = 1;
const COUNTERS_VERSION: u8 = 1;
const MINTED_VERSION: u8 = 1;

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// Who. Never zero, never reused.
    pub id: AccountId,
    /// The name to log in with, valid in the sense of `names`.
    pub name: String,
    /// The password's hash; without one nobody logs in.
    pub password: Option<Hash>,
    /// When the account was made.
    pub created: WallTime,
    /// Its characters, oldest first.
    pub characters: Vec<CharacterId>,
}

impl AccountRow {
    /// The row's key in the domain `Account`.
    #[must_use]
    pub const fn key(id: AccountId) -> [u8; 8] {
        id.0.to_be_bytes()
    }

    /// The row's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let row = disk::Account {
            id: self.id.0,
            name: self.name.clone(),
            password: self.password.as_ref().map(|hash| hash.as_str().to_owned()),
            created_ms: self.created.0,
            characters: self
                .characters
                .iter()
                .map(|character| character.0)
                .collect(),
        };
        record::encode(ACCOUNT_VERSION, &row)
    }

    /// Reads [`AccountRow::encode`]'s bytes.
    ///
    /// # Errors
    /// [`RecordError`] when they are damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let row: disk::Account = record::decode(ACCOUNT_VERSION, bytes)?;
        Ok(Self {
            id: AccountId(row.id),
            name: row.name,
            password: row.password.map(Hash::from_stored),
            created: WallTime(row.created_ms),
            characters: row.characters.into_iter().map(CharacterId).collect(),
        })
    }
}

/// The name spaces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum NameKind {
    /// Names to log in with: nobody else sees them.
    Account = b'a',
    /// Names of characters: everybody sees them.
    Character = b'c',
}

/// Key of a name in the domain `Name`; `folded` comes from `names`.
#[must_use]
pub fn name_key(kind: NameKind, folded: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + folded.len());
    key.push(kind as u8);
    key.extend_from_slice(folded.as_bytes());
    key
}

pub(crate) fn encode_name(id: u64) -> Vec<u8> {
    record::encode(NAME_VERSION, &id)
}

pub(crate) fn decode_name(bytes: &[u8]) -> Result<u64, RecordError> {
    record::decode(NAME_VERSION, bytes)
}

/// The ids that come next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counters {
    /// Next account.
    pub account: u64,
    /// Next character.
    pub character: u64,
    /// Next serial of a ship's entity.
    pub ship: u64,
}

impl Default for Counters {
    /// One: zero is nobody.
    fn default() -> Self {
        Self {
            account: 1,
            character: 1,
            ship: 1,
        }
    }
}

pub(crate) fn encode_counters(counters: &Counters) -> Vec<u8> {
    let row = disk::Counters {
        account: counters.account,
        character: counters.character,
        ship: counters.ship,
    };
    record::encode(COUNTERS_VERSION, &row)
}

pub(crate) fn decode_counters(bytes: &[u8]) -> Result<Counters, RecordError> {
    let row: disk::Counters = record::decode(COUNTERS_VERSION, bytes)?;
    Ok(Counters {
        account: row.account,
        character: row.character,
        ship: row.ship,
    })
}

/// Where ships come from. Everything that has value enters the world through a named faucet
/// that counts it, so that an audit can add up what there must be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Faucet {
    /// The ship that a new character gets.
    StarterShip,
}

impl Faucet {
    /// All faucets of ships.
    pub const ALL: [Self; 1] = [Self::StarterShip];

    /// The faucet's name in the store and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StarterShip => "starter-ship",
        }
    }

    /// Key of the count of minted ships in the domain `Meta`.
    #[must_use]
    pub fn key(self) -> Vec<u8> {
        format!("services/faucet/{}", self.name()).into_bytes()
    }
}

pub(crate) fn encode_minted(count: u64) -> Vec<u8> {
    record::encode(MINTED_VERSION, &count)
}

pub(crate) fn decode_minted(bytes: &[u8]) -> Result<u64, RecordError> {
    record::decode(MINTED_VERSION, bytes)
}

/// The layout on disk: changes only here, with a new version byte.
mod disk {
    use rkyv::{Archive, Deserialize, Serialize};

    #[derive(Archive, Serialize, Deserialize)]
    pub(super) struct Account {
        pub(super) id: u64,
        pub(super) name: String,
        pub(super) password: Option<String>,
        pub(super) created_ms: u64,
        pub(super) characters: Vec<u64>,
    }

    #[derive(Archive, Serialize, Deserialize)]
    pub(super) struct Counters {
        pub(super) account: u64,
        pub(super) character: u64,
        pub(super) ship: u64,
    }
}
