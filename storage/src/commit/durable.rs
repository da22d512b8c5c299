//! What is on disk, as everybody may see it.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use orrery_base::Tick;

/// What ended all writing: a write of the log, or rows that the store did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitFailure {
    /// Last beat of the write; none if it held no beat.
    pub beat: Option<Tick>,
    /// The words of the disk or the store.
    pub reason: Arc<str>,
}

impl CommitFailure {
    pub(super) fn new(beat: Option<Tick>, reason: impl Into<Arc<str>>) -> Self {
        Self {
            beat,
            reason: reason.into(),
        }
    }

    pub(super) fn thread_lost(thread: &str) -> Self {
        Self::new(None, format!("the {thread} thread ended without a word"))
    }

    /// From what a thread threw.
    pub(super) fn panicked(thread: &str, panic: &(dyn Any + Send)) -> Self {
        let words = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self::new(None, format!("the {thread} thread panicked: {words}"))
    }
}

impl fmt::Display for CommitFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.beat {
            Some(beat) => write!(f, "the write of beat {beat} failed: {}", self.reason),
            None => write!(f, "a write outside the beat failed: {}", self.reason),
        }
    }
}

impl std::error::Error for CommitFailure {}

/// How far the beats have come on their way to the disk, shared by everybody who holds a clone.
/// A reply that promises value is released when its beat is at or below [`Durable::beat`].
///
/// There are two of them: [`super::Committer::durable`] follows the log, and
/// [`super::Committer::applied`] the rows of the store, which come a little later.
#[derive(Clone, Debug)]
pub struct Durable {
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// The beat plus one; zero before the first.
    beats: AtomicU64,
    failed: OnceLock<CommitFailure>,
    /// Only for those who wait: readers of the two above take no lock.
    waiting: Mutex<()>,
    changed: Condvar,
}

impl Durable {
    pub(super) fn new(beat: Option<Tick>) -> Self {
        Self {
            state: Arc::new(State {
                beats: AtomicU64::new(beat.map_or(0, |beat| beat.0 + 1)),
                failed: OnceLock::new(),
                waiting: Mutex::new(()),
                changed: Condvar::new(),
            }),
        }
    }

    /// The last beat whose rows, on all shards, survive a power cut. One atomic load.
    #[must_use]
    pub fn beat(&self) -> Option<Tick> {
        self.state
            .beats
            .load(Ordering::Acquire)
            .checked_sub(1)
            .map(Tick)
    }

    /// The failure after which nothing will ever become durable any more, if there was one.
    #[must_use]
    pub fn failed(&self) -> Option<CommitFailure> {
        self.state.failed.get().cloned()
    }

    /// Waits until `beat` is durable: true, or false if it was not within `timeout`. For
    /// tools, tests and the end of the server; shards poll [`Durable::beat`].
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if it never will be.
    pub fn wait(&self, beat: Tick, timeout: Duration) -> Result<bool, CommitFailure> {
        let deadline = Instant::now().checked_add(timeout);
        let lock = &self.state.waiting;
        let mut guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.beat().is_some_and(|durable| durable >= beat) {
                return Ok(true);
            }
            if let Some(failure) = self.failed() {
                return Err(failure);
            }
            // A timeout beyond the clock's range is no timeout.
            let left = deadline.map_or(Duration::MAX, |at| {
                at.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(false);
            }
            (guard, _) = self
                .state
                .changed
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shows a beat. After a failure nothing is shown any more: false then.
    pub(super) fn publish(&self, beat: Tick) -> bool {
        // Under the lock, so that it cannot fall between a waiter's look and its sleep, nor
        // behind a failure.
        let guard = self.state.waiting.lock();
        if self.state.failed.get().is_some() {
            return false;
        }
        self.state.beats.store(beat.0 + 1, Ordering::Release);
        drop(guard);
        self.state.changed.notify_all();
        true
    }

    /// Whether this is the first failure: the cause. Later ones follow from it and are not kept.
    pub(super) fn fail(&self, failure: &CommitFailure) -> bool {
        let guard = self.state.waiting.lock();
        let is_first = self.state.failed.set(failure.clone()).is_ok();
        drop(guard);
        self.state.changed.notify_all();
        is_first
    }
}
