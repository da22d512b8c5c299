//! The time of day as an argument.
//!
//! The services of this crate judge hours (a session) and seconds (a game token), also across a
//! restart, so they take wall time and not a [`orrery_base::Tick`]: beats stop while the server
//! is down. They never read a clock; the shell does.

use core::fmt;

/// Milliseconds since 1970-01-01 00:00 UTC, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub u64);

impl WallTime {
    /// The time `ms` milliseconds later; stops at the end of time.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time; zero if `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallTime({} ms)", self.0)
    }
}
