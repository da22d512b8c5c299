use super::*;
use crate::metrics::LogInOutcome;

#[test]
fn from_sign_up_to_a_docked_character() {
    let server = Server::start();
    let session = server.sign_up("Ada Lovelace");
    let id = server.create(&session, "Captain Ada");
    let list = server.get("/api/v1/characters", Some(&session)).json();
    assert_eq!(list["characters_max"], 3);
    let ada = &list["characters"][0];
    assert_eq!(ada["id"], id);
    assert_eq!(ada["name"], "Captain Ada");
    assert_eq!(ada["online"], false);
    let station = ada["place"]["station"].as_str().unwrap();
    assert!(
        server
            .context
            .starting_stations()
            .any(|fixture| &*fixture.name == station)
    );
    assert!(!ada["place"]["system"].as_str().unwrap().is_empty());
    let ship = ada["ship"]["type_id"].as_u64().unwrap();
    let hull = server
        .context
        .content
        .ship(orrery_base::TypeId(ship as u32))
        .unwrap();
    assert_eq!(ada["ship"]["name"], hull.name);
    assert_eq!(hull.role, "frigate");

    // The same account through the other door, in other clothes.
    let body = json!({"name": "ADA lovelace", "password": PASSWORD});
    let again = server.post("/api/v1/sessions", None, &body);
    assert_eq!(again.status, 201);
    assert!(again.json()["expires_ms"].as_u64().unwrap() > 1_700_000_000_000);
    let other = again.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/v1/characters", Some(&other)).json(), list);
    assert_eq!(server.metrics.control().log_ins(LogInOutcome::Succeeded), 1);
}

#[test]
fn accounts_survive_a_restart_and_pass_the_audit() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    server.create(&session, "Captain Ada");
    let server = server.restart();
    // The key that seals tokens is the same, and so is the account.
    let list = server.get("/api/v1/characters", Some(&session)).json();
    assert_eq!(list["characters"][0]["name"], "Captain Ada");
    server.create(&session, "Second");
    let places = |grid, station: Option<_>| {
        let station = station.and_then(|station| server.context.fixture(station));
        station.is_some_and(|fixture| fixture.grid == grid)
    };
    let report = orrery_services::audit::audit_rows(&server.store, places).unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.counts.accounts, report.counts.characters), (1, 2));
}

#[test]
fn names_and_passwords_are_checked() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    for (name, password, expected) in [
        ("ADA", PASSWORD, (409, "name_taken")),
        ("x", PASSWORD, (422, "name_invalid")),
        ("a\u{202e}bc", PASSWORD, (422, "name_invalid")),
        ("Grace", "short", (422, "password_invalid")),
        ("Grace", "password1", (422, "password_weak")),
        ("Grace Hopper", "gracehopper", (422, "password_weak")),
    ] {
        let body = json!({"name": name, "password": password});
        let (status, code) = server.post("/api/v1/accounts", None, &body).problem();
        assert_eq!((status, code.as_str()), expected, "{name} {password}");
    }
    server.create(&session, "One");
    let taken = server.post(
        "/api/v1/characters",
        Some(&session),
        &json!({"name": "ONE"}),
    );
    assert_eq!(taken.problem(), (409, "name_taken".to_owned()));
    server.create(&session, "Two");
    server.create(&session, "Three");
    let fourth = server.post(
        "/api/v1/characters",
        Some(&session),
        &json!({"name": "Four"}),
    );
    assert_eq!(fourth.problem(), (409, "too_many_characters".to_owned()));
}

#[test]
fn log_in_does_not_tell_who_is_there() {
    let server = Server::start();
    server.sign_up("Ada");
    let long = "x".repeat(300);
    let answers: Vec<_> = [
        ("Ada", "wrong password"),
        ("Nobody", PASSWORD),
        ("Ada", &long),
    ]
    .map(|(name, password)| {
        let body = json!({"name": name, "password": password});
        let answer = server.post("/api/v1/sessions", None, &body);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        (answer.problem(), answer.text)
    })
    .into();
    assert_eq!(answers[0].0, (401, "login_failed".to_owned()));
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    // Both were work: as many hashes as for one sign-up and two log-ins.
    let text = crate::metrics::encode(&server.metrics);
    assert!(
        text.contains("orrery_password_hash_duration_seconds_count 3\n"),
        "{text}"
    );
}

