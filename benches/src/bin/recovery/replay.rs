//! How fast what players have done is repeated.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use orrery_benches::report::{rounded, summarise};
use serde_json::{Value, json};

use crate::Setting;
use crate::results::{about, folder, quantile, write_json};
use crate::stage::Stage;

/// How long players may take to arrive, all and each.
const ARRIVE: Duration = Duration::from_secs(60);
const ARRIVE_EACH: Duration = Duration::from_millis(50);
/// How long they may take to leave, and the server to end.
const LEAVE: Duration = Duration::from_secs(60);
/// Replays, of which the median counts.
const ROUNDS: usize = 3;
/// Beats a second.
const RATE: u64 = orrery_base::BEATS_PER_SECOND as u64;
/// The limit: so many times real time.
const LIMIT_X: f64 = 10.0;

/// Runs it; whether the replay was fast enough.
///
/// # Errors
/// If the server or the players fail, or the replay comes out differently.
pub(crate) fn run(common: &Setting, bots: u32, seconds: u32) -> anyhow::Result<bool> {
    let stage = Stage::prepare(common, bots)?;
    let played = Duration::from_secs(seconds.into());
    let arrive = ARRIVE + ARRIVE_EACH * bots;
    let mut server = stage.serve(arrive + played + LEAVE)?;
    let (count, length) = (bots.to_string(), seconds.to_string());
    let more = ["--count", &count, "--seconds", &length, "--seed"];
    let seed = common.seed.to_string();
    let mut swarm = stage.swarm(&server, &[&more[..], &[&seed]].concat())?;
    swarm.wait_for("measuring", arrive, |line| line == "measuring")?;
    let ended = swarm.finish(played + LEAVE)?;
    ensure!(ended.success(), "the bots failed: {}", swarm.last_words());
    let ended = server.process.end(LEAVE)?;
    ensure!(ended.success(), "the server did not end well: {ended}");
    let (data, beats) = (stage.data(), u64::from(seconds) * RATE);
    let data = data.to_string_lossy();
    let whole = replay(&stage, &["--data", &data])?;
    // The last beats, when all of them played; they have left by the end.
    let last = whole["last"].as_u64().context("find the last beat")?;
    let from = last.saturating_sub(beats).max(1).to_string();
    let mut speeds = Vec::new();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let round = replay(&stage, &["--data", &data, "--from", &from])?;
        let speed_x = round["speed_x"].as_f64().context("find the speed")?;
        println!("replay: {round}");
        speeds.push(speed_x);
        rounds.push(round);
    }
    let speed_x = quantile(&speeds, 0.5);
    println!("replay: {bots} players, {:.0} x real time", speed_x);
    let folder = folder(common, stage.root())?;
    let value = json!({
        "about": about(stage.root()),
        "bots": bots,
        "seconds": seconds,
        "whole": whole,
        "rounds": rounds,
        "speed_x": rounded(speed_x),
    });
    write_json(&folder.join("replay.json"), &value)?;
    if bots == 1_000 {
        let figures = [("kernel.replay_speed_x", speed_x)];
        summarise(&folder.join("summary.json"), &figures).context("write the summary")?;
    }
    Ok(speed_x >= LIMIT_X)
}

fn replay(stage: &Stage, options: &[&str]) -> anyhow::Result<Value> {
    let text = stage.finish(&[&["replay", "--verify", "--json"], options].concat())?;
    serde_json::from_str(text.trim()).with_context(|| format!("understand {text:?}"))
}
