//! Which rows are inside a ball: a loop over vector lanes, and one of exact integers for what
//! approximations cannot tell.

mod append;
mod ball;
mod exact;
mod lanes;

use append::Appender;
pub(crate) use ball::{Ball, MARGIN, distance_squared};
pub(crate) use exact::candidates;
pub(crate) use lanes::Lanes;
#[cfg(any(test, not(target_arch = "x86_64")))]
pub(crate) use lanes::Plain;
#[cfg(target_arch = "x86_64")]
pub(crate) use lanes::{Avx2, Avx512, Sse2};

use crate::CellIndex;
#[cfg(target_arch = "x86_64")]
use crate::Path;
use crate::index::walk::{BlockReader, DensePlan, Plan, Stretch, Walk};

/// Whether the rows came out in the canonical order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Order {
    Canonical,
    /// By bucket: the caller has to sort.
    Arbitrary,
}

/// A question about the rows of a ball.
pub(crate) trait Query: Sized {
    /// Reads with vector instructions. The ball is not past the edge. False, with nothing
    /// appended, if only exact integers can tell.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[must_use]
    unsafe fn vector<V: Lanes, W: Walk>(&mut self, index: &CellIndex, ball: &Ball, walk: W)
    -> bool;

    /// Reads with exact integers; any ball.
    fn exact<W: Walk>(&mut self, index: &CellIndex, ball: &Ball, walk: W);
}

/// Answers a query about a ball on the index's path.
#[inline]
pub(crate) fn answer<Q: Query>(
    index: &CellIndex,
    centre: [i32; 3],
    radius_cm: u32,
    query: &mut Q,
) -> Order {
    match index.path() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an index only keeps a path that the processor has.
        Path::Avx512 => unsafe { answer_avx512(index, centre, radius_cm, query) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { answer_avx2(index, centre, radius_cm, query) },
        // SAFETY: the baseline has them.
        #[cfg(target_arch = "x86_64")]
        Path::Portable => unsafe { answer_sse2(index, centre, radius_cm, query) },
        // SAFETY: plain Rust needs no instructions.
        #[cfg(not(target_arch = "x86_64"))]
        _ => unsafe { answer_plain(index, centre, radius_cm, query) },
    }
}

#[inline(never)]
fn answer_exact<Q: Query>(
    index: &CellIndex,
    centre: [i32; 3],
    radius_cm: u32,
    query: &mut Q,
) -> Order {
    let ball = Ball::new(centre, radius_cm);
    match index.plan(ball.corners()) {
        Plan::Nothing => {}
        Plan::Dense(walk) => query.exact(index, &ball, walk),
        Plan::Hashed(walk) => query.exact(index, &ball, walk),
        Plan::Everything(walk) => {
            query.exact(index, &ball, walk);
            return Order::Arbitrary;
        }
    }
    Order::Canonical
}

/// Defines the functions that enable a path's instructions; everything below them is inlined and
/// compiled for those. The common plan is made here, so that it stays in registers: one that
/// passes through memory costs as much as a third of a scan. Whatever is rarer starts anew.
macro_rules! vector_path {
    ($lanes:ty, $answer:ident, $rare:ident, $(#[$feature:meta])?) => {
        /// # Safety
        /// The processor has the path's instructions.
        $(#[$feature])?
        unsafe fn $answer<Q: Query>(
            index: &CellIndex,
            centre: [i32; 3],
            radius_cm: u32,
            query: &mut Q,
        ) -> Order {
            let ball = Ball::new(centre, radius_cm);
            if ball.past_the_edge {
                return answer_exact(index, centre, radius_cm, query);
            }
            // SAFETY: passed on.
            unsafe {
                match index.dense_plan(&ball) {
                    DensePlan::Nothing => Order::Canonical,
                    DensePlan::Walk(walk) => {
                        if query.vector::<$lanes, _>(index, &ball, walk) {
                            Order::Canonical
                        } else {
                            answer_exact(index, centre, radius_cm, query)
                        }
                    }
                    DensePlan::Other => $rare(index, centre, radius_cm, query),
                }
            }
        }

        /// For the other layout.
        ///
        /// # Safety
        /// The processor has the path's instructions. The ball is not past the edge.
        #[cold]
        $(#[$feature])?
        unsafe fn $rare<Q: Query>(
            index: &CellIndex,
            centre: [i32; 3],
            radius_cm: u32,
            query: &mut Q,
        ) -> Order {
            let ball = Ball::new(centre, radius_cm);
            // SAFETY: passed on.
            let (order, done) = unsafe {
                match index.plan(ball.corners()) {
                    Plan::Hashed(walk) => (
                        Order::Canonical,
                        query.vector::<$lanes, _>(index, &ball, walk),
                    ),
                    Plan::Everything(walk) => (
                        Order::Arbitrary,
                        query.vector::<$lanes, _>(index, &ball, walk),
                    ),
                    Plan::Nothing | Plan::Dense(_) => (Order::Canonical, true),
                }
            };
            if done {
                order
            } else {
                answer_exact(index, centre, radius_cm, query)
            }
        }
    };
}

#[cfg(any(test, not(target_arch = "x86_64")))]
vector_path!(Plain, answer_plain, rare_plain,);
#[cfg(target_arch = "x86_64")]
vector_path!(Sse2, answer_sse2, rare_sse2,);
#[cfg(target_arch = "x86_64")]
vector_path!(Avx2, answer_avx2, rare_avx2, #[target_feature(
    enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt"
)]);
#[cfg(target_arch = "x86_64")]
vector_path!(Avx512, answer_avx512, rare_avx512, #[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt"
)]);

