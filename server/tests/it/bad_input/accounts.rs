//! Wrong passwords, taken names, tokens that were used, have expired or were never given.

use orrery_client::rest::{AccountSession, RestError};
use orrery_proto::message::RefusalCode;
use orrery_services::WallTime;
use orrery_services::tokens::{Claims, Purpose, Sealer, TokenId, load_key};

use super::{Watch, assert_well};
use crate::players::{Account, PASSWORD, block_on, connect, refusal};
use crate::process::{Folder, Server};

/// What a refused request was told: status, code, sentence.
#[track_caller]
fn problem<T>(result: Result<T, RestError>) -> (u16, String, String) {
    match result {
        Err(RestError::Refused {
            status,
            code,
            message,
        }) => (status, code, message),
        Err(error) => panic!("not refused, but: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

#[track_caller]
fn assert_problem<T>(result: Result<T, RestError>, status: u16, code: &str) {
    let (found, name, sentence) = problem(result);
    assert_eq!((found, name.as_str()), (status, code), "{sentence}");
    assert!(
        sentence.ends_with(['.', '!', '?']),
        "a sentence for people: {sentence}"
    );
}

#[test]
fn accounts() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let rest = server.rest();
    let ada = Account::sign_up(&server, "Ada Lovelace");

    let watch = Watch::on(&server).expect("orrery_log_ins_total", &[("result", "failed")], 2.0);
    let wrong = problem(rest.log_in("Ada Lovelace", "amber comet drifts slowly"));
    let unknown = problem(rest.log_in("Grace Hopper", PASSWORD));
    assert_eq!((wrong.0, wrong.1.as_str()), (401, "login_failed"));
    assert_eq!(wrong, unknown, "nobody learns which names there are");
    watch.fulfilled();

    let watch = Watch::on(&server).expect("orrery_http_requests_total", &[("status", "4xx")], 10.0);
    assert_problem(
        rest.sign_up("Grace Hopper", "password1"),
        422,
        "password_weak",
    );
    assert_problem(
        rest.sign_up("Grace Hopper", "Grace Hopper"),
        422,
        "password_weak",
    );
    assert_problem(
        rest.sign_up("Grace Hopper", "short"),
        422,
        "password_invalid",
    );
    assert_problem(
        rest.sign_up("Grace Hopper", &"long ".repeat(60)),
        422,
        "password_invalid",
    );
    assert_problem(rest.sign_up("ADA LOVELACE", PASSWORD), 409, "name_taken");
    assert_problem(rest.sign_up("A", PASSWORD), 422, "name_invalid");
    assert_problem(rest.sign_up("Аda", PASSWORD), 422, "name_invalid");
    assert_problem(
        rest.create_character(&ada.session, "ada lovelace"),
        409,
        "name_taken",
    );
    let bob = Account::sign_up(&server, "Bob");
    assert_problem(
        rest.game_token(&ada.session, bob.character.id),
        404,
        "character_unknown",
    );
    let nobody = AccountSession {
        token: "v4.local.nonsense".to_owned(),
    };
    assert_problem(
        rest.game_token(&nobody, ada.character.id),
        401,
        "unauthenticated",
    );
    assert_problem(
        rest.bots("not the operator's key", "Bot", 0, 1),
        401,
        "operator_key_required",
    );
    watch.fulfilled();

    bodies(&server);
    block_on(assert_well(&folder, &server, "Newcomer"));
    server.stop();
}

/// Bodies that are no JSON, of another shape, too long.
fn bodies(server: &Server) {
    let url = format!("http://{}/api/v1/accounts", server.http());
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let watch = Watch::on(server).expect("orrery_http_requests_total", &[("status", "4xx")], 4.0);
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(100_000));
    for (body, status, code) in [
        ("{\"name\"", 400, "json_syntax"),
        ("{\"name\": 7}", 422, "json_data"),
        (
            "{\"name\": \"Eve\", \"password\": \"violet comet drifts\", \"admin\": true}",
            422,
            "json_data",
        ),
        (long.as_str(), 413, "body_too_large"),
    ] {
        let request = agent.post(&url).header("content-type", "application/json");
        let mut answer = request.send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), status, "{text}");
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{text}");
    }
    watch.fulfilled();
}

