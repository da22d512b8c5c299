//! Rows from outside the beat, and the promise that they are durable.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::{CommitFailure, Shared, wake};
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

/// The promise that a control batch will be durable.
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

    /// Calls `callback` with the outcome, on the commit thread, or here and now if it is known
    /// already. The callback must be short and must not wait: the next beat is behind it.
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
            tracing::error!("a callback of a receipt panicked on the commit thread");
        }
    }
}

/// A control batch on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) batch: Batch,
    pub(super) promise: Promise,
    arrived: Instant,
}

/// What the commit thread finds when it looks.
pub(super) enum Due {
    /// Nothing waits.
    Nothing,
    /// Something waits for a beat, until then.
    Until(Instant),
    /// All that has arrived, oldest first.
    Now(Vec<Pending>),
}

/// Control batches that wait for a write.
#[derive(Debug)]
pub(super) struct ControlQueue {
    state: Mutex<QueueState>,
    batches_max: usize,
}

#[derive(Debug)]
struct QueueState {
    pending: VecDeque<Pending>,
    closed: Option<ReceiptError>,
}

impl ControlQueue {
    pub(super) fn new(batches_max: usize) -> Self {
        Self {
            state: Mutex::new(QueueState {
                pending: VecDeque::new(),
                closed: None,
            }),
            batches_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, batch: Batch) -> Receipt {
        let mut state = self.lock();
        let refused = match &state.closed {
            Some(reason) => Some(reason.clone()),
            None => (state.pending.len() >= self.batches_max).then_some(ReceiptError::Full),
        };
        let cell = Cell::new(refused.clone().map(Err));
        if refused.is_none() {
            state.pending.push_back(Pending {
                batch,
                promise: Promise {
                    cell: Arc::clone(&cell),
                },
                arrived: Instant::now(),
            });
        }
        Receipt { cell }
    }

    /// Takes everything if a write is about to happen anyway (`at_once`) or the oldest has
    /// waited for `delay`.
    pub(super) fn take_due(&self, delay: Duration, at_once: bool) -> Due {
        let mut state = self.lock();
        let Some(oldest) = state.pending.front() else {
            return Due::Nothing;
        };
        let until = oldest.arrived + delay;
        if at_once || until <= Instant::now() {
            Due::Now(state.pending.drain(..).collect())
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
        state.pending.drain(..).collect()
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
    writer: Thread,
}

impl ControlPort {
    pub(super) fn new(shared: Arc<Shared>, writer: Thread) -> Self {
        Self { shared, writer }
    }

    /// Hands over a batch that will be written as a whole, after the rows of the beats in the
    /// same write. Batches of one caller keep their order. It must not touch rows that
    /// shards write.
    pub fn commit(&self, batch: Batch) -> Receipt {
        let receipt = self.shared.control.push(batch);
        wake(&self.writer);
        receipt
    }

    /// What is durable.
    #[must_use]
    pub fn durable(&self) -> super::Durable {
        self.shared.durable.clone()
    }
}
