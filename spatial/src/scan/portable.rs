//! The scan in plain Rust: exact 64-bit integers, no branches on what is inside.

use super::{Ball, Order};
use crate::CellIndex;
use crate::index::layout::{Dense, Table};
use crate::index::walk::{Runs, Walk};
use crate::index::{Plan, Sorted};

/// What is done with the stretches that a ball touches.
trait Sink {
    fn take<T: Table, const EDGE: bool>(&mut self, sorted: &Sorted, shift: u32, runs: &Runs);
}

/// Leads a sink through all stretches that the ball touches.
fn read<S: Sink, const EDGE: bool>(index: &CellIndex, ball: &Ball, sink: &mut S) -> Order {
    match index.plan(ball) {
        Plan::Nothing => {}
        Plan::Dense(table, low, high) => {
            read_table::<S, _, EDGE>(index, ball, table, Walk::new(low, high), sink);
        }
        Plan::Hashed(table, low, high) => {
            read_table::<S, _, EDGE>(index, ball, table, Walk::new(low, high), sink);
        }
        Plan::Everything(order) => {
            let runs = Runs::whole(1, index.len());
            sink.take::<Dense<'_>, EDGE>(&index.sorted, index.shift, &runs);
            return order;
        }
    }
    Order::Canonical
}

fn read_table<S: Sink, T: Table, const EDGE: bool>(
    index: &CellIndex,
    ball: &Ball,
    table: T,
    mut walk: Walk,
    sink: &mut S,
) {
    let mut runs = Runs::new(1);
    while walk.fill(&table, index.shift, ball, &mut runs) {
        sink.take::<T, EDGE>(&index.sorted, index.shift, &runs);
    }
}

/// The square of a difference. Inside the range of the coordinates (`EDGE` false) a difference
/// modulo 2³² of at most the radius is the true one, and the sum of three squares of up to 2³¹
/// fits 64 bits either way.
#[inline(always)]
fn square<const EDGE: bool>(position: i32, centre: i32) -> u64 {
    if EDGE {
        let difference = u64::from(position.abs_diff(centre).min(1 << 31));
        difference * difference
    } else {
        let difference = i64::from(position.wrapping_sub(centre));
        (difference * difference) as u64
    }
}

/// One stretch's entries as slices of one length, and its row of cells.
struct Stretch<'a> {
    rows: &'a [u32],
    position: [&'a [i32]; 3],
    cell_y: i32,
    cell_z: i32,
}

impl<'a> Stretch<'a> {
    fn new(sorted: &'a Sorted, runs: &Runs, run: usize) -> Self {
        let (start, end, cell_y, cell_z) = runs.get(run);
        let rows = &sorted.row[start..end];
        let column = |column: &'a [i32]| &column[start..end][..rows.len()];
        Self {
            rows,
            position: [column(&sorted.x), column(&sorted.y), column(&sorted.z)],
            cell_y,
            cell_z,
        }
    }

    #[inline(always)]
    fn squared<const EDGE: bool>(&self, i: usize, centre: [i32; 3]) -> u64 {
        let [x, y, z] = self.position;
        square::<EDGE>(x[i], centre[0])
            + square::<EDGE>(y[i], centre[1])
            + square::<EDGE>(z[i], centre[2])
    }

    #[inline(always)]
    fn in_row<T: Table>(&self, i: usize, shift: u32) -> bool {
        !T::CHECKED
            || ((self.position[1][i] >> shift == self.cell_y)
                & (self.position[2][i] >> shift == self.cell_z))
    }
}

/// As [`super::rows`].
pub(super) fn rows(index: &CellIndex, ball: &Ball, out: &mut Vec<u32>) -> Order {
    let mut sink = Rows { ball, out };
    if ball.past_the_edge {
        read::<_, true>(index, ball, &mut sink)
    } else {
        read::<_, false>(index, ball, &mut sink)
    }
}

struct Rows<'a> {
    ball: &'a Ball,
    out: &'a mut Vec<u32>,
}

