//! The pool of candidates: see the module above.

use super::RANK_MAX;
use crate::index::layout::Table;
use crate::index::walk::Runs;
use crate::index::{PAD, Sorted};
use crate::scan::{Ball, Centre, Lanes, MARGIN, Sink, distance_squared, in_row, inside_ball, live};
use std::mem::MaybeUninit;

/// The pool is thinned out when it holds this many times k …
const FILL_PER_RANK: usize = 4;
/// … but not before it holds this many.
const FILL_MIN: usize = 256;
/// Candidates that the pool has room for.
const POOL: usize = RANK_MAX * FILL_PER_RANK;
/// One bit for each candidate, the last block's included.
const WORDS: usize = (POOL + PAD).div_ceil(64);
/// Steps in search of a threshold that leaves about k.
const THIN_STEPS: usize = 6;
/// Steps of interpolation before the search for the exact k-th only halves.
const INTERPOLATIONS: usize = 10;

/// Candidates: the approximate distance² and the place in the sorted columns.
pub(super) struct Pool<'a> {
    ball: &'a Ball,
    /// So many are wanted.
    rank: usize,
    /// The pool is thinned out when it holds this many.
    fill: usize,
    /// It could not be thinned out.
    stuck: bool,
    squares: [MaybeUninit<f32>; POOL + 2 * PAD],
    at: [MaybeUninit<u32>; POOL + 2 * PAD],
    /// Candidates; all before are initialised.
    length: usize,
    /// Every candidate's square is at most this.
    threshold: f32,
}

/// Candidates as bits.
type Marks = [u64; WORDS];

impl<'a> Pool<'a> {
    #[inline(always)]
    pub(super) fn new(ball: &'a Ball, rank: usize) -> Self {
        Self {
            ball,
            rank,
            fill: (rank * FILL_PER_RANK).clamp(FILL_MIN, POOL),
            stuck: false,
            squares: [const { MaybeUninit::uninit() }; POOL + 2 * PAD],
            at: [const { MaybeUninit::uninit() }; POOL + 2 * PAD],
            length: 0,
            threshold: ball.limit,
        }
    }

