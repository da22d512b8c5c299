//! Accounts and the characters that they own.
//!
//! *State*: [`Accounts`], only counters; the rows are in the store and are read when needed.
//! *Commands*: [`Command`]. *Queries*: [`Accounts::log_in`], [`Accounts::characters`],
//! [`Accounts::character_of`].
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | [`AccountRow`] | `Account` | account id, 8 bytes big-endian | version byte, rkyv |
//! | unique name | `Name` | [`NameKind`] byte, folded name | version byte, rkyv: id |
//! | [`CharacterRow`] | `Character` | see `character` | |
//! | [`ShipOwner`] | `Ship` | see `character` | |
//! | [`Counters`] | `Meta` | [`COUNTERS_KEY`] | version byte, rkyv |
//! | minted ships | `Meta` | [`Faucet::key`] | version byte, rkyv: count |
//!
//! **Invariants** (checked by `audit`)
//! - Ids start at 1 and are never reused: the counter that gave an id is stored in the batch
//!   that stores what the id names.
//! - Account names and character names are two name spaces; within each a name exists once.
//! - A character is in the list of its account and nowhere else; an account has at most
//!   [`Limits::characters_max`].
//! - Ships come into being through a named [`Faucet`] only, which counts them.
//! - An account without a password cannot be logged into; only the operator issues its tokens.
//!
//! A command reads rows that the commands before it wrote: the shell gives it the store with
//! everything that is on its way to the disk laid over it ([`crate::rows::Pending`]).

mod handle;
mod rows;
mod state;

use crate::names::NameError;
use crate::rows::RowError;

#[doc(inline)]
pub use crate::character::{CharacterRow, ShipOwner};
pub use handle::{Command, Reply};
pub use rows::{AccountRow, COUNTERS_KEY, Counters, Faucet, NameKind, name_key};
pub(crate) use rows::{decode_counters, decode_minted, decode_name};
pub use state::{Accounts, Limits, LogIn, Start, StartError, Station, character_named};

/// Why a command was refused: the player's mistake, the state is unchanged. `Display` is a
/// sentence for the player.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reject {
    /// The name breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Somebody has that name, or one that differs only in capitals and the like.
    #[error("This name is taken.")]
    NameTaken,
    /// The account has as many characters as it may have.
    #[error("This account has {0} characters, which is as many as an account may have.")]
    TooManyCharacters(usize),
    /// There is no such account.
    #[error("There is no such account.")]
    AccountUnknown,
    /// The account has no such character.
    #[error("You have no such character.")]
    CharacterUnknown,
    /// The operator named an account that belongs to a player.
    #[error("An account of this name belongs to a player.")]
    NotABot,
}

/// Why a command failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HandleError {
    /// The player's mistake.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// The store's fault.
    #[error(transparent)]
    Rows(#[from] RowError),
}

impl From<orrery_storage::ReadError> for HandleError {
    fn from(error: orrery_storage::ReadError) -> Self {
        Self::Rows(error.into())
    }
}

#[cfg(test)]
mod tests;
