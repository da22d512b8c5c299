//! Every option of `orrery replay`, on the past of a small server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orrery_base::command::Command;
use orrery_kernel::journal::BeatRecord;
use orrery_server::rules::Space;
use orrery_server::rules::input::Input;
use orrery_storage::journal::{self, JournalKey};
use serde_json::Value;

use super::forge;
use crate::players::{Account, Pilot, block_on};
use crate::process::{Folder, Said, run, run_within, wait_until};

/// A past in which Ada undocks and flies to a gate; checkpoints every sixty beats.
fn past() -> Folder {
    let folder = Folder::new(3, 5);
    let server = folder
        .serve()
        .set("durability.checkpoint_interval_beats", "60")
        .set("durability.keep_beats", "1000000")
        .start();
    let ada = Account::sign_up(&server, "Ada");
    let content = std::sync::Arc::new(folder.content());
    block_on(async {
        let mut pilot = Pilot::connect(&ada.ticket(&server), &content).await;
        pilot.placed().await;
        let target = pilot.player.situation.docked.unwrap();
        pilot.undock().await;
        pilot.command(Command::Align { target }).await.unwrap();
        pilot.player.leave().await;
    });
    server.metric_reaches("orrery_tick", &[("shard", "0")], 200.0);
    server.stop();
    folder
}

fn replay(folder: &Folder, options: &[&str]) -> Said {
    let replay = ["replay", "--data", folder.path()];
    run_within(&[&replay[..], options].concat(), Duration::from_secs(120))
}

/// The oldest segment of a store's log.
fn segment(folder: &Folder) -> PathBuf {
    let log = Path::new(folder.path()).join("store/log");
    let files = std::fs::read_dir(log)
        .unwrap()
        .map(|file| file.unwrap().path());
    let is_segment = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".seg") || name.ends_with(".seg.zst")
    };
    files.filter(is_segment).min().unwrap()
}

#[test]
fn parts_of_a_past_are_repeated() {
    let folder = past();
    let last = folder.store().at_open().last_beat.unwrap();

    let some = replay(
        &folder,
        &["--from", "150", "--until", "170", "--shards", "1,3"],
    );
    let lines: Vec<_> = some.success().lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{}", some.out);
    assert!(
        lines.iter().all(|line| line.contains("..=170, ")),
        "{}",
        some.out
    );
    assert!(
        lines[0].contains("beats 150..=170, 21 beats"),
        "{}",
        some.out
    );
    // As it was lived, whichever way it is come to.
    let whole = replay(&folder, &["--until", "170", "--shards", "2"]);
    let digest = |line: &str| line.trim_end().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(digest(whole.success()), digest(&lines[0]));

    let one = replay(&folder, &["--grid", "2", "--json", "--verify"]);
    let found: Value = serde_json::from_str(one.success().trim()).unwrap();
    assert_eq!(
        (&found["grids"], &found["last"]),
        (&1.into(), &last.0.into())
    );
    assert!(found["speed_x"].as_f64().unwrap() > 0.0);

    let no_grid = replay(&folder, &["--grid", "99"]);
    assert!(
        no_grid
            .refusal()
            .contains("no grid 99: it has 3 from 1 to 3"),
        "{}",
        no_grid.err
    );
    for option in ["--from", "--until", "--dump"] {
        let late = replay(&folder, &[option, "100000"]);
        let expected = format!("{option} 100000 is out of range");
        assert!(late.refusal().contains(&expected), "{}", late.err);
        assert!(
            late.err.contains(&format!("beats 1 to {last}")),
            "{}",
            late.err
        );
    }
    let inverted = replay(&folder, &["--from", "20", "--until", "10"]);
    assert!(
        inverted.refusal().contains("comes after"),
        "{}",
        inverted.err
    );
}

#[test]
fn a_segment_is_repeated_wherever_it_lies() {
    let folder = past();
    let segment = segment(&folder);
    let here = run(&["replay", segment.to_str().unwrap(), "--verify"]);
    assert!(
        here.success().contains("every digest equal"),
        "{}",
        here.out
    );

    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy");
    std::fs::copy(&segment, &copy).unwrap();
    let copy = copy.to_str().unwrap();
    let lost = run(&["replay", copy]);
    assert!(
        lost.refusal().contains("lies in no data folder"),
        "{}",
        lost.err
    );
    let found = run(&["replay", copy, "--data", folder.path()]);
    assert_eq!(
        found.success().rsplit(' ').next(),
        here.out.rsplit(' ').next()
    );

    let missing = run(&["replay", "/nowhere/at/all.seg"]);
    assert!(
        missing.refusal().contains("there is no segment"),
        "{}",
        missing.err
    );
    std::fs::write(copy, "no segment").unwrap();
    let damaged = run(&["replay", copy, "--data", folder.path()]);
    assert!(
        damaged.refusal().contains("read segment"),
        "{}",
        damaged.err
    );
}

#[test]
fn a_dump_shows_every_column() {
    let folder = past();
    let all = replay(&folder, &["--dump", "180", "--json"]);
    let entities: Vec<Value> = all
        .success()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let ada = entities.iter().find(|it| it["name"] == "Ada").unwrap();
    assert_eq!((&ada["beat"], &ada["presence"]), (&180.into(), &0.into()));
    let id = ada["entity"].to_string();

    let one = replay(&folder, &["--dump", "180", "--entity", &id]);
    let place = one
        .success()
        .lines()
        .find(|line| line.trim().starts_with("px "));
    let place = place.unwrap().split_whitespace().last().unwrap();
    assert_eq!(place, ada["px"].to_string());

    let grid = ada["grid"].to_string();
    let table = replay(&folder, &["--dump", "180", "--grid", &grid]);
    let lines: Vec<_> = table.success().lines().collect();
    let here = entities
        .iter()
        .filter(|it| it["grid"] == ada["grid"])
        .count();
    assert_eq!(
        lines.len(),
        2 + here,
        "a heading, the columns, the rows: {}",
        table.out
    );
    assert!(
        lines[1].contains(" px ") && lines[1].contains(" order_target "),
        "{}",
        lines[1]
    );

    let nobody = replay(&folder, &["--dump", "180", "--entity", "123456789"]);
    assert!(
        nobody.refusal().contains("no entity 123456789"),
        "{}",
        nobody.err
    );
}

