//! How the server is: for probes, for Prometheus, for the status page.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use orrery_base::BEATS_PER_SECOND;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::desk::Desk;
use super::super::history::Second;
use super::auth::Onlooker;
use super::problem::ProblemBody;
use crate::metrics;

/// The process is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "monitoring",
    responses((status = 200, description = "The process is alive", body = String)),
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether clients may come.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether they may.
    ready: bool,
    /// If not, why: all reasons.
    reasons: Vec<String>,
}

/// Whether clients may come: the shards beat, the store is well, nobody has asked to drain.
#[utoipa::path(
    get, path = "/readyz", tag = "monitoring",
    responses(
        (status = 200, description = "Clients may come", body = Readiness),
        (status = 503, description = "Not now, with the reasons", body = Readiness),
    ),
)]
pub(super) async fn readyz(State(desk): State<Arc<Desk>>) -> (StatusCode, Answer<Readiness>) {
    let reasons = desk.troubles();
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Answer(Readiness { ready, reasons }))
}

/// The last five minutes of every shard, beat by beat: what each phase took, in µs.
///
/// Open to this machine itself; from elsewhere, or through a proxy, with the operator's key.
#[utoipa::path(
    get, path = "/trace.csv", tag = "monitoring", security((), ("operator" = [])),
    responses(
        (status = 200, description = "A line per shard and beat", body = String,
            content_type = "text/csv"),
        (status = 401, description = "`operator_key_required`", body = ProblemBody),
    ),
)]
pub(super) async fn trace(_: Onlooker, State(desk): State<Arc<Desk>>) -> Response {
    let mut csv = String::from("shard,beat,beat_us,late_us");
    for phase in metrics::BeatPhase::ALL {
        csv.push(',');
        csv.push_str(phase.name());
    }
    csv.push('\n');
    for (shard, metrics) in desk.metrics.shards().iter().enumerate() {
        for beat in metrics.trace().since(orrery_base::Tick(0)) {
            let (tick, took, late) = (beat.tick.0, beat.took_us, beat.late_us);
            // Writing to a string does not fail.
            let _ = write!(csv, "{shard},{tick},{took},{late}");
            for us in beat.phases_us {
                let _ = write!(csv, ",{us}");
            }
            csv.push('\n');
        }
    }
    ([(CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response()
}

/// The metrics in the OpenMetrics text format.
///
/// Open to this machine itself; from elsewhere, or through a proxy, with the operator's key.
#[utoipa::path(
    get, path = "/metrics", tag = "monitoring", security((), ("operator" = [])),
    responses(
        (status = 200, description = "The metrics", body = String,
            content_type = "application/openmetrics-text"),
        (status = 401, description = "`operator_key_required`", body = ProblemBody),
    ),
)]
pub(super) async fn scrape(_: Onlooker, State(desk): State<Arc<Desk>>) -> Response {
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, format)], metrics::encode(&desk.metrics)).into_response()
}

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// The server's version.
    version: &'static str,
    /// Whether clients may come.
    ready: bool,
    /// If not, why.
    reasons: Vec<String>,
    /// Seconds since the start.
    uptime_s: u64,
    /// The last beat that was done.
    tick: u64,
    /// Beats a second at full speed.
    beats_per_second: u32,
    /// What 99 of 100 beats of the last minute did not exceed, milliseconds.
    beat_p99_ms: Option<f64>,
    /// Beats that are done but not on the disk yet.
    durable_lag_beats: u64,
    /// Clients that play.
    clients: u64,
    /// Clients that may play at once.
    clients_max: u32,
    /// Star systems.
    systems: usize,
    /// Memory that the process has in RAM.
    memory_bytes: Option<u64>,
    /// The shards.
    shards: Vec<Shard>,
    /// The last three minutes, oldest first.
    history: Vec<Second>,
}

/// A shard: one core of the simulation.
#[derive(Serialize, ToSchema)]
pub(super) struct Shard {
    /// Clients whose connection it has.
    clients: u64,
    /// Grids that it simulates.
    grids: u64,
    /// Entities on them.
    entities: u64,
    /// Simulated time per real time of its slowest grid.
    dilation: f64,
}

/// How the server is, with the last minutes second by second.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "monitoring",
    responses((status = 200, description = "How the server is", body = Status)),
)]
pub(super) async fn status(State(desk): State<Arc<Desk>>) -> Answer<Status> {
    let registry = &desk.metrics;
    let reasons = desk.troubles();
    let (beat_p99_ms, history) = {
        let history = desk.history();
        (history.beat_p99_ms(), history.seconds())
    };
    let shards = registry.shards().iter().map(|shard| Shard {
        clients: shard.clients.value(),
        grids: shard.grids.value(),
        entities: shard.entities.value(),
        dilation: shard.dilation_milli.value() as f64 / 1_000.0,
    });
    Answer(Status {
        version: env!("CARGO_PKG_VERSION"),
        ready: reasons.is_empty(),
        reasons,
        uptime_s: registry.uptime().as_secs(),
        tick: registry.tick().0,
        beats_per_second: BEATS_PER_SECOND,
        beat_p99_ms,
        durable_lag_beats: registry.durable_lag_beats(),
        clients: registry.sum(|shard| shard.clients.value()),
        clients_max: desk.config.edge.max_clients,
        systems: desk.context.galaxy.systems.len(),
        memory_bytes: metrics::resident_bytes(),
        shards: shards.collect(),
        history,
    })
}
