//! The writer: beats and control batches into the log, one frame per turn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use orrery_base::{ShardIndex, Tick};

use super::apply::{ApplyQueue, Work};
use super::control::{Due, Pending, Promise};
use super::keeper::Chores;
use super::port::Lane;
use super::stats::WriteSample;
use super::{ABANDON, CommitFailure, CommitOptions, FINISH, FinishReport, ReceiptError, Shared};
use crate::log::{BeatLog, Disk, FrameOut, Needs, Record};
use crate::{Batch, meta};

/// Until the next try after no spare segment could be made.
const SPARE_RETRY: Duration = Duration::from_secs(10);

/// What a turn of the writer has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A frame is durable; there may be more to do.
    Wrote,
    /// Nothing can be done before something is submitted, applied or kept, or before this
    /// moment.
    Idle(Option<Duration>),
    /// The end that was asked for.
    Ended(FinishReport),
}

pub(super) struct Writer<D: Disk> {
    log: BeatLog<D>,
    lanes: Vec<Arc<Lane>>,
    shared: Arc<Shared>,
    queue: Arc<ApplyQueue>,
    chores: Arc<Chores<D>>,
    options: CommitOptions,
    /// Beat at the head of every lane.
    next: Tick,
    /// Until the first write has taken the mark of the clean shutdown away.
    is_marked_clean: bool,
    /// The rows of the write under construction.
    merged: Batch,
    /// The records of the write under construction.
    records: Vec<(Tick, ShardIndex, Vec<u8>)>,
    /// When each beat of the write was complete.
    completed: Vec<Instant>,
    /// Control batches in the write. Here and not on the stack, so that even a panic of the
    /// log leaves them to be answered.
    promises: Vec<Promise>,
    needs: Needs,
    is_release_due: bool,
    spare_not_before: Duration,
    ended: Option<FinishReport>,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(
        log: BeatLog<D>,
        lanes: Vec<Arc<Lane>>,
        shared: Arc<Shared>,
        queue: Arc<ApplyQueue>,
        chores: Arc<Chores<D>>,
        options: CommitOptions,
        next: Tick,
    ) -> Self {
        let needs = Needs {
            applied: chores.flushed(),
            recovery_from: Tick(0),
            keep_from: Tick(0),
        };
        Self {
            log,
            lanes,
            shared,
            queue,
            chores,
            options,
            next,
            is_marked_clean: true,
            merged: Batch::new(),
            records: Vec::new(),
            completed: Vec::new(),
            promises: Vec::new(),
            needs,
            is_release_due: false,
            spare_not_before: Duration::ZERO,
            ended: None,
        }
    }

    pub(super) fn into_log(self) -> BeatLog<D> {
        self.log
    }

    /// One write, or the finding that there is nothing to write. `now` is the time since any
    /// zero.
    ///
    /// # Errors
    ///
    /// A write has failed, here or behind: no further turn does anything else.
    pub(super) fn turn(&mut self, now: Duration) -> Result<Turn, CommitFailure> {
        if let Some(failure) = self.shared.durable.failed() {
            return Err(failure);
        }
        if let Some(report) = self.ended {
            return Ok(Turn::Ended(report));
        }
        let stop = self.shared.stop.load(Ordering::Acquire);
        if stop == ABANDON {
            return Ok(self.end(false));
        }
        if stop == FINISH {
            self.shared.closed.store(true, Ordering::Release);
        }
        let beats = self.complete_beats();
        if beats == 0 {
            self.keep(now);
        }
        if !self.queue.has_room() {
            return Ok(Turn::Idle(None));
        }
        let at_once = beats > 0 || stop == FINISH;
        let delay = self.options.control_delay;
        match self.shared.control.take_due(now, delay, at_once) {
            Due::Now(control) => self.write(beats, control)?,
            _ if beats > 0 => self.write(beats, Vec::new())?,
            _ if stop == FINISH => return self.finish(),
            Due::Until(until) => return Ok(Turn::Idle(Some(until))),
            Due::Nothing => return Ok(Turn::Idle(None)),
        }
        if self.is_release_due || beats > 1 {
            // Beats come faster than the log is idle: its upkeep has to go in between.
            self.keep(now);
        }
        Ok(Turn::Wrote)
    }

    /// Beats that every shard has submitted.
    fn complete_beats(&self) -> usize {
        let depths = self.lanes.iter().map(|lane| lane.depth());
        depths.min().unwrap_or(0)
    }

    /// One atomic write of up to `beats` complete beats and the control batches.
    fn write(&mut self, beats: usize, control: Vec<Pending>) -> Result<(), CommitFailure> {
        self.completed.clear();
        self.records.clear();
        self.merged = self.queue.spare();
        if self.is_marked_clean {
            meta::delete_clean(&mut self.merged);
        }
        let mut through = None;
        let mut record_bytes = 0;
        while self.completed.len() < beats
            && (through.is_none()
                || self.merged.bytes() + record_bytes < self.options.write_bytes_max)
        {
            record_bytes += self.merge_beat();
            through = Some(self.next);
            self.next = self.next.next();
        }
        for pending in control {
            self.merged.append(&pending.batch);
            self.promises.push(pending.promise);
        }
        if let Some(beat) = through {
            meta::put_last_beat(&mut self.merged, beat);
        }
        self.append(through, record_bytes)?;
        self.is_marked_clean = false;
        Ok(())
    }

