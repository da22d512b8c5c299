//! What one observer sees of a [`BerthIndex`], and how that changed since it last looked.
//!
//! A watch remembers 16 bits per block around its observer. Looking around computes them anew and
//! compares: where nothing changed, which is most beats, nothing else is touched. Changed bits
//! are translated into slots. When the observer enters another cell, a cell gets a block, or the
//! last look was too long ago, slots are compared instead, once.
//!
//! The answers are those of [`InterestSet`](crate::InterestSet): by slot, the same hysteresis, the
//! same rule for slots whose occupant was retired.
//!
//! Cost: 6 bytes per block that is watched and one bit per slot. Measured in
//! `perf/results/difference.json`.

use crate::berths::{BlockList, MEMORY_BEATS, Sight, Window, look};
use crate::{BerthIndex, BitSet, CellIndex, InterestScratch, InterestSet, Radii, Ranks};

/// What looking around needs while it runs; one for all observers of a shard.
#[derive(Debug, Default)]
pub struct WatchScratch {
    interest: InterestScratch,
    blocks: BlockList,
    masks: Vec<u16>,
    before: Vec<u16>,
    reached: Vec<u16>,
    fresh: BitSet,
    entered_bits: BitSet,
    left_bits: BitSet,
    entered: Vec<u32>,
    left: Vec<u32>,
}

impl WatchScratch {
    /// Empty; grows to what the largest look needs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn changes(&self) -> Changes<'_> {
        Changes {
            entered: &self.entered,
            left: &self.left,
        }
    }
}

/// What a look changed, by slot, ascending. A slot is in both if its occupant was retired and a
/// new one is visible: what left, left first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changes<'a> {
    /// Slots whose occupant came into sight.
    pub entered: &'a [u32],
    /// Slots whose occupant went out of sight or was retired.
    pub left: &'a [u32],
}

/// What one observer sees, by slot.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// What is visible, and how crowds are looked through.
    set: InterestSet,
    /// How many are visible.
    count: usize,
    retired: Vec<u32>,
    /// The cells that `blocks` are of; none if the masks do not say what is visible.
    window: Option<Window>,
    layout: u64,
    beat: u32,
    blocks: BlockList,
    /// Lanes of each block that are visible.
    masks: Vec<u16>,
    /// The last look found more than the ranks allow.
    crowded: bool,
}

impl Watch {
    /// Sees nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The slots in sight since the last look.
    #[must_use]
    pub const fn visible(&self) -> &BitSet {
        self.set.visible()
    }

    /// How many are in sight. A retired slot counts until the next look.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The occupant of this slot is gone, whoever takes the slot next.
    pub fn retire(&mut self, slot: u32) {
        if self.set.visible_mut().remove(slot) {
            self.retired.push(slot);
        }
    }

