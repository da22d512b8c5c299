//! Reading rows for the services: why a read failed, writes on their way to the disk, and rows
//! in memory.

use std::collections::{BTreeMap, btree_map};
use std::ops::Bound;

use orrery_storage::{Batch, Domain, KeyRange, Operation, Order, ReadError, Row, Rows, Scan};

use crate::record::RecordError;

/// Why a row could not be had. Not the player's mistake: the store is bad.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RowError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row's bytes are not what they have to be.
    #[error("{domain} row {key}: {reason}")]
    Damaged {
        /// Where.
        domain: Domain,
        /// The key, in hexadecimal.
        key: String,
        /// What is wrong.
        reason: RecordError,
    },
    /// A key has the wrong length.
    #[error("{domain} row {key}: the key has a wrong length")]
    Key {
        /// Where.
        domain: Domain,
        /// The key, in hexadecimal.
        key: String,
    },
    /// A row that another row promises is not there.
    #[error("{domain} row {key} is missing")]
    Missing {
        /// Where.
        domain: Domain,
        /// The key, in hexadecimal.
        key: String,
    },
}

impl RowError {
    pub(crate) fn damaged(domain: Domain, key: &[u8], reason: RecordError) -> Self {
        Self::Damaged {
            domain,
            key: hex(key),
            reason,
        }
    }

    pub(crate) fn missing(domain: Domain, key: &[u8]) -> Self {
        Self::Missing {
            domain,
            key: hex(key),
        }
    }
}

/// A key of fixed length.
pub(crate) fn fixed_key<const N: usize>(domain: Domain, key: &[u8]) -> Result<[u8; N], RowError> {
    key.try_into().map_err(|_| RowError::Key {
        domain,
        key: hex(key),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

type Key = (Domain, Vec<u8>);

/// Rows in memory: what tests and the simulator use for a store.
///
/// A scan costs what is in its range.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemoryRows {
    /// No domain is empty.
    rows: BTreeMap<Domain, BTreeMap<Vec<u8>, Vec<u8>>>,
}

/// The rows of a range.
fn within(
    rows: &BTreeMap<Vec<u8>, Vec<u8>>,
    range: KeyRange,
) -> btree_map::Range<'_, Vec<u8>, Vec<u8>> {
    let to = match range.to {
        // An empty or reversed range has no rows; the map would refuse it.
        Some(to) => Bound::Excluded(to.max(range.from.clone())),
        None => Bound::Unbounded,
    };
    rows.range((Bound::Included(range.from), to))
}

impl MemoryRows {
    /// Carries out a batch.
    pub fn apply(&mut self, batch: &Batch) {
        for operation in batch.iter() {
            match operation {
                Operation::Put { domain, key, value } => {
                    let rows = self.rows.entry(domain).or_default();
                    rows.insert(key.to_vec(), value.to_vec());
                }
                Operation::Delete { domain, key } => {
                    self.remove(domain, core::iter::once(key));
                }
                Operation::DeleteRange { domain, from, to } => {
                    let Some(rows) = self.rows.get(&domain) else {
                        continue;
                    };
                    let range = within(rows, KeyRange::between(from, to));
                    let keys: Vec<_> = range.map(|(key, _)| key.clone()).collect();
                    self.remove(domain, keys.iter().map(Vec::as_slice));
                }
            }
        }
    }

    fn remove<'a>(&mut self, domain: Domain, keys: impl Iterator<Item = &'a [u8]>) {
        let Some(rows) = self.rows.get_mut(&domain) else {
            return;
        };
        for key in keys {
            rows.remove(key);
        }
        if rows.is_empty() {
            self.rows.remove(&domain);
        }
    }
}

impl Rows for MemoryRows {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let rows = self.rows.get(&domain);
        Ok(rows.and_then(|rows| rows.get(key)).cloned())
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        keys.iter()
            .map(|key| self.get(domain, key.as_ref()))
            .collect()
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        let rows = self.rows.get(&domain).into_iter();
        let rows = rows.flat_map(move |rows| within(rows, range.clone()));
        let rows = rows.map(|(key, value)| {
            Ok(Row {
                key: key.clone(),
                value: value.clone(),
            })
        });
        match order {
            Order::Ascending => Scan::new(rows),
            Order::Descending => Scan::new(rows.rev()),
        }
    }
}

/// Rows that were handed to the commit but need not be readable yet, so that the next command
/// sees what the last one did.
///
/// **Bound:** one entry per row that is on its way; the shell [settles](Pending::settle) a batch
/// when it is durable, which is within a few beats.
#[derive(Debug, Default)]
pub struct Pending {
    rows: BTreeMap<Key, (u64, Option<Vec<u8>>)>,
    last: u64,
}

impl Pending {
    /// Adds a batch that goes to the commit now. Returns its number, to settle it with.
    ///
    /// # Panics
    /// When the batch deletes a range: the services of this crate never do while they run.
    pub fn add(&mut self, batch: &Batch) -> u64 {
        self.last += 1;
        for operation in batch.iter() {
            let (domain, key, value) = match operation {
                Operation::Put { domain, key, value } => (domain, key, Some(value.to_vec())),
                Operation::Delete { domain, key } => (domain, key, None),
                Operation::DeleteRange { .. } => {
                    panic!("a service deleted a range of rows while running")
                }
            };
            self.rows.insert((domain, key.to_vec()), (self.last, value));
        }
        self.last
    }

    /// The batch of this number, and all before it, are readable from the store.
    pub fn settle(&mut self, number: u64) {
        self.rows.retain(|_, (of, _)| *of > number);
    }

    /// Rows on their way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is on its way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `rows` as they will be when everything on its way has arrived. Single rows only: a scan
    /// shows what is stored.
    #[must_use]
    pub fn over<'a, R: Rows>(&'a self, rows: &'a R) -> Ahead<'a, R> {
        Ahead {
            pending: self,
            rows,
        }
    }
}

/// See [`Pending::over`].
#[derive(Debug)]
pub struct Ahead<'a, R> {
    pending: &'a Pending,
    rows: &'a R,
}

impl<R: Rows> Rows for Ahead<'_, R> {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.pending.rows.get(&(domain, key.to_vec())) {
            Some((_, value)) => Ok(value.clone()),
            None => self.rows.get(domain, key),
        }
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        let mut found = self.rows.multi_get(domain, keys)?;
        for (key, found) in keys.iter().zip(&mut found) {
            if let Some((_, value)) = self.pending.rows.get(&(domain, key.as_ref().to_vec())) {
                found.clone_from(value);
            }
        }
        Ok(found)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        self.rows.scan(domain, range, order)
    }
}

#[cfg(test)]
mod tests;
