//! What the tests of several modules need.

use std::path::PathBuf;
use std::time::Duration;

use orrery_base::{ShardIndex, Tick};
use tempfile::TempDir;

use crate::log::{FrameOut, LogOptions, Record};
use crate::{Batch, Domain, KeyRange, Rows, Store, StoreOptions};

/// A store in a folder of its own, without syncs: what the tests look at survives the process.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.path(), &quick()).unwrap()
    }
}

pub(crate) fn quick() -> StoreOptions {
    StoreOptions {
        sync: false,
        cache_bytes: 1 << 20,
        // A process that another test is just starting holds our locks until it has begun.
        lock_patience: Duration::from_secs(30),
        log: small_log(),
        ..StoreOptions::default()
    }
}

/// Segments that are soon full.
pub(crate) fn small_log() -> LogOptions {
    LogOptions {
        segment_bytes: 128 << 10,
        spares: 1,
        ..LogOptions::default()
    }
}

pub(crate) fn put(domain: Domain, key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(domain, key, value);
    batch
}

/// Writes journal records, all in one frame.
pub(crate) fn write_records(store: &Store, keys: &[(u64, u16)], record: &[u8]) {
    let records: Vec<Record<'_>> = keys
        .iter()
        .map(|&(beat, shard)| Record {
            beat: Tick(beat),
            shard: ShardIndex(shard),
            bytes: record,
        })
        .collect();
    let frame = FrameOut {
        through: keys.last().map(|&(beat, _)| Tick(beat)),
        rows: &Batch::new(),
        records: &records,
    };
    store.write_frame(&frame).unwrap();
}

pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn dump(rows: &impl Rows, domain: Domain) -> Pairs {
    rows.range(domain, KeyRange::all())
        .map(|row| row.map(|row| (row.key, row.value)).unwrap())
        .collect()
}