    /// Looks around from `centre`: who is within the entering radius is visible, and who was
    /// visible and is within the leaving radius still is.
    pub fn update<'s>(
        &mut self,
        scratch: &'s mut WatchScratch,
        berths: &BerthIndex,
        centre: [i32; 3],
        radii: Radii,
    ) -> Changes<'s> {
        scratch.entered.clear();
        scratch.left.clear();
        self.crowded = false;
        let sight = Sight::new(centre, radii.enter_cm, radii.leave_cm);
        let reach = radii.leave_cm.max(radii.enter_cm);
        let window = berths.window(centre, reach);
        let _seen = self.look(scratch, berths, &sight, window, usize::MAX);
        scratch.changes()
    }

    /// Looks around in what may be a crowd: as [`InterestSet::update_nearest`] on the index, whose
    /// rows are those that the berths were updated with, and which is only asked if more are in
    /// sight than the ranks allow. `slots[row]` is the slot of a row of the index.
    ///
    /// # Panics
    /// If `slots` is shorter than the index has rows and the index is asked.
    pub fn update_nearest<'s>(
        &mut self,
        scratch: &'s mut WatchScratch,
        berths: &BerthIndex,
        (index, slots): (&CellIndex, &[u32]),
        centre: [i32; 3],
        ranks: Ranks,
    ) -> Changes<'s> {
        scratch.entered.clear();
        scratch.left.clear();
        if !self.crowded {
            let sight = Sight::new(centre, ranks.radius_cm, ranks.radius_cm);
            let window = berths.window(centre, ranks.radius_cm);
            let most = ranks.enter as usize;
            self.crowded = !self.look(scratch, berths, &sight, window, most);
        }
        if self.crowded {
            self.window = None;
            let change =
                self.set
                    .update_nearest(&mut scratch.interest, index, slots, centre, ranks);
            scratch.entered.extend(change.entered);
            scratch.left.extend(change.left);
            self.finish(scratch);
            self.crowded = scratch.interest.inside() >= ranks.enter as usize;
        }
        scratch.changes()
    }

    /// Nobody is visible any more.
    pub fn update_to_nobody<'s>(&mut self, scratch: &'s mut WatchScratch) -> Changes<'s> {
        scratch.entered.clear();
        scratch.left.clear();
        self.window = None;
        let change = self.set.update_to_nobody(&mut scratch.interest);
        scratch.left.extend(change.left);
        self.finish(scratch);
        scratch.changes()
    }

    /// Looks at the window; false, with nothing changed, if more than `most` are in sight.
    #[inline]
    fn look(
        &mut self,
        scratch: &mut WatchScratch,
        berths: &BerthIndex,
        sight: &Sight,
        window: Window,
        most: usize,
    ) -> bool {
        if !self.knows(scratch, berths, window) {
            return self.look_anew(scratch, berths, sight, window, most);
        }
        self.forget_retired(berths);
        scratch.masks.resize(self.masks.len(), 0);
        let fresh = &mut scratch.masks[..];
        if look(berths, sight, &self.blocks, &self.masks, fresh) {
            let seen: usize = fresh.iter().map(|mask| mask.count_ones() as usize).sum();
            if seen > most {
                return false;
            }
            self.translate(scratch, berths, sight);
        } else if self.count > most {
            return false;
        }
        self.beat = berths.beat();
        if !self.retired.is_empty() || !scratch.left.is_empty() || !scratch.entered.is_empty() {
            self.finish(scratch);
        }
        true
    }

    /// Whether the masks say what was visible, in the window's blocks, and every lane's last
    /// occupant since is known.
    #[inline]
    fn knows(&mut self, scratch: &mut WatchScratch, berths: &BerthIndex, window: Window) -> bool {
        let recent = berths.beat().wrapping_sub(self.beat) <= MEMORY_BEATS;
        if self.window != Some(window) || !recent {
            return false;
        }
        if self.layout == berths.layout() {
            return true;
        }
        berths.list(&window, &mut scratch.blocks);
        self.layout = berths.layout();
        scratch.blocks == self.blocks
    }

    /// Whoever is in a retired slot now was not visible before.
    #[inline]
    fn forget_retired(&mut self, berths: &BerthIndex) {
        for &slot in &self.retired {
            if let Some((block, lane)) = berths.berth(slot)
                && let Some(i) = self.blocks.position(block)
            {
                self.masks[i] &= !(1 << lane);
            }
        }
    }

    /// From the old and the new masks to slots.
    #[cold]
    #[inline(never)]
    fn translate(&mut self, scratch: &mut WatchScratch, berths: &BerthIndex, sight: &Sight) {
        let visible = self.set.visible_mut();
        let fresh = &mut scratch.masks[..];
        for (i, &block) in self.blocks.as_slice().iter().enumerate() {
            for lane in lanes(self.masks[i] & !fresh[i]) {
                let slot = berths.who(block, lane);
                // A retired slot is said to have left in any case.
                if !visible.contains(slot) || still_seen(berths, sight, &self.blocks, fresh, slot) {
                    continue;
                }
                visible.remove(slot);
                scratch.left.push(slot);
            }
        }
        for (i, &block) in self.blocks.as_slice().iter().enumerate() {
            for lane in lanes(fresh[i] & !self.masks[i]) {
                let slot = berths.who(block, lane);
                if visible.insert(slot) {
                    scratch.entered.push(slot);
                }
            }
        }
        self.masks.copy_from_slice(fresh);
    }

    /// By comparing slots.
    #[cold]
    #[inline(never)]
    fn look_anew(
        &mut self,
        scratch: &mut WatchScratch,
        berths: &BerthIndex,
        sight: &Sight,
        window: Window,
        most: usize,
    ) -> bool {
        berths.list(&window, &mut scratch.blocks);
        let blocks = &scratch.blocks;
        for masks in [
            &mut scratch.masks,
            &mut scratch.before,
            &mut scratch.reached,
        ] {
            masks.clear();
            masks.resize(blocks.as_slice().len(), 0);
        }
        scratch.before.fill(u16::MAX);
        look(berths, sight, blocks, &scratch.before, &mut scratch.reached);
        for ((&block, before), &reached) in blocks
            .as_slice()
            .iter()
            .zip(&mut scratch.before)
            .zip(&scratch.reached)
        {
            let seen = |&lane: &u32| self.visible().contains(berths.who(block, lane));
            *before = lanes(reached)
                .filter(seen)
                .fold(0, |mask, lane| mask | 1 << lane);
        }
        look(berths, sight, blocks, &scratch.before, &mut scratch.masks);
        let seen: usize = scratch
            .masks
            .iter()
            .map(|mask| mask.count_ones() as usize)
            .sum();
        if seen > most {
            return false;
        }
        for (&block, &mask) in blocks.as_slice().iter().zip(&scratch.masks) {
            scratch
                .fresh
                .extend(lanes(mask).map(|lane| berths.who(block, lane)));
        }
        let (entered, left) = (&mut scratch.entered_bits, &mut scratch.left_bits);
        let visible = self.set.visible_mut();
        visible.replace(&mut scratch.fresh, entered, left, berths.path());
        scratch.entered.extend(&*entered);
        scratch.left.extend(&*left);
        self.blocks.clone_from(&scratch.blocks);
        self.masks.clone_from(&scratch.masks);
        self.window = Some(window);
        self.layout = berths.layout();
        self.beat = berths.beat();
        self.finish(scratch);
        true
    }

    /// Adds the retired to those who left, sorts, and counts.
    fn finish(&mut self, scratch: &mut WatchScratch) {
        scratch.left.append(&mut self.retired);
        scratch.left.sort_unstable();
        scratch.entered.sort_unstable();
        self.count = self.count + scratch.entered.len() - scratch.left.len();
    }
}

/// Whether a slot whose lane went dark is seen in another: it is in one of the blocks, and there
/// within the leaving radius, which for somebody who moved the masks did not know to ask.
fn still_seen(
    berths: &BerthIndex,
    sight: &Sight,
    blocks: &BlockList,
    fresh: &mut [u16],
    slot: u32,
) -> bool {
    let Some((block, lane)) = berths.berth(slot) else {
        return false;
    };
    let Some(i) = blocks.position(block) else {
        return false;
    };
    let place = berths
        .occupant(block, lane)
        .expect("a berth has an occupant");
    if sight.reaches(place) {
        fresh[i] |= 1 << lane;
        return true;
    }
    false
}

/// The lanes of a mask, ascending.
fn lanes(mut mask: u16) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        mask &= mask.checked_sub(1)?;
        Some(lane)
    })
}

#[cfg(test)]
mod tests;
