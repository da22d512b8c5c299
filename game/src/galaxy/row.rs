//! Rows of a store: one archive per system, and one of the whole galaxy.

use super::{Galaxy, System};
use orrery_base::digest;
use rkyv::rancor;
use rkyv::util::AlignedVec;

/// A row that is not an archive of what it should be.
#[derive(Debug, thiserror::Error)]
#[error("not a valid row of the galaxy: {reason}")]
pub struct RowError {
    /// The first check that failed.
    pub reason: String,
}

/// Copies bytes to where an archive may stand. Rows from a store come with any alignment.
fn aligned(bytes: &[u8]) -> AlignedVec {
    let mut aligned = AlignedVec::with_capacity(bytes.len());
    aligned.extend_from_slice(bytes);
    aligned
}

impl System {
    /// The row's bytes: equal for equal systems.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        rkyv::to_bytes::<rancor::Panic>(self)
            .unwrap_or_else(|never| match never {})
            .into_vec()
    }

    /// Reads a row. The bytes need no alignment and may be anything.
    ///
    /// # Errors
    /// [`RowError`] if they are not a row.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RowError> {
        rkyv::from_bytes::<Self, rancor::Error>(&aligned(bytes)).map_err(|error| RowError {
            reason: error.to_string(),
        })
    }
}

impl Galaxy {
    /// The bytes of the whole galaxy: equal for equal galaxies.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        rkyv::to_bytes::<rancor::Panic>(self)
            .unwrap_or_else(|never| match never {})
            .into_vec()
    }

    /// Reads a galaxy. The bytes need no alignment and may be anything; the invariants of the
    /// graph are not checked again.
    ///
    /// # Errors
    /// [`RowError`] if they are not a galaxy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RowError> {
        rkyv::from_bytes::<Self, rancor::Error>(&aligned(bytes)).map_err(|error| RowError {
            reason: error.to_string(),
        })
    }

    /// A digest of the whole galaxy.
    #[must_use]
    pub fn digest(&self) -> u64 {
        digest::of_bytes(&self.to_bytes())
    }
}
