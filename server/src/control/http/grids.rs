//! Grids, for the operator: where they are, what they cost; moving them, spreading them over
//! shards, pacing their time, making one fail to see it come back.
//!
//! A shard carries out what is asked some beats later, between two beats of the grid. The answer
//! says that it was asked; the list shows what has become of it, a second later.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use orrery_base::{GridId, ShardIndex};
use orrery_kernel::dilation::Dilation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::desk::Desk;
use super::auth::{Json, Operator};
use super::problem::{Problem, ProblemBody};
use crate::metrics::{GridStatus, PlacementSource};
use crate::shard::PlacementRequest;

/// Slowest pace of a grid's time, per mille: what the measurement keeps to as well.
const PACE_MIN: u16 = 100;
/// Fullest pace.
const PACE_MAX: u16 = 1_000;
/// Most parts of a member.
const SLICES_MAX: u16 = 64;

/// A grid.
#[derive(Serialize, ToSchema)]
pub(super) struct Grid {
    /// Its number.
    grid: u32,
    /// The star system that it belongs to.
    system: String,
    /// The shard that it is at home on.
    shard: u16,
    /// Shards that step it together, its home included; 0 while it is lost to a fault.
    members: u16,
    /// What its last beat took on its home shard, milliseconds.
    cost_ms: f64,
    /// Simulated time per real time; 1 is full speed.
    dilation: f64,
    /// Entities on it, fixed ones included.
    entities: u32,
    /// Clients that watch it.
    clients: u32,
}

/// All grids.
#[derive(Serialize, ToSchema)]
pub(super) struct Grids {
    /// By number. A grid on its way from one shard to another may be missing for a second.
    grids: Vec<Grid>,
}

/// The grids, where they are and what is on them, as of the last second.
#[utoipa::path(
    get, path = "/admin/v1/grids", tag = "operator", security(("operator" = [])),
    responses((status = 200, description = "The grids by number", body = Grids)),
)]
pub(super) async fn list(State(desk): State<Arc<Desk>>, _: Operator) -> Answer<Grids> {
    let shown = desk.metrics.grids().into_values();
    let grids = shown.map(|(shard, status)| {
        let system = desk.context.galaxy.system(status.grid.system());
        Grid {
            grid: status.grid.0,
            system: system.map_or_else(String::new, |system| system.name.clone()),
            shard: shard.0,
            members: status.members,
            cost_ms: status.cost_ns as f64 / 1e6,
            dilation: f64::from(status.dilation_milli) / 1_000.0,
            entities: status.entities,
            clients: status.clients,
        }
    });
    Answer(Grids {
        grids: grids.collect(),
    })
}

/// The grid of the path, which a shard must have.
pub(super) struct Home {
    shard: ShardIndex,
    status: GridStatus,
}

impl FromRequestParts<Arc<Desk>> for Home {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let Path(number) = Path::<u32>::from_request_parts(parts, desk).await?;
        let grid = GridId(number);
        if let Some((shard, status)) = desk.metrics.grids().remove(&grid) {
            return Ok(Self { shard, status });
        }
        if desk.context.grids().any(|known| known == grid) {
            let message = format!("No shard shows grid {grid} at present: try again in a second.");
            return Err(Problem::new(StatusCode::CONFLICT, "grid_moving", message));
        }
        let message = format!("There is no grid {grid}.");
        Err(Problem::new(StatusCode::NOT_FOUND, "grid_unknown", message))
    }
}

impl Home {
    /// A grid that is lost can only wait for its restoration.
    fn must_be_there(&self) -> Result<(), Problem> {
        if self.status.members > 0 {
            return Ok(());
        }
        let grid = self.status.grid;
        let message = format!("Grid {grid} is lost to a fault and being restored.");
        Err(Problem::new(StatusCode::CONFLICT, "grid_lost", message))
    }

    /// Asks the grid's shard.
    fn ask(&self, desk: &Desk, request: PlacementRequest) -> Result<Asked, Problem> {
        let Self { shard, status } = self;
        if !desk.ask_placement(*shard, request, PlacementSource::Operator) {
            return Err(Problem::busy());
        }
        tracing::info!(?request, shard = shard.0, "the operator asks");
        let answer = Answer(AskedBody {
            grid: status.grid.0,
            shard: shard.0,
        });
        Ok((StatusCode::ACCEPTED, answer))
    }
}

/// The grid's shard was asked.
#[derive(Serialize, ToSchema)]
pub(super) struct AskedBody {
    /// The grid.
    grid: u32,
    /// The shard that it was at home on when that was asked.
    shard: u16,
}

type Asked = (StatusCode, Answer<AskedBody>);

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shard": 1}))]
pub(super) struct Move {
    /// The shard's number, from 0.
    shard: u16,
}

