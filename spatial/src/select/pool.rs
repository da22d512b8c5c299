//! The pool of candidates: see the module above.

use super::RANK_MAX;
use crate::CellIndex;
use crate::index::PAD;
use crate::index::walk::{BlockReader, Stretch};
use crate::scan::{Ball, Entries, Lanes, MARGIN, distance_squared, first_lanes};
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
pub(super) struct Pool<'a, V: Lanes> {
    index: &'a CellIndex,
    entries: Entries<V>,
    ball: &'a Ball,
    /// So many are wanted.
    rank: usize,
    /// The pool is thinned out when it holds this many; at most `POOL`.
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

impl<'a, V: Lanes> Pool<'a, V> {
    /// For the nearest `rank`, 1..=[`RANK_MAX`], of a ball that is not past the edge.
    ///
    /// # Safety
    /// The processor has V's instructions; every method relies on that.
    #[inline(always)]
    pub(super) unsafe fn new(index: &'a CellIndex, ball: &'a Ball, rank: usize) -> Self {
        Self {
            index,
            // SAFETY: passed on.
            entries: unsafe { Entries::new(index, ball.centre) },
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

    /// Whether the pool could not be thinned out, so that the exact path has to answer.
    #[inline(always)]
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Adds the masked lanes of the entries from `at` on.
    #[inline(always)]
    fn push(&mut self, at: usize, squares: V::Float, mask: u32) {
        debug_assert!(self.length < POOL + PAD);
        // SAFETY: there are 2 · PAD entries after the fullest the pool can be, less a block.
        unsafe {
            let to = self.squares.as_mut_ptr().add(self.length);
            V::compress_floats(to.cast(), squares, mask);
            let to = self.at.as_mut_ptr().add(self.length);
            V::compress_rows(to.cast(), V::count_from(at as u32), mask);
        }
        self.length += mask.count_ones() as usize;
    }

    /// Initialises what a block's lanes may read after the last candidate. Called before the
    /// candidates are looked through.
    #[inline(always)]
    fn seal(&mut self) {
        // SAFETY: `push` leaves at least PAD >= V::COUNT entries after the last candidate.
        unsafe {
            let (squares, at) = (self.squares.as_mut_ptr(), self.at.as_mut_ptr());
            V::compress_floats(squares.add(self.length).cast(), V::splat_float(0.0), V::ALL);
            V::compress_rows(at.add(self.length).cast(), V::splat_int(0), V::ALL);
        }
    }

    /// The mask of the block's candidates whose square is at most the value, and the squares.
    ///
    /// # Safety
    /// The pool is sealed, and `i` is below its length.
    #[inline(always)]
    unsafe fn block(&self, i: usize, value: V::Float) -> (V::Float, u32) {
        // SAFETY: lanes beyond the last candidate are initialised; they are masked off.
        unsafe {
            let squares = V::load_float(self.squares.as_ptr().add(i).cast());
            let mask = V::at_most(squares, value) & first_lanes::<V>(self.length - i);
            (squares, mask)
        }
    }

    /// How many squares are at most the value. The pool is sealed.
    #[inline(always)]
    fn count_at_most(&self, value: f32) -> usize {
        let (mut count, mut i) = (0, 0);
        // SAFETY: see `new`; the caller sealed the pool.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                count += self.block(i, value).1.count_ones() as usize;
                i += V::COUNT;
            }
        }
        count
    }

    /// The candidates whose square is at most the value, and how many they are. The pool is
    /// sealed.
    #[inline(always)]
    fn marks(&self, value: f32) -> (Marks, usize) {
        let mut marks = [0; WORDS];
        let (mut count, mut i) = (0, 0);
        // SAFETY: see `new`; the caller sealed the pool.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                let mask = self.block(i, value).1;
                marks[i / 64] |= u64::from(mask) << (i % 64);
                count += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        (marks, count)
    }

    /// Drops candidates that cannot be among the nearest, until about a quarter more than wanted
    /// are left.
    #[inline(always)]
    fn thin(&mut self) {
        self.seal();
        let enough = self.rank + self.rank / 4;
        let target = (self.rank + self.rank / 8) as f32;
        let (mut low, mut below) = (0.0, 0.0);
        let (mut high, mut count) = (self.threshold, self.length);
        for _ in 0..THIN_STEPS {
            let middle = low + (high - low) * ((target - below) / (count as f32 - below));
            if count <= enough || middle <= low || middle >= high {
                break;
            }
            let under = self.count_at_most(middle);
            if under >= self.rank {
                (high, count) = (middle, under);
            } else {
                (low, below) = (middle, under as f32);
            }
        }
        // At least `rank` squares are at most `high`; whoever is truly nearer than one of those
        // has a square of at most this.
        self.threshold = self.threshold.min(high * (1.0 + MARGIN));
        self.keep_under_threshold();
    }

