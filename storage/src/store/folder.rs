//! What a folder is before the engine sees it: missing, empty, a store, something else; may
//! it be written; is somebody else in it.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{OpenError, RETRY_PAUSE, StoreDisk, StoreOptions};

/// Says that the folder is ours, and carries the lock.
pub(super) const MARKER: &str = "ORRERY-STORE";
const MARKER_TEXT: &str = "This folder is an Orrery store. Its files belong together: copy or \
                           delete the folder as a whole, and only while no server runs on it.\n";
/// Made by RocksDB once a database is complete enough to be opened.
const DATABASE: &str = "CURRENT";
/// Every fresh ext file system has one, so a mounted disk is an empty folder all the same.
const EMPTY_DISK: &str = "lost+found";

pub(super) struct Claim {
    /// Whether there is a database already.
    pub(super) has_files: bool,
    /// Held while the store is open for writing. The system drops it with the process.
    pub(super) lock: Option<File>,
}

/// Finds out what the folder is, makes it if that was asked for, and locks it.
pub(super) fn claim(path: &Path, options: &StoreOptions) -> Result<Claim, OpenError> {
    let create = options.create && !options.read_only;
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(not_a_store(path, "it is a file")),
        Err(error) if error.kind() == ErrorKind::NotFound && !create => {
            return Err(OpenError::Missing { path: path.into() });
        }
        Err(_) if create => fs::create_dir_all(path).map_err(|error| unwritable(path, error))?,
        Err(source) => {
            return Err(OpenError::Io {
                path: path.into(),
                source,
            });
        }
    }
    let marker = path.join(MARKER);
    if !marker.exists() {
        if !is_empty(path)? {
            return Err(not_a_store(path, "it holds other files"));
        }
        if !create {
            return Err(OpenError::Missing { path: path.into() });
        }
        mark(path).map_err(|error| unwritable(path, error))?;
    }
    let lock = if options.read_only {
        None
    } else {
        Some(lock(path, options.lock_patience)?)
    };
    let has_files = path.join(DATABASE).exists();
    if !has_files && !create {
        return Err(OpenError::Missing { path: path.into() });
    }
    Ok(Claim { has_files, lock })
}

/// The beat log's folder, made if it is not there, and durable before anything is in it.
pub(super) fn log(path: &Path, sync: bool) -> io::Result<StoreDisk> {
    let is_new = !path.exists();
    let disk = StoreDisk::open(path, sync)?;
    if let Some(parent) = path.parent().filter(|_| is_new && sync) {
        File::open(parent)?.sync_all()?;
    }
    Ok(disk)
}

/// Writes the marker and waits for the disk, so that a folder with a database always has it.
pub(super) fn mark(path: &Path) -> io::Result<()> {
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join(MARKER))?;
    file.write_all(MARKER_TEXT.as_bytes())?;
    file.sync_all()?;
    File::open(path)?.sync_all()
}

fn lock(path: &Path, patience: Duration) -> Result<File, OpenError> {
    let file = File::options()
        .read(true)
        .write(true)
        .open(path.join(MARKER))
        .map_err(|error| unwritable(path, error))?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < patience => {
                std::thread::sleep(RETRY_PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path: path.into() }),
            Err(TryLockError::Error(source)) => {
                return Err(OpenError::Io {
                    path: path.join(MARKER),
                    source,
                });
            }
        }
    }
}

/// The files that a reader depends on, and how far their list has been written. Equal before
/// and after something means that nothing was flushed, compacted or deleted in between.
pub(super) fn fingerprint(path: &Path) -> Result<Vec<(OsString, u64)>, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.into(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("MANIFEST-") {
            // Deleted between the listing and here: as good as any other change.
            let written = fs::metadata(path.join(&name)).map_or(0, |file| file.len());
            files.push((name, written));
        } else if text.ends_with(".log") || text.ends_with(".sst") {
            files.push((name, 0));
        }
    }
    files.sort();
    Ok(files)
}

fn is_empty(path: &Path) -> Result<bool, OpenError> {
    let failed = |source| OpenError::Io {
        path: path.into(),
        source,
    };
    for entry in fs::read_dir(path).map_err(failed)? {
        if entry.map_err(failed)?.file_name() != EMPTY_DISK {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_a_store(path: &Path, reason: &str) -> OpenError {
    OpenError::NotAStore {
        path: path.into(),
        reason: reason.into(),
    }
}

pub(super) fn unwritable(path: &Path, source: io::Error) -> OpenError {
    OpenError::Unwritable {
        path: path.into(),
        source,
    }
}
