//! The order book of a region: orders of all types, matched by price and then by time.
//!
//! An order that comes in looks at the orders of the other side, the best price first and at one
//! price the one that has been there longest, and trades with each that it can until nothing is
//! left of it. What is left rests, or ends if it may not rest. It can trade with an order if
//! - the buyer's price is at least the seller's,
//! - the seller's station is within the buyer's range, and
//! - the units that would change hands are not fewer than the buyer's minimum, unless fewer are
//!   still wanted.
//!
//! Each order of the other side is looked at once, in that order. One that was passed over
//! because of a minimum is not looked at again, not even if so little is wanted in the end that
//! it would do. Orders that rest never begin a trade: two that could trade with each other stay
//! as they are until one of them gets another price or a third one comes.
//!
//! Two orders of one character trade with each other like any others, as in EVE; whoever does
//! not want that has to look before placing. It costs them the fees.
//!
//! **Invariants**
//! - An order is in the index by id, in exactly one queue, in the index by owner and in the index
//!   by end, or in none of them.
//! - A queue is sorted by [`Order::sequence`], which is unique in a book and never reused. A
//!   level's sums are those of its orders; there are no empty levels.
//! - An order that rests has 1 to `initial` units left and may rest.
//! - `quantity` of an order and the quantities of all its fills add up to `initial`.
//! - A change of an order is in the set of changes until [`Book::write_changes`] takes it.
//!
//! Cost: placing, cancelling and ending take O(log n) of n orders. A trade takes O(1), finding the
//! next price O(log n). Passing over an order that cannot trade takes some 25 ns, and there can be
//! as many of those as the other side has orders of the type within the price. An order takes
//! about 270 bytes with its indices. Measured by `services/examples/market_rate.rs`.

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::CharacterId;
use orrery_base::money::Money;
use orrery_base::value::{OrderId, QUANTITY_MAX};

use self::shelf::Shelf;
use super::RegionId;
use super::fees::PriceRule;
use super::order::{Distances, Fill, Order, Placed, Side};
use super::rows::order_id;
use crate::WallTime;

pub(crate) mod shelf;

/// Most orders in one book. With [`QUANTITY_MAX`] units each their sum still fits 64 bits.
pub const BOOK_ORDERS_MAX: usize = 1 << 23;

/// Why an order was not placed. Not a player's mistake, if the terms were checked; nothing has
/// changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlaceError {
    /// An order with this id rests already.
    #[error("order {0:?} rests already")]
    Twice(OrderId),
    /// The price is not positive.
    #[error("a price of {0} is not possible")]
    Price(Money),
    /// The quantity is not from 1 to `QUANTITY_MAX`, or the minimum not from 1 to the quantity.
    #[error("{quantity} units, at least {minimum}, are not possible")]
    Quantity {
        /// Units.
        quantity: u64,
        /// Fewest units at a time.
        minimum: u64,
    },
    /// There are [`BOOK_ORDERS_MAX`] orders.
    #[error("the book is full")]
    Full,
}

/// The orders of a region. See the module's page.
#[derive(Clone, Debug)]
pub struct Book {
    pub(super) partition: u16,
    pub(super) region: RegionId,
    pub(super) rule: PriceRule,
    /// The next order's serial.
    pub(super) next_serial: u64,
    /// The next place in time.
    pub(super) next_sequence: u64,
    /// Whether the two have changed since they were written.
    pub(super) counters_changed: bool,
    /// Orders that have changed since they were written, and whether there is a row of them.
    pub(super) changes: BTreeMap<OrderId, bool>,
    pub(super) shelf: Shelf,
    pub(super) places: BTreeMap<OrderId, u32>,
    pub(super) owners: BTreeSet<(CharacterId, OrderId)>,
    pub(super) ends: BTreeSet<(WallTime, OrderId)>,
}

impl Book {
    /// An empty book. The partition is where its rows are.
    #[must_use]
    pub const fn new(partition: u16, region: RegionId, rule: PriceRule) -> Self {
        Self {
            partition,
            region,
            rule,
            next_serial: 1,
            next_sequence: 1,
            counters_changed: false,
            changes: BTreeMap::new(),
            shelf: Shelf::new(),
            places: BTreeMap::new(),
            owners: BTreeSet::new(),
            ends: BTreeSet::new(),
        }
    }

    /// Which region.
    #[must_use]
    pub const fn region(&self) -> RegionId {
        self.region
    }

    /// An id for an order of this region that was never given before.
    pub const fn mint(&mut self) -> OrderId {
        let id = order_id(self.region, self.next_serial);
        self.next_serial += 1;
        self.counters_changed = true;
        id
    }

    /// Places an order: it trades with what is there, and what is left of it rests if it
    /// [may](Order::may_rest). Its `sequence` is given by the book, its `quantity` is what it
    /// has left to trade.
    ///
    /// Fills are added to `fills` in the order of the trades.
    ///
    /// # Errors
    /// [`PlaceError`]; nothing has changed then.
    pub fn place(
        &mut self,
        order: Order,
        distances: &impl Distances,
        fills: &mut Vec<Fill>,
    ) -> Result<Placed, PlaceError> {
        if self.places.contains_key(&order.id) {
            return Err(PlaceError::Twice(order.id));
        }
        if order.price.0 <= 0 {
            return Err(PlaceError::Price(order.price));
        }
        let quantity_ok =
            (1..=order.initial).contains(&order.quantity) && order.initial <= QUANTITY_MAX;
        let minimum_ok = order.side == Side::Sell || (1..=order.initial).contains(&order.minimum);
        if !quantity_ok || !minimum_ok {
            return Err(PlaceError::Quantity {
                quantity: order.quantity,
                minimum: order.minimum,
            });
        }
        if self.places.len() >= BOOK_ORDERS_MAX {
            return Err(PlaceError::Full);
        }
        Ok(self.enter(order, distances, fills))
    }

