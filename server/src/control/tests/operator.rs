use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use orrery_proto::message::RefusalCode;

use super::*;
use crate::control::StartError;

#[test]
fn the_operator_is_who_has_the_key() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let key = server.operator_key();
    for bearer in [
        None,
        Some("rubbish"),
        Some(session.as_str()),
        Some(&key[..63]),
    ] {
        let answer = server.get("/admin/v1/grids", bearer);
        assert_eq!(answer.problem(), (401, "operator_key_required".to_owned()));
        let bots = json!({"prefix": "Bot", "count": 1});
        assert_eq!(server.post("/admin/v1/bots", bearer, &bots).status, 401);
        assert_eq!(
            server.post("/admin/v1/drain", bearer, &json!({})).status,
            401
        );
    }
    assert!(!server.stop.load(Ordering::Acquire));
    assert_eq!(server.get("/admin/v1/grids", Some(&key)).status, 200);
    assert_eq!(
        server.get("/api/v1/characters", Some(&key)).status,
        401,
        "no player"
    );
}

#[test]
fn bots_are_made_once_and_let_in() {
    let server = Server::start();
    let key = server.operator_key();
    let body = json!({"prefix": "Bot", "first": 5, "count": 250, "token_seconds": 60});
    let first = server.post("/admin/v1/bots", Some(&key), &body);
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.json();
    let bots = first["bots"].as_array().unwrap();
    assert_eq!(bots.len(), 250);
    assert_eq!(bots[0]["name"], "Bot 0005");
    assert_eq!(bots[249]["name"], "Bot 0254");
    assert_eq!(first["quic"], json!(["127.0.0.1:7777"]));
    let characters: BTreeSet<_> = bots.iter().map(|bot| bot["character"].as_u64()).collect();
    assert_eq!(characters.len(), 250);
    let again = server.post("/admin/v1/bots", Some(&key), &body).json();
    let ids = |answer: &Value| -> Vec<Value> {
        answer["bots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bot| bot["character"].clone())
            .collect()
    };
    assert_eq!(ids(&again), ids(&first), "the same bots");
    assert_ne!(
        again["bots"][0]["token"], first["bots"][0]["token"],
        "with new tokens"
    );
    for bot in [&first["bots"][0], &again["bots"][0], &again["bots"][249]] {
        let admitted = server.redeem(bot["token"].as_str().unwrap()).unwrap();
        assert_eq!(admitted.character.name, bot["name"].as_str().unwrap());
    }
    // Nobody logs in as a bot.
    let body = json!({"name": "Bot 0005", "password": ""});
    assert_eq!(server.post("/api/v1/sessions", None, &body).status, 401);
    let report = orrery_services::audit::audit_rows(&server.store, |_, _| true).unwrap();
    assert!(report.is_sound(), "{report}");
}

#[test]
fn impossible_bots_are_refused() {
    let server = Server::start();
    server.sign_up("Bot 0001");
    let key = server.operator_key();
    for (body, expected) in [
        (json!({"prefix": "Bot", "count": 0}), (422, "invalid")),
        (json!({"prefix": "Bot", "count": 1_001}), (422, "invalid")),
        (
            json!({"prefix": "Bot", "count": 1, "token_seconds": 86_400}),
            (422, "invalid"),
        ),
        (
            json!({"prefix": "Bot", "first": u32::MAX, "count": 1}),
            (422, "invalid"),
        ),
        (json!({"prefix": "1", "count": 1}), (422, "name_invalid")),
        (json!({"prefix": "Bot"}), (422, "json_data")),
        (
            json!({"prefix": "Bot", "first": 1, "count": 1}),
            (409, "not_a_bot"),
        ),
    ] {
        let (status, code) = server.post("/admin/v1/bots", Some(&key), &body).problem();
        assert_eq!((status, code.as_str()), expected, "{body}");
    }
}

#[test]
fn draining_stops_the_server_and_lets_nobody_in() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let id = server.create(&session, "Captain Ada");
    let token = server.game_token(&session, id);
    server.beat(1);
    assert_eq!(server.get("/readyz", None).status, 200);
    let drain = server.post("/admin/v1/drain", Some(&server.operator_key()), &json!({}));
    assert_eq!(drain.json(), json!({"draining": true}));
    assert!(
        server.stop.load(Ordering::Acquire) && server.control.stop_flag().load(Ordering::Acquire)
    );
    let ready = server.get("/readyz", None);
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"], json!(["the server is draining"]));
    assert_eq!(server.redeem(&token), Err(RefusalCode::Draining));
    let refused = server.post(
        "/api/v1/game-token",
        Some(&session),
        &json!({"character": id}),
    );
    assert_eq!(refused.problem(), (503, "draining".to_owned()));
    assert_eq!(
        server.get("/healthz", None).status,
        200,
        "the process is alive"
    );
}

#[test]
fn metrics_are_for_this_machine_and_the_operator() {
    let server = Server::start();
    server.sign_up("Ada");
    let local = server.get("/metrics", None);
    assert_eq!(local.status, 200);
    assert!(
        local
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    assert!(
        local.text.contains("orrery_sign_ups_total 1\n"),
        "{}",
        local.text
    );
    assert!(
        local.text.contains("orrery_commit_control_batches_total"),
        "{}",
        local.text
    );
    assert!(local.text.ends_with("# EOF\n"));
    let proxied = [("x-forwarded-for", "192.0.2.1")];
    let refused = server.get_with("/metrics", None, &proxied);
    assert_eq!(refused.problem(), (401, "operator_key_required".to_owned()));
    let key = server.operator_key();
    assert_eq!(
        server.get_with("/metrics", Some(&key), &proxied).status,
        200
    );
}

#[test]
fn readiness_is_beats_and_a_store() {
    let server = Server::start();
    let early = server.get("/readyz", None);
    assert_eq!(early.status, 503);
    assert_eq!(
        early.json()["reasons"],
        json!(["shard 0 has not begun to beat"])
    );
    server.beat(41);
    assert_eq!(
        server.get("/readyz", None).json(),
        json!({"ready": true, "reasons": []})
    );
    let status = server.get("/api/v1/status", None).json();
    assert_eq!(status["tick"], 41);
    assert_eq!(status["ready"], true);
    assert_eq!(status["systems"], 3);
    assert_eq!(status["shards"].as_array().unwrap().len(), 1);
    assert!(status["memory_bytes"].as_u64().unwrap() > 1 << 20);
}

#[test]
fn an_address_in_use_is_named() {
    let server = Server::start();
    let address = server.control.address();
    let mut config = config(server.folder.path());
    config.server.http = address;
    let setup = setup(
        config,
        &server.store,
        &server.committer,
        server.port.clone(),
    );
    let error = crate::control::start(setup).unwrap_err();
    assert!(matches!(error, StartError::AddressInUse { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("server.http"),
        "{text}"
    );
}
