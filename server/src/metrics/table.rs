//! The one table of metrics, in four parts: what shards do, what becomes of grids, what the edges
//! do, what the host does.

mod edge;
mod grid;
mod host;
mod shard;

use super::cell::Histogram;
use super::samples::Samples;
use super::{Registry, ShardMetrics};

pub use grid::GRIDS_SHOWN_MAX;
pub use host::resident_bytes;

/// How a metric behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows; the name gets `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations by their size.
    Histogram,
}

/// In what a metric is measured; the name gets it as a suffix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A count of what the name says.
    None,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of one.
    Ratio,
}

/// A metric.
pub struct Metric {
    /// The name without prefix, unit and `_total`.
    pub name: &'static str,
    /// The unit.
    pub unit: Unit,
    /// How it behaves.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means: a sentence.
    pub help: &'static str,
    pub(super) read: fn(&Registry, &mut Samples<'_>),
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?}, {:?})", self.name, self.kind, self.unit)
    }
}

impl Metric {
    /// The full name, as in a query.
    #[must_use]
    pub fn full_name(&self) -> String {
        let unit = match self.unit {
            Unit::None => "",
            Unit::Seconds => "_seconds",
            Unit::Bytes => "_bytes",
            Unit::Ratio => "_ratio",
        };
        let total = if self.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        format!("orrery_{}{unit}{total}", self.name)
    }
}

const SHARD: &[&str] = &["shard"];

/// Every metric, in the order of a scrape.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    [shard::METRICS, grid::METRICS, edge::METRICS, host::METRICS]
        .into_iter()
        .flatten()
}

fn each_shard(registry: &Registry, mut what: impl FnMut(&str, &ShardMetrics)) {
    for (index, shard) in registry.shards.iter().enumerate() {
        what(&index.to_string(), shard);
    }
}

fn shard_numbers(registry: &Registry, out: &mut Samples<'_>, of: fn(&ShardMetrics) -> u64) {
    each_shard(registry, |name, shard| out.whole(&[name], of(shard)));
}

fn shard_durations(
    registry: &Registry,
    out: &mut Samples<'_>,
    of: fn(&ShardMetrics) -> &Histogram,
) {
    each_shard(registry, |name, shard| {
        out.durations(&[name], of(shard).snapshot());
    });
}
