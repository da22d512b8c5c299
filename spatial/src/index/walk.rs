//! Leads a reader through the stretches of the sorted columns that a query has to read.

use super::layout::{Dense, Hashed, Layout};
use crate::CellIndex;
use crate::scan::Ball;
use std::mem::MaybeUninit;

/// A query over more rows of cells than there are entities, and than this, reads everything
/// instead: only in the hashed layout, whose box of cells has no bound. This is a neighbourhood in
/// space.
const CELL_ROWS_FREE: u64 = 25;

/// A contiguous part of the sorted columns, in one row of cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) y: i32,
    pub(crate) z: i32,
}

/// The cells that a query touches, as far as they are in the box of occupied ones.
#[derive(Clone, Copy)]
pub(crate) struct Cells {
    from: [i32; 3],
    to: [i32; 3],
}

/// Which way a query reads.
#[derive(Clone, Copy)]
pub(crate) enum Plan<'a> {
    /// No occupied cell is touched.
    Nothing,
    Dense(Through<Dense<'a>>),
    Hashed(Through<Hashed<'a>>),
    /// The caller sorts.
    Everything(Everything),
}

/// See [`CellIndex::dense_plan`].
pub(crate) enum DensePlan<'a> {
    Nothing,
    Walk(Through<Dense<'a>>),
    /// The layout is not dense.
    Other,
}

/// Through the cells of a table.
#[derive(Clone, Copy)]
pub(crate) struct Through<T>(T, Cells);

/// Through all entities, in whatever order.
#[derive(Clone, Copy)]
pub(crate) struct Everything {
    rows: usize,
}

/// A way through the sorted columns.
pub(crate) trait Walk: Copy {
    /// Whether a stretch may hold entities of other rows of cells, which the reader drops.
    const CHECKED: bool;

    /// Calls the reader with stretches in the canonical order; they may be empty.
    fn stretches(self, reader: impl FnMut(Stretch));

    /// Calls the reader with blocks of that many entries in the canonical order, until it has
    /// enough. If `CHECKED`, a block is what the stretch begins with, and entries that are not of
    /// the stretch or not of its row of cells do not count. Else a block is simply that many
    /// entries, the last of which may be padding, and no entry is read twice: one that is not in
    /// the query's cells cannot be an answer, so there is nothing to check.
    fn blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R);
}

/// Reads blocks of entries.
pub(crate) trait BlockReader {
    /// Whether the stretches are expected to be short: a few blocks.
    const NOTES: bool;

    /// Prepares for so many entries, the last block's beyond the stretch not counted.
    fn expect(&mut self, entries: usize);

    /// Reads the entries that the stretch begins with, and tells whether to go on.
    fn read<const CHECKED: bool>(&mut self, stretch: Stretch) -> bool;
}

impl Walk for Through<Dense<'_>> {
    const CHECKED: bool = false;

    #[inline(always)]
    fn stretches(self, mut reader: impl FnMut(Stretch)) {
        let Self(table, Cells { from, to }) = self;
        for z in from[2]..=to[2] {
            for y in from[1]..=to[1] {
                let start = table.starts[table.bucket(from[0], y, z)] as usize;
                let end = table.starts[table.bucket(to[0], y, z) + 1] as usize;
                reader(Stretch { start, end, y, z });
            }
        }
    }

    #[inline(always)]
    fn blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R) {
        if R::NOTES {
            self.noted_blocks::<LANES, R>(reader);
        } else {
            self.stretched_blocks::<LANES, R>(reader);
        }
    }
}

