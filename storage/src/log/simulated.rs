//! A disk in memory that fails as disks do, the same way for the same seed and the same calls.
//!
//! - **Power** can fail in the middle of any call ([`Faults::power_fails_in`]) or between calls
//!   ([`SimulatedDisk::lose_power`]): of what was written and not yet made durable, every
//!   sector of [`SECTOR`] bytes is either there or not, each for itself. Calls fail until
//!   [`SimulatedDisk::power_on`], and files that were open stay dead. A kill of the process is
//!   simulated by dropping the log: what was written stays visible, but is not durable yet.
//! - **Errors**: a durable write fails with EIO and may be on the disk or not; a full disk.
//! - **Slowness** is only counted: whoever simulates time reads [`Counters::nanos`].
//! - **Rot**: [`SimulatedDisk::flip`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orrery_base::rng::philox;

use super::folder::check_range;
use super::scan::UNFINISHED_SUFFIX;
use super::{Blocks, Disk, LogFile};

/// What a failing disk writes as a whole or not at all, bytes.
pub const SECTOR: usize = 512;

/// What goes wrong, and how long things take. The default is a good disk that takes no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Bytes of all files beyond which the disk is full.
    pub capacity: Option<u64>,
    /// The power fails during the changing call after this many (0: the next one).
    pub power_fails_in: Option<u64>,
    /// The durable write after this many fails with EIO (0: the next one).
    pub write_fails_in: Option<u64>,
    /// Every read fails with EIO.
    pub reads_fail: bool,
    /// Of every file that is written as a whole, one bit is changed.
    pub files_rot: bool,
    /// Time that a durable write takes, nanoseconds.
    pub sync_nanos: u64,
    /// One durable write in this many is slow; 0 for none.
    pub slow_one_in: u32,
    /// What a slow one takes in addition, nanoseconds.
    pub slow_nanos: u64,
}

/// What the disk has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that change something.
    pub changes: u64,
    /// Durable writes.
    pub syncs: u64,
    /// Slow ones among them.
    pub slow_syncs: u64,
    /// Bytes of durable writes.
    pub bytes: u64,
    /// Simulated time of all of it.
    pub nanos: u64,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

/// A file of a [`SimulatedDisk`].
#[derive(Debug)]
pub struct SimulatedFile {
    state: Arc<Mutex<State>>,
    inode: u64,
    bytes: u64,
    /// Of the disk when the file was opened.
    power_cycle: u64,
}

