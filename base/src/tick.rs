//! Simulated time. A tick is one beat of a grid: 1/30 s of simulated time, whatever the
//! wall clock does. "State at tick T" is the state after the step of T.

use core::fmt;

/// Beats in a simulated second: the quantum of the simulation and of the wire. The metronome
/// may run slower or faster than real time; the law of motion keeps this step.
pub const BEATS_PER_SECOND: u32 = 30;

/// A beat's number, counted from the birth of the store and never reset.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[repr(transparent)]
pub struct Tick(pub u64);

impl Tick {
    /// The beat after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The beat `beats` later.
    #[must_use]
    pub const fn plus(self, beats: u64) -> Self {
        Self(self.0 + beats)
    }

    /// The beat `beats` earlier, or the first.
    #[must_use]
    pub const fn minus(self, beats: u64) -> Self {
        Self(self.0.saturating_sub(beats))
    }

    /// Beats from `earlier` to this one; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether this is one of every `interval` beats, with `phase` to spread the work.
    #[must_use]
    pub const fn is_every(self, interval: u64, phase: u64) -> bool {
        (self.0.wrapping_add(phase)).is_multiple_of(interval)
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tick({})", self.0)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
