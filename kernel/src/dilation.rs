//! Dilation: how fast a grid's time runs.
//!
//! Only the number, as the journal stores it: it is an input of the beat like any other, so
//! that a replay runs at the pace of the original.

use crate::codec::{DecodeError, Put, Reader};

/// The pace of a grid's simulated time in per mille of real time, 1..=1000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Dilation(u16);

impl Dilation {
    /// Simulated time keeps pace with real time.
    pub const NONE: Self = Self(1000);

    /// A pace in per mille; `None` outside of 1..=1000.
    #[must_use]
    pub const fn new(per_mille: u16) -> Option<Self> {
        if per_mille == 0 || per_mille > 1000 {
            None
        } else {
            Some(Self(per_mille))
        }
    }

    /// The pace in per mille, 1..=1000.
    #[must_use]
    pub const fn per_mille(self) -> u16 {
        self.0
    }

    pub(crate) fn encode(self, bytes: &mut Vec<u8>) {
        bytes.put_u16(self.0);
    }

    pub(crate) fn decode(bytes: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(bytes.u16()?).ok_or(DecodeError::Invalid("dilation"))
    }
}

impl Default for Dilation {
    fn default() -> Self {
        Self::NONE
    }
}

/// What a [`Governor`] is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GovernorConfig {
    /// The length of the host's beat, in nanoseconds, ≥ 1.
    pub beat_ns: u64,
    /// How much of a beat a shard may spend on grids, in per mille, 1..=1000.
    pub share_per_mille: u16,
    /// The slowest pace.
    pub floor: Dilation,
    /// A slower pace than this is called for by any cost above the room; a faster one only once
    /// the room is so much larger than what it takes, in per mille of it, 0..=1000.
    pub reserve_per_mille: u16,
    /// How fast a falling cost is believed: one part in `1 << decay` of the difference per beat
    /// observed, 0..=16. A rising one is believed within a few beats.
    pub decay: u8,
}

impl GovernorConfig {
    /// 700 ‰ of a beat, no slower than 100 ‰, faster again with 100 ‰ to spare, over some 32
    /// beats.
    #[must_use]
    pub const fn new(beat_ns: u64) -> Self {
        Self {
            beat_ns,
            share_per_mille: 700,
            floor: Dilation(100),
            reserve_per_mille: 100,
            decay: 5,
        }
    }
}

/// From the measured cost of a grid's beats to the pace of its time: one per grid.
///
/// A beat of the grid costs `c`; the shard has room for `share · beat − others` per beat of the
/// host. So the grid can have `room / c` beats of its own per beat of the host: that is the pace.
/// The cost is smoothed, fast upwards (half of the difference) and slowly downwards, and a pace
/// is only left for a faster one that is there with [`GovernorConfig::reserve_per_mille`] to
/// spare: a cost that wavers about a limit does not make the pace flap.
///
/// Measured costs are real time: a governor decides what is **recorded** as an input of a beat,
/// and is no part of the simulation. Integers only; no clock.
#[derive(Clone, Debug)]
pub struct Governor {
    config: GovernorConfig,
    /// Smoothed cost of a beat, in ns; 0 before the first.
    cost_ns: u64,
    pace: Dilation,
}

impl Governor {
    /// At full pace until something else is observed.
    ///
    /// # Panics
    /// If the configuration is out of its ranges.
    #[must_use]
    pub fn new(config: GovernorConfig) -> Self {
        assert!(
            config.beat_ns > 0
                && (1..=1000).contains(&config.share_per_mille)
                && config.reserve_per_mille <= 1000
                && config.decay <= 16,
            "{config:?}"
        );
        Self {
            config,
            cost_ns: 0,
            pace: Dilation::NONE,
        }
    }

    /// Takes in what one beat of the grid has cost on its busiest member, in ns.
    pub const fn observe(&mut self, cost_ns: u64) {
        if cost_ns > self.cost_ns {
            // Half of the difference, rounded up, so that it gets there.
            self.cost_ns += (cost_ns - self.cost_ns).div_ceil(2);
        } else {
            let gap = self.cost_ns - cost_ns;
            self.cost_ns -= gap.div_ceil(1 << self.config.decay);
        }
    }

    /// The smoothed cost of a beat, in ns.
    #[must_use]
    pub const fn cost_ns(&self) -> u64 {
        self.cost_ns
    }

    /// The pace for the next beats, if the other grids of the busiest member's shard take
    /// `others_ns` of every beat of the host.
    pub fn pace(&mut self, others_ns: u64) -> Dilation {
        let affordable = self.affordable(others_ns, 0);
        if affordable < self.pace {
            self.pace = affordable;
        } else {
            let faster = self.affordable(others_ns, self.config.reserve_per_mille);
            self.pace = self.pace.max(faster);
        }
        self.pace
    }

    /// The fastest pace whose cost leaves `reserve` per mille of the room free.
    fn affordable(&self, others_ns: u64, reserve: u16) -> Dilation {
        let GovernorConfig {
            beat_ns,
            share_per_mille,
            floor,
            ..
        } = self.config;
        if self.cost_ns == 0 {
            return Dilation::NONE;
        }
        let room = u128::from(beat_ns) * u128::from(share_per_mille) / 1000;
        let room = room.saturating_sub(u128::from(others_ns));
        let room = room * u128::from(1000 - reserve) / 1000;
        let pace = room * 1000 / u128::from(self.cost_ns);
        // In range: at most 1000, and the floor is at least 1.
        Dilation(pace.min(1000) as u16).max(floor)
    }
}

#[cfg(test)]
mod tests;