    /// Initialises what a block's lanes may read after the last candidate. Called before the
    /// candidates are looked through.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn seal<V: Lanes>(&mut self) {
        // SAFETY: the pool has at least PAD >= V::COUNT entries after the last candidate.
        unsafe {
            let (squares, at) = (self.squares.as_mut_ptr(), self.at.as_mut_ptr());
            V::compress_floats(squares.add(self.length).cast(), V::splat_float(0.0), V::ALL);
            V::compress_rows(at.add(self.length).cast(), V::splat_int(0), V::ALL);
        }
    }

    /// How many squares are at most the value.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn count_at_most<V: Lanes>(&self, value: f32) -> usize {
        let mut count = 0;
        let mut i = 0;
        // SAFETY: the pool is sealed: lanes beyond the last candidate are initialised; they are
        // masked off.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                let squares = V::load_float(self.squares.as_ptr().add(i).cast());
                let mask = V::at_most(squares, value) & live::<V>(i, self.length);
                count += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        count
    }

    /// Drops candidates that cannot be among the nearest `rank`, until about a quarter more are
    /// left.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn thin<V: Lanes>(&mut self, rank: usize) {
        let enough = rank + rank / 4;
        let target = (rank + rank / 8) as f32;
        let (mut low, mut below) = (0.0, 0.0);
        let (mut high, mut count) = (self.threshold, self.length);
        for _ in 0..THIN_STEPS {
            let middle = low + (high - low) * ((target - below) / (count as f32 - below));
            if count <= enough || middle <= low || middle >= high {
                break;
            }
            // SAFETY: passed on.
            let under = unsafe { self.count_at_most::<V>(middle) };
            if under >= rank {
                (high, count) = (middle, under);
            } else {
                (low, below) = (middle, under as f32);
            }
        }
        // At least `rank` squares are at most `high`; whoever is truly nearer than one of those
        // has a square of at most this.
        self.threshold = self.threshold.min(high * (1.0 + MARGIN));
        // SAFETY: passed on.
        unsafe { self.keep_under_threshold::<V>() };
    }

    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn keep_under_threshold<V: Lanes>(&mut self) {
        let (squares, at) = (self.squares.as_mut_ptr(), self.at.as_mut_ptr());
        let (mut kept, mut i) = (0, 0);
        // SAFETY: as in `count_at_most`; `kept` never overtakes `i`, and a block is read before
        // it is written over.
        unsafe {
            let threshold = V::splat_float(self.threshold);
            while i < self.length {
                let block = V::load_float(squares.add(i).cast());
                let places = V::load_rows(at.add(i).cast());
                let mask = V::at_most(block, threshold) & live::<V>(i, self.length);
                V::compress_floats(squares.add(kept).cast(), block, mask);
                V::compress_rows(at.add(kept).cast(), places, mask);
                kept += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        self.length = kept;
    }

    /// The candidates whose square is at most the value.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn marks<V: Lanes>(&self, value: f32) -> (Marks, usize) {
        let mut marks = [0; WORDS];
        let mut count = 0;
        let mut i = 0;
        // SAFETY: as in `count_at_most`.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                let squares = V::load_float(self.squares.as_ptr().add(i).cast());
                let mask = V::at_most(squares, value) & live::<V>(i, self.length);
                marks[i / 64] |= u64::from(mask) << (i % 64);
                count += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        (marks, count)
    }

    /// Two values between which the `rank`-th smallest square is: fewer than `rank` squares are
    /// at most the first, at least `rank` at most the second; or both are one value that exactly
    /// `rank` squares are at most. There are more than `rank` candidates, and `rank` is not 0.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn bracket<V: Lanes>(&self, rank: usize) -> [f32; 2] {
        // Squares are not negative, so their bits are ordered as they are; −1 is below them all.
        let bits = |value: f32| i64::from(value.to_bits());
        let value = |bits: i64| f32::from_bits(bits as u32);
        let (mut low, mut below) = (-1, 0);
        let (mut high, mut count) = (bits(self.threshold), self.length);
        let mut step = 0;
        while count != rank && high - low > 1 {
            let middle = if step < INTERPOLATIONS {
                let from = value(low.max(0));
                let share = (rank as f32 + 0.5 - below as f32) / (count as f32 - below as f32);
                bits(from + (value(high) - from) * share).clamp(low + 1, high - 1)
            } else {
                low + (high - low) / 2
            };
            // SAFETY: passed on.
            let under = unsafe { self.count_at_most::<V>(value(middle)) };
            if under >= rank {
                (high, count) = (middle, under);
            } else {
                (low, below) = (middle, under);
            }
            step += 1;
        }
        let high = value(high);
        if count == rank {
            [high; 2]
        } else if low < 0 {
            [-1.0, high]
        } else {
            [value(low), high]
        }
    }

    /// Marks the nearest `rank` candidates by (distance², row), exactly.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    unsafe fn choose<V: Lanes>(&self, sorted: &Sorted, rank: usize) -> Marks {
        if rank == 0 {
            return [0; WORDS];
        }
        // SAFETY: passed on.
        unsafe {
            if self.length <= rank {
                return self.marks::<V>(f32::INFINITY).0;
            }
            let [low, high] = self.bracket::<V>(rank);
            let (possible, count) = self.marks::<V>(high * (1.0 + MARGIN));
            if count == rank {
                return possible;
            }
            let (sure, certain) = self.marks::<V>(low * (1.0 - MARGIN));
            self.break_ties(sorted, sure, possible, rank - certain)
        }
    }

    /// Adds to the sure candidates the nearest `missing` of the possible ones, by exact integers.
    #[cold]
    #[inline(never)]
    fn break_ties(
        &self,
        sorted: &Sorted,
        mut sure: Marks,
        possible: Marks,
        missing: usize,
    ) -> Marks {
        let mut ties = Vec::new();
        for (word, (&sure, &possible)) in sure.iter().zip(&possible).enumerate() {
            let mut left = possible & !sure;
            while left != 0 {
                let i = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let at = self.place(i);
                let squared = distance_squared(self.ball.centre, sorted.position(at));
                ties.push((squared, sorted.row[at], i));
            }
        }
        ties.sort_unstable();
        for &(_, _, i) in &ties[..missing] {
            sure[i / 64] |= 1 << (i % 64);
        }
        sure
    }

    /// Where in the sorted columns the candidate is.
    #[inline(always)]
    fn place(&self, candidate: usize) -> usize {
        assert!(candidate < self.length, "marks are of candidates");
        // SAFETY: candidates before `length` are initialised.
        unsafe { self.at[candidate].assume_init() as usize }
    }

    /// Appends the rows of the marked candidates.
    #[inline(always)]
    fn emit(&self, sorted: &Sorted, marks: &Marks, out: &mut Vec<u32>) {
        for (word, &marks) in marks.iter().enumerate() {
            let mut left = marks;
            while left != 0 {
                let i = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                out.push(sorted.row[self.place(i)]);
            }
        }
    }

    /// Appends the rows of the nearest `ranks[0]` to `inside` and of the other nearest `ranks[1]`
    /// to `between`; false, with nothing appended, if the pool got stuck. `ranks[1]` is what the
    /// pool was made for.
    ///
    /// # Safety
    /// The processor has V's instructions.
    #[inline(always)]
    pub(super) unsafe fn finish<V: Lanes>(
        &mut self,
        sorted: &Sorted,
        ranks: [usize; 2],
        inside: &mut Vec<u32>,
        between: &mut Vec<u32>,
    ) -> bool {
        if self.stuck {
            return false;
        }
        // SAFETY: passed on.
        unsafe {
            self.seal::<V>();
            let mut outer = self.choose::<V>(sorted, ranks[1]);
            if ranks[0] == ranks[1] {
                self.emit(sorted, &outer, inside);
            } else {
                let inner = self.choose::<V>(sorted, ranks[0]);
                self.emit(sorted, &inner, inside);
                for (outer, &inner) in outer.iter_mut().zip(&inner) {
                    *outer &= !inner;
                }
                self.emit(sorted, &outer, between);
            }
        }
        true
    }
}

