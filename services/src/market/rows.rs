//! The bytes of the market in [`Domain::Market`].
//!
//! Keys are big-endian, so that they sort as they count; values are a version byte and then
//! little-endian integers of fixed width.
//!
//! | row | key | value |
//! | --- | --- | --- |
//! | counters of a region | `1`, partition u16, region u16 | next serial u64, next sequence u64 |
//! | order | `2`, partition u16, region u16, order u64 | see [`encode_order`] |
//! | candle | `3`, partition u16, region u16, type u32, day u32 | see [`encode_candle`] |
//!
//! **Invariants**
//! - Reading never panics: bytes that are no such row are an error that names the row.
//! - `decode ∘ encode` is the identity, and there is one encoding only: what decodes encodes to
//!   the same bytes.
//! - The counters are greater than every serial and sequence in the region's rows. A book whose
//!   rows say otherwise is not loaded.

use orrery_base::money::Money;
use orrery_base::value::{OrderId, OrderRange, QUANTITY_MAX};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};
use orrery_storage::{Batch, Domain, KeyRange, Order as ScanOrder, Rows};

use super::book::BOOK_ORDERS_MAX;
use super::candles::{Candle, Day};
use super::order::{Order, Side};
use super::{Book, PriceRule, RegionId};
use crate::WallTime;
use crate::record::RecordError;
use crate::rows::{RowError, fixed_key};

const TAG_COUNTERS: u8 = 1;
const TAG_ORDER: u8 = 2;
pub(super) const TAG_CANDLE: u8 = 3;

const COUNTERS_VERSION: u8 = 1;
const ORDER_VERSION: u8 = 1;
const CANDLE_VERSION: u8 = 1;

/// Bits of an order's id that are its serial in its region.
const SERIAL_BITS: u32 = 44;

/// The order with this serial, which starts at 1, of a region.
#[must_use]
pub const fn order_id(region: RegionId, serial: u64) -> OrderId {
    OrderId((region.0 as u64 + 1) << SERIAL_BITS | serial & ((1 << SERIAL_BITS) - 1))
}

/// The region that an order is in; `None` if the id is none that [`order_id`] gives.
#[must_use]
pub const fn region_of(order: OrderId) -> Option<RegionId> {
    let region = order.0 >> SERIAL_BITS;
    let serial = serial_of(order);
    if region == 0 || region > u16::MAX as u64 + 1 || serial == 0 {
        return None;
    }
    // The shifted number is from 1 to 2^16.
    Some(RegionId((region - 1) as u16))
}

const fn serial_of(order: OrderId) -> u64 {
    order.0 & ((1 << SERIAL_BITS) - 1)
}

/// The first five bytes of a key.
pub(super) fn head(tag: u8, partition: u16, region: RegionId) -> [u8; 5] {
    let [p0, p1] = partition.to_be_bytes();
    let [r0, r1] = region.0.to_be_bytes();
    [tag, p0, p1, r0, r1]
}

/// The key of an order's row.
#[must_use]
pub fn order_key(partition: u16, region: RegionId, order: OrderId) -> Vec<u8> {
    let mut key = head(TAG_ORDER, partition, region).to_vec();
    key.extend_from_slice(&order.0.to_be_bytes());
    key
}

/// The key of a candle's row.
#[must_use]
pub fn candle_key(partition: u16, region: RegionId, type_id: TypeId, day: Day) -> Vec<u8> {
    let mut key = head(TAG_CANDLE, partition, region).to_vec();
    key.extend_from_slice(&type_id.0.to_be_bytes());
    key.extend_from_slice(&day.0.to_be_bytes());
    key
}

/// Type and day of a candle's key, whose first five bytes are known.
pub(super) fn decode_candle_key(key: &[u8]) -> Result<(TypeId, Day), RowError> {
    let [_, _, _, _, _, t0, t1, t2, t3, d0, d1, d2, d3] = fixed_key::<13>(Domain::Market, key)?;
    Ok((
        TypeId(u32::from_be_bytes([t0, t1, t2, t3])),
        Day(u32::from_be_bytes([d0, d1, d2, d3])),
    ))
}

