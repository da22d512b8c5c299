//! The one table of metrics.

use super::cell::{Counter, Histogram};
use super::control::{LogInOutcome, STATUS_CLASSES};
use super::samples::Samples;
use super::shard::EdgeCells;
use super::{Registry, ShardMetrics};

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
pub const METRICS: &[Metric] = &[
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
    // The edge.
    Metric {
        name: "udp_datagrams",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "UDP datagrams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.datagrams_in), ("out", |e| &e.datagrams_out)],
            );
        },
    },
    Metric {
        name: "udp_payload",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Bytes of UDP datagrams, without the headers of UDP and IP.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.bytes_in), ("out", |e| &e.bytes_out)],
            );
        },
    },
    Metric {
        name: "udp_calls",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "call"],
        help: "System calls that moved datagrams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("recvmmsg", |e| &e.receive_calls),
                    ("sendmmsg", |e| &e.send_calls),
                ],
            );
        },
    },
    Metric {
        name: "udp_trouble",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "kind"],
        help: "Datagrams that the kernel dropped or refused, and times that a send buffer was full.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("receive_overflow", |e| &e.receive_overflows),
                    ("send_blocked", |e| &e.send_blocked),
                    ("send_failed", |e| &e.send_failed),
                ],
            );
        },
    },
    Metric {
        name: "udp_forwarded",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Datagrams that reached another shard's socket first.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.edge.forwarded_in.value()),
    },
    Metric {
        name: "quic_datagrams",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Unreliable QUIC datagrams: inputs in, snapshots out.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[("in", |e| &e.unreliable_in), ("out", |e| &e.unreliable_out)],
            );
        },
    },
    Metric {
        name: "quic_stream",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: &["shard", "direction"],
        help: "Bytes of control streams.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("in", |e| &e.stream_bytes_in),
                    ("out", |e| &e.stream_bytes_out),
                ],
            );
        },
    },
    Metric {
        name: "handshakes",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "result"],
        help: "QUIC handshakes begun and what became of them; retries are addresses to prove first.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("started", |e| &e.handshakes_started),
                    ("completed", |e| &e.handshakes_completed),
                    ("failed", |e| &e.handshakes_failed),
                    ("timed_out", |e| &e.handshakes_timed_out),
                    ("retried", |e| &e.retries),
                ],
            );
        },
    },
    Metric {
        name: "connections_refused",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "reason"],
        help: "Connections and packets that the edge refused by itself.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("full", |e| &e.refused_full),
                    ("farewells", |e| &e.refused_farewells),
                    ("pending", |e| &e.refused_pending),
                    ("address_rate", |e| &e.refused_address_rate),
                    ("global_rate", |e| &e.deferred_global_rate),
                    ("packet_rate", |e| &e.refused_rate),
                    ("protocol", |e| &e.refused_alpn),
                    ("malformed", |e| &e.refused_malformed),
                ],
            );
        },
    },
    Metric {
        name: "connections_ended",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["shard", "reason"],
        help: "Connections that ended, by why the edge ended them; `any` counts all.",
        read: |registry, out| {
            edge(
                registry,
                out,
                &[
                    ("any", |e| &e.closed),
                    ("too_slow", |e| &e.closed_too_slow),
                    ("control_stream", |e| &e.closed_control_stream),
                    ("timed_out", |e| &e.closed_timed_out),
                ],
            );
        },
    },
    Metric {
        name: "connections_made",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Connections whose handshake was completed and that were let in.",
        read: |registry, out| shard_numbers(registry, out, |shard| shard.edge.connected.value()),
    },
    // The commit.
    Metric {
        name: "commit_writes",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Writes to the disk.",
        read: |registry, out| commit(registry, |commit| out.whole(&[], commit.writes)),
    },
    Metric {
        name: "commit_beats",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Beats in these writes.",
        read: |registry, out| commit(registry, |commit| out.whole(&[], commit.beats)),
    },
    Metric {
        name: "commit_control_batches",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Batches from outside the beat in these writes: accounts, tokens.",
        read: |registry, out| commit(registry, |commit| out.whole(&[], commit.control_batches)),
    },
    Metric {
        name: "commit_rows",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Rows in these writes.",
        read: |registry, out| commit(registry, |commit| out.whole(&[], commit.rows)),
    },
    Metric {
        name: "commit_payload",
        unit: Unit::Bytes,
        kind: Kind::Counter,
        labels: &[],
        help: "Bytes of keys and values in these writes.",
        read: |registry, out| commit(registry, |commit| out.whole(&[], commit.bytes)),
    },
    Metric {
        name: "commit_beats_waiting",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "Beats of one shard that wait for the disk, of the shard with the most.",
        read: |registry, out| {
            commit(registry, |commit| {
                out.whole(&[], commit.beats_waiting as u64);
            });
        },
    },
    Metric {
        name: "commit_write_duration",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        labels: &["quantile"],
        help: "Time of a write to the disk, quantiles since the start.",
        read: |registry, out| commit(registry, |commit| quantiles(out, &commit.write_us)),
    },
    Metric {
        name: "commit_latency",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        labels: &["quantile"],
        help: "Time from the end of a beat until it is durable, quantiles since the start.",
        read: |registry, out| commit(registry, |commit| quantiles(out, &commit.beat_us)),
    },
    Metric {
        name: "commit_back_pressure",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: SHARD,
        help: "Times that the disk was so far behind that a beat had to wait to be handed over.",
        read: |registry, out| {
            shard_numbers(registry, out, |shard| shard.commit_back_pressure.value());
        },
    },
    Metric {
        name: "durable_lag_beats",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "Beats that are done but not durable.",
        read: |registry, out| out.whole(&[], registry.durable_lag_beats()),
    },
    Metric {
        name: "store_failed",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "1 when a write to the store has failed: nothing will be durable until a restart.",
        read: |registry, out| {
            let failed = registry
                .commit
                .get()
                .is_some_and(|(_, durable)| durable.failed().is_some());
            out.whole(&[], u64::from(failed));
        },
    },
    // The control thread.
    Metric {
        name: "http_requests",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["status"],
        help: "HTTP requests answered, by the class of the status.",
        read: |registry, out| {
            for (class, count) in STATUS_CLASSES.iter().zip(&registry.control.answers) {
                out.whole(&[class], count.value());
            }
        },
    },
    Metric {
        name: "http_request_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: &[],
        help: "Time to answer an HTTP request, delays after failed log-ins included.",
        read: |registry, out| out.durations(&[], registry.control.request.snapshot()),
    },
    Metric {
        name: "http_connections",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "HTTP connections.",
        read: |registry, out| out.whole(&[], registry.control.connections.value()),
    },
    Metric {
        name: "http_rate_limited",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "HTTP requests refused because of a rate limit.",
        read: |registry, out| out.whole(&[], registry.control.rate_limited.value()),
    },
    Metric {
        name: "log_ins",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["result"],
        help: "Attempts to log in.",
        read: |registry, out| {
            for outcome in LogInOutcome::ALL {
                out.whole(&[outcome.name()], registry.control.log_ins(outcome));
            }
        },
    },
    Metric {
        name: "sign_ups",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Accounts made since the start.",
        read: |registry, out| out.whole(&[], registry.control.sign_ups.value()),
    },
    Metric {
        name: "characters_created",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Characters made since the start.",
        read: |registry, out| out.whole(&[], registry.control.characters.value()),
    },
    Metric {
        name: "game_tokens",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["event"],
        help: "Game tokens issued, redeemed and refused.",
        read: |registry, out| {
            let control = &registry.control;
            out.whole(&["issued"], control.tokens_issued.value());
            out.whole(&["redeemed"], control.tokens_redeemed.value());
            out.whole(&["refused"], control.tokens_refused.value());
        },
    },
    Metric {
        name: "tokens_remembered",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "Spent tokens that have not expired yet.",
        read: |registry, out| out.whole(&[], registry.control.tokens_remembered.value()),
    },
    Metric {
        name: "password_hash_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: &[],
        help: "Time to compute or verify a password's hash, waiting not counted.",
        read: |registry, out| out.durations(&[], registry.control.password_hash.snapshot()),
    },
    Metric {
        name: "password_queue",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "Password hashes that wait for a thread.",
        read: |registry, out| out.whole(&[], registry.control.password_queue.value()),
    },
    Metric {
        name: "password_queue_full",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &[],
        help: "Password hashes refused because too many were waiting.",
        read: |registry, out| out.whole(&[], registry.control.password_queue_full.value()),
    },
    // The process.
    Metric {
        name: "uptime",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        labels: &[],
        help: "Time since the start of the process.",
        read: |registry, out| out.real(&[], registry.uptime().as_secs_f64()),
    },
    Metric {
        name: "resident_memory",
        unit: Unit::Bytes,
        kind: Kind::Gauge,
        labels: &[],
        help: "Memory that the process has in RAM.",
        read: |_, out| {
            if let Some(bytes) = resident_bytes() {
                out.whole(&[], bytes);
            }
        },
    },
    Metric {
        name: "build",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &["version"],
        help: "Always 1; which version is running.",
        read: |_, out| out.whole(&[env!("CARGO_PKG_VERSION")], 1),
    },
];

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

/// A label's value and the counter that it stands for.
type Cell<'a> = (&'a str, fn(&EdgeCells) -> &Counter);

fn edge(registry: &Registry, out: &mut Samples<'_>, cells: &[Cell<'_>]) {
    each_shard(registry, |name, shard| {
        for (value, of) in cells {
            out.whole(&[name, value], of(&shard.edge).value());
        }
    });
}

fn commit(registry: &Registry, what: impl FnOnce(orrery_storage::commit::CommitSnapshot)) {
    if let Some((stats, _)) = registry.commit.get() {
        what(stats.snapshot());
    }
}

fn quantiles(out: &mut Samples<'_>, of: &orrery_storage::commit::Quantiles) {
    for (name, us) in [
        ("0.5", of.p50),
        ("0.9", of.p90),
        ("0.99", of.p99),
        ("1", of.max),
    ] {
        out.real(&[name], us as f64 / 1e6);
    }
}

/// Memory that the process has in RAM: from `/proc/self/statm`, whose second number counts pages.
pub fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}
