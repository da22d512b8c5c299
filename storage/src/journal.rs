//! The input journal: what each shard noted about each beat, as it lies in the frames of the beat
//! log beside the rows of the same beat.
//!
//! The record is the kernel's, opaque here; it carries its own checksum, and so does the frame
//! around it. Every shard writes a record every beat, also when nobody did anything: the digests
//! in it are what a replay is checked against, and a missing one is recognised as damage.
//!
//! How far back it reaches is the caller's choice ([`crate::ControlPort::keep_journal`]).
//! Reading needs memory for one segment of the log, and works beside a running server.

use std::ops::RangeInclusive;
use std::path::Path;

use orrery_base::{ShardIndex, Tick};

use crate::log::{self, Disk, Frame, ReadFrom, ReadLogError};

/// Which record of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalKey {
    /// Beat.
    pub beat: Tick,
    /// Shard that stepped it.
    pub shard: ShardIndex,
}

/// What one shard wrote about one beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Beat and shard.
    pub key: JournalKey,
    /// The kernel's record.
    pub record: Vec<u8>,
}

/// The records of the beats, in order of (beat, shard). Ends after an error.
///
/// # Errors
///
/// [`ReadLogError`] if the log's folder cannot be read, or as an item.
pub fn range<D: Disk>(
    disk: &D,
    beats: RangeInclusive<Tick>,
) -> Result<impl Iterator<Item = Result<JournalRow, ReadLogError>> + use<D>, ReadLogError> {
    let (first, last) = (*beats.start(), *beats.end());
    let frames = log::read(disk, ReadFrom::Beat(first))?;
    let rows = frames.flat_map(|frame| {
        let (rows, error) = match frame {
            Ok(frame) => (rows_of(frame), None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        rows.into_iter().map(Ok).chain(error)
    });
    // Beats grow from frame to frame: after the first one beyond the range nothing can follow.
    let rows = rows.take_while(move |row| row.as_ref().map_or(true, |row| row.key.beat <= last));
    Ok(rows.filter(move |row| row.as_ref().map_or(true, |row| row.key.beat >= first)))
}

/// The first and the last record of the journal, up to beat `last`, for which the store's last
/// beat is meant: the search for the end begins there.
///
/// # Errors
///
/// [`ReadLogError`].
pub fn span<D: Disk>(
    disk: &D,
    last: Tick,
) -> Result<Option<(JournalKey, JournalKey)>, ReadLogError> {
    let first = range(disk, Tick(0)..=last)?.next().transpose()?;
    let mut end = None;
    for row in range(disk, last..=last)? {
        end = Some(row?.key);
    }
    Ok(first.map(|row| row.key).zip(end))
}

/// The records in one segment file of a log, compressed or not, wherever it lies.
///
/// # Errors
///
/// [`ReadLogError`].
pub fn from_segment(path: impl AsRef<Path>) -> Result<Vec<JournalRow>, ReadLogError> {
    let frames = log::read_segment(path.as_ref())?;
    Ok(frames.into_iter().flat_map(rows_of).collect())
}

fn rows_of(frame: Frame) -> Vec<JournalRow> {
    let rows = frame.records.into_iter().map(|record| JournalRow {
        key: JournalKey {
            beat: record.beat,
            shard: record.shard,
        },
        record: record.bytes,
    });
    rows.collect()
}

#[cfg(test)]
mod tests;
