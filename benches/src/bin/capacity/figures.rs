//! What a run shows, and the limits.
//!
//! | figure | what it is |
//! | --- | --- |
//! | beat | time of a beat on its shard, of all shards together, from the server's histogram: the difference of two scrapes, so of the measured window alone. Interpolated within a bucket, at most 14 % wide around the limit |
//! | round trip | of the bots' QUIC connections: smoothed, looked at 15 times a second by each. It includes the time until a shard that is busy looks at its sockets again, and the bots' own delays |
//! | input until seen | from sending a flight input until a snapshot arrives that shows it: the wait for the next beat (up to 33 ms), the beat after which an order holds (33 ms), and the wait for the client's turn (up to 33 ms at 15 snapshots a second). It has no limit, because those waits are the rules' and not the machine's |
//! | loss | the larger of the two directions. **Upwards**: packets of the bots that QUIC declared lost, of those sent. **Downwards**: snapshots that did not reach a bot, of those that the server handed to QUIC: whatever was dropped in between, by a queue of the server, a socket or the kernel, is missing here. The two ends count the same seconds with up to 0.1 s of difference, which is 0.2 % of a minute at the very most, and less because only the change within it counts; a negative difference is no loss |
//! | memory | the most that the server's process ever had in RAM, start and arrival included (`VmHWM`), in millions of bytes |
//! | bytes per client | UDP payload that the server sent in the window, per client and second: QUIC, acknowledgements and control streams included, the headers of UDP and IP (28 bytes a datagram) not |
//!
//! Processor time is in cores: seconds of processor per second. `others` is what everything else
//! on the machine used, the hypervisor's share included: with more than a few hundredths there, a
//! run says less about the server than about its neighbours.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

use crate::run::{Look, Run};
use crate::scrape::{Durations, Quantile};

/// Metrics that are used in more than one place.
pub(crate) const BEAT: &str = "orrery_beat_duration_seconds";
const LATENESS: &str = "orrery_beat_lateness_seconds";
const PHASE: &str = "orrery_beat_phase_duration_seconds";
const OUT: &[&str] = &["direction=\"out\""];
const IN: &[&str] = &["direction=\"in\""];

/// Limits of a run, whatever its size.
const BEAT_P99_MS: f64 = 16.0;
const RTT_P50_MS: f64 = 50.0;
const LOSS_RATIO: f64 = 0.01;
const RSS_MB: f64 = 1_000.0;
const BYTES_PER_CLIENT_S: f64 = 20_000.0;

/// A figure with its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limited {
    /// As in the summary, without the name of the run.
    pub(crate) key: &'static str,
    /// For people.
    pub(crate) name: &'static str,
    /// What was measured.
    pub(crate) value: f64,
    /// It must be less.
    pub(crate) below: f64,
    /// Of both.
    pub(crate) unit: &'static str,
}

impl Limited {
    /// Whether the limit holds.
    pub(crate) fn holds(&self) -> bool {
        self.value < self.below
    }
}

/// Something that must be so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// What.
    pub(crate) name: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// Whether it is so.
    pub(crate) holds: bool,
}

/// A figure for information.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plain {
    /// In results.
    pub(crate) key: &'static str,
    /// For people.
    pub(crate) name: &'static str,
    /// What was measured.
    pub(crate) value: f64,
    /// Of it.
    pub(crate) unit: &'static str,
}

/// One phase of a beat in the measured window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PhaseFigures {
    /// Its name in the metrics.
    pub(crate) name: String,
    /// Times that it took place.
    pub(crate) count: f64,
    /// Mean, milliseconds.
    pub(crate) mean_ms: f64,
    /// 99 of 100 took no longer.
    pub(crate) p99: Quantile,
    /// Share of all time that beats took.
    pub(crate) share: f64,
}

/// All figures of a run.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// With limits.
    pub(crate) limited: Vec<Limited>,
    /// What else must be so.
    pub(crate) conditions: Vec<Condition>,
    /// For information.
    pub(crate) plain: Vec<Plain>,
    /// The phases of the beat, the costliest first.
    pub(crate) phases: Vec<PhaseFigures>,
    /// The server's processor time by thread, cores, the busiest first.
    pub(crate) threads: Vec<(String, f64)>,
    /// Seconds between the two scrapes.
    pub(crate) window_s: f64,
}

/// The measured window: two looks and what lies between them.
struct Window<'a> {
    begin: &'a Look,
    end: &'a Look,
    seconds: f64,
}

impl<'a> Window<'a> {
    fn of(run: &'a Run) -> Self {
        let (begin, end) = (&run.begin, &run.end);
        // By the server's own clock, read in the same scrape as everything else.
        let uptime = |look: &Look| look.metrics.sum("orrery_uptime_seconds", &[]);
        Self {
            begin,
            end,
            seconds: (uptime(end) - uptime(begin)).max(1e-3),
        }
    }

