//! The folder on disk: opening, creating, refusing; reading through [`Rows`]; a [`View`] that
//! stands still; direct writes for tools.
//!
//! A folder is a store if it holds the file `ORRERY-STORE`, which is made first and locked
//! while a process may write. A creation that was cut short is therefore recognised and
//! completed, and a folder with other files is never touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use std::{fs, io};

use rocksdb::Snapshot;

use crate::engine::{Access, Engine, Reader};
use crate::meta::{self, Meta, MetaError};
use crate::rows::{KeyRange, Order, ReadError, Rows, Scan};
use crate::{Batch, Domain};

mod backup;
mod folder;

pub use backup::BackupError;

/// How often a store beside a running server is tried.
const READ_ONLY_TRIES: u32 = 40;
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
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            sync: true,
            lock_patience: Duration::from_secs(2),
            cache_bytes: 128 << 20,
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
    path: PathBuf,
    read_only: bool,
    at_open: Meta,
    writer: AtomicU8,
    _lock: Option<fs::File>,
}

/// Nobody in particular writes.
const WRITER_NONE: u8 = 0;
/// A committer writes.
const WRITER_COMMITTER: u8 = 1;
/// A write failed.
const WRITER_FAILED: u8 = 2;

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
        let engine = match (options.read_only, claim.has_files) {
            (true, _) => open_unlocked(path, options)?,
            (false, true) => {
                refuse_foreign_families(path)?;
                open_engine(path, Access::ReadWrite, options)?
            }
            (false, false) => open_engine(path, Access::Create, options)?,
        };
        let at_open = describe(path, &engine, options.read_only)?;
        tracing::debug!(
            path = %path.display(),
            last_beat = at_open.last_beat.map(|beat| beat.0),
            was_clean = at_open.was_clean,
            "store opened"
        );
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                path: path.into(),
                read_only: options.read_only,
                at_open,
                writer: AtomicU8::new(WRITER_NONE),
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

    /// Writes a batch at once, durable when this returns: for tools and for building a world.
    /// While a committer runs, rows go through its ports instead.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; after [`WriteError::Failed`] every later write is refused.
    pub fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        match self.inner.writer.load(Ordering::Acquire) {
            _ if self.inner.read_only => return Err(WriteError::ReadOnly),
            WRITER_NONE => {}
            WRITER_COMMITTER => return Err(WriteError::CommitterRunning),
            _ => return Err(WriteError::FailedBefore),
        }
        self.inner.engine.write(batch).map_err(|error| {
            self.inner.writer.store(WRITER_FAILED, Ordering::Release);
            WriteError::Failed(error.into_string())
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Makes the caller the only writer, until [`Self::release_writer`].
    pub(crate) fn take_writer(&self) -> Result<(), WriteError> {
        if self.inner.read_only {
            return Err(WriteError::ReadOnly);
        }
        self.inner
            .writer
            .compare_exchange(
                WRITER_NONE,
                WRITER_COMMITTER,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .map(|_| ())
            .map_err(|found| match found {
                WRITER_COMMITTER => WriteError::CommitterRunning,
                _ => WriteError::FailedBefore,
            })
    }

    pub(crate) fn release_writer(&self, failed: bool) {
        let state = if failed { WRITER_FAILED } else { WRITER_NONE };
        self.inner.writer.store(state, Ordering::Release);
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

impl Rows for Store {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.inner.engine.get(domain, key)
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        self.inner.engine.multi_get(domain, keys)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        self.inner.engine.scan(domain, range, order)
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
}

impl Rows for View<'_> {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        self.read(domain).get(key)
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        self.read(domain).multi_get(keys)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        self.read(domain).scan(range, order)
    }
}

/// Beside a running server, files come and go. Without a lock, the picture is whole only if
/// nothing came or went while it was taken: a log that was flushed and deleted between reading
/// the list of files and reading the logs would leave a hole.
fn open_unlocked(path: &Path, options: &StoreOptions) -> Result<Engine, OpenError> {
    for _ in 0..READ_ONLY_TRIES {
        let before = folder::fingerprint(path)?;
        refuse_foreign_families(path)?;
        let engine = open_engine(path, Access::ReadOnly, options);
        if folder::fingerprint(path)? == before {
            return engine;
        }
        // A flush takes some milliseconds, and the next one is seconds away.
        std::thread::sleep(RETRY_PAUSE);
    }
    Err(OpenError::Unsettled { path: path.into() })
}

fn open_engine(path: &Path, access: Access, options: &StoreOptions) -> Result<Engine, OpenError> {
    Engine::open(path, access, options.sync, options.cache_bytes)
        .map_err(|error| engine_error(path, error))
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
    match schema {
        Some(found) if found > meta::SCHEMA => Err(OpenError::NewerSchema {
            path: path.into(),
            found,
            supported: meta::SCHEMA,
        }),
        _ => Err(OpenError::Damaged {
            path: path.into(),
            detail: format!("it holds unknown domains: {}", foreign.join(", ")),
        }),
    }
}

/// Reads what the store says about itself, and completes a creation that was cut short.
fn describe(path: &Path, engine: &Engine, read_only: bool) -> Result<Meta, OpenError> {
    let damaged = |detail: String| OpenError::Damaged {
        path: path.into(),
        detail,
    };
    let meta = match Meta::read(engine) {
        Ok(meta) => meta,
        Err(MetaError::NoSchema) if !read_only => {
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
            // Flushed, so that not even a deleted log makes a store look like a fresh one.
            engine
                .write(&birth)
                .and_then(|()| engine.flush())
                .map_err(|error| engine_error(path, error))?;
            Meta {
                schema: meta::SCHEMA,
                last_beat: None,
                was_clean: true,
            }
        }
        Err(error) => return Err(damaged(error.to_string())),
    };
    if meta.schema > meta::SCHEMA {
        return Err(OpenError::NewerSchema {
            path: path.into(),
            found: meta.schema,
            supported: meta::SCHEMA,
        });
    }
    if meta.schema < meta::SCHEMA {
        let found = meta.schema;
        return Err(damaged(format!("schema {found} was never in use")));
    }
    Ok(meta)
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
