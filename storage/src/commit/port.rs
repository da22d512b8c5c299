//! A shard's end of the commit: a bounded single-producer, single-consumer queue of beats.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;
use orrery_base::{ShardIndex, Tick};

use super::{CommitFailure, Shared, wake};
use crate::Batch;

/// Beats of one shard that wait for the commit thread.
///
/// The array queue is made for many producers: its push can spin while a pop has taken a slot
/// but not finished with it. `depth` counts what is not *completely* popped, and the producer
/// stops at it, so the slot of a push is always free and the push is wait-free.
#[derive(Debug)]
pub(super) struct Lane {
    queue: ArrayQueue<Submission>,
    depth: CachePadded<AtomicUsize>,
}

/// A beat's batch on its way.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) batch: Batch,
    pub(super) submitted: Instant,
}

impl Lane {
    pub(super) fn new(beats_max: usize) -> Self {
        Self {
            queue: ArrayQueue::new(beats_max),
            depth: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Beats in the queue.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Acquire)
    }

    fn push(&self, submission: Submission) -> Result<(), Submission> {
        if self.depth() >= self.queue.capacity() {
            return Err(submission);
        }
        self.queue.push(submission)?;
        self.depth.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes the oldest beat. Only the commit thread pops.
    pub(super) fn pop(&self) -> Option<Submission> {
        let submission = self.queue.pop()?;
        self.depth.fetch_sub(1, Ordering::Release);
        Some(submission)
    }
}

/// Why a beat was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The disk is `waiting` beats behind. Nothing is lost: here is the batch. The shard has
    /// to submit it again before any later beat, and must not step further until that works,
    /// so the world slows down instead of running ahead of what is durable.
    #[error("{waiting} beats are waiting for the disk")]
    Full {
        /// The batch that was submitted.
        batch: Batch,
        /// Beats of this shard that wait.
        waiting: usize,
    },
    /// Beats are submitted one by one, in order. The caller is wrong; the batch is returned.
    #[error("beat {submitted} was submitted where beat {expected} is next")]
    OutOfOrder {
        /// The batch that was submitted.
        batch: Batch,
        /// Beat that it was submitted for.
        submitted: Tick,
        /// Beat that is next.
        expected: Tick,
    },
    /// A write failed; no beat is taken ever again.
    #[error(transparent)]
    Failed(#[from] CommitFailure),
    /// The committer has ended.
    #[error("the committer has ended")]
    Finished,
}

/// Submits the beats of one shard.
#[derive(Debug)]
pub struct BeatPort {
    shard: ShardIndex,
    next: Tick,
    lane: Arc<Lane>,
    shared: Arc<Shared>,
    writer: Thread,
}

impl BeatPort {
    pub(super) fn new(
        shard: ShardIndex,
        next: Tick,
        lane: Arc<Lane>,
        shared: Arc<Shared>,
        writer: Thread,
    ) -> Self {
        Self {
            shard,
            next,
            lane,
            shared,
            writer,
        }
    }

    /// The shard whose rows go through here.
    #[must_use]
    pub fn shard(&self) -> ShardIndex {
        self.shard
    }

    /// The beat that has to be submitted next.
    #[must_use]
    pub fn next_beat(&self) -> Tick {
        self.next
    }

    /// Beats of this shard that wait for the disk: how close [`SubmitError::Full`] is.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lane.depth()
    }

    /// Hands over everything that changed on this shard in `beat`. Never waits. The beat is
    /// durable when [`super::Durable::beat`] reaches it, which needs every other shard's
    /// batch of the same beat.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]: each variant says what the caller has to do.
    pub fn submit(&mut self, beat: Tick, batch: Batch) -> Result<(), SubmitError> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(self
                .shared
                .durable
                .failed()
                .map_or(SubmitError::Finished, SubmitError::Failed));
        }
        if beat != self.next {
            return Err(SubmitError::OutOfOrder {
                batch,
                submitted: beat,
                expected: self.next,
            });
        }
        let submission = Submission {
            batch,
            submitted: Instant::now(),
        };
        self.lane
            .push(submission)
            .map_err(|refused| SubmitError::Full {
                batch: refused.batch,
                waiting: self.lane.depth(),
            })?;
        self.next = beat.next();
        wake(&self.writer);
        Ok(())
    }
}
