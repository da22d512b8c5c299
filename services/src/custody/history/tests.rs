//! Histories, page by page, also where something is wrong with them.

use orrery_base::CharacterId;
use orrery_base::money::Money;
use orrery_base::value::{OrderRange, ValueCommand};
use orrery_storage::{Batch, KeyRange};

use super::*;
use crate::economy::tests::town::{METAL, ORE, Town};
use crate::rows::MemoryRows;

const PARTITIONS: u16 = 8;

fn wallet(character: u64) -> Account {
    Account::wallet(CharacterId(character))
}

fn pay(to: u64, cents: i64, memo: &str) -> ValueCommand {
    ValueCommand::Pay {
        to: CharacterId(to),
        amount: Money(cents),
        memo: memo.into(),
    }
}

fn whole(rows: &MemoryRows, account: Account) -> Vec<Past> {
    let page = account_history(rows, PARTITIONS, account, EntryRef::NONE, 1_000).unwrap();
    assert_eq!((page.next, page.damage), (EntryRef::NONE, None));
    page.entries
}

fn whole_item(rows: &MemoryRows, item: ItemId) -> Vec<Past> {
    let page = item_history(rows, PARTITIONS, item, EntryRef::NONE, 1_000).unwrap();
    assert_eq!((page.next, page.damage), (EntryRef::NONE, None));
    page.entries
}

fn reasons(entries: &[Past]) -> Vec<TransferReason> {
    let known = |past: &Past| TransferReason::from_number(past.entry.reason).unwrap();
    entries.iter().map(known).collect()
}

#[test]
fn both_sides_of_a_payment_have_it_with_its_memo() {
    let mut town = Town::new(2, 2);
    town.ok(1, pay(2, 500, "for the ore"));
    let (gave, got) = (whole(&town.rows, wallet(1)), whole(&town.rows, wallet(2)));
    let expected = [TransferReason::PlayerPayment, TransferReason::StartingGrant];
    assert_eq!(reasons(&gave), expected);
    assert_eq!(reasons(&got), expected);
    assert_eq!(gave[0].memo, "for the ore");
    assert_eq!(got[0].memo, "for the ore");
    assert_eq!(gave[1].memo, "");
    assert_eq!(gave[0].entry.from_after, 100_000_000 - 500);
    assert_eq!(got[0].entry.to_after, 100_000_000 + 500);
    assert!(gave[0].at.tick() < got[0].at.tick());
    assert!(gave[0].time > gave[1].time);
}

#[test]
fn pages_are_the_whole_in_pieces() {
    let mut town = Town::new(1, 2);
    for cents in 1..=10 {
        town.ok(1, pay(2, cents, "again"));
    }
    let all = whole(&town.rows, wallet(1));
    assert_eq!(all.len(), 11);
    for limit in 1..=12 {
        let (mut pieces, mut before) = (Vec::new(), EntryRef::NONE);
        loop {
            let page = account_history(&town.rows, PARTITIONS, wallet(1), before, limit).unwrap();
            assert!(page.entries.len() <= limit);
            pieces.extend(page.entries);
            before = page.next;
            if !before.is_some() {
                break;
            }
        }
        assert_eq!(pieces, all, "pages of {limit}");
    }
}

#[test]
fn goods_are_followed_through_the_market() {
    let mut town = Town::new(3, 2);
    let item = town.item(1, METAL);
    let sell = ValueCommand::Sell {
        item,
        quantity: 500,
        price: Money(1_000),
        days: 7,
    };
    let buy = ValueCommand::Buy {
        type_id: METAL,
        quantity: 500,
        minimum: 1,
        price: Money(1_000),
        range: OrderRange::Region,
        days: 0,
    };
    town.ok(1, sell);
    town.ok(2, buy);
    let all = whole_item(&town.rows, item);
    assert_eq!(
        reasons(&all),
        [
            // Each that goes to another partition has left and arrived.
            TransferReason::MarketPurchase,
            TransferReason::MarketPurchase,
            TransferReason::MarketEscrow,
            TransferReason::MarketEscrow,
            TransferReason::StartingGrant,
        ]
    );
    let station = orrery_base::EntityId(1);
    assert_eq!(all[0].entry.to, Account::hangar(CharacterId(2), station));
    assert_eq!(all[3].entry.from, Account::hangar(CharacterId(1), station));
    assert_eq!(all[0].entry.from, all[2].entry.to);
    let page = item_history(&town.rows, PARTITIONS, item, all[1].at, 2).unwrap();
    assert_eq!(page.entries, all[2..4]);
    assert_eq!(page.next, all[3].at);
}

