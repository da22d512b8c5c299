//! The folder on disk: opening, creating, refusing; reading through [`Rows`]; a [`View`] that
//! stands still; direct writes for tools.
//!
//! The folder holds RocksDB's files and the folder `log` with the segments of the beat log. The
//! log is the truth: opening brings the rows to its last frame ([`crate::commit::recover`]). A
//! read-only opening changes no file; it keeps in memory what the rows do not have yet.
//!
//! A folder is a store if it holds the file `ORRERY-STORE`, which is made first and locked
//! while a process may write. A creation that was cut short is therefore recognised and
//! completed, and a folder with other files is never touched.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, io};

use rocksdb::Snapshot;

use crate::commit::{RecoverError, Recovered, recover};
use crate::engine::{Access, Engine, Reader};
use crate::log::LogOptions;
use crate::meta::{self, Meta, MetaError};
use crate::rows::{KeyRange, Order, ReadError, Rows, Scan};
use crate::{Batch, Domain};

mod backup;
mod disk;
mod error;
mod folder;
mod overlay;
mod unlocked;
mod write;

pub use backup::{BackupError, CopyProgress};
pub use disk::{StoreDisk, StoreFile, UnsyncedDisk, UnsyncedFile};
pub use error::{OpenError, WriteError};

use overlay::Overlay;
use write::Writer;

/// The folder of the beat log, inside of the store's.
pub(crate) const LOG_FOLDER: &str = "log";

/// Between two tries to read or to lock.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// How to open a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Make the store if the folder is missing or empty. Ignored for `read_only`.
    pub create: bool,
    /// Neither write nor lock: for tools beside a running server. Sees the store as it was at
    /// the opening.
    pub read_only: bool,
    /// Wait for the disk at every write. Without it, rows survive the death of the process
    /// but not of the machine: for tests and benches.
    pub sync: bool,
    /// How long to wait for another process to let go of the store: a server that was killed
    /// holds it until the system has freed its memory.
    pub lock_patience: Duration,
    /// Memory for blocks of files, bytes, shared by all domains.
    pub cache_bytes: usize,
    /// Sizes of the beat log.
    pub log: LogOptions,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            sync: true,
            lock_patience: Duration::from_secs(2),
            cache_bytes: 128 << 20,
            log: LogOptions::default(),
        }
    }
}

/// An open store. Clones are handles of the same one; the last one closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Before the lock: fields are dropped in order.
    engine: Engine,
    /// Read-only: the rows that only the log has.
    overlay: Overlay,
    disk: StoreDisk,
    path: PathBuf,
    read_only: bool,
    at_open: Meta,
    writer: Mutex<Writer>,
    _lock: Option<fs::File>,
}

impl Store {
    /// Opens the store in the folder `path`, creating it if `options` say so.
    ///
    /// The threads of the engine (flush, compaction) inherit the calling thread's processor
    /// affinity: call this from a thread that may not run on the shards' cores.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: each names the folder and what to do about it follows from the variant.
    pub fn open(path: impl AsRef<Path>, options: &StoreOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let claim = folder::claim(path, options)?;
        let log_folder = path.join(LOG_FOLDER);
        let (engine, disk, overlay, writer) = if options.read_only {
            let disk = StoreDisk::for_reading(&log_folder);
            let (engine, overlay) = unlocked::open(path, &disk, options)?;
            (engine, disk, overlay, Writer::Nobody)
        } else {
            let access = if claim.has_files {
                refuse_foreign_families(path)?;
                Access::ReadWrite
            } else {
                Access::Create
            };
            let engine = open_engine(path, access, options)?;
            complete_creation(path, &engine)?;
            describe(path, &engine)?;
            let disk = folder::log(&log_folder, options.sync)
                .map_err(|error| folder::unwritable(&log_folder, error))?;
            let opened = recover(disk.clone(), options.log, &engine)
                .map_err(|error| log_error(path, error))?;
            note_recovery(path, &opened);
            let log = Box::new(opened.log);
            (engine, disk, Overlay::default(), Writer::Anybody(log))
        };
        let at_open = describe(
            path,
            &Reading {
                engine: &engine,
                overlay: &overlay,
            },
        )?;
        tracing::debug!(
            path = %path.display(),
            last_beat = at_open.last_beat.map(|beat| beat.0),
            was_clean = at_open.was_clean,
            "store opened"
        );
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                overlay,
                disk,
                path: path.into(),
                read_only: options.read_only,
                at_open,
                writer: Mutex::new(writer),
                _lock: claim.lock,
            }),
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whether writing was ruled out at the opening.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// What the store said about itself when it was opened.
    #[must_use]
    pub fn at_open(&self) -> Meta {
        self.inner.at_open
    }

    /// Whether the last session before this opening ended with
    /// [`crate::Committer::finish`], or there was none.
    #[must_use]
    pub fn was_clean(&self) -> bool {
        self.inner.at_open.was_clean
    }

    /// What the store says about itself now.
    ///
    /// # Errors
    ///
    /// [`MetaError`] if its rows cannot be read.
    pub fn meta(&self) -> Result<Meta, MetaError> {
        Meta::read(self)
    }

    /// A picture of all domains at one moment between two writes. Holding it keeps overwritten
    /// rows on disk: drop it when done.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            snapshot: self.inner.engine.db().snapshot(),
            store: self,
        }
    }

    /// The disk of the beat log, for [`crate::journal`] and [`crate::log::read`].
    #[must_use]
    pub fn log(&self) -> &StoreDisk {
        &self.inner.disk
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            engine: &self.inner.engine,
            overlay: &self.inner.overlay,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .field("read_only", &self.inner.read_only)
            .finish_non_exhaustive()
    }
}

