//! Small made-up logs and books, and what is found in them.

mod town;

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, RequestId, ValueAnswer};
use orrery_proto::message::ServerMessage;

use super::super::log::{self, Log};
use super::*;
use town::{ANN, BOB, ORDER, PART, Town, result};

/// Everything there is, once.
fn busy() -> Town {
    let mut town = Town::new();
    town.pay(7_00);
    town.split();
    town.bid();
    town.sell();
    town
}

#[test]
fn what_is_right_is_found_right() {
    let found = busy().look(true);
    assert!(found.holds(), "{found:?}");
    assert_eq!((found.accepted, found.effects), (4, 5));
    assert_eq!((found.orders, found.fills, found.arrivals), (2, 1, 6));
}

#[test]
fn an_acknowledged_request_that_the_store_has_forgotten_is_lost() {
    let good = busy();
    for key in good.books.requests.keys() {
        let mut town = good.clone();
        town.books.requests.remove(key);
        assert_eq!(town.look(false).lost.len(), 1, "{key:?}");
    }
}

#[test]
fn any_entry_that_is_gone_is_missed() {
    let good = busy();
    for place in 0..good.books.entries.len() {
        let mut town = good.clone();
        let gone = town.books.entries.remove(place);
        assert!(!town.look(false).holds(), "{gone:?}");
    }
}

#[test]
fn any_entry_that_is_there_twice_is_found() {
    let good = busy();
    for place in 0..good.books.entries.len() {
        let mut town = good.clone();
        let (at, entry) = town.books.entries[place];
        let again = EntryRef::new(at.partition(), at.tick(), at.number() + 1_000);
        town.books.entries.push((again, entry));
        town.books.entries.sort_by_key(|(at, _)| *at);
        assert!(!town.look(false).holds(), "{entry:?}");
    }
}

#[test]
fn a_payment_that_is_done_twice_is_doubled() {
    let mut town = busy();
    town.books.credit_twice().unwrap();
    let found = town.look(false);
    assert_eq!(found.doubled.len(), 1, "{found:?}");
    // Done again at the desk, with money that is there: only the log knows that it was asked once.
    let mut town = Town::new();
    let first = town.pay(7_00);
    let second = town.pay(7_00);
    let known = town.books.requests.remove(&second).unwrap();
    town.outside.requests.remove(&second);
    assert!(known.outcome.is_some() && first != second);
    let found = town.look(true);
    assert_eq!(found.doubled.len(), 1, "{found:?}");
    assert_eq!(found.wrong.len(), 2, "both wallets: {found:?}");
}

#[test]
fn any_sum_that_is_wrong_is_found() {
    let good = busy();
    for account in good.books.coins.keys() {
        for change in [-1_i64, 1] {
            let mut town = good.clone();
            let cents = town.books.coins.get_mut(account).unwrap();
            *cents = cents.wrapping_add_signed(change);
            let found = town.look(false);
            let (less, more) = (change < 0, change > 0);
            assert_eq!(found.lost.is_empty(), more, "{found:?}");
            assert_eq!(found.doubled.is_empty(), less, "{found:?}");
        }
    }
    for place in 0..good.books.stacks.len() {
        let mut town = good.clone();
        town.books.stacks[place].1.quantity += 1;
        assert!(!town.look(false).holds());
    }
}

#[test]
fn answers_that_say_something_else_are_found() {
    let good = busy();
    for (key, asked) in &good.outside.requests {
        let Some(Ok(answer)) = asked.outcome() else {
            panic!("all were accepted")
        };
        let others = [
            Err(RejectCode::ItemUnknown),
            Ok(ValueAnswer {
                item: ItemId(answer.item.0 + 7),
                money: Money(answer.money.0 + 1),
                ..answer
            }),
        ];
        for other in others {
            // A second answer, after the first.
            let mut town = good.clone();
            town.outside
                .heard((key.0, 0), &result(key.1, other))
                .unwrap();
            assert_eq!(town.look(true).doubled.len(), 1);
            // Another answer instead, of which the store knows nothing.
            let mut town = good.clone();
            town.outside.requests.get_mut(key).unwrap().answers.clear();
            town.outside
                .heard((key.0, 0), &result(key.1, other))
                .unwrap();
            assert!(!town.look(true).lost.is_empty());
        }
    }
}

