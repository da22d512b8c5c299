//! What can be done to accounts.

use orrery_base::{AccountId, CharacterId, EntityId};
use orrery_storage::{Domain, Rows};

use super::rows::{encode_counters, encode_minted, encode_name};
use super::state::{account, character, find_name};
use super::{
    AccountRow, Accounts, COUNTERS_KEY, CharacterRow, Faucet, HandleError, NameKind, Reject,
    ShipOwner, name_key,
};
use crate::Outbox;
use crate::character::{Location, ShipRow, VITALS_FULL};
use crate::names::Name;
use crate::passwords::Hash;
use crate::rows::RowError;
use crate::time::WallTime;

/// A change that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Make an account.
    SignUp {
        /// The name as typed.
        name: String,
        /// The hash of a password that was found good enough.
        password: Hash,
    },
    /// Replace a password's hash.
    ReplacePassword {
        /// Whose.
        account: AccountId,
        /// The new hash.
        password: Hash,
    },
    /// Make a character: docked at a starting station, in a new ship.
    CreateCharacter {
        /// Whose.
        account: AccountId,
        /// The name as typed.
        name: String,
    },
    /// Make an account without a password and a character of the same name, or find them: doing
    /// it twice is doing it once.
    Enrol {
        /// The name.
        name: String,
    },
}

/// What a command came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The account that it was about.
    pub account: AccountId,
    /// The character, for the commands that make one.
    pub character: Option<CharacterRow>,
}

impl Accounts {
    /// Carries out `command`; the rows to commit are added to `out`. `rows` has to show the
    /// writes of earlier commands.
    ///
    /// # Errors
    /// [`HandleError`], with the state and `out` unchanged.
    pub fn handle(
        &mut self,
        now: WallTime,
        rows: &impl Rows,
        command: &Command,
        out: &mut Outbox,
    ) -> Result<Reply, HandleError> {
        match command {
            Command::SignUp { name, password } => {
                let name = free_name(rows, NameKind::Account, name)?;
                let row = self.new_account(now, &name, Some(password.clone()), out);
                write_account(&row, out);
                self.write_counters(out);
                Ok(Reply {
                    account: row.id,
                    character: None,
                })
            }
            Command::ReplacePassword {
                account: id,
                password,
            } => {
                let mut row = account(rows, *id)?.ok_or(Reject::AccountUnknown)?;
                row.password = Some(password.clone());
                write_account(&row, out);
                Ok(Reply {
                    account: *id,
                    character: None,
                })
            }
            Command::CreateCharacter { account: id, name } => {
                let mut row = account(rows, *id)?.ok_or(Reject::AccountUnknown)?;
                if row.characters.len() >= self.limits.characters_max {
                    return Err(Reject::TooManyCharacters(row.characters.len()).into());
                }
                let name = free_name(rows, NameKind::Character, name)?;
                let character = self.new_character(&mut row, &name, out);
                write_account(&row, out);
                self.write_counters(out);
                Ok(Reply {
                    account: *id,
                    character: Some(character),
                })
            }
            Command::Enrol { name } => self.enrol(now, rows, name, out),
        }
    }

    fn enrol(
        &mut self,
        now: WallTime,
        rows: &impl Rows,
        name: &str,
        out: &mut Outbox,
    ) -> Result<Reply, HandleError> {
        let name = Name::parse(name).map_err(Reject::from)?;
        if let Some(id) = find_name(rows, NameKind::Account, &name.key())? {
            return enrolled(rows, AccountId(id));
        }
        if find_name(rows, NameKind::Character, &name.key())?.is_some() {
            return Err(Reject::NameTaken.into());
        }
        let mut row = self.new_account(now, &name, None, out);
        let character = self.new_character(&mut row, &name, out);
        write_account(&row, out);
        self.write_counters(out);
        Ok(Reply {
            account: row.id,
            character: Some(character),
        })
    }

    fn new_account(
        &mut self,
        now: WallTime,
        name: &Name,
        password: Option<Hash>,
        out: &mut Outbox,
    ) -> AccountRow {
        let id = AccountId(self.counters.account);
        self.counters.account += 1;
        out.writes.put(
            Domain::Name,
            name_key(NameKind::Account, &name.key()),
            encode_name(id.0),
        );
        AccountRow {
            id,
            name: name.as_str().to_owned(),
            password,
            created: now,
            characters: Vec::new(),
        }
    }

    fn new_character(
        &mut self,
        account: &mut AccountRow,
        name: &Name,
        out: &mut Outbox,
    ) -> CharacterRow {
        let id = CharacterId(self.counters.character);
        self.counters.character += 1;
        let ship = EntityId::minted(self.counters.ship);
        self.counters.ship += 1;
        self.starter_ships += 1;
        account.characters.push(id);
        // In turn by id, so that the choice needs no memory of its own.
        let turn = id.0 % self.start.stations.len() as u64;
        let at = self.start.stations[usize::try_from(turn).expect("less than a length")];
        let row = CharacterRow {
            id,
            account: account.id,
            name: name.as_str().to_owned(),
            ship: ShipRow {
                entity: ship,
                type_id: at.ship_type,
                vitals: VITALS_FULL,
            },
            location: Location::Docked {
                grid: at.grid,
                station: at.station,
            },
            version: 1,
        };
        let owner = ShipOwner {
            character: id,
            type_id: at.ship_type,
        };
        out.writes.put(
            Domain::Name,
            name_key(NameKind::Character, &name.key()),
            encode_name(id.0),
        );
        out.writes
            .put(Domain::Character, CharacterRow::key(id), row.encode());
        out.writes
            .put(Domain::Ship, ShipOwner::key(ship), owner.encode());
        let minted = encode_minted(self.starter_ships);
        out.writes
            .put(Domain::Meta, Faucet::StarterShip.key(), minted);
        row
    }

    fn write_counters(&self, out: &mut Outbox) {
        out.writes
            .put(Domain::Meta, COUNTERS_KEY, encode_counters(&self.counters));
    }
}

fn write_account(row: &AccountRow, out: &mut Outbox) {
    out.writes
        .put(Domain::Account, AccountRow::key(row.id), row.encode());
}

fn free_name(rows: &impl Rows, kind: NameKind, name: &str) -> Result<Name, HandleError> {
    let name = Name::parse(name).map_err(Reject::from)?;
    match find_name(rows, kind, &name.key())? {
        None => Ok(name),
        Some(_) => Err(Reject::NameTaken.into()),
    }
}

/// The operator's account of that name, with its character.
fn enrolled(rows: &impl Rows, id: AccountId) -> Result<Reply, HandleError> {
    let key = AccountRow::key(id);
    let row = account(rows, id)?.ok_or_else(|| RowError::missing(Domain::Account, &key))?;
    let (None, Some(&first)) = (&row.password, row.characters.first()) else {
        return Err(Reject::NotABot.into());
    };
    let key = CharacterRow::key(first);
    let character =
        character(rows, first)?.ok_or_else(|| RowError::missing(Domain::Character, &key))?;
    Ok(Reply {
        account: id,
        character: Some(character),
    })
}
