//! What the log is told and what it tells.

use std::io;

use orrery_base::Tick;

/// Choices of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Size of a segment before compression, in bytes; a multiple of [`super::BLOCK`], at least
    /// 64 KiB. A frame that does not fit gets a segment of its own size.
    pub segment_bytes: u64,
    /// Segments that are made before they are needed, at least 1. While a full one is compressed
    /// the next one can fill; with 2 it need not wait for the one after it.
    pub spares: usize,
    /// Upper bound of all that is kept beyond what a recovery needs, in bytes on disk.
    pub keep_bytes: u64,
    /// Level of zstd, 1 to 19.
    pub compression: i32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            spares: 2,
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
