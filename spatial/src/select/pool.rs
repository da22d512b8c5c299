//! The pool of candidates: see the module above.

mod gatherer;

use super::RANK_MAX;
use crate::CellIndex;
use crate::index::PAD;
use crate::index::walk::Walk;
use crate::scan::{Ball, Entries, Lanes, MARGIN, distance_squared};
use gatherer::Gatherer;
use std::mem::MaybeUninit;

/// The pool is thinned out when it holds this many times k …
const FILL_PER_RANK: usize = 4;
/// … but not before it holds this many.
const FILL_MIN: usize = 256;
/// Candidates that the pool has room for.
const POOL: usize = RANK_MAX * FILL_PER_RANK;
/// Steps in search of a threshold that leaves about k.
const THIN_STEPS: usize = 8;
/// Steps of interpolation before the search for the exact k-th only halves.
const INTERPOLATIONS: usize = 10;
/// Entries whose squares tell a first threshold, if the scan is several times as long.
const SAMPLE: usize = 512;

/// How much farther the last of the nearest may be than a beat ago, as a share of the square, to be
/// found at once. Costs 3 % more candidates where ships fill space evenly.
const DRIFT: f32 = 0.02;

/// Candidates: the approximate distance² and the row.
pub(super) struct Pool<'a, V: Lanes> {
    index: &'a CellIndex,
    entries: Entries<V>,
    ball: &'a Ball,
    /// So many are wanted, at most [`RANK_MAX`].
    rank: usize,
    /// The pool is thinned out when it holds this many; at most `POOL`.
    fill: usize,
    /// It could not be thinned out.
    stuck: bool,
    squares: [MaybeUninit<f32>; POOL + 2 * PAD],
    row: [MaybeUninit<u32>; POOL + 2 * PAD],
    /// Candidates; all before are initialised.
    length: usize,
    /// Every candidate's square is at most this; at most the ball's limit.
    threshold: f32,
}

/// Values between which the k-th smallest square is; one value if exactly k squares are at most
/// that.
#[derive(Clone, Copy)]
struct Bracket {
    /// Fewer than k squares are at most this.
    low: f32,
    /// At least k squares are at most this.
    high: f32,
}

