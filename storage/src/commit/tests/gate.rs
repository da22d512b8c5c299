//! A disk that says when a frame is written and waits for the test's word how that ends.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::log::simulated::{SimulatedDisk, SimulatedFile};
use crate::log::{Blocks, Disk, LogFile};

#[derive(Clone, Copy)]
pub(super) enum Word {
    Write,
    Fail,
    Panic,
}

#[derive(Clone, Debug)]
pub(super) struct GateDisk {
    inner: SimulatedDisk,
    gate: Arc<Mutex<Ends>>,
}

#[derive(Debug)]
struct Ends {
    begun: Sender<()>,
    word: Receiver<Word>,
}

#[derive(Debug)]
pub(super) struct GateFile {
    inner: SimulatedFile,
    gate: Arc<Mutex<Ends>>,
}

impl GateDisk {
    pub(super) fn new() -> (Self, Receiver<()>, Sender<Word>) {
        let (begun, is_begun) = channel();
        let (say, word) = channel();
        let disk = Self {
            inner: SimulatedDisk::new(1),
            gate: Arc::new(Mutex::new(Ends { begun, word })),
        };
        (disk, is_begun, say)
    }

    fn file(&self, inner: SimulatedFile) -> GateFile {
        let gate = Arc::clone(&self.gate);
        GateFile { inner, gate }
    }
}

impl Disk for GateDisk {
    type File = GateFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<GateFile> {
        self.inner.create(name, bytes).map(|file| self.file(file))
    }

    fn open(&self, name: &str) -> io::Result<GateFile> {
        self.inner.open(name).map(|file| self.file(file))
    }

    fn read_all(&self, name: &str) -> io::Result<Vec<u8>> {
        self.inner.read_all(name)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        self.inner.size(name)
    }

    fn write_all(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(name, bytes)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
}

impl LogFile for GateFile {
    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.inner.read_at(offset, into)
    }

    fn write_durable(&mut self, offset: u64, blocks: &Blocks) -> io::Result<()> {
        // The head of a segment is not a frame.
        if offset > 0 {
            let gate = self.gate.lock().unwrap_or_else(|gate| gate.into_inner());
            let _ = gate.begun.send(());
            match gate.word.recv() {
                Ok(Word::Fail) => return Err(io::Error::other("the disk is on fire")),
                Ok(Word::Panic) => panic!("the disk is broken"),
                // Without a test at the gate, everything passes.
                Ok(Word::Write) | Err(_) => {}
            }
        }
        self.inner.write_durable(offset, blocks)
    }
}
