//! The metrics: what is measured, under which name, in which unit, and what it means.
//!
//! Shards and the control thread write into [`ShardMetrics`] and [`ControlMetrics`], which
//! nobody locks. The one table, [`metrics`], says what becomes of it; a scrape walks the table
//! and encodes what it reads. Adding a metric is a field and a line of the table.
//!
//! Names follow Prometheus: prefix `orrery_`, base units (seconds, bytes, ratios), `_total` for
//! counters. Quantities of a shard have the label `shard`; add them up over it. Of single grids
//! only the few that matter at the moment are shown ([`GRIDS_SHOWN_MAX`]).
//!
//! Cost: 30 KB a shard; a scrape takes about half a millisecond on the control thread.

mod cell;
mod control;
mod samples;
mod shard;
mod table;
mod trace;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_storage::{CommitStats, Durable};

pub use cell::{Counter, Distribution, Gauge, Histogram};
pub use control::{AuditMetrics, ControlMetrics, LogInOutcome, PlacementKind, PlacementSource};
pub use samples::encode;
pub use shard::{BeatPhase, GridStatus, GridTable, ShardMetrics};
pub use table::GRIDS_SHOWN_MAX;
pub use table::{Kind, Metric, Unit, metrics, resident_bytes};
pub use trace::{BeatTrace, TRACE_BEATS, TracedBeat};

/// All that is measured in this process.
#[derive(Debug)]
pub struct Registry {
    started: Instant,
    shards: Vec<Arc<ShardMetrics>>,
    control: ControlMetrics,
    commit: OnceLock<(Arc<CommitStats>, Durable)>,
}

impl Registry {
    /// A registry for so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Arc<Self> {
        let started = Instant::now();
        Arc::new(Self {
            started,
            shards: (0..shards)
                .map(|_| Arc::new(ShardMetrics::new(started)))
                .collect(),
            control: ControlMetrics::default(),
            commit: OnceLock::new(),
        })
    }

    /// A shard's metrics.
    ///
    /// # Panics
    /// When there is no such shard.
    #[must_use]
    pub fn shard(&self, shard: ShardIndex) -> Arc<ShardMetrics> {
        Arc::clone(&self.shards[usize::from(shard.0)])
    }

    /// All shards' metrics, in the order of the shards.
    #[must_use]
    pub fn shards(&self) -> &[Arc<ShardMetrics>] {
        &self.shards
    }

    /// The control thread's metrics.
    #[must_use]
    pub const fn control(&self) -> &ControlMetrics {
        &self.control
    }

    /// Shows the commit's measurements; the first call counts.
    pub fn show_commit(&self, stats: Arc<CommitStats>, durable: Durable) {
        // Set once at the start; a second committer in one process would be a test's.
        let _ = self.commit.set((stats, durable));
    }

    /// Time since the registry was made.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The last beat that any shard has done.
    #[must_use]
    pub fn tick(&self) -> Tick {
        self.shards
            .iter()
            .map(|shard| shard.tick())
            .max()
            .unwrap_or_default()
    }

    /// Durations of the beats of all shards together.
    #[must_use]
    pub fn beats(&self) -> Distribution {
        let mut all = Distribution::default();
        for shard in &self.shards {
            all.merge(&shard.beat.snapshot());
        }
        all
    }

    /// A sum over the shards.
    pub fn sum(&self, of: impl Fn(&ShardMetrics) -> u64) -> u64 {
        self.shards.iter().map(|shard| of(shard)).sum()
    }

    /// All grids with the shards that they are at home on, as the shards have last shown them.
    /// While a grid moves, both shards may show it, and the newer table counts, or neither, and it
    /// is missing for up to a second.
    #[must_use]
    pub fn grids(&self) -> BTreeMap<GridId, (ShardIndex, GridStatus)> {
        let mut tables: Vec<_> = (0..)
            .map(ShardIndex)
            .zip(self.shards.iter().map(|shard| shard.grids_shown()))
            .collect();
        tables.sort_by_key(|(_, table)| table.tick);
        let mut grids = BTreeMap::new();
        for (shard, table) in tables {
            let shown = table.grids.iter();
            grids.extend(shown.map(|status| (status.grid, (shard, status.clone()))));
        }
        grids
    }

    /// Beats that are done but not durable.
    #[must_use]
    pub fn durable_lag_beats(&self) -> u64 {
        let durable = self.commit.get().and_then(|(_, durable)| durable.beat());
        self.tick().since(durable.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
