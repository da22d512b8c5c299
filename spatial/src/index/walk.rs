//! Leads a reader through the stretches of the sorted columns that a query has to read.

use super::layout::{Dense, Hashed, Layout, Table};
use crate::CellIndex;

/// A query over more rows of cells than there are entities, and than this, reads everything
/// instead: only in the hashed layout, whose box of cells has no bound. This is a neighbourhood in
/// space.
const CELL_ROWS_FREE: u64 = 25;

/// A contiguous part of the sorted columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The row of cells.
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
    Dense(Dense<'a>, Cells),
    Hashed(Hashed<'a>, Cells),
    /// All entities, in whatever order; the caller sorts.
    Everything,
}

/// What a query does with the stretches.
pub(crate) trait Reader {
    /// Reads a stretch, which may be empty, and tells whether to go on. With `CHECKED` tables only
    /// the entities of the stretch's row of cells count.
    fn read<T: Table>(&mut self, stretch: Stretch) -> bool;
}

impl Cells {
    /// Hands the reader every stretch in the canonical order, until it has enough.
    #[inline(always)]
    pub(crate) fn walk<T: Table, R: Reader>(self, table: T, reader: &mut R) {
        let mut z = self.from[2];
        loop {
            let mut y = self.from[1];
            loop {
                for number in 0..T::STRETCHES {
                    let x = [self.from[0], self.to[0]];
                    let [start, end] = table.stretch(number, x, y, z);
                    let (start, end) = (start as usize, end as usize);
                    if !reader.read::<T>(Stretch { start, end, y, z }) {
                        return;
                    }
                }
                if y == self.to[1] {
                    break;
                }
                y += 1;
            }
            if z == self.to[2] {
                break;
            }
            z += 1;
        }
    }
}

impl CellIndex {
    /// Hands the reader everything as one stretch.
    #[inline(always)]
    pub(crate) fn walk_everything<R: Reader>(&self, reader: &mut R) {
        let (start, end) = (0, self.rows);
        reader.read::<Dense<'_>>(Stretch {
            start,
            end,
            y: 0,
            z: 0,
        });
    }

    /// How to read the cells that the box of positions touches. The corners are wider than a
    /// coordinate: a ball may reach past the end of an axis.
    #[inline(always)]
    pub(crate) fn plan(&self, low: [i64; 3], high: [i64; 3]) -> Plan<'_> {
        let (first, last) = (self.first, self.last);
        let mut nothing = false;
        let (mut from, mut to) = ([0; 3], [0; 3]);
        for axis in 0..3 {
            let low = (low[axis] >> self.shift).max(i64::from(first[axis]));
            let high = (high[axis] >> self.shift).min(i64::from(last[axis]));
            nothing |= low > high;
            from[axis] = low as i32;
            to[axis] = high as i32;
        }
        if nothing {
            return Plan::Nothing;
        }
        let (starts, cells) = (&self.starts[..], Cells { from, to });
        match self.layout {
            Layout::Dense { size } => Plan::Dense(
                Dense {
                    starts,
                    first,
                    size,
                },
                cells,
            ),
            Layout::Hashed { mask } => {
                let count = [0, 1, 2].map(|axis| u64::from(to[axis].abs_diff(from[axis])) + 1);
                let allowed = CELL_ROWS_FREE.max(self.rows as u64);
                if count[0] > u64::from(mask) || count[1].saturating_mul(count[2]) > allowed {
                    Plan::Everything
                } else {
                    Plan::Hashed(Hashed { starts, mask }, cells)
                }
            }
        }
    }
}
