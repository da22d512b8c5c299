//! The beat commit: everything of value that changed in beat T, on every shard, becomes one
//! atomic, durable write, and only then is T said to be durable.
//!
//! - Each shard owns a [`BeatPort`] and submits one batch per beat, also when it is empty.
//!   Submitting never waits: it is a push to a bounded single-producer queue and a wake-up.
//! - One thread, `orrery-commit`, takes beat T when **every** shard has submitted it, appends
//!   the batches in shard order, then the control batches that have arrived, then the row
//!   `last_beat = T`, and hands the whole to a [`CommitLog`] as one write. If the disk was
//!   slow and several complete beats are waiting, they go as one write, in beat order.
//! - After the write, [`Durable`] shows T, receipts of the control batches are resolved, and
//!   the [`CommitStats`] count it.
//! - Rows from outside the beat (accounts, names) come through a [`ControlPort`] and ride on
//!   the next beat's write, or alone after [`CommitOptions::control_delay`] if no beat comes.
//!
//! **Invariant:** a write holds all shards' batches of a beat or none of them, and beats are
//! written in order without gaps. A crash therefore lands exactly on a beat.
//!
//! **Invariant:** nothing is acknowledged before it is durable, and after a failed write
//! nothing is acknowledged ever again: whether the failed write is on the disk is not known,
//! so only opening the store again gives an answer.
//!
//! Bounds: [`CommitOptions::beats_waiting_max`] beats per shard, then
//! [`SubmitError::Full`]; [`CommitOptions::control_batches_max`] control batches, then
//! [`ReceiptError::Full`].
//!
//! Cost, beside the write: two copies of each row (into the beat's batch, into the engine's),
//! and one futex wake per shard and beat.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use orrery_base::{ShardIndex, Tick};

use crate::meta::MetaError;
use crate::{Store, WriteError};

mod control;
mod durable;
mod log;
mod port;
mod stats;
mod writer;

pub use control::{ControlPort, Receipt, ReceiptError};
pub use durable::{CommitFailure, Durable};
pub use log::{CommitLog, LogError, SyncedWal};
pub use port::{BeatPort, SubmitError};
pub use stats::{CommitSnapshot, CommitStats, Quantiles};

use control::ControlQueue;
use port::Lane;
use writer::Writer;

/// How beats are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOptions {
    /// First beat that will be submitted. None: the one after the store's last beat, or beat 1
    /// of a fresh store.
    pub first_beat: Option<Tick>,
    /// Beats that a shard may be ahead of the disk, at least 1.
    pub beats_waiting_max: usize,
    /// Control batches that may wait.
    pub control_batches_max: usize,
    /// How long a control batch waits for a beat to ride on. A little more than a beat, so
    /// that it costs no write of its own while beats flow.
    pub control_delay: Duration,
    /// A write takes no further beat once it has this many bytes: it bounds the time until
    /// the first of the beats is acknowledged.
    pub write_bytes_max: usize,
}

