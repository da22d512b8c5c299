//! One screen about a running server: refreshed in place on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::{Duration, Instant};

use crossterm::{cursor, queue, terminal};

use crate::host::Host;
use crate::metrics::Distribution;

/// The screen.
pub(super) struct Dashboard {
    terminal: bool,
    lines: u16,
    /// What was shown last, to show what has happened since.
    before: Option<Before>,
    shown_plain: Option<Instant>,
}

struct Before {
    at: Instant,
    beats: Distribution,
    bytes: u64,
    snapshots: u64,
}

/// Between two plain lines.
const PLAIN: Duration = Duration::from_secs(5);

impl Dashboard {
    pub(super) fn new() -> Self {
        Self {
            terminal: stdout().is_terminal(),
            lines: 0,
            before: None,
            shown_plain: None,
        }
    }

    /// How long to wait before the next look.
    pub(super) fn interval(&self) -> Duration {
        if self.terminal {
            Duration::from_millis(1_000)
        } else {
            Duration::from_millis(200)
        }
    }

    /// Shows how the server is doing.
    pub(super) fn show(&mut self, host: &Host) {
        if !self.terminal && self.shown_plain.is_some_and(|at| at.elapsed() < PLAIN) {
            return;
        }
        let figures = self.figures(host);
        if self.terminal {
            self.refresh(&figures.screen(host));
        } else {
            if self.shown_plain.is_none() {
                println!("quic {}", super::serve::addresses(host));
                println!("web http://{}", host.http());
            }
            println!("{}", figures.line());
            self.shown_plain = Some(Instant::now());
        }
    }

    /// Leaves the last screen standing.
    pub(super) fn finish(&mut self) {
        self.lines = 0;
    }

    fn figures(&mut self, host: &Host) -> Figures {
        let metrics = &host.metrics;
        let now = Before {
            at: Instant::now(),
            beats: metrics.beats(),
            bytes: metrics.sum(|shard| shard.bytes_out()),
            snapshots: metrics.sum(|shard| shard.snapshots.value()),
        };
        let players = metrics.sum(|shard| shard.clients.value());
        let (beats, seconds, bytes, snapshots) = match &self.before {
            Some(before) => (
                now.beats.since(&before.beats),
                (now.at - before.at).as_secs_f64(),
                now.bytes - before.bytes,
                now.snapshots - before.snapshots,
            ),
            None => (
                now.beats.clone(),
                metrics.uptime().as_secs_f64(),
                now.bytes,
                now.snapshots,
            ),
        };
        let per_client = |count: u64| count as f64 / seconds.max(0.001) / players.max(1) as f64;
        let dilation = metrics
            .shards()
            .iter()
            .map(|shard| shard.dilation_milli.value())
            .min();
        let figures = Figures {
            tick: metrics.tick().0,
            systems: host.context.galaxy.systems.len(),
            players,
            entities: metrics.sum(|shard| shard.entities.value()),
            beat_p50_ms: milliseconds(beats.quantile(0.50)),
            beat_p99_ms: milliseconds(beats.quantile(0.99)),
            bytes_per_client_s: per_client(bytes),
            snapshots_per_client_s: per_client(snapshots),
            durable_lag_beats: metrics.durable_lag_beats(),
            dilation: dilation.unwrap_or(1_000) as f64 / 1_000.0,
        };
        self.before = Some(now);
        figures
    }

    fn refresh(&mut self, text: &str) {
        let mut out = stdout();
        let mut draw = || -> std::io::Result<()> {
            if self.lines > 0 {
                queue!(out, cursor::MoveToPreviousLine(self.lines))?;
            }
            for line in text.lines() {
                queue!(out, terminal::Clear(terminal::ClearType::CurrentLine))?;
                writeln!(out, "{line}")?;
            }
            out.flush()
        };
        // A terminal that has gone away is no reason to stop a server.
        if draw().is_ok() {
            self.lines = u16::try_from(text.lines().count()).unwrap_or(0);
        }
    }
}

fn milliseconds(duration: Option<Duration>) -> f64 {
    duration.map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
}

struct Figures {
    tick: u64,
    systems: usize,
    players: u64,
    entities: u64,
    beat_p50_ms: f64,
    beat_p99_ms: f64,
    bytes_per_client_s: f64,
    snapshots_per_client_s: f64,
    durable_lag_beats: u64,
    dilation: f64,
}

impl Figures {
    fn screen(&self, host: &Host) -> String {
        format!(
            "\
\x20 ORRERY
  quic       {}
  web        http://{}
  galaxy     {} systems, {} entities
  players    {}
  beat       {}   p50 {:.2} ms   p99 {:.2} ms   of {:.1} ms
  per client {:.0} bytes/s in {:.1} snapshots/s
  dilation   {:.2}
  durable    {} beats behind
  Ctrl-C drains and stops
",
            super::serve::addresses(host),
            host.http(),
            self.systems,
            self.entities,
            self.players,
            self.tick,
            self.beat_p50_ms,
            self.beat_p99_ms,
            1e3 / f64::from(orrery_base::BEATS_PER_SECOND),
            self.bytes_per_client_s,
            self.snapshots_per_client_s,
            self.dilation,
            self.durable_lag_beats,
        )
    }

    fn line(&self) -> String {
        format!(
            "beat {}  systems {}  players {}  beat p50 {:.2} ms p99 {:.2} ms  {:.0} bytes/s per client  dilation {:.2}",
            self.tick,
            self.systems,
            self.players,
            self.beat_p50_ms,
            self.beat_p99_ms,
            self.bytes_per_client_s,
            self.dilation
        )
    }
}