#[test]
fn both_may_say_the_same_and_the_history_another_thing() {
    let mut town = busy();
    let key = *town.outside.requests.keys().next().unwrap();
    let refused = Err(RejectCode::NotEnoughMoney);
    town.outside.requests.get_mut(&key).unwrap().answers = vec![(refused, 1)];
    town.books.requests.get_mut(&key).unwrap().outcome = Some(refused);
    assert!(!town.look(true).doubled.is_empty(), "refused, and done");
}

#[test]
fn orders_are_what_was_asked_for() {
    let good = busy();
    let spoil: [fn(&mut Town); 6] = [
        |town| town.rest(2),
        |town| {
            town.books.orders.clear();
        },
        |town| {
            town.books.own.clear();
        },
        |town| {
            town.books.orders.get_mut(&ORDER).unwrap().price = Money(9_00);
        },
        |town| {
            let order = town.books.orders[&ORDER];
            town.books.orders.insert(OrderId(ORDER.0 + 5), order);
        },
        |town| {
            let heard = (3, 10_00, 1);
            town.outside
                .fills
                .insert((BOB, ORDER, 0, 0), vec![heard, heard]);
        },
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut town = good.clone();
        spoil(&mut town);
        assert!(!town.look(true).holds(), "case {number}");
    }
    let mut town = good;
    town.outside
        .fills
        .insert((BOB, ORDER, 0, 0), vec![(3, 10_00, 1)]);
    assert!(town.look(true).holds());
}

#[test]
fn without_an_answer_there_is_one_effect_or_none() {
    let good = busy();
    for &key in good.outside.requests.keys() {
        let mut town = good.clone();
        town.outside.requests.get_mut(&key).unwrap().answers.clear();
        let found = town.look(false);
        assert!(found.holds(), "{found:?}");
        assert_eq!((found.unanswered, found.known_unanswered), (1, 1));
        assert!(!town.look(true).holds(), "at the end there is an answer");
    }
    let mut town = good;
    let command = ValueCommand::Trash {
        item: PART,
        quantity: 1,
    };
    town.outside.sent(ANN, RequestId::new(1, 99), &command);
    let found = town.look(false);
    assert!(found.holds(), "never carried out: {found:?}");
    assert_eq!((found.unanswered, found.known_unanswered), (1, 0));
}

#[test]
fn what_is_on_its_way_is_not_lost() {
    let mut town = Town::new();
    let key = town.pay(7_00);
    town.outside.requests.get_mut(&key).unwrap().answers.clear();
    let known = town.books.requests.get_mut(&key).unwrap();
    (known.outcome, known.has_left) = (None, true);
    let (_, arrived) = town.books.entries.pop().unwrap();
    *town.books.coins.get_mut(&Account::wallet(BOB)).unwrap() -= 7_00;
    assert_eq!(town.look(false).lost.len(), 1, "no parcel carries it");
    town.books.flying.push(arrived.previous[2]);
    assert!(town.look(false).holds(), "{:?}", town.look(false));
    town.books.flying.push(arrived.previous[2]);
    assert_eq!(town.look(false).doubled.len(), 1, "two parcels carry it");
}

#[test]
fn the_file_says_what_was_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outside.log");
    let mut log = Log::create(&path).unwrap();
    log.life(1);
    for (&key, asked) in &busy().outside.requests {
        log.sent((key.0, 0), key.1, &asked.command);
        log.sent((key.0, 1), key.1, &asked.command);
        log.heard((key.0, 1), &result(key.1, asked.outcome().unwrap()));
    }
    let filled = ServerMessage::OrderFilled {
        order: ORDER,
        quantity: 3,
        price: Money(10_00),
        left: 1,
    };
    log.heard((BOB, 0), &filled);
    assert!(log.trouble.is_none());
    log.reread().unwrap();
    assert_eq!((log.outside.sent, log.outside.heard), (8, 4));
    log.heard(
        (BOB, 0),
        &result(RequestId::new(1, 77), Ok(ValueAnswer::default())),
    );
    assert!(log.trouble.is_some(), "an answer to nothing");
    for wrong in ["", "X 1 0 00", "S 1 0 zz", "S 1 0 0100", "A 1 0"] {
        assert!(log::read(&format!("{wrong}\n")).is_err(), "{wrong:?}");
    }
    assert!(Log::create(&path).is_err(), "it is there");
}