    /// The pool is sealed.
    #[inline(always)]
    fn keep_under_threshold(&mut self) {
        let (mut kept, mut i) = (0, 0);
        // SAFETY: see `new`; the caller sealed the pool. `kept` never overtakes `i`, and a block
        // is read before it is written over.
        unsafe {
            let threshold = V::splat_float(self.threshold);
            while i < self.length {
                let (squares, mask) = self.block(i, threshold);
                let at = V::load_rows(self.at.as_ptr().add(i).cast());
                V::compress_floats(self.squares.as_mut_ptr().add(kept).cast(), squares, mask);
                V::compress_rows(self.at.as_mut_ptr().add(kept).cast(), at, mask);
                kept += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        self.length = kept;
    }

    /// Two values between which the `rank`-th smallest square is: fewer than `rank` squares are
    /// at most the first, at least `rank` at most the second; or both are one value that exactly
    /// `rank` squares are at most. There are more than `rank` candidates, and `rank` is not 0.
    /// The pool is sealed.
    #[inline(always)]
    fn bracket(&self, rank: usize) -> [f32; 2] {
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
            let under = self.count_at_most(value(middle));
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

    /// Marks the nearest `rank` candidates by (distance², row), exactly. The pool is sealed.
    #[inline(always)]
    fn choose(&self, rank: usize) -> Marks {
        if rank == 0 {
            return [0; WORDS];
        }
        if self.length <= rank {
            return self.marks(f32::INFINITY).0;
        }
        let [low, high] = self.bracket(rank);
        let (possible, count) = self.marks(high * (1.0 + MARGIN));
        if count == rank {
            return possible;
        }
        let (sure, certain) = self.marks(low * (1.0 - MARGIN));
        self.break_ties(sure, &possible, rank - certain)
    }

    /// Adds to the sure candidates the nearest `missing` of the possible ones, by exact integers.
    #[cold]
    #[inline(never)]
    fn break_ties(&self, mut sure: Marks, possible: &Marks, missing: usize) -> Marks {
        let sorted = &self.index.sorted;
        let mut ties = Vec::new();
        for (word, (&sure, &possible)) in sure.iter().zip(possible).enumerate() {
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
    fn emit(&self, marks: &Marks, out: &mut Vec<u32>) {
        for (word, &marks) in marks[..self.length.div_ceil(64)].iter().enumerate() {
            let mut left = marks;
            while left != 0 {
                let i = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                out.push(self.index.sorted.row[self.place(i)]);
            }
        }
    }

    /// Drops the candidates that are not in the ball; all are in the box of its thresholds. The
    /// pool is sealed.
    #[inline(always)]
    fn keep_inside(&mut self) {
        if self.threshold > self.ball.sure && self.count_at_most(self.ball.sure) < self.length {
            self.decide();
        }
    }

    /// By exact integers.
    #[cold]
    #[inline(never)]
    fn decide(&mut self) {
        let mut kept = 0;
        for candidate in 0..self.length {
            let at = self.place(candidate);
            if self.ball.holds(self.index.sorted.position(at)) {
                self.squares[kept] = self.squares[candidate];
                self.at[kept] = self.at[candidate];
                kept += 1;
            }
        }
        self.length = kept;
    }

    /// Appends the rows of the nearest `ranks[0]` to `inside` and of the other nearest `ranks[1]`
    /// to `between`. `ranks[1]` is what the pool was made for, and it is not stuck.
    #[inline(always)]
    pub(super) fn finish(
        mut self,
        ranks: [usize; 2],
        inside: &mut Vec<u32>,
        between: &mut Vec<u32>,
    ) {
        self.seal();
        self.keep_inside();
        let mut outer = self.choose(ranks[1]);
        if ranks[0] == ranks[1] {
            self.emit(&outer, inside);
            return;
        }
        let inner = self.choose(ranks[0]);
        self.emit(&inner, inside);
        for (outer, &inner) in outer.iter_mut().zip(&inner) {
            *outer &= !inner;
        }
        self.emit(&outer, between);
    }
}

impl<V: Lanes> BlockReader for Pool<'_, V> {
    #[inline(always)]
    fn read<const CHECKED: bool>(&mut self, stretch: Stretch) -> bool {
        let at = stretch.start;
        // SAFETY: see `new`; a stretch starts at a row.
        unsafe {
            let squares = self.entries.squares(at);
            let mut mask = V::at_most(squares, V::splat_float(self.threshold));
            mask &= self.entries.live::<CHECKED>(&stretch);
            if at + V::COUNT > self.index.len() {
                // No padding: how many candidates there are decides who is dropped.
                mask &= first_lanes::<V>(self.index.len() - at);
            }
            self.push(at, squares, mask);
        }
        if self.length >= self.fill {
            self.thin();
            self.stuck = self.length > self.fill / 2;
        }
        !self.stuck
    }
}
