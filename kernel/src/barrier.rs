//! A barrier for a handful of threads that are at work on the same beat and expect each other
//! within microseconds.
//!
//! It spins shortly, then gives way to other threads between two looks. Whoever waits may be told
//! to give up, which breaks the barrier for everybody, so that nobody waits for a member that
//! will never come.
//!
//! Cost: some 0.2 µs between threads that run, each on a core of its own.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crossbeam::utils::CachePadded;

/// Looks before the thread gives way: a few microseconds.
const SPINS: u32 = 64;

/// Somebody gave up waiting: the members do not meet at this barrier any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other members do not come any more")]
pub struct Broken;

/// A point that all members reach before any goes on.
#[derive(Debug)]
pub struct Barrier {
    members: u32,
    arrived: CachePadded<AtomicU32>,
    generation: CachePadded<AtomicU32>,
    is_broken: AtomicBool,
}

impl Barrier {
    /// For `members` (≥ 1) threads.
    #[must_use]
    pub const fn new(members: u32) -> Self {
        Self {
            members,
            arrived: CachePadded::new(AtomicU32::new(0)),
            generation: CachePadded::new(AtomicU32::new(0)),
            is_broken: AtomicBool::new(false),
        }
    }

    /// How often all members have met, modulo 2³². For a member that has not come to the next
    /// meeting yet: until it does, the number stands still.
    #[must_use]
    pub fn meetings(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether a member gave up.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// Waits until all members are here. `keep_waiting` is asked now and then meanwhile.
    ///
    /// What a member wrote before it came is seen by all members after they have gone on.
    ///
    /// # Errors
    /// If a member was told not to wait any longer, now or earlier.
    pub fn wait(&self, mut keep_waiting: impl FnMut() -> bool) -> Result<(), Broken> {
        // Before arriving: the generation cannot change until this member has arrived.
        let generation = self.meetings();
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            // Nobody looks at the count again before the generation has changed.
            self.arrived.store(0, Ordering::Relaxed);
            self.generation
                .store(generation.wrapping_add(1), Ordering::Release);
            return self.check();
        }
        let mut looks = 0_u32;
        while self.generation.load(Ordering::Acquire) == generation {
            self.check()?;
            if looks < SPINS {
                looks += 1;
                std::hint::spin_loop();
            } else if keep_waiting() {
                std::thread::yield_now();
            } else {
                self.give_up();
            }
        }
        self.check()
    }

    /// Breaks the barrier for everybody, for ever.
    pub fn give_up(&self) {
        self.is_broken.store(true, Ordering::Release);
    }

    fn check(&self) -> Result<(), Broken> {
        if self.is_broken() {
            Err(Broken)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
