//! Writer, applier and keeper together, without threads: whoever holds a [`Pipeline`] takes
//! their turns in any order, and any order is one that threads could have taken.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use orrery_base::{ShardIndex, Tick};

use super::apply::{Applier, ApplyQueue, RowSink};
use super::control::ControlQueue;
use super::keeper::{Chores, Keeper, Signal};
use super::port::Lane;
use super::writer::{Turn, Writer};
use super::{
    BeatPort, CommitFailure, CommitOptions, CommitStats, ControlPort, Durable, FINISH,
    FinishReport, RUN, Recovered, Shared, StartError,
};
use crate::log::{BeatLog, Disk};

/// The commit without threads.
///
/// Dropping it at any moment is a crash: what [`Pipeline::durable`] shows is in the log, and
/// [`super::recover`] brings it into the rows.
pub struct Pipeline<D: Disk, S: RowSink> {
    pub(super) writer: Writer<D>,
    pub(super) applier: Applier<S>,
    pub(super) keeper: Keeper<D, S>,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<ApplyQueue>,
    pub(super) chores: Arc<Chores<D>>,
    pub(super) sink: Arc<S>,
}

impl<D: Disk, S: RowSink> Pipeline<D, S> {
    /// A commit to `opened` and its rows, whose last beat is `last_beat`; one port per shard,
    /// in shard order.
    ///
    /// # Errors
    ///
    /// [`StartError::BeatIsDurable`], [`StartError::TooManyShards`], and the log back.
    #[expect(
        clippy::type_complexity,
        reason = "the error carries the log back, once"
    )]
    pub fn new(
        opened: Recovered<D>,
        sink: Arc<S>,
        last_beat: Option<Tick>,
        shards: usize,
        options: CommitOptions,
    ) -> Result<(Self, Vec<BeatPort>, ControlPort), Box<(StartError, Recovered<D>)>> {
        let first = match first_beat(&options, last_beat, shards) {
            Ok(first) => first,
            Err(error) => return Err(Box::new((error, opened))),
        };
        let Recovered { log, applied, .. } = opened;
        let (beats, bytes) = (options.beats_waiting_max.max(1), options.bytes_waiting_max);
        let lanes: Vec<Arc<Lane>> = (0..shards)
            .map(|_| Arc::new(Lane::new(beats, bytes)))
            .collect();
        let control = Arc::new(ControlQueue::new(
            options.control_batches_max,
            options.control_bytes_max,
        ));
        let queue = Arc::new(ApplyQueue::new(&options, applied));
        let signal = Arc::new(Signal::default());
        let shared = Arc::new(Shared {
            stop: AtomicU8::new(RUN),
            closed: AtomicBool::new(false),
            control: Arc::clone(&control),
            durable: Durable::new(last_beat),
            applied: Durable::new(last_beat),
            stats: Arc::new(CommitStats::new(lanes.clone(), control, Arc::clone(&queue))),
            keep: Mutex::new(None),
            writer: OnceLock::new(),
            keeper: Arc::clone(&signal),
        });
        let chores = Arc::new(Chores::new(signal, 0));
        let writer = Writer::new(
            log,
            lanes.clone(),
            Arc::clone(&shared),
            Arc::clone(&queue),
            Arc::clone(&chores),
            options,
            first,
        );
        let applier = Applier::new(Arc::clone(&sink), Arc::clone(&queue), Arc::clone(&shared));
        let keeper = Keeper::new(
            Arc::clone(&chores),
            Arc::clone(&sink),
            Arc::clone(&queue),
            Arc::clone(&shared),
        );
        let ports = (0..)
            .map(ShardIndex)
            .zip(lanes)
            .map(|(shard, lane)| BeatPort::new(shard, first, lane, Arc::clone(&shared)))
            .collect();
        let control = ControlPort::new(Arc::clone(&shared));
        let pipeline = Self {
            writer,
            applier,
            keeper,
            shared,
            queue,
            chores,
            sink,
        };
        Ok((pipeline, ports, control))
    }

    /// A turn of the writer: at most one frame, durable when this returns. `now` is the time
    /// since any zero, for [`CommitOptions::control_delay`].
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if the log or the rows failed, now or earlier.
    pub fn commit_turn(&mut self, now: Duration) -> Result<Turn, CommitFailure> {
        let turn = self.writer.turn(now);
        self.note(turn)
    }

    /// A turn of the applier: the rows of the frames that wait, up to
    /// [`CommitOptions::gather_bytes_max`]. False if none waits.
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if the log or the rows failed, now or earlier.
    pub fn apply_turn(&mut self) -> Result<bool, CommitFailure> {
        let turn = self.applier.turn();
        self.note(turn)
    }

    /// A turn of the keeper: at most one spare segment, flush or compression. False if there
    /// was nothing to do.
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] if the rows cannot be flushed, or something failed earlier.
    pub fn keep_turn(&mut self) -> Result<bool, CommitFailure> {
        let turn = self.keeper.turn();
        self.note(turn)
    }

    /// Takes turns of all three until nothing is left to be done at `now`. Returns when the
    /// writer has to be asked again at the latest, if ever.
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] of any of them.
    pub fn settle(&mut self, now: Duration) -> Result<Option<Duration>, CommitFailure> {
        loop {
            let turn = self.commit_turn(now)?;
            let applied = self.apply_turn()?;
            let kept = self.keep_turn()?;
            match turn {
                Turn::Idle(until) if !applied && !kept => return Ok(until),
                Turn::Ended(_) if !applied && !kept => return Ok(None),
                _ => {}
            }
        }
    }

    /// What is durable.
    #[must_use]
    pub fn durable(&self) -> Durable {
        self.shared.durable.clone()
    }

    /// What readers see.
    #[must_use]
    pub fn applied(&self) -> Durable {
        self.shared.applied.clone()
    }

    /// The measurements.
    #[must_use]
    pub fn stats(&self) -> Arc<CommitStats> {
        Arc::clone(&self.shared.stats)
    }

    /// The orderly end, as [`super::Committer::finish`].
    ///
    /// # Errors
    ///
    /// [`CommitFailure`] of any of the three, now or earlier.
    pub fn finish(mut self, now: Duration) -> Result<(FinishReport, BeatLog<D>), CommitFailure> {
        self.shared.stop.store(FINISH, Ordering::Release);
        let report = loop {
            match self.commit_turn(now)? {
                Turn::Ended(report) => break report,
                // Only a full apply queue can hold it up.
                Turn::Wrote | Turn::Idle(_) => self.apply_turn()?,
            };
        };
        while self.apply_turn()? {}
        while self.keep_turn()? {}
        flush(&*self.sink, report).inspect_err(|failure| self.fail(failure))?;
        self.writer.settle(self.queue.applied());
        Ok((report, self.writer.into_log()))
    }

    fn note<T>(&mut self, turn: Result<T, CommitFailure>) -> Result<T, CommitFailure> {
        turn.inspect_err(|failure| self.fail(failure))
    }

    fn fail(&mut self, failure: &CommitFailure) {
        self.shared.fail(failure);
        self.writer.give_up(failure);
        self.applier.give_up(failure);
    }
}

/// The last step of an orderly end: the rows' own files are complete.
pub(super) fn flush(sink: &impl RowSink, report: FinishReport) -> Result<(), CommitFailure> {
    sink.flush().map_err(|error| {
        let reason = format!("the store could not be flushed: {error}");
        CommitFailure::new(report.last_beat, reason)
    })
}

fn first_beat(
    options: &CommitOptions,
    last_beat: Option<Tick>,
    shards: usize,
) -> Result<Tick, StartError> {
    if shards > usize::from(u16::MAX) + 1 {
        return Err(StartError::TooManyShards(shards));
    }
    let first = options
        .first_beat
        .unwrap_or_else(|| last_beat.map_or(Tick(1), Tick::next));
    match last_beat.filter(|last| first <= *last) {
        Some(last) => Err(StartError::BeatIsDurable { first, last }),
        None => Ok(first),
    }
}
