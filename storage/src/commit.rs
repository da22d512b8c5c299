//! The beat commit: everything of value that changed in beat T, on every shard, becomes one
//! atomic, durable frame of the beat log, and only then is T said to be durable.
//!
//! ```text
//!  BeatPorts ─┐                                    ┌─▶ Durable: the last beat on disk
//!             ├─▶ writer ──▶ beat log (one frame) ─┤
//!  ControlPort┘      ▲  │                          └─▶ apply queue ─▶ applier ─▶ rows ─▶ receipts
//!             upkeep │  └─ chores ─▶ keeper: spare segments, flushes, compression
//!                    └────────────────┘
//! ```
//!
//! - Each shard owns a [`BeatPort`] and submits one batch and one journal record per beat, also
//!   when they are empty. Submitting never waits: it is a push to a bounded single-producer
//!   queue and a wake-up.
//! - The writer takes beat T when **every** shard has submitted it, appends the batches in shard
//!   order, then the control batches that have arrived, then the row `last_beat = T`, and hands
//!   rows and records to the log as one frame. If the disk was slow and several complete beats
//!   are waiting, they go as one frame, in beat order.
//! - When the frame is on the disk, [`Durable`] shows T, and the frame's rows go to the applier,
//!   which puts them into the store without waiting for any disk, and then resolves the receipts
//!   of the control batches: who has a receipt can read the rows.
//! - Rows from outside the beat (accounts, names) come through a [`ControlPort`] and ride on
//!   the next beat's write, or alone after [`CommitOptions::control_delay`] if no beat comes.
//!
//! Writer, applier and keeper have no threads of their own. [`Committer`] gives them one each
//! (`orrery-commit`, `orrery-apply`, `orrery-keep`); [`Pipeline`] lets a simulator take their
//! turns one by one.
//!
//! **Invariant:** a frame holds all shards' batches of a beat or none of them, and beats are
//! written in order without gaps. A crash therefore lands exactly on a beat.
//!
//! **Invariant:** nothing is acknowledged before it is durable, and after a failed write, of the
//! log or of the rows, nothing is acknowledged ever again: whether the failed write is on the
//! disk is not known, so only opening the store again gives an answer.
//!
//! **Invariant:** frames are applied in their order, each once between two openings, and only
//! after they are durable: the rows are never ahead of the log. Several may be applied as one
//! batch, which is in the store as a whole or not at all, with the number of the last of them.
//!
//! Bounds: [`CommitOptions`] bounds every queue in number and in bytes, and says what happens
//! when it is full.
//!
//! Cost, beside the write: three copies of each row (into the beat's batch, the frame, the
//! store), and one futex wake per shard and beat.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use orrery_base::Tick;

use crate::meta::MetaError;
use crate::store::WriteError;

mod apply;
mod committer;
mod control;
mod durable;
mod keeper;
mod merge;
mod pipeline;
mod port;
mod recover;
pub mod simulated;
mod stats;
mod writer;

pub use apply::{RowSink, SinkError};
pub use committer::Committer;
pub use control::{ControlPort, Receipt, ReceiptError};
pub use durable::{CommitFailure, Durable};
pub use pipeline::Pipeline;
pub use port::{BeatPort, Submission, SubmitError};
pub use recover::{RecoverError, Recovered, recover};
pub use stats::{CommitSnapshot, CommitStats, Quantiles};
pub use writer::Turn;
pub(crate) use writer::chain;

use control::ControlQueue;
use keeper::Signal;

