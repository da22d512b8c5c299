//! Each kind of damage is found, and a sound store has none.

use orrery_base::CharacterId;
use orrery_base::money::Money;
use orrery_base::value::ValueCommand;
use orrery_storage::Batch;

use super::super::rows::{encode_head, encode_place, encode_stack, head_key, stack_key};
use super::*;
use crate::custody::Stack;
use crate::economy::Shipment;
use crate::economy::tests::town::{METAL, Town};
use crate::rows::MemoryRows;

const PARTITIONS: u16 = 8;

fn report(rows: &MemoryRows) -> Report {
    let lots = |bytes: &[u8]| Shipment::decode(bytes).ok().map(|shipment| shipment.lots);
    audit(rows, PARTITIONS, lots).unwrap()
}

/// Two newcomers; what they have is at rest.
fn rows() -> MemoryRows {
    Town::new(1, 2).rows
}

/// Two newcomers; money is on its way from one to the other.
fn rows_in_flight() -> MemoryRows {
    let mut town = Town::new(1, 2);
    let pay = ValueCommand::Pay {
        to: CharacterId(2),
        amount: Money(500),
        memo: String::new(),
    };
    town.ask(1, pay);
    for _ in 0..10 {
        town.beat();
        if report(&town.rows).parcels == 1 {
            return town.rows;
        }
    }
    panic!("nothing was sent")
}

fn change(rows: &mut MemoryRows, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    fill(&mut batch);
    rows.apply(&batch);
}

fn put_head(rows: &mut MemoryRows, account: &Account, coins: u64, last: EntryRef) {
    let mut bytes = Vec::new();
    encode_head(coins, last, &mut bytes);
    let key = head_key(account.home(PARTITIONS), account);
    change(rows, |batch| batch.put(Domain::Custody, key, &bytes));
}

fn put_stack(rows: &mut MemoryRows, account: &Account, stack: &Stack) {
    let mut bytes = Vec::new();
    encode_stack(stack, &mut bytes);
    let key = stack_key(account.home(PARTITIONS), account, stack.id);
    change(rows, |batch| batch.put(Domain::Custody, key, &bytes));
}

fn head(rows: &MemoryRows, account: &Account) -> (u64, EntryRef) {
    crate::custody::read_head(rows, account.home(PARTITIONS), account).unwrap()
}

/// The metal of character 1, and where it is.
fn metal(rows: &MemoryRows) -> (Account, Stack) {
    let hangar = Account::hangar(CharacterId(1), orrery_base::EntityId(1));
    let home = hangar.home(PARTITIONS);
    let stored = crate::custody::read_account(rows, home, hangar).unwrap();
    let mut stacks = stored.stacks.into_iter();
    let found = stacks.find(|stack| stack.type_id == METAL);
    (hangar, found.unwrap())
}

/// Whether a problem of the report says all these.
#[track_caller]
fn assert_says(report: &Report, words: &[&str]) {
    let is_it = |problem: &&String| words.iter().all(|word| problem.contains(word));
    assert!(
        report.problems.iter().any(|problem| is_it(&problem)),
        "{words:?}: {:#?}",
        report.problems
    );
    assert_eq!(report.problem_count, report.problems.len() as u64);
    assert!(!report.is_sound());
}

#[test]
fn what_fits_is_sound_at_rest_and_in_flight() {
    let still = report(&rows());
    assert!(still.is_sound(), "{still:#?}");
    assert_eq!(still.parcels, 0);
    assert!(still.stacks >= 10 && still.accounts >= 6, "{still:#?}");
    let coins = still.sums[&Commodity::Coin];
    assert_eq!((coins.minted, coins.burned), (200_000_000, 0));
    assert_eq!((coins.held, coins.excess()), (200_000_000, 0));
    let flying = report(&rows_in_flight());
    assert!(flying.is_sound(), "{flying:#?}");
    let coins = flying.sums[&Commodity::Coin];
    assert_eq!((coins.held, coins.in_flight), (200_000_000 - 500, 500));
    assert!(report(&MemoryRows::default()).is_sound());
}

#[test]
fn a_doubled_stack_is_found() {
    let mut rows = rows();
    let (hangar, mut stack) = metal(&rows);
    let had = stack.quantity;
    stack.quantity *= 2;
    put_stack(&mut rows, &hangar, &stack);
    let report = report(&rows);
    let too_many = format!("{had} too many");
    assert_says(&report, &["units of type 11", &too_many]);
    let excess = report.sums[&Commodity::Type(METAL)].excess();
    assert_eq!(excess, i128::from(had));
}

#[test]
fn a_coin_that_has_vanished_is_found() {
    let mut rows = rows();
    let wallet = Account::wallet(CharacterId(2));
    let (coins, last) = head(&rows, &wallet);
    put_head(&mut rows, &wallet, coins - 1, last);
    let report = report(&rows);
    assert_says(&report, &["cents: -1 too many"]);
    assert_says(&report, &["wallet 2 holds", "its newest entry"]);
    assert_eq!(report.problem_count, 2);
}

