//! Checkpoints: the state of every grid after some beat, in [`Domain::Checkpoint`].
//!
//! Key: beat (u64), grid (u32), both big-endian. Value: the kernel's encoding of the grid,
//! opaque here. The rows of one checkpoint may be spread over several writes, so that it does
//! not weigh on one beat; it counts from the moment its **header** is written, the row with
//! grid [`HEADER_GRID`]:
//!
//! ```text
//! version u8 = 1 | grids u32 | bytes of all states u64 | crc u32        all big-endian
//! crc = CRC-32C over (grid u32, bytes u64, CRC-32C of the state u32) of each grid, ascending
//! ```
//!
//! A checkpoint without header, or whose rows do not match it, is incomplete: it is skipped
//! when the world is restored, and removed when a newer one is complete.

use orrery_base::{GridId, Tick};

use crate::{Batch, Domain, KeyRange, Order, ReadError, Rows};

/// Bytes of a key.
pub const KEY_BYTES: usize = 12;
/// The grid number of the header row: no grid has it.
pub const HEADER_GRID: GridId = GridId(u32::MAX);

const HEADER_VERSION: u8 = 1;
const HEADER_BYTES: usize = 17;

/// Which row of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointKey {
    /// Beat after which the state was taken.
    pub beat: Tick,
    /// Grid, or [`HEADER_GRID`].
    pub grid: GridId,
}

impl CheckpointKey {
    /// The bytes on disk.
    #[must_use]
    pub fn encode(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..8].copy_from_slice(&self.beat.0.to_be_bytes());
        key[8..].copy_from_slice(&self.grid.0.to_be_bytes());
        key
    }

    /// The key of the bytes; none if they are not twelve.
    #[must_use]
    pub fn decode(key: &[u8]) -> Option<Self> {
        let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
        let (beat, grid) = key.split_first_chunk::<8>()?;
        Some(Self {
            beat: Tick(u64::from_be_bytes(*beat)),
            grid: GridId(u32::from_be_bytes(grid.try_into().ok()?)),
        })
    }
}

/// What the header has to know about one grid's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GridSum {
    /// Grid.
    pub grid: GridId,
    /// Length of its state.
    pub bytes: u64,
    /// CRC-32C of its state.
    pub crc: u32,
}

impl GridSum {
    /// Of a grid's state.
    #[must_use]
    pub fn of(grid: GridId, state: &[u8]) -> Self {
        Self {
            grid,
            bytes: state.len() as u64,
            crc: crc32c::crc32c(state),
        }
    }
}

/// A complete checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Beat after which the states were taken.
    pub beat: Tick,
    /// State of every grid, by ascending grid.
    pub grids: Vec<(GridId, Vec<u8>)>,
}

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// It was never completed.
    #[error("it has no header")]
    NoHeader,
    /// The header is of another version or length.
    #[error("its header cannot be decoded")]
    BadHeader,
    /// A key that no checkpoint writes.
    #[error("it has a row with the undecodable key {0:02x?}")]
    BadKey(Vec<u8>),
    /// Rows are missing, or there are too many.
    #[error("it has {found} grids of {listed}")]
    GridCount {
        /// Rows found.
        found: u64,
        /// Rows listed in the header.
        listed: u32,
    },
    /// A state is not the one that was written.
    #[error("its states do not match its header")]
    Mismatch,
}

/// Why a checkpoint was not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint is not whole.
    #[error("the checkpoint of beat {beat} cannot be used: {fault}")]
    Incomplete {
        /// Its beat.
        beat: Tick,
        /// What is wrong with it.
        fault: CheckpointFault,
    },
}

/// The newest checkpoint, and what was passed over on the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// The newest complete one, if there is any.
    pub checkpoint: Option<Checkpoint>,
    /// Newer ones that cannot be used, newest first.
    pub skipped: Vec<(Tick, CheckpointFault)>,
}

/// Adds a grid's state to a batch. The returned sum goes into [`put_header`].
///
/// # Panics
///
/// If `grid` is [`HEADER_GRID`].
#[must_use = "the header needs it"]
pub fn put_grid(batch: &mut Batch, beat: Tick, grid: GridId, state: &[u8]) -> GridSum {
    assert!(grid != HEADER_GRID, "{grid:?} is the key of the header");
    let key = CheckpointKey { beat, grid };
    batch.put(Domain::Checkpoint, key.encode(), state);
    GridSum::of(grid, state)
}

/// Completes a checkpoint: `sums` of all its grids, in any order. Goes into the same batch as
/// the last of the states or into a later one.
pub fn put_header(batch: &mut Batch, beat: Tick, sums: &[GridSum]) {
    let key = CheckpointKey {
        beat,
        grid: HEADER_GRID,
    };
    batch.put(Domain::Checkpoint, key.encode(), Header::of(sums).encode());
}

