//! The history of prices: one candle for each type and day of a region.
//!
//! Days are counted in UTC. Only the newest candle of each type is kept in memory; older ones are
//! rows and are read from there ([`Candles::history`]).
//!
//! **Invariants**
//! - low ≤ open, close ≤ high; a candle has at least one trade.
//! - A type's candles never go back in time: what is traded while the wall clock is set back
//!   counts to the newest day.
//!
//! Cost: O(log n) of n types for each fill; about 150 bytes for each type that was ever traded.

use std::collections::BTreeMap;

use orrery_base::TypeId;
use orrery_base::money::Money;
use orrery_storage::{Batch, Domain, KeyRange, Order as ScanOrder, Rows};

use super::RegionId;
use super::order::{DAY_MS, Fill};
use super::rows::{TAG_CANDLE, candle_key, decode_candle, decode_candle_key, encode_candle, head};
use crate::WallTime;
use crate::rows::RowError;

/// A day, counted from 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct Day(pub u32);

impl Day {
    /// The day of a time.
    #[must_use]
    pub const fn of(time: WallTime) -> Self {
        let day = time.0 / DAY_MS;
        // Milliseconds in 64 bits reach further than days in 32; nothing lives until then.
        Self(if day > u32::MAX as u64 {
            u32::MAX
        } else {
            day as u32
        })
    }
}

/// What was traded of a type on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candle {
    /// The first price of a unit.
    pub open: Money,
    /// The highest one.
    pub high: Money,
    /// The lowest one.
    pub low: Money,
    /// The last one.
    pub close: Money,
    /// Units.
    pub volume: u64,
    /// Fills, at least 1.
    pub trades: u64,
    /// Cents that were paid, before fees and taxes.
    pub turnover: u128,
}

impl Candle {
    /// What was paid for a unit on average, rounded down.
    #[must_use]
    pub fn average(&self) -> Money {
        // An average of prices is not more than the highest of them.
        let cents = self.turnover / u128::from(self.volume.max(1));
        Money(i64::try_from(cents).unwrap_or(i64::MAX))
    }

    /// The candle of this fill alone.
    fn of(fill: &Fill) -> Self {
        Self {
            open: fill.price,
            high: fill.price,
            low: fill.price,
            close: fill.price,
            volume: fill.quantity,
            trades: 1,
            turnover: turnover(fill),
        }
    }

    fn add(&mut self, fill: &Fill) {
        self.high = self.high.max(fill.price);
        self.low = self.low.min(fill.price);
        self.close = fill.price;
        self.volume = self.volume.saturating_add(fill.quantity);
        self.trades = self.trades.saturating_add(1);
        self.turnover = self.turnover.saturating_add(turnover(fill));
    }
}

fn turnover(fill: &Fill) -> u128 {
    u128::from(fill.price.0.max(0).cast_unsigned()) * u128::from(fill.quantity)
}

/// The newest candles of a region.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candles {
    partition: u16,
    region: RegionId,
    newest: BTreeMap<TypeId, (Day, Candle)>,
    /// Candles that have changed since they were written.
    changes: BTreeMap<(TypeId, Day), Candle>,
}

impl Candles {
    /// No history. The partition is where its rows are.
    #[must_use]
    pub const fn new(partition: u16, region: RegionId) -> Self {
        Self {
            partition,
            region,
            newest: BTreeMap::new(),
            changes: BTreeMap::new(),
        }
    }

    /// Counts a fill of now.
    pub fn record(&mut self, now: WallTime, fill: &Fill) {
        let today = Day::of(now);
        let newest = self.newest.get(&fill.type_id).copied();
        let (day, candle) = match newest {
            Some((day, mut candle)) if day >= today => {
                candle.add(fill);
                (day, candle)
            }
            _ => (today, Candle::of(fill)),
        };
        self.newest.insert(fill.type_id, (day, candle));
        self.changes.insert((fill.type_id, day), candle);
    }

