//! The questions an index answers.

use super::CellIndex;
use super::walk::{Plan, Walk};
use crate::scan::{Order, Ring, Rows, answer};
use crate::select::{Nearest, Nearness};

impl CellIndex {
    /// Appends the rows within the radius in the canonical order: by (cell z, cell y, cell x,
    /// row). The fastest query. Radii are limited to [`RADIUS_MAX_CM`](crate::RADIUS_MAX_CM).
    pub fn scan(&self, centre: [i32; 3], radius_cm: u32, out: &mut Vec<u32>) {
        let start = out.len();
        if answer(self, centre, radius_cm, &mut Rows { out }) == Order::Arbitrary {
            self.sort_canonically(&mut out[start..]);
        }
    }

    /// Appends the rows within the radius, ascending: [`scan`](Self::scan) and a sort, which
    /// costs more than the scan.
    pub fn within(&self, centre: [i32; 3], radius_cm: u32, out: &mut Vec<u32>) {
        let start = out.len();
        let _any = answer(self, centre, radius_cm, &mut Rows { out });
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
        let mut query = Ring {
            radius_cm: radii_cm[0].min(radii_cm[1]),
            inside,
            between,
        };
        if answer(self, centre, radii_cm[1], &mut query) == Order::Arbitrary {
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
        let nearness = &mut Nearness::new();
        self.nearest_ring_again(centre, radius_cm, ranks, nearness, [inside, between]);
    }

    /// As [`nearest_ring`](Self::nearest_ring), appending to `[inside, between]`; faster if the
    /// same was asked a moment ago with the same `nearness`, by whom everybody is still about as
    /// far from as then.
    pub fn nearest_ring_again(
        &self,
        centre: [i32; 3],
        radius_cm: u32,
        ranks: [usize; 2],
        nearness: &mut Nearness,
        [inside, between]: [&mut Vec<u32>; 2],
    ) {
        let starts = [inside.len(), between.len()];
        if ranks[1] == 0 {
            return;
        }
        let mut query = Nearest {
            ranks: [ranks[0].min(ranks[1]), ranks[1]],
            nearness,
            inside,
            between,
        };
        if answer(self, centre, radius_cm, &mut query) == Order::Arbitrary {
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
        let in_box = |at: usize| {
            let position = self.sorted.position(at);
            (0..3).all(|axis| (low[axis]..=high[axis]).contains(&position[axis]))
        };
        let mut tell = |at: usize| visit(self.sorted.row[at], self.sorted.position(at));
        match self.plan([low.map(i64::from), high.map(i64::from)]) {
            Plan::Nothing => {}
            Plan::Dense(walk) => self.visit(walk, in_box, &mut tell),
            Plan::Hashed(walk) => self.visit(walk, in_box, &mut tell),
            Plan::Everything(walk) => {
                let mut found = Vec::new();
                self.visit(walk, in_box, |at| found.push(at));
                found.sort_unstable_by_key(|&at| self.canonical_rank(at));
                found.into_iter().for_each(tell);
            }
        }
    }

    /// Tells the entries on the way that pass.
    fn visit<W: Walk>(&self, walk: W, passes: impl Fn(usize) -> bool, mut tell: impl FnMut(usize)) {
        walk.stretches(|stretch| {
            for at in stretch.start..stretch.end {
                let [_, y, z] = self.sorted.position(at).map(|p| p >> self.shift);
                let in_row = !W::CHECKED || (y == stretch.y && z == stretch.z);
                if in_row && passes(at) {
                    tell(at);
                }
            }
        });
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
