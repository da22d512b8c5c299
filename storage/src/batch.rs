//! An ordered list of changes that becomes visible and durable as a whole or not at all.
//!
//! Layout: one growing byte arena and one small record per operation, so that filling a batch
//! costs no allocation per row and appending a batch to another is two copies. Later
//! operations win over earlier ones, exactly as if they had been applied one after another.
//! Cost: 24 bytes per operation beside its key and value.

use crate::Domain;

/// Rows to change, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    operations: Vec<Record>,
    arena: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    kind: Kind,
    domain: Domain,
    first_bytes: usize,
    second_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Put,
    Delete,
    DeleteRange,
}

/// One change of a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The row `key` becomes `value`.
    Put {
        /// Where.
        domain: Domain,
        /// Row.
        key: &'a [u8],
        /// New content.
        value: &'a [u8],
    },
    /// The row `key` is gone. Deleting what is not there is no mistake.
    Delete {
        /// Where.
        domain: Domain,
        /// Row.
        key: &'a [u8],
    },
    /// All rows with `from <= key < to` are gone.
    DeleteRange {
        /// Where.
        domain: Domain,
        /// First key.
        from: &'a [u8],
        /// Key after the last; greater than `from`.
        to: &'a [u8],
    },
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            operations: Vec::new(),
            arena: Vec::new(),
        }
    }

    /// Sets a row.
    pub fn put(&mut self, domain: Domain, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.push(Kind::Put, domain, key.as_ref(), value.as_ref());
    }

    /// Removes a row, if it is there.
    pub fn delete(&mut self, domain: Domain, key: impl AsRef<[u8]>) {
        self.push(Kind::Delete, domain, key.as_ref(), &[]);
    }

    /// Removes all rows with `from <= key < to`. An empty or reversed range changes nothing
    /// and is not recorded: the engine would refuse it in the middle of a beat.
    pub fn delete_range(&mut self, domain: Domain, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) {
        let (from, to) = (from.as_ref(), to.as_ref());
        if from < to {
            self.push(Kind::DeleteRange, domain, from, to);
        }
    }

    /// Adds the changes of `other` after the ones of this batch.
    pub fn append(&mut self, other: &Self) {
        self.operations.extend_from_slice(&other.operations);
        self.arena.extend_from_slice(&other.arena);
    }

    /// Number of operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Memory that the operations take up: what a bounded queue counts.
    #[must_use]
    pub const fn memory_bytes(&self) -> usize {
        self.arena.len() + self.operations.len() * size_of::<Record>()
    }

    /// Forgets the operations and keeps the memory.
    pub fn clear(&mut self) {
        self.operations.clear();
        self.arena.clear();
    }

    /// The operations in order.
    pub fn iter(&self) -> impl Iterator<Item = Operation<'_>> {
        let mut rest = self.arena.as_slice();
        self.operations.iter().map(move |record| {
            let (first, tail) = rest.split_at(record.first_bytes);
            let (second, tail) = tail.split_at(record.second_bytes);
            rest = tail;
            let domain = record.domain;
            match record.kind {
                Kind::Put => Operation::Put {
                    domain,
                    key: first,
                    value: second,
                },
                Kind::Delete => Operation::Delete { domain, key: first },
                Kind::DeleteRange => Operation::DeleteRange {
                    domain,
                    from: first,
                    to: second,
                },
            }
        })
    }

    fn push(&mut self, kind: Kind, domain: Domain, first: &[u8], second: &[u8]) {
        self.operations.push(Record {
            kind,
            domain,
            first_bytes: first.len(),
            second_bytes: second.len(),
        });
        self.arena.extend_from_slice(first);
        self.arena.extend_from_slice(second);
    }
}

#[cfg(test)]
mod tests;
