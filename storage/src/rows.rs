//! Reading rows, from the [`crate::Store`] as it is at each call or from a [`crate::View`] that
//! stands still.
//!
//! All reads may wait for the disk (1.5 µs from the cache, a millisecond from the disk) and
//! are not for shards.

use crate::Domain;

/// A row, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Key within the domain.
    pub key: Vec<u8>,
    /// Content.
    pub value: Vec<u8>,
}

/// Why a read failed: the disk, or a damaged file. The store's other rows may still be
/// readable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {domain} rows: {detail}")]
pub struct ReadError {
    /// Rows that were being read.
    pub domain: Domain,
    /// The engine's words.
    pub detail: String,
}

/// A range of keys, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key.
    pub from: Vec<u8>,
    /// Key after the last; none means to the end.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            from: Vec::new(),
            to: None,
        }
    }

    /// `from <= key < to`.
    #[must_use]
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: Some(to.into()),
        }
    }

    /// `from <= key`.
    #[must_use]
    pub fn from(from: impl Into<Vec<u8>>) -> Self {
        Self {
            from: from.into(),
            to: None,
        }
    }

    /// All keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> Self {
        // The first key after them is the prefix without its trailing 0xff bytes, plus one.
        let stem = prefix.iter().rposition(|byte| *byte != u8::MAX);
        let to = stem.map(|last| {
            let mut to = prefix[..=last].to_vec();
            to[last] += 1;
            to
        });
        Self {
            from: prefix.to_vec(),
            to,
        }
    }

    /// Whether no key can be in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// Which end of a range comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// Rows of a range, one after another. Each scan sees the store as it was when the scan
/// began. Ends after the first error.
pub struct Scan<'a>(Box<dyn Iterator<Item = Result<Row, ReadError>> + 'a>);

impl<'a> Scan<'a> {
    /// A scan over anything that yields rows in order.
    pub fn new(rows: impl Iterator<Item = Result<Row, ReadError>> + 'a) -> Self {
        Self(Box::new(rows))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

/// Something that rows can be read from.
pub trait Rows {
    /// The content of a row, if there is one.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the disk or a file is bad.
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError>;

    /// The contents of many rows, in the order of `keys`; cheaper than one by one.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if any of them cannot be read.
    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError>;

    /// The rows of a range.
    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_>;

    /// The rows of a range, smallest key first.
    fn range(&self, domain: Domain, range: KeyRange) -> Scan<'_> {
        self.scan(domain, range, Order::Ascending)
    }

    /// The rows whose key starts with `prefix`, smallest key first.
    fn prefix(&self, domain: Domain, prefix: &[u8]) -> Scan<'_> {
        self.range(domain, KeyRange::prefix(prefix))
    }

    /// Counts the rows of a range by reading all of them.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if any of them cannot be read.
    fn count(&self, domain: Domain, range: KeyRange) -> Result<u64, ReadError> {
        self.range(domain, range)
            .try_fold(0, |count, row| row.map(|_| count + 1))
    }
}

#[cfg(test)]
mod tests;
