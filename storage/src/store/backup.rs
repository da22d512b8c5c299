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

/// How far the copying of the beat log has come. The rows are there before it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyProgress {
    /// Bytes that are copied.
    pub done: u64,
    /// Bytes that have to be, as far as is known: a running log grows.
    pub total: u64,
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
        self.copy_with(target, &mut |_| Ok(()))
    }

    /// The same, for somebody who watches: told after each file of the log, and able to end it.
    ///
    /// # Errors
    ///
    /// [`BackupError`], with the watcher's own error among them.
    pub fn copy_with(
        &self,
        target: impl AsRef<Path>,
        watch: &mut dyn FnMut(CopyProgress) -> io::Result<()>,
    ) -> Result<(), BackupError> {
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
        let to = path.join(LOG_FOLDER);
        copy_log(&from, &to, watch).map_err(|source| BackupError::Log {
            path: path.into(),
            source,
        })?;
        folder::mark(path).map_err(|source| BackupError::Unmarked {
            path: path.into(),
            source,
        })
    }
}

/// Copies the segments of a log that may be written meanwhile. If some have come or gone while it
/// was copied, those that can have changed are copied again: segments last for minutes. Spares
/// and unfinished files are nobody's.
fn copy_log(
    from: &Path,
    to: &Path,
    watch: &mut dyn FnMut(CopyProgress) -> io::Result<()>,
) -> io::Result<()> {
    fs::create_dir_all(to)?;
    // Compressed segments never change.
    let mut kept = BTreeSet::new();
    let mut progress = CopyProgress::default();
    for _ in 0..TRIES {
        let before = segments(from)?;
        let missing: Vec<&String> = before.iter().filter(|name| !kept.contains(*name)).collect();
        let sizes = missing.iter().map(|name| size(&from.join(name)));
        progress.total = progress.done + sizes.sum::<u64>();
        let copied = missing.iter().try_for_each(|name| {
            let (source, target) = (from.join(name), to.join(name));
            if name.ends_with(SEALED) {
                copy_sealed(&source, &target)?;
                kept.insert((*name).clone());
            } else {
                copy_file(&source, &target)?;
            }
            progress.done += size(&target);
            watch(progress)
        });
        let after = segments(from)?;
        match copied {
            Ok(()) if after == before => {
                // Released while later ones were copied: something may be missing after them.
                remove(to, |name| !before.contains(name))?;
                return File::open(to)?.sync_all();
            }
            Err(error) if after == before || error.kind() != ErrorKind::NotFound => {
                return Err(error);
            }
            _ => {}
        }
        remove(to, |name| !kept.contains(name))?;
        std::thread::sleep(RETRY_PAUSE);
    }
    Err(io::Error::other("it kept changing: try again"))
}

const PLAIN: &str = ".seg";
const SEALED: &str = ".seg.zst";

fn segments(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        // A name that is no text is not ours.
        if let Ok(name) = entry?.file_name().into_string()
            && (name.ends_with(PLAIN) || name.ends_with(SEALED))
        {
            names.insert(name);
        }
    }
    Ok(names)
}

/// For the progress alone: a file that has just gone counts nothing.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

fn remove(folder: &Path, is_unwanted: impl Fn(&String) -> bool) -> io::Result<()> {
    for name in segments(folder)?.iter().filter(|name| is_unwanted(name)) {
        fs::remove_file(folder.join(name))?;
    }
    Ok(())
}

/// A file that never changes: another name for it on the same disk, else its bytes.
fn copy_sealed(from: &Path, to: &Path) -> io::Result<()> {
    // What a try before has left must not be written through to the original.
    match fs::remove_file(to) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
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
