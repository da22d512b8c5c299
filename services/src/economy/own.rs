//! What a character's home knows of the character's orders: they rest in the markets of regions,
//! which tell the home of every change.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | own order | `Market` | `16`, partition, character, order | the order, as the market stores it |

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::CharacterId;
use orrery_base::value::OrderId;
use orrery_storage::{Batch, Domain, KeyRange, Order as ScanOrder, Rows};

use crate::custody::PartitionIndex;
use crate::market::Order;
use crate::market::rows::{decode_order, encode_order};
use crate::rows::{RowError, fixed_key};

const TAG: u8 = 16;

/// The orders of the characters whose wallets are in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnOrders {
    orders: BTreeMap<CharacterId, BTreeMap<OrderId, Order>>,
    changed: BTreeSet<(CharacterId, OrderId)>,
}

impl OwnOrders {
    pub(super) fn get(&self, owner: CharacterId, order: OrderId) -> Option<&Order> {
        self.orders.get(&owner)?.get(&order)
    }

    pub(super) fn of(&self, owner: CharacterId) -> impl Iterator<Item = &Order> {
        self.orders
            .get(&owner)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Takes in what is stored.
    pub(super) fn activate(&mut self, owner: CharacterId, orders: &[Order]) {
        if !orders.is_empty() {
            let orders = orders.iter().map(|order| (order.id, *order));
            self.orders.insert(owner, orders.collect());
        }
    }

    pub(super) fn forget(&mut self, owner: CharacterId) {
        self.orders.remove(&owner);
    }

    pub(super) fn set(&mut self, order: Order) {
        self.changed.insert((order.owner, order.id));
        let own = self.orders.entry(order.owner).or_default();
        own.insert(order.id, order);
    }

    /// So many units are left of an order; with none it has ended.
    pub(super) fn left(&mut self, owner: CharacterId, id: OrderId, left: u64) {
        let Some(own) = self.orders.get_mut(&owner) else {
            return;
        };
        if let Some(order) = own.get_mut(&id) {
            self.changed.insert((owner, id));
            if left > 0 {
                order.quantity = left;
            } else {
                own.remove(&id);
            }
        }
    }

    pub(super) fn write(&mut self, partition: PartitionIndex, out: &mut Batch) {
        for (owner, id) in core::mem::take(&mut self.changed) {
            let key = key(partition, owner, Some(id));
            match self.get(owner, id) {
                Some(order) => out.put(Domain::Market, key, encode_order(order)),
                None => out.delete(Domain::Market, key),
            }
        }
    }
}

fn key(partition: PartitionIndex, owner: CharacterId, order: Option<OrderId>) -> Vec<u8> {
    let mut key = vec![TAG];
    key.extend_from_slice(&partition.0.to_be_bytes());
    key.extend_from_slice(&owner.0.to_be_bytes());
    if let Some(order) = order {
        key.extend_from_slice(&order.0.to_be_bytes());
    }
    key
}

/// Reads the orders of a character.
pub(super) fn read(
    rows: &impl Rows,
    partition: PartitionIndex,
    owner: CharacterId,
) -> Result<Vec<Order>, RowError> {
    let range = KeyRange::prefix(&key(partition, owner, None));
    rows.scan(Domain::Market, range, ScanOrder::Ascending)
        .map(|row| {
            let row = row?;
            let [.., a, b, c, d, e, f, g, h] = fixed_key::<19>(Domain::Market, &row.key)?;
            let id = OrderId(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
            decode_order(id, &row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))
        })
        .collect()
}
