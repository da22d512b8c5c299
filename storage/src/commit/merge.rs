//! The rows of several frames as one batch: of each row only the last write, in the order of keys.
//!
//! Rows are final values, so the frames one after the other and the merged batch come to the same
//! content. It is what makes a store follow a fast log: a row that many beats in a row have
//! changed (a balance) is put into it once, and rows in the order of their keys find their places
//! in a sorted structure beside each other.
//!
//! A range deletion is where a **run** ends: rows are merged and sorted between two of them only,
//! so that each one deletes what was written before it and nothing else.
//!
//! Cost: one look-up for each operation, one sort of the rows that are left; 64 bytes of memory for
//! each of these, and a copy of its content.

use crate::{Batch, Domain, Operation};

/// Merges batches. Kept from one merge to the next for its memory.
#[derive(Debug, Default)]
pub(super) struct Merge {
    index: Index,
    merged: Batch,
}

/// The last write of a row.
#[derive(Clone, Copy, Debug)]
struct Write<'a> {
    domain: Domain,
    /// The first sixteen bytes of the key, zeros after it: mostly enough to order two rows by.
    begin: u128,
    key: &'a [u8],
    /// None: deleted.
    value: Option<&'a [u8]>,
}

impl Merge {
    /// What the batches come to, one after the other.
    pub(super) fn merge<'a>(&mut self, batches: impl Iterator<Item = &'a Batch>) -> &Batch {
        self.merged.clear();
        let mut run: Vec<Write<'a>> = Vec::new();
        for operation in batches.flat_map(Batch::iter) {
            let (domain, key, value) = match operation {
                Operation::Put { domain, key, value } => (domain, key, Some(value)),
                Operation::Delete { domain, key } => (domain, key, None),
                Operation::DeleteRange { domain, from, to } => {
                    self.end_run(&mut run);
                    self.merged.delete_range(domain, from, to);
                    continue;
                }
            };
            match self.index.place(&run, domain, key) {
                Some(place) => run[place].value = value,
                None => run.push(Write {
                    domain,
                    begin: begin_of(key),
                    key,
                    value,
                }),
            }
        }
        self.end_run(&mut run);
        &self.merged
    }

    /// Gives up memory beyond so many bytes.
    pub(super) fn shrink(&mut self, bytes_max: usize) {
        if self.merged.memory_bytes() > bytes_max {
            self.merged = Batch::new();
        }
    }

    fn end_run(&mut self, run: &mut Vec<Write<'_>>) {
        // No two have the same domain and key.
        run.sort_unstable_by(|a, b| {
            let by_begin = (a.domain, a.begin).cmp(&(b.domain, b.begin));
            by_begin.then_with(|| a.key.cmp(b.key))
        });
        for write in run.drain(..) {
            match write.value {
                Some(value) => self.merged.put(write.domain, write.key, value),
                None => self.merged.delete(write.domain, write.key),
            }
        }
        self.index.clear();
    }
}

/// Big endian, so that it is in the order of keys.
fn begin_of(key: &[u8]) -> u128 {
    let mut begin = [0; 16];
    let bytes = key.len().min(16);
    begin[..bytes].copy_from_slice(&key[..bytes]);
    u128::from_be_bytes(begin)
}

/// Where in a run a row is: open addressing, half of it empty at least.
///
/// Not made for keys that somebody chooses in order to fall together: the few that players choose
/// (names) come one by one.
#[derive(Debug, Default)]
struct Index {
    /// Hash in the upper half, place in the run plus one in the lower one; zero is empty.
    slots: Vec<u64>,
    used: usize,
}

/// Slots of the smallest index.
const SLOTS_MIN: usize = 1024;

impl Index {
    /// Where the row is, or None, and from then on it is at the end of the run.
    fn place(&mut self, run: &[Write<'_>], domain: Domain, key: &[u8]) -> Option<usize> {
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = hash_of(domain, key);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                // A run has fewer rows than a frame's bytes, which fit in 30 bits.
                self.slots[at] = u64::from(hash) << 32 | (run.len() as u64 + 1);
                self.used += 1;
                return None;
            }
            let place = (slot as u32 - 1) as usize;
            if slot >> 32 == u64::from(hash) && run[place].key == key && run[place].domain == domain
            {
                return Some(place);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(SLOTS_MIN);
        let before = core::mem::replace(&mut self.slots, vec![0; slots]);
        for slot in before.into_iter().filter(|slot| *slot != 0) {
            let mut at = (slot >> 32) as usize & (slots - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (slots - 1);
            }
            self.slots[at] = slot;
        }
    }

    fn clear(&mut self) {
        if self.used > 0 {
            self.slots.fill(0);
            self.used = 0;
        }
    }
}

/// Multiply and fold, eight bytes at a time.
fn hash_of(domain: Domain, key: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let seed = (key.len() as u64) << 8 | domain as u64;
    let (words, rest) = key.as_chunks::<8>();
    let hash = words.iter().fold(fold(FACTOR, seed), |hash, word| {
        fold(hash, u64::from_le_bytes(*word))
    });
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let hash = fold(hash, u64::from_le_bytes(last));
    (hash ^ hash >> 32) as u32
}

#[cfg(test)]
mod tests;
