//! The history as one log: every entry of a store, partition by partition, oldest first.
//!
//! For tools that count and export; a single account's or item's history is a chain, see
//! [`super::history`].

use core::ops::Range;

use orrery_base::Tick;
use orrery_storage::{Domain, KeyRange, Order, Rows};

use super::account::PartitionIndex;
use super::entry::{CHUNK_ENTRIES, ENTRIES, EntryRef, chunk_key, entries_in};
use super::history::{Past, memo_of};
use super::rows::damaged;
use crate::record::RecordError;
use crate::rows::RowError;

/// The entries that a partition wrote in `beats`, oldest first, with what was written beside
/// them. May wait for the disk.
///
/// # Errors
/// Each item: [`RowError`] when the store cannot be read or a row is damaged. The next item is
/// what comes after it.
pub fn entries(
    rows: &impl Rows,
    partition: PartitionIndex,
    beats: Range<Tick>,
) -> impl Iterator<Item = Result<Past, RowError>> {
    let from = chunk_key(partition, beats.start, ENTRIES, 0);
    let to = chunk_key(partition, beats.end, ENTRIES, 0);
    let chunks = rows.scan(Domain::Entry, KeyRange::between(from, to), Order::Ascending);
    chunks.flat_map(move |row| {
        let chunk = match row {
            Ok(row) => chunk(rows, partition, &row.key, &row.value),
            Err(error) => Err(error.into()),
        };
        match chunk {
            Ok(entries) => entries,
            Err(error) => vec![Err(error)],
        }
    })
}

fn chunk(
    rows: &impl Rows,
    partition: PartitionIndex,
    key: &[u8],
    value: &[u8],
) -> Result<Vec<Result<Past, RowError>>, RowError> {
    let (tick, first) = place(key)?;
    let (time, entries) = entries_in(value).map_err(|error| damaged(Domain::Entry, key, error))?;
    let past = (first..).zip(entries).map(|(number, entry)| {
        let at = EntryRef::new(partition, tick, number);
        let memo = memo_of(rows, at, &entry)?;
        Ok(Past {
            at,
            time,
            entry,
            memo,
        })
    });
    Ok(past.collect())
}

/// Beat, and number of the first entry, of a chunk's key.
fn place(key: &[u8]) -> Result<(Tick, u32), RowError> {
    let parts = key.get(3..11).zip(key.get(11..15));
    let (Some((beat, chunk)), 15) = (parts, key.len()) else {
        let reason = RecordError::Damaged("its key has a wrong length".to_owned());
        return Err(RowError::damaged(Domain::Entry, key, reason));
    };
    let beat = u64::from_be_bytes(beat.try_into().expect("eight bytes"));
    let chunk = u32::from_be_bytes(chunk.try_into().expect("four bytes"));
    let first = chunk.checked_mul(CHUNK_ENTRIES).filter(|_| beat < 1 << 34);
    let Some(first) = first.filter(|first| *first < super::entry::BEAT_ENTRIES_MAX) else {
        let reason = RecordError::Damaged("its key is out of range".to_owned());
        return Err(RowError::damaged(Domain::Entry, key, reason));
    };
    Ok((Tick(beat), first))
}