/// Reads a checkpoint and checks it against its header.
///
/// # Errors
///
/// [`CheckpointError`].
pub fn load(rows: &impl Rows, beat: Tick) -> Result<Checkpoint, CheckpointError> {
    let incomplete = |fault| CheckpointError::Incomplete { beat, fault };
    let mut grids = Vec::new();
    let mut sums = Vec::new();
    let mut header = None;
    for row in rows.prefix(Domain::Checkpoint, &beat.0.to_be_bytes()) {
        let row = row?;
        let Some(key) = CheckpointKey::decode(&row.key) else {
            return Err(incomplete(CheckpointFault::BadKey(row.key)));
        };
        if key.grid == HEADER_GRID {
            let decoded = Header::decode(&row.value);
            header = Some(decoded.ok_or_else(|| incomplete(CheckpointFault::BadHeader))?);
        } else {
            sums.push(GridSum::of(key.grid, &row.value));
            grids.push((key.grid, row.value));
        }
    }
    let header = header.ok_or_else(|| incomplete(CheckpointFault::NoHeader))?;
    if grids.len() as u64 != u64::from(header.grids) {
        return Err(incomplete(CheckpointFault::GridCount {
            found: grids.len() as u64,
            listed: header.grids,
        }));
    }
    if header != Header::of(&sums) {
        return Err(incomplete(CheckpointFault::Mismatch));
    }
    Ok(Checkpoint { beat, grids })
}

/// The beats for which there are checkpoint rows, complete or not, newest first, from
/// `at_or_before` down. Two seeks per checkpoint.
pub fn beats_down<R: Rows>(
    rows: &R,
    at_or_before: Tick,
) -> impl Iterator<Item = Result<Tick, ReadError>> + use<'_, R> {
    let mut below: Option<Vec<u8>> = at_or_before
        .0
        .checked_add(1)
        .map(|above| above.to_be_bytes().into());
    std::iter::from_fn(move || {
        loop {
            let range = KeyRange {
                from: Vec::new(),
                to: below.clone(),
            };
            let key = match rows
                .scan(Domain::Checkpoint, range, Order::Descending)
                .next()?
            {
                Ok(row) => row.key,
                Err(error) => {
                    // Nothing is below the empty key: the iterator ends here.
                    below = Some(Vec::new());
                    return Some(Err(error));
                }
            };
            match key.first_chunk::<8>() {
                Some(beat) => {
                    below = Some(beat.to_vec());
                    return Some(Ok(Tick(u64::from_be_bytes(*beat))));
                }
                // Too short to name a beat; the audit reports it.
                None => below = Some(key),
            }
        }
    })
}

/// The newest complete checkpoint at or before a beat, verified.
///
/// # Errors
///
/// [`ReadError`] if the store cannot be read; incomplete checkpoints are passed over and
/// listed.
pub fn newest(rows: &impl Rows, at_or_before: Tick) -> Result<Newest, ReadError> {
    let mut skipped = Vec::new();
    for beat in beats_down(rows, at_or_before) {
        match load(rows, beat?) {
            Ok(checkpoint) => {
                return Ok(Newest {
                    checkpoint: Some(checkpoint),
                    skipped,
                });
            }
            Err(CheckpointError::Incomplete { beat, fault }) => skipped.push((beat, fault)),
            Err(CheckpointError::Read(error)) => return Err(error),
        }
    }
    Ok(Newest {
        checkpoint: None,
        skipped,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    grids: u32,
    bytes: u64,
    crc: u32,
}

impl Header {
    fn of(sums: &[GridSum]) -> Self {
        let mut sums = sums.to_vec();
        sums.sort_unstable();
        let mut bytes = 0;
        let mut crc = 0;
        for sum in &sums {
            bytes += sum.bytes;
            crc = crc32c::crc32c_append(crc, &sum.grid.0.to_be_bytes());
            crc = crc32c::crc32c_append(crc, &sum.bytes.to_be_bytes());
            crc = crc32c::crc32c_append(crc, &sum.crc.to_be_bytes());
        }
        Self {
            // Grid numbers are u32 and differ, and one is reserved: fewer than 2³².
            grids: sums.len() as u32,
            bytes,
            crc,
        }
    }

    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut header = [HEADER_VERSION; HEADER_BYTES];
        header[1..5].copy_from_slice(&self.grids.to_be_bytes());
        header[5..13].copy_from_slice(&self.bytes.to_be_bytes());
        header[13..].copy_from_slice(&self.crc.to_be_bytes());
        header
    }

    fn decode(header: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = header.try_into().ok()?;
        let (version, rest) = header.split_first()?;
        let (grids, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let crc = rest.first_chunk()?;
        (*version == HEADER_VERSION).then(|| Self {
            grids: u32::from_be_bytes(*grids),
            bytes: u64::from_be_bytes(*bytes),
            crc: u32::from_be_bytes(*crc),
        })
    }
}

#[cfg(test)]
mod tests;
