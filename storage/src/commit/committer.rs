//! The threads: one each for writer, applier and keeper.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use orrery_base::Tick;

use super::apply::{Applier, RowSink};
use super::keeper::Keeper;
use super::pipeline::{Pipeline, flush};
use super::writer::Turn;
use super::{
    ABANDON, BeatPort, CommitFailure, CommitOptions, CommitStats, ControlPort, Durable, FINISH,
    FinishReport, Recovered, Shared, StartError,
};
use crate::Store;
use crate::log::{BeatLog, Disk};

/// The running commit. Dropping it stops after the write at hand, like a crash between two
/// beats; [`Committer::finish`] is the orderly end.
pub struct Committer {
    thread: Option<JoinHandle<Result<FinishReport, CommitFailure>>>,
    pub(super) shared: Arc<Shared>,
}

/// The keeper's, of 0 to 19. On Linux it is the thread's alone.
const KEEPER_NICENESS: i32 = 10;

/// What becomes of the log when the commit has ended; none if it has failed.
type Home<D> = Box<dyn FnOnce(Option<BeatLog<D>>) + Send>;

impl Committer {
    /// Starts committing to the store, which until the end can only be written through the
    /// ports. Returns one port per shard, in shard order.
    ///
    /// The threads inherit the calling thread's processor affinity: do not call this from a
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
        let last_beat = store.meta()?.last_beat;
        let (opened, sink) = store.take_writer()?;
        let home = store.clone();
        let home: Home<_> = Box::new(move |log| home.release_writer(log));
        Self::start_with(opened, Arc::new(sink), last_beat, shards, options, home)
    }

    /// Starts committing to any log and rows; `home` gets the log back, also if the start is
    /// refused.
    pub(crate) fn start_with<D: Disk, S: RowSink>(
        opened: Recovered<D>,
        sink: Arc<S>,
        last_beat: Option<Tick>,
        shards: usize,
        options: CommitOptions,
        home: Home<D>,
    ) -> Result<(Self, Vec<BeatPort>, ControlPort), StartError> {
        let started = Pipeline::new(opened, sink, last_beat, shards, options);
        let (pipeline, ports, control) = match started {
            Ok(started) => started,
            Err(refused) => {
                let (error, opened) = *refused;
                home(Some(opened.log));
                return Err(error);
            }
        };
        let shared = Arc::clone(&pipeline.shared);
        let thread = Builder::new()
            .name("orrery-commit".into())
            .spawn(move || run(pipeline, home))
            .map_err(StartError::Thread)?;
        // Also set by the thread itself, whoever comes first.
        let _ = shared.writer.set(thread.thread().clone());
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

    /// What readers of the store see: the beats whose rows have been applied.
    #[must_use]
    pub fn applied(&self) -> Durable {
        self.shared.applied.clone()
    }

    /// The measurements, for the metrics.
    #[must_use]
    pub fn stats(&self) -> Arc<CommitStats> {
        Arc::clone(&self.shared.stats)
    }

    /// The orderly end: commits every beat that all shards have submitted and every control
    /// batch, applies and flushes all rows, and marks the store as cleanly shut down, so that
    /// the next opening has nothing to do. Stop the shards first, all after the same beat.
    /// Waits for the disk.
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if a write failed, now or earlier.
    pub fn finish(mut self) -> Result<FinishReport, CommitFailure> {
        self.stop(FINISH)
            .unwrap_or_else(|| Err(CommitFailure::thread_lost("commit")))
    }

    fn stop(&mut self, how: u8) -> Option<Result<FinishReport, CommitFailure>> {
        let thread = self.thread.take()?;
        self.shared.stop.store(how, Ordering::Release);
        self.shared.wake_writer();
        Some(
            thread
                .join()
                .unwrap_or_else(|_| Err(CommitFailure::thread_lost("commit"))),
        )
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // A failure was logged by the thread, and is kept in `Durable`.
        let _ = self.stop(ABANDON);
    }
}

