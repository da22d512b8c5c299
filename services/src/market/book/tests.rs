use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange, QUANTITY_MAX};

use super::PlaceError;
use crate::WallTime;
use crate::market::order::DAY_MS;
use crate::market::tests::fixture::{LINE, NOW, REGION, at, book, left, place, terms};
use crate::market::{PriceRule, Side, Terms, order_id, region_of};

use Side::{Buy, Sell};

#[test]
fn the_best_price_trades_first_and_then_the_oldest() {
    let mut book = book(PriceRule::Resting);
    let (dear, _) = place(&mut book, terms(Sell, 12, 5));
    let (first, _) = place(&mut book, terms(Sell, 10, 5));
    let (second, _) = place(&mut book, terms(Sell, 10, 5));
    let (cheap, _) = place(&mut book, terms(Sell, 9, 5));
    let (buy, fills) = place(&mut book, terms(Buy, 11, 18));
    let seen: Vec<_> = fills
        .iter()
        .map(|fill| (fill.resting, fill.quantity, fill.price.0, fill.resting_left))
        .collect();
    let expected = [(cheap, 5, 9, 0), (first, 5, 10, 0), (second, 5, 10, 0)];
    assert_eq!(seen, expected);
    assert_eq!(left(&book, buy), 3);
    assert_eq!(left(&book, dear), 5);
}

#[test]
fn buyers_who_pay_more_and_wait_longer_are_served_first() {
    let mut book = book(PriceRule::Resting);
    let (low, _) = place(&mut book, terms(Buy, 8, 5));
    let (first, _) = place(&mut book, terms(Buy, 10, 5));
    let (second, _) = place(&mut book, terms(Buy, 10, 5));
    let (_, fills) = place(&mut book, terms(Sell, 8, 12));
    let seen: Vec<_> = fills
        .iter()
        .map(|fill| (fill.resting, fill.quantity, fill.price.0))
        .collect();
    assert_eq!(seen, [(first, 5, 10), (second, 5, 10), (low, 2, 8)]);
    assert_eq!(left(&book, low), 3);
}

#[test]
fn the_price_rule_says_who_has_the_better_of_it() {
    for (rule, side, price) in [
        (PriceRule::Incoming, Buy, 11),
        (PriceRule::Incoming, Sell, 9),
        (PriceRule::Resting, Buy, 9),
        (PriceRule::Resting, Sell, 11),
    ] {
        let mut book = book(rule);
        let limit = |side| if side == Buy { 11 } else { 9 };
        let (resting, _) = place(&mut book, terms(side.opposite(), limit(side.opposite()), 1));
        let (incoming, fills) = place(&mut book, terms(side, limit(side), 1));
        let [fill] = fills.as_slice() else {
            panic!("one fill, not {fills:?}");
        };
        assert_eq!(fill.price, Money(price), "{rule:?} {side:?}");
        assert_eq!(fill.buy_limit, Money(11));
        let (buy, sell) = match side {
            Buy => (incoming, resting),
            Sell => (resting, incoming),
        };
        assert_eq!((fill.buy_order(), fill.sell_order()), (buy, sell));
    }
}

#[test]
fn goods_stay_where_the_seller_put_them() {
    let mut book = book(PriceRule::Incoming);
    let seller = at(terms(Sell, 5, 1), 1, 4, 1);
    place(&mut book, seller);
    let (_, fills) = place(&mut book, at(terms(Buy, 5, 1), 2, 9, 0));
    assert_eq!(fills[0].station, seller.station);
    assert_eq!((fills[0].buyer.0, fills[0].seller.0), (2, 1));
}

#[test]
fn a_range_ends_where_it_says() {
    // The buyer is in station 0 of system 5; the seller in (system, station).
    let cases = [
        (OrderRange::Station, (5, 0), true),
        (OrderRange::Station, (5, 1), false),
        (OrderRange::System, (5, 1), true),
        (OrderRange::System, (6, 0), false),
        (OrderRange::Jumps(2), (5, 1), true),
        (OrderRange::Jumps(2), (7, 0), true),
        (OrderRange::Jumps(2), (3, 0), true),
        (OrderRange::Jumps(2), (8, 0), false),
        // There is no way to system 13.
        (OrderRange::Jumps(40), (13, 0), false),
        (OrderRange::Region, (13, 0), true),
    ];
    for (range, (system, station), trades) in cases {
        for incoming in [Buy, Sell] {
            let mut book = book(PriceRule::Incoming);
            let buy = Terms {
                range,
                ..at(terms(Buy, 5, 1), 1, 5, 0)
            };
            let sell = at(terms(Sell, 5, 1), 2, system, station);
            let (first, second) = match incoming {
                Buy => (sell, buy),
                Sell => (buy, sell),
            };
            place(&mut book, first);
            let (_, fills) = place(&mut book, second);
            assert_eq!(fills.len() == 1, trades, "{range:?} {system} {station}");
        }
    }
}

