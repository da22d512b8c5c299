//! The commit thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use orrery_base::Tick;

use super::control::{Due, Pending, Promise};
use super::port::Lane;
use super::stats::WriteSample;
use super::{
    ABANDON, CommitFailure, CommitLog, CommitOptions, FINISH, FinishReport, ReceiptError, Shared,
};
use crate::{Batch, meta};

pub(super) struct Writer {
    log: Box<dyn CommitLog>,
    lanes: Vec<Arc<Lane>>,
    shared: Arc<Shared>,
    options: CommitOptions,
    /// Beat at the head of every lane.
    next: Tick,
    /// Until the first write has taken the mark of the clean shutdown away.
    is_marked_clean: bool,
    /// The write under construction; reused.
    merged: Batch,
    /// When each beat of the write was complete.
    completed: Vec<Instant>,
    /// Control batches in the write. Here and not on the stack, so that even a panic of the
    /// log leaves them to be answered.
    promises: Vec<Promise>,
}

impl Writer {
    pub(super) fn new(
        log: Box<dyn CommitLog>,
        lanes: Vec<Arc<Lane>>,
        shared: Arc<Shared>,
        options: CommitOptions,
        next: Tick,
    ) -> Self {
        Self {
            log,
            lanes,
            shared,
            options,
            next,
            is_marked_clean: true,
            merged: Batch::new(),
            completed: Vec::new(),
            promises: Vec::new(),
        }
    }

    /// The life of the thread.
    pub(super) fn run(mut self) -> Result<FinishReport, CommitFailure> {
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        let result = ended.unwrap_or_else(|panic| {
            let words = panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "no message".into());
            let reason = format!("the commit thread panicked: {words}");
            Err(CommitFailure::new(None, reason))
        });
        match &result {
            Ok(report) => tracing::info!(
                last_beat = report.last_beat.map(|beat| beat.0),
                batches_discarded = report.batches_discarded,
                clean = report.clean,
                "commits ended"
            ),
            Err(failure) => {
                tracing::error!(%failure, "commits stopped: nothing is acknowledged any more");
                self.shared.fail(failure);
                for promise in self.promises.drain(..) {
                    promise.resolve(Err(ReceiptError::Failed(failure.clone())));
                }
            }
        }
        result
    }

    fn work(&mut self) -> Result<FinishReport, CommitFailure> {
        loop {
            let stop = self.shared.stop.load(Ordering::Acquire);
            if stop == ABANDON {
                return Ok(self.abandon());
            }
            if stop == FINISH {
                self.shared.closed.store(true, Ordering::Release);
            }
            let beats = self.complete_beats();
            let at_once = beats > 0 || stop == FINISH;
            match self
                .shared
                .control
                .take_due(self.options.control_delay, at_once)
            {
                Due::Now(control) => self.write(beats, control)?,
                _ if beats > 0 => self.write(beats, Vec::new())?,
                _ if stop == FINISH => return self.finish(),
                Due::Until(instant) => {
                    std::thread::park_timeout(instant.saturating_duration_since(Instant::now()));
                }
                Due::Nothing => std::thread::park(),
            }
        }
    }

    /// Beats that every shard has submitted.
    fn complete_beats(&self) -> usize {
        let depths = self.lanes.iter().map(|lane| lane.depth());
        depths.min().unwrap_or(0)
    }

    /// One atomic write of up to `beats` complete beats and the control batches.
    fn write(&mut self, beats: usize, control: Vec<Pending>) -> Result<(), CommitFailure> {
        self.merged.clear();
        self.completed.clear();
        if self.is_marked_clean {
            meta::delete_clean(&mut self.merged);
        }
        let mut through = None;
        while self.completed.len() < beats
            && (through.is_none() || self.merged.bytes() < self.options.write_bytes_max)
        {
            self.merge_beat();
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
        let begun = Instant::now();
        self.log
            .commit(through, &self.merged)
            .map_err(|error| CommitFailure::new(through, error.to_string()))?;
        let now = Instant::now();
        self.is_marked_clean = false;
        // Counted before it is published: who has seen a beat durable finds it in the stats.
        self.shared.stats.record(WriteSample {
            took: now.saturating_duration_since(begun),
            beat_latencies: &mut self
                .completed
                .iter()
                .map(|at| now.saturating_duration_since(*at)),
            control_batches: self.promises.len(),
            rows: self.merged.len(),
            bytes: self.merged.bytes(),
        });
        if let Some(beat) = through {
            self.shared.durable.publish(beat);
        }
        for promise in self.promises.drain(..) {
            promise.resolve(Ok(()));
        }
        if self.merged.bytes() > 4 * self.options.write_bytes_max {
            // The memory of one extraordinary write is not kept for ever.
            self.merged = Batch::new();
        }
        Ok(())
    }

    /// Appends the next beat's batches in shard order.
    fn merge_beat(&mut self) {
        let mut completed: Option<Instant> = None;
        for lane in &self.lanes {
            let submission = lane
                .pop()
                .expect("`complete_beats` saw it, and only this thread pops");
            self.merged.append(&submission.batch);
            completed = completed.max(Some(submission.submitted));
        }
        self.completed.extend(completed);
    }

    /// Everything complete is written; nothing can be submitted any more.
    fn finish(&mut self) -> Result<FinishReport, CommitFailure> {
        let late = self.shared.control.close_and_take(&ReceiptError::Finished);
        if !late.is_empty() {
            self.write(0, late)?;
        }
        let failed = |error: super::LogError| CommitFailure::new(None, error.to_string());
        self.log.flush().map_err(failed)?;
        let batches_discarded = self.batches_waiting();
        let clean = batches_discarded == 0;
        if clean {
            self.merged.clear();
            meta::put_clean(&mut self.merged);
            self.log.commit(None, &self.merged).map_err(failed)?;
        }
        Ok(FinishReport {
            last_beat: self.shared.durable.beat(),
            batches_discarded,
            clean,
        })
    }

    fn abandon(&mut self) -> FinishReport {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.control.close(&ReceiptError::Finished);
        FinishReport {
            last_beat: self.shared.durable.beat(),
            batches_discarded: self.batches_waiting(),
            clean: false,
        }
    }

    fn batches_waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.depth()).sum()
    }
}
