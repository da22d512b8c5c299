//! Every choice of a run, from its seed.

use std::cell::RefCell;
use std::ops::Range;

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

/// One millisecond, in nanoseconds.
pub const MS: u64 = 1_000_000;
/// One second, in nanoseconds.
pub const SECOND: u64 = 1_000 * MS;

/// The draws of a run, one after another. The simulator is the one place where a shared stream
/// is right: its order of draws is its own order of events.
#[derive(Debug)]
pub struct Draws(RefCell<Rng>);

impl Draws {
    /// The draws of a seed for one purpose.
    #[must_use]
    pub const fn new(seed: u64, purpose: u32) -> Self {
        Self(RefCell::new(Rng::new(
            seed,
            Tick(0),
            EntityId::NONE,
            purpose,
        )))
    }

    /// A number in a range that is not empty.
    #[must_use]
    pub fn within(&self, range: Range<u64>) -> u64 {
        let width = range.end - range.start;
        let word = self.0.borrow_mut().next_u64();
        range.start + ((u128::from(word) * u128::from(width)) >> 64) as u64
    }

    /// An index below `count` (≥ 1).
    #[must_use]
    pub fn index(&self, count: usize) -> usize {
        self.0.borrow_mut().below(count as u32) as usize
    }

    /// True once in `times` (≥ 1).
    #[must_use]
    pub fn one_in(&self, times: u32) -> bool {
        self.0.borrow_mut().below(times) == 0
    }

    /// One of several things, of which there must be one.
    #[must_use]
    pub fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }
}
