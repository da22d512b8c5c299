//! Terms, orders and a region for the tests of the market.

use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};

use crate::WallTime;
use crate::market::{Book, Distances, Fill, Order, PriceRule, RegionId, Side, Terms};

pub(crate) const PARTITION: u16 = 3;
pub(crate) const REGION: RegionId = RegionId(7);
pub(crate) const TYPE: TypeId = TypeId(1);
/// When the orders of these tests are placed, unless they say otherwise.
pub(crate) const NOW: WallTime = WallTime(1_000);

/// Systems in a line, one jump from each to the next; the one at its end has no way to it.
pub(crate) struct Line {
    cut_off: u32,
}

pub(crate) const LINE: Line = Line { cut_off: 13 };

impl Distances for Line {
    fn jumps(&self, from: SystemId, to: SystemId) -> Option<u32> {
        let reachable = from == to || (from.0 < self.cut_off && to.0 < self.cut_off);
        reachable.then(|| from.0.abs_diff(to.0))
    }
}

/// Terms for a month, anywhere in the region, by character 1 in system 1.
pub(crate) fn terms(side: Side, price: i64, quantity: u64) -> Terms {
    let terms = Terms {
        side,
        type_id: TYPE,
        owner: CharacterId(0),
        station: EntityId::NONE,
        system: SystemId(0),
        price: Money(price),
        quantity,
        minimum: 1,
        range: OrderRange::Region,
        days: 30,
    };
    at(terms, 1, 1, 0)
}

/// The same by this character in one of the two stations of this system.
pub(crate) fn at(terms: Terms, owner: u64, system: u32, station: u64) -> Terms {
    Terms {
        owner: CharacterId(owner),
        station: EntityId(100 + 2 * u64::from(system) + station),
        system: SystemId(system),
        ..terms
    }
}

pub(crate) fn book(rule: PriceRule) -> Book {
    Book::new(PARTITION, REGION, rule)
}

/// Places an order with these terms at [`NOW`]: its id and the fills.
pub(crate) fn place(book: &mut Book, terms: Terms) -> (OrderId, Vec<Fill>) {
    let id = book.mint();
    let mut fills = Vec::new();
    book.place(terms.order(id, NOW), &LINE, &mut fills).unwrap();
    (id, fills)
}

/// What is left of an order that rests; 0 if it does not.
pub(crate) fn left(book: &Book, id: OrderId) -> u64 {
    book.order(id).map_or(0, |order| order.quantity)
}

/// An order that rests, with all fields different.
pub(crate) fn sample() -> Order {
    Order {
        id: crate::market::order_id(REGION, 5),
        side: Side::Buy,
        type_id: TypeId(0x0102_0304),
        owner: CharacterId(0x11),
        station: EntityId(0x22),
        system: SystemId(0x0a0b_0c0d),
        price: Money(0x33),
        quantity: 0x44,
        initial: 0x55,
        minimum: 0x16,
        range: OrderRange::Jumps(5),
        placed: WallTime(0x77),
        changed: WallTime(0x88),
        expires: WallTime(0x99),
        sequence: 0xaa,
    }
}