/// How beats are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOptions {
    /// First beat that will be submitted. None: the one after the store's last beat, or beat 1
    /// of a fresh store.
    pub first_beat: Option<Tick>,
    /// Beats that a shard may be ahead of the disk, at least 1; then [`SubmitError::Full`].
    pub beats_waiting_max: usize,
    /// Bytes that a shard may be ahead of the disk; then [`SubmitError::Full`]. One beat is
    /// always taken, whatever its size.
    pub bytes_waiting_max: usize,
    /// Control batches that may wait; then [`ReceiptError::Full`].
    pub control_batches_max: usize,
    /// Bytes of control batches that may wait; then [`ReceiptError::Full`]. One batch is always
    /// taken.
    pub control_bytes_max: usize,
    /// How long a control batch waits for a beat to ride on. A little more than a beat, so
    /// that it costs no write of its own while beats flow.
    pub control_delay: Duration,
    /// A frame takes no further beat once it has this many bytes: it bounds the time until
    /// the first of the beats is acknowledged.
    pub write_bytes_max: usize,
    /// Bytes of durable rows that may wait for the store; then no frame is written until some
    /// have been applied. Until then a slow store delays nothing but receipts.
    ///
    /// Twice what beats of 300,000 transfers a second bring in a second: a flush or a compaction
    /// may hold the store up for that long.
    pub apply_bytes_max: usize,
    /// Frames that wait for the store are applied together, up to so many bytes: the more of them,
    /// the less there is to write for each, and the longer a receipt may wait for those before.
    /// At most half of `apply_bytes_max` counts, so that no commit waits for what only gathers.
    pub gather_bytes_max: usize,
    /// How long heavy frames may be held back to be applied with those that follow. Nothing is
    /// held back while a receipt waits.
    pub gather_delay: Duration,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self {
            first_beat: None,
            beats_waiting_max: 64,
            bytes_waiting_max: 64 << 20,
            control_batches_max: 1024,
            control_bytes_max: 16 << 20,
            control_delay: Duration::from_millis(40),
            write_bytes_max: 8 << 20,
            apply_bytes_max: 128 << 20,
            gather_bytes_max: 32 << 20,
            gather_delay: Duration::from_millis(500),
        }
    }
}

/// Why no committer was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be written.
    #[error("cannot commit to the store")]
    Store(#[from] WriteError),
    /// The last beat of the store cannot be read.
    #[error("cannot find the last beat")]
    Meta(#[from] MetaError),
    /// The first beat is in the store already.
    #[error("beat {first} cannot be committed: beat {last} is durable already")]
    BeatIsDurable {
        /// First beat asked for.
        first: Tick,
        /// Last beat in the store.
        last: Tick,
    },
    /// A shard index has 16 bits.
    #[error("{0} shards are more than a store can tell apart")]
    TooManyShards(usize),
    /// The system gave no thread.
    #[error("cannot start a thread of the commit")]
    Thread(#[source] io::Error),
}

/// What an orderly end left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishReport {
    /// Last durable beat.
    pub last_beat: Option<Tick>,
    /// Batches of beats that not every shard had submitted. They are not in the store and
    /// were never acknowledged.
    pub batches_discarded: usize,
    /// Whether the store was marked as cleanly shut down: nothing was discarded.
    pub clean: bool,
}

/// What the ports and the three workers share.
#[derive(Debug)]
struct Shared {
    stop: AtomicU8,
    /// Set when no beat will be taken any more.
    closed: AtomicBool,
    control: Arc<ControlQueue>,
    durable: Durable,
    applied: Durable,
    stats: Arc<CommitStats>,
    /// What of the journal is wanted, since the writer last looked: for recovery, and at all.
    keep: Mutex<Option<(Tick, Tick)>>,
    /// The writer's thread, if it has one.
    writer: OnceLock<Thread>,
    keeper: Arc<Signal>,
}

const RUN: u8 = 0;
/// Write what is complete, then end.
const FINISH: u8 = 1;
/// End after the write at hand.
const ABANDON: u8 = 2;

impl Shared {
    /// Ends everything with a failure; the first one counts.
    fn fail(&self, failure: &CommitFailure) {
        if self.durable.fail(failure) {
            tracing::error!(%failure, "nothing is acknowledged any more");
        }
        self.applied.fail(failure);
        self.closed.store(true, Ordering::Release);
        self.control.close(&ReceiptError::Failed(failure.clone()));
        self.wake_writer();
        self.wake_keeper();
    }

    fn wake_writer(&self) {
        if let Some(thread) = self.writer.get() {
            thread.unpark();
        }
    }

    fn wake_keeper(&self) {
        self.keeper.wake();
    }

    fn keep(&self, recovery_from: Tick, wanted_from: Tick) {
        let mut keep = self.keep.lock().unwrap_or_else(PoisonError::into_inner);
        *keep = Some((recovery_from, wanted_from));
    }

    fn take_keep(&self) -> Option<(Tick, Tick)> {
        self.keep
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

#[cfg(test)]
mod tests;
