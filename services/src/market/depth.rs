//! What can be seen of a book: single orders, prices, depth. Nothing here changes anything.

use core::ops::Bound;

use orrery_base::money::Money;
use orrery_base::value::OrderId;
use orrery_base::{CharacterId, TypeId};

use super::book::Book;
use super::order::{Order, Side};

/// All orders of one type and side at one price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DepthLevel {
    /// The price of a unit.
    pub price: Money,
    /// Units of all orders.
    pub units: u64,
    /// Orders.
    pub orders: u32,
}

/// The depth of a type's market: both sides, the best price first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    /// What is wanted, the highest price first.
    pub buys: Vec<DepthLevel>,
    /// What is on offer, the lowest price first.
    pub sells: Vec<DepthLevel>,
}

impl Book {
    /// Orders that rest.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no order rests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// An order, if it rests.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        let place = self.places.get(&id)?;
        Some(self.shelf.order(*place))
    }

    /// All orders, by id.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.places.values().map(|place| self.shelf.order(*place))
    }

    /// The orders of a character in this region, by id. Cost: O(log n) for each.
    pub fn orders_of(&self, owner: CharacterId) -> impl Iterator<Item = &Order> {
        self.owners
            .range((owner, OrderId(0))..=(owner, OrderId(u64::MAX)))
            .filter_map(|(_, id)| self.order(*id))
    }

    /// How many orders a character has in this region.
    #[must_use]
    pub fn count_of(&self, owner: CharacterId) -> usize {
        self.owners
            .range((owner, OrderId(0))..=(owner, OrderId(u64::MAX)))
            .count()
    }

    /// The best price of a type, wherever it may be: the highest that is bid, the lowest that is
    /// asked.
    #[must_use]
    pub fn best(&self, type_id: TypeId, side: Side) -> Option<Money> {
        self.shelf.best(side, type_id)
    }

    /// The orders of one type and side in the order in which they would trade.
    pub fn listed(&self, type_id: TypeId, side: Side) -> impl Iterator<Item = &Order> {
        let mut price = self.shelf.best(side, type_id);
        let mut place = price.and_then(|price| self.shelf.first(side, type_id, price));
        core::iter::from_fn(move || {
            let here = place?;
            place = self.shelf.after(here);
            if place.is_none() {
                price = price.and_then(|than| self.shelf.worse(side, type_id, than));
                place = price.and_then(|price| self.shelf.first(side, type_id, price));
            }
            Some(self.shelf.order(here))
        })
    }

    /// The prices of one type and side, the best first, with the sums of their orders. Cost: O(1)
    /// for each price, however many orders it has.
    pub fn levels(&self, type_id: TypeId, side: Side) -> impl Iterator<Item = DepthLevel> {
        let (low, high) = ((type_id, Money(0)), (type_id, Money(i64::MAX)));
        let mut levels = self.shelf.levels(side).range(low..=high);
        core::iter::from_fn(move || {
            let next = match side {
                Side::Buy => levels.next_back(),
                Side::Sell => levels.next(),
            };
            next.map(|((_, price), level)| DepthLevel {
                price: *price,
                units: level.units,
                orders: level.orders,
            })
        })
    }

    /// The depth of a type: at most so many prices of each side.
    #[must_use]
    pub fn depth(&self, type_id: TypeId, prices_max: usize) -> Depth {
        Depth {
            buys: self.levels(type_id, Side::Buy).take(prices_max).collect(),
            sells: self.levels(type_id, Side::Sell).take(prices_max).collect(),
        }
    }

    /// The types that have orders on this side, by id. Cost: O(log n) for each.
    pub fn types(&self, side: Side) -> impl Iterator<Item = TypeId> {
        let levels = self.shelf.levels(side);
        let mut from = Bound::Unbounded;
        core::iter::from_fn(move || {
            let ((type_id, _), _) = levels.range((from, Bound::Unbounded)).next()?;
            from = Bound::Excluded((*type_id, Money(i64::MAX)));
            Some(*type_id)
        })
    }
}

#[cfg(test)]
mod tests;
