//! The best disk that the host offers.

use std::io;
use std::path::Path;

use super::plain::{PlainDisk, PlainFile};
use super::uring::{UringDisk, UringFile};
use super::{Blocks, Disk, LogFile};

/// [`UringDisk`] where the kernel and the file system let it, else [`PlainDisk`].
#[derive(Clone, Debug)]
pub enum HostDisk {
    /// Direct writes.
    Uring(UringDisk),
    /// Through the page cache.
    Plain(PlainDisk),
}

/// A file of a [`HostDisk`].
#[derive(Debug)]
pub enum HostFile {
    /// Direct writes.
    Uring(UringFile),
    /// Through the page cache.
    Plain(PlainFile),
}

impl HostDisk {
    /// The folder, made if it is not there. Says in the log which disk it is.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or written.
    pub fn open(folder: &Path) -> io::Result<Self> {
        match UringDisk::open(folder) {
            Ok(disk) => {
                tracing::info!("the beat log is written by io_uring, direct");
                Ok(Self::Uring(disk))
            }
            Err(error) => {
                let disk = PlainDisk::open(folder)?;
                tracing::warn!(%error, "the beat log is written through the page cache");
                Ok(Self::Plain(disk))
            }
        }
    }
}

impl Disk for HostDisk {
    type File = HostFile;

    fn list(&self) -> io::Result<Vec<String>> {
        match self {
            Self::Uring(disk) => disk.list(),
            Self::Plain(disk) => disk.list(),
        }
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<HostFile> {
        match self {
            Self::Uring(disk) => disk.create(name, bytes).map(HostFile::Uring),
            Self::Plain(disk) => disk.create(name, bytes).map(HostFile::Plain),
        }
    }

    fn open(&self, name: &str) -> io::Result<HostFile> {
        match self {
            Self::Uring(disk) => Disk::open(disk, name).map(HostFile::Uring),
            Self::Plain(disk) => Disk::open(disk, name).map(HostFile::Plain),
        }
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        match self {
            Self::Uring(disk) => disk.read_all(name),
            Self::Plain(disk) => disk.read_all(name),
        }
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        match self {
            Self::Uring(disk) => disk.size(name),
            Self::Plain(disk) => disk.size(name),
        }
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Uring(disk) => disk.write_all(name, bytes),
            Self::Plain(disk) => disk.write_all(name, bytes),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self {
            Self::Uring(disk) => disk.rename(from, to),
            Self::Plain(disk) => disk.rename(from, to),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self {
            Self::Uring(disk) => disk.remove(name),
            Self::Plain(disk) => disk.remove(name),
        }
    }
}

impl LogFile for HostFile {
    fn bytes(&self) -> u64 {
        match self {
            Self::Uring(file) => file.bytes(),
            Self::Plain(file) => file.bytes(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Uring(file) => file.read_at(offset, into),
            Self::Plain(file) => file.read_at(offset, into),
        }
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        match self {
            Self::Uring(file) => file.write_durable(offset, blocks),
            Self::Plain(file) => file.write_durable(offset, blocks),
        }
    }
}
