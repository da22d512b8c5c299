//! A copy of a running store. Files are hard-linked where the target is on the same disk, so
//! a copy costs the flush of what is in memory and little more.

use std::io;
use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;

use super::{Store, folder};

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
    /// opens like a store whose server was killed at that moment. The parent of `target` has
    /// to exist.
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
        folder::mark(path).map_err(|source| BackupError::Unmarked {
            path: path.into(),
            source,
        })
    }
}