    /// Takes an order out. `None` if it does not rest; else the order with what is left of it,
    /// which the caller gives back.
    pub fn cancel(&mut self, id: OrderId) -> Option<Order> {
        let place = self.places.get(&id).copied()?;
        Some(self.remove(place))
    }

    /// Gives an order another price: it goes to the end of that price's queue, and may trade at
    /// once as if it came in now. `None` if it does not rest or the price is not positive.
    ///
    /// Whose it is and whether the price [may](super::MarketRules::may_change) be changed is the
    /// caller's to ask, with [`Book::order`], before.
    pub fn reprice(
        &mut self,
        id: OrderId,
        price: Money,
        now: WallTime,
        distances: &impl Distances,
        fills: &mut Vec<Fill>,
    ) -> Option<Placed> {
        if price.0 <= 0 {
            return None;
        }
        let mut order = self.cancel(id)?;
        order.price = price;
        order.changed = now;
        Some(self.enter(order, distances, fills))
    }

    /// Takes out every order whose time is over, and adds it to `out`: the first to end first,
    /// the older id first among those of one time. Belongs at the beginning of a beat: matching
    /// itself does not look at the time.
    pub fn expire(&mut self, now: WallTime, out: &mut Vec<Order>) {
        while let Some(&(ends, id)) = self.ends.first() {
            if ends > now {
                break;
            }
            let order = self.cancel(id);
            out.push(order.expect("an order that has an end is in the book"));
        }
    }

    fn enter(
        &mut self,
        mut order: Order,
        distances: &impl Distances,
        fills: &mut Vec<Fill>,
    ) -> Placed {
        order.sequence = self.next_sequence;
        self.next_sequence += 1;
        self.counters_changed = true;
        let wanted = order.quantity;
        self.trade(&mut order, distances, fills);
        let rests = order.quantity > 0 && order.may_rest();
        if rests {
            self.touch(order.id, false);
            self.insert(order);
        }
        Placed {
            order,
            filled: wanted - order.quantity,
            rests,
        }
    }

    /// Trades an incoming order as far as it goes.
    fn trade(&mut self, order: &mut Order, distances: &impl Distances, fills: &mut Vec<Fill>) {
        let other = order.side.opposite();
        let mut price = self.shelf.best(other, order.type_id);
        while let Some(level) = price {
            let crosses = match order.side {
                Side::Buy => level <= order.price,
                Side::Sell => level >= order.price,
            };
            if !crosses || order.quantity == 0 {
                break;
            }
            self.trade_at(level, order, distances, fills);
            price = self.shelf.worse(other, order.type_id, level);
        }
    }

    /// Trades an incoming order with the orders of one price.
    fn trade_at(
        &mut self,
        level: Money,
        order: &mut Order,
        distances: &impl Distances,
        fills: &mut Vec<Fill>,
    ) {
        let mut next = self
            .shelf
            .first(order.side.opposite(), order.type_id, level);
        while let Some(place) = next {
            if order.quantity == 0 {
                break;
            }
            let resting = self.shelf.order(place);
            next = self.shelf.after(place);
            let quantity = tradable(order, resting, distances);
            if quantity == 0 {
                continue;
            }
            let fill = self.fill(order, resting, quantity);
            let id = resting.id;
            order.quantity -= quantity;
            self.touch(id, true);
            if fill.resting_left == 0 {
                self.remove(place);
            } else {
                self.shelf.take(place, quantity);
            }
            fills.push(fill);
        }
    }

    fn fill(&self, incoming: &Order, resting: &Order, quantity: u64) -> Fill {
        let (buy, sell) = match incoming.side {
            Side::Buy => (incoming, resting),
            Side::Sell => (resting, incoming),
        };
        Fill {
            type_id: incoming.type_id,
            incoming: incoming.id,
            resting: resting.id,
            incoming_side: incoming.side,
            buyer: buy.owner,
            seller: sell.owner,
            quantity,
            price: match self.rule {
                PriceRule::Incoming => incoming.price,
                PriceRule::Resting => resting.price,
            },
            buy_limit: buy.price,
            station: sell.station,
            resting_left: resting.quantity - quantity,
        }
    }

    /// Puts an order into all indices. Its sequence is greater than any other's.
    pub(super) fn insert(&mut self, order: Order) {
        let place = self.shelf.push(order);
        self.places.insert(order.id, place);
        self.owners.insert((order.owner, order.id));
        self.ends.insert((order.expires, order.id));
    }

    fn remove(&mut self, place: u32) -> Order {
        let order = self.shelf.remove(place);
        self.touch(order.id, true);
        self.places.remove(&order.id);
        self.owners.remove(&(order.owner, order.id));
        self.ends.remove(&(order.expires, order.id));
        order
    }

    /// Notes that an order has changed. `has_row`: whether it has a row if it has not changed
    /// since the last time they were written.
    fn touch(&mut self, id: OrderId, has_row: bool) {
        self.changes.entry(id).or_insert(has_row);
    }
}

/// Units that an incoming order trades with one that rests, within whose price it is; 0: they do
/// not trade.
fn tradable(incoming: &Order, resting: &Order, distances: &impl Distances) -> u64 {
    let (buy, sell) = match incoming.side {
        Side::Buy => (incoming, resting),
        Side::Sell => (resting, incoming),
    };
    let quantity = buy.quantity.min(sell.quantity);
    if quantity >= buy.least() && buy.reaches(sell.station, sell.system, distances) {
        quantity
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
