//! The choice of what a snapshot tells, where the budget or the baseline do not decide it.
//!
//! Entities that are visible and not exact in the baseline are candidates; when not everything
//! fits, so are the changed ones of the baseline. The client's own ship comes first, then what
//! has waited most: each snapshot adds to an entity's priority a weight that falls with its
//! distance and is never zero, and only being told resets it. So the near is told more often and
//! the far never starves.
//!
//! Cost: about 20 ns per candidate, and a sort where they do not all fit.

use std::cmp::Ordering;

use orrery_base::{EntityId, Slot, Tick};

use super::delta::{Delta, SlotSet};
use super::frame::{bit, ones};
use super::header::{AGE_BITS, SLOT_WIDTH_BITS};
use super::record::ABSENT_BITS;
use super::view::{ClientView, EncodeReport, EncodeScratch, Job, Sent, Waiting};
use crate::MAX_BASELINE_AGE;

/// The weight of the nearest.
const WEIGHT_NEAR: u32 = 256;

/// An entity that would like to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    slot: u32,
    /// What it adds to the snapshot.
    bits: u32,
    source: Source,
    is_own: bool,
    granted: bool,
    /// What it waits with if it is not told.
    waiting: Waiting,
}

/// How an entity would be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// Among the changes of the baseline.
    Changed,
    /// By itself, against an older snapshot of this age.
    Reference(u64),
    /// By itself, in full.
    Full,
}

impl Candidate {
    pub(super) fn bits(&self) -> u64 {
        u64::from(self.bits)
    }

    /// Own first, then by priority, then by slot.
    fn compare(&self, other: &Self) -> Ordering {
        other
            .is_own
            .cmp(&self.is_own)
            .then(other.waiting.priority.cmp(&self.waiting.priority))
            .then(self.slot.cmp(&other.slot))
    }
}

impl ClientView {
    /// Makes candidates of `scratch.needs`, all granted, and puts those whose full record is on
    /// its way into `scratch.waiting`. References may go to the acknowledged snapshots before
    /// the index `before`.
    pub(super) fn gather(&mut self, scratch: &mut EncodeScratch, job: Job<'_>, before: usize) {
        scratch.candidates.clear();
        scratch.waiting.clear();
        let newest_acknowledged = self.newest_acknowledged();
        let centre = centre(job);
        let mut queue = self.waiting.iter().peekable();
        for &slot in &scratch.needs {
            while queue.next_if(|waiting| waiting.slot < slot).is_some() {}
            let waited = queue.next_if(|waiting| waiting.slot == slot).copied();
            let mut waiting = wait(job, slot, waited);
            let is_own = job.request.own == Some(Slot(slot));
            let by_itself = 2 + job.slot_bits;
            let (source, bits) = match reference(&mut self.sent, before, job, slot) {
                Some((age, record_bits)) => (
                    Source::Reference(age),
                    by_itself + AGE_BITS + 1 + record_bits,
                ),
                None if !is_own && is_under_way(&waiting, job.tick, newest_acknowledged) => {
                    scratch.waiting.push(waiting);
                    continue;
                }
                None => (Source::Full, by_itself + job.history.full(slot).1),
            };
            waiting.priority = waiting.priority.saturating_add(weight(centre, job, slot));
            scratch.candidates.push(Candidate {
                slot,
                bits,
                source,
                is_own,
                granted: true,
                waiting,
            });
        }
    }

    /// Adds the changed entities of the baseline to the candidates.
    pub(super) fn gather_changed(&self, scratch: &mut EncodeScratch, delta: &Delta<'_>) {
        let job = delta.job;
        let centre = centre(job);
        for (index, &changed) in delta.changes.changed.iter().enumerate() {
            let seen = super::frame::word(job.request.visible, index);
            let held = super::frame::word(delta.held.words(), index);
            for at in ones(changed & seen & held) {
                let slot = index as u32 * 64 + at;
                let waited = self
                    .waiting
                    .binary_search_by_key(&slot, |waiting| waiting.slot)
                    .ok()
                    .map(|found| self.waiting[found]);
                let mut waiting = wait(job, slot, waited);
                waiting.priority = waiting.priority.saturating_add(weight(centre, job, slot));
                let (_, bits) = job.history.change(delta.changes, delta.age, slot);
                scratch.candidates.push(Candidate {
                    slot,
                    // Saying nothing of it has its bits too, and those are counted already.
                    bits: bits.saturating_sub(ABSENT_BITS),
                    source: Source::Changed,
                    is_own: job.request.own == Some(Slot(slot)),
                    granted: true,
                    waiting,
                });
            }
        }
    }