#[derive(Debug)]
struct State {
    seed: u64,
    draws: u64,
    names: BTreeMap<String, u64>,
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    power_cycle: u64,
    off: bool,
    faults: Faults,
    counters: Counters,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    /// What a reader sees.
    content: Vec<u8>,
    /// Sectors that are not durable, and what they held before.
    before: BTreeMap<usize, Vec<u8>>,
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    /// The power fails now.
    PowerFails,
}

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                seed,
                draws: 0,
                names: BTreeMap::new(),
                inodes: BTreeMap::new(),
                next_inode: 0,
                power_cycle: 0,
                off: false,
                faults: Faults::default(),
                counters: Counters::default(),
            })),
        }
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// What still will go wrong.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.lock().faults
    }

    /// What the disk has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Bytes of all files.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.lock().used()
    }

    /// The power fails now. What was not durable is there or not, sector by sector.
    pub fn lose_power(&self) {
        self.lock().lose_power();
    }

    /// Whether the power has failed.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.lock().off
    }

    /// The power is back; planned failures of power and writes are forgotten.
    pub fn power_on(&self) {
        let mut state = self.lock();
        state.off = false;
        state.faults.power_fails_in = None;
        state.faults.write_fails_in = None;
    }

    /// Changes bits of one byte of a file: rot. Does nothing if there is no such byte.
    pub fn flip(&self, name: &str, offset: u64, bits: u8) {
        let mut state = self.lock();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Ok(inode) = state.inode(name)
            && let Some(byte) = inode.content.get_mut(offset)
        {
            *byte ^= bits;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A panic elsewhere leaves a state that is as good as after a crash.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn power_is_off() -> io::Error {
    io::Error::other("the simulated disk has no power")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn eio() -> io::Error {
    rustix::io::Errno::IO.into()
}

impl State {
    fn draw(&mut self, below: u32) -> u32 {
        let counter = [self.draws as u32, (self.draws >> 32) as u32, 0, 0];
        self.draws += 1;
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        philox(counter, key)[0] % below
    }

    fn used(&self) -> u64 {
        let bytes = |inode: &u64| self.inodes.get(inode).map_or(0, |i| i.content.len() as u64);
        self.names.values().map(bytes).sum()
    }

    fn inode(&mut self, name: &str) -> io::Result<&mut Inode> {
        let inode = self.names.get(name).ok_or_else(not_found)?;
        self.inodes.get_mut(inode).ok_or_else(not_found)
    }

    fn check_read(&self) -> io::Result<()> {
        if self.off {
            return Err(power_is_off());
        }
        if self.faults.reads_fail {
            return Err(eio());
        }
        Ok(())
    }

    /// Counts a changing call and says whether the power fails in it.
    fn begin_change(&mut self) -> io::Result<Fate> {
        if self.off {
            return Err(power_is_off());
        }
        self.counters.changes += 1;
        match &mut self.faults.power_fails_in {
            Some(0) => {
                self.faults.power_fails_in = None;
                Ok(Fate::PowerFails)
            }
            Some(left) => {
                *left -= 1;
                Ok(Fate::Done)
            }
            None => Ok(Fate::Done),
        }
    }

    fn lose_power(&mut self) {
        let mut inodes = std::mem::take(&mut self.inodes);
        inodes.retain(|number, _| self.names.values().any(|named| named == number));
        for inode in inodes.values_mut() {
            for (sector, before) in std::mem::take(&mut inode.before) {
                if self.draw(2) == 0 {
                    let at = sector * SECTOR;
                    inode.content[at..at + before.len()].copy_from_slice(&before);
                }
            }
        }
        self.inodes = inodes;
        self.power_cycle += 1;
        self.off = true;
    }

    fn check_room(&self, more: u64) -> io::Result<()> {
        match self.faults.capacity {
            Some(capacity) if self.used() + more > capacity => Err(rustix::io::Errno::NOSPC.into()),
            _ => Ok(()),
        }
    }

    fn put(&mut self, name: &str, content: Vec<u8>) {
        let number = self.next_inode;
        self.next_inode += 1;
        self.names.insert(name.to_owned(), number);
        let before = BTreeMap::new();
        self.inodes.insert(number, Inode { content, before });
    }

    /// A whole file: unfinished, done or not begun if the power fails.
    fn put_durable(&mut self, name: &str, content: Vec<u8>) -> io::Result<()> {
        let fate = self.begin_change()?;
        self.check_room(content.len() as u64)?;
        if fate == Fate::Done {
            self.put(name, content);
            return Ok(());
        }
        match self.draw(3) {
            0 => {}
            1 => {
                let part = self.draw(content.len() as u32 + 1) as usize;
                let unfinished = format!("{name}{UNFINISHED_SUFFIX}");
                self.put(&unfinished, content[..part].to_vec());
            }
            _ => self.put(name, content),
        }
        self.lose_power();
        Err(power_is_off())
    }

    /// A change of the folder: done or not if the power fails.
    fn change_names(&mut self, change: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        let fate = self.begin_change()?;
        if fate == Fate::Done {
            return change(self);
        }
        let changed = if self.draw(2) == 0 {
            change(self)
        } else {
            Ok(())
        };
        self.lose_power();
        changed.and(Err(power_is_off()))
    }

    fn count_sync(&mut self, bytes: usize) {
        self.counters.syncs += 1;
        self.counters.bytes += bytes as u64;
        self.counters.nanos += self.faults.sync_nanos;
        if self.faults.slow_one_in > 0 && self.draw(self.faults.slow_one_in) == 0 {
            self.counters.slow_syncs += 1;
            self.counters.nanos += self.faults.slow_nanos;
        }
    }

    fn write_durable(&mut self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let fate = self.begin_change()?;
        let fails = match &mut self.faults.write_fails_in {
            Some(0) => {
                self.faults.write_fails_in = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        let inode = self.inodes.get_mut(&number).ok_or_else(not_found)?;
        check_range(offset, bytes.len(), inode.content.len() as u64)?;
        inode.write(offset as usize, bytes);
        if fate == Fate::PowerFails {
            self.lose_power();
            return Err(power_is_off());
        }
        if fails {
            return Err(eio());
        }
        inode.before.clear();
        self.count_sync(bytes.len());
        Ok(())
    }
}

impl Inode {
    /// Visible, not durable. The range is inside and made of whole sectors.
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        for (index, sector) in bytes.chunks(SECTOR).enumerate() {
            let at = offset + index * SECTOR;
            let there = &mut self.content[at..at + sector.len()];
            self.before
                .entry(at / SECTOR)
                .or_insert_with(|| there.to_vec());
            there.copy_from_slice(sector);
        }
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.lock();
        state.check_read()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<SimulatedFile> {
        let zeros = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
        self.lock().put_durable(name, zeros)?;
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<SimulatedFile> {
        let mut state = self.lock();
        state.check_read()?;
        let bytes = state.inode(name)?.content.len() as u64;
        Ok(SimulatedFile {
            state: Arc::clone(&self.state),
            inode: state.names.get(name).copied().ok_or_else(not_found)?,
            bytes,
            power_cycle: state.power_cycle,
        })
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut state = self.lock();
        state.check_read()?;
        Ok(state.inode(name)?.content.clone())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let mut state = self.lock();
        state.check_read()?;
        Ok(state.inode(name)?.content.len() as u64)
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let mut content = bytes.to_vec();
        if state.faults.files_rot && !content.is_empty() {
            let at = state.draw(u32::try_from(content.len()).unwrap_or(u32::MAX)) as usize;
            content[at] ^= 1 << state.draw(8);
        }
        state.put_durable(name, content)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.lock().change_names(|state| {
            let inode = state.names.remove(from).ok_or_else(not_found)?;
            state.names.insert(to.to_owned(), inode);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.lock().change_names(|state| {
            let removed = state.names.remove(name);
            removed.map(|_| ()).ok_or_else(not_found)
        })
    }
}

impl SimulatedFile {
    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = lock(&self.state);
        if state.off || state.power_cycle != self.power_cycle {
            return Err(power_is_off());
        }
        Ok(state)
    }
}

impl LogFile for SimulatedFile {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let state = self.lock()?;
        state.check_read()?;
        let inode = state.inodes.get(&self.inode).ok_or_else(not_found)?;
        let at = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = at.saturating_add(into.len());
        let there = inode.content.get(at..end);
        into.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        self.lock()?
            .write_durable(self.inode, offset, blocks.bytes())
    }
}
