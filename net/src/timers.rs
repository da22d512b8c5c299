//! Deadlines of connections: a wheel of a thousand slots of one millisecond.
//!
//! Setting a deadline is O(1) and usually writes nothing at all: as long as a connection has an
//! entry that fires no later than its deadline, the entry stays where it is, and re-arms itself
//! when it fires too early. QUIC moves its deadlines with every packet, mostly later.
//!
//! A deadline beyond the horizon of the wheel gets an entry at the horizon: a connection that
//! is idle for 15 seconds is looked at about once a second, in the caller's table alone.
//!
//! **Invariant:** every connection with a deadline has exactly one live entry, that of `armed`;
//! entries that no longer match `armed` are dropped when their slot comes round, within one
//! turn of the wheel.

use core::time::Duration;
use std::time::Instant;

#[cfg(test)]
mod tests;

/// Slots of the wheel; a power of two.
const SLOTS: u64 = 1024;
const WORDS: usize = (SLOTS / 64) as usize;
/// Length of a slot: quinn-proto's own timer granularity.
const GRAIN_NS: u64 = 1_000_000;

/// Slots since the wheel was made. A deadline is rounded up, the clock down, so that nothing
/// fires early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due(pub(crate) u64);

impl Due {
    /// No deadline.
    pub(crate) const NEVER: Self = Self(u64::MAX);
}

/// The wheel. The caller keeps, per connection, `due` (its deadline) and `armed` (where its
/// entry is).
#[derive(Debug)]
pub(crate) struct Wheel {
    epoch: Instant,
    /// The last slot that has been emptied.
    cursor: u64,
    slots: Vec<Vec<u32>>,
    occupied: [u64; WORDS],
}

impl Wheel {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            cursor: 0,
            slots: vec![Vec::new(); SLOTS as usize],
            occupied: [0; WORDS],
        }
    }

    fn nanoseconds(&self, instant: Instant) -> u64 {
        // 584 years; a process does not run that long.
        instant.saturating_duration_since(self.epoch).as_nanos() as u64
    }

    /// The slot at whose end `instant` has passed.
    pub(crate) fn due(&self, instant: Option<Instant>) -> Due {
        instant.map_or(Due::NEVER, |instant| {
            Due(self.nanoseconds(instant).div_ceil(GRAIN_NS))
        })
    }

    /// Makes sure that `index` fires no later than `due`. Returns the new value of `armed`.
    pub(crate) fn arm(&mut self, index: u32, due: Due, armed: Due) -> Due {
        if due >= armed {
            return armed;
        }
        let slot = due.0.clamp(self.cursor + 1, self.cursor + SLOTS - 1);
        let place = (slot % SLOTS) as usize;
        self.slots[place].push(index);
        self.occupied[place / 64] |= 1 << (place % 64);
        Due(slot)
    }

    /// Moves the clock to `now` and lists what may have become due, oldest slot first: pairs of
    /// a connection and the slot that its entry was in. The caller drops those whose `armed` is
    /// another, and arms the others anew.
    pub(crate) fn advance(&mut self, now: Instant, fired: &mut Vec<(u32, Due)>) {
        let until = self.nanoseconds(now) / GRAIN_NS;
        // After a pause longer than a turn each slot is emptied once: entries are at most one
        // turn ahead, so the slot number follows from the place.
        let first = self.cursor + 1;
        let last = until.min(self.cursor + SLOTS);
        for slot in first..=last {
            let place = (slot % SLOTS) as usize;
            if self.occupied[place / 64] & (1 << (place % 64)) != 0 {
                self.occupied[place / 64] &= !(1 << (place % 64));
                fired.extend(self.slots[place].drain(..).map(|index| (index, Due(slot))));
            }
        }
        self.cursor = self.cursor.max(until);
    }

    /// What has passed: whatever is due no later has fired, or is among what `advance` listed.
    pub(crate) fn passed(&self) -> Due {
        Due(self.cursor)
    }

    /// When the next slot that is not empty ends. May be early, never late.
    pub(crate) fn next(&self) -> Option<Instant> {
        let start = self.cursor + 1;
        let mut ahead = 0;
        while ahead < SLOTS {
            let place = ((start + ahead) % SLOTS) as usize;
            let word = self.occupied[place / 64] >> (place % 64);
            if word != 0 {
                let slot = start + ahead + u64::from(word.trailing_zeros());
                return Some(self.epoch + Duration::from_nanos(slot * GRAIN_NS));
            }
            ahead += 64 - (place as u64 % 64);
        }
        None
    }
}
