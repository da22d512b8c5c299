//! What players do outside of the game: accounts, sessions, characters, the way into the game.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use orrery_base::{AccountId, CharacterId};
use orrery_services::accounts::{Command, Reject};
use orrery_services::character::CharacterRow;
use orrery_services::names::Name;
use orrery_services::passwords::PASSWORD_BYTES_MAX;
use orrery_services::throttle::Admission;
use orrery_services::tokens::{self, Purpose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::desk::{Desk, now};
use super::super::world::{Place, place};
use super::auth::{Json, Session};
use super::guard::Caller;
use super::problem::{Problem, ProblemBody};
use crate::metrics::LogInOutcome;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ada Lovelace", "password": "violet comet drifts slowly"}))]
pub(super) struct Credentials {
    /// 3 to 24 letters and digits of one script, beginning with a letter; single spaces,
    /// hyphens, full stops, underscores and apostrophes between them. Capitals do not matter.
    name: String,
    /// At least 8 characters and not easy to guess; at most 256 bytes.
    #[schema(format = Password)]
    password: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// The account.
    account: u64,
    /// To be sent with further requests, as `Authorization: Bearer …`.
    token: String,
    /// When the token expires, milliseconds since 1970-01-01 UTC.
    expires_ms: u64,
}

/// A new character.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Captain Ada"}))]
pub(super) struct NewCharacter {
    /// As for accounts; everybody sees it.
    name: String,
}

/// A character.
#[derive(Serialize, ToSchema)]
pub(super) struct Character {
    /// Its number.
    id: u64,
    /// Its name.
    name: String,
    /// Its ship.
    ship: Ship,
    /// Where it is; while it plays, where it was last docked or last seen.
    place: Place,
    /// Whether somebody plays it now.
    online: bool,
}

/// A ship.
#[derive(Serialize, ToSchema)]
pub(super) struct Ship {
    /// The number of its type in the content pack.
    type_id: u32,
    /// The type's name.
    name: String,
}

/// The characters of an account.
#[derive(Serialize, ToSchema)]
pub(super) struct Characters {
    /// Oldest first.
    characters: Vec<Character>,
    /// How many the account may have.
    characters_max: usize,
}

/// Which character to play.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"character": 1}))]
pub(super) struct GameTokenFor {
    /// A character of the account.
    character: u64,
}

/// The way into the game.
#[derive(Serialize, ToSchema)]
pub(super) struct GameToken {
    /// To be presented once, after the handshake.
    token: String,
    /// When the token expires, milliseconds since 1970-01-01 UTC.
    expires_ms: u64,
    #[serde(flatten)]
    connect: Connect,
}

/// Where the game listens, and how to know that it is the right one.
#[derive(Serialize, ToSchema)]
pub(super) struct Connect {
    /// QUIC addresses, the best first.
    #[schema(value_type = Vec<String>, example = json!(["127.0.0.1:7777"]))]
    quic: Vec<SocketAddr>,
    /// SHA-256 of the server's certificate, 64 hexadecimal digits: the certificate may be signed
    /// by nobody.
    certificate_sha256: String,
    /// The hash of the content pack that a client must have, 16 hexadecimal digits.
    content_hash: String,
}

impl Connect {
    pub(super) fn of(desk: &Desk, caller: &Caller) -> Self {
        use std::fmt::Write as _;
        let digest = desk.certificate_sha256;
        let certificate_sha256 = digest.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self {
            quic: desk.quic_addresses(caller.local),
            certificate_sha256,
            content_hash: format!("{:016x}", desk.context.content.hash()),
        }
    }
}

/// Makes an account and begins a session.
#[utoipa::path(
    post, path = "/api/v1/accounts", tag = "accounts", request_body = Credentials,
    responses(
        (status = 201, description = "The account is made and durable", body = SessionBody),
        (status = 409, description = "`name_taken`", body = ProblemBody),
        (status = 422, description = "`name_invalid`, `password_invalid`, `password_weak` or \
            `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn sign_up(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(Credentials { name, password }): Json<Credentials>,
) -> Result<(StatusCode, Answer<SessionBody>), Problem> {
    desk.limits
        .login(caller.network())
        .map_err(Problem::too_many)?;
    // What can be refused without a hash is.
    Name::parse(&name).map_err(Reject::from)?;
    let password = desk.pool.hash_new(name.clone(), password).await?;
    let command = Command::SignUp { name, password };
    let reply = desk
        .change(|services, store, out| {
            let rows = services.pending.over(store);
            services.accounts.handle(now(), &rows, &command, out)
        })
        .await?;
    desk.metrics.control().sign_ups.increment();
    tracing::info!(account = reply.account.0, "account made");
    Ok((StatusCode::CREATED, Answer(session(&desk, reply.account)?)))
}

/// Logs in: begins a session.
///
/// An unknown name and a wrong password get the same answer after the same work. After some
/// failures answers are delayed, more and more; nobody is ever locked out.
#[utoipa::path(
    post, path = "/api/v1/sessions", tag = "accounts", request_body = Credentials,
    responses(
        (status = 201, description = "A session", body = SessionBody),
        (status = 401, description = "`login_failed`", body = ProblemBody),
        (status = 422, description = "`json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn log_in(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Json(Credentials { name, password }): Json<Credentials>,
) -> Result<(StatusCode, Answer<SessionBody>), Problem> {
    desk.limits
        .login(caller.network())
        .map_err(Problem::too_many)?;
    let control = desk.metrics.control();
    // No account has such a password, and a hash of it would be work for an attacker's profit.
    if password.len() > PASSWORD_BYTES_MAX {
        control.log_in(LogInOutcome::Failed);
        return Err(Problem::log_in_failed());
    }
    let admission = desk.services().throttle.admit(now(), &name, caller.address);
    match admission {
        Admission::After(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Admission::TryAgainAfter(ms) => {
            control.log_in(LogInOutcome::Throttled);
            return Err(Problem::too_many(ms.div_ceil(1_000)));
        }
    }
    let found = {
        let services = desk.services();
        services
            .accounts
            .log_in(&services.pending.over(&desk.store), &name)?
    };
    let hash = found.as_ref().map(|found| found.password.clone());
    let (matches, renewed) = desk.pool.verify(password, hash).await?;
    let Some(found) = found.filter(|_| matches) else {
        control.log_in(LogInOutcome::Failed);
        desk.services()
            .throttle
            .failed(now(), &name, caller.address);
        return Err(Problem::log_in_failed());
    };
    control.log_in(LogInOutcome::Succeeded);
    desk.services().throttle.succeeded(&name, caller.address);
    if let Some(password) = renewed {
        renew_password(&desk, found.account, password).await;
    }
    Ok((StatusCode::CREATED, Answer(session(&desk, found.account)?)))
}

/// The password's hash was made at another cost than today's: the new one is stored. If that
/// fails, the next log-in does it.
async fn renew_password(
    desk: &Arc<Desk>,
    account: AccountId,
    password: orrery_services::passwords::Hash,
) {
    let command = Command::ReplacePassword { account, password };
    let renewed = desk
        .change(|services, store, out| {
            let rows = services.pending.over(store);
            services.accounts.handle(now(), &rows, &command, out)
        })
        .await;
    if let Err(error) = renewed {
        tracing::warn!(
            ?error,
            account = account.0,
            "a password's hash was not renewed"
        );
    }
}

fn session(desk: &Desk, account: AccountId) -> Result<SessionBody, Problem> {
    let (token, claims) = desk.issue_session(account)?;
    Ok(SessionBody {
        account: account.0,
        token,
        expires_ms: claims.expires.0,
    })
}

/// Logs out: ends the session. Its token is worth nothing from then on.
#[utoipa::path(
    delete, path = "/api/v1/sessions/current", tag = "accounts", security(("session" = [])),
    responses((status = 204, description = "The session has ended")),
)]
pub(super) async fn log_out(
    State(desk): State<Arc<Desk>>,
    Session(claims): Session,
) -> Result<StatusCode, Problem> {
    let command = tokens::Command::EndSession(claims);
    desk.change(|services, _, out| services.tokens.handle(now(), &command, out))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The account's characters.
#[utoipa::path(
    get, path = "/api/v1/characters", tag = "characters", security(("session" = [])),
    responses((status = 200, description = "The characters, oldest first", body = Characters)),
)]
pub(super) async fn characters(
    State(desk): State<Arc<Desk>>,
    Session(claims): Session,
) -> Result<Answer<Characters>, Problem> {
    let services = desk.services();
    let rows = services.pending.over(&desk.store);
    let rows = services.accounts.characters(&rows, claims.account)?;
    let characters = rows.iter().map(|row| {
        let online = services.online.has(row.id);
        character(&desk, row, online)
    });
    let characters_max = services.accounts.limits().characters_max;
    Ok(Answer(Characters {
        characters: characters.collect(),
        characters_max,
    }))
}

/// Makes a character: docked at a station, in a first ship.
#[utoipa::path(
    post, path = "/api/v1/characters", tag = "characters", security(("session" = [])),
    request_body = NewCharacter,
    responses(
        (status = 201, description = "The character is made and durable", body = Character),
        (status = 409, description = "`name_taken` or `too_many_characters`", body = ProblemBody),
        (status = 422, description = "`name_invalid` or `json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn create_character(
    State(desk): State<Arc<Desk>>,
    Session(claims): Session,
    Json(NewCharacter { name }): Json<NewCharacter>,
) -> Result<(StatusCode, Answer<Character>), Problem> {
    let command = Command::CreateCharacter {
        account: claims.account,
        name,
    };
    let reply = desk
        .change(|services, store, out| {
            let rows = services.pending.over(store);
            services.accounts.handle(now(), &rows, &command, out)
        })
        .await?;
    // The command makes one; without it there is nothing to show.
    let row = reply.character.ok_or_else(Problem::not_found)?;
    desk.metrics.control().characters.increment();
    tracing::info!(
        account = row.account.0,
        character = row.id.0,
        "character made"
    );
    Ok((StatusCode::CREATED, Answer(character(&desk, &row, false))))
}

/// A token to play a character, and where to bring it. It works once and for a short time.
#[utoipa::path(
    post, path = "/api/v1/game-token", tag = "characters", security(("session" = [])),
    request_body = GameTokenFor,
    responses(
        (status = 200, description = "A token", body = GameToken),
        (status = 404, description = "`character_unknown`", body = ProblemBody),
        (status = 422, description = "`json_data`", body = ProblemBody),
    ),
)]
pub(super) async fn game_token(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    Session(claims): Session,
    Json(GameTokenFor { character }): Json<GameTokenFor>,
) -> Result<Answer<GameToken>, Problem> {
    if desk.is_draining() {
        return Err(Problem::draining());
    }
    let character = CharacterId(character);
    {
        let services = desk.services();
        let rows = services.pending.over(&desk.store);
        services
            .accounts
            .character_of(&rows, claims.account, character)?;
    }
    let lifetime_ms = u64::from(desk.config.accounts.game_token_seconds) * 1_000;
    let (token, issued) = desk.issue(Purpose::Game, claims.account, character, lifetime_ms)?;
    desk.metrics.control().tokens_issued.increment();
    let connect = Connect::of(&desk, &caller);
    Ok(Answer(GameToken {
        token,
        expires_ms: issued.expires.0,
        connect,
    }))
}

fn character(desk: &Desk, row: &CharacterRow, online: bool) -> Character {
    let type_id = row.ship.type_id;
    Character {
        id: row.id.0,
        name: row.name.clone(),
        ship: Ship {
            type_id: type_id.0,
            name: desk
                .context
                .content
                .name(type_id)
                .unwrap_or_default()
                .to_owned(),
        },
        place: place(&desk.context, &row.location),
        online,
    }
}
