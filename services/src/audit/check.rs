//! The passes of an audit, each over the rows of one domain.

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::{AccountId, CharacterId, EntityId, GridId};
use orrery_storage::{Domain, KeyRange, ReadError, Row, Rows};

use super::{Problem, Report};
use crate::accounts::{
    AccountRow, COUNTERS_KEY, Counters, Faucet, NameKind, decode_counters, decode_minted,
    decode_name, name_key,
};
use crate::character::{CharacterRow, Location, ShipOwner};
use crate::names::Name;
use crate::record::RecordError;
use crate::rows::{RowError, fixed_key, hex};
use crate::tokens::decode_spent;

pub(super) struct Auditor<P> {
    is_place: P,
    pub(super) report: Report,
    /// Names of the index that no owner has claimed yet, by key.
    names: BTreeMap<Vec<u8>, u64>,
    /// Accounts and the characters that they list and that have not turned up yet.
    accounts: BTreeMap<AccountId, BTreeSet<CharacterId>>,
    /// Ships that no character has claimed yet.
    ships: BTreeMap<EntityId, ShipOwner>,
    claimed: BTreeMap<EntityId, CharacterId>,
    highest: Counters,
}

impl<P: Fn(GridId, Option<EntityId>) -> bool> Auditor<P> {
    pub(super) fn new(is_place: P) -> Self {
        Self {
            is_place,
            report: Report::default(),
            names: BTreeMap::new(),
            accounts: BTreeMap::new(),
            ships: BTreeMap::new(),
            claimed: BTreeMap::new(),
            highest: Counters {
                account: 0,
                character: 0,
                ship: 0,
            },
        }
    }

    pub(super) fn read_names(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        for row in rows.range(Domain::Name, KeyRange::all()) {
            let row = row?;
            self.report.counts.names += 1;
            if let Some(id) = self.decoded(Domain::Name, &row, decode_name) {
                self.names.insert(row.key, id);
            }
        }
        Ok(())
    }

    pub(super) fn read_accounts(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        for row in rows.range(Domain::Account, KeyRange::all()) {
            let row = row?;
            self.report.counts.accounts += 1;
            let Some(account) = self.decoded(Domain::Account, &row, AccountRow::decode) else {
                continue;
            };
            if row.key != AccountRow::key(account.id) {
                self.report.add(Problem::KeyMismatch {
                    what: "account",
                    id: account.id.0,
                });
            }
            self.highest.account = self.highest.account.max(account.id.0);
            self.claim_name(NameKind::Account, account.id.0, &account.name);
            let mut listed = BTreeSet::new();
            for character in account.characters {
                if !listed.insert(character) {
                    self.report.add(Problem::ListedWrongly {
                        account: account.id,
                        character,
                    });
                }
            }
            self.accounts.insert(account.id, listed);
        }
        Ok(())
    }

    pub(super) fn read_ships(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        for row in rows.range(Domain::Ship, KeyRange::all()) {
            let row = row?;
            self.report.counts.ships += 1;
            let Some(owner) = self.decoded(Domain::Ship, &row, ShipOwner::decode) else {
                continue;
            };
            let ship = match fixed_key(Domain::Ship, &row.key) {
                Ok(key) => EntityId(u64::from_be_bytes(key)),
                Err(error) => {
                    self.report.add(error.into());
                    continue;
                }
            };
            match ship.minted_serial() {
                Some(serial) => self.highest.ship = self.highest.ship.max(serial),
                // Pods and ships that are lent come into being on their grids.
                None if ship.is_some() && ship.object().is_none() => {}
                None => self.report.add(Problem::ShipNotMinted(ship)),
            }
            self.ships.insert(ship, owner);
        }
        Ok(())
    }

    pub(super) fn read_characters(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        for row in rows.range(Domain::Character, KeyRange::all()) {
            let row = row?;
            self.report.counts.characters += 1;
            let Some(character) = self.decoded(Domain::Character, &row, CharacterRow::decode)
            else {
                continue;
            };
            if row.key != CharacterRow::key(character.id) {
                self.report.add(Problem::KeyMismatch {
                    what: "character",
                    id: character.id.0,
                });
            }
            self.highest.character = self.highest.character.max(character.id.0);
            self.claim_name(NameKind::Character, character.id.0, &character.name);
            self.check_owner(&character);
            self.claim_ship(&character);
            self.check_place(&character);
        }
        Ok(())
    }

    pub(super) fn read_tokens(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        for row in rows.range(Domain::Token, KeyRange::all()) {
            let row = row?;
            self.report.counts.tokens += 1;
            if let Err(error) = fixed_key::<16>(Domain::Token, &row.key) {
                self.report.add(error.into());
            }
            self.decoded(Domain::Token, &row, decode_spent);
        }
        Ok(())
    }

