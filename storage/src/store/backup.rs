//! A copy of a running store. RocksDB's files are hard-linked where the target is on the same
//! disk; the beat log is copied.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::{collections::BTreeSet, fs};

use rocksdb::checkpoint::Checkpoint;

use super::{LOG_FOLDER, RETRY_PAUSE, Store, folder};
use crate::log::BLOCK;

/// How often the log of a running server is tried.
const TRIES: u32 = 40;

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target exists: a copy never overwrites.
    #[error("{} exists already", path.display())]
    TargetExists {
        /// Folder that was to be made.
        path: PathBuf,
    },
    /// The engine could not copy.
    #[error("cannot copy the store to {}: {detail}", path.display())]
    Failed {
        /// Folder that was to be made.
        path: PathBuf,
        /// The engine's words.
        detail: String,
    },
    /// The beat log could not be copied.
    #[error("cannot copy the beat log to {}", path.display())]
    Log {
        /// Folder that was to be made.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The copy is there, but could not be marked as a store.
    #[error("cannot complete the copy in {}", path.display())]
    Unmarked {
        /// Folder of the copy.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Store {
    /// Copies the store, as it is between two writes, into the new folder `target`. The copy
    /// opens like a store whose server was killed at that moment: RocksDB's files come first, the
    /// log after them, so that the log has all that they may lack. The parent of `target` has to
    /// exist.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; a half-made copy is no store and can be deleted.
    pub fn copy_to(&self, target: impl AsRef<Path>) -> Result<(), BackupError> {
        let path = target.as_ref();
        if path.exists() {
            return Err(BackupError::TargetExists { path: path.into() });
        }
        let failed = |error: rocksdb::Error| BackupError::Failed {
            path: path.into(),
            detail: error.into_string(),
        };
        Checkpoint::new(self.engine().db())
            .map_err(failed)?
            .create_checkpoint(path)
            .map_err(failed)?;
        let from = self.path().join(LOG_FOLDER);
        copy_log(&from, &path.join(LOG_FOLDER)).map_err(|source| BackupError::Log {
            path: path.into(),
            source,
        })?;
        folder::mark(path).map_err(|source| BackupError::Unmarked {
            path: path.into(),
            source,
        })
    }
}

/// Copies the files of a log that may be written meanwhile. If files have come or gone while it
/// was copied, it is copied again: segments last for minutes.
fn copy_log(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..TRIES {
        fs::create_dir_all(to)?;
        let before = names(from)?;
        let copied = before
            .iter()
            .try_for_each(|name| copy_file(&from.join(name), &to.join(name)));
        let is_whole = names(from)? == before;
        match copied {
            Ok(()) if is_whole => return File::open(to)?.sync_all(),
            Err(error) if is_whole || error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::remove_dir_all(to)?;
        std::thread::sleep(RETRY_PAUSE);
    }
    Err(io::Error::other("it kept changing: try again"))
}

fn names(folder: &Path) -> io::Result<BTreeSet<std::ffi::OsString>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

/// From the last block to the first: a segment grows at its end, so what is read later cannot
/// lack what was read before, and only the last frame of the copy can be in pieces.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let bytes = source.metadata()?.len();
    let target = File::create_new(to)?;
    target.set_len(bytes)?;
    let mut block = [0; BLOCK];
    let mut end = bytes;
    while end > 0 {
        let start = (end - 1) / BLOCK as u64 * BLOCK as u64;
        // At most a block.
        let block = &mut block[..(end - start) as usize];
        source.read_exact_at(block, start)?;
        if block.iter().any(|byte| *byte != 0) {
            target.write_all_at(block, start)?;
        }
        end = start;
    }
    target.sync_all()
}
