//! What the host does: commits, HTTP, log-ins, the process.

use super::super::control::{LogInOutcome, STATUS_CLASSES};
use super::super::samples::Samples;
use super::{Kind, Metric, Registry, SHARD, Unit, shard_numbers};

pub(super) const METRICS: &[Metric] = &[
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
    // The audits.
    Metric {
        name: "audits",
        unit: Unit::None,
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Audits of all value in the running store: ended, or failed to read it.",
        read: |registry, out| {
            let audit = &registry.control.audit;
            out.whole(&["ended"], audit.ended.value());
            out.whole(&["failed"], audit.failed.value());
        },
    },
    Metric {
        name: "audit_problems",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "What did not add up in the last audit. Above zero value was doubled or has vanished.",
        read: |registry, out| out.whole(&[], registry.control.audit.problems.value()),
    },
    Metric {
        name: "audit_cents",
        unit: Unit::None,
        kind: Kind::Gauge,
        labels: &[],
        help: "All money in accounts and in flight, cents, as of the last audit.",
        read: |registry, out| out.whole(&[], registry.control.audit.cents.value()),
    },
    Metric {
        name: "audit_duration",
        unit: Unit::Seconds,
        kind: Kind::Histogram,
        labels: &[],
        help: "Time that an audit takes, at its slow pace.",
        read: |registry, out| out.durations(&[], registry.control.audit.duration.snapshot()),
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