    pub(super) fn check_counters(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        let next = self
            .meta(rows, COUNTERS_KEY, decode_counters)?
            .unwrap_or_default();
        for (what, next, highest) in [
            ("accounts", next.account, self.highest.account),
            ("characters", next.character, self.highest.character),
            ("ships", next.ship, self.highest.ship),
        ] {
            if next <= highest {
                self.report.add(Problem::Counter {
                    what,
                    next,
                    highest,
                });
            }
        }
        let mut minted = 0_u64;
        for faucet in Faucet::ALL {
            let count = self.meta(rows, &faucet.key(), decode_minted)?.unwrap_or(0);
            minted = minted.saturating_add(count);
        }
        let ships = self.report.counts.ships;
        if minted != ships {
            self.report
                .add(Problem::ShipsNotConserved { minted, ships });
        }
        Ok(())
    }

    /// Whatever was promised and has not turned up is a problem.
    pub(super) fn finish(mut self) -> Report {
        for (key, id) in core::mem::take(&mut self.names) {
            let kind = match key.first() {
                Some(&byte) if byte == NameKind::Account as u8 => NameKind::Account,
                _ => NameKind::Character,
            };
            let name = match core::str::from_utf8(key.get(1..).unwrap_or_default()) {
                Ok(name) => name.to_owned(),
                Err(_) => hex(&key),
            };
            self.report.add(Problem::NameStray { kind, id, name });
        }
        for (account, listed) in core::mem::take(&mut self.accounts) {
            for character in listed {
                self.report
                    .add(Problem::ListedWrongly { account, character });
            }
        }
        for (ship, owner) in core::mem::take(&mut self.ships) {
            self.report.add(Problem::ShipStray {
                ship,
                character: owner.character,
            });
        }
        self.report
    }

    fn claim_name(&mut self, kind: NameKind, id: u64, name: &str) {
        // Rules for new names may become stricter: an old name has to be its own normal form
        // and to be found, which is what log-in needs, and not to pass today's tables.
        if !Name::is_normal(name) {
            self.report.add(Problem::NameInvalid {
                kind,
                id,
                name: name.to_owned(),
            });
        }
        let key = name_key(kind, &crate::names::fold(name));
        match self.names.get(&key) {
            Some(&owner) if owner == id => {
                self.names.remove(&key);
            }
            _ => self.report.add(Problem::NameNotIndexed {
                kind,
                id,
                name: name.to_owned(),
            }),
        }
    }

    fn check_owner(&mut self, row: &CharacterRow) {
        let (character, account) = (row.id, row.account);
        match self.accounts.get_mut(&account) {
            None => self
                .report
                .add(Problem::AccountMissing { character, account }),
            Some(listed) => {
                if !listed.remove(&character) {
                    self.report.add(Problem::NotListed { character, account });
                }
            }
        }
    }

    fn claim_ship(&mut self, row: &CharacterRow) {
        let ship = row.ship.entity;
        if let Some(&first) = self.claimed.get(&ship) {
            self.report.add(Problem::ShipTwice {
                ship,
                first,
                second: row.id,
            });
            return;
        }
        self.claimed.insert(ship, row.id);
        let expected = ShipOwner {
            character: row.id,
            type_id: row.ship.type_id,
        };
        match self.ships.get(&ship) {
            Some(owner) if *owner == expected => {
                self.ships.remove(&ship);
            }
            _ => self.report.add(Problem::ShipWrong {
                character: row.id,
                ship,
            }),
        }
    }

    fn check_place(&mut self, row: &CharacterRow) {
        let grid = row.location.grid();
        let station = match row.location {
            Location::Docked { station, .. } => {
                self.report.counts.docked += 1;
                Some(station)
            }
            Location::InSpace { .. } => None,
        };
        if !(self.is_place)(grid, station) {
            self.report.add(Problem::PlaceUnknown {
                character: row.id,
                grid,
                station,
            });
        }
    }

    fn decoded<T>(
        &mut self,
        domain: Domain,
        row: &Row,
        decode: impl Fn(&[u8]) -> Result<T, RecordError>,
    ) -> Option<T> {
        decode(&row.value)
            .map_err(|error| {
                self.report
                    .add(RowError::damaged(domain, &row.key, error).into());
            })
            .ok()
    }

    fn meta<T>(
        &mut self,
        rows: &impl Rows,
        key: &[u8],
        decode: impl Fn(&[u8]) -> Result<T, RecordError>,
    ) -> Result<Option<T>, ReadError> {
        let Some(value) = rows.get(Domain::Meta, key)? else {
            return Ok(None);
        };
        Ok(self.decoded(
            Domain::Meta,
            &Row {
                key: key.to_vec(),
                value,
            },
            decode,
        ))
    }
}