#[test]
fn an_order_out_of_range_is_passed_over() {
    let mut book = book(PriceRule::Resting);
    let (far, _) = place(&mut book, at(terms(Sell, 1, 5), 1, 9, 0));
    let (near, _) = place(&mut book, at(terms(Sell, 3, 5), 1, 1, 0));
    let buy = Terms {
        range: OrderRange::System,
        ..terms(Buy, 4, 5)
    };
    let (_, fills) = place(&mut book, buy);
    assert_eq!(fills.len(), 1);
    assert_eq!(fills[0].resting, near);
    assert_eq!(left(&book, far), 5);
}

#[test]
fn a_minimum_keeps_small_sellers_away_until_little_is_wanted() {
    let mut book = book(PriceRule::Incoming);
    let buy = Terms {
        minimum: 10,
        ..terms(Buy, 5, 25)
    };
    let (buy, _) = place(&mut book, buy);
    assert_eq!(place(&mut book, terms(Sell, 5, 9)).1.len(), 0);
    assert_eq!(place(&mut book, terms(Sell, 5, 10)).1[0].quantity, 10);
    assert_eq!(place(&mut book, terms(Sell, 5, 11)).1[0].quantity, 11);
    assert_eq!(left(&book, buy), 4);
    // Four are wanted: three are too few, because the minimum is now four.
    assert_eq!(place(&mut book, terms(Sell, 5, 3)).1.len(), 0);
    assert_eq!(place(&mut book, terms(Sell, 5, 4)).1[0].quantity, 4);
    assert_eq!(left(&book, buy), 0);
}

#[test]
fn a_minimum_holds_for_an_incoming_buyer_too() {
    let mut book = book(PriceRule::Incoming);
    let (small, _) = place(&mut book, terms(Sell, 1, 5));
    let (large, _) = place(&mut book, terms(Sell, 2, 16));
    let buy = Terms {
        minimum: 10,
        ..terms(Buy, 5, 20)
    };
    let (buy, fills) = place(&mut book, buy);
    // The small one was passed over once, and is not looked at again although four would do now.
    assert_eq!(fills.len(), 1);
    assert_eq!((fills[0].resting, fills[0].quantity), (large, 16));
    assert_eq!((left(&book, buy), left(&book, small)), (4, 5));
}

#[test]
fn what_may_not_rest_does_not() {
    let mut book = book(PriceRule::Incoming);
    place(&mut book, terms(Sell, 5, 3));
    let now = Terms {
        days: 0,
        ..terms(Buy, 5, 10)
    };
    let id = book.mint();
    let mut fills = Vec::new();
    let placed = book.place(now.order(id, NOW), &LINE, &mut fills).unwrap();
    assert_eq!(
        (placed.filled, placed.order.quantity, placed.rests),
        (3, 7, false)
    );
    assert_eq!(fills.len(), 1);
    assert!(book.is_empty());
}

#[test]
fn cancelling_gives_back_what_is_left() {
    let mut book = book(PriceRule::Incoming);
    let (sell, _) = place(&mut book, terms(Sell, 5, 10));
    place(&mut book, terms(Buy, 5, 4));
    assert_eq!(book.cancel(sell).unwrap().quantity, 6);
    assert_eq!(book.cancel(sell), None);
    assert!(book.is_empty());
}

#[test]
fn another_price_costs_the_place_in_the_queue() {
    let mut book = book(PriceRule::Incoming);
    let (first, _) = place(&mut book, terms(Sell, 5, 1));
    let (second, _) = place(&mut book, terms(Sell, 5, 1));
    let mut fills = Vec::new();
    let later = WallTime(NOW.0 + 1);
    let placed = book.reprice(first, Money(5), later, &LINE, &mut fills);
    assert_eq!(placed.unwrap().order.changed, later);
    assert_eq!(placed.unwrap().order.placed, NOW);
    let (_, fills) = place(&mut book, terms(Buy, 5, 2));
    let order: Vec<_> = fills.iter().map(|fill| fill.resting).collect();
    assert_eq!(order, [second, first]);
}

