//! The k nearest of a battle: the rows with the smallest (distance², row), without sorting.
//!
//! The vector path keeps a pool of candidates and a threshold. Rows under the threshold join the
//! pool; when the pool is full, a new threshold is found that about k of it are under, the rest is
//! dropped, and the scan goes on: most rows of a large battle then cost one comparison. Counting
//! how many of the pool are under a value takes one instruction for 16 of them, so thresholds are
//! found by interpolating on the count, not by sorting.
//!
//! A sample of a scan gives a first threshold, so that the pool hardly ever fills up. Better is
//! what the same question found a beat ago ([`Nearness`]): then hardly anything joins the pool
//! that does not stay.
//!
//! The pool's distances are approximate (`f32`); at the end, those within 2⁻¹⁸ of the k-th are
//! ranked by exact integers. Where the pool cannot shrink (thousands of equal distances) or k is
//! above [`RANK_MAX`], the exact path below decides everything.

mod pool;

use crate::CellIndex;
use crate::index::walk::Walk;
use crate::scan::{Ball, Lanes, Query, candidates};
use pool::Pool;

/// The largest k that the pool serves.
const RANK_MAX: usize = 512;

/// How far the last of the nearest was when somebody last asked: where the next search begins. No
/// answer depends on it, only the time that it takes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Nearness {
    /// The square of the distance; 0 if nobody asked yet, or there were fewer than wanted.
    pub(crate) square: f32,
}

impl Nearness {
    /// Nobody asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { square: 0.0 }
    }
}

/// Appends the rows of the ball that are among the first `ranks[0]` by (distance², row) to
/// `inside` and the others among the first `ranks[1]` to `between`.
pub(crate) struct Nearest<'a> {
    /// `ranks[0] <= ranks[1]`, and that is not 0.
    pub(crate) ranks: [usize; 2],
    /// From the last time, and for the next.
    pub(crate) nearness: &'a mut Nearness,
    pub(crate) inside: &'a mut Vec<u32>,
    pub(crate) between: &'a mut Vec<u32>,
}

impl Query for Nearest<'_> {
    #[inline(always)]
    unsafe fn vector<V: Lanes, W: Walk>(
        &mut self,
        index: &CellIndex,
        ball: &Ball,
        walk: W,
    ) -> bool {
        if self.ranks[1] > RANK_MAX {
            return false;
        }
        // SAFETY: passed on.
        let mut pool = unsafe { Pool::<V>::new(index, ball, self.ranks[1]) };
        let gathered = pool.gather(walk, self.nearness.square);
        if gathered {
            self.nearness.square = pool.finish(self.ranks, self.inside, self.between);
        }
        gathered
    }

    /// By exact integers and a selection.
    fn exact<W: Walk>(&mut self, index: &CellIndex, ball: &Ball, walk: W) {
        let mut found = candidates(index, ball, walk);
        if found.len() > self.ranks[1] {
            found.select_nth_unstable(self.ranks[1]);
            found.truncate(self.ranks[1]);
        }
        let close = self.ranks[0].min(found.len());
        if close > 0 && close < found.len() {
            found.select_nth_unstable(close);
        }
        let (first, rest) = found.split_at_mut(close);
        for (chosen, out) in [(first, &mut *self.inside), (rest, &mut *self.between)] {
            // Back to the order in which they were found.
            chosen.sort_unstable_by_key(|candidate| candidate.found);
            out.extend(chosen.iter().map(|candidate| candidate.row));
        }
    }
}