#[test]
fn an_item_in_two_places_is_found() {
    let mut rows = rows();
    let (hangar, stack) = metal(&rows);
    let elsewhere = Account::hangar(CharacterId(1), orrery_base::EntityId(2));
    put_stack(&mut rows, &elsewhere, &stack);
    let item = format!("item {}", stack.id);
    let found = report(&rows);
    assert_says(&found, &[&item, "in hangar 1/1 and in hangar 1/2"]);
    // Moved by hand, it is in one place, which is not the one that its own row names.
    let key = stack_key(hangar.home(PARTITIONS), &hangar, stack.id);
    change(&mut rows, |batch| batch.delete(Domain::Custody, key));
    let found = report(&rows);
    assert_says(&found, &[&item, "its own row says: it is in hangar 1/1"]);
    assert_eq!(found.problem_count, 1, "{found:#?}");
}

#[test]
fn gaps_between_parcels_are_found() {
    let rows = rows_in_flight();
    let parcel = rows.prefix(Domain::Outbox, &[1]).next().unwrap().unwrap();
    let mut lost = rows.clone();
    change(&mut lost, |batch| {
        batch.delete(Domain::Outbox, &parcel.key);
    });
    let found = report(&lost);
    assert_says(&found, &["cents: -500 too many"]);
    assert_says(&found, &["of 1 parcels", "is 0"]);
    // The one before it is missing.
    let mut shifted = lost.clone();
    change(&mut shifted, |batch| {
        let mut key = parcel.key.clone();
        *key.last_mut().unwrap() += 1;
        batch.put(Domain::Outbox, key, &parcel.value);
    });
    assert_says(&report(&shifted), &["parcels before 2", "are missing"]);
    let mut damaged = rows;
    change(&mut damaged, |batch| {
        let half = &parcel.value[..parcel.value.len() / 2];
        batch.put(Domain::Outbox, &parcel.key, half);
    });
    assert_says(&report(&damaged), &["parcel 1 from", "is damaged"]);
}

#[test]
fn a_place_without_its_item_is_found() {
    let mut rows = rows();
    let item = ItemId::new(0, 1 << 40);
    let wallet = Account::wallet(CharacterId(1));
    let mut bytes = Vec::new();
    encode_place(Some(&wallet), EntryRef::NONE, &mut bytes);
    change(&mut rows, |batch| {
        batch.put(Domain::Item, item.0.to_be_bytes(), &bytes);
    });
    let found = report(&rows);
    let orphan = format!("item {item} should be in wallet 1 and is not");
    assert_eq!(found.problems, [orphan]);
    // The other way round: there is a thing, and it was never numbered.
    let (hangar, mut stack) = metal(&rows);
    stack.id = item;
    put_stack(&mut rows, &hangar, &stack);
    let never = format!("item {item} was never numbered");
    assert_says(&report(&rows), &[&never]);
}

#[test]
fn too_large_a_balance_is_found() {
    let mut rows = rows();
    let wallet = Account::wallet(CharacterId(1));
    let (_, last) = head(&rows, &wallet);
    put_head(&mut rows, &wallet, COINS_MAX + 1, last);
    assert_says(&report(&rows), &["wallet 1 holds too much"]);
    let (hangar, mut stack) = metal(&rows);
    stack.quantity = QUANTITY_MAX + 1;
    put_stack(&mut rows, &hangar, &stack);
    assert_says(&report(&rows), &["an impossible quantity"]);
}

#[test]
fn an_account_away_from_home_or_without_its_history_is_found() {
    let mut rows = rows();
    let wallet = Account::wallet(CharacterId(1));
    let (coins, last) = head(&rows, &wallet);
    let lots = |bytes: &[u8]| Shipment::decode(bytes).ok().map(|shipment| shipment.lots);
    let elsewhere = audit(&rows, PARTITIONS + 1, lots).unwrap();
    assert!(
        elsewhere
            .problems
            .iter()
            .any(|it| it.contains("not at home"))
    );
    put_head(&mut rows, &wallet, coins, EntryRef::NONE);
    assert_says(&report(&rows), &["wallet 1 holds money and has no history"]);
    put_head(&mut rows, &wallet, coins, EntryRef(last.0 + 1_000));
    assert_says(&report(&rows), &["wallet 1 has no entry"]);
}

#[test]
fn rubbish_in_any_row_never_panics() {
    let sound = rows_in_flight();
    for domain in [Domain::Custody, Domain::Item, Domain::Outbox, Domain::Entry] {
        let all: Vec<_> = sound.range(domain, KeyRange::all()).flatten().collect();
        for row in all {
            for damage in 0..4 {
                let (mut key, mut value) = (row.key.clone(), row.value.clone());
                let at = value.len() / 2;
                match damage {
                    0 => value.clear(),
                    1 => value.truncate(at),
                    2 => value.iter_mut().for_each(|byte| *byte = 0xff),
                    _ => key.push(7),
                }
                let mut rows = sound.clone();
                change(&mut rows, |batch| batch.put(domain, key, value));
                let _ = report(&rows);
            }
        }
    }
}