#[test]
fn failures_are_slowed_down_and_never_lock_out() {
    let server = Server::start();
    server.sign_up("Ada");
    let wrong = json!({"name": "Ada", "password": "wrong password"});
    for _ in 0..4 {
        assert_eq!(server.post("/api/v1/sessions", None, &wrong).status, 401);
    }
    // By now answers are delayed, as the throttle's own tests prove; the right password is let in
    // all the same, after its delay.
    let right = json!({"name": "Ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/sessions", None, &right).status, 201);
}

#[test]
fn sessions_are_needed_and_end() {
    let server = Server::start();
    let session = server.sign_up("Ada");
    let id = server.create(&session, "Captain Ada");
    let game = server.game_token(&session, id);
    for bearer in [None, Some(""), Some("rubbish"), Some(game.as_str())] {
        let answer = server.get("/api/v1/characters", bearer);
        assert_eq!(
            answer.problem(),
            (401, "unauthenticated".to_owned()),
            "{bearer:?}"
        );
    }
    let log_out = || {
        let request = server.agent.delete(server.url("/api/v1/sessions/current"));
        answer(
            request
                .header("authorization", format!("Bearer {session}"))
                .call()
                .unwrap(),
        )
    };
    assert_eq!(log_out().status, 204);
    assert_eq!(server.get("/api/v1/characters", Some(&session)).status, 401);
    assert_eq!(log_out().status, 401);
    // Also after a restart.
    let server = server.restart();
    assert_eq!(server.get("/api/v1/characters", Some(&session)).status, 401);
}

#[test]
fn hashes_are_renewed_when_their_cost_changes() {
    let server = Server::start();
    server.sign_up("Ada");
    let hash = |server: &Server| {
        let bytes = orrery_storage::Rows::get(
            &server.store,
            orrery_storage::Domain::Account,
            &1_u64.to_be_bytes(),
        );
        let row = orrery_services::accounts::AccountRow::decode(&bytes.unwrap().unwrap()).unwrap();
        row.password.unwrap().as_str().to_owned()
    };
    assert!(
        hash(&server).starts_with("$argon2id$v=19$m=8,t=1,"),
        "{}",
        hash(&server)
    );
    let Server {
        control,
        committer,
        store,
        folder,
        ..
    } = server;
    control.finish();
    committer.finish().unwrap();
    drop(store);
    let mut dearer = config(folder.path());
    dearer.accounts.argon2_passes = 2;
    let server = Server::open(folder, dearer);
    let body = json!({"name": "Ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/sessions", None, &body).status, 201);
    assert!(
        hash(&server).starts_with("$argon2id$v=19$m=8,t=2,"),
        "{}",
        hash(&server)
    );
    assert_eq!(server.post("/api/v1/sessions", None, &body).status, 201);
}

#[test]
fn log_ins_and_requests_are_limited() {
    let server = Server::start_with(|config| config.accounts.logins_per_minute = 2);
    let body = json!({"name": "Ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/sessions", None, &body).status, 401);
    let limited = server.post("/api/v1/sessions", None, &body);
    assert_eq!(limited.problem(), (429, "too_many_requests".to_owned()));
    let seconds: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");

    let server = Server::start_with(|config| config.accounts.requests_per_minute = 4);
    let statuses: Vec<_> = (0..4)
        .map(|_| server.get("/api/v1/status", None).status)
        .collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert_eq!(
        server.get("/healthz", None).status,
        200,
        "probes are not limited"
    );
    let key = server.operator_key();
    assert_eq!(
        server.get("/api/v1/status", Some(&key)).status,
        200,
        "nor is the operator"
    );
    assert_eq!(server.metrics.control().rate_limited.value(), 2);
}
