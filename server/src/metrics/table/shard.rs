//! What shards do: beats, grids, clients, snapshots.

use super::{Kind, Metric, SHARD, Unit, each_shard, shard_durations, shard_numbers};

pub(super) const METRICS: &[Metric] = &[
    // The beat.
    Metric {
        name: "beat_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: SHARD,
        help: "Time that a shard took for a beat; 1/30 s is all there is.",
        read: |registry, out| shard_durations(registry, out, |shard| &shard.beat),
    },
    Metric {
        name: "beat_lateness",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: SHARD,
        help: "Time by which a beat began after its due moment.",
        read: |registry, out| shard_durations(registry, out, |shard| &shard.lateness),
    },
    Metric {
        name: "beat_phase_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: &["shard", "phase"],
        help: "Time that a shard spent in a phase of a beat, over all of its grids.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                for (phase, histogram) in shard.phases() {
                    out.durations(&[name, phase.name()], histogram.snapshot());
                }
            });
        },
    },
    Metric {
        name: "time_slipped",
        unit: Unit::Seconds,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Real time that a shard gave up on catching up with: the world ran late by so much.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                out.real(&[name], shard.slipped_us.value() as f64 / 1e6);
            });
        },
    },
    Metric {
        name: "tick",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "Number of the last beat that a shard has done.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.tick().0),
    },
    Metric {
        name: "time_dilation",
        unit: Unit::Ratio,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "Simulated time per real time of a shard's slowest grid; 1 is full speed.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                out.real(&[name], shard.dilation_milli.value() as f64 / 1_000.0);
            });
        },
    },
    Metric {
        name: "grids",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "Grids on a shard.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.grids.value()),
    },
    Metric {
        name: "entities",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "Entities on a shard's grids, fixed ones included.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.entities.value()),
    },
    // Clients.
    Metric {
        name: "clients",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "Clients that play, by the shard that has their connection.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.clients.value()),
    },
    Metric {
        name: "connections",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: SHARD,
        help: "QUIC connections.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.connections.value()),
    },
    Metric {
        name: "clients_refused",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "code"],
        help: "Clients that were sent away, by the reason that they were told.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                for (code, count) in shard.refusals() {
                    out.whole(&[name, code.name()], count);
                }
            });
        },
    },
    Metric {
        name: "commands_rejected",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "code"],
        help: "Commands that were refused, by the reason that the player was told.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                for (code, count) in shard.rejections() {
                    out.whole(&[name, code.name()], count);
                }
            });
        },
    },
    Metric {
        name: "malformed",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "what"],
        help: "Bytes that were not what they should be: packets, control messages, inputs.",
        read: |registry, out| {
            each_shard(registry, |name, shard| {
                out.whole(&[name, "packet"], shard.edge.malformed.value());
                out.whole(&[name, "message"], shard.malformed_messages.value());
                out.whole(&[name, "input"], shard.malformed_datagrams.value());
            });
        },
    },
    // Snapshots.
    Metric {
        name: "snapshots",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Snapshots sent to clients.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.snapshots.value()),
    },
    Metric {
        name: "snapshot_payload",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Bytes of snapshots, before QUIC.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.snapshot_bytes.value()),
    },
    Metric {
        name: "snapshot_entities",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Entities that snapshots made exact on clients.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.snapshot_entities.value()),
    },
    Metric {
        name: "snapshots_dropped",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Snapshots that a newer one pushed out of a full queue.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.snapshots_dropped.value()),
    },
];
