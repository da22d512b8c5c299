//! What the tests of several modules need.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

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
        ..StoreOptions::default()
    }
}

pub(crate) fn put(domain: Domain, key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(domain, key, value);
    batch
}

pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn dump(rows: &impl Rows, domain: Domain) -> Pairs {
    rows.range(domain, KeyRange::all())
        .map(|row| row.map(|row| (row.key, row.value)).unwrap())
        .collect()
}