/// The life of the commit thread, which has the other two.
fn run<D: Disk, S: RowSink>(
    pipeline: Pipeline<D, S>,
    home: Home<D>,
) -> Result<FinishReport, CommitFailure> {
    let Pipeline {
        mut writer,
        applier,
        keeper,
        shared,
        queue,
        chores,
        sink,
    } = pipeline;
    let _ = shared.writer.set(std::thread::current());
    let started = Instant::now();
    let applying = spawn("orrery-apply", &shared, {
        let shared = Arc::clone(&shared);
        move || apply(applier, &shared)
    });
    let keeping = spawn("orrery-keep", &shared, {
        let shared = Arc::clone(&shared);
        move || {
            step_back();
            keep(keeper, &shared);
        }
    });
    let written = guard("commit", &shared, || {
        loop {
            match writer.turn(started.elapsed())? {
                Turn::Wrote => {}
                Turn::Idle(None) => std::thread::park(),
                Turn::Idle(Some(until)) => {
                    std::thread::park_timeout(until.saturating_sub(started.elapsed()));
                }
                Turn::Ended(report) => return Ok(report),
            }
        }
    });
    if let Err(failure) = &written {
        writer.give_up(failure);
    }
    queue.close();
    join(applying, "apply", &shared);
    chores.close();
    join(keeping, "keep", &shared);
    let result = written.and_then(|report| match shared.durable.failed() {
        Some(failure) => Err(failure),
        None if report.clean => {
            guard("commit", &shared, || flush(&*sink, report))?;
            Ok(report)
        }
        None => Ok(report),
    });
    match &result {
        Ok(report) => {
            // Without a flush, what the keeper has flushed is all that is known to be.
            let flushed = if report.clean { queue.applied() } else { 0 };
            writer.settle(flushed);
            tracing::info!(
                last_beat = report.last_beat.map(|beat| beat.0),
                batches_discarded = report.batches_discarded,
                clean = report.clean,
                "commits ended"
            );
            home(Some(writer.into_log()));
        }
        Err(_) => home(None),
    }
    result
}

/// Lets the shards and the commit go first, where cores are shared. What the keeper does has
/// time: a whole segment.
fn step_back() {
    if let Err(error) = rustix::process::setpriority_process(None, KEEPER_NICENESS) {
        tracing::debug!(%error, "the keeper's thread keeps its priority");
    }
}

fn apply<S: RowSink>(mut applier: Applier<S>, shared: &Shared) {
    if let Err(failure) = guard("apply", shared, || applier.run()) {
        applier.give_up(&failure);
    }
}

fn keep<D: Disk, S: RowSink>(mut keeper: Keeper<D, S>, shared: &Shared) {
    // The failure is told to everybody; the keeper has nobody else to answer.
    let _ = guard("keep", shared, || keeper.run());
}

/// Does the work of a thread; an error or a panic is the failure of all commits.
fn guard<T>(
    thread: &str,
    shared: &Shared,
    work: impl FnOnce() -> Result<T, CommitFailure>,
) -> Result<T, CommitFailure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(CommitFailure::panicked(thread, &*panic)))
        .inspect_err(|failure| shared.fail(failure))
}

fn spawn(
    name: &str,
    shared: &Shared,
    work: impl FnOnce() + Send + 'static,
) -> Option<JoinHandle<()>> {
    Builder::new()
        .name(name.into())
        .spawn(work)
        .inspect_err(|error| {
            shared.fail(&CommitFailure::new(
                None,
                format!("cannot start the thread {name}: {error}"),
            ));
        })
        .ok()
}

fn join(thread: Option<JoinHandle<()>>, name: &str, shared: &Shared) {
    if let Some(thread) = thread
        && thread.join().is_err()
    {
        shared.fail(&CommitFailure::thread_lost(name));
    }
}
