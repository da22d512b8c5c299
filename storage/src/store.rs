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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rocksdb::Snapshot;

use crate::commit::{RecoverError, Recovered, RowSink, SinkError, recover};
use crate::engine::{Access, Engine, Reader};
use crate::log::{BeatLog, FrameOut, LogOptions};
use crate::meta::{self, Meta, MetaError};
use crate::rows::{KeyRange, Order, ReadError, Rows, Scan};
use crate::{Batch, Domain};

mod backup;
mod disk;
mod folder;
mod overlay;
mod unlocked;

pub use backup::BackupError;
pub use disk::{StoreDisk, StoreFile, UnsyncedDisk, UnsyncedFile};

use overlay::Overlay;

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

/// Why a store was not opened. A refused opening changes no row.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing to open and creating was not asked for.
    #[error("there is no store in {}", path.display())]
    Missing {
        /// Folder.
        path: PathBuf,
    },
    /// The folder holds something else, or is no folder.
    #[error("{} is not a store: {reason}", path.display())]
    NotAStore {
        /// Folder.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The folder cannot be created or written.
    #[error("cannot write in {}", path.display())]
    Unwritable {
        /// Folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the store in {} is in use by another process: only one server can run on it",
        path.display()
    )]
    Locked {
        /// Folder.
        path: PathBuf,
    },
    /// Read-only beside a server that is reorganising its files without a pause.
    #[error("the store in {} kept changing while it was opened: try again", path.display())]
    Unsettled {
        /// Folder.
        path: PathBuf,
    },
    /// A later version of the server wrote it.
    #[error(
        "the store in {} was written by a newer version: it has schema {found}, this build \
         supports up to {supported}",
        path.display()
    )]
    NewerSchema {
        /// Folder.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// An earlier version of the server wrote it, and nothing converts it.
    #[error(
        "the store in {} was written by an older version: it has schema {found}, this build \
         needs {supported} and cannot convert it; generate a new galaxy in another folder, or \
         run the older version",
        path.display()
    )]
    OlderSchema {
        /// Folder.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The only version that this build reads.
        supported: u32,
    },
    /// The beat log cannot be opened, or does not fit the rows.
    #[error("the beat log of the store in {} cannot be used", path.display())]
    Log {
        /// Folder.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<RecoverError>,
    },
    /// It is a store, but not whole.
    #[error("the store in {} is damaged: {detail}", path.display())]
    Damaged {
        /// Folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The system refused to read or lock files.
    #[error("cannot read {}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Why a direct write was refused or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The store was opened read-only.
    #[error("the store was opened read-only")]
    ReadOnly,
    /// A committer owns the store: use its ports.
    #[error("a committer is running on the store: its ports are the only way to write")]
    CommitterRunning,
    /// An earlier write failed; what is on disk is only known after opening it again.
    #[error("an earlier write failed: the store has to be opened again")]
    FailedBefore,
    /// The disk failed. Whether the batch is stored is unknown until the store is opened
    /// again; it is there as a whole or not at all.
    #[error("cannot write to the store: {0}")]
    Failed(String),
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

/// Who may write.
enum Writer {
    /// Nobody: the store was opened read-only.
    Nobody,
    /// Whoever comes, through the log, whose last frame is in the rows.
    Anybody(Box<BeatLog<StoreDisk>>),
    /// A committer has the log.
    Committer,
    /// A write failed.
    Failed,
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

    /// Writes a batch at once, durable and readable when this returns: for tools and for building
    /// a world. While a committer runs, rows go through its ports instead.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; after [`WriteError::Failed`] every later write is refused.
    pub fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.write_frame(&FrameOut {
            through: None,
            rows: batch,
            records: &[],
        })
    }

    pub(crate) fn write_frame(&self, frame: &FrameOut<'_>) -> Result<(), WriteError> {
        let mut writer = self.writer();
        let log = match &mut *writer {
            Writer::Anybody(log) => log,
            other => return Err(other.refusal()),
        };
        let written = log
            .append(frame)
            .map_err(|error| crate::commit::chain(&error))
            .and_then(|appended| {
                let applied = self.inner.engine.apply(appended.number, frame.rows);
                applied.map_err(rocksdb::Error::into_string)
            });
        written.map_err(|detail| {
            *writer = Writer::Failed;
            WriteError::Failed(detail)
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        let writer = self.inner.writer.lock();
        writer.unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the caller the only writer, until [`Self::release_writer`].
    pub(crate) fn take_writer(&self) -> Result<(Recovered<StoreDisk>, StoreSink), WriteError> {
        let mut writer = self.writer();
        match std::mem::replace(&mut *writer, Writer::Committer) {
            Writer::Anybody(log) => {
                let applied = log.next_number() - 1;
                let opened = Recovered {
                    log: *log,
                    applied,
                    last_beat: None,
                    replayed: 0,
                    torn: None,
                };
                Ok((opened, StoreSink(self.clone())))
            }
            other => {
                let refusal = other.refusal();
                *writer = other;
                Err(refusal)
            }
        }
    }

    /// Gives the log back; none if writing has failed.
    pub(crate) fn release_writer(&self, log: Option<BeatLog<StoreDisk>>) {
        *self.writer() = match log {
            Some(log) => Writer::Anybody(Box::new(log)),
            None => Writer::Failed,
        };
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            engine: &self.inner.engine,
            overlay: &self.inner.overlay,
        }
    }
}

impl Writer {
    /// Why nobody else may write.
    const fn refusal(&self) -> WriteError {
        match self {
            Self::Nobody => WriteError::ReadOnly,
            Self::Anybody(_) | Self::Committer => WriteError::CommitterRunning,
            Self::Failed => WriteError::FailedBefore,
        }
    }
}

/// The rows of a store, for a committer.
pub(crate) struct StoreSink(Store);

impl RowSink for StoreSink {
    fn applied(&self) -> Result<u64, SinkError> {
        RowSink::applied(self.0.engine())
    }

    fn apply(&self, frame: u64, rows: &Batch) -> Result<(), SinkError> {
        RowSink::apply(self.0.engine(), frame, rows)
    }

    fn flush(&self) -> Result<(), SinkError> {
        RowSink::flush(self.0.engine())
    }
}

impl RowSink for Engine {
    fn applied(&self) -> Result<u64, SinkError> {
        Ok(meta::applied_frame(self)?)
    }

    fn apply(&self, frame: u64, rows: &Batch) -> Result<(), SinkError> {
        Ok(Self::apply(self, frame, rows)?)
    }

    fn flush(&self) -> Result<(), SinkError> {
        Ok(Self::flush(self)?)
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
