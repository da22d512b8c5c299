//! What clients are shown of rows.

use orrery_base::EntityId;
use orrery_base::value::ValueCommand;
use orrery_storage::Batch;

use super::*;
use crate::WallTime;
use crate::economy::tests::town::{HULL, METAL, ORE, Town};
use crate::market::order::{DAY_MS, Fill};
use crate::rows::MemoryRows;

const PARTITIONS: u16 = 8;

struct Wallet {
    balance: Money,
    entries: Vec<JournalEntry>,
    next: u64,
}

fn wallet(
    town: &Town,
    character: u64,
    before: u64,
    limit: u8,
    reason: Option<TransferReason>,
) -> Wallet {
    let character = CharacterId(character);
    let view = wallet_view(&town.rows, PARTITIONS, character, before, limit, reason);
    let ValueView::Wallet {
        balance,
        entries,
        next,
    } = view.unwrap()
    else {
        panic!("another view")
    };
    Wallet {
        balance,
        entries,
        next,
    }
}

fn sell(item: ItemId, quantity: u64, price: i64) -> ValueCommand {
    ValueCommand::Sell {
        item,
        quantity,
        price: Money(price),
        days: 7,
    }
}

fn buy(type_id: TypeId, quantity: u64, price: i64) -> ValueCommand {
    ValueCommand::Buy {
        type_id,
        quantity,
        minimum: 2,
        price: Money(price),
        range: OrderRange::Jumps(5),
        days: 30,
    }
}

#[test]
fn a_journal_adds_up_to_the_balance() {
    let mut town = Town::new(2, 2);
    for cents in 1..=60 {
        let pay = ValueCommand::Pay {
            to: CharacterId(2),
            amount: Money(cents * 100),
            memo: format!("number {cents}"),
        };
        town.ask(1, pay);
    }
    town.rest();
    town.ok(1, sell(town.item(1, METAL), 100, 5_000));
    town.ok(2, buy(METAL, 100, 5_000));
    for character in [1, 2] {
        let newest = wallet(&town, character, 0, 0, None);
        assert_eq!(newest.balance, town.coins(character));
        assert_eq!(newest.entries.len(), JOURNAL_PAGE_MAX);
        let rest = wallet(&town, character, newest.next, 0, None);
        assert_eq!(rest.next, 0);
        let all: Vec<_> = newest.entries.iter().chain(&rest.entries).collect();
        let sum: i64 = all.iter().map(|entry| entry.amount.0).sum();
        assert_eq!(Money(sum), newest.balance);
        assert_eq!(all[0].balance, newest.balance);
        for pair in all.windows(2) {
            assert_eq!(pair[0].balance.0, pair[1].balance.0 + pair[0].amount.0);
            assert!(pair[0].entry > pair[1].entry, "cursors grow with time");
            assert!(pair[0].at_unix_ms >= pair[1].at_unix_ms);
        }
    }
    let sale = &wallet(&town, 1, 0, 1, None).entries[0];
    assert_eq!(sale.reason, Some(TransferReason::MarketSale));
    assert_eq!(sale.other, CharacterId(2));
    assert!(sale.reference != 0 && sale.memo.is_empty());
}

#[test]
fn a_journal_is_cut_and_filtered() {
    let mut town = Town::new(1, 2);
    for cents in 1..=5 {
        let pay = ValueCommand::Pay {
            to: CharacterId(2),
            amount: Money(cents),
            memo: format!("number {cents}"),
        };
        town.ok(1, pay);
    }
    let some = wallet(&town, 2, 0, 2, Some(TransferReason::PlayerPayment));
    let memos = |wallet: &Wallet| -> Vec<String> {
        let entries = wallet.entries.iter();
        entries.map(|entry| entry.memo.clone()).collect()
    };
    assert_eq!(memos(&some), ["number 5", "number 4"]);
    assert_eq!(some.entries[0].other, CharacterId(1));
    assert_eq!(
        (some.entries[0].reference, some.entries[0].amount),
        (0, Money(5))
    );
    let more = wallet(&town, 2, some.next, 50, Some(TransferReason::PlayerPayment));
    assert_eq!(memos(&more), ["number 3", "number 2", "number 1"]);
    assert_eq!(more.next, 0, "the grant was looked at, too");
    let grant = wallet(&town, 2, 0, 0, Some(TransferReason::StartingGrant));
    assert_eq!((grant.entries.len(), grant.next), (1, 0));
    assert_eq!(grant.entries[0].other, CharacterId::NONE);
    let nothing = wallet(&town, 2, u64::MAX, 0, None);
    assert_eq!((nothing.entries.len(), nothing.next), (0, 0));
    assert_eq!(wallet(&town, 99, 0, 0, None).balance, Money(0));
}

