//! Audits all value in the running store, again and again, for a metric that wakes somebody.
//!
//! A thread takes a view of the store, which is one moment between two beats, walks its rows at a
//! slow pace, resting half of the time, and says what does not add up. It shares nothing with
//! shards but the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use orrery_services::custody::Commodity;
use orrery_services::custody::audit::{Report, audit_at_pace};
use orrery_services::economy::{self, Shipment};
use orrery_storage::Store;

use crate::metrics::Registry;

/// The first audit comes this long after the start: recovery has proved what there was.
const FIRST: Duration = Duration::from_secs(20);
/// Between two looks at whether the server stops.
const NAP: Duration = Duration::from_millis(200);
/// Rest after every few thousand rows, which take about as long.
const REST: Duration = Duration::from_millis(5);
/// Problems that are logged one by one.
const LOGGED_MAX: usize = 20;

/// Starts the thread, unless `interval` is zero. It ends soon after `stop` is set.
///
/// # Errors
/// If the thread cannot be started.
pub fn start(
    store: Store,
    metrics: Arc<Registry>,
    stop: Arc<AtomicBool>,
    interval: Duration,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    if interval.is_zero() {
        return Ok(None);
    }
    let thread = std::thread::Builder::new()
        .name("orrery-audit".into())
        .spawn(move || {
            let mut next = Instant::now() + FIRST.min(interval);
            while wait_until(next, &stop) {
                audit(&store, &metrics, &stop);
                next = Instant::now() + interval;
            }
        })
        .context("start the audit thread")?;
    Ok(Some(thread))
}

/// Returns whether the time has come, or false to stop.
fn wait_until(time: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Acquire) {
            return false;
        }
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(NAP));
    }
}

fn audit(store: &Store, metrics: &Registry, stop: &AtomicBool) {
    let (begin, view) = (Instant::now(), store.view());
    let lots = |bytes: &[u8]| Shipment::decode(bytes).ok().map(|shipment| shipment.lots);
    let pace = || {
        std::thread::sleep(REST);
        !stop.load(Ordering::Acquire)
    };
    let report = economy::partitions(&view)
        .map_err(|error| error.to_string())
        .and_then(|count| {
            audit_at_pace(&view, count, lots, pace).map_err(|error| error.to_string())
        });
    let metrics = &metrics.control().audit;
    match report {
        Ok(None) => {}
        Ok(Some(report)) => {
            metrics.duration.record(begin.elapsed());
            metrics.ended.increment();
            metrics.problems.set(report.problem_count);
            metrics.cents.set(cents(&report));
            tell(&report, begin.elapsed());
        }
        Err(error) => {
            metrics.failed.increment();
            tracing::error!(error, "the audit cannot read the store");
        }
    }
}

/// All money there is; what does not fit is damage, and among the problems.
fn cents(report: &Report) -> u64 {
    let sum = report
        .sums
        .get(&Commodity::Coin)
        .copied()
        .unwrap_or_default();
    u64::try_from(sum.held.saturating_add(sum.in_flight)).unwrap_or(u64::MAX)
}

fn tell(report: &Report, took: Duration) {
    let Report {
        accounts,
        stacks,
        problem_count: problems,
        ..
    } = *report;
    if report.is_sound() {
        tracing::info!(
            accounts,
            stacks,
            took_ms = took.as_millis() as u64,
            "audit: all value adds up"
        );
        return;
    }
    tracing::error!(
        accounts,
        stacks,
        problems,
        "audit: value was doubled or has vanished"
    );
    for problem in report.problems.iter().take(LOGGED_MAX) {
        tracing::error!(problem, "audit");
    }
}