    fn grown(&self, name: &str, labels: &[&str]) -> f64 {
        self.end.metrics.sum(name, labels) - self.begin.metrics.sum(name, labels)
    }

    fn durations(&self, name: &str, labels: &[&str]) -> Durations {
        self.end
            .metrics
            .durations(name, labels)
            .since(&self.begin.metrics.durations(name, labels))
    }
}

impl Figures {
    /// Of a run.
    pub(crate) fn of(run: &Run) -> anyhow::Result<Self> {
        let window = Window::of(run);
        let bots = Bots::of(&run.report)?;
        let beat = window.durations(BEAT, &[]);
        let clients = clients(run).max(1.0);
        let bytes_out =
            window.grown("orrery_udp_payload_bytes_total", OUT) / window.seconds / clients;
        let snapshots = window.grown("orrery_snapshots_total", &[]);
        let sent_per_s = snapshots / window.seconds / clients;
        let missing = missing_ratio(sent_per_s, bots.came_per_s * bots.arrived / clients);
        let limited = |key, name, value, below, unit| Limited {
            key,
            name,
            value,
            below,
            unit,
        };
        let limited = vec![
            limited(
                "beat_p99_ms",
                "beat, p99",
                beat.quantile(0.99).ms,
                BEAT_P99_MS,
                "ms",
            ),
            limited(
                "rtt_p50_ms",
                "round trip, p50",
                bots.quic_p50_ms,
                RTT_P50_MS,
                "ms",
            ),
            limited(
                "loss_ratio",
                "loss",
                missing.max(bots.loss_up),
                LOSS_RATIO,
                "of 1",
            ),
            limited(
                "rss_mb",
                "memory of the server",
                run.after.server.peak_mb,
                RSS_MB,
                "MB",
            ),
            limited(
                "bytes_per_client_s",
                "to each client",
                bytes_out,
                BYTES_PER_CLIENT_S,
                "bytes/s",
            ),
        ];
        let mut plain = Vec::new();
        let mut note = |key, name, value, unit| {
            plain.push(Plain {
                key,
                name,
                value,
                unit,
            })
        };
        let lateness = window.durations(LATENESS, &[]);
        note("beat_p50_ms", "beat, p50", beat.quantile(0.5).ms, "ms");
        note("beat_p999_ms", "beat, p99.9", beat.quantile(0.999).ms, "ms");
        note("beat_mean_ms", "beat, mean", beat.mean_ms(), "ms");
        note("beats", "beats in the window, all shards", beat.count(), "");
        note(
            "lateness_p99_ms",
            "begin of a beat after its due time, p99",
            lateness.quantile(0.99).ms,
            "ms",
        );
        note(
            "slipped_s",
            "time given up",
            window.grown("orrery_time_slipped_seconds_total", &[]),
            "s",
        );
        note("rtt_p99_ms", "round trip, p99", bots.quic_p99_ms, "ms");
        note(
            "input_p50_ms",
            "input until seen, p50",
            bots.input_p50_ms,
            "ms",
        );
        note(
            "input_p99_ms",
            "input until seen, p99",
            bots.input_p99_ms,
            "ms",
        );
        note(
            "answer_p50_ms",
            "answer to a command, p50",
            bots.answer_p50_ms,
            "ms",
        );
        note(
            "answer_p99_ms",
            "answer to a command, p99",
            bots.answer_p99_ms,
            "ms",
        );
        note("loss_up_ratio", "loss upwards", bots.loss_up, "of 1");
        note("loss_down_ratio", "loss downwards", missing, "of 1");
        note(
            "snapshots_dropped",
            "snapshots dropped by the server",
            window.grown("orrery_snapshots_dropped_total", &[]),
            "",
        );
        note(
            "udp_dropped",
            "UDP datagrams dropped by the kernel",
            run.end.machine.udp_dropped - run.begin.machine.udp_dropped,
            "",
        );
        note(
            "snapshots_per_client_s",
            "snapshots to each client",
            sent_per_s,
            "per s",
        );
        note("visible", "entities in sight of a bot", bots.visible, "");
        note(
            "snapshot_bytes",
            "a snapshot",
            window.grown("orrery_snapshot_payload_bytes_total", &[]) / snapshots.max(1.0),
            "bytes",
        );
        note(
            "bytes_from_client_s",
            "from each client",
            window.grown("orrery_udp_payload_bytes_total", IN) / window.seconds / clients,
            "bytes/s",
        );
        let sent = window.grown("orrery_udp_datagrams_total", OUT);
        note(
            "datagrams_to_client_s",
            "datagrams to each client",
            sent / window.seconds / clients,
            "per s",
        );
        note(
            "correction_p99_cm",
            "correction of a bot's prediction, p99",
            bots.correction_p99_cm,
            "cm",
        );
        note(
            "rss_alone_mb",
            "memory before the first client",
            run.alone.server.rss_mb,
            "MB",
        );
        note(
            "kb_per_client",
            "memory per client",
            (run.end.server.rss_mb - run.alone.server.rss_mb) / clients * 1e3,
            "kB",
        );
        processor(&window, snapshots, &mut note);
        note(
            "commit_p99_ms",
            "a beat until it is durable, p99",
            run.end
                .metrics
                .sum("orrery_commit_latency_seconds", &["quantile=\"0.99\""])
                * 1e3,
            "ms",
        );
        note(
            "ready_s",
            "start until ready",
            run.ready_after.as_secs_f64(),
            "s",
        );
        note(
            "arrival_s",
            "arrival of all bots",
            run.arrived_after.as_secs_f64(),
            "s",
        );
        Ok(Self {
            limited,
            conditions: conditions(run, &bots),
            plain,
            phases: phases(&window, beat.sum_s()),
            threads: busiest(&window),
            window_s: window.seconds,
        })
    }

