use orrery_base::{AccountId, ClientId};
use orrery_proto::message::RefusalCode;
use orrery_services::character::Location;

use super::*;

#[test]
fn a_token_lets_one_client_in_once() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let id = server.create(&session, "Captain Ada");
    let body = json!({"character": id});
    let answer = server
        .post("/api/v1/game-token", Some(&session), &body)
        .json();
    assert_eq!(answer["quic"], json!(["127.0.0.1:7777"]));
    assert_eq!(answer["certificate_sha256"], "ab".repeat(32));
    let hash = format!("{:016x}", server.context.content.hash());
    assert_eq!(answer["content_hash"], hash);
    let token = answer["token"].as_str().unwrap();
    let admitted = server.redeem(token).unwrap();
    assert_eq!(admitted.account, AccountId(1));
    assert_eq!(admitted.client, ClientId(1));
    assert_eq!(admitted.character.id, character(id));
    assert!(matches!(
        admitted.character.location,
        Location::Docked { .. }
    ));
    assert_eq!(server.redeem(token), Err(RefusalCode::LoginRefused));
    // Client ids go on after a restart, and the token stays spent.
    let second = server.game_token(&session, id);
    let token = token.to_owned();
    let server = server.restart();
    assert_eq!(server.redeem(&token), Err(RefusalCode::LoginRefused));
    assert_eq!(server.redeem(&second).unwrap().client, ClientId(2));
}

#[test]
fn what_is_no_token_lets_nobody_in() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    server.create(&session, "Captain Ada");
    for token in ["", "rubbish", session.as_str(), &"x".repeat(5_000)] {
        assert_eq!(
            server.redeem(token),
            Err(RefusalCode::LoginRefused),
            "{token}"
        );
    }
    let handle = server.handle();
    let connection = ConnectionKey {
        index: 0,
        generation: 0,
    };
    let token = vec![0xff, 0xfe];
    let request = LoginRequest {
        shard: SHARD,
        connection,
        token,
        remote: None,
    };
    handle.redeem(request).unwrap();
    let reply = eventually(|| handle.poll_login(SHARD));
    assert_eq!(reply.result, Err(RefusalCode::LoginRefused));
}

#[test]
fn a_token_is_for_an_own_character() {
    let server = Server::start();
    let ada = server.sign_up("Ada");
    let id = server.create(&ada, "Captain Ada");
    let grace = server.sign_up("Grace");
    for (session, id) in [(&grace, id), (&ada, id + 1), (&ada, 0), (&ada, u64::MAX)] {
        let answer = server.post(
            "/api/v1/game-token",
            Some(session),
            &json!({"character": id}),
        );
        assert_eq!(answer.problem(), (404, "character_unknown".to_owned()));
    }
}

#[test]
fn who_plays_is_shown_until_the_client_leaves() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let id = server.create(&session, "Captain Ada");
    let online = || {
        server.get("/api/v1/characters", Some(&session)).json()["characters"][0]["online"] == true
    };
    let admitted = server.redeem(&server.game_token(&session, id)).unwrap();
    assert!(online());
    // The character comes back before its old client is known to be gone.
    let later = server.redeem(&server.game_token(&session, id)).unwrap();
    server.handle().left(admitted.client);
    server.handle().left(later.client);
    eventually(|| (!online()).then_some(()));
}

#[test]
fn names_are_found() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let first = server.create(&session, "Captain Ada");
    let second = server.create(&session, "Countess");
    let handle = server.handle();
    let connection = ConnectionKey {
        index: 3,
        generation: 2,
    };
    let question = vec![character(second), character(99), character(first)];
    handle.whois(SHARD, connection, question).unwrap();
    let (asked, names) = eventually(|| handle.poll_names(SHARD));
    assert_eq!(asked, connection);
    let expected = [
        (character(second), "Countess".to_owned()),
        (character(first), "Captain Ada".to_owned()),
    ];
    assert_eq!(names, expected);
    assert!(
        handle.poll_names(ShardIndex(9)).is_none() && handle.poll_login(ShardIndex(9)).is_none()
    );
}

#[test]
fn shards_are_told_when_the_control_thread_has_ended() {
    let server = Server::start();
    let handle = server.handle();
    server.control.finish();
    let connection = ConnectionKey {
        index: 0,
        generation: 0,
    };
    let request = LoginRequest {
        shard: SHARD,
        connection,
        token: Vec::new(),
        remote: None,
    };
    assert!(handle.redeem(request).is_err());
    handle.left(ClientId(1));
}

#[test]
fn without_a_store_nothing_is_promised() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let id = server.create(&session, "Captain Ada");
    let token = server.game_token(&session, id);
    server.beat(1);
    assert_eq!(server.get("/readyz", None).status, 200);
    let handle = server.handle();
    // The disk is gone.
    let Server {
        committer,
        control,
        agent,
        ..
    } = server;
    committer.finish().unwrap();
    let url = |path: &str| format!("http://{}{path}", control.address());
    let body = json!({"name": "Grace", "password": PASSWORD});
    let refused = answer(
        agent
            .post(url("/api/v1/accounts"))
            .send_json(&body)
            .unwrap(),
    );
    assert_eq!(refused.problem(), (503, "store".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
    let connection = ConnectionKey {
        index: 0,
        generation: 0,
    };
    let request = LoginRequest {
        shard: SHARD,
        connection,
        token: token.into(),
        remote: None,
    };
    handle.redeem(request).unwrap();
    let reply = eventually(|| handle.poll_login(SHARD));
    assert_eq!(reply.result, Err(RefusalCode::InternalError));
    let ready = answer(agent.get(url("/readyz")).call().unwrap());
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("was not stored"), "{}", ready.text);
}