#[test]
fn too_many_log_ins() {
    let folder = Folder::new(2, 1);
    let server = folder
        .serve()
        .set("accounts.logins_per_minute", "4")
        .start();
    let rest = server.rest();
    let watch = Watch::on(&server).expect("orrery_http_rate_limited_total", &[], 1.0);
    // Half a minute's worth may come at once.
    for _ in 0..2 {
        assert_problem(rest.log_in("Nobody", PASSWORD), 401, "login_failed");
    }
    assert_problem(rest.log_in("Nobody", PASSWORD), 429, "too_many_requests");
    watch.fulfilled();
    server.stop();
}

#[test]
fn tokens() {
    let folder = Folder::new(2, 1);
    let server = folder
        .serve()
        .set("accounts.game_token_seconds", "300")
        .start();
    let ada = Account::sign_up(&server, "Ada Lovelace");
    let spent = ada.ticket(&server);
    block_on(async {
        connect(&spent).await.unwrap().leave().await;
        let ticket = |token: String| orrery_client::player::Ticket {
            token,
            ..spent.clone()
        };
        // With the server's own key tokens are made that nobody would wait for.
        let sealer = Sealer::new(&load_key(&folder.store()).unwrap().unwrap());
        let genuine = sealer.open(Purpose::Game, &spent.token).unwrap();
        let seal = |id, expires| {
            let claims = Claims {
                id: TokenId([id; 16]),
                expires,
                ..genuine
            };
            sealer.seal(Purpose::Game, &claims).unwrap()
        };
        connect(&ticket(seal(1, genuine.expires)))
            .await
            .unwrap()
            .leave()
            .await;
        let mut changed = spent.token.clone().into_bytes();
        let middle = changed.len() / 2;
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        for (what, token) in [
            ("used before", spent.token.clone()),
            (
                "expired",
                seal(2, WallTime(genuine.expires.0 - 300_000 - 60_000)),
            ),
            ("changed", changed),
            ("of a web session", ada.session.token.clone()),
            (
                "of a server with another key",
                Sealer::new(&[7; 32]).seal(Purpose::Game, &genuine).unwrap(),
            ),
            ("no token", "let me in".to_owned()),
            ("empty", String::new()),
        ] {
            let watch = Watch::on(&server)
                .expect("orrery_game_tokens_total", &[("event", "refused")], 1.0)
                .expect(
                    "orrery_clients_refused_total",
                    &[("code", "LoginRefused")],
                    1.0,
                );
            let code = refusal(connect(&ticket(token)).await);
            assert_eq!(code, RefusalCode::LoginRefused, "{what}");
            watch.fulfilled();
        }
        // Longer than any token: not even a message.
        let watch =
            Watch::on(&server).expect("orrery_malformed_total", &[("what", "message")], 1.0);
        let mut raw = super::raw::Raw::open(&spent).await;
        raw.hello(spent.content_hash).await;
        raw.write(&login_of(&[b'x'; 600])).await;
        assert_eq!(raw.refusal().await, RefusalCode::Malformed);
        watch.fulfilled();
    });
    // Which tokens were used is remembered across a power cut.
    server.kill();
    let server = folder.serve().start();
    block_on(async {
        let again = orrery_client::player::Ticket {
            address: server.quic4(),
            ..spent
        };
        assert_eq!(refusal(connect(&again).await), RefusalCode::LoginRefused);
        connect(&ada.ticket(&server)).await.unwrap().leave().await;
        assert_well(&folder, &server, "Newcomer").await;
    });
    server.stop();
}

/// A `Login` with a token of any length, which the message itself would cut.
fn login_of(token: &[u8]) -> Vec<u8> {
    let mut body = vec![2];
    orrery_proto::bytes::put_bytes(&mut body, token);
    let mut frame = Vec::new();
    orrery_proto::bytes::put_bytes(&mut frame, &body);
    frame
}
