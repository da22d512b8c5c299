//! What shards ask of the control thread: tokens redeemed, names found.

use std::sync::Arc;
use std::time::Duration;

use orrery_proto::message::RefusalCode;
use orrery_services::accounts::{HandleError, Reject};
use orrery_services::tokens::{Command, Purpose, Reject as TokenReject};
use tokio::sync::{Semaphore, watch};

use super::desk::{ChangeError, Desk, now};
use super::handle::{Admitted, LoginReply, LoginRequest, Request, Requests};

/// Most log-ins that are worked on at a time; further ones wait in the queue.
const LOGINS_MAX: usize = 1_024;
/// How long a log-in waits for the beats before it to be durable and readable.
const DURABLE_WAIT_MAX: Duration = Duration::from_secs(3);

pub(super) async fn serve(
    desk: Arc<Desk>,
    mut requests: Requests,
    mut ended: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(LOGINS_MAX));
    loop {
        tokio::select! {
            request = requests.requests.recv() => match request {
                Some(Request::Login(request)) => {
                    let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                    let desk = Arc::clone(&desk);
                    tokio::spawn(async move {
                        log_in(&desk, request).await;
                        drop(place);
                    });
                }
                Some(Request::WhoIs { shard, connection, characters }) => {
                    let names = desk.services().whois.names(&desk.store, &characters);
                    match names {
                        Ok(names) => {
                            if !desk.handle.reply_names(shard, (connection, names)) {
                                tracing::warn!(shard = shard.0, "a shard takes no names");
                            }
                        }
                        Err(error) => tracing::error!(%error, "find names"),
                    }
                }
                None => return,
            },
            Some(client) = requests.left.recv() => desk.services().online.left(client),
            _ = ended.wait_for(|ended| *ended) => return,
        }
    }
}

async fn log_in(desk: &Arc<Desk>, request: LoginRequest) {
    let LoginRequest {
        shard,
        connection,
        token,
        remote,
    } = request;
    let result = redeem(desk, &token).await;
    let control = desk.metrics.control();
    match &result {
        Ok(_) => control.tokens_redeemed.increment(),
        Err(code) => {
            control.tokens_refused.increment();
            tracing::debug!(?remote, code = code.name(), "log-in refused");
        }
    }
    if !desk
        .handle
        .reply_login(shard, LoginReply { connection, result })
    {
        tracing::warn!(shard = shard.0, "a shard takes no answers to log-ins");
    }
}

/// Spends the token, waits until that is durable, and reads the character as it is then.
///
/// The wait covers every beat that a shard had done before: where the character was put by its
/// last client is read too.
async fn redeem(desk: &Arc<Desk>, token: &[u8]) -> Result<Admitted, RefusalCode> {
    if desk.is_draining() {
        return Err(RefusalCode::Draining);
    }
    let claims = std::str::from_utf8(token)
        .ok()
        .and_then(|token| desk.open_token(Purpose::Game, token))
        .ok_or(RefusalCode::LoginRefused)?;
    let done = desk.metrics.tick();
    let command = Command::Redeem(claims);
    let client = desk
        .change(|services, _, out| services.tokens.handle(now(), &command, out))
        .await
        .map_err(|error| match error {
            ChangeError::Refused(TokenReject::Busy) => RefusalCode::ServerFull,
            ChangeError::Refused(_) => RefusalCode::LoginRefused,
            ChangeError::Store(_) => RefusalCode::InternalError,
        })?
        .ok_or(RefusalCode::InternalError)?;
    if !desk.readable(done, DURABLE_WAIT_MAX).await {
        return Err(RefusalCode::InternalError);
    }
    let mut services = desk.services();
    let character = services
        .accounts
        .character_of(&desk.store, claims.account, claims.character)
        .map_err(|error| match error {
            HandleError::Reject(Reject::CharacterUnknown) => RefusalCode::NoCharacter,
            HandleError::Reject(_) => RefusalCode::LoginRefused,
            HandleError::Rows(error) => {
                tracing::error!(%error, character = claims.character.0, "read a character");
                RefusalCode::InternalError
            }
        })?;
    services.online.came(character.id, client);
    services.whois.learn(character.id, character.name.clone());
    Ok(Admitted {
        account: claims.account,
        client,
        character,
    })
}
