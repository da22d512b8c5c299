//! From the log into the rows: the applier takes what is durable and makes it readable.
//!
//! Rows wait in a queue that is bounded in bytes. As long as it has room, a slow store delays
//! nothing but the receipts; when it is full, commits wait, then submissions, then the world.
//!
//! Frames that wait together are applied together, as one batch in which each row is written once
//! ([`super::merge`]): so the further behind a store is, the less it has to do for each beat.
//! Where beats are heavy the applier lets them gather for a moment; never while somebody waits
//! for a receipt.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use orrery_base::Tick;

use super::control::Promise;
use super::merge::Merge;
use super::{CommitFailure, CommitOptions, ReceiptError, Shared};
use crate::Batch;

/// A store's own words about what went wrong.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Where the rows of durable frames go: RocksDB, or a map in the simulator.
///
/// Contract:
/// - When [`RowSink::apply`] returns, readers see the rows; until then all of the batch or none.
///   After a crash the sink holds a prefix of what was applied, cut between two calls, and
///   [`RowSink::applied`] says which: the rows behind it are applied again from the log.
/// - A call has the rows of one frame or of several ones that follow each other, and begins with
///   the frame after the last one of the call before.
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

    /// Changes the rows to what they are after the last of these frames, and notes its number
    /// with them.
    ///
    /// # Errors
    ///
    /// Anything.
    fn apply(&self, frames: RangeInclusive<u64>, rows: &Batch) -> Result<(), SinkError>;

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
    pub(super) pushed: Instant,
}

/// Between the commit and the applier.
#[derive(Debug)]
pub(super) struct ApplyQueue {
    state: Mutex<State>,
    changed: Condvar,
    bytes_max: usize,
    gather_bytes_max: usize,
    gather_delay: Duration,
    /// The last frame that readers see.
    applied: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Of the waiting ones.
    waiting_bytes: usize,
    /// Receipts that wait for them.
    promises: usize,
    /// Of the waiting ones and of those at hand.
    bytes: usize,
    /// Batches that have done their work, for their memory.
    spare: Vec<Batch>,
    closed: bool,
}

/// Batches that are kept for their memory.
const SPARES_MAX: usize = 4;
/// A batch that is larger than this is not kept.
const SPARE_BYTES_MAX: usize = 32 << 20;
/// Frames below this many bytes, on average, are not let gather: they cost little, and whoever
/// reads the store sees them sooner.
const GATHER_FRAME_BYTES_MIN: usize = 128 << 10;

impl ApplyQueue {
    pub(super) fn new(options: &CommitOptions, applied: u64) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            bytes_max: options.apply_bytes_max,
            // No commit is to wait for what is only gathering.
            gather_bytes_max: options
                .gather_bytes_max
                .min(options.apply_bytes_max / 2)
                .max(1),
            gather_delay: options.gather_delay,
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
        state.waiting_bytes += work.rows.memory_bytes();
        state.promises += work.promises.len();
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
        (state.bytes, state.waiting_bytes, state.promises) = (0, 0, 0);
        std::mem::take(&mut state.waiting)
    }

    /// What is to be applied next, oldest first: everything that waits, up to the bound of bytes,
    /// one frame at least. Waits for it if `wait`, and may let it gather. Empty with `wait` means
    /// that the queue is closed and empty.
    fn take(&self, wait: bool) -> Vec<Work> {
        let mut state = self.lock();
        loop {
            if state.waiting.is_empty() {
                if state.closed || !wait {
                    return Vec::new();
                }
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let left = self.gather_for(&state);
            if !wait || left.is_zero() {
                return state.pop(self.gather_bytes_max);
            }
            let woken = self.changed.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How long what waits is still to wait for more.
    fn gather_for(&self, state: &State) -> Duration {
        let is_light = state.waiting_bytes < state.waiting.len() * GATHER_FRAME_BYTES_MIN;
        let is_much = state.waiting_bytes >= self.gather_bytes_max;
        match state.waiting.front() {
            Some(oldest) if !is_light && !is_much && state.promises == 0 && !state.closed => {
                self.gather_delay.saturating_sub(oldest.pushed.elapsed())
            }
            _ => Duration::ZERO,
        }
    }

    fn done(&self, frame: u64, works: Vec<Work>) {
        self.applied.store(frame, Ordering::Release);
        let mut state = self.lock();
        for Work { mut rows, .. } in works {
            state.bytes = state.bytes.saturating_sub(rows.memory_bytes());
            if state.spare.len() < SPARES_MAX && rows.memory_bytes() <= SPARE_BYTES_MAX {
                rows.clear();
                state.spare.push(rows);
            }
        }
    }
}

impl State {
    fn pop(&mut self, bytes_max: usize) -> Vec<Work> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < bytes_max
            && let Some(work) = self.waiting.pop_front()
        {
            bytes += work.rows.memory_bytes();
            self.waiting_bytes = self.waiting_bytes.saturating_sub(work.rows.memory_bytes());
            self.promises -= work.promises.len();
            taken.push(work);
        }
        taken
    }
}

/// Applies what the log has; without a thread of its own.
pub(super) struct Applier<S: RowSink> {
    sink: Arc<S>,
    queue: Arc<ApplyQueue>,
    shared: Arc<Shared>,
    merge: Merge,
    /// Here and not on the stack, so that even a panic of the sink leaves them to be answered.
    promises: Vec<Promise>,
}

impl<S: RowSink> Applier<S> {
    pub(super) fn new(sink: Arc<S>, queue: Arc<ApplyQueue>, shared: Arc<Shared>) -> Self {
        Self {
            sink,
            queue,
            shared,
            merge: Merge::default(),
            promises: Vec::new(),
        }
    }

    /// Applies what waits, up to the bound of one application. False if there was nothing.
    ///
    /// # Errors
    ///
    /// The sink's, as the failure of all commits.
    pub(super) fn turn(&mut self) -> Result<bool, CommitFailure> {
        let works = self.queue.take(false);
        let is_any = !works.is_empty();
        self.apply(works).map(|()| is_any)
    }

    /// The life of the thread: until the queue is closed and empty.
    pub(super) fn run(&mut self) -> Result<(), CommitFailure> {
        loop {
            let works = self.queue.take(true);
            if works.is_empty() {
                return Ok(());
            }
            self.apply(works)?;
        }
    }

    fn apply(&mut self, mut works: Vec<Work>) -> Result<(), CommitFailure> {
        let (Some(first), Some(last)) = (works.first(), works.last()) else {
            return Ok(());
        };
        let frames = first.frame..=last.frame;
        let through = works.iter().filter_map(|work| work.through).max();
        for work in &mut works {
            self.promises.append(&mut work.promises);
        }
        if let Some(failure) = self.shared.durable.failed() {
            return Err(failure);
        }
        let begun = Instant::now();
        let rows = match works.as_slice() {
            [work] => &work.rows,
            several => self.merge.merge(several.iter().map(|work| &work.rows)),
        };
        self.sink.apply(frames.clone(), rows).map_err(|error| {
            CommitFailure::new(through, format!("the store took no rows: {error}"))
        })?;
        self.shared.stats.record_apply(begun.elapsed(), works.len());
        self.merge.shrink(SPARE_BYTES_MAX);
        self.queue.done(*frames.end(), works);
        if let Some(beat) = through {
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
