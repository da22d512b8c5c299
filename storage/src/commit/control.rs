//! Rows from outside the beat, and the promise that they are durable and can be read.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use orrery_base::Tick;

use super::{CommitFailure, Shared};
use crate::Batch;

/// Why a control batch is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not yet. Only [`Receipt::wait`] says so, and it can be asked again.
    #[error("the rows are not durable yet")]
    TimedOut,
    /// Too many control batches are waiting: nothing was written, try later.
    #[error("too many writes are waiting for the disk")]
    Full,
    /// The committer had ended: nothing was written.
    #[error("the committer has ended")]
    Finished,
    /// A write failed. If it was this one, it may still turn out to be on the disk when the
    /// store is opened again.
    #[error(transparent)]
    Failed(#[from] CommitFailure),
}

type Outcome = Result<(), ReceiptError>;
type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// The promise that a control batch will be durable, and its rows there for every reader.
#[derive(Debug)]
#[must_use = "a batch is durable only when its receipt says so"]
pub struct Receipt {
    cell: Arc<Cell>,
}

#[derive(Debug)]
struct Cell {
    state: Mutex<State>,
    resolved: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    callback: Option<Callback>,
    waker: Option<Waker>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

impl Cell {
    fn new(outcome: Option<Outcome>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                outcome,
                ..State::default()
            }),
            resolved: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receipt {
    /// The outcome, if it is known.
    #[must_use]
    pub fn outcome(&self) -> Option<Result<(), ReceiptError>> {
        self.cell.lock().outcome.clone()
    }

    /// Waits for the outcome, at most `timeout`. Blocks the thread: for tools and plain
    /// threads; in a task, await the receipt.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`].
    pub fn wait(&self, timeout: Duration) -> Result<(), ReceiptError> {
        let guard = self.cell.lock();
        let (guard, _) = self
            .cell
            .resolved
            .wait_timeout_while(guard, timeout, |state| state.outcome.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        guard.outcome.clone().unwrap_or(Err(ReceiptError::TimedOut))
    }

    /// Calls `callback` with the outcome, on the apply thread, or here and now if it is known
    /// already. The callback must be short and must not wait: the next rows are behind it.
    pub fn on_durable(self, callback: impl FnOnce(Result<(), ReceiptError>) + Send + 'static) {
        let mut state = self.cell.lock();
        match state.outcome.clone() {
            None => state.callback = Some(Box::new(callback)),
            Some(outcome) => {
                drop(state);
                callback(outcome);
            }
        }
    }
}

/// For tasks of any runtime.
impl Future for Receipt {
    type Output = Result<(), ReceiptError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.cell.lock();
        match state.outcome.clone() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The committer's side of a receipt.
#[derive(Debug)]
pub(super) struct Promise {
    cell: Arc<Cell>,
}

impl Promise {
    pub(super) fn resolve(self, outcome: Outcome) {
        let mut state = self.cell.lock();
        state.outcome = Some(outcome.clone());
        let callback = state.callback.take();
        let waker = state.waker.take();
        drop(state);
        self.cell.resolved.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(callback) = callback
            && catch_unwind(AssertUnwindSafe(|| callback(outcome))).is_err()
        {
            // Somebody's reply must not stop everybody's commits.
            tracing::error!("a callback of a receipt panicked");
        }
    }
}

/// A control batch on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) batch: Batch,
    pub(super) promise: Promise,
    /// When the writer saw it first.
    seen: Option<Duration>,
}

/// What the commit thread finds when it looks.
pub(super) enum Due {
    /// Nothing waits.
    Nothing,
    /// Something waits for a beat, until then.
    Until(Duration),
    /// All that has arrived, oldest first.
    Now(Vec<Pending>),
}

/// Control batches that wait for a write.
#[derive(Debug)]
pub(super) struct ControlQueue {
    state: Mutex<QueueState>,
    batches_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct QueueState {
    pending: VecDeque<Pending>,
    bytes: usize,
    closed: Option<ReceiptError>,
}

impl QueueState {
    fn take(&mut self) -> Vec<Pending> {
        self.bytes = 0;
        self.pending.drain(..).collect()
    }
}

impl ControlQueue {
    pub(super) fn new(batches_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::new(QueueState {
                pending: VecDeque::new(),
                bytes: 0,
                closed: None,
            }),
            batches_max,
            bytes_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, batch: Batch) -> Receipt {
        let mut state = self.lock();
        let bytes = batch.memory_bytes();
        let is_full = state.pending.len() >= self.batches_max
            || (state.bytes > 0 && state.bytes.saturating_add(bytes) > self.bytes_max);
        let refused = match &state.closed {
            Some(reason) => Some(reason.clone()),
            None => is_full.then_some(ReceiptError::Full),
        };
        let cell = Cell::new(refused.clone().map(Err));
        if refused.is_none() {
            state.bytes += bytes;
            state.pending.push_back(Pending {
                batch,
                promise: Promise {
                    cell: Arc::clone(&cell),
                },
                seen: None,
            });
        }
        Receipt { cell }
    }

    /// Takes everything if a write is about to happen anyway (`at_once`) or the oldest has
    /// waited for `delay`.
    pub(super) fn take_due(&self, now: Duration, delay: Duration, at_once: bool) -> Due {
        let mut state = self.lock();
        let Some(oldest) = state.pending.front_mut() else {
            return Due::Nothing;
        };
        let until = oldest.seen.get_or_insert(now).saturating_add(delay);
        if at_once || until <= now {
            Due::Now(state.take())
        } else {
            Due::Until(until)
        }
    }

    /// Batches that wait.
    pub(super) fn depth(&self) -> usize {
        self.lock().pending.len()
    }

    /// Refuses everything from now on, for `reason`, and returns what was still waiting.
    pub(super) fn close_and_take(&self, reason: &ReceiptError) -> Vec<Pending> {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| reason.clone());
        state.take()
    }

    /// Refuses everything from now on, and what was still waiting.
    pub(super) fn close(&self, reason: &ReceiptError) {
        for pending in self.close_and_take(reason) {
            pending.promise.resolve(Err(reason.clone()));
        }
    }
}

/// Commits rows from outside the beat: accounts, tokens, names. May be used from any thread
/// but a shard's: it takes a lock for the length of a push.
#[derive(Clone, Debug)]
pub struct ControlPort {
    shared: Arc<Shared>,
}

impl ControlPort {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Hands over a batch that will be written as a whole, after the rows of the beats in the
    /// same write. Batches of one caller keep their order. It must not touch rows that
    /// shards write. The receipt is resolved when the rows are durable **and** can be read.
    pub fn commit(&self, batch: Batch) -> Receipt {
        let receipt = self.shared.control.push(batch);
        self.shared.wake_writer();
        receipt
    }

    /// What is durable.
    #[must_use]
    pub fn durable(&self) -> super::Durable {
        self.shared.durable.clone()
    }

    /// What readers of the store see: a beat comes here a little after it was durable.
    #[must_use]
    pub fn applied(&self) -> super::Durable {
        self.shared.applied.clone()
    }

    /// Says which records of the journal are still wanted; until then, all are. Records of beats
    /// before `wanted_from` go as soon as RocksDB has the rows that lie beside them, by whole
    /// segments of the log. When the log grows beyond its bound of bytes, more goes, but never
    /// what a recovery needs: `recovery_from` and later. See [`crate::prune`] for both.
    pub fn keep_journal(&self, recovery_from: Tick, wanted_from: Tick) {
        self.shared.keep(recovery_from, wanted_from);
        self.shared.wake_writer();
    }
}
