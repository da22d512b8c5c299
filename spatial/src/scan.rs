//! Which rows are inside a ball: one exact portable loop and one loop over vector lanes.

mod lanes;
mod portable;

pub(crate) use lanes::Lanes;
pub(crate) use portable::candidates;
#[cfg(target_arch = "x86_64")]
pub(crate) use lanes::{Avx2, Avx512};

use crate::index::layout::{Dense, Hashed, Table};
use crate::index::walk::{Cells, Plan, Reader, Stretch};
use crate::index::{RADIUS_MAX_CM, Sorted};
use crate::{CellIndex, Path};

/// A ball around a place, with what the comparisons need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    pub(crate) centre: [i32; 3],
    pub(crate) radius_cm: i64,
    pub(crate) radius_squared: u64,
    /// An `f32` distance² up to this is surely inside.
    pub(crate) sure: f32,
    /// An `f32` distance² above this is surely outside.
    pub(crate) limit: f32,
    /// The ball reaches past the range of the coordinates: differences modulo 2³² could take the
    /// far end of an axis for the near one.
    pub(crate) past_the_edge: bool,
}

/// Relative room around a threshold in which the exact integers decide. The computed square's
/// relative error is at most 6·2⁻²⁴: one rounding of each difference, counted twice by the
/// square, one of each product, and two of the sums.
pub(crate) const MARGIN: f32 = 1.0 / 262_144.0;

impl Ball {
    #[inline(always)]
    pub(crate) fn new(centre: [i32; 3], radius_cm: u32) -> Self {
        let radius_cm = i64::from(radius_cm.min(RADIUS_MAX_CM));
        let radius_squared = radius_cm * radius_cm;
        let outside = |at: i64| at != i64::from(at as i32);
        let past = |c: i32| {
            outside(i64::from(c) - radius_cm) | outside(i64::from(c) + radius_cm)
        };
        Self {
            centre,
            radius_cm,
            radius_squared: radius_squared as u64,
            sure: radius_squared as f32 * (1.0 - MARGIN),
            limit: radius_squared as f32 * (1.0 + MARGIN),
            past_the_edge: past(centre[0]) | past(centre[1]) | past(centre[2]),
        }
    }

    #[inline(always)]
    pub(crate) fn holds(&self, position: [i32; 3]) -> bool {
        distance_squared(self.centre, position) <= self.radius_squared
    }
}

/// The exact square of the distance; where a difference is 2³¹ or more, farther than any radius,
/// it counts as 2³¹, so that the sum fits 64 bits.
#[inline(always)]
pub(crate) fn distance_squared(a: [i32; 3], b: [i32; 3]) -> u64 {
    let mut sum = 0;
    for axis in 0..3 {
        let difference = u64::from(a[axis].abs_diff(b[axis]).min(1 << 31));
        sum += difference * difference;
    }
    sum
}

/// Whether the rows came out in the canonical order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Order {
    Canonical,
    /// By bucket: the caller has to sort.
    Arbitrary,
}

/// Defines two functions from one that is generic over [`Lanes`], each with the instructions of
/// its path enabled, so that everything below is inlined and compiled for them.
macro_rules! vector_paths {
    ($avx2:ident, $avx512:ident = $generic:ident($($name:ident: $type:ty),*)) => {
        /// # Safety
        /// The processor has what [`Path::Avx2`] stands for.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $avx2($($name: $type),*) {
            // SAFETY: passed on.
            unsafe { $generic::<$crate::scan::Avx2>($($name),*) }
        }

        /// # Safety
        /// The processor has what [`Path::Avx512`] stands for.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $avx512($($name: $type),*) {
            // SAFETY: passed on.
            unsafe { $generic::<$crate::scan::Avx512>($($name),*) }
        }
    };
}
pub(crate) use vector_paths;

/// The centre in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Centre<V: Lanes>([V::Int; 3]);

impl<V: Lanes> Centre<V> {
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    pub(crate) unsafe fn new(centre: [i32; 3]) -> Self {
        // SAFETY: passed on.
        unsafe {
            Self([
                V::splat_int(centre[0]),
                V::splat_int(centre[1]),
                V::splat_int(centre[2]),
            ])
        }
    }

    /// The approximate distance² of the entries from `at` on.
    ///
    /// # Safety
    /// The processor has V's instructions and `at` is below the number of rows: the columns are
    /// padded for the lanes beyond.
    #[inline(always)]
    pub(crate) unsafe fn squares(&self, sorted: &Sorted, at: usize) -> V::Float {
        // SAFETY: the columns have PAD >= V::COUNT entries after the last row.
        unsafe {
            let x = V::sub_to_float(V::load_int(sorted.x.as_ptr().add(at)), self.0[0]);
            let y = V::sub_to_float(V::load_int(sorted.y.as_ptr().add(at)), self.0[1]);
            let z = V::sub_to_float(V::load_int(sorted.z.as_ptr().add(at)), self.0[2]);
            V::add_square(V::add_square(V::square(x), y), z)
        }
    }
}

