//! Where orders lie: one queue per type, side and price, in an arena.
//!
//! A queue is a list that is linked both ways through the arena, so that an order leaves it
//! without a search and the one that follows is found while the queue changes. Places of the
//! arena are reused and mean nothing: no result depends on them.

use std::collections::BTreeMap;

use orrery_base::TypeId;
use orrery_base::money::Money;

use crate::market::order::{Order, Side};

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    order: Order,
    before: u32,
    after: u32,
}

/// The orders of one type, side and price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level {
    first: u32,
    last: u32,
    /// Orders in the queue, at least 1.
    pub(crate) orders: u32,
    /// Units of all of them.
    pub(crate) units: u64,
}

/// Queues of one side, by type and price.
pub(crate) type Levels = BTreeMap<(TypeId, Money), Level>;

/// All queues of a book.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    nodes: Vec<Node>,
    free: Vec<u32>,
    buys: Levels,
    sells: Levels,
}

impl Shelf {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            free: Vec::new(),
            buys: Levels::new(),
            sells: Levels::new(),
        }
    }

    pub(crate) const fn levels(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.buys,
            Side::Sell => &self.sells,
        }
    }

    const fn levels_mut(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    pub(crate) fn order(&self, place: u32) -> &Order {
        &self.nodes[place as usize].order
    }

    /// The best price of a type: the highest of buyers, the lowest of sellers.
    pub(crate) fn best(&self, side: Side, type_id: TypeId) -> Option<Money> {
        let (low, high) = ((type_id, Money(0)), (type_id, Money(i64::MAX)));
        let mut prices = self.levels(side).range(low..=high);
        let best = match side {
            Side::Buy => prices.next_back(),
            Side::Sell => prices.next(),
        };
        best.map(|((_, price), _)| *price)
    }

    /// The best price that is worse than this one.
    pub(crate) fn worse(&self, side: Side, type_id: TypeId, than: Money) -> Option<Money> {
        let levels = self.levels(side);
        let worse = match side {
            Side::Buy => levels
                .range((type_id, Money(0))..(type_id, than))
                .next_back(),
            Side::Sell => {
                // One cent more than the highest price is no price, and nothing is there.
                let above = (type_id, Money(than.0.saturating_add(1)));
                let found = levels.range(above..=(type_id, Money(i64::MAX))).next();
                found.filter(|((_, price), _)| *price > than)
            }
        };
        worse.map(|((_, price), _)| *price)
    }

    /// The place of the oldest order at a price.
    pub(crate) fn first(&self, side: Side, type_id: TypeId, price: Money) -> Option<u32> {
        let level = self.levels(side).get(&(type_id, price));
        level.map(|level| level.first)
    }

    /// The place of the next order in the queue.
    pub(crate) fn after(&self, place: u32) -> Option<u32> {
        let after = self.nodes[place as usize].after;
        (after != NONE).then_some(after)
    }

    /// Puts an order at the end of its queue.
    pub(crate) fn push(&mut self, order: Order) -> u32 {
        let node = Node {
            order,
            before: NONE,
            after: NONE,
        };
        let place = if let Some(place) = self.free.pop() {
            self.nodes[place as usize] = node;
            place
        } else {
            self.nodes.push(node);
            u32::try_from(self.nodes.len() - 1).expect("a book is full long before 2^32 orders")
        };
        let level = self
            .levels_mut(order.side)
            .entry((order.type_id, order.price))
            .or_insert(Level {
                first: place,
                last: NONE,
                orders: 0,
                units: 0,
            });
        let last = level.last;
        level.last = place;
        level.orders += 1;
        level.units += order.quantity;
        if last != NONE {
            self.nodes[last as usize].after = place;
            self.nodes[place as usize].before = last;
        }
        place
    }

    /// Takes units off an order that keeps some.
    pub(crate) fn take(&mut self, place: u32, quantity: u64) {
        let order = &mut self.nodes[place as usize].order;
        order.quantity -= quantity;
        let (side, key) = (order.side, (order.type_id, order.price));
        let level = self.levels_mut(side).get_mut(&key);
        level.expect("an order's level is there").units -= quantity;
    }

    /// Takes an order out.
    pub(crate) fn remove(&mut self, place: u32) -> Order {
        let Node {
            order,
            before,
            after,
        } = self.nodes[place as usize];
        self.free.push(place);
        if before != NONE {
            self.nodes[before as usize].after = after;
        }
        if after != NONE {
            self.nodes[after as usize].before = before;
        }
        let key = (order.type_id, order.price);
        let levels = self.levels_mut(order.side);
        let level = levels.get_mut(&key).expect("an order's level is there");
        if level.orders == 1 {
            levels.remove(&key);
            return order;
        }
        level.orders -= 1;
        level.units -= order.quantity;
        if level.first == place {
            level.first = after;
        }
        if level.last == place {
            level.last = before;
        }
        order
    }

    /// Orders in the arena.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }
}
