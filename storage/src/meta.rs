//! The rows that describe the store itself, in [`Domain::Meta`].
//!
//! Four keys are reserved and written only by this crate. Everything else in the domain is
//! free for the server (the world's seed, the content pack's digest); use a name with a slash
//! so that it cannot meet a future reserved one.

use orrery_base::Tick;

use crate::{Batch, Domain, ReadError, Rows};

/// The version of the layout of domains and keys that this build reads and writes. It grows
/// when an older build could misread what a newer one wrote.
///
/// 1: the journal as rows, checkpoints of all grids together, RocksDB's log as the commit.
/// 2: the beat log, checkpoints per grid.
pub const SCHEMA: u32 = 2;

/// Key of the schema version: u32, big-endian.
pub const SCHEMA_KEY: &[u8] = b"schema";
/// Key of the last beat whose rows are in the store: u64, big-endian. Written by the write
/// that holds the beat's rows.
pub const LAST_BEAT_KEY: &[u8] = b"last_beat";
/// Key of the number of the last frame of the beat log whose rows are in the store: u64,
/// big-endian. Written with the rows.
pub const APPLIED_KEY: &[u8] = b"applied_frame";
/// Key of the mark of an orderly end: empty. Removed by the first write of a session.
pub const CLEAN_SHUTDOWN_KEY: &[u8] = b"clean_shutdown";

/// What [`Domain::Meta`] says about the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Version of the layout.
    pub schema: u32,
    /// Last beat with its rows in the store; none before the first.
    pub last_beat: Option<Tick>,
    /// Last frame of the beat log whose rows are in the store; 0 before the first.
    pub applied_frame: u64,
    /// Whether the last session ended in order (or there was none yet).
    pub was_clean: bool,
}

/// Why the description could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A reserved row is not what it has to be.
    #[error("the {key} row has {found_bytes} bytes instead of {expected_bytes}")]
    Undecodable {
        /// Which row.
        key: &'static str,
        /// Length of its value.
        found_bytes: usize,
        /// Length that it should have.
        expected_bytes: usize,
    },
    /// There is no schema row.
    #[error("the schema row is missing")]
    NoSchema,
}

impl Meta {
    /// Reads the four reserved rows.
    ///
    /// # Errors
    ///
    /// [`MetaError`]; a newer schema is not an error here.
    pub fn read(rows: &impl Rows) -> Result<Self, MetaError> {
        let schema: [u8; 4] = fixed(rows, "schema", SCHEMA_KEY)?.ok_or(MetaError::NoSchema)?;
        let last_beat: Option<[u8; 8]> = fixed(rows, "last_beat", LAST_BEAT_KEY)?;
        let applied_frame = applied_frame(rows)?;
        let was_clean = rows.get(Domain::Meta, CLEAN_SHUTDOWN_KEY)?.is_some();
        Ok(Self {
            schema: u32::from_be_bytes(schema),
            last_beat: last_beat.map(|bytes| Tick(u64::from_be_bytes(bytes))),
            applied_frame,
            was_clean,
        })
    }
}

/// The last frame of the beat log whose rows are there; 0 before the first.
pub(crate) fn applied_frame(rows: &impl Rows) -> Result<u64, MetaError> {
    let found: Option<[u8; 8]> = fixed(rows, "applied_frame", APPLIED_KEY)?;
    Ok(found.map_or(0, u64::from_be_bytes))
}

fn fixed<const N: usize>(
    rows: &impl Rows,
    name: &'static str,
    key: &[u8],
) -> Result<Option<[u8; N]>, MetaError> {
    let Some(value) = rows.get(Domain::Meta, key)? else {
        return Ok(None);
    };
    let found_bytes = value.len();
    value
        .try_into()
        .map(Some)
        .map_err(|_| MetaError::Undecodable {
            key: name,
            found_bytes,
            expected_bytes: N,
        })
}

pub(crate) fn put_schema(batch: &mut Batch) {
    batch.put(Domain::Meta, SCHEMA_KEY, SCHEMA.to_be_bytes());
}

pub(crate) fn put_last_beat(batch: &mut Batch, beat: Tick) {
    batch.put(Domain::Meta, LAST_BEAT_KEY, beat.0.to_be_bytes());
}

pub(crate) fn put_applied(batch: &mut Batch, frame: u64) {
    batch.put(Domain::Meta, APPLIED_KEY, frame.to_be_bytes());
}

pub(crate) fn put_clean(batch: &mut Batch) {
    batch.put(Domain::Meta, CLEAN_SHUTDOWN_KEY, b"");
}

pub(crate) fn delete_clean(batch: &mut Batch) {
    batch.delete(Domain::Meta, CLEAN_SHUTDOWN_KEY);
}