impl Through<Dense<'_>> {
    /// Where the entries of the row of cells that begins with a bucket start and end.
    ///
    /// # Safety
    /// The row is one of the box of occupied cells.
    #[inline(always)]
    unsafe fn bounds(&self, bucket: usize) -> [u32; 2] {
        let Self(table, Cells { from, to }) = self;
        let width = to[0].wrapping_sub(from[0]) as u32 as usize + 1;
        // SAFETY: each cell of the box has a bucket, and there is an entry of `starts` after the
        // last bucket's.
        unsafe {
            [
                *table.starts.get_unchecked(bucket),
                *table.starts.get_unchecked(bucket + width),
            ]
        }
    }

    /// One stretch after the other: for long ones.
    #[inline(always)]
    fn stretched_blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R) {
        let Self(table, Cells { from, to }) = self;
        // The last block of a stretch reaches past its end: the next stretch goes on from there.
        let (mut start, y) = (0, 0);
        let mut z = from[2];
        loop {
            let mut row = table.bucket(from[0], from[1], z);
            let last = table.bucket(from[0], to[1], z);
            loop {
                // SAFETY: the cells are in the box of occupied ones.
                let [first, end] = unsafe { self.bounds(row) };
                let (first, end) = (first as usize, end as usize);
                start = start.max(first);
                if start < end {
                    reader.expect(end - start);
                }
                while start < end {
                    if !reader.read::<false>(Stretch { start, end, y, z }) {
                        return;
                    }
                    start += LANES;
                }
                row += table.size[0] as usize;
                if row > last {
                    break;
                }
            }
            if z == to[2] {
                break;
            }
            z += 1;
        }
    }

    /// All stretches together: for short ones. They are a few blocks long, some one more than
    /// others, which the processor cannot foresee: reading each in a loop of its own costs it a
    /// wrong guess, and the wait for the stretch's bounds, per stretch. Noting where blocks begin
    /// takes no guesses, and then one loop reads them all.
    #[inline(always)]
    fn noted_blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R) {
        let Self(table, Cells { from, to }) = self;
        let mut noted = [const { MaybeUninit::<u32>::uninit() }; BLOCKS + STRIDE];
        // The last block of a stretch reaches past its end: the next stretch goes on from there.
        let mut start = 0;
        let (mut y, mut z) = (from[1], from[2]);
        let mut row = table.bucket(from[0], y, z);
        let mut more = true;
        while more {
            let mut length = 0;
            while more && length < BLOCKS {
                // SAFETY: the cells are in the box of occupied ones.
                let [first, end] = unsafe { self.bounds(row) };
                start = start.max(first);
                for i in 0..STRIDE {
                    // Those beyond the stretch are written over.
                    noted[length + i].write(start.wrapping_add((i * LANES) as u32));
                }
                let blocks = (end.saturating_sub(start) as usize).div_ceil(LANES);
                let new = blocks.min(STRIDE);
                length += new;
                start += (new * LANES) as u32;
                if blocks > STRIDE {
                    continue;
                }
                if y != to[1] {
                    y += 1;
                    row += table.size[0] as usize;
                } else if z != to[2] {
                    (y, z) = (from[1], z + 1);
                    row = table.bucket(from[0], y, z);
                } else {
                    more = false;
                }
            }
            reader.expect(length * LANES);
            for start in &noted[..length] {
                // SAFETY: the first `length` were written.
                let start = unsafe { start.assume_init() } as usize;
                let end = start + LANES;
                if !reader.read::<false>(Stretch {
                    start,
                    end,
                    y: 0,
                    z: 0,
                }) {
                    return;
                }
            }
        }
    }
}

/// Blocks of a stretch that are noted at once.
const STRIDE: usize = 8;
/// Blocks that are noted before they are read.
const BLOCKS: usize = 64;

impl Walk for Through<Hashed<'_>> {
    const CHECKED: bool = true;

    #[inline(always)]
    fn stretches(self, mut reader: impl FnMut(Stretch)) {
        let Self(table, Cells { from, to }) = self;
        for z in from[2]..=to[2] {
            for y in from[1]..=to[1] {
                for [start, end] in table.stretches([from[0], to[0]], y, z) {
                    reader(Stretch { start, end, y, z });
                }
            }
        }
    }

    #[inline(always)]
    fn blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R) {
        let Self(table, Cells { from, to }) = self;
        for z in from[2]..=to[2] {
            for y in from[1]..=to[1] {
                for [mut start, end] in table.stretches([from[0], to[0]], y, z) {
                    reader.expect(end - start);
                    while start < end {
                        if !reader.read::<true>(Stretch { start, end, y, z }) {
                            return;
                        }
                        start += LANES;
                    }
                }
            }
        }
    }
}