impl Sink for Rows<'_> {
    fn take<T: Table, const EDGE: bool>(&mut self, sorted: &Sorted, shift: u32, runs: &Runs) {
        self.out.reserve(runs.entries());
        let length = self.out.len();
        let spare = self.out.spare_capacity_mut();
        let mut found = 0;
        for run in 0..runs.count() {
            let stretch = Stretch::new(sorted, runs, run);
            for (i, &row) in stretch.rows.iter().enumerate() {
                let near = stretch.squared::<EDGE>(i, self.ball.centre) <= self.ball.radius_squared;
                // Written in any case, kept if inside: a wrong guess costs more than the store.
                spare[found].write(row);
                found += usize::from(near & stretch.in_row::<T>(i, shift));
            }
        }
        // SAFETY: the first `found` spare entries were written above.
        unsafe { self.out.set_len(length + found) };
    }
}

/// As [`super::ring`].
pub(super) fn ring(
    index: &CellIndex,
    balls: &[Ball; 2],
    inside: &mut Vec<u32>,
    between: &mut Vec<u32>,
) -> Order {
    let mut sink = Ring {
        balls,
        inside,
        between,
    };
    if balls[1].past_the_edge {
        read::<_, true>(index, &balls[1], &mut sink)
    } else {
        read::<_, false>(index, &balls[1], &mut sink)
    }
}

struct Ring<'a> {
    balls: &'a [Ball; 2],
    inside: &'a mut Vec<u32>,
    between: &'a mut Vec<u32>,
}

impl Sink for Ring<'_> {
    fn take<T: Table, const EDGE: bool>(&mut self, sorted: &Sorted, shift: u32, runs: &Runs) {
        let [inner, outer] = self.balls;
        let lengths = [self.inside.len(), self.between.len()];
        self.inside.reserve(runs.entries());
        self.between.reserve(runs.entries());
        let inside = self.inside.spare_capacity_mut();
        let between = self.between.spare_capacity_mut();
        let mut found = [0; 2];
        for run in 0..runs.count() {
            let stretch = Stretch::new(sorted, runs, run);
            for (i, &row) in stretch.rows.iter().enumerate() {
                let squared = stretch.squared::<EDGE>(i, outer.centre);
                let seen = (squared <= outer.radius_squared) & stretch.in_row::<T>(i, shift);
                let close = squared <= inner.radius_squared;
                inside[found[0]].write(row);
                found[0] += usize::from(seen & close);
                between[found[1]].write(row);
                found[1] += usize::from(seen & !close);
            }
        }
        // SAFETY: the first `found` spare entries of each were written above.
        unsafe {
            self.inside.set_len(lengths[0] + found[0]);
            self.between.set_len(lengths[1] + found[1]);
        }
    }
}

/// A row of a ball. Ordered by distance², then row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Candidate {
    squared: u64,
    pub(crate) row: u32,
    /// How many rows were found before it.
    pub(crate) found: u32,
}

/// Appends the rows of the ball with their distances.
pub(crate) fn candidates(index: &CellIndex, ball: &Ball, out: &mut Vec<Candidate>) -> Order {
    let mut sink = Candidates { ball, out };
    if ball.past_the_edge {
        read::<_, true>(index, ball, &mut sink)
    } else {
        read::<_, false>(index, ball, &mut sink)
    }
}

struct Candidates<'a> {
    ball: &'a Ball,
    out: &'a mut Vec<Candidate>,
}

impl Sink for Candidates<'_> {
    fn take<T: Table, const EDGE: bool>(&mut self, sorted: &Sorted, shift: u32, runs: &Runs) {
        for run in 0..runs.count() {
            let stretch = Stretch::new(sorted, runs, run);
            for (i, &row) in stretch.rows.iter().enumerate() {
                let squared = stretch.squared::<EDGE>(i, self.ball.centre);
                if squared <= self.ball.radius_squared && stretch.in_row::<T>(i, shift) {
                    let found = self.out.len() as u32;
                    self.out.push(Candidate { squared, row, found });
                }
            }
        }
    }
}
