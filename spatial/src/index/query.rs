//! The questions an index answers.

use super::CellIndex;
use super::layout::{Dense, Hashed, Layout, Table};
use crate::scan::{self, Ball, Order};
use crate::select;

/// A query over more rows of cells than this per indexed entity reads all entities instead: only
/// in the hashed layout, whose box of cells has no bound.
const CELL_ROWS_PER_ROW: u64 = 1;
/// Always allowed, however few the entities: the neighbourhood in space.
const CELL_ROWS_FREE: u64 = 9;

/// How to read the cells that a ball touches: in which table, from which cell to which.
pub(crate) enum Plan<'a> {
    /// No occupied cell among them.
    Nothing,
    Dense(Dense<'a>, [i32; 3], [i32; 3]),
    Hashed(Hashed<'a>, [i32; 3], [i32; 3]),
    /// Reading everything is simpler.
    Everything(Order),
}

impl CellIndex {
    /// Appends the rows within the radius in the canonical order: by (cell z, cell y, cell x,
    /// row). The fastest query. Radii are limited to [`RADIUS_MAX_CM`](crate::RADIUS_MAX_CM).
    pub fn scan(&self, centre: [i32; 3], radius_cm: u32, out: &mut Vec<u32>) {
        let start = out.len();
        if scan::rows(self, centre, radius_cm, out) == Order::Arbitrary {
            self.sort_canonically(&mut out[start..]);
        }
    }

    /// Appends the rows within the radius, ascending: [`scan`](Self::scan) and a sort, which
    /// costs more than the scan.
    pub fn within(&self, centre: [i32; 3], radius_cm: u32, out: &mut Vec<u32>) {
        let start = out.len();
        let _any = scan::rows(self, centre, radius_cm, out);
        out[start..].sort_unstable();
    }

    /// Appends the rows within the first radius to `inside` and the other rows within the second
    /// to `between`, both in the canonical order. The first radius is limited to the second.
    pub fn scan_ring(
        &self,
        centre: [i32; 3],
        radii_cm: [u32; 2],
        inside: &mut Vec<u32>,
        between: &mut Vec<u32>,
    ) {
        let starts = [inside.len(), between.len()];
        let radii_cm = [radii_cm[0].min(radii_cm[1]), radii_cm[1]];
        if scan::ring(self, centre, radii_cm, inside, between) == Order::Arbitrary {
            self.sort_canonically(&mut inside[starts[0]..]);
            self.sort_canonically(&mut between[starts[1]..]);
        }
    }

    /// Appends the `count` nearest rows within the radius, or all if there are fewer. Equal
    /// distances rank by row. The rows are appended in the canonical order, not by distance: that
    /// costs more than choosing them, and who needs it can sort a few hundred.
    pub fn nearest(&self, centre: [i32; 3], radius_cm: u32, count: usize, out: &mut Vec<u32>) {
        self.nearest_ring(centre, radius_cm, [count; 2], out, &mut Vec::new());
    }

    /// Of the rows within the radius, ranked by (distance², row): appends those among the first
    /// `ranks[0]` to `inside` and the others among the first `ranks[1]` to `between`, both in the
    /// canonical order. The first rank is limited to the second.
    pub fn nearest_ring(
        &self,
        centre: [i32; 3],
        radius_cm: u32,
        ranks: [usize; 2],
        inside: &mut Vec<u32>,
        between: &mut Vec<u32>,
    ) {
        let starts = [inside.len(), between.len()];
        let ranks = [ranks[0].min(ranks[1]), ranks[1]];
        if select::nearest(self, centre, radius_cm, ranks, inside, between) == Order::Arbitrary {
            self.sort_canonically(&mut inside[starts[0]..]);
            self.sort_canonically(&mut between[starts[1]..]);
        }
    }

    /// Calls `visit(row, position)` for every row whose position is in the box, corners included,
    /// in the canonical order. A box whose low corner is above its high one is empty.
    pub fn for_each_in_box(
        &self,
        low: [i32; 3],
        high: [i32; 3],
        mut visit: impl FnMut(u32, [i32; 3]),
    ) {
        let in_box = |[x, y, z]: [i32; 3]| {
            (low[0]..=high[0]).contains(&x)
                && (low[1]..=high[1]).contains(&y)
                && (low[2]..=high[2]).contains(&z)
        };
        let mut tell = |at: usize| visit(self.sorted.row[at], self.sorted.position(at));
        match self.plan_box(low.map(i64::from), high.map(i64::from)) {
            Plan::Nothing => {}
            Plan::Dense(table, first, last) => self.read_box(table, first, last, in_box, tell),
            Plan::Hashed(table, first, last) => self.read_box(table, first, last, in_box, tell),
            Plan::Everything(_) => {
                let mut found: Vec<usize> = (0..self.rows)
                    .filter(|&at| in_box(self.sorted.position(at)))
                    .collect();
                found.sort_unstable_by_key(|&at| self.canonical_rank(at));
                found.into_iter().for_each(&mut tell);
            }
        }
    }

    /// Tells the entries of the cells from `first` to `last` whose position passes.
    fn read_box<T: Table>(
        &self,
        table: T,
        first: [i32; 3],
        last: [i32; 3],
        passes: impl Fn([i32; 3]) -> bool,
        mut tell: impl FnMut(usize),
    ) {
        for z in first[2]..=last[2] {
            for y in first[1]..=last[1] {
                for [start, end] in table.stretches([first[0], last[0]], y, z) {
                    for at in start as usize..end as usize {
                        let position = self.sorted.position(at);
                        let in_row = !T::CHECKED
                            || position[1] >> self.shift == y && position[2] >> self.shift == z;
                        if in_row && passes(position) {
                            tell(at);
                        }
                    }
                }
            }
        }
    }

    /// How to read the cells that the ball touches.
    #[inline(always)]
    pub(crate) fn plan(&self, ball: &Ball) -> Plan<'_> {
        let centre = ball.centre.map(i64::from);
        let low = centre.map(|c| c - ball.radius_cm);
        let plan = self.plan_box(low, centre.map(|c| c + ball.radius_cm));
        match plan {
            Plan::Dense(_, from, to)
                if from == self.first && to == self.last && self.is_inside(ball) =>
            {
                Plan::Everything(Order::Canonical)
            }
            plan => plan,
        }
    }

    /// Whether all occupied cells are inside the ball.
    fn is_inside(&self, ball: &Ball) -> bool {
        let mut squared = 0;
        for axis in 0..3 {
            let centre = i64::from(ball.centre[axis]);
            let low = i64::from(self.first[axis]) << self.shift;
            let high = ((i64::from(self.last[axis]) + 1) << self.shift) - 1;
            // At most the radius where it matters, and below 2³³ anyway.
            let far = (centre - low).max(high - centre) as u64;
            squared += (far * far).min(1 << 62);
        }
        squared <= ball.radius_squared
    }

    /// How to read the cells that the box of positions touches.
    #[inline(always)]
    fn plan_box(&self, low: [i64; 3], high: [i64; 3]) -> Plan<'_> {
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
        let starts = &self.starts[..];
        match self.layout {
            Layout::Dense { size } => {
                Plan::Dense(Dense { starts, first, size }, from, to)
            }
            Layout::Hashed { mask } => {
                let cells = [0, 1, 2].map(|a| u64::from(to[a].abs_diff(from[a])) + 1);
                let allowed = self.rows as u64 * CELL_ROWS_PER_ROW + CELL_ROWS_FREE;
                if cells[0] > u64::from(mask) || cells[1].saturating_mul(cells[2]) > allowed {
                    Plan::Everything(Order::Arbitrary)
                } else {
                    Plan::Hashed(Hashed { starts, mask }, from, to)
                }
            }
        }
    }

    /// What the canonical order compares for a sorted entry.
    fn canonical_rank(&self, at: usize) -> ([i32; 3], u32) {
        let [x, y, z] = self.sorted.position(at).map(|p| p >> self.shift);
        ([z, y, x], self.sorted.row[at])
    }

    /// Puts rows into the canonical order. Slow: finds each row's cell by looking through all
    /// entries once.
    #[cold]
    fn sort_canonically(&self, rows: &mut [u32]) {
        let mut wanted: Vec<u32> = rows.to_vec();
        wanted.sort_unstable();
        let mut ranks: Vec<_> = (0..self.rows)
            .filter(|&at| wanted.binary_search(&self.sorted.row[at]).is_ok())
            .map(|at| self.canonical_rank(at))
            .collect();
        ranks.sort_unstable();
        for (row, (_, ranked)) in rows.iter_mut().zip(ranks) {
            *row = ranked;
        }
    }
}
