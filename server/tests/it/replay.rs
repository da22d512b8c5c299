//! What a live server did, its journal repeats, bit for bit, on any number of shards.

use std::time::Duration;

use crate::process::{Folder, run, run_within};

const BOTS: u64 = 200;

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
    let key = format!("{}/operator.key", folder.path());
    let (count, http) = (BOTS.to_string(), server.http().to_string());
    let bots = [
        "bots",
        "--count",
        &count,
        "--behaviour",
        "mixed",
        "--seconds",
        "60",
    ];
    let whereto = [
        "--server",
        &http,
        "--operator-key",
        &key,
        "--report",
        &report,
    ];
    let said = run_within(&[&bots[..], &whereto].concat(), Duration::from_secs(300));
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

    let replay = [
        "replay",
        "--data",
        folder.path(),
        "--verify",
        "--shards",
        "1,2,3,8",
    ];
    let replayed = run_within(&replay, Duration::from_secs(600));
    let lines: Vec<_> = replayed
        .success()
        .lines()
        .filter(|line| line.contains("every digest equal"))
        .collect();
    assert_eq!(lines.len(), 4, "{}", replayed.out);
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
    println!("{report}{}", replayed.out);

    let audit = run(&["audit", "--data", folder.path()]);
    assert!(audit.success().contains("sound"), "{}", audit.out);
}
