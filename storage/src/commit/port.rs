//! A shard's end of the commit: a bounded single-producer, single-consumer queue of beats.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use crossbeam::utils::CachePadded;
use orrery_base::{ShardIndex, Tick};

use super::{CommitFailure, Shared};
use crate::Batch;

/// Beats of one shard that wait for the commit thread.
///
/// The array queue is made for many producers: its push can spin while a pop has taken a slot
/// but not finished with it. `depth` counts what is not *completely* popped, and the producer
/// stops at it, so the slot of a push is always free and the push is wait-free.
#[derive(Debug)]
pub(super) struct Lane {
    queue: ArrayQueue<Waiting>,
    bytes_max: usize,
    depth: CachePadded<AtomicUsize>,
    bytes: CachePadded<AtomicUsize>,
}

/// What a shard hands over for one beat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// Rows that changed.
    pub batch: Batch,
    /// The beat's record for the journal ([`crate::journal`]); empty for none.
    pub record: Vec<u8>,
}

impl Submission {
    /// Memory that it holds, nearly.
    fn bytes(&self) -> usize {
        self.batch.memory_bytes() + self.record.len()
    }
}

impl From<Batch> for Submission {
    fn from(batch: Batch) -> Self {
        Self {
            batch,
            record: Vec::new(),
        }
    }
}

/// A beat on its way.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) submission: Submission,
    pub(super) submitted: Instant,
}

impl Lane {
    pub(super) fn new(beats_max: usize, bytes_max: usize) -> Self {
        Self {
            queue: ArrayQueue::new(beats_max),
            bytes_max,
            depth: CachePadded::new(AtomicUsize::new(0)),
            bytes: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Beats in the queue.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Acquire)
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    fn push(&self, waiting: Waiting) -> Result<(), Waiting> {
        let bytes = waiting.submission.bytes();
        let depth = self.depth();
        // A single beat always passes, however large.
        let is_heavy = depth > 0 && self.bytes().saturating_add(bytes) > self.bytes_max;
        if is_heavy || depth >= self.queue.capacity() {
            return Err(waiting);
        }
        self.queue.push(waiting)?;
        self.bytes.fetch_add(bytes, Ordering::Release);
        self.depth.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Takes the oldest beat, if it is complete in the queue. Only the commit thread pops.
    pub(super) fn pop(&self) -> Option<Waiting> {
        let waiting = self.queue.pop()?;
        self.bytes
            .fetch_sub(waiting.submission.bytes(), Ordering::Release);
        self.depth.fetch_sub(1, Ordering::Release);
        Some(waiting)
    }
}

/// Why a beat was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The disk is `waiting` beats behind, or these have too many bytes. Nothing is lost: here is
    /// what was submitted. The shard has to submit it again before any later beat, and must not step further until that works,
    /// so the world slows down instead of running ahead of what is durable.
    #[error("{waiting} beats are waiting for the disk")]
    Full {
        /// What was submitted.
        submission: Submission,
        /// Beats of this shard that wait.
        waiting: usize,
    },
    /// Beats are submitted one by one, in order. The caller is wrong; the beat is returned.
    #[error("beat {submitted} was submitted where beat {expected} is next")]
    OutOfOrder {
        /// What was submitted.
        submission: Submission,
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
}

impl BeatPort {
    pub(super) fn new(shard: ShardIndex, next: Tick, lane: Arc<Lane>, shared: Arc<Shared>) -> Self {
        Self {
            shard,
            next,
            lane,
            shared,
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

    /// Hands over everything that changed on this shard in `beat`, and its record. Never waits.
    /// The beat is durable when [`super::Durable::beat`] reaches it, which needs every other
    /// shard's share of the same beat.
    ///
    /// # Errors
    ///
    /// [`SubmitError`]: each variant says what the caller has to do.
    pub fn submit(&mut self, beat: Tick, submission: Submission) -> Result<(), SubmitError> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(self
                .shared
                .durable
                .failed()
                .map_or(SubmitError::Finished, SubmitError::Failed));
        }
        if beat != self.next {
            return Err(SubmitError::OutOfOrder {
                submission,
                submitted: beat,
                expected: self.next,
            });
        }
        let waiting = Waiting {
            submission,
            submitted: Instant::now(),
        };
        self.lane
            .push(waiting)
            .map_err(|refused| SubmitError::Full {
                submission: refused.submission,
                waiting: self.lane.depth(),
            })?;
        self.next = beat.next();
        self.shared.wake_writer();
        Ok(())
    }
}
