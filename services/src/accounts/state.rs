//! What the accounts service remembers, and what can be asked of it.

use orrery_base::{AccountId, CharacterId, EntityId, GridId, TypeId};
use orrery_storage::{Domain, Rows};

use super::{
    AccountRow, COUNTERS_KEY, CharacterRow, Counters, Faucet, HandleError, NameKind, Reject,
    decode_counters, decode_minted, decode_name, name_key,
};
use crate::names::{NAME_INPUT_BYTES_MAX, fold};
use crate::passwords::Hash;
use crate::rows::RowError;

/// What an account may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most characters of an account.
    pub characters_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { characters_max: 3 }
    }
}

/// A station in which new characters begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Station {
    /// The station's grid.
    pub grid: GridId,
    /// The station's entity.
    pub station: EntityId,
    /// The hull of the ship that waits there.
    pub ship_type: TypeId,
}

/// How a new character begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// Where: taken in turn, so that newcomers spread. Not empty.
    pub stations: Vec<Station>,
}

/// A service cannot start.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StartError {
    /// New characters would have nowhere to be.
    #[error("the list of starting stations is empty")]
    NoStations,
    /// The store is bad.
    #[error(transparent)]
    Rows(#[from] RowError),
}

/// The accounts service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accounts {
    pub(super) counters: Counters,
    /// Ships minted by [`Faucet::StarterShip`].
    pub(super) starter_ships: u64,
    pub(super) limits: Limits,
    pub(super) start: Start,
}

/// What is needed to judge a log-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogIn {
    /// The account of that name.
    pub account: AccountId,
    /// Its password's hash.
    pub password: Hash,
}

impl Accounts {
    /// Reads the counters from the store.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn load(rows: &impl Rows, limits: Limits, start: Start) -> Result<Self, StartError> {
        if start.stations.is_empty() {
            return Err(StartError::NoStations);
        }
        let counters = match rows
            .get(Domain::Meta, COUNTERS_KEY)
            .map_err(RowError::from)?
        {
            None => Counters::default(),
            Some(bytes) => decode_counters(&bytes)
                .map_err(|error| RowError::damaged(Domain::Meta, COUNTERS_KEY, error))?,
        };
        let faucet = Faucet::StarterShip.key();
        let starter_ships = match rows.get(Domain::Meta, &faucet).map_err(RowError::from)? {
            None => 0,
            Some(bytes) => decode_minted(&bytes)
                .map_err(|error| RowError::damaged(Domain::Meta, &faucet, error))?,
        };
        Ok(Self {
            counters,
            starter_ships,
            limits,
            start,
        })
    }

    /// The ids that come next.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What an account may have.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The account that somebody wants to log into, by the name as typed. `None` when there is
    /// no such account or it has no password; the caller must then do the same work as for a
    /// wrong password.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn log_in(&self, rows: &impl Rows, name: &str) -> Result<Option<LogIn>, RowError> {
        if name.len() > NAME_INPUT_BYTES_MAX {
            return Ok(None);
        }
        let Some(id) = find_name(rows, NameKind::Account, &fold(name))? else {
            return Ok(None);
        };
        let id = AccountId(id);
        let row = account(rows, id)?
            .ok_or_else(|| RowError::missing(Domain::Account, &AccountRow::key(id)))?;
        Ok(row.password.map(|password| LogIn {
            account: id,
            password,
        }))
    }

    /// The characters of an account, oldest first.
    ///
    /// # Errors
    /// [`Reject::AccountUnknown`], or [`RowError`] when the store is bad.
    pub fn characters(
        &self,
        rows: &impl Rows,
        id: AccountId,
    ) -> Result<Vec<CharacterRow>, HandleError> {
        let row = account(rows, id)?.ok_or(Reject::AccountUnknown)?;
        row.characters
            .iter()
            .map(|&id| {
                let missing = || RowError::missing(Domain::Character, &CharacterRow::key(id));
                Ok(character(rows, id)?.ok_or_else(missing)?)
            })
            .collect()
    }

    /// One character of an account.
    ///
    /// # Errors
    /// [`Reject::CharacterUnknown`] when it is not there or somebody else's: which of the two is
    /// nobody's business. [`RowError`] when the store is bad.
    pub fn character_of(
        &self,
        rows: &impl Rows,
        owner: AccountId,
        id: CharacterId,
    ) -> Result<CharacterRow, HandleError> {
        let row = character(rows, id)?.filter(|row| row.account == owner);
        Ok(row.ok_or(Reject::CharacterUnknown)?)
    }
}

pub(crate) fn account(rows: &impl Rows, id: AccountId) -> Result<Option<AccountRow>, RowError> {
    let key = AccountRow::key(id);
    let Some(bytes) = rows.get(Domain::Account, &key)? else {
        return Ok(None);
    };
    AccountRow::decode(&bytes)
        .map(Some)
        .map_err(|error| RowError::damaged(Domain::Account, &key, error))
}

pub(crate) fn character(
    rows: &impl Rows,
    id: CharacterId,
) -> Result<Option<CharacterRow>, RowError> {
    let key = CharacterRow::key(id);
    let Some(bytes) = rows.get(Domain::Character, &key)? else {
        return Ok(None);
    };
    CharacterRow::decode(&bytes)
        .map(Some)
        .map_err(|error| RowError::damaged(Domain::Character, &key, error))
}

/// The character with a name, however it is capitalised; none if there is no such character.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn character_named(rows: &impl Rows, name: &str) -> Result<Option<CharacterId>, RowError> {
    let found = find_name(rows, NameKind::Character, &crate::names::fold(name))?;
    Ok(found.map(CharacterId))
}

pub(crate) fn find_name(
    rows: &impl Rows,
    kind: NameKind,
    folded: &str,
) -> Result<Option<u64>, RowError> {
    let key = name_key(kind, folded);
    let Some(bytes) = rows.get(Domain::Name, &key)? else {
        return Ok(None);
    };
    decode_name(&bytes)
        .map(Some)
        .map_err(|error| RowError::damaged(Domain::Name, &key, error))
}
