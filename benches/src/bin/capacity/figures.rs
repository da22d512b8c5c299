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

use serde_json::Value;

use crate::plain::{self, Plain};
use crate::run::Run;
use crate::scrape::Quantile;
use crate::seen::{BEAT, OUT, PAYLOAD, Seen, clients_at, in_window};

const PHASE: &str = "orrery_beat_phase_duration_seconds";

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

impl Figures {
    /// Of a run.
    pub(crate) fn of(run: &Run) -> anyhow::Result<Self> {
        let seen = Seen::of(run)?;
        Ok(Self {
            limited: limited(&seen),
            conditions: conditions(&seen),
            plain: plain::figures(&seen),
            phases: phases(&seen),
            threads: busiest(&seen),
            window_s: seen.seconds,
        })
    }

    /// Whether every limit holds and everything is as it must be.
    pub(crate) fn hold(&self) -> bool {
        self.limited.iter().all(Limited::holds)
            && self.conditions.iter().all(|condition| condition.holds)
    }
}

fn limited(seen: &Seen<'_>) -> Vec<Limited> {
    let beat_ms = seen.durations(BEAT, &[]).quantile(0.99).ms;
    let rtt_ms = seen.bots.quic_p50_ms;
    let loss = seen.missing().max(seen.bots.loss_up);
    let rss_mb = seen.run.after.server.peak_mb;
    let bytes = seen.per_client_s(PAYLOAD, OUT);
    [
        ("beat_p99_ms", "beat, p99", beat_ms, BEAT_P99_MS, "ms"),
        ("rtt_p50_ms", "round trip, p50", rtt_ms, RTT_P50_MS, "ms"),
        ("loss_ratio", "loss", loss, LOSS_RATIO, "of 1"),
        ("rss_mb", "memory of the server", rss_mb, RSS_MB, "MB"),
        (
            "bytes_per_client_s",
            "to each client",
            bytes,
            BYTES_PER_CLIENT_S,
            "bytes/s",
        ),
    ]
    .map(|(key, name, value, below, unit)| Limited {
        key,
        name,
        value,
        below,
        unit,
    })
    .to_vec()
}

fn conditions(seen: &Seen<'_>) -> Vec<Condition> {
    let (run, bots) = (seen.run, &seen.bots);
    let wanted = run
        .report
        .pointer("/bots")
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    let fewest = in_window(run).map(clients_at).fold(wanted, f64::min);
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

fn phases(seen: &Seen<'_>) -> Vec<PhaseFigures> {
    let all_s = seen.durations(BEAT, &[]).sum_s();
    let names = seen
        .run
        .end
        .metrics
        .values_of(&format!("{PHASE}_count"), "phase");
    let mut phases: Vec<_> = names
        .into_iter()
        .map(|name| {
            let durations = seen.durations(PHASE, &[&format!("phase=\"{name}\"")]);
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

fn busiest(seen: &Seen<'_>) -> Vec<(String, f64)> {
    let before: &BTreeMap<String, f64> = &seen.run.begin.threads;
    let cores = |(name, cpu_s): (&String, &f64)| {
        let earlier = before.get(name).copied().unwrap_or(0.0);
        (name.clone(), (cpu_s - earlier).max(0.0) / seen.seconds)
    };
    let mut threads: Vec<_> = seen.run.end.threads.iter().map(cores).collect();
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
}
