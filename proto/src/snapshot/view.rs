//! What one client holds of its grid, and what it gets next.
//!
//! Per client there are bitsets, one for each snapshot that it may have: the slots that are
//! exact on the client *if* it received that snapshot. An acknowledgement makes one of them the
//! baseline. Which entities are kept, changed, gone or new is then a few operations on words of
//! 64 slots; words in which nothing happened cost one population count.
//!
//! Cost: see `choose` for the rare path; the usual one is 1–2 ns per visible entity and 5–10 ns
//! for each that is told of. Memory: one bit per slot and snapshot in flight, and 32 bytes for
//! each visible entity that the client does not hold.

use std::collections::VecDeque;

use orrery_base::{EntityId, GridId, Slot, Tick};

use super::MIN_BUDGET_BYTES;
use super::choose::Candidate;
use super::delta::{Delta, SlotSet, Tally};
use super::frame::{ones, word};
use super::header::{Basis, Header};
use super::history::GridHistory;
use super::record::{ABSENT_BITS, MAX_FULL_BITS};
use crate::bits::{BitWriter, width};
use crate::input::SnapshotAck;

/// What to encode for one client.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotRequest<'a> {
    /// The slots that the client may see, as bits; unoccupied ones do not matter.
    pub visible: &'a [u64],
    /// The client's own ship: told first, whatever the budget. It must be visible to be told.
    pub own: Option<Slot>,
    /// The newest flight input that the newest beat took.
    pub last_input_sequence: u32,
    /// The most bytes, at least [`MIN_BUDGET_BYTES`].
    pub budget_bytes: usize,
}

/// What a snapshot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EncodeReport {
    /// Bytes appended; zero if the view has had a snapshot of this beat already.
    pub bytes: usize,
    /// Age of the baseline, beats; zero without one.
    pub age: u64,
    /// Entities that are exact on the client once it has the snapshot.
    pub exact: u32,
    /// Of these, how many have a record against a baseline because they changed.
    pub changed: u32,
    /// Of these, how many are told in full.
    pub full: u32,
    /// Entities that left the set.
    pub gone: u32,
    /// Visible entities that found no room, or whose full record is on its way.
    pub waiting: u32,
}

/// A snapshot that the client may have.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) tick: Tick,
    /// Slots that are exact on the client if it has the snapshot.
    pub(super) exact: SlotSet,
    pub(super) acknowledged: bool,
    /// Whether an entity needed it as a reference in the newest encoding.
    pub(super) useful: bool,
}

/// A visible entity that the client does not hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) slot: u32,
    /// Grows with every snapshot that has no room for it.
    pub(super) priority: u32,
    pub(super) id: EntityId,
    /// When it was last told in full.
    pub(super) sent: Option<Tick>,
}

/// What one client holds of its grid.
#[derive(Clone, Debug)]
pub struct ClientView {
    grid: GridId,
    epoch: u8,
    /// Oldest first.
    pub(super) sent: VecDeque<Sent>,
    /// By slot.
    pub(super) waiting: Vec<Waiting>,
    newest: Option<Tick>,
}

/// Memory that the encodings of one thread share.
#[derive(Debug, Default)]
pub struct EncodeScratch {
    pub(super) writer: BitWriter,
    /// Bitsets to use again.
    spare: Vec<SlotSet>,
    /// Slots that are visible and not kept from the baseline.
    pub(super) needs: Vec<u32>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) waiting: Vec<Waiting>,
    /// Changed slots whose record has room.
    pub(super) granted: Vec<u64>,
}

/// What is the same for every step of one encoding.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) history: &'a GridHistory,
    pub(super) request: &'a SnapshotRequest<'a>,
    pub(super) tick: Tick,
    /// Bits of a slot's number.
    pub(super) slot_bits: u32,
    pub(super) budget_bits: u64,
}

impl Job<'_> {
    /// The most bits of an entity that is told by itself: one says that it comes, one which way.
    fn longest_entry(&self) -> u64 {
        u64::from(2 + self.slot_bits + MAX_FULL_BITS)
    }
}

