use orrery_base::value::{ItemId, TransferReason};
use orrery_base::{AccountId, CharacterId, ObjectId, Tick, TypeId};
use orrery_storage::{Batch, Domain, Rows as _};

use super::*;
use crate::accounts::{
    AccountRow, Accounts, COUNTERS_KEY, Command, Faucet, Limits, NameKind, Start, Station, name_key,
};
use crate::character::{CharacterRow, Location, ShipOwner};
use crate::custody::{self, Account, Cause, Minted, Stored};
use crate::economy;
use crate::passwords::Hash;
use crate::rows::MemoryRows;
use crate::{Outbox, WallTime};

const STATION: EntityId = EntityId::of_object(ObjectId(256 + 60));

/// A stored galaxy, two accounts, three characters.
fn world() -> MemoryRows {
    let mut rows = crate::galaxy::tests::stored();
    let start = Start {
        stations: vec![Station {
            grid: GridId(1),
            station: STATION,
            ship_type: TypeId(5),
        }],
    };
    let mut accounts = Accounts::load(&rows, Limits::default(), start).expect("readable");
    let password = || Hash::from_stored("hash".to_owned());
    for command in [
        Command::SignUp {
            name: "Ada".to_owned(),
            password: password(),
        },
        Command::SignUp {
            name: "Grace".to_owned(),
            password: password(),
        },
        Command::CreateCharacter {
            account: AccountId(1),
            name: "Captain Ada".to_owned(),
        },
        Command::CreateCharacter {
            account: AccountId(2),
            name: "Captain Grace".to_owned(),
        },
        Command::CreateCharacter {
            account: AccountId(2),
            name: "Hopper".to_owned(),
        },
    ] {
        let mut out = Outbox::default();
        accounts
            .handle(WallTime(1), &rows, &command, &mut out)
            .expect("valid");
        rows.apply(&out.writes);
    }
    rows
}

fn change(rows: &mut MemoryRows, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    fill(&mut batch);
    rows.apply(&batch);
}

fn change_character(rows: &mut MemoryRows, id: u64, alter: impl FnOnce(&mut CharacterRow)) {
    let key = CharacterRow::key(CharacterId(id));
    let bytes = rows
        .get(Domain::Character, &key)
        .expect("memory")
        .expect("there");
    let mut row = CharacterRow::decode(&bytes).expect("valid");
    alter(&mut row);
    change(rows, |batch| {
        batch.put(Domain::Character, key, row.encode());
    });
}

