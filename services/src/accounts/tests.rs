use orrery_base::{AccountId, CharacterId, EntityId, GridId, TypeId};
use orrery_storage::Domain;
use proptest::prelude::*;

use super::*;
use crate::audit::audit_rows;
use crate::character::Location;
use crate::passwords::Hash;
use crate::rows::MemoryRows;
use crate::{Outbox, WallTime};

const NOW: WallTime = WallTime(1_000);

fn start() -> Start {
    Start {
        stations: vec![
            Station {
                grid: GridId(10),
                station: EntityId(100),
                ship_type: TypeId(5),
            },
            Station {
                grid: GridId(20),
                station: EntityId(200),
                ship_type: TypeId(5),
            },
        ],
    }
}

struct World {
    rows: MemoryRows,
    accounts: Accounts,
}

impl World {
    fn new() -> Self {
        let rows = MemoryRows::default();
        let accounts =
            Accounts::load(&rows, Limits::default(), start()).expect("an empty store is fine");
        Self { rows, accounts }
    }

    fn run(&mut self, command: &Command) -> Result<Reply, HandleError> {
        let before = self.accounts.clone();
        let mut out = Outbox::default();
        let result = self.accounts.handle(NOW, &self.rows, command, &mut out);
        if result.is_err() {
            assert_eq!(
                self.accounts, before,
                "a refusal leaves the state unchanged"
            );
            assert!(out.writes.is_empty(), "a refusal writes nothing");
        }
        self.rows.apply(&out.writes);
        result
    }

    fn sign_up(&mut self, name: &str) -> Result<AccountId, HandleError> {
        let password = Hash::from_stored(format!("hash of {name}"));
        self.run(&Command::SignUp {
            name: name.to_owned(),
            password,
        })
        .map(|reply| reply.account)
    }

    fn create(&mut self, account: AccountId, name: &str) -> Result<CharacterRow, HandleError> {
        let command = Command::CreateCharacter {
            account,
            name: name.to_owned(),
        };
        self.run(&command)
            .map(|reply| reply.character.expect("a character was made"))
    }
}

#[test]
fn an_account_is_found_by_its_name_in_any_case() {
    let mut world = World::new();
    let ada = world.sign_up("Ada Lovelace").expect("free");
    let found = world
        .accounts
        .log_in(&world.rows, " ADA lovelace ")
        .expect("readable");
    let found = found.expect("there");
    assert_eq!(found.account, ada);
    assert_eq!(found.password.as_str(), "hash of Ada Lovelace");
    assert_eq!(
        world.accounts.log_in(&world.rows, "Ada").expect("readable"),
        None
    );
    assert_eq!(
        world
            .accounts
            .log_in(&world.rows, &"x".repeat(9_999))
            .expect("readable"),
        None
    );
    assert_eq!(world.sign_up("ADA LOVELACE"), Err(Reject::NameTaken.into()));
    assert!(matches!(
        world.sign_up("x"),
        Err(HandleError::Reject(Reject::Name(_)))
    ));
}

#[test]
fn a_new_character_is_docked_in_a_starter_ship() {
    let mut world = World::new();
    let account = world.sign_up("Ada").expect("free");
    let first = world.create(account, "Captain Ada").expect("free");
    let second = world
        .create(account, "Ada")
        .expect("account names are another name space");
    assert_eq!(first.id, CharacterId(1));
    assert_eq!(first.ship.entity, EntityId::minted(1));
    assert_eq!(first.ship.type_id, TypeId(5));
    assert_eq!(first.version, 1);
    assert_eq!(
        first.location,
        Location::Docked {
            grid: GridId(20),
            station: EntityId(200)
        },
        "stations take turns"
    );
    assert_eq!(
        second.location,
        Location::Docked {
            grid: GridId(10),
            station: EntityId(100)
        }
    );
    assert_eq!(
        world.accounts.characters(&world.rows, account),
        Ok(vec![first, second])
    );
    assert_eq!(
        world.create(account, "captain ada"),
        Err(Reject::NameTaken.into())
    );
    world.create(account, "Third").expect("three are allowed");
    assert_eq!(
        world.create(account, "Fourth"),
        Err(Reject::TooManyCharacters(3).into())
    );
    assert_eq!(
        world.create(AccountId(99), "Nobody"),
        Err(Reject::AccountUnknown.into())
    );
}

