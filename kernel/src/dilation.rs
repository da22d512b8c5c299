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

/// How a [`Governor`] decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GovernorConfig {
    /// A beat of the host, in nanoseconds.
    pub beat_ns: u64,
    /// How much of a beat the grids of a shard may take, in per mille; the rest is the edge's.
    pub share_per_mille: u16,
    /// The slowest pace.
    pub floor: Dilation,
}

impl Default for GovernorConfig {
    fn default() -> Self {
        Self {
            beat_ns: 33_333_333,
            share_per_mille: 700,
            floor: Dilation(100),
        }
    }
}

/// From what a grid's beats cost to the pace of its time: a pure function of what it has
/// observed. Slows down at once, speeds up slowly, and not for a little.
#[derive(Clone, Copy, Debug)]
pub struct Governor {
    config: GovernorConfig,
    /// What a beat costs, smoothed, in nanoseconds.
    cost_ns: u64,
    pace: Dilation,
}

/// A pace is raised by at least so much at a time, in per mille.
const STEP_UP: u16 = 50;

impl Governor {
    /// Of a grid at full pace whose cost is unknown.
    #[must_use]
    pub const fn new(config: GovernorConfig) -> Self {
        Self {
            config,
            cost_ns: 0,
            pace: Dilation::NONE,
        }
    }

    /// Takes in what a whole beat of the grid has cost, on the shard where it cost most.
    pub const fn observe(&mut self, cost_ns: u64) {
        // Half of a rise, a sixteenth of a fall.
        if cost_ns > self.cost_ns {
            self.cost_ns += (cost_ns - self.cost_ns).div_ceil(2);
        } else {
            self.cost_ns -= (self.cost_ns - cost_ns) / 16;
        }
    }

    /// The pace at which the grid keeps to its share of a beat, beside the other grids of its
    /// shard, which take `others_ns` of it.
    pub fn pace(&mut self, others_ns: u64) -> Dilation {
        let GovernorConfig {
            beat_ns,
            share_per_mille,
            floor,
        } = self.config;
        let share_ns = beat_ns / 1000 * u64::from(share_per_mille);
        // However busy the others are: a tenth of a beat is left for it.
        let room_ns = share_ns.saturating_sub(others_ns).max(beat_ns / 10);
        let wanted = 1000 * room_ns / self.cost_ns.max(1);
        let wanted = Dilation(wanted.min(1000) as u16).max(floor);
        let is_worth_it = wanted == Dilation::NONE || wanted.0 >= self.pace.0 + STEP_UP;
        if wanted < self.pace || is_worth_it {
            self.pace = wanted;
        }
        self.pace
    }
}
