//! Appending blocks of rows to a list.

use super::Lanes;
use crate::index::PADDING;
use std::marker::PhantomData;

/// Rows that are appended to a list in blocks of lanes.
pub(super) struct Appender<'a, V: Lanes> {
    list: &'a mut Vec<u32>,
    to: *mut u32,
    length: usize,
    capacity: usize,
    lanes: PhantomData<V>,
}

impl<'a, V: Lanes> Appender<'a, V> {
    #[inline(always)]
    pub(super) fn new(list: &'a mut Vec<u32>) -> Self {
        let (length, capacity) = (list.len(), list.capacity());
        Self {
            to: list.as_mut_ptr(),
            list,
            length,
            capacity,
            lanes: PhantomData,
        }
    }

    /// Makes room for so many rows and a block.
    #[inline(always)]
    pub(super) fn reserve(&mut self, rows: usize) {
        if self.capacity - self.length < rows + V::COUNT {
            (self.to, self.capacity) = grow(self.list, self.length, rows + V::COUNT);
        }
    }

    /// Appends the rows of the masked lanes.
    ///
    /// # Safety
    /// The processor has V's instructions. Blocks are appended for no more rows than were
    /// reserved, but for the last block's.
    #[inline(always)]
    pub(super) unsafe fn append(&mut self, rows: V::Int, mask: u32) {
        // SAFETY: there is room for a block after all but the last of the reserved rows.
        unsafe { V::compress_rows(self.to.add(self.length), rows, mask) };
        self.length += mask.count_ones() as usize;
    }

    /// Tells the list how long it is now.
    #[inline(always)]
    pub(super) fn finish(mut self) {
        // Padding is behind all rows, and it is only read in the last block.
        // SAFETY: the rows before `length` were written by `append` or before `new`.
        unsafe {
            while self.length > 0 && *self.to.add(self.length - 1) == PADDING {
                self.length -= 1;
            }
            self.list.set_len(self.length);
        }
    }
}

/// Makes room for more rows; the list's new buffer and capacity. A function of the list alone, so
/// that everything else about an [`Appender`] can stay in registers.
#[cold]
#[inline(never)]
fn grow(list: &mut Vec<u32>, length: usize, more: usize) -> (*mut u32, usize) {
    // SAFETY: the rows before `length` were written by `append`.
    unsafe { list.set_len(length) };
    list.reserve(more);
    (list.as_mut_ptr(), list.capacity())
}
