//! The measured window of a run, with what every figure is made of.

use anyhow::Context as _;
use serde_json::Value;

use crate::run::{Look, Run};
use crate::scrape::Durations;

/// The histogram of beats.
pub(crate) const BEAT: &str = "orrery_beat_duration_seconds";
/// The counter of UDP payload, by direction.
pub(crate) const PAYLOAD: &str = "orrery_udp_payload_bytes_total";
/// The counter of UDP datagrams, by direction.
pub(crate) const DATAGRAMS: &str = "orrery_udp_datagrams_total";
/// The counter of snapshots.
pub(crate) const SNAPSHOTS: &str = "orrery_snapshots_total";
/// From the server to the clients.
pub(crate) const OUT: &[&str] = &["direction=\"out\""];
/// From the clients to the server.
pub(crate) const IN: &[&str] = &["direction=\"in\""];

/// A run's measured window: two looks and what lies between them.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// What the bots report of the window.
    pub(crate) bots: Bots,
    /// Its length by the server's own clock, read in the same scrapes as everything else.
    pub(crate) seconds: f64,
    /// Clients in it: the mean of what was seen.
    pub(crate) clients: f64,
}

impl<'a> Seen<'a> {
    /// Of a run.
    pub(crate) fn of(run: &'a Run) -> anyhow::Result<Self> {
        let uptime = |look: &Look| look.metrics.sum("orrery_uptime_seconds", &[]);
        let counts: Vec<f64> = in_window(run).map(clients_at).collect();
        let clients = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
        Ok(Self {
            run,
            bots: Bots::of(&run.report)?,
            seconds: (uptime(&run.end) - uptime(&run.begin)).max(1e-3),
            clients: clients.max(1.0),
        })
    }

    /// By how much a counter has grown.
    pub(crate) fn grown(&self, name: &str, labels: &[&str]) -> f64 {
        self.run.end.metrics.sum(name, labels) - self.run.begin.metrics.sum(name, labels)
    }

    /// By how much a counter has grown per client and second.
    pub(crate) fn per_client_s(&self, name: &str, labels: &[&str]) -> f64 {
        self.grown(name, labels) / self.seconds / self.clients
    }

    /// What a histogram has counted.
    pub(crate) fn durations(&self, name: &str, labels: &[&str]) -> Durations {
        let at = |look: &Look| look.metrics.durations(name, labels);
        at(&self.run.end).since(&at(&self.run.begin))
    }

    /// A gauge at the end.
    pub(crate) fn last(&self, name: &str, labels: &[&str]) -> f64 {
        self.run.end.metrics.sum(name, labels)
    }

    /// Processor of the server, cores.
    pub(crate) fn cores_server(&self) -> f64 {
        (self.run.end.server.cpu_s - self.run.begin.server.cpu_s) / self.seconds
    }

    /// Processor of the bots, cores.
    pub(crate) fn cores_bots(&self) -> f64 {
        let both = self.run.begin.bots.zip(self.run.end.bots);
        both.map_or(0.0, |(begin, end)| (end.cpu_s - begin.cpu_s) / self.seconds)
    }

    /// Processor of everything else, and what the hypervisor took, cores.
    pub(crate) fn cores_others(&self) -> f64 {
        let (begin, end) = (&self.run.begin.machine, &self.run.end.machine);
        let busy = (end.busy_s - begin.busy_s) / self.seconds;
        let stolen = (end.stolen_s - begin.stolen_s) / self.seconds;
        (busy - self.cores_server() - self.cores_bots()).max(0.0) + stolen
    }

    /// Snapshots that did not reach a bot, of those that the server handed to QUIC.
    pub(crate) fn missing(&self) -> f64 {
        let came = self.bots.came_per_s * self.bots.arrived / self.clients;
        missing_ratio(self.per_client_s(SNAPSHOTS, &[]), came)
    }
}

/// Clients at one moment.
pub(crate) fn clients_at(look: &Look) -> f64 {
    look.metrics.sum("orrery_clients", &[])
}

/// The looks within the measured window, its ends included.
pub(crate) fn in_window(run: &Run) -> impl Iterator<Item = &Look> {
    let within = |look: &&Look| (run.begin.at..=run.end.at).contains(&look.at);
    [&run.begin, &run.end]
        .into_iter()
        .chain(run.looks.iter().filter(within))
}

/// What the bots report.
#[derive(Clone, Debug)]
pub(crate) struct Bots {
    /// Bots that came to play.
    pub(crate) arrived: f64,
    /// Bots that ended by themselves.
    pub(crate) failed: f64,
    /// Snapshots that no loss explains.
    pub(crate) broken: f64,
    /// From an input until a snapshot shows it.
    pub(crate) input_p50_ms: f64,
    /// The same.
    pub(crate) input_p99_ms: f64,
    /// Round trip of the connections.
    pub(crate) quic_p50_ms: f64,
    /// The same.
    pub(crate) quic_p99_ms: f64,
    /// From a command until its answer.
    pub(crate) answer_p50_ms: f64,
    /// The same.
    pub(crate) answer_p99_ms: f64,
    /// Packets of the bots that were lost, of those sent.
    pub(crate) loss_up: f64,
    /// Snapshots that came, usable or not, per bot and second.
    pub(crate) came_per_s: f64,
    /// Entities in sight of a bot.
    pub(crate) visible: f64,
    /// How far a bot's prediction was off.
    pub(crate) correction_p99_cm: f64,
}

impl Bots {
    /// From the report that they wrote.
    pub(crate) fn of(report: &Value) -> anyhow::Result<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
