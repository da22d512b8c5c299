//! From the log into the rows: the applier takes what is durable and makes it readable.
//!
//! Rows wait in a queue that is bounded in bytes. As long as it has room, a slow store delays
//! nothing but the receipts; when it is full, commits wait, then submissions, then the world.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use orrery_base::Tick;

use super::control::Promise;
use super::{CommitFailure, ReceiptError, Shared};
use crate::Batch;

/// A store's own words about what went wrong.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Where the rows of durable frames go: RocksDB, or a map in the simulator.
///
/// Contract:
/// - When [`RowSink::apply`] returns, readers see the rows, all of the batch or none. After a
///   crash the sink holds a prefix of what was applied, cut between two frames, and
///   [`RowSink::applied`] says which: the rows behind it are applied again from the log.
/// - When [`RowSink::flush`] returns, everything applied before the call survives a power cut.
/// - `apply` is called by one thread, `flush` by another, possibly at the same time.
/// - After an error the sink is not called again.
pub trait RowSink: Send + Sync + 'static {
    /// Number of the last frame whose rows are in the sink; 0 if there was none.
    ///
    /// # Errors
    ///
    /// Anything.
    fn applied(&self) -> Result<u64, SinkError>;

    /// Changes the rows and notes the frame's number with them.
    ///
    /// # Errors
    ///
    /// Anything.
    fn apply(&self, frame: u64, rows: &Batch) -> Result<(), SinkError>;

    /// Makes what was applied durable.
    ///
    /// # Errors
    ///
    /// Anything.
    fn flush(&self) -> Result<(), SinkError>;
}

/// Rows of a durable frame on their way.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) frame: u64,
    pub(super) through: Option<Tick>,
    pub(super) rows: Batch,
    pub(super) promises: Vec<Promise>,
}

/// Between the commit and the applier.
#[derive(Debug)]
pub(super) struct ApplyQueue {
    state: Mutex<State>,
    changed: Condvar,
    bytes_max: usize,
    /// The last frame that readers see.
    applied: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Of the waiting ones and of the one at hand.
    bytes: usize,
    /// Batches that have done their work, for their memory.
    spare: Vec<Batch>,
    closed: bool,
}

/// Batches that are kept for their memory.
const SPARES_MAX: usize = 4;
/// A batch that is larger than this is not kept.
const SPARE_BYTES_MAX: usize = 32 << 20;

impl ApplyQueue {
    pub(super) fn new(bytes_max: usize, applied: u64) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            bytes_max,
            applied: AtomicU64::new(applied),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another frame may be written. One frame always may, however large.
    pub(super) fn has_room(&self) -> bool {
        self.lock().bytes < self.bytes_max
    }

    /// Frames and bytes that wait.
    pub(super) fn depth(&self) -> (usize, usize) {
        let state = self.lock();
        (state.waiting.len(), state.bytes)
    }

    /// The last frame that readers see.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    pub(super) fn push(&self, work: Work) {
        let mut state = self.lock();
        state.bytes += work.rows.memory_bytes();
        state.waiting.push_back(work);
        drop(state);
        self.changed.notify_all();
    }

    /// An empty batch, with memory if there is one.
    pub(super) fn spare(&self) -> Batch {
        self.lock().spare.pop().unwrap_or_default()
    }

    /// Nothing will be pushed any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes away everything that waits.
    fn drain(&self) -> VecDeque<Work> {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        std::mem::take(&mut state.waiting)
    }

    /// The oldest work, if there is any; waits for it if `wait`. None with `wait` means that the
    /// queue is closed and empty.
    fn take(&self, wait: bool) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            if state.closed || !wait {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, frame: u64, mut rows: Batch) {
        self.applied.store(frame, Ordering::Release);
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(rows.memory_bytes());
        if state.spare.len() < SPARES_MAX && rows.memory_bytes() <= SPARE_BYTES_MAX {
            rows.clear();
            state.spare.push(rows);
        }
    }
}

/// Applies what the log has; without a thread of its own.
pub(super) struct Applier<S: RowSink> {
    sink: Arc<S>,
    queue: Arc<ApplyQueue>,
    shared: Arc<Shared>,
    /// Here and not on the stack, so that even a panic of the sink leaves them to be answered.
    promises: Vec<Promise>,
}

impl<S: RowSink> Applier<S> {
    pub(super) fn new(sink: Arc<S>, queue: Arc<ApplyQueue>, shared: Arc<Shared>) -> Self {
        Self {
            sink,
            queue,
            shared,
            promises: Vec::new(),
        }
    }

    /// Applies one frame, if one waits. False if there was none.
    ///
    /// # Errors
    ///
    /// The sink's, as the failure of all commits.
    pub(super) fn turn(&mut self) -> Result<bool, CommitFailure> {
        match self.queue.take(false) {
            Some(work) => self.apply(work).map(|()| true),
            None => Ok(false),
        }
    }

    /// The life of the thread: until the queue is closed and empty.
    pub(super) fn run(&mut self) -> Result<(), CommitFailure> {
        while let Some(work) = self.queue.take(true) {
            self.apply(work)?;
        }
        Ok(())
    }

    fn apply(&mut self, work: Work) -> Result<(), CommitFailure> {
        if let Some(failure) = self.shared.durable.failed() {
            self.promises = work.promises;
            return Err(failure);
        }
        self.promises = work.promises;
        let begun = Instant::now();
        self.sink.apply(work.frame, &work.rows).map_err(|error| {
            CommitFailure::new(work.through, format!("the store took no rows: {error}"))
        })?;
        self.shared.stats.record_apply(begun.elapsed());
        self.queue.done(work.frame, work.rows);
        if let Some(beat) = work.through {
            self.shared.applied.publish(beat);
        }
        for promise in self.promises.drain(..) {
            promise.resolve(Ok(()));
        }
        self.shared.wake_writer();
        self.shared.wake_keeper();
        Ok(())
    }

    /// Answers everybody who still waits, after a failure.
    pub(super) fn give_up(&mut self, failure: &CommitFailure) {
        let waiting = self.queue.drain();
        let promises = waiting.into_iter().flat_map(|work| work.promises);
        for promise in self.promises.drain(..).chain(promises) {
            promise.resolve(Err(ReceiptError::Failed(failure.clone())));
        }
    }
}
