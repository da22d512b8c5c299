//! The disk under a store's beat log: the host's best, or one that never waits.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::log::{Blocks, Disk, HostDisk, HostFile, LogFile};

/// The folder `log` of a store.
#[derive(Clone, Debug)]
pub enum StoreDisk {
    /// Durable: see [`HostDisk`].
    Host(HostDisk),
    /// Not durable: see [`UnsyncedDisk`].
    Unsynced(UnsyncedDisk),
}

/// A file of a [`StoreDisk`].
#[derive(Debug)]
pub enum StoreFile {
    /// Durable.
    Host(HostFile),
    /// Not durable.
    Unsynced(UnsyncedFile),
}

/// A folder whose files survive the process but not the machine: for stores that are opened
/// without `sync`, and for reading, which makes and changes nothing.
#[derive(Clone, Debug)]
pub struct UnsyncedDisk {
    path: PathBuf,
}

/// A file of an [`UnsyncedDisk`].
#[derive(Debug)]
pub struct UnsyncedFile {
    file: File,
    bytes: u64,
}

impl StoreDisk {
    /// For writing; the folder is made if it is not there.
    pub(super) fn open(path: &Path, sync: bool) -> io::Result<Self> {
        if sync {
            return HostDisk::open(path).map(Self::Host);
        }
        fs::create_dir_all(path)?;
        Ok(Self::for_reading(path))
    }

    /// For reading; the folder need not be there.
    pub(super) fn for_reading(path: &Path) -> Self {
        Self::Unsynced(UnsyncedDisk { path: path.into() })
    }
}

impl UnsyncedDisk {
    fn file(&self, name: &str) -> io::Result<UnsyncedFile> {
        let file = File::options()
            .read(true)
            .write(true)
            .open(self.path.join(name))?;
        let bytes = file.metadata()?.len();
        Ok(UnsyncedFile { file, bytes })
    }
}

impl Disk for UnsyncedDisk {
    type File = UnsyncedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is not ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<UnsyncedFile> {
        File::create(self.path.join(name))?.set_len(bytes)?;
        self.file(name)
    }

    fn open(&self, name: &str) -> io::Result<UnsyncedFile> {
        self.file(name)
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(name))?.len())
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // The log takes away what is left with this ending.
        let unfinished = format!("{name}.tmp");
        fs::write(self.path.join(&unfinished), bytes)?;
        self.rename(&unfinished, name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}

impl LogFile for UnsyncedFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, offset)
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        if offset.saturating_add(blocks.len() as u64) > self.bytes {
            return Err(ErrorKind::InvalidInput.into());
        }
        self.file.write_all_at(blocks.bytes(), offset)
    }
}

impl Disk for StoreDisk {
    type File = StoreFile;

    fn list(&self) -> io::Result<Vec<String>> {
        match self {
            Self::Host(disk) => disk.list(),
            Self::Unsynced(disk) => disk.list(),
        }
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<StoreFile> {
        match self {
            Self::Host(disk) => disk.create(name, bytes).map(StoreFile::Host),
            Self::Unsynced(disk) => disk.create(name, bytes).map(StoreFile::Unsynced),
        }
    }

    fn open(&self, name: &str) -> io::Result<StoreFile> {
        match self {
            Self::Host(disk) => Disk::open(disk, name).map(StoreFile::Host),
            Self::Unsynced(disk) => disk.file(name).map(StoreFile::Unsynced),
        }
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        match self {
            Self::Host(disk) => disk.read_all(name),
            Self::Unsynced(disk) => disk.read_all(name),
        }
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        match self {
            Self::Host(disk) => disk.size(name),
            Self::Unsynced(disk) => disk.size(name),
        }
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Host(disk) => disk.write_all(name, bytes),
            Self::Unsynced(disk) => disk.write_all(name, bytes),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self {
            Self::Host(disk) => disk.rename(from, to),
            Self::Unsynced(disk) => disk.rename(from, to),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match self {
            Self::Host(disk) => disk.remove(name),
            Self::Unsynced(disk) => disk.remove(name),
        }
    }
}

impl LogFile for StoreFile {
    fn bytes(&self) -> u64 {
        match self {
            Self::Host(file) => file.bytes(),
            Self::Unsynced(file) => file.bytes(),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Host(file) => file.read_at(offset, into),
            Self::Unsynced(file) => file.read_at(offset, into),
        }
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        match self {
            Self::Host(file) => file.write_durable(offset, blocks),
            Self::Unsynced(file) => file.write_durable(offset, blocks),
        }
    }
}
