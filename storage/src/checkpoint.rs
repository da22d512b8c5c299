//! Checkpoints: the state of one grid after some beat, in [`Domain::Checkpoint`]. Each grid has
//! its own: a grid that changes seldom is written seldom.
//!
//! Key: grid (u32), beat (u64), both big-endian, so that the states of a grid are neighbours and
//! the newest is the last. Value:
//!
//! ```text
//! version u8 = 1 | flags u8: 1 = zstd | bytes of the state u32 | crc u32 | the state    big-endian
//! crc = CRC-32C over the key, version, flags, length, and the state as it is stored
//! ```
//!
//! The state is the kernel's encoding of the grid, opaque here, compressed when that makes it
//! smaller. A row is whole or it is not there, because a beat's write is atomic; a row whose sum
//! does not fit is damage, and the next older one takes its place, with more journal after it.
//!
//! Cost: compressing takes about 2 ns a byte, on the thread that puts the row into its batch.

use std::cell::RefCell;

use orrery_base::{GridId, Tick};

use crate::{Batch, Domain, KeyRange, Order, ReadError, Rows};

/// Bytes of a key.
pub const KEY_BYTES: usize = 12;
/// The largest state, bytes: what a damaged length can make a reader ask memory for.
pub const STATE_BYTES_MAX: usize = 1 << 30;

const VERSION: u8 = 1;
const FLAG_ZSTD: u8 = 1;
const HEAD_BYTES: usize = 10;
/// The fastest: the state waits in a beat's batch.
const ZSTD_LEVEL: i32 = 1;

/// Which checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointKey {
    /// Grid.
    pub grid: GridId,
    /// Beat after which the state was taken.
    pub beat: Tick,
}

impl CheckpointKey {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..4].copy_from_slice(&self.grid.0.to_be_bytes());
        key[4..].copy_from_slice(&self.beat.0.to_be_bytes());
        key
    }

    /// The key of the bytes; none if they are not twelve.
    #[must_use]
    pub fn decode(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let (grid, beat) = key.split_first_chunk::<4>()?;
        Some(Self {
            grid: GridId(u32::from_be_bytes(*grid)),
            beat: Tick(u64::from_be_bytes(beat.try_into().ok()?)),
        })
    }
}

/// Why a stored checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// Too short, of another version, or with flags that nobody has set.
    #[error("its head cannot be decoded")]
    BadHead,
    /// It is not what was written under this key.
    #[error("its checksum does not fit")]
    Mismatch,
    /// The sum fits, but the state does not unpack to the length that it says.
    #[error("its state cannot be unpacked")]
    BadState,
}

/// Why a checkpoint was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The row is damaged.
    #[error("the checkpoint of grid {grid} at beat {beat} cannot be used: {fault}")]
    Damaged {
        /// Its grid.
        grid: GridId,
        /// Its beat.
        beat: Tick,
        /// What is wrong with it.
        fault: CheckpointFault,
    },
}

/// The state of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Beat after which the state was taken.
    pub beat: Tick,
    /// The kernel's encoding.
    pub state: Vec<u8>,
}

/// The newest checkpoint of a grid, and what was passed over on the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// The newest whole one, if there is any.
    pub checkpoint: Option<Checkpoint>,
    /// Newer ones that are damaged, newest first.
    pub skipped: Vec<(Tick, CheckpointFault)>,
}

/// Adds a grid's state after beat `beat` to a batch.
///
/// # Panics
///
/// If the state is longer than [`STATE_BYTES_MAX`]: a grid of a million entities is a tenth.
pub fn put(batch: &mut Batch, grid: GridId, beat: Tick, state: &[u8]) {
    assert!(
        state.len() <= STATE_BYTES_MAX,
        "a state of {} bytes",
        state.len()
    );
    let key = CheckpointKey { grid, beat }.encode();
    batch.put(Domain::Checkpoint, key, encode(&key, state));
}

/// Reads one checkpoint and checks it; none if there is no such row.
///
/// # Errors
///
/// [`CheckpointError`].
pub fn load(
    rows: &impl Rows,
    grid: GridId,
    beat: Tick,
) -> Result<Option<Checkpoint>, CheckpointError> {
    let key = CheckpointKey { grid, beat }.encode();
    let Some(value) = rows.get(Domain::Checkpoint, &key)? else {
        return Ok(None);
    };
    match decode(&key, &value) {
        Ok(state) => Ok(Some(Checkpoint { beat, state })),
        Err(fault) => Err(CheckpointError::Damaged { grid, beat, fault }),
    }
}

/// The newest whole checkpoint of a grid at or before a beat.
///
/// # Errors
///
/// [`ReadError`] if the store cannot be read; damaged checkpoints are passed over and listed.
pub fn newest(rows: &impl Rows, grid: GridId, at_most: Tick) -> Result<Newest, ReadError> {
    let mut found = Newest::default();
    for row in rows.scan(
        Domain::Checkpoint,
        range_of(grid, at_most),
        Order::Descending,
    ) {
        let row = row?;
        // Keys of another length are the audit's business.
        let Some(key) = CheckpointKey::decode(&row.key) else {
            continue;
        };
        match decode(&row.key, &row.value) {
            Ok(state) => {
                let beat = key.beat;
                found.checkpoint = Some(Checkpoint { beat, state });
                break;
            }
            Err(fault) => found.skipped.push((key.beat, fault)),
        }
    }
    Ok(found)
}

