//! The beat log: one append-only log that is both the commit of every beat and the journal.
//!
//! ```text
//!  append(frame) ─▶ active segment ──full──▶ waiting ──seal──▶ <first>.seg.zst ──release──▶ gone
//!                     ▲  O_DIRECT + fdatasync     │ its file becomes the next spare
//!                     └────────── spare ◀─────────┘
//! ```
//!
//! A frame holds the final rows of one or several beats and the shards' journal records of
//! them. It is durable when [`BeatLog::append`] returns. Frames are numbered without a gap, and
//! each carries the checksum of the one before it.
//!
//! **Invariant:** only the last frame written can be incomplete after a crash, because the next
//! is written only when it is durable. Everything else that does not read as it was written is
//! rot, and is never passed over in silence.
//!
//! **Invariant:** nothing here starts a thread. What may be slow (making spares, compressing)
//! is handed out as a job ([`SpareJob`], [`SealJob`]) that any thread can run.

mod beat_log;
mod disk;
mod exercise;
mod folder;
mod frame;
mod host;
mod jobs;
mod plain;
mod read;
mod scan;
mod segment;
pub mod simulated;
mod types;
#[allow(
    unsafe_code,
    reason = "the kernel's ring reads a buffer that it does not own"
)]
mod uring;

pub use beat_log::{BeatLog, inspect};
pub use disk::{BLOCK, Blocks, Disk, LogFile};
pub use exercise::exercise;
pub use frame::{Frame, FrameOut, OwnedRecord, Record};
pub use host::{HostDisk, HostFile};
pub use jobs::{SealError, SealJob, Sealed, Spare, SpareJob};
pub use plain::{PlainDisk, PlainFile};
pub use read::{Frames, ReadFrom, ReadLogError, read, read_segment};
pub use types::{
    AppendError, Appended, LogEnd, LogOpenError, LogOptions, Needs, Released, SegmentInfo, TornTail,
};
pub use uring::{UringDisk, UringFile};

#[cfg(test)]
mod tests;
