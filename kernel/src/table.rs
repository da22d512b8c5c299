//! The entities of a part: dense rows in columns, found by id or by slot.
//!
//! Rows are dense and their order means nothing: a row that is removed is replaced by the last
//! one, so the same entities may lie in another order on another number of parts or after a
//! restore. **Invariant:** no result may depend on a row's number. What is stable is the id
//! (for ever) and the [`Handle`] (for one stay on the grid).
//!
//! Cost: 40 bytes per row beside the columns, four per slot; a lookup by id is one probe of
//! an open-addressing table, one by slot is an array access.

mod index;
#[cfg(test)]
mod tests;

use orrery_base::columns::Columns;
use orrery_base::{EntityId, Slot, Tick};

use crate::slots::Handle;
use index::RowIndex;

const NO_ROW: u32 = u32::MAX;

/// Entities in columns.
#[derive(Clone, Debug, Default)]
pub struct Table<C: Columns> {
    columns: C,
    ids: Vec<EntityId>,
    slots: Vec<Slot>,
    generations: Vec<u32>,
    born: Vec<Tick>,
    /// One bit per row, 64 rows a word.
    dirty: Vec<u64>,
    rows: RowIndex,
    /// By slot, [`NO_ROW`] where the slot's tenant is not here.
    row_of_slot: Vec<u32>,
}

impl<C: Columns> Table<C> {
    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, by row.
    #[must_use]
    pub fn ids(&self) -> &[EntityId] {
        &self.ids
    }

    /// The slots, by row.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slots' generations, by row.
    #[must_use]
    pub fn generations(&self) -> &[u32] {
        &self.generations
    }

    /// The tick of the first frame that each entity was or will be in, by row.
    #[must_use]
    pub fn born(&self) -> &[Tick] {
        &self.born
    }

    /// The columns.
    #[must_use]
    pub const fn columns(&self) -> &C {
        &self.columns
    }

    /// The columns, to be changed in place. Rows are added and removed by the grid only: the
    /// number of rows must be the same afterwards, which the grid asserts.
    pub const fn columns_mut(&mut self) -> &mut C {
        &mut self.columns
    }

    /// The ids beside the columns, for loops that change rows and need to know whose they are.
    pub fn split_mut(&mut self) -> (&[EntityId], &mut C) {
        (&self.ids, &mut self.columns)
    }

    /// The row of an entity, if it is here.
    #[must_use]
    pub fn row_of(&self, id: EntityId) -> Option<usize> {
        self.rows.row_of(id)
    }

    /// The row of a slot's present tenant, if it is here.
    #[must_use]
    pub fn row_of_slot(&self, slot: Slot) -> Option<usize> {
        let row = *self.row_of_slot.get(slot.0 as usize)?;
        (row != NO_ROW).then_some(row as usize)
    }

    /// The row of a handle, if that very tenant is here.
    #[must_use]
    pub fn row_of_handle(&self, handle: Handle) -> Option<usize> {
        self.row_of_slot(handle.slot)
            .filter(|&row| self.generations[row] == handle.generation)
    }

    /// The handle of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn handle(&self, row: usize) -> Handle {
        Handle {
            slot: self.slots[row],
            generation: self.generations[row],
        }
    }

    /// The birth tick (see [`Table::born`]) of a slot's present tenant, if it is here.
    #[must_use]
    pub fn born_of_slot(&self, slot: Slot) -> Option<Tick> {
        self.row_of_slot(slot).map(|row| self.born[row])
    }

    /// Adds an entity, marked dirty, and returns its row.
    ///
    /// # Panics
    /// If the id is [`EntityId::NONE`] or already here, or the slot has a tenant here.
    pub fn insert(&mut self, id: EntityId, handle: Handle, born: Tick, row: C::Row) -> usize {
        assert!(id.is_some(), "an entity has an id");
        assert!(self.row_of(id).is_none(), "entity {id} is here already");
        let slot = handle.slot.0 as usize;
        if slot >= self.row_of_slot.len() {
            self.row_of_slot.resize(slot + 1, NO_ROW);
        }
        assert!(
            self.row_of_slot[slot] == NO_ROW,
            "slot {} is taken",
            handle.slot
        );
        let at = self.ids.len();
        self.columns.push(row);
        self.ids.push(id);
        self.slots.push(handle.slot);
        self.generations.push(handle.generation);
        self.born.push(born);
        self.rows.set(id, at);
        self.row_of_slot[slot] = at as u32;
        if at.is_multiple_of(64) {
            self.dirty.push(0);
        }
        self.mark_dirty(at);
        at
    }

    /// Takes an entity out, if it is here; the last row moves into its place.
    pub fn remove(&mut self, id: EntityId) -> Option<C::Row> {
        let row = self.row_of(id)?;
        let last = self.ids.len() - 1;
        self.rows.remove(id);
        self.row_of_slot[self.slots[row].0 as usize] = NO_ROW;
        if row != last {
            self.rows.set(self.ids[last], row);
            self.row_of_slot[self.slots[last].0 as usize] = row as u32;
        }
        let last_is_dirty = self.is_dirty(last);
        self.set_dirty(row, last_is_dirty);
        self.set_dirty(last, false);
        if last.is_multiple_of(64) {
            self.dirty.pop();
        }
        self.ids.swap_remove(row);
        self.slots.swap_remove(row);
        self.generations.swap_remove(row);
        self.born.swap_remove(row);
        Some(self.columns.swap_remove(row))
    }

    /// Removes every row and keeps the memory.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.ids.clear();
        self.slots.clear();
        self.generations.clear();
        self.born.clear();
        self.dirty.clear();
        self.rows.clear();
        self.row_of_slot.clear();
    }

    /// Makes room for `additional` more rows.
    pub fn reserve(&mut self, additional: usize) {
        self.columns.reserve(additional);
        self.ids.reserve(additional);
        self.slots.reserve(additional);
        self.generations.reserve(additional);
        self.born.reserve(additional);
        self.dirty.reserve(additional.div_ceil(64));
        self.rows.reserve(additional);
    }

    /// Whether columns and ids still have the same number of rows.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.columns.len() == self.ids.len()
    }

    /// Marks a row for whoever drains the marks next.
    ///
    /// The marks are bookkeeping, not state: a restore marks every row. So nothing that the
    /// digest covers may depend on them.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn mark_dirty(&mut self, row: usize) {
        assert!(row < self.ids.len(), "there is no row {row}");
        self.set_dirty(row, true);
    }

    /// Whether a row is marked.
    #[must_use]
    pub fn is_dirty(&self, row: usize) -> bool {
        self.dirty
            .get(row / 64)
            .is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    fn set_dirty(&mut self, row: usize, dirty: bool) {
        let word = &mut self.dirty[row / 64];
        *word = *word & !(1 << (row % 64)) | u64::from(dirty) << (row % 64);
    }

    /// Calls `each` with the marked rows in ascending order and clears the marks.
    pub fn drain_dirty(&mut self, mut each: impl FnMut(&Self, usize)) {
        for index in 0..self.dirty.len() {
            let mut word = std::mem::take(&mut self.dirty[index]);
            while word != 0 {
                each(self, index * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}
