//! The log itself: opening, appending, rotating, releasing.

use std::io;

use orrery_base::Tick;

use super::{Disk, FrameOut, SealError, SealJob, Sealed, Spare, SpareJob};

/// Choices of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Size of a segment before compression, in bytes; a multiple of [`super::BLOCK`], at least
    /// 64 KiB. A frame that does not fit gets a segment of its own size.
    pub segment_bytes: u64,
    /// Upper bound of all that is kept beyond what a recovery needs, in bytes on disk.
    pub keep_bytes: u64,
    /// Level of zstd, 1 to 19.
    pub compression: i32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            keep_bytes: 8 << 30,
            compression: 3,
        }
    }
}

/// Where an opened log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// Number of the oldest frame that is kept; `next` if there is none.
    pub first: u64,
    /// Number that the next frame gets: one more than the last frame's. If the store has applied
    /// frame `next` or a later one, frames are missing: refuse to go on.
    pub next: u64,
    /// The last beat in any kept frame.
    pub last_beat: Option<Tick>,
    /// An incomplete last write, which will be overwritten.
    pub torn: Option<TornTail>,
}

/// An incomplete last write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub segment: String,
    /// Where the next frame will be written, in bytes.
    pub offset: u64,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogOpenError {
    /// The disk.
    #[error("open the beat log: {segment}")]
    Io {
        /// The file, or the folder.
        segment: String,
        /// The disk's words.
        #[source]
        source: io::Error,
    },
    /// Something in the middle does not read as it was written.
    #[error(
        "{segment} of the beat log is damaged at byte {offset} and frames follow after it: {what}; \
         nothing was changed; restore the data folder from a backup, or copy it and ask for help"
    )]
    Rot {
        /// The file.
        segment: String,
        /// Where, in bytes of the uncompressed segment.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
    /// Options that cannot be.
    #[error("the beat log's options: {0}")]
    Options(&'static str),
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The frame's number.
    pub number: u64,
    /// Bytes written, a multiple of [`super::BLOCK`].
    pub bytes: u64,
    /// Whether it opened a new segment: the one before is full and can be sealed, and what is
    /// in it can be flushed and released.
    pub rotated: bool,
}

/// Why a frame was not appended. The log refuses everything after it: only opening it again
/// tells whether the frame is in it.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk.
    #[error("write to the beat log")]
    Io(#[source] io::Error),
    /// More than 1 GiB. Nothing was written, and the log stays usable.
    #[error("a frame of {0} bytes is more than the log takes")]
    TooLarge(u64),
    /// An earlier append failed.
    #[error("the beat log has failed before and must be opened again")]
    Failed,
}

/// What must stay in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Last frame whose rows are durable in RocksDB; 0 if none.
    pub applied: u64,
    /// First beat whose records a recovery replays: everything from here stays, whatever the
    /// bound of bytes.
    pub recovery_from: Tick,
    /// First beat whose records are wanted at all (the journal's horizon): everything before
    /// goes, and if the bytes exceed the bound, more than that.
    pub keep_from: Tick,
}

/// What a release removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Segments.
    pub segments: usize,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Bytes of all segments that are left.
    pub left: u64,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The file.
    pub name: String,
    /// Number of its first frame (of the next one, if it has none yet).
    pub first: u64,
    /// Number of its last frame; `first - 1` if it has none.
    pub last: u64,
    /// First and last beat in it.
    pub beats: Option<(Tick, Tick)>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Whether nothing is written to it any more.
    pub full: bool,
    /// Whether it is compressed.
    pub sealed: bool,
}

/// The log, open for writing. One at a time for a folder: the caller holds the lock.
#[derive(Debug)]
pub struct BeatLog<D: Disk> {
    disk: D,
    options: LogOptions,
}

impl<D: Disk> BeatLog<D> {
    /// Opens or begins a log and finds its end. What is found to be the last frame is written
    /// again, so that it is durable also if the last crash left it in a cache.
    ///
    /// # Errors
    ///
    /// [`LogOpenError`].
    pub fn open(disk: D, options: LogOptions) -> Result<(Self, LogEnd), LogOpenError> {
        let _ = (disk, options);
        unimplemented!()
    }

    /// Writes a frame; it is durable when this returns. Takes one write of the disk; more only
    /// when a segment is full and no spare is ready.
    ///
    /// # Errors
    ///
    /// [`AppendError`].
    pub fn append(&mut self, frame: &FrameOut<'_>) -> Result<Appended, AppendError> {
        let _ = frame;
        unimplemented!()
    }

    /// Number that the next frame gets.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        unimplemented!()
    }

    /// Begins a new segment with the next frame, so that the present one can be sealed. Does
    /// nothing if the present one has no frame.
    pub fn rotate(&mut self) {
        unimplemented!()
    }

    /// Removes segments that nobody needs, oldest first; never the active one or one that is
    /// being sealed.
    ///
    /// # Errors
    ///
    /// The disk fails; the log stays usable.
    pub fn release(&mut self, needs: Needs) -> io::Result<Released> {
        let _ = needs;
        unimplemented!()
    }

    /// All segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        unimplemented!()
    }

    /// The disk, for readers.
    #[must_use]
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// The making of a spare, if one is wanted and none is under way.
    pub fn spare_job(&mut self) -> Option<SpareJob<D>> {
        unimplemented!()
    }

    /// Takes what [`SpareJob::run`] returned.
    ///
    /// # Errors
    ///
    /// The job's; another one can be tried later.
    pub fn finish_spare(&mut self, done: io::Result<Spare<D>>) -> io::Result<()> {
        let _ = done;
        unimplemented!()
    }

    /// The sealing of the oldest full segment, if there is one and none is under way.
    pub fn seal_job(&mut self) -> Option<SealJob<D>> {
        unimplemented!()
    }

    /// Takes what [`SealJob::run`] returned; gives the name of the compressed file.
    ///
    /// # Errors
    ///
    /// The job's; that segment is not tried again before the log is opened again.
    pub fn finish_seal(&mut self, done: Result<Sealed<D>, SealError>) -> Result<String, SealError> {
        let _ = done;
        unimplemented!()
    }

    /// A spare, made here and now if one is wanted: for tools and simulators without threads.
    ///
    /// # Errors
    ///
    /// No room, or the disk fails.
    pub fn prepare_spare(&mut self) -> io::Result<()> {
        match self.spare_job() {
            Some(job) => self.finish_spare(job.run()),
            None => Ok(()),
        }
    }

    /// Seals the oldest full segment here and now, if there is one.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn seal_oldest(&mut self) -> Result<Option<String>, SealError> {
        self.seal_job()
            .map(|job| self.finish_seal(job.run()))
            .transpose()
    }
}