/// Which of the live lanes from `at` on are inside the ball, exactly.
///
/// # Safety
/// The processor has V's instructions; the live lanes from `at` on are rows.
#[inline(always)]
pub(crate) unsafe fn inside_ball<V: Lanes>(
    sorted: &Sorted,
    at: usize,
    squares: V::Float,
    live: u32,
    thresholds: [V::Float; 2],
    ball: &Ball,
) -> u32 {
    // SAFETY: passed on.
    let (sure, maybe) = unsafe {
        (
            V::at_most(squares, thresholds[0]) & live,
            V::at_most(squares, thresholds[1]) & live,
        )
    };
    if sure == maybe {
        sure
    } else {
        sure | decide(sorted, at, maybe & !sure, ball)
    }
}

/// Which of the lanes in question are inside: by exact integers.
#[cold]
#[inline(never)]
fn decide(sorted: &Sorted, at: usize, question: u32, ball: &Ball) -> u32 {
    let mut inside = 0;
    let mut left = question;
    while left != 0 {
        let lane = left.trailing_zeros();
        left &= left - 1;
        if ball.holds(sorted.position(at + lane as usize)) {
            inside |= 1 << lane;
        }
    }
    inside
}

/// The mask of the lanes from `at` on that are before `end`.
#[inline(always)]
pub(crate) fn live<V: Lanes>(at: usize, end: usize) -> u32 {
    ((1u64 << (end - at).min(V::COUNT)) - 1) as u32
}

/// The live lanes of a block that are in its row of cells.
///
/// # Safety
/// The processor has V's instructions and the block starts below the number of rows.
#[inline(always)]
pub(crate) unsafe fn in_row<V: Lanes, T: Table>(
    sorted: &Sorted,
    shift: u32,
    block: &Block,
) -> u32 {
    if !T::CHECKED {
        return block.live;
    }
    // SAFETY: the columns have PAD >= V::COUNT entries after the last row.
    unsafe {
        block.live
            & V::cells_equal(V::load_int(sorted.y.as_ptr().add(block.at)), shift, block.y)
            & V::cells_equal(V::load_int(sorted.z.as_ptr().add(block.at)), shift, block.z)
    }
}