#[test]
fn a_character_is_nobody_elses() {
    let mut world = World::new();
    let ada = world.sign_up("Ada").expect("free");
    let grace = world.sign_up("Grace").expect("free");
    let row = world.create(ada, "Captain Ada").expect("free");
    let accounts = &world.accounts;
    assert_eq!(
        accounts.character_of(&world.rows, ada, row.id),
        Ok(row.clone())
    );
    for (account, character) in [
        (grace, row.id),
        (ada, CharacterId(77)),
        (ada, CharacterId::NONE),
    ] {
        assert_eq!(
            accounts.character_of(&world.rows, account, character),
            Err(Reject::CharacterUnknown.into())
        );
    }
}

#[test]
fn enrolling_twice_is_enrolling_once() {
    let mut world = World::new();
    let command = Command::Enrol {
        name: "Bot 0001".to_owned(),
    };
    let first = world.run(&command).expect("free");
    assert_eq!(world.run(&command).expect("the same again"), first);
    assert_eq!(
        world
            .accounts
            .log_in(&world.rows, "Bot 0001")
            .expect("readable"),
        None
    );
    world.sign_up("Ada").expect("free");
    let players = Command::Enrol {
        name: "ada".to_owned(),
    };
    assert_eq!(world.run(&players), Err(Reject::NotABot.into()));
    let ada = world
        .accounts
        .log_in(&world.rows, "ada")
        .expect("readable")
        .expect("there")
        .account;
    world.create(ada, "Captain").expect("free");
    let character = Command::Enrol {
        name: "captain".to_owned(),
    };
    assert_eq!(world.run(&character), Err(Reject::NameTaken.into()));
}

#[test]
fn a_password_is_replaced() {
    let mut world = World::new();
    let account = world.sign_up("Ada").expect("free");
    let password = Hash::from_stored("a dearer hash".to_owned());
    world
        .run(&Command::ReplacePassword {
            account,
            password: password.clone(),
        })
        .expect("there");
    let found = world
        .accounts
        .log_in(&world.rows, "Ada")
        .expect("readable")
        .expect("there");
    assert_eq!(found.password, password);
}

#[test]
fn damage_is_reported_and_not_taken_for_absence() {
    let mut world = World::new();
    let account = world.sign_up("Ada").expect("free");
    let mut batch = orrery_storage::Batch::new();
    batch.put(Domain::Account, AccountRow::key(account), b"\x01rubbish");
    world.rows.apply(&batch);
    let error = world
        .accounts
        .log_in(&world.rows, "Ada")
        .expect_err("damaged");
    assert!(
        error
            .to_string()
            .starts_with("account row 0000000000000001: the row is damaged"),
        "{error}"
    );
    let mut batch = orrery_storage::Batch::new();
    batch.delete(Domain::Account, AccountRow::key(account));
    world.rows.apply(&batch);
    let error = world
        .accounts
        .log_in(&world.rows, "Ada")
        .expect_err("missing");
    assert_eq!(error.to_string(), "account row 0000000000000001 is missing");
}

#[test]
fn newcomers_need_a_station() {
    let start = Start {
        stations: Vec::new(),
    };
    let result = Accounts::load(&MemoryRows::default(), Limits::default(), start);
    assert_eq!(result, Err(StartError::NoStations));
}

proptest! {
    /// Whatever is asked for in whatever order, with restarts in between: the rows fit together
    /// and the restarted service is the one that was stopped.
    #[test]
    fn any_history_passes_the_audit(
        steps in proptest::collection::vec((0u8..5, 0u64..6, 0u8..12), 0..60),
    ) {
        let mut world = World::new();
        for (what, account, name) in steps {
            let name = format!("Name{}", char::from(b'A' + name));
            let account = AccountId(account);
            let password = Hash::from_stored("hash".to_owned());
            let command = match what {
                0 => Command::SignUp { name, password },
                1 | 2 => Command::CreateCharacter { account, name },
                3 => Command::Enrol { name },
                _ => {
                    let loaded = Accounts::load(&world.rows, Limits::default(), start())
                        .expect("readable");
                    prop_assert_eq!(&loaded, &world.accounts);
                    Command::ReplacePassword { account, password }
                }
            };
            if let Err(error) = world.run(&command) {
                prop_assert!(matches!(error, HandleError::Reject(_)), "{}", error);
            }
        }
        let report = audit_rows(&world.rows, |grid, station| {
            start().stations.iter().any(|at| at.grid == grid && Some(at.station) == station)
        }).expect("readable");
        prop_assert!(report.is_sound(), "{:?}", report.problems);
    }
}