/// Bytes of an order, without its id, which is in the key: version; side u8; range u8 (0 to 252:
/// so many jumps, 253 station, 254 system, 255 region); type u32; system u32; then 64 bits each:
/// owner, station, price, quantity, initial, minimum, placed, changed, expires, sequence.
#[must_use]
pub fn encode_order(order: &Order) -> Vec<u8> {
    let range = match order.range {
        OrderRange::Jumps(jumps) => jumps,
        OrderRange::Station => 253,
        OrderRange::System => 254,
        OrderRange::Region => 255,
    };
    let mut bytes = Vec::with_capacity(91);
    bytes.extend_from_slice(&[ORDER_VERSION, order.side as u8, range]);
    bytes.extend_from_slice(&order.type_id.0.to_le_bytes());
    bytes.extend_from_slice(&order.system.0.to_le_bytes());
    let words = [
        order.owner.0,
        order.station.0,
        order.price.0.cast_unsigned(),
        order.quantity,
        order.initial,
        order.minimum,
        order.placed.0,
        order.changed.0,
        order.expires.0,
        order.sequence,
    ];
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The order with this id in these bytes.
///
/// # Errors
/// [`RecordError`] if they are none, or one that cannot rest.
pub fn decode_order(id: OrderId, bytes: &[u8]) -> Result<Order, RecordError> {
    let mut reader = Reader::new(ORDER_VERSION, bytes)?;
    let side = match reader.u8()? {
        1 => Side::Buy,
        2 => Side::Sell,
        other => return Err(damaged(format!("{other} is no side"))),
    };
    let range = match reader.u8()? {
        253 => OrderRange::Station,
        254 => OrderRange::System,
        255 => OrderRange::Region,
        jumps => OrderRange::Jumps(jumps),
    };
    let order = Order {
        id,
        side,
        range,
        type_id: TypeId(reader.u32()?),
        system: SystemId(reader.u32()?),
        owner: CharacterId(reader.u64()?),
        station: EntityId(reader.u64()?),
        price: Money(reader.u64()?.cast_signed()),
        quantity: reader.u64()?,
        initial: reader.u64()?,
        minimum: reader.u64()?,
        placed: WallTime(reader.u64()?),
        changed: WallTime(reader.u64()?),
        expires: WallTime(reader.u64()?),
        sequence: reader.u64()?,
    };
    reader.end()?;
    let possible = order.price.0 > 0
        && (1..=order.initial).contains(&order.quantity)
        && order.initial <= QUANTITY_MAX
        && (side == Side::Sell || (1..=order.initial).contains(&order.minimum))
        && order.may_rest();
    if possible {
        Ok(order)
    } else {
        Err(damaged("an order that cannot rest"))
    }
}

/// Bytes of a candle: version; then 64 bits each: open, high, low, close, volume, trades; then
/// turnover u128.
#[must_use]
pub fn encode_candle(candle: &Candle) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(65);
    bytes.push(CANDLE_VERSION);
    for price in [candle.open, candle.high, candle.low, candle.close] {
        bytes.extend_from_slice(&price.0.to_le_bytes());
    }
    bytes.extend_from_slice(&candle.volume.to_le_bytes());
    bytes.extend_from_slice(&candle.trades.to_le_bytes());
    bytes.extend_from_slice(&candle.turnover.to_le_bytes());
    bytes
}

/// The candle in these bytes.
///
/// # Errors
/// [`RecordError`] if they are none.
pub fn decode_candle(bytes: &[u8]) -> Result<Candle, RecordError> {
    let mut reader = Reader::new(CANDLE_VERSION, bytes)?;
    let candle = Candle {
        open: Money(reader.u64()?.cast_signed()),
        high: Money(reader.u64()?.cast_signed()),
        low: Money(reader.u64()?.cast_signed()),
        close: Money(reader.u64()?.cast_signed()),
        volume: reader.u64()?,
        trades: reader.u64()?,
        turnover: reader.u128()?,
    };
    reader.end()?;
    let within = candle.low..=candle.high;
    if within.contains(&candle.open) && within.contains(&candle.close) && candle.trades > 0 {
        Ok(candle)
    } else {
        Err(damaged("prices of a day that are not in order"))
    }
}

impl Book {
    /// Adds the rows of everything that has changed since the last call: one for each order, by
    /// id, and the counters. An order that came and went meanwhile leaves none.
    pub fn write_changes(&mut self, out: &mut Batch) {
        let (partition, region) = (self.partition, self.region);
        if self.counters_changed {
            self.counters_changed = false;
            let mut bytes = vec![COUNTERS_VERSION];
            bytes.extend_from_slice(&self.next_serial.to_le_bytes());
            bytes.extend_from_slice(&self.next_sequence.to_le_bytes());
            out.put(Domain::Market, head(TAG_COUNTERS, partition, region), bytes);
        }
        for (id, has_row) in core::mem::take(&mut self.changes) {
            let key = order_key(partition, region, id);
            match self.order(id) {
                Some(order) => out.put(Domain::Market, key, encode_order(order)),
                None if has_row => out.delete(Domain::Market, key),
                None => {}
            }
        }
    }

