//! Backups, for the operator: begin one, see how it is getting on.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::backups::{Backup, Busy};
use super::super::desk::Desk;
use super::auth::{Json, Operator};
use super::problem::{Problem, ProblemBody};

/// Where to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "/var/backups/orrery/monday"}))]
pub(super) struct BackUp {
    /// The new folder, an absolute path on the server's machine; its parent has to be there.
    to: String,
}

/// A backup was begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Begun {
    /// Its folder.
    to: String,
}

/// Begins to copy the running store to a new folder. What is in it is exactly one beat.
#[utoipa::path(
    post, path = "/admin/v1/backup", tag = "operator", security(("operator" = [])),
    request_body = BackUp,
    responses(
        (status = 202, description = "It has begun", body = Begun),
        (status = 409, description = "`backup_running`", body = ProblemBody),
        (status = 422, description = "`invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn begin(
    State(desk): State<Arc<Desk>>,
    _: Operator,
    Json(asked): Json<BackUp>,
) -> Result<(StatusCode, Answer<Begun>), Problem> {
    let to = PathBuf::from(&asked.to);
    if !to.is_absolute() {
        return Err(Problem::invalid("to is no absolute path."));
    }
    if to.exists() {
        return Err(Problem::invalid(format!("{} exists already.", asked.to)));
    }
    if !to.parent().is_some_and(std::path::Path::is_dir) {
        let message = format!("The folder that {} would be in is not there.", asked.to);
        return Err(Problem::invalid(message));
    }
    let (store, data) = (desk.store.clone(), desk.config.server.data.clone());
    desk.backups.begin(store, data, to).map_err(|Busy| {
        let message = "Another backup is being made: try again when it is done.";
        Problem::new(StatusCode::CONFLICT, "backup_running", message)
    })?;
    tracing::info!(to = asked.to, "the operator asks for a backup");
    Ok((StatusCode::ACCEPTED, Answer(Begun { to: asked.to })))
}

/// How the newest backup is getting on.
#[utoipa::path(
    get, path = "/admin/v1/backup", tag = "operator", security(("operator" = [])),
    responses((status = 200, description = "The newest backup since the start", body = Backup)),
)]
pub(super) async fn show(State(desk): State<Arc<Desk>>, _: Operator) -> Answer<Backup> {
    Answer(desk.backups.newest())
}