impl ClientView {
    /// The view of a client that holds nothing of this grid. `epoch` is the number of grids
    /// that the client was on before, in eight bits.
    #[must_use]
    pub const fn new(grid: GridId, epoch: u8) -> Self {
        Self {
            grid,
            epoch,
            sent: VecDeque::new(),
            waiting: Vec::new(),
            newest: None,
        }
    }

    /// The client has come to another grid: a new epoch, in which it holds nothing.
    pub fn change_grid(&mut self, grid: GridId) {
        *self = Self::new(grid, self.epoch.wrapping_add(1));
    }

    /// Which grid.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        self.grid
    }

    /// The epoch of the snapshots; acknowledgements of another one do not count.
    #[must_use]
    pub const fn epoch(&self) -> u8 {
        self.epoch
    }

    /// The client has told which snapshots it has applied. Any numbers are safe: those of
    /// snapshots that were not sent are ignored. (A client that lies harms its own view only.)
    pub fn acknowledge(&mut self, ack: &SnapshotAck) {
        if ack.epoch != self.epoch {
            return;
        }
        for sent in &mut self.sent {
            sent.acknowledged |= ack.contains(sent.tick);
        }
        // What the client did not have when it had a newer one will hardly be needed.
        if let Some(newest) = self.newest_acknowledged() {
            self.sent
                .retain(|sent| sent.acknowledged || sent.tick > newest);
        }
    }

    /// The newest snapshot that the client is known to have.
    #[must_use]
    pub fn newest_acknowledged(&self) -> Option<Tick> {
        self.sent
            .iter()
            .rev()
            .find(|sent| sent.acknowledged)
            .map(|sent| sent.tick)
    }

    /// Appends the snapshot of the newest beat to `out`.
    ///
    /// # Panics
    /// If the history is that of another grid.
    pub fn encode(
        &mut self,
        scratch: &mut EncodeScratch,
        history: &GridHistory,
        request: &SnapshotRequest<'_>,
        out: &mut Vec<u8>,
    ) -> EncodeReport {
        assert_eq!(history.grid(), self.grid, "a view belongs to one grid");
        let Some(tick) = history.tick().filter(|&tick| Some(tick) > self.newest) else {
            return EncodeReport::default();
        };
        self.expire(tick, history.oldest_age(), scratch);
        let job = Job {
            history,
            request,
            tick,
            slot_bits: width(history.slots().max(2) as u64 - 1),
            budget_bits: request.budget_bytes.max(MIN_BUDGET_BYTES) as u64 * 8,
        };
        let mut exact = scratch.spare.pop().unwrap_or_default();
        let baseline = self.sent.iter().rposition(|sent| sent.acknowledged);
        let mut report = baseline
            .and_then(|baseline| self.encode_delta(scratch, job, baseline, &mut exact))
            .unwrap_or_else(|| self.encode_alone(scratch, job, &mut exact));
        report.bytes = scratch.writer.byte_len();
        report.exact = exact.count();
        report.waiting = self.waiting.len() as u32;
        scratch.writer.copy_into(out);
        self.forget_useless(baseline, scratch);
        self.newest = Some(tick);
        self.sent.push_back(Sent {
            tick,
            exact,
            acknowledged: false,
            useful: false,
        });
        report
    }

    /// Drops what is too old to be a baseline.
    fn expire(&mut self, tick: Tick, oldest_age: u64, scratch: &mut EncodeScratch) {
        while let Some(front) = self.sent.front()
            && tick.since(front.tick) > oldest_age
        {
            scratch
                .spare
                .extend(self.sent.pop_front().map(|sent| sent.exact));
        }
    }

    /// Drops acknowledged snapshots before the baseline to which nothing needs to refer.
    fn forget_useless(&mut self, baseline: Option<usize>, scratch: &mut EncodeScratch) {
        let Some(baseline) = baseline.filter(|&baseline| baseline > 0) else {
            return;
        };
        let newest = self.sent[baseline].tick;
        self.sent.retain_mut(|sent| {
            let keep = sent.useful || sent.tick >= newest;
            if !keep {
                scratch.spare.push(std::mem::take(&mut sent.exact));
            }
            sent.useful = false;
            keep
        });
    }

    fn put_header(&self, scratch: &mut EncodeScratch, job: Job<'_>, basis: Basis) {
        let oldest = self.sent.front();
        let header = Header {
            epoch: self.epoch,
            keep_age: oldest.map_or(0, |oldest| job.tick.since(oldest.tick)),
            basis,
        };
        scratch.writer.clear();
        header.put(&mut scratch.writer);
    }

    /// A snapshot against a baseline; `None` if there is no room even to say that nothing is
    /// exact this time.
    fn encode_delta(
        &mut self,
        scratch: &mut EncodeScratch,
        job: Job<'_>,
        baseline: usize,
        exact: &mut SlotSet,
    ) -> Option<EncodeReport> {
        let age = job.tick.since(self.sent[baseline].tick);
        let changes = job.history.changes(age);
        self.put_header(
            scratch,
            job,
            Basis::Baseline {
                tick_low: job.tick.0 as u16,
                age,
                input_low: job.request.last_input_sequence as u16,
                rice: changes.rice,
            },
        );
        // Taken out for the time of the encoding: the choice writes to the rest of `sent`.
        let held = std::mem::take(&mut self.sent[baseline].exact);
        let delta = Delta {
            job,
            held: &held,
            changes,
            age,
        };
        let report = self.encode_against(scratch, &delta, baseline, exact);
        self.sent[baseline].exact = held;
        report
    }

    fn encode_against(
        &mut self,
        scratch: &mut EncodeScratch,
        delta: &Delta<'_>,
        baseline: usize,
        exact: &mut SlotSet,
    ) -> Option<EncodeReport> {
        let job = delta.job;
        let after_header = scratch.writer.checkpoint();
        let Tally {
            changed,
            gone,
            record_bits,
        } = delta.put(&mut scratch.writer, None, exact, &mut scratch.needs);
        let mut report = EncodeReport {
            age: delta.age,
            changed,
            gone,
            ..EncodeReport::default()
        };
        // Behind the changes: the width of slots, and the end of the entries.
        let bits = scratch.writer.bits() + u64::from(super::header::SLOT_WIDTH_BITS) + 1;
        self.gather(scratch, job, baseline);
        let entry_bits: u64 = scratch.candidates.iter().map(Candidate::bits).sum();
        if bits + entry_bits > job.budget_bits {
            // The records of the changed ones compete with the rest.
            let floor = bits - u64::from(record_bits) + u64::from(changed * ABSENT_BITS);
            if floor + 2 * job.longest_entry() > job.budget_bits {
                return None;
            }
            self.gather_changed(scratch, delta);
            report.changed = scratch.choose(delta.job, floor);
            scratch.writer.rewind(after_header);
            delta.put(
                &mut scratch.writer,
                Some(&scratch.granted),
                exact,
                &mut scratch.needs,
            );
        }
        self.put_entries(scratch, job, exact, &mut report);
        Some(report)
    }

    /// A snapshot without a baseline: every entity by itself.
    fn encode_alone(
        &mut self,
        scratch: &mut EncodeScratch,
        job: Job<'_>,
        exact: &mut SlotSet,
    ) -> EncodeReport {
        self.put_header(
            scratch,
            job,
            Basis::Alone {
                grid: self.grid,
                tick: job.tick,
                last_input_sequence: job.request.last_input_sequence,
            },
        );
        let occupied = job.history.occupied();
        exact.reset(occupied.len());
        scratch.needs.clear();
        for (index, &occupied) in occupied.iter().enumerate() {
            let seen = occupied & word(job.request.visible, index);
            let first = index as u32 * 64;
            scratch.needs.extend(ones(seen).map(|bit| first + bit));
        }
        let bits = scratch.writer.bits() + u64::from(super::header::SLOT_WIDTH_BITS) + 1;
        self.gather(scratch, job, self.sent.len());
        let entry_bits: u64 = scratch.candidates.iter().map(Candidate::bits).sum();
        if bits + entry_bits > job.budget_bits {
            scratch.choose(job, bits);
        }
        let mut report = EncodeReport::default();
        self.put_entries(scratch, job, exact, &mut report);
        report
    }
}
