//! What an audit found.

use core::fmt;

use orrery_base::value::ItemId;
use orrery_base::{AccountId, CharacterId, EntityId, GridId};

use crate::accounts::NameKind;
use crate::custody;
use crate::rows::RowError;

/// Most problems that a report lists; further ones are only counted.
pub const PROBLEMS_MAX: usize = 1_000;

/// What there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Accounts.
    pub accounts: u64,
    /// Characters.
    pub characters: u64,
    /// Characters inside a station.
    pub docked: u64,
    /// Ships.
    pub ships: u64,
    /// Names in the index.
    pub names: u64,
    /// Spent tokens that are remembered.
    pub tokens: u64,
    /// Star systems.
    pub systems: u64,
}

/// The result of an audit.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// What there is.
    pub counts: Counts,
    /// What custody found; its problems are among those here, too.
    pub custody: custody::audit::Report,
    /// What is wrong, in the order of the rows; at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// How many problems there are, listed or not.
    pub problems_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems_count == 0
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.problems_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            accounts,
            characters,
            docked,
            ships,
            names,
            tokens,
            systems,
        } = self.counts;
        writeln!(
            f,
            "{accounts} accounts, {characters} characters ({docked} docked), {ships} ships, \
             {names} names, {tokens} spent tokens, {systems} systems"
        )?;
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        let unlisted = self.problems_count - self.problems.len() as u64;
        if unlisted > 0 {
            writeln!(f, "and {unlisted} more problems")?;
        }
        write!(
            f,
            "{}",
            if self.is_sound() {
                "sound"
            } else {
                "NOT sound"
            }
        )
    }
}

/// One thing that does not fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// A row cannot be read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A row says another id than its key.
    #[error("{what} {id}: its row stands under another key")]
    KeyMismatch {
        /// Account, character or ship.
        what: &'static str,
        /// The id in the row.
        id: u64,
    },
    /// A name is not valid by the rules.
    #[error("{kind:?} {id}: its name {name:?} is not a valid name")]
    NameInvalid {
        /// Whose.
        kind: NameKind,
        /// The owner.
        id: u64,
        /// The name.
        name: String,
    },
    /// The index does not lead from a name to its owner.
    #[error("{kind:?} {id}: the index of names does not lead from {name:?} to it")]
    NameNotIndexed {
        /// Whose.
        kind: NameKind,
        /// The owner.
        id: u64,
        /// The name.
        name: String,
    },
    /// A name in the index has no owner.
    #[error("the name {name:?} leads to {kind:?} {id}, which does not have it")]
    NameStray {
        /// Whose.
        kind: NameKind,
        /// Where it leads.
        id: u64,
        /// The folded name.
        name: String,
    },
    /// A character's account does not exist.
    #[error("character {character}: its account {account} does not exist")]
    AccountMissing {
        /// The character.
        character: CharacterId,
        /// Its account.
        account: AccountId,
    },
    /// A character's account does not list it.
    #[error("character {character}: its account {account} does not list it")]
    NotListed {
        /// The character.
        character: CharacterId,
        /// Its account.
        account: AccountId,
    },
    /// An account lists a character that does not exist, is another's or is listed twice.
    #[error("account {account}: lists character {character}, which is not its own, or twice")]
    ListedWrongly {
        /// The account.
        account: AccountId,
        /// The character.
        character: CharacterId,
    },
    /// A character's ship does not exist, or its row says another owner or hull.
    #[error("character {character}: ship {ship} is missing, or another's, or another hull")]
    ShipWrong {
        /// The character.
        character: CharacterId,
        /// Its ship.
        ship: EntityId,
    },
    /// A ship is had by two characters.
    #[error("ship {ship}: had by characters {first} and {second}")]
    ShipTwice {
        /// The ship.
        ship: EntityId,
        /// One.
        first: CharacterId,
        /// The other.
        second: CharacterId,
    },
    /// A ship that no character has.
    #[error("ship {ship}: its owner, character {character}, does not have it")]
    ShipStray {
        /// The ship.
        ship: EntityId,
        /// Who should have it.
        character: CharacterId,
    },
    /// A ship's entity id is not a minted one.
    #[error("ship {0}: its id was never minted")]
    ShipNotMinted(EntityId),
    /// A character is where nothing is.
    #[error("character {character}: grid {grid}{} does not exist", match station {
        Some(station) => format!(" with station {station}"),
        None => String::new(),
    })]
    PlaceUnknown {
        /// The character.
        character: CharacterId,
        /// The grid.
        grid: GridId,
        /// The station, when docked.
        station: Option<EntityId>,
    },
    /// A counter would give out an id again.
    #[error("the counter of {what} stands at {next}, but {highest} is in use")]
    Counter {
        /// Of what.
        what: &'static str,
        /// The id that it would give next.
        next: u64,
        /// The highest id in use.
        highest: u64,
    },
    /// More or fewer ships than were minted.
    #[error("the faucets have minted {minted} ships, but there are {ships}")]
    ShipsNotConserved {
        /// By all faucets together.
        minted: u64,
        /// Rows.
        ships: u64,
    },
    /// Value was doubled, has vanished or is in no place.
    #[error("custody: {0}")]
    Custody(String),
    /// What custody has at a character's helm is not the ship that the character sits in.
    #[error("character {character}: custody has item {item} at the helm, but {why}")]
    Helm {
        /// The character.
        character: CharacterId,
        /// What is at the helm.
        item: ItemId,
        /// What the character's row says.
        why: String,
    },
    /// The galaxy is damaged.
    #[error("{0}")]
    Galaxy(String),
}
