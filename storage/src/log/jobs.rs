//! What the log leaves to other threads: making spare segments and compressing full ones.

use std::io;

use super::segment::{self, Rot, Summary};
use super::{Disk, LogFile as _};

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
        let Self { disk, name, bytes } = self;
        let file = disk.create(&name, bytes)?;
        Ok(Spare { name, file })
    }
}

/// Compresses a full segment, verifies the result and lets its file become a spare. Needs
/// memory for two segments; takes a few nanoseconds of processor time a byte.
#[derive(Debug)]
pub struct SealJob<D: Disk> {
    pub(super) disk: D,
    pub(super) first: u64,
    pub(super) level: i32,
    /// The name that its file gets as a spare; none if it is to be removed.
    pub(super) spare: Option<String>,
}

/// A compressed segment.
#[derive(Debug)]
pub struct Sealed<D: Disk> {
    pub(super) first: u64,
    /// On disk.
    pub(super) bytes: u64,
    pub(super) spare_was_wanted: bool,
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
    pub(super) spare_was_wanted: bool,
}

impl<D: Disk> SealJob<D> {
    /// Does it. Hand the result to [`super::BeatLog::finish_seal`], also if it is an error.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn run(self) -> Result<Sealed<D>, SealError> {
        match self.compress() {
            Ok(bytes) => Ok(Sealed {
                first: self.first,
                bytes,
                spare_was_wanted: self.spare.is_some(),
                spare: self.recycle(),
            }),
            Err(source) => Err(SealError {
                segment: segment::name(self.first),
                source,
                first: self.first,
                spare_was_wanted: self.spare.is_some(),
            }),
        }
    }

    /// Bytes of the compressed file, once it is durable, read back and equal.
    fn compress(&self) -> io::Result<u64> {
        let rot = |rot: Rot| {
            let Rot { offset, what } = rot;
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("at byte {offset}: {what}"),
            )
        };
        let bytes = self.disk.read_all(&segment::name(self.first))?;
        let (summary, _) = Summary::of(&bytes, self.first).map_err(rot)?;
        let sealed = segment::compress(&bytes, &summary, self.level)?;
        let name = segment::sealed_name(self.first);
        self.disk.write_all(&name, &sealed)?;
        let read = self.disk.read_all(&name)?;
        let content = segment::decompress(&read, self.first).map_err(rot);
        match content {
            Ok(content) if bytes.starts_with(&content) && read == sealed => Ok(read.len() as u64),
            content => {
                // Both files there is harmless, but a damaged one must not stay.
                self.disk.remove(&name)?;
                Err(content.err().unwrap_or_else(|| {
                    io::Error::new(io::ErrorKind::InvalidData, "it reads back differently")
                }))
            }
        }
    }

    /// Gives the original away. If that fails it stays, and goes when the log is opened again.
    fn recycle(&self) -> Option<Spare<D>> {
        let original = segment::name(self.first);
        let done = match &self.spare {
            Some(name) => self.disk.rename(&original, name).and_then(|()| {
                let file = self.disk.open(name)?;
                let name = name.clone();
                Ok(Some(Spare { name, file }))
            }),
            None => self.disk.remove(&original).map(|()| None),
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(segment = original, %error, "a sealed segment's file stays until the next opening");
            None
        })
    }
}

impl<D: Disk> Spare<D> {
    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.file.bytes()
    }
}
