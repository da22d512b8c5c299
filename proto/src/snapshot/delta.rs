//! The pass over the entities of the baseline: one word of 64 slots at a time.

use std::borrow::Cow;

use super::frame::{bit, ones};
use super::header::{put_absent, put_end, put_gap};
use super::history::Changes;
use super::view::Job;
use crate::bits::BitWriter;

/// A set of slots that knows how many there are in each word, because counting bits is slow on
/// the processors that the build must run on, and most words stay as they are.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotSet {
    words: Vec<u64>,
    counts: Vec<u8>,
}

impl SlotSet {
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn count(&self) -> u32 {
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }

    /// Becomes the empty set of `words` words.
    pub(super) fn reset(&mut self, words: usize) {
        self.words.clear();
        self.words.resize(words, 0);
        self.counts.clear();
        self.counts.resize(words, 0);
    }

    /// Becomes the other set, in `words` words, at least as many as that has.
    fn copy(&mut self, other: &Self, words: usize) {
        self.words.clone_from(&other.words);
        self.words.resize(words, 0);
        self.counts.clone_from(&other.counts);
        self.counts.resize(words, 0);
    }

    /// Adds a slot that is not in the set.
    pub(super) fn insert(&mut self, slot: u32) {
        self.words[slot as usize / 64] |= 1 << (slot % 64);
        self.counts[slot as usize / 64] += 1;
    }
}

/// A baseline and what changed since.
pub(super) struct Delta<'a> {
    pub(super) job: Job<'a>,
    /// The slots that are exact in the baseline.
    pub(super) held: &'a SlotSet,
    pub(super) changes: &'a Changes,
    pub(super) age: u64,
}

/// What a pass counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Changed entities, whether or not they were granted their record.
    pub(super) changed: u32,
    pub(super) gone: u32,
    /// Bits of the written records.
    pub(super) record_bits: u32,
}

impl Delta<'_> {
    /// Writes what became of the baseline's entities. `granted` are the changed ones that get
    /// their record; `None` grants all. `exact` becomes the set that is exact afterwards and
    /// `needs` the list of visible slots that are not kept from the baseline.
    pub(super) fn put(
        &self,
        writer: &mut BitWriter,
        granted: Option<&[u64]>,
        exact: &mut SlotSet,
        needs: &mut Vec<u32>,
    ) -> Tally {
        let mut pass = Pass {
            delta: self,
            writer,
            needs,
            granted,
            next: 0,
            tally: Tally::default(),
        };
        pass.needs.clear();
        // What was exact stays so where nothing happens: copied whole, corrected where not.
        let words = self.changes.touched.len();
        exact.copy(self.held, words);
        let visible = full_length(self.job.request.visible, words);
        let occupied = &self.job.history.occupied()[..words];
        let mut base = 0;
        let rows = exact.words.iter_mut().zip(&mut exact.counts);
        let rows = rows.zip(&self.changes.touched).zip(occupied).zip(&*visible);
        for (index, ((((word, count), touched), occupied), visible)) in rows.enumerate() {
            let seen = occupied & visible;
            let held_count = u32::from(*count);
            if (*word ^ seen) | (*word & touched) != 0 {
                let still_exact = pass.put_word(index, base, *word, seen);
                if still_exact != *word {
                    *word = still_exact;
                    *count = still_exact.count_ones() as u8;
                }
            }
            base += held_count;
        }
        put_end(pass.writer);
        pass.tally
    }
}

/// A set in as many words as are asked for, which it usually has.
fn full_length(set: &[u64], words: usize) -> Cow<'_, [u64]> {
    set.get(..words).map_or_else(
        || {
            let mut longer = set.to_vec();
            longer.resize(words, 0);
            Cow::Owned(longer)
        },
        Cow::Borrowed,
    )
}

/// A pass on its way.
struct Pass<'p, 'd> {
    delta: &'p Delta<'d>,
    writer: &'p mut BitWriter,
    needs: &'p mut Vec<u32>,
    granted: Option<&'p [u64]>,
    /// The position behind the last entity that was told of. Positions count the baseline's
    /// entities, not the slots: small numbers, short codes.
    next: u32,
    tally: Tally,
}

impl Pass<'_, '_> {
    /// The entities of one word: `base` of the baseline come before it. Returns those that are
    /// exact afterwards. Not inlined, so that the loop over quiet words keeps its registers.
    #[inline(never)]
    fn put_word(&mut self, index: usize, base: u32, held: u64, seen: u64) -> u64 {
        let Delta {
            job, changes, age, ..
        } = *self.delta;
        let first = index as u32 * 64;
        let kept = held & seen & !changes.born[index];
        let mut still_exact = kept;
        for at in ones((held & !kept) | (kept & changes.changed[index])) {
            let position = base + (held & ((1 << at) - 1)).count_ones();
            put_gap(self.writer, position - self.next, changes.rice);
            self.next = position + 1;
            let slot = first + at;
            if kept >> at & 1 == 0 {
                put_absent(self.writer, false);
                self.tally.gone += 1;
                continue;
            }
            self.tally.changed += 1;
            if self
                .granted
                .is_none_or(|granted| bit(granted, slot as usize))
            {
                let (words, bits) = job.history.change(changes, age, slot);
                self.writer.append(words, bits);
                self.tally.record_bits += bits;
            } else {
                put_absent(self.writer, true);
                still_exact &= !(1 << at);
            }
        }
        self.needs.extend(ones(seen & !kept).map(|at| first + at));
        still_exact
    }
}
