//! How long a store with a past of many ships takes to recover.

use std::time::Duration;

use anyhow::Context as _;
use orrery_benches::report::{rounded, summarise};
use serde_json::json;

use crate::Setting;
use crate::results::{about, folder, quantile, write_json};
use crate::stage::{Stage, copy};

const LONGEST: Duration = Duration::from_secs(120);
/// The limit, seconds.
const LIMIT_S: f64 = 2.0;
/// Ships of one star system, unless systems are given.
const SHIPS_PER_SYSTEM: u32 = 400;

/// Runs it; whether every restart was fast enough.
///
/// # Errors
/// If the store cannot be made or not be recovered.
pub(crate) fn run(common: &Setting, ships: u32, rounds: u32) -> anyhow::Result<bool> {
    let mut common = common.clone();
    let systems = ships.div_ceil(SHIPS_PER_SYSTEM).max(2);
    let systems = *common.systems.get_or_insert(systems);
    let stage = Stage::prepare(&common, 0)?;
    let data = stage.data();
    let data = data.to_string_lossy();
    let count = ships.to_string();
    let told = stage.finish(&["rehearse", "--data", &data, "--ships", &count])?;
    print!("restart: {told}");
    let kept = stage.folder().join("past");
    copy(&stage.data().join("store"), &kept)?;
    let (mut recovered, mut ready) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        // Every round begins with the same past: a server goes on with it at once.
        let store = stage.data().join("store");
        std::fs::remove_dir_all(&store).context("remove the last round's store")?;
        copy(&kept, &store)?;
        let mut server = stage.serve(LONGEST)?;
        server.process.kill()?;
        recovered.push(server.recovered_after.as_secs_f64());
        ready.push(server.ready_after.as_secs_f64());
        println!(
            "restart: {round} of {rounds}: beat {}, recovered after {:.2} s, ready after {:.2} s",
            server.beat,
            server.recovered_after.as_secs_f64(),
            server.ready_after.as_secs_f64()
        );
    }
    let median_s = quantile(&recovered, 0.5);
    let folder = folder(&common, stage.root())?;
    let value = json!({
        "about": about(stage.root()),
        "ships": ships,
        "systems": systems,
        "recovered_s": recovered.iter().map(|it| rounded(*it)).collect::<Vec<_>>(),
        "ready_s": ready.iter().map(|it| rounded(*it)).collect::<Vec<_>>(),
    });
    write_json(&folder.join("restart.json"), &value)?;
    if ships == 10_000 {
        let figures = [("recovery.restart_10k_s", median_s)];
        summarise(&folder.join("summary.json"), &figures).context("write the summary")?;
    }
    Ok(quantile(&recovered, 1.0) < LIMIT_S)
}
