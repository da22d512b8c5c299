//! What the operator does. Everything here needs the operator's key.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json as Answer;
use axum::extract::State;
use orrery_services::accounts::{Command, HandleError, Reject};
use orrery_services::character::CharacterRow;
use orrery_services::names::Name;
use orrery_services::tokens::Purpose;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::desk::{Desk, now};
use super::account::Connect;
use super::auth::{Json, Operator};
use super::guard::Caller;
use super::problem::{Problem, ProblemBody};

/// Most bots of one request.
const BOTS_MAX: u32 = 1_000;
/// Bots that are made in one change: about 600 rows.
const BOTS_PER_CHANGE: usize = 100;
/// Shortest and longest lifetime of a bot's token, seconds.
const TOKEN_SECONDS: std::ops::RangeInclusive<u32> = 5..=3_600;

/// Which bots.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"prefix": "Bot", "first": 0, "count": 100, "token_seconds": 300}))]
pub(super) struct Bots {
    /// Their names begin with this; a blank and a number follow.
    prefix: String,
    /// The first one's number.
    #[serde(default)]
    first: u32,
    /// How many, 1 to 1,000.
    count: u32,
    /// How long their tokens are valid, 5 to 3,600 seconds.
    #[serde(default = "default_token_seconds")]
    token_seconds: u32,
}

const fn default_token_seconds() -> u32 {
    300
}

/// A bot.
#[derive(Serialize, ToSchema)]
pub(super) struct Bot {
    /// Its account, which has no password.
    account: u64,
    /// Its character.
    character: u64,
    /// The character's name.
    name: String,
    /// Its token, to be presented once.
    token: String,
}

/// Bots, and where to send them.
#[derive(Serialize, ToSchema)]
pub(super) struct BotsBody {
    /// In the order of their numbers.
    bots: Vec<Bot>,
    #[serde(flatten)]
    connect: Connect,
}

/// Makes bots, or finds those of before, and gives each a token for the game.
#[utoipa::path(
    post, path = "/admin/v1/bots", tag = "operator", security(("operator" = [])),
    request_body = Bots,
    responses(
        (status = 200, description = "The bots, durable", body = BotsBody),
        (status = 409, description = "`name_taken` or `not_a_bot`: a player has such a name",
            body = ProblemBody),
        (status = 422, description = "`invalid`, `name_invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn bots(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Operator,
    Json(bots): Json<Bots>,
) -> Result<Answer<BotsBody>, Problem> {
    let names = names(&bots)?;
    let lifetime_ms = u64::from(bots.token_seconds) * 1_000;
    let mut rows = Vec::with_capacity(names.len());
    for names in names.chunks(BOTS_PER_CHANGE) {
        rows.extend(enrol(&desk, names).await?);
    }
    let mut bots = Vec::with_capacity(rows.len());
    for row in rows {
        let (token, _) = desk.issue(Purpose::Game, row.account, row.id, lifetime_ms)?;
        bots.push(Bot {
            account: row.account.0,
            character: row.id.0,
            name: row.name,
            token,
        });
    }
    desk.metrics.control().tokens_issued.add(bots.len() as u64);
    Ok(Answer(BotsBody {
        bots,
        connect: Connect::of(&desk, &caller),
    }))
}

/// The bots' names, all different.
fn names(bots: &Bots) -> Result<Vec<String>, Problem> {
    if !(1..=BOTS_MAX).contains(&bots.count) {
        return Err(Problem::invalid(format!(
            "count goes from 1 to {BOTS_MAX}."
        )));
    }
    if !TOKEN_SECONDS.contains(&bots.token_seconds) {
        let (least, most) = (TOKEN_SECONDS.start(), TOKEN_SECONDS.end());
        return Err(Problem::invalid(format!(
            "token_seconds goes from {least} to {most}."
        )));
    }
    let after_last = bots
        .first
        .checked_add(bots.count)
        .ok_or_else(|| Problem::invalid("first and count reach beyond the last number."))?;
    let prefix = bots.prefix.trim();
    let names: Vec<_> = (bots.first..after_last)
        .map(|number| format!("{prefix} {number:04}"))
        .collect();
    for name in &names {
        Name::parse(name).map_err(Reject::from)?;
    }
    Ok(names)
}

async fn enrol(desk: &Arc<Desk>, names: &[String]) -> Result<Vec<CharacterRow>, Problem> {
    let commands: Vec<_> = names
        .iter()
        .map(|name| Command::Enrol { name: name.clone() })
        .collect();
    // Names of one request differ, so that no command has to see the rows of another.
    let rows = desk
        .change(|services, store, out| {
            let rows = services.pending.over(store);
            let accounts = &mut services.accounts;
            let enrol = |command| {
                let reply = accounts.handle(now(), &rows, command, out)?;
                reply
                    .character
                    .ok_or(HandleError::Reject(Reject::CharacterUnknown))
            };
            Ok::<Vec<_>, std::convert::Infallible>(commands.iter().map(enrol).collect())
        })
        .await
        .map_err(|error| match error {
            super::super::desk::ChangeError::Refused(never) => match never {},
            super::super::desk::ChangeError::Store(reason) => {
                tracing::warn!(reason, "bots could not be stored");
                Problem::busy()
            }
        })?;
    Ok(rows.into_iter().collect::<Result<_, HandleError>>()?)
}

/// What the drain is answered with.
#[derive(Serialize, ToSchema)]
pub(super) struct Draining {
    /// Always true.
    draining: bool,
}

/// Asks the server to drain and stop: clients are told, the last beat is made durable.
#[utoipa::path(
    post, path = "/admin/v1/drain", tag = "operator", security(("operator" = [])),
    responses((status = 200, description = "The server is draining", body = Draining)),
)]
pub(super) async fn drain(State(desk): State<Arc<Desk>>, _: Operator) -> Answer<Draining> {
    if !desk.stop.swap(true, Ordering::AcqRel) {
        tracing::info!("the operator has asked the server to drain");
    }
    Answer(Draining { draining: true })
}