    /// Whether every limit holds and everything is as it must be.
    pub(crate) fn hold(&self) -> bool {
        self.limited.iter().all(Limited::holds)
            && self.conditions.iter().all(|condition| condition.holds)
    }
}

/// What the bots report.
struct Bots {
    arrived: f64,
    failed: f64,
    broken: f64,
    input_p50_ms: f64,
    input_p99_ms: f64,
    quic_p50_ms: f64,
    quic_p99_ms: f64,
    answer_p50_ms: f64,
    answer_p99_ms: f64,
    loss_up: f64,
    /// Snapshots that came, usable or not, per bot and second.
    came_per_s: f64,
    visible: f64,
    correction_p99_cm: f64,
}

impl Bots {
    fn of(report: &Value) -> anyhow::Result<Self> {
        let number = |pointer: &str| {
            let found = report.pointer(pointer).and_then(Value::as_f64);
            found.with_context(|| format!("no {pointer} in the bots' report"))
        };
        // The unusable ones are a share of all that came.
        let unusable = number("/unusable_ratio")?;
        Ok(Self {
            arrived: number("/arrived")?,
            failed: number("/failed")?,
            broken: number("/broken_snapshots")?,
            input_p50_ms: number("/input_ms/p50")?,
            input_p99_ms: number("/input_ms/p99")?,
            quic_p50_ms: number("/rtt_ms/p50")?,
            quic_p99_ms: number("/rtt_ms/p99")?,
            answer_p50_ms: number("/answer_ms/p50")?,
            answer_p99_ms: number("/answer_ms/p99")?,
            loss_up: number("/loss_ratio")?,
            came_per_s: number("/snapshots_per_s")? / (1.0 - unusable).max(1e-9),
            visible: number("/visible")?,
            correction_p99_cm: number("/correction_cm/p99")?,
        })
    }
}

/// The share that did not arrive; of nothing, nothing is lost.
fn missing_ratio(sent: f64, came: f64) -> f64 {
    if sent > 0.0 {
        (1.0 - came / sent).max(0.0)
    } else {
        0.0
    }
}

/// Clients in the window: the mean of what was seen.
fn clients(run: &Run) -> f64 {
    let seen: Vec<f64> = std::iter::once(&run.begin)
        .chain(in_window(run))
        .chain(std::iter::once(&run.end))
        .map(|look| look.metrics.sum("orrery_clients", &[]))
        .collect();
    seen.iter().sum::<f64>() / seen.len() as f64
}

/// The looks within the measured window.
pub(crate) fn in_window(run: &Run) -> impl Iterator<Item = &Look> {
    run.looks
        .iter()
        .filter(|look| (run.begin.at..=run.end.at).contains(&look.at))
}