/// The engine's rows with the overlay over them.
#[derive(Clone, Copy)]
struct Reading<'a> {
    engine: &'a Engine,
    overlay: &'a Overlay,
}

impl<'a> Reading<'a> {
    fn scan_rows(self, domain: Domain, range: KeyRange, order: Order) -> Scan<'a> {
        let below = self.engine.scan(domain, range.clone(), order);
        self.overlay.scan(domain, range, order, below)
    }
}

impl Rows for Reading<'_> {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.overlay.get(domain, key) {
            Some(row) => Ok(row),
            None => self.engine.get(domain, key),
        }
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        let mut rows = self.engine.multi_get(domain, keys)?;
        self.overlay.cover(domain, keys, &mut rows);
        Ok(rows)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        self.scan_rows(domain, range, order)
    }
}

impl Rows for Store {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.reading().get(domain, key)
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        self.reading().multi_get(domain, keys)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        self.reading().scan_rows(domain, range, order)
    }
}

/// The store as it was at one moment: see [`Store::view`].
pub struct View<'a> {
    snapshot: Snapshot<'a>,
    store: &'a Store,
}

impl View<'_> {
    fn read(&self, domain: Domain) -> Reader<'_> {
        Reader::at(self.store.engine(), domain, &self.snapshot)
    }

    fn overlay(&self) -> &Overlay {
        &self.store.inner.overlay
    }
}

impl Rows for View<'_> {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match self.overlay().get(domain, key) {
            Some(row) => Ok(row),
            None => self.read(domain).get(key),
        }
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        let mut rows = self.read(domain).multi_get(keys)?;
        self.overlay().cover(domain, keys, &mut rows);
        Ok(rows)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        let below = self.read(domain).scan(range.clone(), order);
        self.overlay().scan(domain, range, order, below)
    }
}

fn open_engine(path: &Path, access: Access, options: &StoreOptions) -> Result<Engine, OpenError> {
    Engine::open(path, access, options.cache_bytes).map_err(|error| engine_error(path, error))
}

/// A newer build may know more domains; RocksDB would only say that some were not opened.
fn refuse_foreign_families(path: &Path) -> Result<(), OpenError> {
    let foreign = Engine::foreign_families(path).map_err(|error| engine_error(path, error))?;
    if foreign.is_empty() {
        return Ok(());
    }
    let schema = Engine::peek(path, Domain::Meta, meta::SCHEMA_KEY)
        .ok()
        .flatten()
        .and_then(|value| value.try_into().ok())
        .map(u32::from_be_bytes);
    schema.map_or(Ok(()), |found| refuse_schema(path, found))?;
    Err(OpenError::Damaged {
        path: path.into(),
        detail: format!("it holds unknown domains: {}", foreign.join(", ")),
    })
}

fn refuse_schema(path: &Path, found: u32) -> Result<(), OpenError> {
    let (path, supported) = (path.to_path_buf(), meta::SCHEMA);
    match found {
        0 => Err(OpenError::Damaged {
            path,
            detail: "schema 0 was never in use".into(),
        }),
        meta::SCHEMA => Ok(()),
        _ if found < supported => Err(OpenError::OlderSchema {
            path,
            found,
            supported,
        }),
        _ => Err(OpenError::NewerSchema {
            path,
            found,
            supported,
        }),
    }
}

/// Reads what the store says about itself, and refuses what this build cannot read.
fn describe(path: &Path, rows: &impl Rows) -> Result<Meta, OpenError> {
    let meta = Meta::read(rows).map_err(|error| OpenError::Damaged {
        path: path.into(),
        detail: error.to_string(),
    })?;
    refuse_schema(path, meta.schema)?;
    Ok(meta)
}

/// Completes a creation that was cut short, or has just begun.
fn complete_creation(path: &Path, engine: &Engine) -> Result<(), OpenError> {
    let damaged = |detail: String| OpenError::Damaged {
        path: path.into(),
        detail,
    };
    match engine.get(Domain::Meta, meta::SCHEMA_KEY) {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(error) => return Err(damaged(error.to_string())),
    }
    for domain in Domain::ALL {
        match engine.range(domain, KeyRange::all()).next() {
            None => {}
            Some(Ok(_)) => return Err(damaged(MetaError::NoSchema.to_string())),
            Some(Err(error)) => return Err(damaged(error.to_string())),
        }
    }
    let mut birth = Batch::new();
    meta::put_schema(&mut birth);
    meta::put_clean(&mut birth);
    // Flushed, so that a store without these rows is one whose creation was cut short.
    engine
        .apply(0, &birth)
        .and_then(|()| engine.flush())
        .map_err(|error| engine_error(path, error))
}

fn note_recovery(path: &Path, opened: &Recovered<StoreDisk>) {
    if let Some(torn) = &opened.torn {
        tracing::warn!(
            path = %path.display(),
            segment = torn.segment,
            offset = torn.offset,
            "the last write to the beat log was cut short: nobody was told of it"
        );
    }
    if opened.replayed > 0 {
        tracing::info!(
            path = %path.display(),
            frames = opened.replayed,
            "rows taken from the beat log"
        );
    }
}

fn log_error(path: &Path, error: RecoverError) -> OpenError {
    OpenError::Log {
        path: path.into(),
        source: Box::new(error),
    }
}

fn engine_error(path: &Path, error: rocksdb::Error) -> OpenError {
    let path = path.to_path_buf();
    match error.kind() {
        rocksdb::ErrorKind::IOError => OpenError::Io {
            path,
            source: io::Error::other(error),
        },
        _ => OpenError::Damaged {
            path,
            detail: error.into_string(),
        },
    }
}

#[cfg(test)]
mod tests;