impl Sink for Pool<'_> {
    #[inline(always)]
    unsafe fn take<V: Lanes, T: Table>(
        &mut self,
        sorted: &Sorted,
        shift: u32,
        runs: &Runs,
    ) -> bool {
        let ball = self.ball;
        let mut blocks = runs.blocks();
        // SAFETY: passed on. A block is written at `length` < `fill` <= POOL, where there is room
        // for its lanes.
        unsafe {
            let centre = Centre::<V>::new(ball.centre);
            let mut sure = V::splat_float(ball.sure.min(self.threshold));
            let mut maybe = V::splat_float(self.threshold);
            while let Some(block) = blocks.next_block::<T>() {
                let live = in_row::<V, T>(sorted, shift, &block);
                let squares = centre.squares(sorted, block.at);
                let mask = inside_ball::<V>(sorted, block.at, squares, live, [sure, maybe], ball);
                let places = V::count_from(block.at as u32);
                V::compress_floats(self.squares.as_mut_ptr().add(self.length).cast(), squares, mask);
                V::compress_rows(self.at.as_mut_ptr().add(self.length).cast(), places, mask);
                self.length += mask.count_ones() as usize;
                if self.length >= self.fill {
                    self.seal::<V>();
                    self.thin::<V>(self.rank);
                    if self.length > self.fill / 2 {
                        self.stuck = true;
                        return false;
                    }
                    sure = V::splat_float(ball.sure.min(self.threshold));
                    maybe = V::splat_float(self.threshold);
                }
            }
        }
        true
    }
}
