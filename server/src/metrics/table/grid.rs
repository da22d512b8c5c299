//! What becomes of grids: where they are, what they cost, how they are lost and restored.
//!
//! Single grids are shown as well, which no other table does: a galaxy has thousands of them, so
//! only those that somebody plays on or that cost something, and at most [`GRIDS_SHOWN_MAX`] of
//! these. A series ends when its grid is not among them any more.

use std::cmp::Reverse;

use super::super::control::{PlacementKind, PlacementSource};
use super::{Kind, Metric, Registry, SHARD, Unit, shard_durations, shard_numbers};
use crate::metrics::GridStatus;

/// Most single grids in a scrape: those that cost most.
pub const GRIDS_SHOWN_MAX: usize = 64;

/// From this cost of a beat on a grid is shown though nobody plays there: half a millisecond.
const COST_SHOWN_NS: u64 = 500_000;

pub(super) const METRICS: &[Metric] = &[
    Metric {
        name: "grid_beat",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        labels: &["grid"],
        help: "Time that the last beat of a grid took on its home shard, of the busiest grids.",
        read: |registry, out| {
            each_grid(registry, |name, status| {
                out.real(&[name], status.cost_ns as f64 / 1e9);
            });
        },
    },
    Metric {
        name: "grid_members",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &["grid"],
        help: "Shards that step a grid together, 0 while it is lost, of the busiest grids.",
        read: |registry, out| {
            each_grid(registry, |name, status| {
                out.whole(&[name], status.members.into());
            });
        },
    },
    Metric {
        name: "grid_dilation",
        unit: Unit::Ratio,
        kind: Kind::Gauge,
        labels: &["grid"],
        help: "Simulated time per real time of a grid; 1 is full speed, of the busiest grids.",
        read: |registry, out| {
            each_grid(registry, |name, status| {
                out.real(&[name], f64::from(status.dilation_milli) / 1_000.0);
            });
        },
    },
    Metric {
        name: "grid_clients",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &["grid"],
        help: "Clients that play on a grid, of the busiest grids.",
        read: |registry, out| {
            each_grid(registry, |name, status| {
                out.whole(&[name], status.clients.into());
            });
        },
    },
    Metric {
        name: "grids_lost",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Grids that were lost to a fault; each is restored while the others go on.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.grids_lost()),
    },
    Metric {
        name: "grids_restored",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Grids that were restored; fewer than were lost means that one stays lost.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.grids_restored()),
    },
    Metric {
        name: "grid_restore_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: SHARD,
        help: "Time from the loss of a grid until it goes on.",
        read: |registry, out| shard_durations(registry, out, |shard| &shard.restore),
    },
    Metric {
        name: "checkpoints_skipped",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Checkpoints put off because those before were not written yet.",
        read: |registry, out| {
            shard_numbers(registry, out, |shard| shard.checkpoints_skipped.value());
        },
    },
    Metric {
        name: "value_answers",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Requests about items and money that were answered, refusals included.",
        read: |registry, out| {
            shard_numbers(registry, out, |shard| shard.value_answers.value());
        },
    },
    Metric {
        name: "placement_requests",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["by", "what"],
        help: "Moves, splits, merges, paces and faults of grids that somebody asked for.",
        read: |registry, out| {
            for source in PlacementSource::ALL {
                for kind in PlacementKind::ALL {
                    let count = registry.control.placements(source, kind);
                    out.whole(&[source.name(), kind.name()], count);
                }
            }
        },
    },
];

/// The grids that matter at the moment, by number.
fn each_grid(registry: &Registry, mut what: impl FnMut(&str, &GridStatus)) {
    let grids = registry.grids().into_values();
    let mut shown: Vec<_> = grids
        .map(|(_, status)| status)
        .filter(|status| {
            status.clients > 0 || status.members != 1 || status.cost_ns >= COST_SHOWN_NS
        })
        .collect();
    // What costs most, and of equals what has the lower number.
    shown.sort_by_key(|status| (Reverse(status.cost_ns), status.grid));
    shown.truncate(GRIDS_SHOWN_MAX);
    shown.sort_by_key(|status| status.grid);
    for status in shown {
        what(&status.grid.0.to_string(), &status);
    }
}
