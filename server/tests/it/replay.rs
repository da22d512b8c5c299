//! What a live server did, its journal repeats, bit for bit, on any number of shards.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orrery_base::Tick;
use orrery_kernel::journal::BeatRecord;
use orrery_server::rules::Space;
use orrery_storage::journal::{self, JournalKey};
use orrery_storage::log::{
    BeatLog, Frame, FrameOut, LogOptions, PlainDisk, ReadFrom, Record, read,
};

use crate::players::{Account, Pilot, block_on};
use crate::process::{Folder, Server, begin, run, run_within};

const BOTS: u64 = 200;

/// The arguments for a swarm against a server.
fn bots(server: &Server, folder: &Folder, count: u64) -> Vec<String> {
    let key = format!("{}/operator.key", folder.path());
    let (count, http) = (count.to_string(), server.http().to_string());
    let arguments = ["bots", "--behaviour", "mixed", "--count", &count];
    let whereto = ["--server", &http, "--operator-key", &key];
    arguments
        .iter()
        .chain(&whereto)
        .map(|&it| it.to_owned())
        .collect()
}

/// Replays a stopped store on each of these numbers of shards, from the birth of the galaxy, and
/// audits it.
fn assert_repeatable(folder: &Folder, shards: &[u16]) {
    let list: Vec<_> = shards.iter().map(u16::to_string).collect();
    let list = list.join(",");
    let replay = [
        "replay",
        "--data",
        folder.path(),
        "--verify",
        "--shards",
        &list,
    ];
    let replayed = run_within(&replay, Duration::from_secs(600));
    let lines = replayed.success().lines();
    let lines: Vec<_> = lines
        .filter(|line| line.contains("every digest equal"))
        .collect();
    assert_eq!(lines.len(), shards.len(), "{}", replayed.out);
    assert!(
        lines.iter().all(|line| line.contains("beats 1..=")),
        "{}",
        replayed.out
    );
    let finals: Vec<_> = lines
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert!(
        finals.windows(2).all(|pair| pair[0] == pair[1]),
        "{}",
        replayed.out
    );
    println!("{}", replayed.out);
    let audit = run(&["audit", "--data", folder.path()]);
    assert!(audit.success().contains("sound"), "{}", audit.out);
}

/// A minute of two hundred bots that fly, trade and fight.
#[test]
fn live_equals_replay() {
    let folder = Folder::new(8, 20_261_120);
    // Nothing is pruned, so that the replay begins with the birth of the galaxy.
    let server = folder
        .serve()
        .set("durability.keep_beats", "1000000")
        .start();
    let report = format!("{}/bots.json", folder.path());
    let bots = bots(&server, &folder, BOTS);
    let bots: Vec<_> = bots.iter().map(String::as_str).collect();
    let measure = ["--seconds", "60", "--report", &report];
    let said = run_within(&[&bots[..], &measure].concat(), Duration::from_secs(300));
    said.success();
    server.stop();
    let report = std::fs::read_to_string(report).unwrap();
    let figures: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(figures["arrived"], BOTS, "{report}");
    assert_eq!(figures["failed"], 0, "{report}");
    assert_eq!(figures["broken_snapshots"], 0, "{report}");
    assert!(figures["seconds"].as_f64().unwrap() >= 60.0, "{report}");
    assert!(
        figures["answers_per_s"].as_f64().unwrap() > 0.0,
        "somebody did something: {report}"
    );
    println!("{report}");
    assert_repeatable(&folder, &[1, 2, 3, 8]);
}

/// The power is cut in the middle of traffic, again and again: every life goes on from the last
/// durable beat of the one before, and all of them together are one journal.
#[test]
fn power_cuts_in_traffic() {
    let folder = Folder::new(4, 7);
    let mut from = 0.0;
    for cut in 0..4 {
        let server = folder
            .serve()
            .set("durability.checkpoint_interval_beats", "70")
            .start();
        let bots = bots(&server, &folder, 60);
        let bots: Vec<_> = bots.iter().map(String::as_str).collect();
        let swarm = begin(&bots);
        server.metric_reaches("orrery_clients", &[], 60.0);
        let now = server.metric("orrery_tick", &[("shard", "0")]);
        assert!(now >= from, "the world went back from beat {from} to {now}");
        // Somewhere between two checkpoints, every time elsewhere.
        let until = now + 60.0 + f64::from(cut) * 23.0;
        server.metric_reaches("orrery_tick", &[("shard", "0")], until);
        server.kill();
        drop(swarm);
        from = folder.store().at_open().last_beat.unwrap().0 as f64;
        assert!(!folder.store().was_clean());
    }
    folder.serve().start().stop();
    assert!(folder.store().was_clean());
    assert_repeatable(&folder, &[1, 3]);
}

/// Writes the beat log anew with another record in it. All sums fit: only a replay can tell.
fn forge(folder: &Folder, key: JournalKey, record: &[u8]) {
    let log = Path::new(folder.path()).join("store/log");
    let forged = Path::new(folder.path()).join("forged");
    let frames: Vec<Frame> = read(&PlainDisk::open(&log).unwrap(), ReadFrom::Start)
        .unwrap()
        .map(|frame| frame.unwrap())
        .collect();
    let disk = PlainDisk::open(&forged).unwrap();
    let (mut writer, _) = BeatLog::open(disk, LogOptions::default()).unwrap();
    for frame in &frames {
        let records: Vec<_> = frame
            .records
            .iter()
            .map(|found| Record {
                beat: found.beat,
                shard: found.shard,
                bytes: if (found.beat, found.shard) == (key.beat, key.shard) {
                    record
                } else {
                    &found.bytes
                },
            })
            .collect();
        let out = FrameOut {
            through: frame.through,
            rows: &frame.rows,
            records: &records,
        };
        assert_eq!(writer.append(&out).unwrap().number, frame.number);
    }
    std::fs::remove_dir_all(&log).unwrap();
    std::fs::rename(&forged, &log).unwrap();
}

/// A journal that is not what was lived is found out, with grid and beat.
#[test]
fn a_changed_journal_is_found() {
    let folder = Folder::new(2, 1);
    let server = folder.serve().start();
    let ada = Account::sign_up(&server, "Ada");
    block_on(async {
        let ticket = ada.ticket(&server);
        let mut pilot = Pilot::connect(&ticket, &Arc::new(folder.content())).await;
        pilot.undock().await;
        pilot.player.leave().await;
    });
    server.stop();
    assert_repeatable(&folder, &[2]);
    let store = folder.store();
    let last = store.at_open().last_beat.unwrap();
    let (key, mut record) = journal::range(store.log(), Tick(1)..=last)
        .unwrap()
        .map(|row| row.unwrap())
        .map(|row| (row.key, BeatRecord::<Space>::decode(&row.record).unwrap()))
        .find(|(_, record)| record.grids.iter().any(|grid| !grid.inputs.is_empty()))
        .unwrap();
    let grid = record
        .grids
        .iter_mut()
        .find(|grid| !grid.inputs.is_empty())
        .unwrap();
    grid.inputs.clear();
    let expected = format!("grid {} diverged in beat {}", grid.grid, key.beat);
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    drop(store);
    forge(&folder, key, &bytes);
    let said = run(&["replay", "--data", folder.path(), "--verify"]);
    assert!(
        said.refusal().contains(&expected),
        "{expected}: {}",
        said.err
    );
}
