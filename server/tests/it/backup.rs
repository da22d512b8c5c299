//! The drill: a backup under load, the way back, the audit, every digest equal. Then what a
//! backup refuses.

use std::path::Path;

use serde_json::Value;

use crate::process::{Folder, Said, Server, Spoken, begin, run, wait_until};

const PASSWORD: &str = "violet comet drifts slowly";
const BOTS: &str = "20";

/// Lets bots play until what is returned is dropped.
fn play(server: &Server, folder: &Folder) -> Spoken {
    let http = server.http().to_string();
    let key = format!("{}/operator.key", folder.path());
    let arguments = ["bots", "--behaviour", "mixed", "--count", BOTS];
    let bots = begin(&[&arguments[..], &["--server", &http, "--operator-key", &key]].concat());
    server.metric_reaches("orrery_clients", &[], 20.0);
    bots
}

/// The last beat that was done.
fn tick(server: &Server) -> u64 {
    let status: Value = server.rest().get("/api/v1/status", None).unwrap();
    status["tick"].as_u64().unwrap()
}

fn sign_up(server: &Server, name: &str) {
    server.rest().sign_up(name, PASSWORD).unwrap();
}

fn back_up(folder: &Folder, to: &Path, more: &[&str]) -> Said {
    let create = ["backup", "create", "--data", folder.path(), "--to"];
    run(&[&create[..], &[to.to_str().unwrap()], more].concat())
}

fn restore(from: &Path, data: &Path) -> Said {
    let (from, data) = (from.to_str().unwrap(), data.to_str().unwrap());
    run(&["backup", "restore", "--from", from, "--data", data])
}

fn last_beat(backup: &Path) -> u64 {
    let text = std::fs::read_to_string(backup.join("BACKUP.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    manifest["last_beat"].as_u64().unwrap()
}

#[test]
fn a_backup_under_load_comes_back_with_every_digest_equal() {
    // Segments come, are compressed and go.
    let small = ("durability.log_segment_mib", "1");
    let folder = Folder::with(&std::env::temp_dir(), 2, 1, &[small]);
    let serve = folder.serve().set(small.0, small.1);
    let server = serve.start();
    sign_up(&server, "Before");
    let bots = play(&server, &folder);
    wait_until("120 beats", || tick(&server) >= 130);

    let place = tempfile::tempdir().unwrap();
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    let http = server.http().to_string();
    let said = back_up(&folder, &backup, &["--server", &http]);
    let beat = last_beat(&backup);
    let words = format!("backup of beat {beat} in");
    assert!(said.success().contains(&words), "{}", said.out);
    assert!(beat >= 100, "{beat}");
    // What comes later is not in it, and the world goes on.
    sign_up(&server, "After");
    let before = tick(&server);
    wait_until("60 more beats", || tick(&server) >= before + 60);
    drop(bots);
    server.kill();

    let verified = run(&["backup", "verify", backup.to_str().unwrap()]);
    assert!(
        verified.success().contains(": sound, beat"),
        "{}",
        verified.out
    );
    let said = restore(&backup, &data);
    assert!(
        said.success().contains(&format!("beat {beat},")),
        "{}",
        said.out
    );
    let to = data.to_str().unwrap();
    run(&["audit", "--data", to]).success();
    run(&["replay", "--data", to, "--verify"]).success();
    // The original has the same beats, every digest and every input, and more of them.
    let same = run(&["replay", "--data", to, "--diff", folder.path()]);
    let words = format!("to {beat} are the same");
    assert!(same.success().contains(&words), "{}", same.out);

    let server = folder.serve().data(to).start();
    let recovered = server.log();
    let words = format!("recovered, every digest equal beat={beat} ");
    assert!(recovered.contains(&words), "{recovered}");
    let rest = server.rest();
    assert!(rest.log_in("Before", PASSWORD).is_ok());
    assert!(rest.log_in("After", PASSWORD).is_err());
    server.stop();
    // It goes on as a store of its own: the backup is untouched.
    run(&["backup", "verify", backup.to_str().unwrap()]).success();
}

#[test]
fn a_stopped_store_is_backed_up_and_damage_is_named() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    sign_up(&server, "Before");
    server.stop();
    let place = tempfile::tempdir().unwrap();
    let (backup, data) = (place.path().join("backup"), place.path().join("data"));
    back_up(&folder, &backup, &[]).success();
    let again = back_up(&folder, &backup, &[]);
    assert!(again.refusal().contains("exists already"), "{}", again.err);

    // A folder with anything in it is never restored into.
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("notes.txt"), "mine").unwrap();
    let refused = restore(&backup, &data);
    assert!(
        refused.refusal().contains("is not empty (notes.txt)"),
        "{}",
        refused.err
    );
    std::fs::remove_file(data.join("notes.txt")).unwrap();
    restore(&backup, &data).success();
    let server = folder.serve().data(data.to_str().unwrap()).start();
    assert!(server.rest().log_in("Before", PASSWORD).is_ok());
    server.stop();

    // One bit.
    let table = std::fs::read_dir(backup.join("store")).unwrap();
    let table = table
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "sst"))
        .unwrap();
    let mut bytes = std::fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // A new file: the old one may be a link to the store's own.
    std::fs::remove_file(&table).unwrap();
    std::fs::write(&table, bytes).unwrap();
    let name = table.file_name().unwrap().to_str().unwrap().to_owned();
    let other = place.path().join("other");
    let backup_path = backup.to_str().unwrap();
    for refused in [
        run(&["backup", "verify", backup_path]),
        restore(&backup, &other),
    ] {
        let words = refused.refusal();
        assert!(
            words.contains(&name) && words.contains("is damaged"),
            "{words}"
        );
    }
    assert!(!other.join("store").exists());

    // One that was never completed.
    std::fs::remove_file(backup.join("BACKUP.json")).unwrap();
    let refused = run(&["backup", "verify", backup_path]);
    assert!(
        refused.refusal().contains("is no backup"),
        "{}",
        refused.err
    );
}
