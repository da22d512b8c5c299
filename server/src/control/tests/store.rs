//! The store under the interface: copied while it runs, and failing.

use super::*;

#[test]
fn the_operator_has_the_running_store_copied() {
    let server = Server::start();
    server.sign_up("Ada");
    let key = server.operator_key();
    let newest = || server.get("/admin/v1/backup", Some(&key)).json();
    assert_eq!(newest()["state"], "none");
    let to = server.folder.path().join("backup");
    let ask = |to: &str| server.post("/admin/v1/backup", Some(&key), &json!({ "to": to }));
    let begun = ask(to.to_str().unwrap());
    assert_eq!(begun.status, 202, "{}", begun.text);
    let since = Instant::now();
    while newest()["state"] == "running" {
        assert!(since.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = newest();
    assert_eq!(done["state"], "done", "{done}");
    let (manifest, proof) = crate::host::backup::verify(&to, &mut |_, _, _| Ok(())).unwrap();
    assert!(proof.is_sound(), "{proof}");
    assert_eq!(done["bytes"], manifest.bytes());
    let copy = folder::store_path(&to);
    let options = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    let copy = Store::open(copy, &options).unwrap();
    let all = orrery_storage::KeyRange::all();
    let accounts = orrery_storage::Rows::count(&copy, orrery_storage::Domain::Account, all);
    assert_eq!(accounts, Ok(1));

    let missing = server.folder.path().join("missing").join("backup");
    for wrong in [
        "backup",
        to.to_str().unwrap(),
        missing.to_str().unwrap(),
        "/",
    ] {
        assert_eq!(ask(wrong).problem(), (422, "invalid".to_owned()), "{wrong}");
    }
    let refused = server.post("/admin/v1/backup", None, &json!({ "to": "/tmp/x" }));
    assert_eq!(refused.problem(), (401, "operator_key_required".to_owned()));
}

#[test]
fn a_store_that_fails_is_said_and_nothing_is_acknowledged() {
    let server = Server::start();
    server.beat(1);
    assert_eq!(server.get("/readyz", None).status, 200);
    // The open segments still take writes; the next one finds no place.
    std::fs::remove_dir_all(server.folder.path().join("store/log")).unwrap();
    let sign_up = |number: u32| {
        let name = format!("Pilot {number:04}");
        let body = json!({ "name": name, "password": PASSWORD });
        server.post("/api/v1/accounts", None, &body)
    };
    let mut number = 0;
    let refused = loop {
        let answer = sign_up(number);
        if answer.status != 201 {
            break answer;
        }
        number += 1;
        assert!(number < 500, "it never fails");
    };
    assert_eq!(refused.problem(), (503, "store".to_owned()));
    for later in 1..4 {
        let refused = sign_up(number + later);
        assert_eq!(refused.problem(), (503, "store".to_owned()));
    }
    let ready = server.get("/readyz", None);
    assert_eq!(ready.status, 503);
    let words = ready.text;
    assert!(
        words.contains("write to the beat log: No such file"),
        "{words}"
    );
}