    /// Writes the granted candidates that are told by themselves, and renews the waiting list.
    pub(super) fn put_entries(
        &mut self,
        scratch: &mut EncodeScratch,
        job: Job<'_>,
        exact: &mut SlotSet,
        report: &mut EncodeReport,
    ) {
        let EncodeScratch {
            writer,
            candidates,
            waiting,
            ..
        } = scratch;
        let mut is_first = true;
        for candidate in candidates.iter() {
            let mut next = candidate.waiting;
            if !candidate.granted {
                waiting.push(next);
                continue;
            }
            if candidate.source == Source::Changed {
                continue;
            }
            if is_first {
                writer.write(u64::from(job.slot_bits), SLOT_WIDTH_BITS);
                is_first = false;
            }
            let slot = candidate.slot;
            exact.insert(slot);
            let is_full = candidate.source == Source::Full;
            let prefix = 1 | u64::from(slot) << 1 | u64::from(is_full) << (1 + job.slot_bits);
            writer.write(prefix, 2 + job.slot_bits);
            if let Source::Reference(age) = candidate.source {
                writer.write(age, AGE_BITS);
                let changes = job.history.changes(age);
                let is_changed = bit(&changes.changed, slot as usize);
                writer.write_bit(is_changed);
                if is_changed {
                    let (words, bits) = job.history.change(changes, age, slot);
                    writer.append(words, bits);
                    report.changed += 1;
                }
            } else {
                let (words, bits) = job.history.full(slot);
                writer.append(words, bits);
                report.full += 1;
                next.priority = 0;
                next.sent = Some(job.tick);
                waiting.push(next);
            }
        }
        if is_first {
            writer.write(0, SLOT_WIDTH_BITS);
        } else {
            writer.write_bit(false);
        }
        waiting.sort_unstable_by_key(|waiting| waiting.slot);
        std::mem::swap(&mut self.waiting, waiting);
    }
}

impl EncodeScratch {
    /// Grants candidates in their order as far as the budget goes beyond `floor` bits. Returns
    /// how many changed ones were granted; they are marked in `granted`.
    pub(super) fn choose(&mut self, job: Job<'_>, floor: u64) -> u32 {
        self.granted.clear();
        self.granted.resize(job.history.occupied().len(), 0);
        self.candidates.sort_unstable_by(Candidate::compare);
        let mut room = job.budget_bits.saturating_sub(floor);
        let mut changed = 0;
        for candidate in &mut self.candidates {
            candidate.granted = candidate.bits() <= room;
            if !candidate.granted {
                continue;
            }
            room -= candidate.bits();
            if candidate.source == Source::Changed {
                self.granted[candidate.slot as usize / 64] |= 1 << (candidate.slot % 64);
                changed += 1;
            }
        }
        changed
    }
}

/// The age of the newest acknowledged snapshot before the index `before` in which the slot's
/// tenant was exact, and the bits of its record against it.
fn reference(
    sent: &mut std::collections::VecDeque<Sent>,
    before: usize,
    job: Job<'_>,
    slot: u32,
) -> Option<(u64, u32)> {
    for sent in sent.range_mut(..before).rev() {
        if !sent.acknowledged || !bit(sent.exact.words(), slot as usize) {
            continue;
        }
        let age = job.tick.since(sent.tick);
        let changes = job.history.changes(age);
        if bit(&changes.born, slot as usize) {
            // Whoever was there is not the one who is: older snapshots do not know it either.
            return None;
        }
        sent.useful = true;
        let is_changed = bit(&changes.changed, slot as usize);
        let bits = is_changed.then(|| job.history.change(changes, age, slot).1);
        return Some((age, bits.unwrap_or(0)));
    }
    None
}

/// A full record was sent and may still be acknowledged: an acknowledgement of a later snapshot
/// would have said that it was lost, and after [`MAX_BASELINE_AGE`] it could not be used.
fn is_under_way(waiting: &Waiting, now: Tick, newest_acknowledged: Option<Tick>) -> bool {
    waiting
        .sent
        .is_some_and(|sent| newest_acknowledged < Some(sent) && now.since(sent) < MAX_BASELINE_AGE)
}

/// The entry of a slot's present tenant in the waiting list, or a new one.
fn wait(job: Job<'_>, slot: u32, waited: Option<Waiting>) -> Waiting {
    let id: EntityId = job.history.id(slot);
    waited
        .filter(|waiting| waiting.id == id)
        .unwrap_or(Waiting {
            slot,
            priority: 0,
            id,
            sent: None,
        })
}

/// Where the client's own ship is.
fn centre(job: Job<'_>) -> Option<[i32; 3]> {
    job.request.own.and_then(|own| job.history.position(own.0))
}

/// What one snapshot of waiting adds to a priority: 256 within 20 m, halved with every
/// fourfold distance, 16 at 10 km, never below 1.
fn weight(centre: Option<[i32; 3]>, job: Job<'_>, slot: u32) -> u32 {
    let (Some(from), Some(to)) = (centre, job.history.position(slot)) else {
        return 1;
    };
    let distance_cm = (0..3).fold(0, |most, axis| from[axis].abs_diff(to[axis]).max(most));
    let halvings = (distance_cm / 1_000 + 1).ilog2() / 2;
    (WEIGHT_NEAR >> halvings).max(1)
}