    /// Appends the next beat's batches in shard order; returns the bytes of its records.
    fn merge_beat(&mut self) -> usize {
        let mut completed: Option<Instant> = None;
        let mut record_bytes = 0;
        for (shard, lane) in (0..).map(ShardIndex).zip(&self.lanes) {
            let waiting = lane
                .pop()
                .expect("`complete_beats` saw it, and only the writer pops");
            self.merged.append(&waiting.submission.batch);
            let record = waiting.submission.record;
            if !record.is_empty() {
                record_bytes += record.len();
                self.records.push((self.next, shard, record));
            }
            completed = completed.max(Some(waiting.submitted));
        }
        self.completed.extend(completed);
        record_bytes
    }

    /// Makes the write under construction durable, says so, and hands its rows on.
    fn append(&mut self, through: Option<Tick>, record_bytes: usize) -> Result<(), CommitFailure> {
        let records: Vec<Record<'_>> = self
            .records
            .iter()
            .map(|(beat, shard, bytes)| Record {
                beat: *beat,
                shard: *shard,
                bytes,
            })
            .collect();
        let frame = FrameOut {
            through,
            rows: &self.merged,
            records: &records,
        };
        let begun = Instant::now();
        let appended = self
            .log
            .append(&frame)
            .map_err(|error| CommitFailure::new(through, chain(&error)))?;
        let now = Instant::now();
        // Counted before it is published: who has seen a beat durable finds it in the stats.
        self.shared.stats.record(WriteSample {
            took: now.saturating_duration_since(begun),
            beat_latencies: &mut self
                .completed
                .iter()
                .map(|at| now.saturating_duration_since(*at)),
            control_batches: self.promises.len(),
            rows: self.merged.len(),
            bytes: self.merged.bytes() + record_bytes,
        });
        if let Some(beat) = through {
            // False after a failure behind the log: the next turn finds it.
            self.shared.durable.publish(beat);
        }
        self.queue.push(Work {
            frame: appended.number,
            through,
            rows: std::mem::take(&mut self.merged),
            promises: std::mem::take(&mut self.promises),
            pushed: now,
        });
        if appended.rotated {
            // The full segment can go when its rows are in the store's own files.
            self.chores.want_flush(appended.number - 1);
            self.is_release_due = true;
        }
        Ok(())
    }

    /// The log's upkeep, between two writes: results of the keeper, new chores for it, segments
    /// that nobody needs any more.
    fn keep(&mut self, now: Duration) {
        if let Some(done) = self.chores.take_spare()
            && let Err(error) = self.log.finish_spare(done)
        {
            tracing::warn!(%error, "no spare segment for the beat log: the next one has to be made while a beat waits");
            self.spare_not_before = now.saturating_add(SPARE_RETRY);
        }
        if let Some(done) = self.chores.take_seal() {
            match self.log.finish_seal(done) {
                Ok(name) => tracing::debug!(name, "segment compressed"),
                Err(error) => tracing::warn!(error = chain(&error), "segment not compressed"),
            }
            self.is_release_due = true;
        }
        // Before the spare: the file of what it compresses becomes one.
        if let Some(job) = self.log.seal_job() {
            self.chores.want_seal(job);
        }
        if now >= self.spare_not_before
            && let Some(job) = self.log.spare_job()
        {
            self.chores.want_spare(job);
        }
        let flushed = self.chores.flushed();
        if let Some((recovery_from, keep_from)) = self.shared.take_keep() {
            self.needs.recovery_from = recovery_from;
            self.needs.keep_from = keep_from;
            self.is_release_due = true;
        }
        if flushed != self.needs.applied {
            self.needs.applied = flushed;
            self.is_release_due = true;
        }
        if self.is_release_due {
            self.is_release_due = false;
            self.release();
        }
    }

    fn release(&mut self) {
        match self.log.release(self.needs) {
            Ok(released) if released.segments > 0 => tracing::debug!(
                segments = released.segments,
                bytes = released.bytes,
                left = released.left,
                "segments released"
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "old segments of the beat log stay"),
        }
    }

    /// Everything complete is written; nothing can be submitted any more.
    fn finish(&mut self) -> Result<Turn, CommitFailure> {
        let late = self.shared.control.close_and_take(&ReceiptError::Finished);
        if !late.is_empty() {
            self.write(0, late)?;
        }
        let clean = self.batches_waiting() == 0;
        if clean {
            self.completed.clear();
            self.records.clear();
            self.merged = self.queue.spare();
            meta::put_clean(&mut self.merged);
            self.append(None, 0)?;
        }
        Ok(self.end(clean))
    }

    fn end(&mut self, clean: bool) -> Turn {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.control.close(&ReceiptError::Finished);
        self.queue.close();
        let report = FinishReport {
            last_beat: self.shared.durable.beat(),
            batches_discarded: self.batches_waiting(),
            clean,
        };
        self.ended = Some(report);
        Turn::Ended(report)
    }

    fn batches_waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.depth()).sum()
    }

    /// After everything was applied and flushed: takes back what the keeper has, and releases
    /// what is not needed any more.
    pub(super) fn settle(&mut self, flushed: u64) {
        if let Some(done) = self.chores.take_spare() {
            // One that could not be made is tried again by whoever has the log next.
            let _ = self.log.finish_spare(done);
        }
        if self.chores.cancel_spare() {
            let _ = self
                .log
                .finish_spare(Err(io::ErrorKind::Interrupted.into()));
        }
        if let Some(done) = self.chores.take_seal() {
            let _ = self.log.finish_seal(done);
        }
        if let Some((recovery_from, keep_from)) = self.shared.take_keep() {
            self.needs.recovery_from = recovery_from;
            self.needs.keep_from = keep_from;
        }
        self.needs.applied = self.needs.applied.max(flushed);
        self.release();
    }

    /// Answers everybody who still waits, after a failure.
    pub(super) fn give_up(&mut self, failure: &CommitFailure) {
        self.queue.close();
        for promise in self.promises.drain(..) {
            promise.resolve(Err(ReceiptError::Failed(failure.clone())));
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}