impl Walk for Everything {
    const CHECKED: bool = false;

    #[inline(always)]
    fn stretches(self, mut reader: impl FnMut(Stretch)) {
        let (start, end) = (0, self.rows);
        let (y, z) = (0, 0);
        reader(Stretch { start, end, y, z });
    }

    #[inline(always)]
    fn blocks<const LANES: usize, R: BlockReader>(self, reader: &mut R) {
        let (end, y, z) = (self.rows, 0, 0);
        let mut start = 0;
        reader.expect(end);
        while start < end && reader.read::<false>(Stretch { start, end, y, z }) {
            start += LANES;
        }
    }
}

impl CellIndex {
    /// How to read the cells that the box of positions touches. The corners are wider than a
    /// coordinate: a ball may reach past the end of an axis.
    pub(crate) fn plan(&self, corners: [[i64; 3]; 2]) -> Plan<'_> {
        let Some(cells) = self.cells(corners) else {
            return Plan::Nothing;
        };
        match self.layout {
            Layout::Dense { size } => Plan::Dense(self.dense(size, cells)),
            Layout::Hashed { mask } => {
                let Cells { from, to } = cells;
                let count = [0, 1, 2].map(|axis| u64::from(to[axis].abs_diff(from[axis])) + 1);
                let allowed = CELL_ROWS_FREE.max(self.rows as u64);
                if count[0] > u64::from(mask) || count[1].saturating_mul(count[2]) > allowed {
                    Plan::Everything(Everything { rows: self.rows })
                } else {
                    let starts = &self.starts[..];
                    Plan::Hashed(Through(Hashed { starts, mask }, cells))
                }
            }
        }
    }

    /// The plan for a ball that is not past the edge, if the layout is dense and if there are
    /// cells to read; all that most queries need, and small enough to stay in registers.
    #[inline(always)]
    pub(crate) fn dense_plan(&self, ball: &Ball) -> DensePlan<'_> {
        let Layout::Dense { size } = self.layout else {
            return DensePlan::Other;
        };
        // The corners are coordinates, and a radius has 31 bits.
        let radius = ball.radius_cm as i32;
        let from = |axis: usize| {
            let low = ball.centre[axis].wrapping_sub(radius);
            (low >> self.shift).max(self.first[axis])
        };
        let to = |axis: usize| {
            let high = ball.centre[axis].wrapping_add(radius);
            (high >> self.shift).min(self.last[axis])
        };
        let (from, to) = ([from(0), from(1), from(2)], [to(0), to(1), to(2)]);
        if (from[0] > to[0]) | (from[1] > to[1]) | (from[2] > to[2]) {
            return DensePlan::Nothing;
        }
        DensePlan::Walk(self.dense(size, Cells { from, to }))
    }

    #[inline(always)]
    fn dense(&self, size: [u32; 3], cells: Cells) -> Through<Dense<'_>> {
        let table = Dense {
            starts: &self.starts,
            first: self.first,
            size,
        };
        Through(table, cells)
    }

    /// The occupied cells that the box of positions touches.
    #[inline(always)]
    fn cells(&self, [low, high]: [[i64; 3]; 2]) -> Option<Cells> {
        let from = |axis: usize| (low[axis] >> self.shift).max(i64::from(self.first[axis]));
        let to = |axis: usize| (high[axis] >> self.shift).min(i64::from(self.last[axis]));
        let (from, to) = ([from(0), from(1), from(2)], [to(0), to(1), to(2)]);
        if (from[0] > to[0]) | (from[1] > to[1]) | (from[2] > to[2]) {
            return None;
        }
        Some(Cells {
            from: [from[0] as i32, from[1] as i32, from[2] as i32],
            to: [to[0] as i32, to[1] as i32, to[2] as i32],
        })
    }
}