/// Moves a grid to another shard. Players notice nothing; a grid that several shards step is
/// merged first. The balancer may move it again.
#[utoipa::path(
    post, path = "/admin/v1/grids/{grid}/move", tag = "operator", security(("operator" = [])),
    params(("grid" = u32, Path, description = "The grid's number")),
    request_body = Move,
    responses(
        (status = 202, description = "The grid's shard was asked", body = AskedBody),
        (status = 404, description = "`grid_unknown`", body = ProblemBody),
        (status = 409, description = "`grid_moving` or `grid_lost`", body = ProblemBody),
        (status = 422, description = "`invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn move_to(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    home: Home,
    Json(asked): Json<Move>,
) -> Result<Asked, Problem> {
    home.must_be_there()?;
    let last = desk.metrics.shards().len() - 1;
    if usize::from(asked.shard) > last {
        return Err(Problem::invalid(format!("shard goes from 0 to {last}.")));
    }
    if asked.shard == home.shard.0 {
        let message = format!(
            "Grid {} is on shard {} already.",
            home.status.grid, home.shard
        );
        return Err(Problem::invalid(message));
    }
    let (grid, to) = (home.status.grid, ShardIndex(asked.shard));
    home.ask(&desk, PlacementRequest::Move { grid, to })
}

/// Over how many shards.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"members": 2, "slices": 4}))]
pub(super) struct Split {
    /// Shards that step the grid together, its home included: 1 to the number of shards.
    members: u16,
    /// Parts that each of them has, 1 to 64. While the grid's time runs slower, a shard may do
    /// part by part of its beat, and let its other grids have theirs in between.
    #[serde(default = "one")]
    slices: u16,
}

const fn one() -> u16 {
    1
}

/// Has several shards step a grid together, or one shard in so many slices.
#[utoipa::path(
    post, path = "/admin/v1/grids/{grid}/split", tag = "operator", security(("operator" = [])),
    params(("grid" = u32, Path, description = "The grid's number")),
    request_body = Split,
    responses(
        (status = 202, description = "The grid's shard was asked", body = AskedBody),
        (status = 404, description = "`grid_unknown`", body = ProblemBody),
        (status = 409, description = "`grid_moving` or `grid_lost`", body = ProblemBody),
        (status = 422, description = "`invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn split(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    home: Home,
    Json(asked): Json<Split>,
) -> Result<Asked, Problem> {
    home.must_be_there()?;
    let most = desk.metrics.shards().len();
    let Split { members, slices } = asked;
    if members == 0 || usize::from(members) > most {
        return Err(Problem::invalid(format!("members goes from 1 to {most}.")));
    }
    if !(1..=SLICES_MAX).contains(&slices) {
        let message = format!("slices goes from 1 to {SLICES_MAX}.");
        return Err(Problem::invalid(message));
    }
    let grid = home.status.grid;
    let request = PlacementRequest::Split {
        grid,
        members,
        slices,
    };
    home.ask(&desk, request)
}

/// Has one shard step a grid again.
#[utoipa::path(
    post, path = "/admin/v1/grids/{grid}/merge", tag = "operator", security(("operator" = [])),
    params(("grid" = u32, Path, description = "The grid's number")),
    responses(
        (status = 202, description = "The grid's shard was asked", body = AskedBody),
        (status = 404, description = "`grid_unknown`", body = ProblemBody),
        (status = 409, description = "`grid_moving` or `grid_lost`", body = ProblemBody),
    ),
)]
pub(super) async fn merge(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    home: Home,
) -> Result<Asked, Problem> {
    home.must_be_there()?;
    let grid = home.status.grid;
    home.ask(&desk, PlacementRequest::Merge { grid })
}

/// How fast the grid's time shall run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"per_mille": 500}))]
pub(super) struct Pace {
    /// Thousandths of real time, 100 to 1,000, whatever the grid costs; `null`: as fast as the
    /// measurement of its cost allows, again.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    per_mille: Option<u16>,
}

/// Fixes the pace of a grid's time, or leaves it to the measurement again.
#[utoipa::path(
    post, path = "/admin/v1/grids/{grid}/pace", tag = "operator", security(("operator" = [])),
    params(("grid" = u32, Path, description = "The grid's number")),
    request_body = Pace,
    responses(
        (status = 202, description = "The grid's shard was asked", body = AskedBody),
        (status = 404, description = "`grid_unknown`", body = ProblemBody),
        (status = 409, description = "`grid_moving` or `grid_lost`", body = ProblemBody),
        (status = 422, description = "`invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn pace(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    home: Home,
    Json(asked): Json<Pace>,
) -> Result<Asked, Problem> {
    home.must_be_there()?;
    let is_allowed = |pace: &u16| (PACE_MIN..=PACE_MAX).contains(pace);
    if !asked.per_mille.as_ref().is_none_or(is_allowed) {
        let message = format!("per_mille goes from {PACE_MIN} to {PACE_MAX}, or is null.");
        return Err(Problem::invalid(message));
    }
    let (grid, pace) = (home.status.grid, asked.per_mille.and_then(Dilation::new));
    home.ask(&desk, PlacementRequest::Pace { grid, pace })
}

/// Makes a grid fail in its next beat, to see it restored while the others go on. Only where
/// `server.allow_faults` is set: never on a server with players who have not been told.
#[utoipa::path(
    post, path = "/admin/v1/grids/{grid}/fault", tag = "operator", security(("operator" = [])),
    params(("grid" = u32, Path, description = "The grid's number")),
    responses(
        (status = 202, description = "The grid's shard was asked", body = AskedBody),
        (status = 403, description = "`faults_off`", body = ProblemBody),
        (status = 404, description = "`grid_unknown`", body = ProblemBody),
        (status = 409, description = "`grid_moving` or `grid_lost`", body = ProblemBody),
    ),
)]
pub(super) async fn fault(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    home: Home,
) -> Result<Asked, Problem> {
    if !desk.config.server.allow_faults {
        let message = "Faults are off here: set server.allow_faults = true and restart the server.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "faults_off", message));
    }
    home.must_be_there()?;
    let grid = home.status.grid;
    home.ask(&desk, PlacementRequest::Fault { grid })
}
