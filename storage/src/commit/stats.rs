//! Measurements of the commit, written once per write by the commit thread, read by the
//! metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::apply::ApplyQueue;
use super::control::ControlQueue;
use super::port::Lane;

/// The longest time that is told apart from longer ones, microseconds.
const LATENCY_US_MAX: u64 = 60_000_000;
/// The greatest count of rows or bytes that is told apart from greater ones.
const COUNT_MAX: u64 = 1 << 32;

/// Shared measurements since the start of the committer.
#[derive(Debug)]
pub struct CommitStats {
    lanes: Vec<Arc<Lane>>,
    control: Arc<ControlQueue>,
    queue: Arc<ApplyQueue>,
    totals: Mutex<Totals>,
}

#[derive(Debug)]
struct Totals {
    writes: u64,
    beats: u64,
    control_batches: u64,
    rows: u64,
    bytes: u64,
    write_us: Histogram<u64>,
    apply_us: Histogram<u64>,
    apply_frames: Histogram<u64>,
    beat_us: Histogram<u64>,
    write_rows: Histogram<u64>,
    write_bytes: Histogram<u64>,
    write_beats: Histogram<u64>,
}

/// How a quantity is distributed. Quantiles are exact to 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// Nine of ten are at or below.
    pub p90: u64,
    /// 99 of 100 are at or below.
    pub p99: u64,
    /// 999 of 1000 are at or below.
    pub p999: u64,
    /// Greatest.
    pub max: u64,
}

/// The measurements at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommitSnapshot {
    /// Writes so far.
    pub writes: u64,
    /// Beats so far.
    pub beats: u64,
    /// Control batches so far.
    pub control_batches: u64,
    /// Operations so far, the commit's own rows included.
    pub rows: u64,
    /// Bytes of keys, values and journal records so far.
    pub bytes: u64,
    /// Beats that wait for the disk now, of the shard with the most.
    pub beats_waiting: usize,
    /// Control batches that wait for a write now.
    pub control_waiting: usize,
    /// Durable frames that wait for the store now.
    pub apply_waiting: usize,
    /// Their bytes, and those of the frames that are being applied.
    pub apply_waiting_bytes: usize,
    /// Time in the log per write, microseconds.
    pub write_us: Quantiles,
    /// Time in the store per application, microseconds.
    pub apply_us: Quantiles,
    /// Frames per application: more than one where beats are heavy or the store is behind.
    pub apply_frames: Quantiles,
    /// Time from a beat's last submission until it is durable, microseconds.
    pub beat_us: Quantiles,
    /// Operations per write.
    pub write_rows: Quantiles,
    /// Bytes per write.
    pub write_bytes: Quantiles,
    /// Beats per write: more than one when the disk could not follow.
    pub write_beats: Quantiles,
}

/// One write, as it is counted.
pub(super) struct WriteSample<'a> {
    pub(super) took: Duration,
    /// One per beat.
    pub(super) beat_latencies: &'a mut dyn Iterator<Item = Duration>,
    pub(super) control_batches: usize,
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl CommitStats {
    pub(super) fn new(
        lanes: Vec<Arc<Lane>>,
        control: Arc<ControlQueue>,
        queue: Arc<ApplyQueue>,
    ) -> Self {
        Self {
            lanes,
            control,
            queue,
            totals: Mutex::new(Totals {
                writes: 0,
                beats: 0,
                control_batches: 0,
                rows: 0,
                bytes: 0,
                write_us: histogram(LATENCY_US_MAX),
                apply_us: histogram(LATENCY_US_MAX),
                apply_frames: histogram(COUNT_MAX),
                beat_us: histogram(LATENCY_US_MAX),
                write_rows: histogram(COUNT_MAX),
                write_bytes: histogram(COUNT_MAX),
                write_beats: histogram(COUNT_MAX),
            }),
        }
    }

    /// The measurements so far. Takes some microseconds and, for as long, a lock that the
    /// commit thread needs once per write.
    #[must_use]
    pub fn snapshot(&self) -> CommitSnapshot {
        let waiting = self.lanes.iter().map(|lane| lane.depth()).max();
        let control_waiting = self.control.depth();
        let (apply_waiting, apply_waiting_bytes) = self.queue.depth();
        let totals = self.lock();
        CommitSnapshot {
            writes: totals.writes,
            beats: totals.beats,
            control_batches: totals.control_batches,
            rows: totals.rows,
            bytes: totals.bytes,
            beats_waiting: waiting.unwrap_or(0),
            control_waiting,
            apply_waiting,
            apply_waiting_bytes,
            write_us: quantiles(&totals.write_us),
            apply_us: quantiles(&totals.apply_us),
            apply_frames: quantiles(&totals.apply_frames),
            beat_us: quantiles(&totals.beat_us),
            write_rows: quantiles(&totals.write_rows),
            write_bytes: quantiles(&totals.write_bytes),
            write_beats: quantiles(&totals.write_beats),
        }
    }

    pub(super) fn record(&self, sample: WriteSample<'_>) {
        let mut totals = self.lock();
        let mut beats = 0;
        for latency in sample.beat_latencies {
            beats += 1;
            totals.beat_us.saturating_record(micros(latency));
        }
        let (rows, bytes) = (sample.rows as u64, sample.bytes as u64);
        totals.writes += 1;
        totals.beats += beats;
        totals.control_batches += sample.control_batches as u64;
        totals.rows += rows;
        totals.bytes += bytes;
        totals.write_us.saturating_record(micros(sample.took));
        totals.write_rows.saturating_record(rows);
        totals.write_bytes.saturating_record(bytes);
        totals.write_beats.saturating_record(beats);
    }

    pub(super) fn record_apply(&self, took: Duration, frames: usize) {
        let mut totals = self.lock();
        totals.apply_us.saturating_record(micros(took));
        totals.apply_frames.saturating_record(frames as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn histogram(max: u64) -> Histogram<u64> {
    // The bounds are the constants above: 2 <= max, and two digits are allowed.
    Histogram::new_with_bounds(1, max, 2).expect("constant bounds are valid")
}

fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    Quantiles {
        count: histogram.len(),
        mean: histogram.mean(),
        p50: histogram.value_at_quantile(0.5),
        p90: histogram.value_at_quantile(0.9),
        p99: histogram.value_at_quantile(0.99),
        p999: histogram.value_at_quantile(0.999),
        max: histogram.max(),
    }
}
