//! A book that is a list: every question is answered by looking at all orders. It shares the
//! shapes of orders and fills with the book, and none of its rules.

use core::cmp::Reverse;

use orrery_base::TypeId;
use orrery_base::value::{OrderId, OrderRange};

use super::fixture::LINE;
use crate::WallTime;
use crate::market::{Distances as _, Fill, Order, Placed, PriceRule, Side};

pub(super) struct Model {
    rule: PriceRule,
    sequence: u64,
    pub(super) orders: Vec<Order>,
}

impl Model {
    pub(super) const fn new(rule: PriceRule) -> Self {
        Self {
            rule,
            sequence: 1,
            orders: Vec::new(),
        }
    }

    pub(super) fn in_priority(&self, type_id: TypeId, side: Side) -> Vec<Order> {
        let mut found: Vec<Order> = self.orders.clone();
        found.retain(|order| order.type_id == type_id && order.side == side);
        match side {
            Side::Buy => found.sort_by_key(|order| (Reverse(order.price), order.sequence)),
            Side::Sell => found.sort_by_key(|order| (order.price, order.sequence)),
        }
        found
    }

    pub(super) fn enter(&mut self, mut order: Order, fills: &mut Vec<Fill>) -> Placed {
        order.sequence = self.sequence;
        self.sequence += 1;
        let wanted = order.quantity;
        let other = match order.side {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        };
        for mut partner in self.in_priority(order.type_id, other) {
            let (buy, sell) = match order.side {
                Side::Buy => (order, partner),
                Side::Sell => (partner, order),
            };
            let quantity = order.quantity.min(partner.quantity);
            let enough = quantity >= buy.minimum || quantity == buy.quantity;
            if quantity == 0 || buy.price < sell.price || !enough || !reaches(&buy, &sell) {
                continue;
            }
            order.quantity -= quantity;
            partner.quantity -= quantity;
            fills.push(Fill {
                type_id: order.type_id,
                incoming: order.id,
                resting: partner.id,
                incoming_side: order.side,
                buyer: buy.owner,
                seller: sell.owner,
                quantity,
                price: match self.rule {
                    PriceRule::Incoming => order.price,
                    PriceRule::Resting => partner.price,
                },
                buy_limit: buy.price,
                station: sell.station,
                resting_left: partner.quantity,
            });
            self.orders.retain(|order| order.id != partner.id);
            if partner.quantity > 0 {
                self.orders.push(partner);
            }
        }
        let rests = order.quantity > 0 && order.expires > order.placed;
        if rests {
            self.orders.push(order);
        }
        Placed {
            order,
            filled: wanted - order.quantity,
            rests,
        }
    }

    pub(super) fn cancel(&mut self, id: OrderId) -> Option<Order> {
        let index = self.orders.iter().position(|order| order.id == id)?;
        Some(self.orders.remove(index))
    }

    pub(super) fn expire(&mut self, now: WallTime) -> Vec<Order> {
        let mut ended: Vec<Order> = self.orders.clone();
        ended.retain(|order| order.expires <= now);
        ended.sort_by_key(|order| (order.expires, order.id));
        self.orders.retain(|order| order.expires > now);
        ended
    }
}

fn reaches(buy: &Order, sell: &Order) -> bool {
    let most = match buy.range {
        OrderRange::Region => return true,
        OrderRange::Station => return buy.station == sell.station,
        OrderRange::System => 0,
        OrderRange::Jumps(most) => u32::from(most),
    };
    matches!(LINE.jumps(buy.system, sell.system), Some(jumps) if jumps <= most)
}
