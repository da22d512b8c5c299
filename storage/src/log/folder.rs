//! What all disks of a real host do alike: names, whole files, durability of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::BLOCK;
use super::scan::UNFINISHED_SUFFIX;

/// A write of this size keeps any disk busy, bytes.
const PIECE_BYTES: usize = 1 << 20;

/// One folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is no text is not ours.
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    pub(super) fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name))
    }

    pub(super) fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    pub(super) fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
        let mut file = File::create(self.path(&unfinished))?;
        for piece in bytes.chunks(PIECE_BYTES) {
            file.write_all(piece)?;
            // Little by little: a commit beside this must not wait for all of it.
            file.sync_data()?;
        }
        file.sync_all()?;
        self.rename(&unfinished, name)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        self.sync()
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        self.sync()
    }

    /// A file of zeros: allocated in one piece where the file system can, and written, because
    /// the first write into allocated but unwritten space changes metadata.
    pub(super) fn create(&self, name: &str, bytes: u64) -> io::Result<()> {
        let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
        let path = self.path(&unfinished);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
            // The file system does not know it: writing allocates.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        let zeros = vec![0; PIECE_BYTES];
        let mut left = bytes;
        while left > 0 {
            // At most a mebibyte.
            let piece = left.min(PIECE_BYTES as u64) as usize;
            file.write_all(&zeros[..piece])?;
            left -= piece as u64;
            // Little by little: a commit beside this must not wait for all of it.
            file.sync_data()?;
        }
        file.sync_all()?;
        self.rename(&unfinished, name)
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Refuses a write that a segment must never see.
pub(super) fn check_range(offset: u64, bytes: usize, size: u64) -> io::Result<()> {
    let end = offset.checked_add(bytes as u64);
    let aligned = offset.is_multiple_of(BLOCK as u64) && bytes.is_multiple_of(BLOCK);
    if aligned && end.is_some_and(|end| end <= size) {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a write that is not aligned or not inside of its file",
        ))
    }
}