#[test]
fn an_inventory_comes_in_pages_by_id() {
    let mut town = Town::new(1, 1);
    town.is_audited = false;
    let item = town.item(1, ORE);
    for _ in 0..120 {
        town.ask(1, ValueCommand::Split { item, quantity: 1 });
    }
    town.rest();
    let ship = town.ok(
        1,
        ValueCommand::Assemble {
            item: town.item(1, HULL),
        },
    );
    let name = "Ümlaut".to_owned();
    let item = ship.item;
    town.ok(1, ValueCommand::Rename { item, name });
    let hangar = Account::hangar(CharacterId(1), EntityId(1));
    let (mut seen, mut after, mut pages) = (Vec::new(), ItemId::NONE, 0);
    loop {
        let view = inventory_view(&town.rows, PARTITIONS, hangar, after, Some(ship.item));
        let ValueView::Inventory { items, next } = view.unwrap() else {
            panic!("another view")
        };
        assert!(items.len() <= ITEMS_PAGE_MAX);
        seen.extend(items);
        (after, pages) = (next, pages + 1);
        if after == ItemId::NONE {
            break;
        }
    }
    assert_eq!(pages, 2);
    let ids: Vec<_> = seen.iter().map(|row| row.item).collect();
    let stored: Vec<_> = town.hangar(1, 1).iter().map(|stack| stack.id).collect();
    assert_eq!(ids, stored);
    let assembled: Vec<_> = seen.iter().filter(|row| row.is_assembled).collect();
    assert_eq!(assembled.len(), 1);
    assert_eq!(assembled[0].name, "Ümlaut");
    assert!(assembled[0].is_boarded && assembled[0].type_id == HULL);
    assert_eq!(seen.iter().filter(|row| row.is_boarded).count(), 1);
    let last = ItemId(u64::MAX);
    let view = inventory_view(&town.rows, PARTITIONS, hangar, last, None).unwrap();
    let nothing = ValueView::Inventory {
        items: Vec::new(),
        next: ItemId::NONE,
    };
    assert_eq!(view, nothing);
}

#[test]
fn own_orders_are_listed_with_what_is_left_of_them() {
    let mut town = Town::new(2, 2);
    let sold = town.ok(1, sell(town.item(1, METAL), 100, 5_000)).order;
    let wanted = town.ok(1, buy(ORE, 7, 100)).order;
    town.ok(2, buy(METAL, 40, 5_000));
    let orders = |after| {
        let view = orders_view(&town.rows, PARTITIONS, CharacterId(1), after);
        let ValueView::MyOrders { orders, next } = view.unwrap() else {
            panic!("another view")
        };
        assert_eq!(next, OrderId(0));
        orders
    };
    let all = orders(OrderId(0));
    let ids: Vec<_> = all.iter().map(|row| row.public.order).collect();
    assert_eq!(ids, [sold, wanted]);
    assert_eq!((all[0].public.quantity, all[0].initial), (60, 100));
    assert_eq!((all[0].is_buy, all[1].is_buy), (false, true));
    assert_eq!((all[0].public.minimum, all[1].public.minimum), (1, 2));
    assert_eq!(all[0].public.range, Some(OrderRange::Station));
    assert_eq!(all[1].public.range, Some(OrderRange::Jumps(5)));
    assert_eq!(all[1].public.price, Money(100));
    assert_eq!(orders(sold), all[1..]);
    assert!(orders(wanted).is_empty());
}

#[test]
fn prices_come_in_pages_newest_first() {
    let region = RegionId(3);
    let home = home_of(3, PARTITIONS).0;
    let mut candles = Candles::new(home, region);
    let mut rows = MemoryRows::default();
    for (day, type_id) in (1..=150_u32).map(|day| (day, ORE)).chain([(7, METAL)]) {
        let fill = Fill {
            price: Money(i64::from(day)),
            ..fill(type_id)
        };
        candles.record(WallTime(u64::from(day) * DAY_MS), &fill);
    }
    let mut batch = Batch::new();
    candles.write_changes(&mut batch);
    rows.apply(&batch);
    let page = |type_id, before| {
        let view = history_view(&rows, PARTITIONS, region, type_id, before).unwrap();
        let ValueView::History { candles, next, .. } = view else {
            panic!("another view")
        };
        let days: Vec<_> = candles.iter().map(|row| row.day).collect();
        (days, next, candles)
    };
    let (days, next, rows) = page(ORE, 0);
    assert_eq!(days, (51..=150).rev().collect::<Vec<_>>());
    assert_eq!(
        (rows[0].close, rows[0].volume, rows[0].trades),
        (Money(150), 2, 1)
    );
    assert_eq!(next, 51);
    let (days, next, _) = page(ORE, next);
    assert_eq!((days, next), ((1..=50).rev().collect(), 0));
    assert_eq!(page(METAL, 0).0, [7]);
    assert!(page(METAL, 7).0.is_empty() && page(HULL, 0).0.is_empty());
}

fn fill(type_id: TypeId) -> Fill {
    Fill {
        type_id,
        incoming: OrderId(1),
        resting: OrderId(2),
        incoming_side: Side::Buy,
        buyer: CharacterId(1),
        seller: CharacterId(2),
        quantity: 2,
        price: Money(1),
        buy_limit: Money(1),
        station: EntityId(1),
        resting_left: 0,
    }
}
