//! A disk that is written through the page cache: for kernels and file systems that refuse
//! `io_uring` or direct writes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::folder::{Folder, check_range};
use super::{Blocks, Disk, LogFile};

/// `pwrite` and `fdatasync`.
#[derive(Clone, Debug)]
pub struct PlainDisk {
    folder: Folder,
}

/// A file of a [`PlainDisk`].
#[derive(Debug)]
pub struct PlainFile {
    file: File,
    bytes: u64,
}

impl PlainDisk {
    /// The folder, made if it is not there.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(folder)?,
        })
    }
}

impl Disk for PlainDisk {
    type File = PlainFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<PlainFile> {
        self.folder.create(name, bytes)?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<PlainFile> {
        PlainFile::open(&self.folder, name)
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder.read_all(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.folder.size(name)
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.folder.write_all(name, bytes)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }
}

impl PlainFile {
    pub(super) fn open(folder: &Folder, name: &str) -> io::Result<Self> {
        let path = folder.path(name);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

impl LogFile for PlainFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, offset)
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        check_range(offset, blocks.len(), self.bytes)?;
        self.file.write_all_at(blocks.bytes(), offset)?;
        self.file.sync_data()
    }
}