fn processor(
    window: &Window<'_>,
    snapshots: f64,
    note: &mut impl FnMut(&'static str, &'static str, f64, &'static str),
) {
    let (begin, end) = (window.begin, window.end);
    let server = (end.server.cpu_s - begin.server.cpu_s) / window.seconds;
    let bots = begin.bots.zip(end.bots).map_or(0.0, |(begin, end)| {
        (end.cpu_s - begin.cpu_s) / window.seconds
    });
    let busy = (end.machine.busy_s - begin.machine.busy_s) / window.seconds;
    let stolen = (end.machine.stolen_s - begin.machine.stolen_s) / window.seconds;
    note("cpu_server_cores", "processor: server", server, "cores");
    note("cpu_bots_cores", "processor: bots", bots, "cores");
    note(
        "cpu_others_cores",
        "processor: others",
        (busy - server - bots).max(0.0) + stolen,
        "cores",
    );
    note(
        "cpu_us_per_snapshot",
        "processor of the server per snapshot, everything in",
        server * window.seconds / snapshots.max(1.0) * 1e6,
        "µs",
    );
}

fn conditions(run: &Run, bots: &Bots) -> Vec<Condition> {
    let wanted = run
        .report
        .pointer("/bots")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    let fewest = in_window(run)
        .map(|look| look.metrics.sum("orrery_clients", &[]))
        .fold(wanted, f64::min);
    let troubles = ["orrery_malformed_total", "orrery_store_failed"];
    let troubled: Vec<_> = troubles
        .into_iter()
        .map(|name| (name, run.after.metrics.sum(name, &[])))
        .filter(|(_, count)| *count > 0.0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let is = |name, found, holds| Condition { name, found, holds };
    vec![
        is(
            "every bot plays, all the time",
            format!("{fewest:.0} of {wanted:.0}, {:.0} failed", bots.failed),
            fewest >= wanted && bots.failed == 0.0 && run.bots_ended.success(),
        ),
        is(
            "no snapshot is broken",
            format!("{:.0}", bots.broken),
            bots.broken == 0.0,
        ),
        is(
            "nothing malformed, no failed write",
            if troubled.is_empty() {
                "none".into()
            } else {
                troubled.join(", ")
            },
            troubled.is_empty(),
        ),
        is(
            "the server drains and ends cleanly",
            if run.clean { "yes" } else { "no" }.into(),
            run.clean,
        ),
        is(
            "`orrery audit` finds the store sound",
            if run.audit.is_ok() { "yes" } else { "no" }.into(),
            run.audit.is_ok(),
        ),
    ]
}

fn phases(window: &Window<'_>, all_s: f64) -> Vec<PhaseFigures> {
    let names = window
        .end
        .metrics
        .values_of(&format!("{PHASE}_count"), "phase");
    let mut phases: Vec<_> = names
        .into_iter()
        .map(|name| {
            let durations = window.durations(PHASE, &[&format!("phase=\"{name}\"")]);
            PhaseFigures {
                count: durations.count(),
                mean_ms: durations.mean_ms(),
                p99: durations.quantile(0.99),
                share: if all_s > 0.0 {
                    durations.sum_s() / all_s
                } else {
                    0.0
                },
                name,
            }
        })
        .filter(|phase| phase.count > 0.0)
        .collect();
    phases.sort_by(|one, other| other.share.total_cmp(&one.share));
    phases
}

fn busiest(window: &Window<'_>) -> Vec<(String, f64)> {
    let before: &BTreeMap<String, f64> = &window.begin.threads;
    let cores = |(name, cpu_s): (&String, &f64)| {
        let earlier = before.get(name).copied().unwrap_or(0.0);
        (name.clone(), (cpu_s - earlier).max(0.0) / window.seconds)
    };
    let mut threads: Vec<_> = window.end.threads.iter().map(cores).collect();
    threads.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    threads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_not_reached_when_it_is_met_exactly() {
        let figure = Limited {
            key: "x",
            name: "x",
            value: 16.0,
            below: 16.0,
            unit: "ms",
        };
        assert!(!figure.holds());
        assert!(
            Limited {
                value: 15.9,
                ..figure
            }
            .holds()
        );
        assert!(
            !Limited {
                value: f64::NAN,
                ..figure
            }
            .holds()
        );
    }

    #[test]
    fn what_did_not_come_is_missing() {
        assert!((missing_ratio(15.0, 14.7) - 0.02).abs() < 1e-12);
        assert_eq!(missing_ratio(15.0, 15.01), 0.0);
        assert_eq!(missing_ratio(0.0, 0.0), 0.0);
    }

    #[test]
    fn unusable_snapshots_have_come() {
        let report = serde_json::json!({
            "arrived": 10, "failed": 0, "broken_snapshots": 0, "rtt_ms": {"p50": 1.0, "p99": 2.0},
            "input_ms": {"p50": 30.0, "p99": 60.0}, "answer_ms": {"p50": 40.0, "p99": 90.0},
            "loss_ratio": 0.0, "snapshots_per_s": 9.0, "unusable_ratio": 0.1, "visible": 40.0,
            "correction_cm": {"p99": 3.0},
        });
        let bots = Bots::of(&report).unwrap();
        assert!((bots.came_per_s - 10.0).abs() < 1e-9);
        assert!(
            Bots::of(&serde_json::json!({}))
                .err()
                .unwrap()
                .to_string()
                .contains("/unusable_ratio")
        );
    }
}
