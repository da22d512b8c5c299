//! The figures that have no limit: one line each.

use crate::seen::{BEAT, DATAGRAMS, IN, OUT, PAYLOAD, SNAPSHOTS, Seen};

const LATENESS: &str = "orrery_beat_lateness_seconds";
const COMMIT: &str = "orrery_commit_latency_seconds";

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

/// Key, name, unit, and how it comes about.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Seen<'_>) -> f64,
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("beat_p50_ms", "beat, p50", "ms", |it| it.durations(BEAT, &[]).quantile(0.5).ms),
    ("beat_p999_ms", "beat, p99.9", "ms", |it| it.durations(BEAT, &[]).quantile(0.999).ms),
    ("beat_mean_ms", "beat, mean", "ms", |it| it.durations(BEAT, &[]).mean_ms()),
    ("beats", "beats, all shards", "", |it| it.durations(BEAT, &[]).count()),
    ("lateness_p99_ms", "begin of a beat after its due time, p99", "ms", |it| it.durations(LATENESS, &[]).quantile(0.99).ms),
    ("slipped_s", "time given up", "s", |it| it.grown("orrery_time_slipped_seconds_total", &[])),
    ("rtt_p99_ms", "round trip, p99", "ms", |it| it.bots.quic_p99_ms),
    ("input_p50_ms", "input until seen, p50", "ms", |it| it.bots.input_p50_ms),
    ("input_p99_ms", "input until seen, p99", "ms", |it| it.bots.input_p99_ms),
    ("answer_p50_ms", "answer to a command, p50", "ms", |it| it.bots.answer_p50_ms),
    ("answer_p99_ms", "answer to a command, p99", "ms", |it| it.bots.answer_p99_ms),
    ("loss_up_ratio", "loss upwards", "of 1", |it| it.bots.loss_up),
    ("loss_down_ratio", "loss downwards", "of 1", |it| it.missing()),
    ("snapshots_dropped", "snapshots dropped by the server", "", |it| it.grown("orrery_snapshots_dropped_total", &[])),
    ("udp_dropped", "UDP datagrams dropped by the kernel", "", |it| udp_dropped(it)),
    ("snapshots_per_client_s", "snapshots to each client", "per s", |it| it.per_client_s(SNAPSHOTS, &[])),
    ("visible", "entities in sight of a bot", "", |it| it.bots.visible),
    ("snapshot_bytes", "a snapshot", "bytes", |it| each(it, it.grown("orrery_snapshot_payload_bytes_total", &[]))),
    ("bytes_from_client_s", "from each client", "bytes/s", |it| it.per_client_s(PAYLOAD, IN)),
    ("datagrams_to_client_s", "datagrams to each client", "per s", |it| it.per_client_s(DATAGRAMS, OUT)),
    ("datagrams_from_client_s", "datagrams from each client", "per s", |it| it.per_client_s(DATAGRAMS, IN)),
    ("datagrams_per_receive", "datagrams received by a system call", "", |it| per_call(it, IN, "call=\"recvmmsg\"")),
    ("datagrams_per_send", "datagrams sent by a system call", "", |it| per_call(it, OUT, "call=\"sendmmsg\"")),
    ("correction_p99_cm", "correction of a bot's prediction, p99", "cm", |it| it.bots.correction_p99_cm),
    ("rss_alone_mb", "memory before the first client", "MB", |it| it.run.alone.server.rss_mb),
    ("kb_per_client", "memory per client", "kB", |it| kb_per_client(it)),
    ("cpu_server_cores", "processor: server", "cores", |it| it.cores_server()),
    ("cpu_bots_cores", "processor: bots", "cores", |it| it.cores_bots()),
    ("cpu_others_cores", "processor: others", "cores", |it| it.cores_others()),
    ("cpu_us_per_snapshot", "processor of the server per snapshot, everything in", "µs", |it| each(it, it.cores_server() * it.seconds * 1e6)),
    ("commit_p99_ms", "a beat until it is durable, p99 since the start", "ms", |it| it.last(COMMIT, &["quantile=\"0.99\""]) * 1e3),
    ("ready_s", "start until ready", "s", |it| it.run.ready_after.as_secs_f64()),
    ("arrival_s", "arrival of all bots", "s", |it| it.run.arrived_after.as_secs_f64()),
];

/// All of them.
pub(crate) fn figures(seen: &Seen<'_>) -> Vec<Plain> {
    let figure = |&(key, name, unit, of): &Row| Plain {
        key,
        name,
        value: of(seen),
        unit,
    };
    ROWS.iter().map(figure).collect()
}

/// Per snapshot.
fn each(seen: &Seen<'_>, whole: f64) -> f64 {
    whole / seen.grown(SNAPSHOTS, &[]).max(1.0)
}

/// Datagrams of a direction per system call.
fn per_call(seen: &Seen<'_>, direction: &[&str], call: &str) -> f64 {
    seen.grown(DATAGRAMS, direction) / seen.grown("orrery_udp_calls_total", &[call]).max(1.0)
}

fn udp_dropped(seen: &Seen<'_>) -> f64 {
    seen.run.end.machine.udp_dropped - seen.run.begin.machine.udp_dropped
}

fn kb_per_client(seen: &Seen<'_>) -> f64 {
    let grown_mb = seen.run.end.server.rss_mb - seen.run.alone.server.rss_mb;
    grown_mb / seen.clients * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = ROWS.iter().map(|row| row.0).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ROWS.len());
    }
}
