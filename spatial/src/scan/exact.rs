//! The scan with exact 64-bit integers, without branches on what is inside.

use super::Ball;
use crate::CellIndex;
use crate::index::Sorted;
use crate::index::walk::{Stretch, Walk};

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

/// The sorted columns and a centre.
struct Entries<'a, const EDGE: bool> {
    sorted: &'a Sorted,
    centre: [i32; 3],
    shift: u32,
}

impl<'a, const EDGE: bool> Entries<'a, EDGE> {
    fn new(index: &'a CellIndex, ball: &Ball) -> Self {
        Self {
            sorted: &index.sorted,
            centre: ball.centre,
            shift: index.shift,
        }
    }

    /// Calls `visit(row, distance², whether it counts)` for the entries of the stretch.
    #[inline(always)]
    fn visit<W: Walk>(&self, stretch: &Stretch, mut visit: impl FnMut(u32, u64, bool)) {
        let range = stretch.start..stretch.end;
        let rows = &self.sorted.row[range.clone()];
        let x = &self.sorted.x[range.clone()][..rows.len()];
        let y = &self.sorted.y[range.clone()][..rows.len()];
        let z = &self.sorted.z[range][..rows.len()];
        let [cx, cy, cz] = self.centre;
        for (i, &row) in rows.iter().enumerate() {
            let squared =
                square::<EDGE>(x[i], cx) + square::<EDGE>(y[i], cy) + square::<EDGE>(z[i], cz);
            let counts = !W::CHECKED
                || ((y[i] >> self.shift == stretch.y) & (z[i] >> self.shift == stretch.z));
            visit(row, squared, counts);
        }
    }
}

/// Appends the rows of the ball.
pub(super) fn rows<W: Walk>(index: &CellIndex, ball: &Ball, walk: W, out: &mut Vec<u32>) {
    if ball.past_the_edge {
        rows_with(&Entries::<true>::new(index, ball), ball, walk, out);
    } else {
        rows_with(&Entries::<false>::new(index, ball), ball, walk, out);
    }
}

fn rows_with<W: Walk, const EDGE: bool>(
    entries: &Entries<'_, EDGE>,
    ball: &Ball,
    walk: W,
    out: &mut Vec<u32>,
) {
    walk.stretches(|stretch| {
        out.reserve(stretch.end - stretch.start);
        let length = out.len();
        let spare = out.spare_capacity_mut();
        let mut found = 0;
        entries.visit::<W>(&stretch, |row, squared, counts| {
            // Written in any case, kept if inside: a wrong guess costs more than the store.
            spare[found].write(row);
            found += usize::from((squared <= ball.radius_squared) & counts);
        });
        // SAFETY: the first `found` spare entries were written above.
        unsafe { out.set_len(length + found) };
    });
}

/// Appends the rows of the inner ball to one list and of the rest of the outer one to the other.
pub(super) fn ring<W: Walk>(
    index: &CellIndex,
    balls: [&Ball; 2],
    walk: W,
    out: [&mut Vec<u32>; 2],
) {
    if balls[1].past_the_edge {
        ring_with(&Entries::<true>::new(index, balls[1]), balls, walk, out);
    } else {
        ring_with(&Entries::<false>::new(index, balls[1]), balls, walk, out);
    }
}

fn ring_with<W: Walk, const EDGE: bool>(
    entries: &Entries<'_, EDGE>,
    [inner, outer]: [&Ball; 2],
    walk: W,
    [inside, between]: [&mut Vec<u32>; 2],
) {
    walk.stretches(|stretch| {
        inside.reserve(stretch.end - stretch.start);
        between.reserve(stretch.end - stretch.start);
        let lengths = [inside.len(), between.len()];
        let (to_inside, to_between) = (inside.spare_capacity_mut(), between.spare_capacity_mut());
        let mut found = [0; 2];
        entries.visit::<W>(&stretch, |row, squared, counts| {
            let seen = (squared <= outer.radius_squared) & counts;
            let close = squared <= inner.radius_squared;
            to_inside[found[0]].write(row);
            found[0] += usize::from(seen & close);
            to_between[found[1]].write(row);
            found[1] += usize::from(seen & !close);
        });
        // SAFETY: the first `found` spare entries of each were written above.
        unsafe {
            inside.set_len(lengths[0] + found[0]);
            between.set_len(lengths[1] + found[1]);
        }
    });
}

/// A row of a ball. Ordered by distance², then row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Candidate {
    squared: u64,
    pub(crate) row: u32,
    /// How many rows were found before it.
    pub(crate) found: u32,
}

/// The rows of the ball with their distances.
pub(crate) fn candidates<W: Walk>(index: &CellIndex, ball: &Ball, walk: W) -> Vec<Candidate> {
    let entries = Entries::<true>::new(index, ball);
    let mut out: Vec<Candidate> = Vec::new();
    walk.stretches(|stretch| {
        entries.visit::<W>(&stretch, |row, squared, counts| {
            if (squared <= ball.radius_squared) & counts {
                let found = out.len() as u32;
                out.push(Candidate {
                    squared,
                    row,
                    found,
                });
            }
        });
    });
    out
}