#[test]
fn a_stack_begins_where_it_was_split_off_and_ends_where_it_joined() {
    let mut town = Town::new(1, 1);
    let ore = town.item(1, ORE);
    let quantity = 400;
    let split = town
        .ok(
            1,
            ValueCommand::Split {
                item: ore,
                quantity,
            },
        )
        .item;
    let begun = whole_item(&town.rows, split);
    assert_eq!(reasons(&begun), [TransferReason::Split]);
    assert_eq!((begun[0].entry.item, begun[0].entry.onto), (ore, split));
    let source = whole_item(&town.rows, ore);
    assert_eq!(source[0], begun[0]);
    assert_eq!(
        reasons(&source),
        [TransferReason::Split, TransferReason::StartingGrant]
    );
    let (from, onto) = (split, ore);
    town.ok(1, ValueCommand::Stack { from, onto });
    let ended = whole_item(&town.rows, split);
    assert_eq!(
        reasons(&ended),
        [TransferReason::Stack, TransferReason::Split]
    );
    assert_eq!(whole_item(&town.rows, ore)[0], ended[0]);
    assert!(whole_item(&town.rows, ItemId(77)).is_empty());
}

#[test]
fn cursors_that_lead_elsewhere_give_nothing() {
    let mut town = Town::new(1, 2);
    town.ok(1, pay(2, 500, "secret"));
    let foreign = whole(&town.rows, wallet(1))[0].at;
    for rubbish in [foreign, EntryRef(1), EntryRef(u64::MAX), EntryRef(1 << 54)] {
        let page = account_history(&town.rows, PARTITIONS, wallet(2), rubbish, 10).unwrap();
        // What the other one wrote is in the other one's history, though it names this account.
        assert_eq!(page, Page::default(), "{rubbish}");
    }
}

/// The rows with a change of one row.
fn changed(rows: &MemoryRows, fill: impl FnOnce(&mut Batch)) -> MemoryRows {
    let mut batch = Batch::new();
    fill(&mut batch);
    let mut rows = rows.clone();
    rows.apply(&batch);
    rows
}

#[test]
fn damage_ends_a_history_and_is_named() {
    let mut town = Town::new(1, 2);
    for cents in 1..=3 {
        town.ok(1, pay(2, cents, ""));
    }
    let all = whole(&town.rows, wallet(1));
    let key = entry_key(all[1].at);
    let first = |rows: &MemoryRows| {
        let page = account_history(rows, PARTITIONS, wallet(1), EntryRef::NONE, 10).unwrap();
        assert_eq!(page.next, EntryRef::NONE);
        let damage = page.damage.expect("damage").to_string();
        (page.entries.len(), damage)
    };
    let gone = changed(&town.rows, |batch| batch.delete(Domain::Entry, key));
    let (readable, damage) = first(&gone);
    assert_eq!(readable, 1);
    assert!(damage.contains("there is no entry"), "{damage}");
    // An entry that names itself as the one before: the first of its last four words.
    let mut circle = town.rows.get(Domain::Entry, &key).unwrap().unwrap();
    let end = circle.len();
    circle[end - 32..end - 24].copy_from_slice(&all[1].at.0.to_le_bytes());
    let circle = changed(&town.rows, |batch| batch.put(Domain::Entry, key, circle));
    let (readable, damage) = first(&circle);
    assert_eq!(readable, 2);
    assert!(damage.contains("which cannot be"), "{damage}");
    // An entry of somebody else.
    let other = whole(&town.rows, wallet(2))[0].at;
    let mut strange = town.rows.get(Domain::Entry, &key).unwrap().unwrap();
    strange[end - 32..end - 24].copy_from_slice(&other.0.to_le_bytes());
    let strange = changed(&town.rows, |batch| batch.put(Domain::Entry, key, strange));
    assert_eq!(first(&strange).0, 2);
}

#[test]
fn rubbish_in_any_row_never_panics_and_always_ends() {
    let mut town = Town::new(1, 2);
    town.ok(1, pay(2, 500, "for the ore"));
    let item = town.item(1, ORE);
    let quantity = 10;
    town.ok(1, ValueCommand::Split { item, quantity });
    let hangar = Account::hangar(CharacterId(1), orrery_base::EntityId(1));
    for domain in [Domain::Entry, Domain::Item, Domain::Custody] {
        let all: Vec<_> = town.rows.range(domain, KeyRange::all()).flatten().collect();
        for row in all {
            for at in 0..row.value.len() {
                let mut value = row.value.clone();
                value[at] ^= 0x55;
                let rows = changed(&town.rows, |batch| batch.put(domain, &row.key, value));
                for account in [wallet(1), wallet(2), hangar] {
                    let _ = account_history(&rows, PARTITIONS, account, EntryRef::NONE, 100);
                }
                let _ = item_history(&rows, PARTITIONS, item, EntryRef::NONE, 100);
            }
        }
    }
}