#[test]
fn two_pasts_part_in_a_column() {
    let (folder, other) = (past(), tempfile::tempdir().unwrap());
    copy(Path::new(folder.path()), other.path());
    let same = replay(&folder, &["--diff", other.path().to_str().unwrap()]);
    assert!(same.success().contains("are the same"), "{}", same.out);

    // In the other past, Ada was told to stop instead.
    let store = folder.store();
    let last = store.at_open().last_beat.unwrap();
    let rows = journal::range(store.log(), orrery_base::Tick(1)..=last).unwrap();
    let (key, grid, bytes) = rows
        .map(|row| row.unwrap())
        .find_map(|row| {
            let mut record = BeatRecord::<Space>::decode(&row.record).unwrap();
            let grid = told_to_stop(&mut record)?;
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            Some((row.key, grid, bytes))
        })
        .unwrap();
    drop(store);
    forge(&folder, key, &bytes);
    let JournalKey { beat, .. } = key;
    for options in [vec![], vec!["--grid", grid.as_str()]] {
        let arguments = ["--diff", other.path().to_str().unwrap()];
        let parted = replay(&folder, &[&arguments[..], &options].concat());
        assert_eq!(
            parted.status.code(),
            Some(1),
            "{}\n{}",
            parted.out,
            parted.err
        );
        let first = format!("beat {beat} is the first that differs, grid {grid} the first there");
        assert!(parted.out.contains(&first), "{}", parted.out);
        assert!(
            parted
                .out
                .contains("A's record of this beat is not what comes"),
            "{}",
            parted.out
        );
        let column = parted
            .out
            .lines()
            .find(|line| line.trim().starts_with("order_kind "));
        assert!(
            column.is_some(),
            "the order's column is named: {}",
            parted.out
        );
    }

    let galaxy = Folder::new(2, 77);
    galaxy.serve().start().stop();
    let foreign = replay(&folder, &["--diff", galaxy.path()]);
    assert!(
        foreign.refusal().contains("two galaxies"),
        "{}",
        foreign.err
    );
}

/// Changes the command to align, if there is one; the grid.
fn told_to_stop(record: &mut BeatRecord<Space>) -> Option<String> {
    for grid in &mut record.grids {
        for input in &mut grid.inputs {
            if let Input::Command { command, .. } = &mut input.input
                && matches!(command, Command::Align { .. })
            {
                *command = Command::Stop;
                return Some(grid.grid.to_string());
            }
        }
    }
    None
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn an_incident_is_repeated() {
    let folder = Folder::new(2, 3);
    let server = folder.serve().set("server.allow_faults", "true").start();
    let key = format!("{}/operator.key", folder.path());
    let http = server.http().to_string();
    let whereto = ["--server", http.as_str(), "--operator-key", &key];
    // Shards tell the control thread of their grids now and then.
    wait_until("the grid to take a fault", || {
        let said = run(&[&["grid", "fault", "2"], &whereto[..]].concat());
        said.status.success()
    });
    server.metric_reaches("orrery_grids_restored_total", &[], 1.0);
    // Neither stopped nor killed by the book: its log has a panic, as it must.
    drop(server);
    let incidents = Path::new(folder.path()).join("incidents");
    let mut file = None;
    wait_until("the report of the incident", || {
        let files = std::fs::read_dir(&incidents).into_iter().flatten();
        let mut paths = files.map(|it| it.unwrap().path());
        file = paths.find(|path| path.extension().is_some_and(|it| it == "record"));
        file.is_some()
    });
    let file = file.unwrap();
    let name = file.to_str().unwrap();

    let again = replay(&folder, &["--incident", name]);
    assert_eq!(again.status.code(), Some(1), "{}\n{}", again.out, again.err);
    assert!(
        again.out.contains("the beat fails again") && again.out.contains("Fault"),
        "{}",
        again.out
    );
    assert!(again.out.contains("panicked at"), "{}", again.out);
    // The grid went on without the culprit, and so does its journal.
    replay(&folder, &["--verify"]).success();

    let bytes = std::fs::read(&file).unwrap();
    let mut record = BeatRecord::<Space>::decode(&bytes).unwrap();
    record.grids[0].inputs.clear();
    let mut harmless = Vec::new();
    record.encode(&mut harmless);
    std::fs::write(&file, harmless).unwrap();
    let passes = replay(&folder, &["--incident", name]);
    assert!(
        passes.success().contains("the beat passes"),
        "{}",
        passes.out
    );

    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = replay(&folder, &["--incident", name]);
    assert!(
        damaged.refusal().contains("is no incident"),
        "{}",
        damaged.err
    );
}

#[test]
fn a_flamegraph_is_drawn() {
    let folder = past();
    let svg = format!("{}/flame.svg", folder.path());
    // Often enough for some samples.
    let parts = vec!["64"; 24].join(",");
    let said = replay(&folder, &["--shards", &parts, "--flame", &svg]);
    assert!(said.success().contains("samples, drawn to"), "{}", said.out);
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(
        drawn.starts_with("<svg") && drawn.contains("orrery"),
        "{drawn}"
    );
}
