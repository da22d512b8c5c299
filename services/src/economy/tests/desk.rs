//! What is done at a desk: items, payments, orders.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, OrderId, OrderRange, Place, RequestId, ValueCommand};
use orrery_base::{CharacterId, TypeId};
use orrery_proto::message::ServerMessage;
use orrery_storage::{Domain, KeyRange, Order, Rows as _};

use super::town::{HULL, METAL, ORE, SECRET, Town, desk};
use crate::custody::{Account, AccountKind, home_of};
use crate::economy::{Command, own};

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
        minimum: 1,
        price: Money(price),
        range: OrderRange::Region,
        days: 7,
    }
}

fn pay(to: u64, cents: i64) -> ValueCommand {
    ValueCommand::Pay {
        to: CharacterId(to),
        amount: Money(cents),
        memo: "for the ore".into(),
    }
}

#[test]
fn newcomers_have_what_every_newcomer_has() {
    let town = Town::new(2, 3);
    for character in 1..=3 {
        assert_eq!(town.coins(character), Money(1_000_000_00));
        assert_eq!(town.units(character, 1, ORE), 1_000);
        assert_eq!(town.units(character, 1, HULL), 2);
    }
}

#[test]
fn stacks_are_split_stacked_moved_and_destroyed() {
    let mut town = Town::new(1, 1);
    let ore = town.item(1, ORE);
    let split = town.ok(
        1,
        ValueCommand::Split {
            item: ore,
            quantity: 400,
        },
    );
    assert_ne!(split.item, ore);
    assert_eq!(town.units(1, 1, ORE), 1_000);
    let move_some = |item, quantity, to| ValueCommand::Move { item, quantity, to };
    // The hold has 100 m³: 1,000 units of ore.
    let moved = town.ok(1, move_some(split.item, 300, Place::Cargo));
    assert_eq!(town.cargo(1)[0].quantity, 300);
    town.ok(1, move_some(moved.item, 300, Place::Hangar));
    assert!(town.cargo(1).is_empty());
    let back = town.hangar(1, 1);
    let of_ore: Vec<_> = back.iter().filter(|stack| stack.type_id == ORE).collect();
    assert_eq!(of_ore.len(), 2, "what comes back joins a stack: {of_ore:?}");
    let (from, onto) = (of_ore[0].id, of_ore[1].id);
    assert_eq!(town.ok(1, ValueCommand::Stack { from, onto }).item, onto);
    town.ok(
        1,
        ValueCommand::Trash {
            item: onto,
            quantity: 999,
        },
    );
    assert_eq!(town.units(1, 1, ORE), 1);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let mut town = Town::new(2, 2);
    let (ore, metal, hull) = (town.item(1, ORE), town.item(1, METAL), town.item(1, HULL));
    let theirs = town.item(2, ORE);
    let before = town.rows.clone();
    let split = |item, quantity| ValueCommand::Split { item, quantity };
    let cases = [
        (split(ItemId(99), 1), RejectCode::ItemUnknown),
        (split(theirs, 1), RejectCode::ItemUnknown),
        (split(ore, 0), RejectCode::QuantityInvalid),
        (split(ore, 1_000), RejectCode::QuantityInvalid),
        (split(ore, 1_001), RejectCode::NotEnoughItems),
        (
            ValueCommand::Stack {
                from: ore,
                onto: metal,
            },
            RejectCode::NotStackable,
        ),
        (
            ValueCommand::Stack {
                from: ore,
                onto: ore,
            },
            RejectCode::NotStackable,
        ),
        (
            ValueCommand::Move {
                item: hull,
                quantity: 2,
                to: Place::Cargo,
            },
            RejectCode::CargoFull,
        ),
        (
            ValueCommand::Repackage { item: hull },
            RejectCode::NotAssembled,
        ),
        (
            ValueCommand::Assemble { item: ore },
            RejectCode::NotAssemblable,
        ),
        (pay(1, 5), RejectCode::PartnerIsSelf),
        (pay(2, 0), RejectCode::QuantityInvalid),
        (pay(2, -5), RejectCode::QuantityInvalid),
        (pay(2, 1_000_000_01), RejectCode::NotEnoughMoney),
        (sell(ore, 1_001, 100), RejectCode::NotEnoughItems),
        (sell(ore, 1, 0), RejectCode::PriceInvalid),
        (sell(ore, 1, 12_345), RejectCode::PriceInvalid),
        (
            sell(town.item(1, SECRET), 1, 100),
            RejectCode::NotMarketable,
        ),
        (buy(TypeId(9_999), 1, 100), RejectCode::TypeUnknown),
        (buy(ORE, 1_000_000, 100_00), RejectCode::NotEnoughMoney),
        (
            ValueCommand::CancelOrder { order: OrderId(3) },
            RejectCode::OrderUnknown,
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(town.refused(1, command.clone()), expected, "{command:?}");
    }
    // Only the answers are remembered.
    let domains = [
        orrery_storage::Domain::Custody,
        orrery_storage::Domain::Item,
    ];
    for domain in domains {
        let rows = |rows: &crate::rows::MemoryRows| {
            use orrery_storage::Rows as _;
            let all = orrery_storage::KeyRange::all();
            rows.scan(domain, all, orrery_storage::Order::Ascending)
                .map(Result::unwrap)
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(&before), rows(&town.rows), "{domain}");
    }
}

#[test]
fn ships_are_unpacked_named_and_packed() {
    let mut town = Town::new(1, 1);
    let packed = town.item(1, HULL);
    let ship = town.ok(1, ValueCommand::Assemble { item: packed }).item;
    assert_ne!(ship, packed);
    let name = |name: &str| ValueCommand::Rename {
        item: ship,
        name: name.into(),
    };
    town.ok(1, name("Second Thought"));
    let stacks = town.hangar(1, 1);
    let found = stacks.iter().find(|stack| stack.id == ship).unwrap();
    assert_eq!(found.name.as_deref(), Some("Second Thought"));
    assert_eq!(
        town.refused(1, name(&"x".repeat(49))),
        RejectCode::TextInvalid
    );
    assert_eq!(town.refused(1, name("a\nb")), RejectCode::TextInvalid);
    assert_eq!(
        town.refused(1, sell(ship, 1, 100)),
        RejectCode::NotMarketable
    );
    town.ok(1, ValueCommand::Repackage { item: ship });
    town.ok(
        1,
        ValueCommand::Stack {
            from: ship,
            onto: packed,
        },
    );
    assert_eq!(town.hangar(1, 1).len(), 4);
}

#[test]
fn payments_arrive_or_come_back() {
    let mut town = Town::new(3, 4);
    assert_eq!(town.ok(1, pay(3, 250_00)).money, Money(250_00));
    assert_eq!(town.coins(1), Money(999_750_00));
    assert_eq!(town.coins(3), Money(1_000_250_00));
    let heard: Vec<_> = town.events.iter().map(|(who, _)| who.0).collect();
    assert_eq!(heard, [1, 3]);
    assert_eq!(town.refused(1, pay(77, 50)), RejectCode::CharacterUnknown);
    assert_eq!(town.coins(1), Money(999_750_00));
    assert_eq!(town.coins(77), Money::ZERO);
}

#[test]
fn goods_and_money_change_hands_on_the_market() {
    let mut town = Town::new(3, 4);
    let ore = town.item(1, ORE);
    let sold = town.ok(1, sell(ore, 600, 50_00));
    assert_ne!(sold.order, OrderId(0));
    // 3 % of 30,000.00.
    assert_eq!(sold.fees, Money(900_00));
    assert_eq!(town.units(1, 1, ORE), 400);
    // From two systems away, at a better price than asked: by the rule, at the buyer's price.
    let request = town.ask_at(2, 3, buy(ORE, 100, 55_00));
    town.rest();
    let bought = town.outcome(request).unwrap();
    assert_eq!((bought.quantity, bought.money), (100, Money(5_500_00)));
    assert_eq!(bought.order, OrderId(0), "nothing of it rests");
    assert_eq!(
        town.units(2, 1, ORE),
        1_100,
        "delivered where the goods are"
    );
    assert_eq!(town.coins(2), Money(1_000_000_00 - 5_500_00));
    // 8 % tax.
    assert_eq!(town.coins(1), Money(1_000_000_00 - 900_00 + 5_060_00));
    assert!(town.events.iter().any(|(who, event)| who.0 == 1
        && matches!(
            event,
            ServerMessage::OrderFilled {
                quantity: 100,
                left: 500,
                ..
            }
        )));
    let back = town.ok(1, ValueCommand::CancelOrder { order: sold.order });
    assert_eq!(back.quantity, 500);
    assert_eq!(town.units(1, 1, ORE), 900);
    assert_eq!(
        town.refused(1, ValueCommand::CancelOrder { order: sold.order }),
        RejectCode::OrderUnknown
    );
}

#[test]
fn buy_orders_hold_money_and_give_it_back() {
    let mut town = Town::new(2, 3);
    let resting = town.ok(1, buy(METAL, 200, 10_00));
    assert_eq!(resting.fees, Money(100_00), "the least fee");
    assert_eq!(town.coins(1), Money(1_000_000_00 - 2_000_00 - 100_00));
    // The seller asks for less and gets that: the rest goes back to the buyer.
    let metal = town.item(3, METAL);
    let sold = town.ok(3, sell(metal, 50, 8_00));
    assert_eq!((sold.quantity, sold.money), (50, Money(400_00)));
    assert_eq!(sold.order, OrderId(0));
    assert_eq!(town.units(1, 1, METAL), 550);
    assert_eq!(
        town.coins(1),
        Money(1_000_000_00 - 100_00 - 1_500_00 - 400_00)
    );
    // Dearer: the difference and the fee.
    let order = resting.order;
    let dearer = ValueCommand::ModifyOrder {
        order,
        price: Money(12_00),
    };
    let changed = town.ok(1, dearer.clone());
    assert_eq!(changed.fees, Money(100_00));
    assert_eq!(
        town.coins(1),
        Money(1_000_000_00 - 200_00 - 1_800_00 - 400_00)
    );
    assert_eq!(town.refused(2, dearer), RejectCode::OrderUnknown);
    town.ok(1, ValueCommand::CancelOrder { order });
    assert_eq!(town.coins(1), Money(1_000_000_00 - 200_00 - 400_00));
}

#[test]
fn a_request_that_comes_again_has_one_effect_and_the_same_answer() {
    let mut town = Town::new(2, 3);
    let request = town.request();
    let command = |command| Command {
        actor: CharacterId(1),
        request,
        desk: Some(desk(1, 1)),
        command,
    };
    town.command(command(pay(2, 100)));
    town.command(command(pay(2, 100)));
    town.beat();
    // While it is under way.
    town.command(command(pay(2, 100)));
    town.rest();
    town.command(command(pay(2, 100)));
    town.rest();
    let outcomes: Vec<_> = town
        .answers
        .iter()
        .map(|(_, _, outcome)| *outcome)
        .collect();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(town.coins(2), Money(1_000_001_00));
    // After a restart too, on another number of shards.
    town.start(3);
    town.answers.clear();
    town.command(command(pay(2, 100)));
    town.rest();
    assert_eq!(town.answers[0].2, outcomes[0]);
    assert_eq!(town.coins(2), Money(1_000_001_00));
    // When it is forgotten, it is refused and not carried out.
    town.tick.0 += 60_000 / 33 + 400;
    town.beat();
    town.answers.clear();
    town.command(command(pay(2, 100)));
    town.rest();
    assert_eq!(town.answers[0].2, Err(RejectCode::RequestExpired));
    let no_uuid = Command {
        request: RequestId(42),
        ..command(pay(2, 100))
    };
    town.command(no_uuid);
    town.rest();
    assert_eq!(town.coins(2), Money(1_000_001_00));
}

#[test]
fn nothing_is_lost_or_doubled_by_a_crash_between_two_beats() {
    for crash in 1..12 {
        let mut town = Town::new(2, 3);
        let ore = town.item(1, ORE);
        let asked = [
            (1, sell(ore, 500, 20_00)),
            (2, buy(ORE, 300, 20_00)),
            (3, pay(1, 7_00)),
        ];
        let asked = asked.map(|(actor, command)| Command {
            actor: CharacterId(actor),
            request: town.request(),
            desk: Some(desk(actor, 1)),
            command,
        });
        for command in &asked {
            town.command(command.clone());
        }
        for _ in 0..crash {
            town.beat();
        }
        town.start(1 + crash % 3);
        // Who has no answer asks again.
        for command in asked {
            town.command(command);
        }
        town.rest();
        let all: i64 = (1..=3).map(|character| town.coins(character).0).sum();
        // Fees: 3 % of the order that rests at first; tax 8 % of 6,000.00. Which of the two
        // orders comes first is the same in all runs.
        let ore: u64 = (1..=3).map(|character| town.units(character, 1, ORE)).sum();
        assert!(all > 2_999_000_00 && ore >= 2_500, "{crash}: {all} {ore}");
        assert_eq!(town.units(2, 1, ORE), 1_300, "{crash}");
        assert_eq!(town.coins(3), Money(999_993_00), "{crash}");
    }
}

#[test]
fn the_number_of_shards_changes_no_row() {
    let run = |shards| {
        let mut town = Town::new(shards, 6);
        for round in 0..20_i64 {
            for actor in 1..=6 {
                let (ore, metal) = (town.item(actor, ORE), town.item(actor, METAL));
                match (round + actor as i64) % 5 {
                    0 => town.ask(actor, sell(ore, 3, 1_000 + round)),
                    1 => town.ask(actor, buy(ORE, 2, 1_005 + round)),
                    2 => town.ask(actor, pay(actor % 6 + 1, 1 + round)),
                    3 => town.ask(actor, sell(metal, 1, 900 - round)),
                    _ => town.ask(actor, buy(METAL, 1, 880)),
                };
            }
            town.beat();
        }
        town.rest();
        (town.rows, town.answers.len())
    };
    let one = run(1);
    for shards in [2, 3, 8] {
        assert!(run(shards) == one, "{shards} shards differ from one");
    }
}

#[test]
fn orders_that_are_filled_while_their_owner_is_away_are_known_at_home() {
    let mut town = Town::new(2, 3);
    let order = town.ok(1, buy(METAL, 200, 10_00)).order;
    let home = home_of(1, town.rules.partitions);
    let own = |town: &Town| -> Vec<(OrderId, u64)> {
        let orders = own::read(&town.rows, home, CharacterId(1)).unwrap();
        orders.iter().map(|own| (own.id, own.quantity)).collect()
    };
    assert_eq!(own(&town), [(order, 200)]);
    // Nothing of the first one is in memory any more.
    for (sold, left) in [(50, vec![(order, 150)]), (150, vec![])] {
        town.start(3);
        let metal = town.item(3, METAL);
        assert_eq!(town.ok(3, sell(metal, sold, 10_00)).quantity, sold);
        assert_eq!(own(&town), left);
    }
}

#[test]
fn what_was_needed_lately_stays_in_memory() {
    let mut town = Town::new(1, 3);
    let account = |actor| Account::wallet(CharacterId(actor));
    // An hour, as partitions count it.
    town.tick.0 += 110_000;
    // Changes nothing.
    town.refused(1, pay(1, 5));
    for _ in 0..30 {
        town.beat();
    }
    assert!(town.is_active(account(1)) && !town.is_active(account(2)));
}

#[test]
fn orders_that_have_ended_leave_no_account() {
    let mut town = Town::new(2, 3);
    let (ore, metal) = (town.item(1, ORE), town.item(2, METAL));
    let custody = |town: &Town| {
        let all = KeyRange::all();
        let rows = town.rows.scan(Domain::Custody, all, Order::Ascending);
        rows.map(Result::unwrap)
            .filter(|row| row.key[2] == AccountKind::Market as u8 && row.key.len() > 3)
            .count()
    };
    let sold = town.ok(1, sell(ore, 5, 10_00)).order;
    let bought = town.ok(3, buy(METAL, 9, 20_00)).order;
    assert!(custody(&town) >= 3);
    town.ok(2, sell(metal, 9, 20_00));
    town.ok(1, ValueCommand::CancelOrder { order: sold });
    assert_ne!(bought, sold);
    assert_eq!(custody(&town), 0);
}