#[test]
fn another_price_may_trade_at_once() {
    let mut book = book(PriceRule::Incoming);
    let (buy, _) = place(&mut book, terms(Buy, 5, 4));
    let (sell, _) = place(&mut book, terms(Sell, 9, 6));
    let mut fills = Vec::new();
    let placed = book
        .reprice(sell, Money(4), NOW, &LINE, &mut fills)
        .unwrap();
    assert_eq!(
        (placed.filled, placed.order.quantity, placed.rests),
        (4, 2, true)
    );
    assert_eq!((fills[0].incoming, fills[0].resting), (sell, buy));
    assert_eq!(fills[0].price, Money(4));
    assert_eq!(book.reprice(buy, Money(4), NOW, &LINE, &mut fills), None);
    assert_eq!(book.reprice(sell, Money(0), NOW, &LINE, &mut fills), None);
    assert_eq!(left(&book, sell), 2);
}

#[test]
fn orders_end_at_their_time_in_order() {
    let mut book = book(PriceRule::Incoming);
    let days = |days| Terms {
        days,
        ..terms(Sell, 5, 1)
    };
    let (month, _) = place(&mut book, days(30));
    let (week, _) = place(&mut book, days(7));
    let (other, _) = place(&mut book, days(7));
    let mut ended = Vec::new();
    let end = NOW.0 + 7 * DAY_MS;
    book.expire(WallTime(end - 1), &mut ended);
    assert_eq!(ended, []);
    book.expire(WallTime(end), &mut ended);
    let ids: Vec<_> = ended.iter().map(|order| order.id).collect();
    assert_eq!(ids, [week, other]);
    book.expire(WallTime(u64::MAX), &mut ended);
    assert_eq!(ended.last().unwrap().id, month);
    assert!(book.is_empty());
}

#[test]
fn types_do_not_meet() {
    let mut book = book(PriceRule::Incoming);
    place(&mut book, terms(Sell, 1, 1));
    let other = Terms {
        type_id: orrery_base::TypeId(2),
        ..terms(Buy, 9, 1)
    };
    assert_eq!(place(&mut book, other).1, []);
    assert_eq!(book.len(), 2);
}

#[test]
fn one_may_trade_with_oneself() {
    let mut book = book(PriceRule::Incoming);
    place(&mut book, terms(Sell, 5, 1));
    let (_, fills) = place(&mut book, terms(Buy, 5, 1));
    assert_eq!(fills[0].buyer, fills[0].seller);
}

#[test]
fn impossible_orders_change_nothing() {
    let mut book = book(PriceRule::Incoming);
    let (id, _) = place(&mut book, terms(Sell, 5, 1));
    let mut fills = Vec::new();
    let mut refused = |terms: Terms, id| book.place(terms.order(id, NOW), &LINE, &mut fills);
    let other = order_id(REGION, 99);
    assert_eq!(refused(terms(Buy, 5, 1), id), Err(PlaceError::Twice(id)));
    assert_eq!(
        refused(terms(Buy, 0, 1), other),
        Err(PlaceError::Price(Money(0)))
    );
    for (quantity, minimum) in [(0, 1), (QUANTITY_MAX + 1, 1), (5, 0), (5, 6)] {
        let bad = Terms {
            minimum,
            ..terms(Buy, 5, quantity)
        };
        let error = PlaceError::Quantity { quantity, minimum };
        assert_eq!(refused(bad, other), Err(error));
    }
    assert_eq!(fills, []);
    assert_eq!(book.len(), 1);
    assert_eq!(book.cancel(other), None);
}

#[test]
fn ids_name_their_region_and_never_return() {
    let mut book = book(PriceRule::Incoming);
    let (a, b) = (book.mint(), book.mint());
    assert!(a < b);
    assert_eq!(region_of(a), Some(REGION));
    assert_eq!(region_of(OrderId(0)), None);
    assert_eq!(region_of(OrderId(5)), None);
    assert_eq!(region_of(order_id(REGION, 0)), None);
    assert_eq!(region_of(OrderId(u64::MAX)), None);
    let last = crate::market::RegionId(u16::MAX);
    assert_eq!(region_of(order_id(last, 1)), Some(last));
}
