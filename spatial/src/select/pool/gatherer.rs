//! Fills the pool from the blocks of a walk.

use std::marker::PhantomData;

use super::Pool;
use crate::index::walk::{BlockReader, Stretch};
use crate::scan::{Entries, Lanes, first_lanes};

/// Fills a pool. What every block needs is held here and not in the pool, so that it can stay in
/// registers.
pub(super) struct Gatherer<'p, 'a, V: Lanes> {
    /// Borrowed for `'p`. Everything that reaches into the pool goes through this one pointer: a
    /// reference beside `squares` and `row` would claim what they point at for itself.
    pool: *mut Pool<'a, V>,
    borrow: PhantomData<&'p mut Pool<'a, V>>,
    entries: Entries<V>,
    rows: usize,
    fill: usize,
    threshold: V::Float,
    squares: *mut f32,
    row: *mut u32,
    length: usize,
}

impl<'p, 'a, V: Lanes> Gatherer<'p, 'a, V> {
    #[inline(always)]
    pub(super) fn new(pool: &'p mut Pool<'a, V>) -> Self {
        let whole = &raw mut *pool;
        Self {
            entries: pool.entries,
            rows: pool.index.len(),
            fill: pool.fill,
            // SAFETY: see `Pool::new`.
            threshold: unsafe { V::splat_float(pool.threshold) },
            // SAFETY: fields of the pool that was lent just now.
            squares: unsafe { &raw mut (*whole).squares }.cast(),
            // SAFETY: as above.
            row: unsafe { &raw mut (*whole).row }.cast(),
            length: pool.length,
            pool: whole,
            borrow: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn finish(self) {
        // SAFETY: the pool is borrowed for as long as this lives, and no reference to it is kept.
        unsafe { (*self.pool).length = self.length };
    }
}

impl<V: Lanes> BlockReader for Gatherer<'_, '_, V> {
    const NOTES: bool = false;

    #[inline(always)]
    fn expect(&mut self, _: usize) {}

    #[inline(always)]
    fn read<const CHECKED: bool>(&mut self, stretch: Stretch) -> bool {
        let at = stretch.start;
        // SAFETY: see `Pool::new`; a stretch starts at a row; the pool holds less than `fill`, and
        // there is room for a block after the fullest that it can be.
        unsafe {
            let squares = self.entries.squares(at);
            let mut mask = V::at_most(squares, self.threshold);
            mask &= self.entries.live::<CHECKED>(&stretch);
            if at + V::COUNT > self.rows {
                // No padding: how many candidates there are decides who is dropped.
                mask &= first_lanes::<V>(self.rows - at);
            }
            // Also if there are none: to ask would cost more than to write nothing.
            V::compress_floats(self.squares.add(self.length), squares, mask);
            V::compress_rows(self.row.add(self.length), self.entries.rows(at), mask);
            self.length += mask.count_ones() as usize;
        }
        if self.length < self.fill {
            return true;
        }
        // SAFETY: as in `finish`; this reference ends here.
        let pool = unsafe { &mut *self.pool };
        pool.length = self.length;
        pool.thin();
        self.length = pool.length;
        // SAFETY: see `Pool::new`.
        self.threshold = unsafe { V::splat_float(pool.threshold) };
        !pool.stuck
    }
}
