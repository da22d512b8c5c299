//! Why a store was not opened or not written.

use std::io;
use std::path::PathBuf;

use crate::commit::RecoverError;

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
