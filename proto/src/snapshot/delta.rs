//! The pass over the entities of the baseline: one word of 64 slots at a time.

use super::frame::{bit, ones, word};
use super::header::{put_absent, put_end, put_gap};
use super::history::Changes;
use super::view::Job;
use crate::bits::BitWriter;

/// A baseline and what changed since.
pub(super) struct Delta<'a> {
    pub(super) job: Job<'a>,
    /// The slots that are exact in the baseline.
    pub(super) held: &'a [u64],
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
        exact: &mut Vec<u64>,
        needs: &mut Vec<u32>,
    ) -> Tally {
        let mut tally = Tally::default();
        exact.clear();
        needs.clear();
        // Positions count the baseline's entities, not the slots: small numbers, short codes.
        let (mut base, mut next) = (0, 0);
        let occupied = self.job.history.occupied();
        for (index, &occupied) in occupied.iter().enumerate() {
            let held = word(self.held, index);
            let seen = occupied & word(self.job.request.visible, index);
            let kept = held & seen & !self.changes.born[index];
            let events = (held & !kept) | (kept & self.changes.changed[index]);
            let mut still_exact = kept;
            for at in ones(events) {
                let position = base + (held & ((1 << at) - 1)).count_ones();
                put_gap(writer, position - next, self.changes.rice);
                next = position + 1;
                let slot = index as u32 * 64 + at;
                if kept >> at & 1 == 0 {
                    put_absent(writer, false);
                    tally.gone += 1;
                } else if granted.is_none_or(|granted| bit(granted, slot as usize)) {
                    let (words, bits) = self.job.history.change(self.changes, self.age, slot);
                    writer.append(words, bits);
                    tally.changed += 1;
                    tally.record_bits += bits;
                } else {
                    put_absent(writer, true);
                    still_exact &= !(1 << at);
                    tally.changed += 1;
                }
            }
            exact.push(still_exact);
            let missing = seen & !kept;
            if missing != 0 {
                let first = index as u32 * 64;
                needs.extend(ones(missing).map(|bit| first + bit));
            }
            base += held.count_ones();
        }
        put_end(writer);
        tally
    }
}
