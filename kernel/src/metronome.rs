//! When the beats are due: the arithmetic of the one clock that all shards of a host follow.
//!
//! Pure: the caller reads a monotonic clock, says what time it is and is told what to do. Beat
//! `n` after the anchor is due at anchor + ⌊n · 10⁹ / rate⌋ ns, computed anew for every beat, so
//! the rounding never adds up: 30 beats a second stay 30 for ever.
//!
//! **Catching up.** A late beat is done at once, and the beats after it too, until the schedule
//! is met again: a short stall costs no time. If more than `catch_up_beats` are due at once, the
//! schedule **slips**: it is moved so that the present beat is due now, and the time lost is
//! counted. No beat is ever left out, since a tick is simulated time and not wall time; what
//! slips is when it happens. Slowing simulated time within a beat is dilation, not this.

#[cfg(test)]
mod tests;

use orrery_base::Tick;

const SECOND_NS: u128 = 1_000_000_000;

/// How a metronome is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MetronomeConfig {
    /// Beats in a second of wall time, at least 1.
    pub beats_per_second: u32,
    /// How many beats may be due at once and still be caught up.
    pub catch_up_beats: u32,
}

impl Default for MetronomeConfig {
    fn default() -> Self {
        Self {
            beats_per_second: orrery_base::BEATS_PER_SECOND,
            // A third of a second: an fsync that hangs, not a machine that sleeps.
            catch_up_beats: 10,
        }
    }
}

/// What to do now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pulse {
    /// Nothing is due before `until_ns`.
    Wait {
        /// When to ask again, on the caller's clock.
        until_ns: u64,
    },
    /// This beat is due: do it, then ask again.
    Beat {
        /// Which beat.
        tick: Tick,
        /// How long ago it was due, after any slip.
        late_ns: u64,
        /// By how much the schedule has slipped just now; mostly zero.
        slipped_ns: u64,
    },
}

/// A schedule of beats. All times are nanoseconds on one monotonic clock of the caller's.
#[derive(Clone, Debug)]
pub struct Metronome {
    config: MetronomeConfig,
    /// The beat that was, or is, due at `anchor_ns`.
    anchor: Tick,
    anchor_ns: u64,
    next: Tick,
    slipped_ns: u64,
}

impl Metronome {
    /// A schedule on which `first` is due at `start_ns`.
    ///
    /// # Panics
    /// If the rate is zero.
    #[must_use]
    pub const fn new(config: MetronomeConfig, first: Tick, start_ns: u64) -> Self {
        assert!(config.beats_per_second > 0, "a metronome beats");
        Self {
            config,
            anchor: first,
            anchor_ns: start_ns,
            next: first,
            slipped_ns: 0,
        }
    }

    /// When a beat is due; for beats before the last slip, when the schedule of today says that
    /// they were.
    #[must_use]
    pub const fn due_ns(&self, tick: Tick) -> u64 {
        let rate = self.config.beats_per_second as u128;
        if tick.0 >= self.anchor.0 {
            let after = (tick.0 - self.anchor.0) as u128 * SECOND_NS / rate;
            self.anchor_ns.saturating_add(saturate(after))
        } else {
            let before = ((self.anchor.0 - tick.0) as u128 * SECOND_NS).div_ceil(rate);
            self.anchor_ns.saturating_sub(saturate(before))
        }
    }

    /// The beat that comes next.
    #[must_use]
    pub const fn next_tick(&self) -> Tick {
        self.next
    }

    /// By how much the schedule has slipped since the start.
    #[must_use]
    pub const fn slipped_ns(&self) -> u64 {
        self.slipped_ns
    }

    /// What to do at `now_ns`. A [`Pulse::Beat`] is given once.
    pub const fn poll(&mut self, now_ns: u64) -> Pulse {
        let due_ns = self.due_ns(self.next);
        if now_ns < due_ns {
            return Pulse::Wait { until_ns: due_ns };
        }
        let tick = self.next;
        let last_caught_up = self.due_ns(tick.plus(self.config.catch_up_beats as u64));
        let slipped_ns = if now_ns < last_caught_up {
            0
        } else {
            (self.anchor, self.anchor_ns) = (tick, now_ns);
            now_ns - due_ns
        };
        self.slipped_ns = self.slipped_ns.saturating_add(slipped_ns);
        self.next = tick.next();
        Pulse::Beat {
            tick,
            late_ns: now_ns - due_ns - slipped_ns,
            slipped_ns,
        }
    }
}

/// The number, or the largest that there is: 584 years of nanoseconds.
const fn saturate(ns: u128) -> u64 {
    if ns > u64::MAX as u128 {
        u64::MAX
    } else {
        ns as u64
    }
}