    /// Whether [`Book::write_changes`] would write anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.counters_changed || !self.changes.is_empty()
    }

    /// The book of a region as its rows have it; an empty one if there are none.
    ///
    /// # Errors
    /// [`RowError`] if the store cannot be read or the rows contradict each other.
    pub fn load(
        rows: &impl Rows,
        partition: u16,
        region: RegionId,
        rule: PriceRule,
    ) -> Result<Self, RowError> {
        let mut book = Self::new(partition, region, rule);
        let counters_key = head(TAG_COUNTERS, partition, region);
        let counters = rows.get(Domain::Market, &counters_key)?;
        if let Some(bytes) = &counters {
            (book.next_serial, book.next_sequence) = decode_counters(bytes)
                .map_err(|reason| RowError::damaged(Domain::Market, &counters_key, reason))?;
        }
        let mut orders = Vec::new();
        let range = KeyRange::prefix(&head(TAG_ORDER, partition, region));
        for row in rows.scan(Domain::Market, range, ScanOrder::Ascending) {
            let row = row?;
            if counters.is_none() {
                return Err(RowError::missing(Domain::Market, &counters_key));
            }
            let [_, _, _, _, _, id @ ..] = fixed_key::<13>(Domain::Market, &row.key)?;
            let order = book
                .stored_order(OrderId(u64::from_be_bytes(id)), &row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))?;
            orders.push(order);
        }
        orders.sort_unstable_by_key(|order| order.sequence);
        let twice = orders
            .windows(2)
            .find(|pair| pair[0].sequence == pair[1].sequence);
        if let Some([_, order]) = twice {
            let key = order_key(partition, region, order.id);
            let reason = damaged("two orders have the same place in time");
            return Err(RowError::damaged(Domain::Market, &key, reason));
        }
        if orders.len() > BOOK_ORDERS_MAX {
            let reason = damaged("more orders than a book holds");
            return Err(RowError::damaged(Domain::Market, &counters_key, reason));
        }
        for order in orders {
            book.insert(order);
        }
        Ok(book)
    }

    fn stored_order(&self, id: OrderId, bytes: &[u8]) -> Result<Order, RecordError> {
        let order = decode_order(id, bytes)?;
        if region_of(id) != Some(self.region) {
            return Err(damaged("an order of another region"));
        }
        if serial_of(id) >= self.next_serial || order.sequence >= self.next_sequence {
            return Err(damaged("an order that the counters do not know"));
        }
        Ok(order)
    }

    /// The regions that have a book in a partition.
    ///
    /// # Errors
    /// [`RowError`] if the store cannot be read or a key is damaged.
    pub fn stored_regions(rows: &impl Rows, partition: u16) -> Result<Vec<RegionId>, RowError> {
        let [p0, p1] = partition.to_be_bytes();
        let range = KeyRange::prefix(&[TAG_COUNTERS, p0, p1]);
        rows.scan(Domain::Market, range, ScanOrder::Ascending)
            .map(|row| {
                let [_, _, _, r0, r1] = fixed_key::<5>(Domain::Market, &row?.key)?;
                Ok(RegionId(u16::from_be_bytes([r0, r1])))
            })
            .collect()
    }
}

fn decode_counters(bytes: &[u8]) -> Result<(u64, u64), RecordError> {
    let mut reader = Reader::new(COUNTERS_VERSION, bytes)?;
    let counters = (reader.u64()?, reader.u64()?);
    reader.end()?;
    if counters.0 == 0 || counters.1 == 0 {
        return Err(damaged("counters begin at 1"));
    }
    Ok(counters)
}

fn damaged(reason: impl Into<String>) -> RecordError {
    RecordError::Damaged(reason.into())
}

/// Reads little-endian integers off the front of a row.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(expected: u8, bytes: &'a [u8]) -> Result<Self, RecordError> {
        let (&found, rest) = bytes.split_first().ok_or(RecordError::Empty)?;
        if found == expected {
            Ok(Self { rest })
        } else {
            Err(RecordError::Version { found, expected })
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| damaged("too short"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, RecordError> {
        self.take().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, RecordError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, RecordError> {
        self.take().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, RecordError> {
        self.take().map(u128::from_le_bytes)
    }

    fn end(&self) -> Result<(), RecordError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(damaged("too long"))
        }
    }
}

#[cfg(test)]
mod tests;