/// The grids that have checkpoints, ascending. Two seeks per grid. Ends after an error.
pub fn grids<R: Rows>(rows: &R) -> impl Iterator<Item = Result<GridId, ReadError>> + use<'_, R> {
    let mut from: Option<Vec<u8>> = Some(Vec::new());
    std::iter::from_fn(move || {
        loop {
            let range = KeyRange::from(from.take()?);
            match rows.range(Domain::Checkpoint, range).next()? {
                Ok(row) => match CheckpointKey::decode(&row.key) {
                    Some(key) => {
                        from = key
                            .grid
                            .0
                            .checked_add(1)
                            .map(|next| next.to_be_bytes().into());
                        return Some(Ok(key.grid));
                    }
                    // The least key that is greater.
                    None => from = Some([row.key.as_slice(), &[0]].concat()),
                },
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// The beats at which a grid has checkpoints, damaged ones too, newest first, from `at_most`
/// down. Ends after an error.
pub fn beats_down<R: Rows>(
    rows: &R,
    grid: GridId,
    at_most: Tick,
) -> impl Iterator<Item = Result<Tick, ReadError>> + use<'_, R> {
    rows.scan(
        Domain::Checkpoint,
        range_of(grid, at_most),
        Order::Descending,
    )
    .filter_map(|row| match row {
        Ok(row) => CheckpointKey::decode(&row.key).map(|key| Ok(key.beat)),
        Err(error) => Some(Err(error)),
    })
}

/// Whether a row is a whole checkpoint: for the audit and for pruning.
///
/// # Errors
///
/// [`CheckpointFault`].
pub(crate) fn verify(key: &[u8], value: &[u8]) -> Result<(), CheckpointFault> {
    split(key, value).map(|_| ())
}

/// The keys of a grid up to a beat.
fn range_of(grid: GridId, at_most: Tick) -> KeyRange {
    let first = CheckpointKey {
        grid,
        beat: Tick(0),
    };
    let last = CheckpointKey {
        grid,
        beat: at_most,
    };
    KeyRange::between(first.encode(), [last.encode().as_slice(), &[0]].concat())
}

fn encode(key: &[u8], state: &[u8]) -> Vec<u8> {
    thread_local! {
        // Its tables take longer to make than a small state to compress.
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
            RefCell::new(zstd::bulk::Compressor::new(ZSTD_LEVEL).ok());
    }
    let packed = COMPRESSOR.with_borrow_mut(|compressor| {
        let packed = compressor.as_mut()?.compress(state).ok()?;
        (packed.len() < state.len()).then_some(packed)
    });
    let (flags, stored) = match &packed {
        Some(packed) => (FLAG_ZSTD, packed.as_slice()),
        None => (0, state),
    };
    let mut value = Vec::with_capacity(HEAD_BYTES + stored.len());
    value.extend_from_slice(&[VERSION, flags]);
    // `put` has bounded it.
    value.extend_from_slice(&(state.len() as u32).to_be_bytes());
    let crc = sum(key, &value, stored);
    value.extend_from_slice(&crc.to_be_bytes());
    value.extend_from_slice(stored);
    value
}

fn decode(key: &[u8], value: &[u8]) -> Result<Vec<u8>, CheckpointFault> {
    let (flags, state_bytes, stored) = split(key, value)?;
    if flags == FLAG_ZSTD {
        zstd::bulk::decompress(stored, state_bytes)
            .ok()
            .filter(|state| state.len() == state_bytes)
            .ok_or(CheckpointFault::BadState)
    } else if stored.len() == state_bytes {
        Ok(stored.to_vec())
    } else {
        Err(CheckpointFault::BadState)
    }
}

/// Flags, length of the state, and the state as it is stored, of a value whose sum fits.
fn split<'a>(key: &[u8], value: &'a [u8]) -> Result<(u8, usize, &'a [u8]), CheckpointFault> {
    let (head, stored) = value
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or(CheckpointFault::BadHead)?;
    let [version, flags, a, b, c, d, sum_bytes @ ..] = *head;
    let state_bytes = u32::from_be_bytes([a, b, c, d]) as usize;
    if version != VERSION || flags > FLAG_ZSTD || state_bytes > STATE_BYTES_MAX {
        return Err(CheckpointFault::BadHead);
    }
    if u32::from_be_bytes(sum_bytes) != sum(key, &head[..6], stored) {
        return Err(CheckpointFault::Mismatch);
    }
    Ok((flags, state_bytes, stored))
}

fn sum(key: &[u8], head: &[u8], stored: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(key), head);
    crc32c::crc32c_append(crc, stored)
}

#[cfg(test)]
mod tests;
