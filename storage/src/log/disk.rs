//! What the log asks of a disk, so that a simulator can stand in for it.
//!
//! A [`Disk`] is one flat folder. Everything that changes the folder is durable when it returns.

use std::fmt::Debug;
use std::io;

/// Unit of every write to a segment, in bytes: offsets and lengths are multiples of it.
pub const BLOCK: usize = 4096;

/// One folder of files. Cloning gives another handle of the same folder, for another thread.
pub trait Disk: Debug + Clone + Send + Sync + 'static {
    /// An open file.
    type File: LogFile;

    /// Names of all files, in any order.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file of `bytes` (a multiple of [`BLOCK`]) zeros, allocated **and** written, so
    /// that later writes into it change no metadata. The file and its name are durable when
    /// this returns; a file of that name is replaced. After a crash the name is there with all
    /// zeros, or not at all.
    ///
    /// # Errors
    ///
    /// No room, or the disk fails.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Self::File>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    ///
    /// It is not there, or the disk fails.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// The whole content.
    ///
    /// # Errors
    ///
    /// It is not there, or the disk fails.
    fn read_all(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Bytes of a file.
    ///
    /// # Errors
    ///
    /// It is not there, or the disk fails.
    fn size(&self, name: &str) -> io::Result<u64>;

    /// Makes a file with this content, as a whole or not at all, durable when it returns; a
    /// file of that name is replaced.
    ///
    /// # Errors
    ///
    /// No room, or the disk fails.
    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file another name, durably; open handles stay valid.
    ///
    /// # Errors
    ///
    /// It is not there, or the disk fails.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, durably.
    ///
    /// # Errors
    ///
    /// It is not there, or the disk fails.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// One open file of fixed size.
pub trait LogFile: Debug + Send + 'static {
    /// Its size.
    fn bytes(&self) -> u64;

    /// Fills `into` with what is at `offset` (both of any alignment).
    ///
    /// # Errors
    ///
    /// The range is not inside of the file, or the disk fails.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;

    /// Writes the blocks at `offset`, a multiple of [`BLOCK`]; they and everything written to
    /// this file before are durable when it returns. If it fails or the power does, any part
    /// of the write may be on the disk.
    ///
    /// # Errors
    ///
    /// The disk fails, or the range is not inside of the file.
    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()>;
}

/// A growing buffer that starts at an address which is a multiple of [`BLOCK`], as a disk wants
/// it that is written without the page cache. Keeps its memory when cleared.
#[derive(Debug, Default)]
pub struct Blocks {
    memory: Vec<u8>,
    /// First used byte of `memory`: the one at an aligned address.
    start: usize,
    used: usize,
}

impl Blocks {
    /// An empty buffer without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            memory: Vec::new(),
            start: 0,
            used: 0,
        }
    }

    /// Forgets the content and keeps the memory.
    pub const fn clear(&mut self) {
        self.used = 0;
    }

    /// Bytes in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let at = self.start + self.used;
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    /// Appends one byte.
    pub fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Appends zeros until the length is a multiple of [`BLOCK`].
    pub fn pad(&mut self) {
        let missing = self.used.next_multiple_of(BLOCK) - self.used;
        self.extend(&[0; BLOCK][..missing]);
    }

    /// The content.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.used]
    }

    /// The content, to change it.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.used]
    }

    fn reserve(&mut self, more: usize) {
        let wanted = self.used + more;
        if self.start + wanted <= self.memory.len() {
            return;
        }
        let room = wanted.next_power_of_two().max(16 * BLOCK);
        let mut memory = vec![0; room + BLOCK];
        let start = memory.as_ptr().align_offset(BLOCK);
        memory[start..start + self.used].copy_from_slice(self.bytes());
        self.memory = memory;
        self.start = start;
    }
}

#[cfg(test)]
mod tests;
