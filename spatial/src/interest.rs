//! What an observer sees, and how that changed since it last looked.
//!
//! A set has one bit per slot of the observed table. Somebody enters at one radius (or rank) and
//! leaves at a larger one, so that a ship on the border does not flicker. Everything that is only
//! needed during an update lives in an [`InterestScratch`] that all observers of a shard share: an
//! observer that waits costs one bit per slot.
//!
//! **A slot's new occupant is not its old one.** The owner of the table says with
//! [`InterestSet::retire`] that a slot's occupant is gone; the next update reports it as left, and
//! the slot's new occupant, if visible, as entered.
//!
//! Cost: an update is a scan, one bit written per visible row and the difference of the words:
//! measured 320 ns with 100 of 10,000 in sight (`perf/results/difference.json`), a third of what
//! merging sorted lists takes.

use crate::{BitSet, CellIndex, Nearness};

/// The radii at which somebody enters and leaves sight, in centimetres.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Radii {
    /// Whoever is this near enters.
    pub enter_cm: u32,
    /// Whoever is farther than this leaves; at least `enter_cm`.
    pub leave_cm: u32,
}

impl Radii {
    /// Leaves at a radius that is larger by so many thousandths.
    #[must_use]
    pub const fn with_hysteresis(enter_cm: u32, thousandths: u32) -> Self {
        let more = enter_cm as u64 * thousandths as u64 / 1_000;
        let leave = enter_cm as u64 + more;
        Self {
            enter_cm,
            leave_cm: if leave > u32::MAX as u64 {
                u32::MAX
            } else {
                leave as u32
            },
        }
    }
}

/// For crowds: at most so many are seen, the nearest ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ranks {
    /// Nobody farther than this is seen.
    pub radius_cm: u32,
    /// Whoever is among so many nearest enters.
    pub enter: u32,
    /// Whoever is no longer among so many nearest leaves; at least `enter`, and the most that can
    /// be seen.
    pub leave: u32,
}

/// What updates need while they run; one for all observers of a shard.
#[derive(Debug, Default)]
pub struct InterestScratch {
    inside: Vec<u32>,
    between: Vec<u32>,
    fresh: BitSet,
    entered: BitSet,
    left: BitSet,
}

impl InterestScratch {
    /// Empty; grows to what the largest update needs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows the last update found that were near enough to enter.
    pub(crate) const fn inside(&self) -> usize {
        self.inside.len()
    }
}

/// What an update changed, by slot. A slot is in both if its occupant was retired and a new one
/// is visible: what left, left first.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Slots whose occupant came into sight.
    pub entered: &'a BitSet,
    /// Slots whose occupant went out of sight or was retired.
    pub left: &'a BitSet,
}

/// What one observer sees, by slot.
#[derive(Clone, Debug, Default)]
pub struct InterestSet {
    visible: BitSet,
    /// Slots that were visible when their occupant went, until the next update.
    retired: Vec<u32>,
    /// In crowds: where the next search begins.
    nearness: Nearness,
}

impl InterestSet {
    /// Sees nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The slots in sight since the last update.
    #[must_use]
    pub const fn visible(&self) -> &BitSet {
        &self.visible
    }

    /// For who keeps the set by other means.
    pub(crate) const fn visible_mut(&mut self) -> &mut BitSet {
        &mut self.visible
    }

    /// The occupant of this slot is gone, whoever takes the slot next.
    pub fn retire(&mut self, slot: u32) {
        if self.visible.remove(slot) {
            self.retired.push(slot);
        }
    }

    /// Looks around from `centre`: who is within the entering radius is visible, and who was
    /// visible and is within the leaving radius still is. `slots[row]` is the slot of a row of the
    /// index.
    ///
    /// # Panics
    /// If `slots` is shorter than the index has rows.
    pub fn update<'s>(
        &mut self,
        scratch: &'s mut InterestScratch,
        index: &CellIndex,
        slots: &[u32],
        centre: [i32; 3],
        radii: Radii,
    ) -> Change<'s> {
        scratch.inside.clear();
        scratch.between.clear();
        let both = [radii.enter_cm, radii.leave_cm.max(radii.enter_cm)];
        index.scan_ring(centre, both, &mut scratch.inside, &mut scratch.between);
        self.finish(scratch, index, slots)
    }

    /// Looks around in a crowd: who is among the nearest enters, who was visible and is still
    /// among the somewhat more nearest stays.
    ///
    /// # Panics
    /// If `slots` is shorter than the index has rows.
    pub fn update_nearest<'s>(
        &mut self,
        scratch: &'s mut InterestScratch,
        index: &CellIndex,
        slots: &[u32],
        centre: [i32; 3],
        ranks: Ranks,
    ) -> Change<'s> {
        scratch.inside.clear();
        scratch.between.clear();
        let both = [ranks.enter as usize, ranks.leave.max(ranks.enter) as usize];
        let InterestScratch {
            inside, between, ..
        } = scratch;
        let (nearness, lists) = (&mut self.nearness, [inside, between]);
        index.nearest_ring_again(centre, ranks.radius_cm, both, nearness, lists);
        self.finish(scratch, index, slots)
    }

    /// Nobody is visible any more.
    pub fn update_to_nobody<'s>(&mut self, scratch: &'s mut InterestScratch) -> Change<'s> {
        scratch.inside.clear();
        scratch.between.clear();
        self.replace(scratch, crate::Path::Portable)
    }

    /// From the rows in `scratch` to the new set and the difference.
    fn finish<'s>(
        &mut self,
        scratch: &'s mut InterestScratch,
        index: &CellIndex,
        slots: &[u32],
    ) -> Change<'s> {
        assert!(slots.len() >= index.len(), "every row has a slot");
        for &row in &scratch.inside {
            scratch.fresh.insert(slots[row as usize]);
        }
        for &row in &scratch.between {
            let slot = slots[row as usize];
            if self.visible.contains(slot) {
                scratch.fresh.insert(slot);
            }
        }
        self.replace(scratch, index.path())
    }

    fn replace<'s>(&mut self, scratch: &'s mut InterestScratch, path: crate::Path) -> Change<'s> {
        let InterestScratch {
            fresh,
            entered,
            left,
            ..
        } = scratch;
        self.visible.replace(fresh, entered, left, path);
        left.extend(self.retired.drain(..));
        Change { entered, left }
    }
}

#[cfg(test)]
mod tests;