/// The sorted columns of an index and a centre in every lane. Only used while the index is
/// borrowed for a query.
#[derive(Clone, Copy)]
pub(crate) struct Entries<V: Lanes> {
    columns: [*const i32; 3],
    row: *const u32,
    centre: [V::Int; 3],
    shift: u32,
}

impl<V: Lanes> Entries<V> {
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn new(index: &CellIndex, centre: [i32; 3]) -> Self {
        let sorted = &index.sorted;
        // SAFETY: passed on.
        let centre = unsafe {
            [
                V::splat_int(centre[0]),
                V::splat_int(centre[1]),
                V::splat_int(centre[2]),
            ]
        };
        Self {
            columns: [sorted.x.as_ptr(), sorted.y.as_ptr(), sorted.z.as_ptr()],
            row: sorted.row.as_ptr(),
            centre,
            shift: index.shift,
        }
    }

    /// The approximate distance² of the entries from `at` on.
    ///
    /// # Safety
    /// `at` is at most the number of rows: the columns are padded for the lanes beyond.
    #[inline(always)]
    pub(crate) unsafe fn squares(&self, at: usize) -> V::Float {
        let [x, y, z] = self.columns;
        // SAFETY: the columns have PAD >= V::COUNT entries after the last row; `new` vouched for
        // the instructions.
        unsafe {
            let x = V::sub_to_float(V::load_int(x.add(at)), self.centre[0]);
            let y = V::sub_to_float(V::load_int(y.add(at)), self.centre[1]);
            let z = V::sub_to_float(V::load_int(z.add(at)), self.centre[2]);
            V::add_square(V::add_square(V::square(x), y), z)
        }
    }

    /// The rows of the entries from `at` on.
    ///
    /// # Safety
    /// As for [`squares`](Self::squares).
    #[inline(always)]
    pub(crate) unsafe fn rows(&self, at: usize) -> V::Int {
        // SAFETY: as for `squares`.
        unsafe { V::load_rows(self.row.add(at)) }
    }

    /// Which lanes of a block count: see [`Walk::blocks`].
    ///
    /// # Safety
    /// As for [`squares`](Self::squares).
    #[inline(always)]
    pub(crate) unsafe fn live<const CHECKED: bool>(&self, stretch: &Stretch) -> u32 {
        if !CHECKED {
            return V::ALL;
        }
        let live = first_lanes::<V>(stretch.end - stretch.start);
        let [_, y, z] = self.columns;
        // SAFETY: as for `squares`.
        unsafe {
            live & V::cells_equal(V::load_int(y.add(stretch.start)), self.shift, stretch.y)
                & V::cells_equal(V::load_int(z.add(stretch.start)), self.shift, stretch.z)
        }
    }
}

/// The mask of the first so many lanes, or of all.
#[inline(always)]
pub(crate) fn first_lanes<V: Lanes>(count: usize) -> u32 {
    if count >= V::COUNT {
        V::ALL
    } else {
        (1 << count) - 1
    }
}

/// Which lanes are at most a ball's `limit`, and whether any of them all was above its `sure`: then
/// the query has to be answered again by exact integers. One in thousands of queries is; to ask
/// in every block would cost more.
pub(crate) struct Sieve<V: Lanes> {
    limit: V::Float,
    sure: V::Float,
    /// The largest square so far that was at most the limit, in each lane.
    largest: V::Float,
}

impl<V: Lanes> Sieve<V> {
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn new(ball: &Ball) -> Self {
        // SAFETY: passed on.
        unsafe {
            Self {
                limit: V::splat_float(ball.limit),
                sure: V::splat_float(ball.sure),
                largest: V::splat_float(0.0),
            }
        }
    }

    /// The lanes that are at most the limit.
    #[inline(always)]
    pub(crate) fn pass(&mut self, squares: V::Float) -> u32 {
        // SAFETY: `new` vouched for the instructions.
        unsafe {
            let (mask, largest) = V::sieve(squares, self.limit, self.largest);
            self.largest = largest;
            mask
        }
    }

