//! The keeper does what would make a commit wait: it flushes the store when a segment of the log
//! is full, makes the next spare segment, and compresses full ones.
//!
//! What it is to do is in [`Chores`]. The writer puts jobs there and takes their results: only
//! the writer has the log.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::apply::{ApplyQueue, RowSink};
use super::{CommitFailure, Shared};
use crate::log::{Disk, SealError, SealJob, Sealed, Spare, SpareJob};

/// What is to be done, and what has been.
pub(super) struct Chores<D: Disk> {
    state: Mutex<State<D>>,
    signal: Arc<Signal>,
    /// The last frame whose rows are durable in the store.
    flushed: AtomicU64,
}

/// Wakes the keeper; apart from the chores, because it does not know the disk.
#[derive(Debug, Default)]
pub(super) struct Signal {
    changes: Mutex<u64>,
    changed: Condvar,
}

impl Signal {
    pub(super) fn wake(&self) {
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn now(&self) -> u64 {
        *self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something has happened since `seen`.
    fn wait(&self, seen: u64) {
        let guard = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let _guard = self
            .changed
            .wait_while(guard, |changes| *changes == seen)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

struct State<D: Disk> {
    spare: Option<SpareJob<D>>,
    spare_done: Option<io::Result<Spare<D>>>,
    seal: Option<SealJob<D>>,
    seal_done: Option<Result<Sealed<D>, SealError>>,
    /// Frames up to here are to be flushed, as soon as they are applied.
    flush: u64,
    closed: bool,
}

impl<D: Disk> Chores<D> {
    /// `flushed`: the last frame that is durable in the store already.
    pub(super) fn new(signal: Arc<Signal>, flushed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                spare: None,
                spare_done: None,
                seal: None,
                seal_done: None,
                flush: 0,
                closed: false,
            }),
            signal,
            flushed: AtomicU64::new(flushed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    pub(super) fn want_spare(&self, job: SpareJob<D>) {
        self.lock().spare = Some(job);
        self.signal.wake();
    }

    pub(super) fn want_seal(&self, job: SealJob<D>) {
        self.lock().seal = Some(job);
        self.signal.wake();
    }

    /// The rows of the frames up to `frame` shall become durable in the store.
    pub(super) fn want_flush(&self, frame: u64) {
        let mut state = self.lock();
        state.flush = state.flush.max(frame);
        drop(state);
        self.signal.wake();
    }

    pub(super) fn take_spare(&self) -> Option<io::Result<Spare<D>>> {
        self.lock().spare_done.take()
    }

    pub(super) fn take_seal(&self) -> Option<Result<Sealed<D>, SealError>> {
        self.lock().seal_done.take()
    }

    /// Takes a job back that the keeper has not begun: whether there was one.
    pub(super) fn cancel_spare(&self) -> bool {
        self.lock().spare.take().is_some()
    }

    /// The keeper ends after the chore at hand.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.signal.wake();
    }
}

/// Does the chores; without a thread of its own.
pub(super) struct Keeper<D: Disk, S: RowSink> {
    chores: Arc<Chores<D>>,
    sink: Arc<S>,
    queue: Arc<ApplyQueue>,
    shared: Arc<Shared>,
    /// Whether the last chore was a flush: then a compression has its turn, so that neither
    /// starves when segments fill faster than they are dealt with.
    has_flushed: bool,
}

enum Chore<D: Disk> {
    Spare(SpareJob<D>),
    Flush,
    Seal(SealJob<D>),
    Nothing,
    End,
}

impl<D: Disk, S: RowSink> Keeper<D, S> {
    pub(super) fn new(
        chores: Arc<Chores<D>>,
        sink: Arc<S>,
        queue: Arc<ApplyQueue>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            chores,
            sink,
            queue,
            shared,
            has_flushed: false,
        }
    }

    /// Does one chore, if there is one. False if there was none.
    ///
    /// # Errors
    ///
    /// The store could not be flushed: the failure of all commits.
    pub(super) fn turn(&mut self) -> Result<bool, CommitFailure> {
        let chore = self.next();
        self.act(chore)
    }

    /// The life of the thread: until the chores are closed.
    pub(super) fn run(&mut self) -> Result<(), CommitFailure> {
        loop {
            let seen = self.chores.signal.now();
            match self.next() {
                Chore::End => return Ok(()),
                Chore::Nothing => self.chores.signal.wait(seen),
                chore => {
                    self.act(chore)?;
                }
            }
        }
    }

    fn next(&self) -> Chore<D> {
        let mut state = self.chores.lock();
        if self.shared.durable.failed().is_some() {
            return Chore::End;
        }
        if state.closed {
            // One that was handed out is brought to its end: until then its segment cannot go.
            return state.seal.take().map_or(Chore::End, Chore::Seal);
        }
        // What a commit may soon have to wait for comes first.
        if let Some(job) = state.spare.take() {
            return Chore::Spare(job);
        }
        let wanted = state.flush;
        let can_flush = wanted > self.chores.flushed() && self.queue.applied() >= wanted;
        match state.seal.take() {
            Some(job) if self.has_flushed || !can_flush => Chore::Seal(job),
            job => {
                state.seal = job;
                if can_flush {
                    Chore::Flush
                } else {
                    Chore::Nothing
                }
            }
        }
    }

    fn act(&mut self, chore: Chore<D>) -> Result<bool, CommitFailure> {
        self.has_flushed = matches!(chore, Chore::Flush);
        match chore {
            Chore::Nothing | Chore::End => return Ok(false),
            Chore::Spare(job) => {
                let done = job.run();
                self.chores.lock().spare_done = Some(done);
            }
            Chore::Seal(job) => {
                let done = job.run();
                self.chores.lock().seal_done = Some(done);
            }
            Chore::Flush => {
                // What is applied from here on may or may not be in it.
                let applied = self.queue.applied();
                self.sink.flush().map_err(|error| {
                    CommitFailure::new(None, format!("the store could not be flushed: {error}"))
                })?;
                self.chores.flushed.store(applied, Ordering::Release);
            }
        }
        self.shared.wake_writer();
        Ok(true)
    }
}