impl Default for CommitOptions {
    fn default() -> Self {
        Self {
            first_beat: None,
            beats_waiting_max: 64,
            control_batches_max: 1024,
            control_delay: Duration::from_millis(40),
            write_bytes_max: 8 << 20,
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
    #[error("cannot start the commit thread")]
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

/// The running commit thread. Dropping it stops after the write at hand, like a crash between
/// two beats; [`Committer::finish`] is the orderly end.
pub struct Committer {
    thread: Option<JoinHandle<Result<FinishReport, CommitFailure>>>,
    shared: Arc<Shared>,
}

/// What the ports and the thread share.
#[derive(Debug)]
struct Shared {
    stop: AtomicU8,
    /// Set when no beat will be taken any more.
    closed: AtomicBool,
    control: Arc<ControlQueue>,
    durable: Durable,
    stats: Arc<CommitStats>,
}

const RUN: u8 = 0;
/// Write what is complete, then end.
const FINISH: u8 = 1;
/// End after the write at hand.
const ABANDON: u8 = 2;

impl Committer {
    /// Starts committing to the store, which until the end can only be written through the
    /// ports. Returns one port per shard, in shard order.
    ///
    /// The thread inherits the calling thread's processor affinity: do not call this from a
    /// pinned shard.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(
        store: &Store,
        shards: usize,
        options: CommitOptions,
    ) -> Result<(Self, Vec<BeatPort>, ControlPort), StartError> {
        let log = SyncedWal::new(store)?;
        let last_beat = store.meta()?.last_beat;
        Self::start_with(Box::new(log), last_beat, shards, options)
    }

    /// Starts committing to any log whose last durable beat is `last_beat`.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start_with(
        log: Box<dyn CommitLog>,
        last_beat: Option<Tick>,
        shards: usize,
        options: CommitOptions,
    ) -> Result<(Self, Vec<BeatPort>, ControlPort), StartError> {
        let first = options
            .first_beat
            .unwrap_or_else(|| last_beat.map_or(Tick(1), Tick::next));
        if let Some(last) = last_beat.filter(|last| first <= *last) {
            return Err(StartError::BeatIsDurable { first, last });
        }
        let indices: Vec<ShardIndex> = (0..=u16::MAX).map(ShardIndex).take(shards).collect();
        if indices.len() < shards {
            return Err(StartError::TooManyShards(shards));
        }
        let lanes: Vec<Arc<Lane>> = (0..shards)
            .map(|_| Arc::new(Lane::new(options.beats_waiting_max.max(1))))
            .collect();
        let control = Arc::new(ControlQueue::new(options.control_batches_max));
        let shared = Arc::new(Shared {
            stop: AtomicU8::new(RUN),
            closed: AtomicBool::new(false),
            control: Arc::clone(&control),
            durable: Durable::new(last_beat),
            stats: Arc::new(CommitStats::new(lanes.clone(), control)),
        });
        let writer = Writer::new(log, lanes.clone(), Arc::clone(&shared), options, first);
        let thread = std::thread::Builder::new()
            .name("orrery-commit".into())
            .spawn(move || writer.run())
            .map_err(StartError::Thread)?;
        let wake = thread.thread().clone();
        let ports = lanes
            .into_iter()
            .zip(indices)
            .map(|(lane, shard)| {
                BeatPort::new(shard, first, lane, Arc::clone(&shared), wake.clone())
            })
            .collect();
        let control = ControlPort::new(Arc::clone(&shared), wake);
        let committer = Self {
            thread: Some(thread),
            shared,
        };
        Ok((committer, ports, control))
    }

    /// What is durable; cheap to clone, meant for every shard.
    #[must_use]
    pub fn durable(&self) -> Durable {
        self.shared.durable.clone()
    }

    /// The measurements, for the metrics.
    #[must_use]
    pub fn stats(&self) -> Arc<CommitStats> {
        Arc::clone(&self.shared.stats)
    }

    /// The orderly end: commits every beat that all shards have submitted and every control
    /// batch, empties the log into the files, and marks the store as cleanly shut down. Stop
    /// the shards first, all after the same beat. Waits for the disk.
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if a write failed, now or earlier.
    pub fn finish(mut self) -> Result<FinishReport, CommitFailure> {
        self.stop(FINISH)
            .unwrap_or_else(|| Err(CommitFailure::thread_lost()))
    }

    fn stop(&mut self, how: u8) -> Option<Result<FinishReport, CommitFailure>> {
        let thread = self.thread.take()?;
        self.shared.stop.store(how, Ordering::Release);
        wake(thread.thread());
        Some(
            thread
                .join()
                .unwrap_or_else(|_| Err(CommitFailure::thread_lost())),
        )
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // A failure was logged by the thread, and is kept in `Durable`.
        let _ = self.stop(ABANDON);
    }
}

impl Shared {
    /// Ends everything with a failure; the first one counts.
    fn fail(&self, failure: &CommitFailure) {
        self.durable.fail(failure);
        self.closed.store(true, Ordering::Release);
        self.control.close(&ReceiptError::Failed(failure.clone()));
    }
}

fn wake(thread: &Thread) {
    thread.unpark();
}

#[cfg(test)]
mod tests;
