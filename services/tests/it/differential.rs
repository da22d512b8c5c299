//! The market's book against somebody else's: `rust_ob`, a published order book that knows
//! nothing of this project. It keeps orders in a tree by price and time and moves decimals;
//! ours keeps queues of integers by price. They share no code, and where both can do the same
//! they have to do the same.
//!
//! What both can do: one type, everyone in reach of everyone, no minimum, trades at the price of
//! the order that was there first; placing with or without resting, cancelling, and another
//! price (which is for theirs to cancel and to place anew). After each of a million random events
//! all fills are compared: partner, quantity, price. Now and then, and at the end, the whole
//! books are: the best prices, and at the end every order that is left, in its order.

use orrery_base::money::Money;
use orrery_base::rng::Rng;
use orrery_base::value::{OrderId, OrderRange};
use orrery_base::{CharacterId, EntityId, SystemId, Tick, TypeId};
use orrery_services::WallTime;
use orrery_services::market::{
    Book, Distances, Fill, Order, PriceRule, RegionId, Side, Terms, order_id,
};
use rust_ob::{Decimal, OrderBook, OrderMatch};

const EVENTS: u32 = 1_000_000;
const TYPE: TypeId = TypeId(34);
const SEED: u64 = 0x6d61_726b_6574;

/// Nobody asks, because every order reaches the whole region.
struct Nowhere;

impl Distances for Nowhere {
    fn jumps(&self, _: SystemId, _: SystemId) -> Option<u32> {
        None
    }
}

/// A trade as both books tell it: the partner that was there first, units, cents for all of them.
type Trade = (u64, u64, i64);

const fn theirs(side: Side) -> rust_ob::Side {
    match side {
        Side::Buy => rust_ob::Side::Buy,
        Side::Sell => rust_ob::Side::Sell,
    }
}

fn whole<T: TryFrom<Decimal>>(number: Decimal) -> T
where
    T::Error: core::fmt::Debug,
{
    assert!(number.is_integer());
    number.try_into().unwrap()
}

struct Pair {
    ours: Book,
    theirs: OrderBook<u64>,
    rng: Rng,
    /// Where prices are around; it wanders.
    middle: i64,
    /// Orders that rested once, to cancel and change some of them.
    known: Vec<OrderId>,
    trades: u64,
    gone: u64,
    now: WallTime,
    fills: Vec<Fill>,
}

impl Pair {
    fn new() -> Self {
        Self {
            ours: Book::new(0, RegionId(1), PriceRule::Resting),
            theirs: OrderBook::new(),
            rng: Rng::new(SEED, Tick(0), EntityId::NONE, 0),
            middle: 5_000,
            known: Vec::new(),
            trades: 0,
            gone: 0,
            now: WallTime(1),
            fills: Vec::new(),
        }
    }

    fn below(&mut self, bound: u32) -> i64 {
        i64::from(self.rng.below(bound))
    }

