//! What the log leaves to other threads: making spare segments and compressing full ones.

use std::io;

use super::Disk;

/// Makes a spare segment, which takes as long as writing all of it.
#[derive(Debug)]
pub struct SpareJob<D: Disk> {
    pub(super) disk: D,
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// A segment file that waits for its turn.
#[derive(Debug)]
pub struct Spare<D: Disk> {
    pub(super) name: String,
    pub(super) file: D::File,
}

impl<D: Disk> SpareJob<D> {
    /// Does it. Hand the result to [`super::BeatLog::finish_spare`], also if it is an error.
    ///
    /// # Errors
    ///
    /// No room, or the disk fails.
    pub fn run(self) -> io::Result<Spare<D>> {
        unimplemented!()
    }
}

/// Compresses a full segment, verifies the result and lets its file become a spare.
#[derive(Debug)]
pub struct SealJob<D: Disk> {
    pub(super) disk: D,
}

/// A compressed segment.
#[derive(Debug)]
pub struct Sealed<D: Disk> {
    pub(super) first: u64,
    pub(super) spare: Option<Spare<D>>,
}

/// Why a segment could not be sealed. It stays as it is.
#[derive(Debug, thiserror::Error)]
#[error("seal the segment {segment}")]
pub struct SealError {
    /// Its file.
    pub segment: String,
    /// What went wrong.
    #[source]
    pub source: io::Error,
    pub(super) first: u64,
}

impl<D: Disk> SealJob<D> {
    /// Does it. Hand the result to [`super::BeatLog::finish_seal`], also if it is an error.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn run(self) -> Result<Sealed<D>, SealError> {
        unimplemented!()
    }
}