    /// The newest candle of a type: today's, or that of the last day on which it was traded.
    #[must_use]
    pub fn newest(&self, type_id: TypeId) -> Option<(Day, Candle)> {
        self.newest.get(&type_id).copied()
    }

    /// All types that were ever traded, by id, with their newest candles.
    pub fn all_newest(&self) -> impl Iterator<Item = (TypeId, Day, Candle)> {
        self.newest
            .iter()
            .map(|(type_id, (day, candle))| (*type_id, *day, *candle))
    }

    /// Adds the rows of all candles that have changed since the last call, by type and day.
    pub fn write_changes(&mut self, out: &mut Batch) {
        for ((type_id, day), candle) in core::mem::take(&mut self.changes) {
            let key = candle_key(self.partition, self.region, type_id, day);
            out.put(Domain::Market, key, encode_candle(&candle));
        }
    }

    /// Whether [`Candles::write_changes`] would write anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The newest candles of a region as its rows have them. Cost: one seek for each type.
    ///
    /// # Errors
    /// [`RowError`] if the store cannot be read or a row is damaged.
    pub fn load(rows: &impl Rows, partition: u16, region: RegionId) -> Result<Self, RowError> {
        let mut candles = Self::new(partition, region);
        let mut range = KeyRange::prefix(&head(TAG_CANDLE, partition, region));
        // From the end: the first row is the newest of the last type; before that type's first
        // row comes the newest of the type before it.
        loop {
            let mut scan = rows.scan(Domain::Market, range.clone(), ScanOrder::Descending);
            let Some(row) = scan.next() else {
                return Ok(candles);
            };
            let row = row?;
            let (type_id, day) = decode_candle_key(&row.key)?;
            let candle = decode_candle(&row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))?;
            candles.newest.insert(type_id, (day, candle));
            range.to = Some(candle_key(partition, region, type_id, Day(0)));
        }
    }

    /// The stored candles of a type from one day to another, both included, in order.
    ///
    /// # Errors
    /// [`RowError`] if the store cannot be read or a row is damaged.
    pub fn history(
        rows: &impl Rows,
        partition: u16,
        region: RegionId,
        type_id: TypeId,
        days: core::ops::RangeInclusive<Day>,
    ) -> Result<Vec<(Day, Candle)>, RowError> {
        let from = candle_key(partition, region, type_id, *days.start());
        // The key after the last one: the same with one more byte.
        let mut to = candle_key(partition, region, type_id, *days.end());
        to.push(0);
        let range = KeyRange::between(from, to);
        if range.is_empty() {
            return Ok(Vec::new());
        }
        rows.scan(Domain::Market, range, ScanOrder::Ascending)
            .map(|row| {
                let row = row?;
                let (_, day) = decode_candle_key(&row.key)?;
                let candle = decode_candle(&row.value)
                    .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))?;
                Ok((day, candle))
            })
            .collect()
    }

    /// The stored candles of a type before a day, or from the newest on; newest first, at most so
    /// many. Reads no others.
    ///
    /// # Errors
    /// [`RowError`] if the store cannot be read or a row is damaged.
    pub fn newest_before(
        rows: &impl Rows,
        partition: u16,
        region: RegionId,
        type_id: TypeId,
        before: Option<Day>,
        most: usize,
    ) -> Result<Vec<(Day, Candle)>, RowError> {
        let key = |day| candle_key(partition, region, type_id, day);
        let to = before.map_or_else(
            || {
                // The key after that of the last day there can be.
                let mut to = key(Day(u32::MAX));
                to.push(0);
                to
            },
            key,
        );
        rows.scan(
            Domain::Market,
            KeyRange::between(key(Day(0)), to),
            ScanOrder::Descending,
        )
        .take(most)
        .map(|row| {
            let row = row?;
            let (_, day) = decode_candle_key(&row.key)?;
            let candle = decode_candle(&row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))?;
            Ok((day, candle))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