    fn side(&mut self) -> Side {
        if self.rng.below(2) == 0 {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// Near the middle, on the side where it rests more often than not.
    fn price(&mut self, side: Side) -> Money {
        let away = self.below(60) - 12;
        Money(match side {
            Side::Buy => self.middle - away,
            Side::Sell => self.middle + away,
        })
    }

    fn known(&mut self) -> Option<OrderId> {
        // Not too old, so that most of them are still there.
        let recent = self.known.len().min(2_000) as u32;
        let back = 1 + self.rng.below(recent.max(1)) as usize;
        self.known.len().checked_sub(back).map(|at| self.known[at])
    }

    fn event(&mut self) {
        self.now = self.now.plus_ms(1);
        self.middle = (self.middle + self.below(7) - 3).clamp(1_000, 9_000);
        match self.rng.below(100) {
            0..62 => self.place(30),
            62..70 => self.place(0),
            70..90 => self.cancel(),
            _ => self.reprice(),
        }
    }

    fn place(&mut self, days: u8) {
        let side = self.side();
        let price = self.price(side);
        let quantity = 1 + self.rng.below(200) as u64;
        let id = self.ours.mint();
        let terms = Terms {
            side,
            type_id: TYPE,
            owner: CharacterId(u64::from(self.rng.below(50))),
            station: EntityId(9),
            system: SystemId(1),
            price,
            quantity,
            minimum: 1,
            range: OrderRange::Region,
            days,
        };
        self.fills.clear();
        let order = terms.order(id, self.now);
        let placed = self.ours.place(order, &Nowhere, &mut self.fills).unwrap();
        self.submit(&placed.order, quantity);
        let left = placed.order.quantity;
        assert_eq!(placed.rests, days > 0 && left > 0);
        if placed.rests {
            self.known.push(id);
        } else {
            // Theirs rests whatever is left.
            assert_eq!(self.theirs.cancel_order(id.0).is_ok(), left > 0);
        }
    }

    /// Has the other book do it, and compares what was traded.
    fn submit(&mut self, order: &Order, quantity: u64) {
        let (side, price) = (theirs(order.side), Decimal::from(order.price.0));
        let matches = self
            .theirs
            .process_limit_order(order.id.0, side, price, Decimal::from(quantity))
            .unwrap();
        let expected = partners(order.id.0, &matches);
        let got: Vec<Trade> = self
            .fills
            .iter()
            .map(|fill| {
                assert_eq!((fill.incoming, fill.incoming_side), (order.id, order.side));
                let cents = fill.value().unwrap().0;
                (fill.resting.0, fill.quantity, cents)
            })
            .collect();
        assert_eq!(got, expected);
        self.trades += got.len() as u64;
    }

    fn cancel(&mut self) {
        let Some(id) = self.known() else {
            return;
        };
        let ours = self.ours.cancel(id);
        assert_eq!(ours.is_some(), self.theirs.cancel_order(id.0).is_ok());
        self.gone += u64::from(ours.is_some());
    }

    fn reprice(&mut self) {
        let Some(id) = self.known() else {
            return;
        };
        let Some(before) = self.ours.order(id).copied() else {
            assert!(self.theirs.cancel_order(id.0).is_err());
            return;
        };
        let price = self.price(before.side);
        self.fills.clear();
        let placed = self
            .ours
            .reprice(id, price, self.now, &Nowhere, &mut self.fills)
            .unwrap();
        assert!(self.theirs.cancel_order(id.0).is_ok());
        self.submit(&placed.order, before.quantity);
    }

    fn compare_best(&self) {
        for side in [Side::Buy, Side::Sell] {
            let best = self.ours.levels(TYPE, side).next();
            let ours = best.map(|level| (Decimal::from(level.price.0), Decimal::from(level.units)));
            let other = self
                .theirs
                .get_highest_priority_price_quantity(theirs(side));
            assert_eq!(ours, other);
            let first = self.ours.listed(TYPE, side).next().map(|order| order.id.0);
            assert_eq!(first, self.theirs.get_highest_priority_order(theirs(side)));
        }
    }

    /// Everything that is left, by buying and selling all of theirs.
    fn compare_all(mut self) {
        for side in [Side::Buy, Side::Sell] {
            let left: Vec<Trade> = self
                .ours
                .listed(TYPE, side)
                .map(|order| (order.id.0, order.quantity, order.value().unwrap().0))
                .collect();
            assert!(left.len() > 100, "{} orders are left", left.len());
            let all: u64 = left.iter().map(|(_, quantity, _)| quantity).sum();
            let taker = order_id(RegionId(2), 1).0;
            let matches = self
                .theirs
                .process_market_order(taker, theirs(side.opposite()), Decimal::from(all))
                .unwrap();
            assert_eq!(partners(taker, &matches), left);
            assert_eq!(self.theirs.get_highest_priority_order(theirs(side)), None);
        }
    }
}

/// What the other book says about the partners of an order; the order itself is the last.
fn partners(incoming: u64, matches: &[OrderMatch<u64>]) -> Vec<Trade> {
    let Some((own, partners)) = matches.split_last() else {
        return Vec::new();
    };
    assert_eq!(own.order, incoming);
    partners
        .iter()
        .map(|partner| {
            let cents: i64 = whole(partner.cost.abs());
            (partner.order, whole(partner.quantity), cents)
        })
        .collect()
}

#[test]
fn a_million_events_trade_as_in_another_book() {
    let mut pair = Pair::new();
    for event in 0..EVENTS {
        pair.event();
        if event % 1_000 == 0 {
            pair.compare_best();
        }
    }
    // The events were of all kinds, or the comparison says little.
    assert!(pair.trades > 300_000, "{} trades", pair.trades);
    assert!(pair.gone > 50_000, "{} cancelled", pair.gone);
    pair.compare_all();
}
