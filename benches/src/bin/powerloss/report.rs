//! What came out, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use orrery_benches::machine;
use serde_json::Value;

use crate::Drill;
use crate::drill::Round;

/// Writes and prints both forms; whether the run proves what it is to prove.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn write(
    folder: &Path,
    root: &Path,
    args: &Drill,
    rounds: &[Round],
) -> anyhow::Result<bool> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let (synced, unsynced): (Vec<&Round>, Vec<&Round>) =
        rounds.iter().partition(|round| round.sync);
    let damaged = synced.iter().filter(|round| round.damage.is_some()).count();
    let is_safe = lost(&synced) == 0 && damaged == 0 && synced.len() == args.rounds as usize;
    let means_something = lost(&unsynced) > 0;
    let text = table(root, args, rounds, [&synced, &unsynced]);
    print!("\n{text}\n");
    let stem = folder.join("powerloss");
    for (ending, content) in [("md", text), ("csv", csv(rounds))] {
        let path = stem.with_extension(ending);
        std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    println!("powerloss: {}.{{md,csv}}", stem.display());
    Ok(is_safe && means_something)
}

/// Beats that were acknowledged and are gone.
fn lost(rounds: &[&Round]) -> u64 {
    rounds.iter().map(|round| round.lost()).sum()
}

/// For people.
fn table(
    root: &Path,
    args: &Drill,
    rounds: &[Round],
    [synced, unsynced]: [&[&Round]; 2],
) -> String {
    let id = machine::commit(root)["id"]
        .as_str()
        .unwrap_or("unknown")
        .to_owned();
    let described = machine::describe();
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let mut text = String::from("# Loss of power\n\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "`perf/powerloss.sh {} --unsynced {} --seed {}` · XFS over a loop device, shut down under \
         load · {} · Linux {} · commit {}\n",
        args.rounds,
        args.unsynced,
        args.seed,
        word(&described["processor"]),
        word(&described["kernel"]),
        &id[..id.len().min(10)]
    );
    text.push_str("| | losses of power | beats acknowledged | beats lost | has to be |\n");
    text.push_str("| --- | ---: | ---: | ---: | --- |\n");
    for (name, rounds, has_to) in [
        ("with sync", synced, "0, and every store whole"),
        (
            "without sync",
            unsynced,
            "more than 0: else the run proves nothing",
        ),
    ] {
        let said: u64 = rounds
            .iter()
            .map(|round| round.acknowledged.saturating_sub(round.begun))
            .sum();
        let _ = writeln!(
            text,
            "| {name} | {} | {said} | {} | {has_to} |",
            rounds.len(),
            lost(rounds)
        );
    }
    text.push('\n');
    text.push_str(&each(rounds));
    text
}

/// A line for each round, and what was wrong.
fn each(rounds: &[Round]) -> String {
    let mut text = String::new();
    text.push_str("| round | sync | after | beats acknowledged | found | lost | writer ended |\n");
    text.push_str("| ---: | --- | ---: | ---: | ---: | ---: | --- |\n");
    for (number, round) in rounds.iter().enumerate() {
        let noticed = round.noticed_ms;
        let noticed = noticed.map_or_else(|| "killed".to_owned(), |ms| format!("{ms} ms"));
        let _ = writeln!(
            text,
            "| {} | {} | {} ms | {} to {} | {} | {} | {noticed} |",
            number + 1,
            round.sync,
            round.after_ms,
            round.begun + 1,
            round.acknowledged,
            round.found,
            round.lost()
        );
    }
    for (number, round) in rounds.iter().enumerate() {
        if let Some(damage) = &round.damage {
            let _ = writeln!(text, "\nRound {}: {damage}", number + 1);
        }
    }
    if let Some(round) = rounds.first() {
        let _ = writeln!(
            text,
            "\nThe writer's last words in round 1: `{}`",
            round.words
        );
    }
    text
}

fn csv(rounds: &[Round]) -> String {
    let mut text =
        String::from("round,sync,after_ms,begun,acknowledged,found,lost,noticed_ms,damaged\n");
    for (number, round) in rounds.iter().enumerate() {
        let noticed = round
            .noticed_ms
            .map_or_else(String::new, |ms| ms.to_string());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{noticed},{}",
            number + 1,
            round.sync,
            round.after_ms,
            round.begun,
            round.acknowledged,
            round.found,
            round.lost(),
            round.damage.is_some()
        );
    }
    text
}