/// The square of a candidate that was ruled out: above any threshold, but below the seal.
const RULED_OUT: f32 = f32::MAX;

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
            row: [const { MaybeUninit::uninit() }; POOL + 2 * PAD],
            length: 0,
            threshold: ball.limit,
        }
    }

    /// Fills the pool with everything that may be among the nearest; false if it cannot. The last
    /// of the nearest may have been at `known`, 0 if that is not known.
    #[inline(always)]
    pub(super) fn gather<W: Walk>(&mut self, walk: W, known: f32) -> bool {
        if known > 0.0 && self.gather_under(walk, known * (1.0 + DRIFT)) {
            return true;
        }
        let mut total = 0;
        walk.stretches(|stretch| total += stretch.end - stretch.start);
        if total >= self.fill.max(2 * SAMPLE) {
            let guess = self.guess(walk, total);
            // Else the sample was not like the rest.
            if self.gather_under(walk, guess) {
                return true;
            }
        }
        self.read(walk);
        !self.stuck
    }

    /// Fills the pool with what is under a guess; if that cannot be all of the nearest, the pool
    /// is empty.
    #[inline(always)]
    fn gather_under<W: Walk>(&mut self, walk: W, guess: f32) -> bool {
        let threshold = guess * (1.0 + MARGIN);
        if threshold > self.ball.sure {
            return false;
        }
        self.threshold = threshold;
        self.read(walk);
        self.seal();
        // As in `thin`: then nobody above the threshold can be truly nearer than those.
        if !self.stuck && self.count_at_most(guess) >= self.rank {
            return true;
        }
        self.length = 0;
        self.stuck = false;
        self.threshold = self.ball.limit;
        false
    }

    /// Adds the candidates on the way that are under the threshold, which may fall.
    #[inline(always)]
    fn read<W: Walk>(&mut self, walk: W) {
        let mut gatherer = Gatherer::new(self);
        V::lead(walk, &mut gatherer);
        gatherer.finish();
    }

    /// A threshold that probably somewhat more than the wanted candidates are under: taken from
    /// blocks at equal distances on the way, which reads `total` entries, more than a sample.
    #[inline(always)]
    fn guess<W: Walk>(&mut self, walk: W, total: usize) -> f32 {
        let step = total / (SAMPLE / V::COUNT);
        let (mut next, mut passed) = (step / 2, 0);
        let last = self.index.len() - V::COUNT;
        walk.stretches(|stretch| {
            let length = stretch.end - stretch.start;
            while next < passed + length && self.length < SAMPLE {
                let at = (stretch.start + next - passed).min(last);
                // SAFETY: see `new`; `at` and the lanes after it are rows. What is sampled twice
                // or from a cell nearby does no harm.
                unsafe { self.push(at, self.entries.squares(at), V::ALL) };
                next += step;
            }
            passed += length;
        });
        self.seal();
        let expected = (self.rank * self.length) as f32 / total as f32;
        // Three standard deviations more than expected, and some for neighbours being alike.
        let wanted = (expected + 3.0 * expected.sqrt() + 3.0) as usize;
        let guess = self.about(wanted, wanted + wanted / 4);
        self.length = 0;
        guess
    }

    /// Adds the masked lanes of the entries from `at` on.
    ///
    /// # Safety
    /// `at` is a row, and the pool holds less than `POOL`.
    #[inline(always)]
    unsafe fn push(&mut self, at: usize, squares: V::Float, mask: u32) {
        debug_assert!(self.length < POOL);
        // SAFETY: passed on; there is room for a block after the fullest that the pool can be.
        unsafe {
            let to = self.squares.as_mut_ptr().add(self.length);
            V::compress_floats(to.cast(), squares, mask);
            let to = self.row.as_mut_ptr().add(self.length);
            V::compress_rows(to.cast(), self.entries.rows(at), mask);
        }
        self.length += mask.count_ones() as usize;
    }

    /// Makes what a block's lanes may read after the last candidate larger than any threshold.
    /// Called before the candidates are looked through.
    #[inline(always)]
    fn seal(&mut self) {
        // SAFETY: see `new`; after a block there is room for another.
        unsafe {
            let beyond = self.squares.as_mut_ptr().add(self.length);
            V::compress_floats(beyond.cast(), V::splat_float(f32::INFINITY), V::ALL);
            let beyond = self.row.as_mut_ptr().add(self.length);
            V::compress_rows(beyond.cast(), V::splat_int(0), V::ALL);
        }
    }

    /// How many squares are at most the value, which is finite. The pool is sealed.
    #[inline(always)]
    fn count_at_most(&self, value: f32) -> usize {
        let (mut count, mut i) = (0, 0);
        // SAFETY: see `new`; the lanes after the last candidate are initialised.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                let squares = V::load_float(self.squares.as_ptr().add(i).cast());
                count += V::at_most(squares, value).count_ones();
                i += V::COUNT;
            }
        }
        count as usize
    }

    /// A value that at least `least` squares are at most, and if it is found quickly at most
    /// `most`. If there are fewer, the threshold. The pool is sealed.
    #[inline(always)]
    fn about(&self, least: usize, most: usize) -> f32 {
        let target = (least + most) as f32 / 2.0;
        let (mut low, mut below) = (0.0, 0.0);
        let (mut high, mut count) = (self.threshold, self.count_at_most(self.threshold));
        for _ in 0..THIN_STEPS {
            let middle = low + (high - low) * ((target - below) / (count as f32 - below));
            if count <= most || middle <= low || middle >= high {
                break;
            }
            let under = self.count_at_most(middle);
            if under >= least {
                (high, count) = (middle, under);
            } else {
                (low, below) = (middle, under as f32);
            }
        }
        high
    }

    /// Drops candidates that cannot be among the nearest, until about a quarter more than wanted
    /// are left.
    #[inline(never)]
    fn thin(&mut self) {
        self.seal();
        let high = self.about(self.rank, self.rank + self.rank / 4);
        // At least `rank` squares are at most `high`; whoever is truly nearer than one of those
        // has a square of at most this. Unless some of those may turn out not to be in the ball.
        if high <= self.ball.sure {
            self.threshold = self.threshold.min(high * (1.0 + MARGIN));
            self.keep(self.threshold);
        }
        self.stuck = self.length > self.fill / 2;
    }

    /// Keeps the candidates whose square is at most the value. The pool is sealed.
    #[inline(always)]
    fn keep(&mut self, value: f32) {
        let (mut kept, mut i) = (0, 0);
        // SAFETY: see `new`; the lanes after the last candidate are initialised. `kept` never
        // overtakes `i`, and a block is read before it is written over.
        unsafe {
            let value = V::splat_float(value);
            while i < self.length {
                let squares = V::load_float(self.squares.as_ptr().add(i).cast());
                let rows = V::load_rows(self.row.as_ptr().add(i).cast());
                let mask = V::at_most(squares, value);
                V::compress_floats(self.squares.as_mut_ptr().add(kept).cast(), squares, mask);
                V::compress_rows(self.row.as_mut_ptr().add(kept).cast(), rows, mask);
                kept += mask.count_ones() as usize;
                i += V::COUNT;
            }
        }
        self.length = kept;
    }

    /// Where the `rank`-th smallest square is. There are more than `rank` candidates, and `rank`
    /// is not 0. The pool is sealed.
    #[inline(always)]
    fn bracket(&self, rank: usize) -> Bracket {
        // Squares are not negative, so their bits are ordered as they are; −1 is below them all.
        let bits = |value: f32| i64::from(value.to_bits());
        let value = |bits: i64| f32::from_bits(bits as u32);
        let (mut low, mut below) = (-1, 0);
        let (mut high, mut count) = (bits(self.threshold), self.length);
        let mut step = 0;
        while count != rank && high - low > 1 {
            let middle = if step == 0 {
                // Where ships fill space evenly, a share more of them is ⅔ of it more of the square.
                let surplus = (count as f32 - rank as f32 - 0.5) / count as f32;
                let from = value(high) * (1.0 - surplus * (2.0 / 3.0)).max(0.0);
                bits(from).clamp(low + 1, high - 1)
            } else if step < INTERPOLATIONS {
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
        let low = match low {
            _ if count == rank => high,
            -1 => -1.0,
            low => value(low),
        };
        Bracket { low, high }
    }

    /// Which squares mark exactly the nearest `rank` candidates: those of at most the value that
    /// is returned. Where approximate squares cannot tell, changes them. The pool is sealed.
    #[inline(always)]
    fn choose(&mut self, rank: usize) -> f32 {
        if rank == 0 {
            return -1.0;
        }
        if self.length <= rank {
            return self.threshold;
        }
        let Bracket { low, high } = self.bracket(rank);
        let most = high * (1.0 + MARGIN);
        if self.count_at_most(most) != rank {
            self.break_ties(rank, low * (1.0 - MARGIN), most);
        }
        most
    }

    /// The candidates between the two values are ranked by exact integers; those that are not
    /// among the nearest `rank` are ruled out.
    #[cold]
    #[inline(never)]
    fn break_ties(&mut self, rank: usize, sure: f32, possible: f32) {
        let mut missing = rank;
        let mut ties = Vec::new();
        for candidate in 0..self.length {
            let square = self.square(candidate);
            if square <= sure {
                missing -= 1;
            } else if square <= possible {
                let (exact, row) = self.exact(candidate);
                ties.push((exact, row, candidate));
            }
        }
        ties.sort_unstable();
        for &(_, _, candidate) in &ties[missing..] {
            self.squares[candidate].write(RULED_OUT);
        }
    }

    /// Drops the candidates that are not in the ball; all are at most its limit. The pool is
    /// sealed.
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
        for candidate in 0..self.length {
            if self.square(candidate) > self.ball.sure
                && self.exact(candidate).0 > self.ball.radius_squared
            {
                self.squares[candidate].write(RULED_OUT);
            }
        }
        self.keep(self.threshold);
        self.seal();
    }

    fn square(&self, candidate: usize) -> f32 {
        assert!(candidate < self.length, "not a candidate");
        // SAFETY: candidates before `length` are initialised.
        unsafe { self.squares[candidate].assume_init() }
    }

    /// The exact distance² and the row. Slow: looks for the row in the index.
    fn exact(&self, candidate: usize) -> (u64, u32) {
        assert!(candidate < self.length, "not a candidate");
        // SAFETY: candidates before `length` are initialised.
        let row = unsafe { self.row[candidate].assume_init() };
        let sorted = &self.index.sorted;
        let at = sorted.row.iter().position(|&other| other == row);
        let at = at.expect("candidates are rows of the index");
        (distance_squared(self.ball.centre, sorted.position(at)), row)
    }

    /// Appends the rows of the candidates whose square is above the first and at most the second
    /// value. The pool is sealed.
    #[inline(always)]
    fn emit(&self, above: f32, most: f32, out: &mut Vec<u32>) {
        out.reserve(self.length + V::COUNT);
        let (mut length, mut i) = (out.len(), 0);
        // SAFETY: see `new`; the lanes after the last candidate are initialised. There is room for
        // all candidates and a block.
        unsafe {
            let (above, most) = (V::splat_float(above), V::splat_float(most));
            while i < self.length {
                let squares = V::load_float(self.squares.as_ptr().add(i).cast());
                let rows = V::load_rows(self.row.as_ptr().add(i).cast());
                let mask = V::at_most(squares, most) & !V::at_most(squares, above);
                V::compress_rows(out.as_mut_ptr().add(length), rows, mask);
                length += mask.count_ones() as usize;
                i += V::COUNT;
            }
            out.set_len(length);
        }
    }

    /// Appends the rows of the nearest `ranks[0]` to `inside` and of the other nearest `ranks[1]`
    /// to `between`. `ranks[1]` is what the pool was made for. The approximate square of the last of
    /// them; 0 if there are fewer.
    #[inline(always)]
    pub(super) fn finish(
        &mut self,
        ranks: [usize; 2],
        inside: &mut Vec<u32>,
        between: &mut Vec<u32>,
    ) -> f32 {
        self.seal();
        self.keep_inside();
        if self.length <= ranks[0] {
            self.emit(-1.0, self.threshold, inside);
            return 0.0;
        }
        let known = if self.length > ranks[1] { 1.0 } else { 0.0 };
        let outer = self.choose(ranks[1]);
        if ranks[0] == ranks[1] {
            self.emit(-1.0, outer, inside);
            return known * outer;
        }
        self.keep(outer);
        self.seal();
        let inner = self.choose(ranks[0]);
        self.emit(-1.0, inner, inside);
        // Those that were ruled out in favour of others included.
        self.emit(inner, RULED_OUT, between);
        known * outer
    }
}
