//! The figures over time.

use crate::run::{Look, Run};
use crate::seen::{BEAT, OUT, PAYLOAD, clients_at};

/// A series over time, one value for each pair of looks that follow each other.
pub(crate) struct Series {
    /// Seconds from the begin of the measured window.
    pub(crate) at_s: Vec<f64>,
    /// Half of the beats of this second took no longer, milliseconds.
    pub(crate) beat_p50_ms: Vec<f64>,
    /// 99 of 100.
    pub(crate) beat_p99_ms: Vec<f64>,
    /// Clients at its end.
    pub(crate) clients: Vec<f64>,
    /// Memory of the server, MB.
    pub(crate) rss_mb: Vec<f64>,
    /// Bytes to a client in this second.
    pub(crate) bytes_per_client_s: Vec<f64>,
    /// Processor of the server, cores.
    pub(crate) cpu_server: Vec<f64>,
    /// Processor of the bots.
    pub(crate) cpu_bots: Vec<f64>,
    /// Processor of everything else.
    pub(crate) cpu_others: Vec<f64>,
}

impl Series {
    /// Of a run.
    pub(crate) fn of(run: &Run) -> Self {
        let mut series = Self {
            at_s: Vec::new(),
            beat_p50_ms: Vec::new(),
            beat_p99_ms: Vec::new(),
            clients: Vec::new(),
            rss_mb: Vec::new(),
            bytes_per_client_s: Vec::new(),
            cpu_server: Vec::new(),
            cpu_bots: Vec::new(),
            cpu_others: Vec::new(),
        };
        let zero = run.begin.at.as_secs_f64();
        for pair in run.looks.windows(2) {
            series.push(&pair[0], &pair[1], zero);
        }
        series
    }

    fn push(&mut self, before: &Look, now: &Look, zero: f64) {
        let seconds = (now.at - before.at).as_secs_f64().max(1e-3);
        let beats = now
            .metrics
            .durations(BEAT, &[])
            .since(&before.metrics.durations(BEAT, &[]));
        let clients = clients_at(now);
        let bytes = |look: &Look| look.metrics.sum(PAYLOAD, OUT);
        let server = (now.server.cpu_s - before.server.cpu_s) / seconds;
        let bots = before
            .bots
            .zip(now.bots)
            .map_or(0.0, |(before, now)| (now.cpu_s - before.cpu_s) / seconds);
        let busy = |look: &Look| look.machine.busy_s + look.machine.stolen_s;
        self.at_s.push(now.at.as_secs_f64() - zero);
        self.beat_p50_ms.push(beats.quantile(0.5).ms);
        self.beat_p99_ms.push(beats.quantile(0.99).ms);
        self.clients.push(clients);
        self.rss_mb.push(now.server.rss_mb);
        self.bytes_per_client_s
            .push((bytes(now) - bytes(before)) / seconds / clients.max(1.0));
        self.cpu_server.push(server);
        self.cpu_bots.push(bots);
        self.cpu_others
            .push(((busy(now) - busy(before)) / seconds - server - bots).max(0.0));
    }
}
