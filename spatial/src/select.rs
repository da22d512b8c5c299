//! The k nearest of a battle: the rows with the smallest (distance², row), without sorting.
//!
//! The vector path keeps a pool of candidates and a threshold. Rows under the threshold join the
//! pool; when the pool is full, a new threshold is found that about k of it are under, the rest is
//! dropped, and the scan goes on: most rows of a large battle then cost one comparison. Counting
//! how many of the pool are under a value takes one instruction for 16 of them, so thresholds are
//! found by interpolating on the count, not by sorting.
//!
//! The pool's distances are approximate (`f32`); at the end, those within 2⁻¹⁸ of the k-th are
//! ranked by exact integers. Where the pool cannot shrink (thousands of equal distances) or k is
//! above [`RANK_MAX`], the exact path below decides everything.

mod pool;

use crate::scan::{Ball, Lanes, Order, candidates, read, vector_paths};
use crate::{CellIndex, Path};
use pool::Pool;

/// The largest k that the pool serves.
const RANK_MAX: usize = 512;

vector_paths!(pooled_avx2, pooled_avx512 = pooled(
    index: &CellIndex, ball: &Ball, ranks: [usize; 2],
    inside: &mut Vec<u32>, between: &mut Vec<u32>
) -> Option<Order>);

/// Appends the rows of the ball that are among the first `ranks[0]` by (distance², row) to
/// `inside` and the others among the first `ranks[1]` to `between`. `ranks[0] <= ranks[1]`.
pub(crate) fn nearest(
    index: &CellIndex,
    centre: [i32; 3],
    radius_cm: u32,
    ranks: [usize; 2],
    inside: &mut Vec<u32>,
    between: &mut Vec<u32>,
) -> Order {
    if ranks[1] == 0 {
        return Order::Canonical;
    }
    let ball = Ball::new(centre, radius_cm);
    let suits = ranks[1] <= RANK_MAX && !ball.past_the_edge;
    let order = match index.path() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an index only keeps a path that the processor has.
        Path::Avx512 if suits => unsafe { pooled_avx512(index, &ball, ranks, inside, between) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 if suits => unsafe { pooled_avx2(index, &ball, ranks, inside, between) },
        _ => None,
    };
    order.unwrap_or_else(|| exact(index, &ball, ranks, inside, between))
}

/// The same with the pool; nothing, and nothing appended, if the pool could not shrink. The ball
/// is not past the edge, and `ranks[1]` is in 1..=[`RANK_MAX`].
///
/// # Safety
/// The processor has V's instructions.
#[inline(always)]
unsafe fn pooled<V: Lanes>(
    index: &CellIndex,
    ball: &Ball,
    ranks: [usize; 2],
    inside: &mut Vec<u32>,
    between: &mut Vec<u32>,
) -> Option<Order> {
    let mut pool = Pool::new(ball, ranks[1]);
    // SAFETY: passed on.
    unsafe {
        let order = read::<V, Pool<'_>>(index, ball, &mut pool);
        pool.finish::<V>(&index.sorted, ranks, inside, between)
            .then_some(order)
    }
}

/// The same by exact integers and a selection; the reference for the vector paths.
fn exact(
    index: &CellIndex,
    ball: &Ball,
    ranks: [usize; 2],
    inside: &mut Vec<u32>,
    between: &mut Vec<u32>,
) -> Order {
    let mut found = Vec::new();
    let order = candidates(index, ball, &mut found);
    if found.len() > ranks[1] {
        found.select_nth_unstable(ranks[1]);
        found.truncate(ranks[1]);
    }
    let close = ranks[0].min(found.len());
    if close > 0 && close < found.len() {
        found.select_nth_unstable(close);
    }
    let (first, rest) = found.split_at_mut(close);
    for (chosen, out) in [(first, inside), (rest, between)] {
        // Back to the order in which they were found.
        chosen.sort_unstable_by_key(|candidate| candidate.found);
        out.extend(chosen.iter().map(|candidate| candidate.row));
    }
    order
}