/// # Safety
/// The processor has V's instructions.
#[inline(always)]
unsafe fn rows_on<V: Lanes>(
    index: &CellIndex,
    centre: [i32; 3],
    radius_cm: u32,
    out: &mut Vec<u32>,
) -> Order {
    let ball = Ball::new(centre, radius_cm);
    if ball.past_the_edge {
        return portable::rows(index, &ball, out);
    }
    let mut sink = Rows { ball: &ball, out };
    // SAFETY: passed on.
    unsafe { read::<V, Rows<'_>>(index, &ball, &mut sink) }
}

/// # Safety
/// The processor has V's instructions.
#[inline(always)]
unsafe fn ring_on<V: Lanes>(
    index: &CellIndex,
    centre: [i32; 3],
    radii_cm: [u32; 2],
    inside: &mut Vec<u32>,
    between: &mut Vec<u32>,
) -> Order {
    let balls = [Ball::new(centre, radii_cm[0]), Ball::new(centre, radii_cm[1])];
    if balls[1].past_the_edge {
        return portable::ring(index, &balls, inside, between);
    }
    let mut sink = Ring {
        balls: &balls,
        inside,
        between,
    };
    // SAFETY: passed on.
    unsafe { read::<V, Ring<'_>>(index, &balls[1], &mut sink) }
}

/// What is done with the stretches that a ball touches.
pub(crate) trait Sink {
    /// Reads the stretches; false to stop.
    ///
    /// # Safety
    /// The processor has V's instructions; runs lie inside `sorted`.
    unsafe fn take<V: Lanes, T: Table>(
        &mut self,
        sorted: &Sorted,
        shift: u32,
        runs: &Runs,
    ) -> bool;
}

/// Leads a sink through all stretches that the ball touches.
///
/// # Safety
/// The processor has V's instructions.
#[inline(always)]
pub(crate) unsafe fn read<V: Lanes, S: Sink>(
    index: &CellIndex,
    ball: &Ball,
    sink: &mut S,
) -> Order {
    // SAFETY: passed on; the stretches of an index lie inside its sorted columns.
    unsafe {
        match index.plan(ball) {
            Plan::Nothing => Order::Canonical,
            Plan::Dense(table, low, high) => {
                read_table::<V, S, _>(index, ball, table, Walk::new(low, high), sink)
            }
            Plan::Hashed(table, low, high) => {
                read_table::<V, S, _>(index, ball, table, Walk::new(low, high), sink)
            }
            Plan::Everything(order) => {
                let runs = Runs::whole(V::COUNT, index.len());
                sink.take::<V, Dense<'_>>(&index.sorted, index.shift, &runs);
                order
            }
        }
    }
}

/// # Safety
/// The processor has V's instructions.
#[inline(always)]
unsafe fn read_table<V: Lanes, S: Sink, T: Table>(
    index: &CellIndex,
    ball: &Ball,
    table: T,
    mut walk: Walk,
    sink: &mut S,
) -> Order {
    let mut runs = Runs::new(V::COUNT);
    while walk.fill(&table, index.shift, ball, &mut runs) {
        // SAFETY: passed on.
        if !unsafe { sink.take::<V, T>(&index.sorted, index.shift, &runs) } {
            break;
        }
    }
    Order::Canonical
}

/// Appends the rows of one ball.
struct Rows<'a> {
    ball: &'a Ball,
    out: &'a mut Vec<u32>,
}

impl Sink for Rows<'_> {
    #[inline(always)]
    unsafe fn take<V: Lanes, T: Table>(
        &mut self,
        sorted: &Sorted,
        shift: u32,
        runs: &Runs,
    ) -> bool {
        let (ball, out) = (self.ball, &mut *self.out);
        out.reserve(runs.entries() + V::COUNT);
        let mut length = out.len();
        let to = out.as_mut_ptr();
        let mut blocks = runs.blocks();
        // SAFETY: passed on. Each block writes V::COUNT rows at the output's end, for which
        // `reserve` made room: COUNT more than the runs have entries.
        unsafe {
            let centre = Centre::<V>::new(ball.centre);
            let thresholds = [V::splat_float(ball.sure), V::splat_float(ball.limit)];
            while let Some(block) = blocks.next_block::<T>() {
                let live = in_row::<V, T>(sorted, shift, &block);
                let squares = centre.squares(sorted, block.at);
                let mask = inside_ball::<V>(sorted, block.at, squares, live, thresholds, ball);
                let rows = V::load_rows(sorted.row.as_ptr().add(block.at));
                V::compress_rows(to.add(length), rows, mask);
                length += mask.count_ones() as usize;
            }
            out.set_len(length);
        }
        true
    }
}

/// Appends the rows of two balls around one centre: of the inner one, and of the rest.
struct Ring<'a> {
    balls: &'a [Ball; 2],
    inside: &'a mut Vec<u32>,
    between: &'a mut Vec<u32>,
}

impl Sink for Ring<'_> {
    #[inline(always)]
    unsafe fn take<V: Lanes, T: Table>(
        &mut self,
        sorted: &Sorted,
        shift: u32,
        runs: &Runs,
    ) -> bool {
        let [inner, outer] = self.balls;
        let (inside, between) = (&mut *self.inside, &mut *self.between);
        inside.reserve(runs.entries() + V::COUNT);
        between.reserve(runs.entries() + V::COUNT);
        let (mut inside_length, mut between_length) = (inside.len(), between.len());
        let (to_inside, to_between) = (inside.as_mut_ptr(), between.as_mut_ptr());
        let mut blocks = runs.blocks();
        // SAFETY: as for `Rows`, for both outputs.
        unsafe {
            let centre = Centre::<V>::new(outer.centre);
            let near = [V::splat_float(inner.sure), V::splat_float(inner.limit)];
            let far = [V::splat_float(outer.sure), V::splat_float(outer.limit)];
            while let Some(block) = blocks.next_block::<T>() {
                let live = in_row::<V, T>(sorted, shift, &block);
                let squares = centre.squares(sorted, block.at);
                let close = inside_ball::<V>(sorted, block.at, squares, live, near, inner);
                let seen = inside_ball::<V>(sorted, block.at, squares, live, far, outer);
                let ring = seen & !close;
                let rows = V::load_rows(sorted.row.as_ptr().add(block.at));
                V::compress_rows(to_inside.add(inside_length), rows, close);
                inside_length += close.count_ones() as usize;
                V::compress_rows(to_between.add(between_length), rows, ring);
                between_length += ring.count_ones() as usize;
            }
            inside.set_len(inside_length);
            between.set_len(between_length);
        }
        true
    }
}
