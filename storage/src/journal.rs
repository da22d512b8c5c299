//! The input journal: one row per beat and shard in [`Domain::Journal`], written in the beat's
//! own batch.
//!
//! Key: beat (u64), shard (u16), both big-endian, so that key order is replay order. Value:
//! the kernel's record, opaque here; it carries its own checksum. Every shard writes a row
//! every beat, also when nobody did anything: the digests in it are what a replay is checked
//! against, and a missing row is recognised as damage.

use std::ops::RangeInclusive;

use orrery_base::{ShardIndex, Tick};

use crate::{Batch, Domain, KeyRange, Order, ReadError, Row, Rows};

/// Bytes of a key.
pub const KEY_BYTES: usize = 10;

/// Which row of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalKey {
    /// Beat.
    pub beat: Tick,
    /// Shard that stepped it.
    pub shard: ShardIndex,
}

impl JournalKey {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..8].copy_from_slice(&self.beat.0.to_be_bytes());
        key[8..].copy_from_slice(&self.shard.0.to_be_bytes());
        key
    }

    /// The key of the bytes; none if they are not ten.
    #[must_use]
    pub fn decode(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let (beat, shard) = key.split_first_chunk::<8>()?;
        Some(Self {
            beat: Tick(u64::from_be_bytes(*beat)),
            shard: ShardIndex(u16::from_be_bytes(shard.try_into().ok()?)),
        })
    }
}

/// What one shard wrote about one beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Beat and shard.
    pub key: JournalKey,
    /// The kernel's record.
    pub record: Vec<u8>,
}

/// Why the journal could not be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A key that no journal writes.
    #[error("the journal has a row with the undecodable key {0:02x?}")]
    BadKey(Vec<u8>),
}

/// Adds a beat's record to the beat's batch.
pub fn put(batch: &mut Batch, beat: Tick, shard: ShardIndex, record: &[u8]) {
    batch.put(Domain::Journal, JournalKey { beat, shard }.encode(), record);
}

/// The rows of the beats, in order of (beat, shard). An item is an error if a row cannot be
/// read or its key cannot be decoded; what follows a bad key can still be read.
pub fn range<R: Rows>(
    rows: &R,
    beats: RangeInclusive<Tick>,
) -> impl Iterator<Item = Result<JournalRow, JournalError>> + use<'_, R> {
    let range = KeyRange {
        from: beats.start().0.to_be_bytes().into(),
        to: beats
            .end()
            .0
            .checked_add(1)
            .map(|to| to.to_be_bytes().into()),
    };
    rows.range(Domain::Journal, range).map(decode_row)
}

/// The first and the last row of the journal.
///
/// # Errors
///
/// [`JournalError`].
pub fn span(rows: &impl Rows) -> Result<Option<(JournalKey, JournalKey)>, JournalError> {
    let end = |order| {
        rows.scan(Domain::Journal, KeyRange::all(), order)
            .next()
            .map(decode_row)
            .transpose()
    };
    let first = end(Order::Ascending)?;
    let last = end(Order::Descending)?;
    Ok(first.zip(last).map(|(first, last)| (first.key, last.key)))
}

fn decode_row(row: Result<Row, ReadError>) -> Result<JournalRow, JournalError> {
    let row = row?;
    match JournalKey::decode(&row.key) {
        Some(key) => Ok(JournalRow {
            key,
            record: row.value,
        }),
        None => Err(JournalError::BadKey(row.key)),
    }
}

#[cfg(test)]
mod tests;
