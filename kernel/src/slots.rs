//! The slots of a grid: small stable numbers for the entities on it, so that sets of entities
//! are bitsets.
//!
//! The lowest free slot is given first, so that the numbers stay dense; every slot counts its
//! tenants, and a [`Handle`] names one tenant. Every part of a grid keeps its own replica and
//! carries out the same releases and allocations in the same order (`crate::seat`): nobody has
//! to ask anybody for a slot, and the numbers do not depend on how many parts there are.
//!
//! Cost: four bytes per slot ever used, O(log free) per allocation.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use orrery_base::Slot;

/// One stay of one entity on one grid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle {
    /// The place, reused after the entity has left.
    pub slot: Slot,
    /// How many tenants the slot had before.
    pub generation: u32,
}

/// Which slots of a grid are taken, and how often each has been.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    generations: Vec<u32>,
    free: BinaryHeap<Reverse<u32>>,
}

impl Slots {
    /// A number above every slot ever given: the size of a bitset over slots.
    #[must_use]
    pub const fn bound(&self) -> u32 {
        self.generations.len() as u32
    }

    /// Gives the lowest free slot.
    ///
    /// # Panics
    /// If 2³² − 1 slots are taken, which no memory allows.
    pub fn allocate(&mut self) -> Handle {
        let slot = if let Some(Reverse(slot)) = self.free.pop() {
            slot
        } else {
            let slot = self.bound();
            assert!(slot < u32::MAX, "a grid is out of slots");
            self.generations.push(0);
            slot
        };
        Handle {
            slot: Slot(slot),
            generation: self.generations[slot as usize],
        }
    }

    /// Takes a slot back.
    ///
    /// # Panics
    /// If the handle is not the slot's present tenant.
    pub fn release(&mut self, handle: Handle) {
        let generation = &mut self.generations[handle.slot.0 as usize];
        assert!(*generation == handle.generation, "a slot is released once");
        *generation = generation.wrapping_add(1);
        self.free.push(Reverse(handle.slot.0));
    }

    /// The tenant count of every slot, by slot: with the slots that are taken, all there is to
    /// know.
    #[must_use]
    pub fn generations(&self) -> &[u32] {
        &self.generations
    }

    /// From the tenant counts and the handles that are taken; `None` if two tenants share a
    /// slot or a handle is not of these counts.
    #[must_use]
    pub fn restore(generations: Vec<u32>, taken: impl Iterator<Item = Handle>) -> Option<Self> {
        let mut is_taken = vec![false; generations.len()];
        for handle in taken {
            let slot = handle.slot.0 as usize;
            if generations.get(slot) != Some(&handle.generation) || is_taken[slot] {
                return None;
            }
            is_taken[slot] = true;
        }
        let free = (0..).zip(&is_taken).filter(|(_, taken)| !**taken);
        let free = free.map(|(slot, _)| Reverse(slot)).collect();
        Some(Self { generations, free })
    }
}
