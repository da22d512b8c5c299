use orrery_base::money::Money;
use orrery_base::{CharacterId, TypeId};

use crate::market::tests::fixture::{TYPE, at, book, place, terms};
use crate::market::{Depth, DepthLevel, PriceRule, Side, Terms};

use Side::{Buy, Sell};

const fn level(price: i64, units: u64, orders: u32) -> DepthLevel {
    DepthLevel {
        price: Money(price),
        units,
        orders,
    }
}

#[test]
fn depth_adds_up_what_has_one_price() {
    let mut book = book(PriceRule::Incoming);
    for (side, price, quantity) in [
        (Buy, 3, 10),
        (Buy, 4, 20),
        (Buy, 4, 5),
        (Sell, 9, 7),
        (Sell, 6, 1),
        (Sell, 6, 2),
        (Sell, 8, 4),
    ] {
        place(&mut book, terms(side, price, quantity));
    }
    assert_eq!(book.best(TYPE, Buy), Some(Money(4)));
    assert_eq!(book.best(TYPE, Sell), Some(Money(6)));
    assert_eq!(book.best(TypeId(2), Sell), None);
    let expected = Depth {
        buys: vec![level(4, 25, 2), level(3, 10, 1)],
        sells: vec![level(6, 3, 2), level(8, 4, 1)],
    };
    assert_eq!(book.depth(TYPE, 2), expected);
    assert_eq!(book.depth(TypeId(2), 9), Depth::default());
    // A partial fill is taken off.
    place(&mut book, terms(Buy, 6, 2));
    assert_eq!(book.depth(TYPE, 1).sells, [level(6, 1, 1)]);
}

#[test]
fn listed_is_the_order_of_trading() {
    let mut book = book(PriceRule::Incoming);
    let ids: Vec<_> = [5, 4, 5, 6, 4]
        .map(|price| place(&mut book, terms(Sell, price, 1)).0)
        .into();
    let listed: Vec<_> = book.listed(TYPE, Sell).map(|order| order.id).collect();
    assert_eq!(listed, [ids[1], ids[4], ids[0], ids[2], ids[3]]);
    assert_eq!(book.listed(TYPE, Buy).count(), 0);
    assert_eq!(book.listed(TYPE, Sell).take(2).count(), 2);
}

#[test]
fn owners_and_types_are_found() {
    let mut book = book(PriceRule::Incoming);
    let (a, _) = place(&mut book, at(terms(Sell, 5, 1), 7, 1, 0));
    let (b, _) = place(&mut book, at(terms(Buy, 4, 1), 7, 1, 0));
    let other = Terms {
        type_id: TypeId(u32::MAX),
        ..at(terms(Sell, i64::MAX, 1), 8, 1, 0)
    };
    place(&mut book, other);
    let mine: Vec<_> = book
        .orders_of(CharacterId(7))
        .map(|order| order.id)
        .collect();
    assert_eq!(mine, [a, b]);
    assert_eq!(book.count_of(CharacterId(7)), 2);
    assert_eq!(book.count_of(CharacterId(9)), 0);
    assert_eq!(
        book.types(Sell).collect::<Vec<_>>(),
        [TYPE, TypeId(u32::MAX)]
    );
    assert_eq!(book.types(Buy).collect::<Vec<_>>(), [TYPE]);
    assert_eq!(book.listed(TypeId(u32::MAX), Sell).count(), 1);
    assert_eq!(book.orders().count(), 3);
    book.cancel(a);
    assert_eq!(book.count_of(CharacterId(7)), 1);
}