    /// Whether all that passed are surely inside.
    #[inline(always)]
    pub(crate) fn is_sure(&self) -> bool {
        // SAFETY: `new` vouched for the instructions.
        unsafe { V::at_most(self.largest, self.sure) == V::ALL }
    }
}

/// Appends the rows of the ball.
pub(crate) struct Rows<'a> {
    pub(crate) out: &'a mut Vec<u32>,
}

struct RowsReader<'a, V: Lanes> {
    entries: Entries<V>,
    sieve: Sieve<V>,
    out: Appender<'a, V>,
}

impl<V: Lanes> BlockReader for RowsReader<'_, V> {
    const NOTES: bool = true;

    #[inline(always)]
    fn expect(&mut self, entries: usize) {
        self.out.reserve(entries);
    }

    #[inline(always)]
    fn read<const CHECKED: bool>(&mut self, stretch: Stretch) -> bool {
        // SAFETY: a stretch starts at a row; whoever made the reader vouched for the instructions.
        unsafe {
            let mask = self.sieve.pass(self.entries.squares(stretch.start));
            let rows = self.entries.rows(stretch.start);
            self.out
                .append(rows, mask & self.entries.live::<CHECKED>(&stretch));
        }
        true
    }
}

impl Query for Rows<'_> {
    #[inline(always)]
    unsafe fn vector<V: Lanes, W: Walk>(
        &mut self,
        index: &CellIndex,
        ball: &Ball,
        walk: W,
    ) -> bool {
        let length = self.out.len();
        // SAFETY: passed on.
        let mut reader = unsafe {
            RowsReader::<V> {
                entries: Entries::new(index, ball.centre),
                sieve: Sieve::new(ball),
                out: Appender::new(self.out),
            }
        };
        V::lead(walk, &mut reader);
        let sure = reader.sieve.is_sure();
        reader.out.finish();
        if !sure {
            self.out.truncate(length);
        }
        sure
    }

    fn exact<W: Walk>(&mut self, index: &CellIndex, ball: &Ball, walk: W) {
        exact::rows(index, ball, walk, self.out);
    }
}

/// Appends the rows of two balls around one centre: of the inner one, and of the rest.
pub(crate) struct Ring<'a> {
    /// The radius of the inner ball, at most that of the query.
    pub(crate) radius_cm: u32,
    pub(crate) inside: &'a mut Vec<u32>,
    pub(crate) between: &'a mut Vec<u32>,
}

struct RingReader<'a, V: Lanes> {
    entries: Entries<V>,
    near: Sieve<V>,
    far: Sieve<V>,
    inside: Appender<'a, V>,
    between: Appender<'a, V>,
}

impl<V: Lanes> BlockReader for RingReader<'_, V> {
    const NOTES: bool = true;

    #[inline(always)]
    fn expect(&mut self, entries: usize) {
        self.inside.reserve(entries);
        self.between.reserve(entries);
    }

    #[inline(always)]
    fn read<const CHECKED: bool>(&mut self, stretch: Stretch) -> bool {
        // SAFETY: as for `RowsReader`.
        unsafe {
            let squares = self.entries.squares(stretch.start);
            let live = self.entries.live::<CHECKED>(&stretch);
            let close = self.near.pass(squares) & live;
            let seen = self.far.pass(squares) & live;
            let rows = self.entries.rows(stretch.start);
            self.inside.append(rows, close);
            self.between.append(rows, seen & !close);
        }
        true
    }
}

impl Query for Ring<'_> {
    #[inline(always)]
    unsafe fn vector<V: Lanes, W: Walk>(
        &mut self,
        index: &CellIndex,
        ball: &Ball,
        walk: W,
    ) -> bool {
        let inner = Ball::new(ball.centre, self.radius_cm);
        let lengths = [self.inside.len(), self.between.len()];
        // SAFETY: passed on.
        let mut reader = unsafe {
            RingReader::<V> {
                entries: Entries::new(index, ball.centre),
                near: Sieve::new(&inner),
                far: Sieve::new(ball),
                inside: Appender::new(self.inside),
                between: Appender::new(self.between),
            }
        };
        V::lead(walk, &mut reader);
        let sure = reader.near.is_sure() & reader.far.is_sure();
        reader.inside.finish();
        reader.between.finish();
        if !sure {
            self.inside.truncate(lengths[0]);
            self.between.truncate(lengths[1]);
        }
        sure
    }

    fn exact<W: Walk>(&mut self, index: &CellIndex, ball: &Ball, walk: W) {
        let inner = Ball::new(ball.centre, self.radius_cm);
        exact::ring(index, [&inner, ball], walk, [self.inside, self.between]);
    }
}

#[cfg(test)]
mod tests;
