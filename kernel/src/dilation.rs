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
