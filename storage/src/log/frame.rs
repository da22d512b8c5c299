//! One frame: the rows and the journal records of one durable write.

use orrery_base::{ShardIndex, Tick};

use crate::Batch;

/// A journal record to be written: what one shard noted about one beat. Opaque here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Beat.
    pub beat: Tick,
    /// Shard that stepped it.
    pub shard: ShardIndex,
    /// The kernel's record.
    pub bytes: &'a [u8],
}

/// A journal record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Beat.
    pub beat: Tick,
    /// Shard that stepped it.
    pub shard: ShardIndex,
    /// The kernel's record.
    pub bytes: Vec<u8>,
}

/// What one durable write consists of.
#[derive(Clone, Copy, Debug)]
pub struct FrameOut<'a> {
    /// The last beat in it; none if it holds only rows from outside the beat.
    pub through: Option<Tick>,
    /// Rows in order; later ones win.
    pub rows: &'a Batch,
    /// Journal records in the order in which they shall be read.
    pub records: &'a [Record<'a>],
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Consecutive; the first of a log is 1.
    pub number: u64,
    /// The last beat in it, if it holds any.
    pub through: Option<Tick>,
    /// Rows: applying them again changes nothing.
    pub rows: Batch,
    /// Journal records in the order in which they were written.
    pub records: Vec<OwnedRecord>,
}

pub(super) mod codec;