fn problems(rows: &MemoryRows) -> Vec<String> {
    let report = audit(rows).expect("memory");
    assert_eq!(report.problems_count, report.problems.len() as u64);
    report.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_world_is_sound() {
    let report = audit(&world()).expect("memory");
    assert!(report.is_sound(), "{report}");
    assert_eq!(
        report.counts,
        Counts {
            accounts: 2,
            characters: 3,
            docked: 3,
            ships: 3,
            names: 5,
            tokens: 0,
            systems: 3
        }
    );
    assert!(report.to_string().ends_with("\nsound"), "{report}");
    assert!(
        audit(&MemoryRows::default()).expect("memory").is_sound(),
        "so is an empty one"
    );
}

#[test]
fn a_doubled_ship_is_found() {
    let mut rows = world();
    let ship = EntityId::minted(1);
    change_character(&mut rows, 2, |row| row.ship.entity = ship);
    assert_eq!(
        problems(&rows),
        [
            format!("ship {ship}: had by characters 1 and 2"),
            format!(
                "ship {}: its owner, character 2, does not have it",
                EntityId::minted(2)
            ),
        ]
    );
}

#[test]
fn a_lost_ship_is_found() {
    let mut rows = world();
    let ship = EntityId::minted(1);
    change(&mut rows, |batch| {
        batch.delete(Domain::Ship, ShipOwner::key(ship));
    });
    assert_eq!(
        problems(&rows),
        [
            format!("character 1: ship {ship} is missing, or another's, or another hull"),
            "the faucets have minted 3 ships, but there are 2".to_owned(),
        ]
    );
}

#[test]
fn a_place_that_is_not_there_is_found() {
    let mut rows = world();
    change_character(&mut rows, 1, |row| {
        row.location = Location::Docked {
            grid: GridId(2),
            station: STATION,
        };
    });
    change_character(&mut rows, 2, |row| {
        row.location = Location::InSpace {
            grid: GridId(4),
            position_cm: [0; 3],
            velocity: [0; 3],
        };
    });
    change_character(&mut rows, 3, |row| {
        row.location = Location::InSpace {
            grid: GridId(3),
            position_cm: [0; 3],
            velocity: [0; 3],
        };
    });
    assert_eq!(
        problems(&rows),
        [
            format!("character 1: grid 2 with station {STATION} does not exist"),
            "character 2: grid 4 does not exist".to_owned(),
        ]
    );
}

#[test]
fn a_broken_index_of_names_is_found() {
    let mut rows = world();
    change(&mut rows, |batch| {
        batch.delete(Domain::Name, name_key(NameKind::Account, "ada"));
        batch.put(
            Domain::Name,
            name_key(NameKind::Character, "ghost"),
            crate::record::encode(1, &9_u64),
        );
    });
    assert_eq!(
        problems(&rows),
        [
            "Account 1: the index of names does not lead from \"Ada\" to it",
            "the name \"ghost\" leads to Character 9, which does not have it",
        ]
    );
}

#[test]
fn a_broken_bond_of_account_and_character_is_found() {
    let mut rows = world();
    change(&mut rows, |batch| {
        batch.delete(Domain::Account, AccountRow::key(AccountId(1)));
    });
    change_character(&mut rows, 3, |row| row.account = AccountId(1));
    let found = problems(&rows);
    assert!(
        found.contains(&"character 1: its account 1 does not exist".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"character 3: its account 1 does not exist".to_owned()),
        "{found:?}"
    );
    let listed = "account 2: lists character 3, which is not its own, or twice".to_owned();
    assert!(found.contains(&listed), "{found:?}");
}

#[test]
fn a_counter_that_fell_back_is_found() {
    let mut rows = world();
    change(&mut rows, |batch| {
        batch.delete(Domain::Meta, COUNTERS_KEY);
        batch.delete(Domain::Meta, Faucet::StarterShip.key());
    });
    assert_eq!(
        problems(&rows),
        [
            "the counter of accounts stands at 1, but 2 is in use",
            "the counter of characters stands at 1, but 3 is in use",
            "the counter of ships stands at 1, but 3 is in use",
            "the faucets have minted 0 ships, but there are 3",
        ]
    );
}

#[test]
fn damaged_rows_are_listed_and_bounded() {
    let mut rows = world();
    change(&mut rows, |batch| {
        for number in 0..1_500_u32 {
            batch.put(Domain::Token, number.to_be_bytes(), b"\x07");
        }
    });
    let report = audit(&rows).expect("memory");
    assert_eq!(report.problems.len(), PROBLEMS_MAX);
    assert_eq!(report.problems_count, 3_000);
    assert!(
        report
            .to_string()
            .contains("and 2000 more problems\nNOT sound"),
        "{report}"
    );
}

/// Gives a character something by custody.
fn give(rows: &mut MemoryRows, to: Account, minted: Minted) {
    let home = to.home(economy::PARTITIONS);
    let mut ledger = custody::load(rows, home).expect("readable");
    ledger.begin(Tick(1), WallTime(1));
    ledger.activate(Stored::empty(to));
    let cause = Cause {
        actor: CharacterId(to.owner),
        reason: TransferReason::StartingGrant,
        reference: 0,
    };
    let faucet = Account::faucet(1, home);
    ledger.mint(faucet, to, minted, cause).expect("possible");
    change(rows, |batch| ledger.write(batch));
}

#[test]
fn a_ship_at_the_helm_is_the_one_that_its_character_sits_in() {
    let helm = |character| Account::helm(CharacterId(character));
    let ship = |type_id, item| Minted::Ship(TypeId(type_id), ItemId(item));
    let found = |to, minted| {
        let mut rows = world();
        give(&mut rows, to, minted);
        problems(&rows)
    };
    // The others have never been given anything, and that is sound.
    assert!(found(helm(2), ship(5, 2)).is_empty());
    let first = EntityId::minted(1);
    assert_eq!(
        found(helm(1), ship(5, 2)),
        [format!(
            "character 1: custody has item 2 at the helm, but the character sits in ship {first}"
        )]
    );
    assert_eq!(
        found(helm(1), ship(6, 1)),
        [
            "character 1: custody has item 1 at the helm, but it has type 6, and the character's \
             ship has type 5"
        ]
    );
    assert_eq!(
        found(helm(9), ship(5, 1)),
        ["character 9: custody has item 1 at the helm, but there is no such character"]
    );
    let packed = found(helm(1), Minted::Units(TypeId(5), 1));
    assert!(
        packed[0].ends_with("that is no assembled ship"),
        "{packed:?}"
    );
}

#[test]
fn a_ship_whose_loss_is_on_its_way_is_still_at_the_helm() {
    use crate::economy::{Claim, ClaimId};

    let mut rows = world();
    let lost = ItemId(2);
    let at_the_helm = Minted::Ship(TypeId(5), lost);
    give(&mut rows, Account::helm(CharacterId(1)), at_the_helm);
    assert_eq!(problems(&rows).len(), 1);
    let claim = |character, ship| Claim::Destroyed {
        character: CharacterId(character),
        ship,
        wreck: None,
        seed: 1,
    };
    let id = ClaimId {
        grid: GridId(1),
        tick: Tick(1),
        number: 1,
    };
    // Somebody else's, and another ship's, say nothing of it.
    for claim in [claim(2, lost.entity()), claim(1, EntityId::minted(9))] {
        let (domain, key, value) = claim.row(id);
        change(&mut rows, |batch| batch.put(domain, &key, &value));
        assert_eq!(problems(&rows).len(), 1);
        change(&mut rows, |batch| batch.delete(domain, &key));
    }
    let (domain, key, value) = claim(1, lost.entity()).row(id);
    change(&mut rows, |batch| batch.put(domain, &key, &value));
    assert!(problems(&rows).is_empty());
}

#[test]
fn what_custody_finds_is_a_problem_of_the_store() {
    let mut rows = world();
    let wallet = Account::wallet(CharacterId(1));
    give(&mut rows, wallet, Minted::Coins(500));
    let report = audit(&rows).expect("memory");
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.custody.sums.len(), 1);
    let heads = rows.range(Domain::Custody, orrery_storage::KeyRange::all());
    let head = heads
        .flatten()
        .find(|row| row.key.len() == 2 + custody::ACCOUNT_KEY_BYTES);
    let head = head.expect("the wallet's");
    let mut elsewhere = rows.clone();
    change(&mut elsewhere, |batch| economy::put_partitions(batch, 4));
    assert_eq!(
        problems(&elsewhere),
        ["custody: wallet 1 is in partition 25, not at home"]
    );
    change(&mut rows, |batch| batch.delete(Domain::Custody, head.key));
    assert_eq!(problems(&rows), ["custody: cents: -500 too many"]);
    change(&mut rows, |batch| {
        batch.put(Domain::Meta, b"economy/partitions", b"?");
    });
    let found = problems(&rows);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("meta row"), "{found:?}");
}
