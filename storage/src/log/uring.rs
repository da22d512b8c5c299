//! A disk that is written without the page cache: one submission is a direct write linked to an
//! `fdatasync`, so that a frame costs one system call and one wait.
//!
//! **Invariant:** when [`UringFile::write_durable`] returns or unwinds, the kernel no longer
//! reads the buffer. This is the only place of the crate with `unsafe`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use io_uring::{IoUring, opcode, squeue, types};
use rustix::io::Errno;

use super::folder::{Folder, check_range};
use super::plain::PlainFile;
use super::{BLOCK, Blocks, Disk, LogFile};

const WRITE: u64 = 1;
const SYNC: u64 = 2;
const PROBE: &str = "probe.tmp";

/// `io_uring` with direct writes. All files share one ring: one write at a time.
#[derive(Clone, Debug)]
pub struct UringDisk {
    folder: Folder,
    ring: Arc<Mutex<Ring>>,
}

/// A file of a [`UringDisk`].
#[derive(Debug)]
pub struct UringFile {
    direct: File,
    /// Reads come in any alignment.
    plain: PlainFile,
    ring: Arc<Mutex<Ring>>,
}

struct Ring {
    /// None after a failure of the ring itself.
    uring: Option<IoUring>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

impl UringDisk {
    /// The folder, made if it is not there. Tries one write.
    ///
    /// # Errors
    ///
    /// The kernel refuses `io_uring`, the file system refuses direct writes, or the folder
    /// cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let disk = Self {
            folder: Folder::open(folder)?,
            ring: Arc::new(Mutex::new(Ring {
                uring: Some(IoUring::new(4)?),
            })),
        };
        let tried = disk.try_write();
        let removed = disk.remove(PROBE);
        tried.and(removed)?;
        Ok(disk)
    }

    fn try_write(&self) -> io::Result<()> {
        self.folder.write_all(PROBE, &[0; BLOCK])?;
        let mut blocks = Blocks::new();
        blocks.push(1);
        blocks.pad();
        self.open_file(PROBE)?.write_durable(0, &blocks)?;
        if self.folder.read_all(PROBE)? == blocks.bytes() {
            Ok(())
        } else {
            Err(io::Error::other("a direct write does not read back"))
        }
    }

    fn open_file(&self, name: &str) -> io::Result<UringFile> {
        // The flag's bits fit: they are the kernel's own.
        let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
        let direct = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(self.folder.path(name))?;
        Ok(UringFile {
            direct,
            plain: PlainFile::open(&self.folder, name)?,
            ring: Arc::clone(&self.ring),
        })
    }
}

impl Disk for UringDisk {
    type File = UringFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<UringFile> {
        self.folder.create(name, bytes)?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<UringFile> {
        self.open_file(name)
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

impl LogFile for UringFile {
    fn bytes(&self) -> u64 {
        self.plain.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.plain.read_at(offset, into)
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        check_range(offset, blocks.len(), self.bytes())?;
        // A poisoned ring has lost its `uring`.
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.write_durable(&self.direct, offset, blocks.bytes())
    }
}

impl Ring {
    fn write_durable(&mut self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // Taken out: it comes back only after an orderly end.
        let Some(mut uring) = self.uring.take() else {
            return Err(io::Error::other("the ring has failed before"));
        };
        let length = u32::try_from(bytes.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a write over 4 GiB"))?;
        let fd = types::Fd(file.as_raw_fd());
        let write = opcode::Write::new(fd, bytes.as_ptr(), length)
            .offset(offset)
            .build()
            .flags(squeue::Flags::IO_LINK)
            .user_data(WRITE);
        let sync = opcode::Fsync::new(fd)
            .flags(types::FsyncFlags::DATASYNC)
            .build()
            .user_data(SYNC);
        // SAFETY: the file is open and the buffer is borrowed for the whole call. If the entries
        // are not submitted, the ring is dropped with them here; if they are, `finish` does not
        // return before the kernel has finished with the buffer.
        unsafe {
            uring
                .submission()
                .push_multiple(&[write, sync])
                .map_err(io::Error::other)?;
        }
        let submitted = loop {
            match uring.submit_and_wait(2) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // An error means that none was taken: the ring goes away with its entries.
                done => break done?,
            }
        };
        if submitted == 0 {
            return Err(io::Error::other("the ring took nothing"));
        }
        let [write, sync] = finish(&mut uring, submitted == 2);
        if submitted == 2 {
            self.uring = Some(uring);
        }
        let written = outcome(write)?;
        if written != bytes.len() {
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("the disk took {written} of {} bytes", bytes.len()),
            ));
        }
        outcome(sync).map(|_| ())
    }
}

/// Waits until the write has completed, and the sync if it was submitted too; gives what they
/// said.
fn finish(uring: &mut IoUring, both: bool) -> [Option<i32>; 2] {
    let mut results = [None; 2];
    loop {
        for entry in uring.completion() {
            let index = usize::from(entry.user_data() != WRITE);
            results[index] = Some(entry.result());
        }
        if results[0].is_some() && (!both || results[1].is_some()) {
            return results;
        }
        if let Err(error) = uring.submit_and_wait(1)
            && !PASSING.contains(&error.raw_os_error().unwrap_or_default())
        {
            // The kernel may still read the buffer, and there is no way left to learn when it
            // has finished: giving the memory back could put other bytes on the disk.
            tracing::error!(%error, "the kernel's ring is lost in the middle of a write");
            std::process::abort();
        }
    }
}

/// The errors after which waiting goes on.
const PASSING: [i32; 3] = [
    Errno::INTR.raw_os_error(),
    Errno::AGAIN.raw_os_error(),
    Errno::BUSY.raw_os_error(),
];

fn outcome(result: Option<i32>) -> io::Result<usize> {
    let result = result.ok_or_else(|| io::Error::other("the ring did not take the whole write"))?;
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(result.saturating_neg()))
}
