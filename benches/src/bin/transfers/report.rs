//! The table, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use orrery_benches::{machine, report};
use serde_json::Value;

use crate::contest::{Kind, Outcome};
use crate::hot::{self, Hot};
use crate::{Args, BEAT, ROWS_OFFERED, ours, rows};

/// A rate of rows is kept up with if 99 of 100 are durable within this time, milliseconds.
const ROW_P99_MS_MAX: f64 = 10.0;

/// Writes and prints both forms.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn write(
    folder: &Path,
    root: &Path,
    args: &Args,
    outcomes: &[Outcome],
    hot: &[Hot],
    load: &Value,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let text = page(root, args, outcomes, hot, load);
    print!("\n{text}\n");
    let stem = folder.join("transfers");
    for (ending, content) in [("md", text), ("csv", csv(outcomes))] {
        let path = stem.with_extension(ending);
        std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    println!("transfers: {}.{{md,csv}}", stem.display());
    Ok(())
}

/// Adds the figures of a run of everybody to the summary.
///
/// # Errors
/// If somebody is missing, or the summary cannot be written.
pub(crate) fn summarise(
    folder: &Path,
    args: &Args,
    outcomes: &[Outcome],
    hot: &[Hot],
) -> anyhow::Result<()> {
    let named = |name: &str| {
        let outcome = outcomes.iter().find(|outcome| outcome.name == name);
        outcome.with_context(|| format!("{name} did not take part"))
    };
    let p99_ns = |name: &str| {
        let line = hot.iter().find(|line| line.name == name);
        let line = line.with_context(|| format!("{name} was not timed"))?;
        anyhow::Ok(line.times.value_at_quantile(0.99) as f64)
    };
    let most = named(ours::MOST)?;
    let offered = named(&ours::offered(args.offered))?;
    let postgres = outcomes
        .iter()
        .filter(|outcome| outcome.name.starts_with("PostgreSQL"))
        .map(Outcome::rate)
        .fold(f64::NAN, f64::max);
    let mut figures = vec![
        ("value.transfers_per_s", most.rate()),
        ("value.transfers_offered_per_s", offered.rate()),
        (
            "value.transfer_p99_beats",
            offered.p99_ms / (BEAT.as_secs_f64() * 1e3),
        ),
        ("value.transfers_vs_postgres", most.rate() / postgres),
        ("value.hot_get_p99_ns", p99_ns(hot::GET)?),
        ("value.hot_transfer_p99_ns", p99_ns(hot::SET)?),
    ];
    let first = named(&rows::our_name(ROWS_OFFERED[0]))?;
    figures.push(("value.log_row_p99_ms", first.p99_ms));
    // The highest rate that is kept up with.
    for rate in ROWS_OFFERED {
        let outcome = named(&rows::our_name(rate))?;
        if outcome.p99_ms < ROW_P99_MS_MAX {
            figures.retain(|(name, _)| *name != "value.log_rows_per_s");
            figures.push(("value.log_rows_per_s", outcome.rate()));
        }
    }
    report::summarise(&folder.join("summary.json"), &figures).context("write the summary")
}

fn page(root: &Path, args: &Args, outcomes: &[Outcome], hot: &[Hot], load: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let (commit, machine) = (machine::commit(root), machine::describe());
    let id = word(&commit["id"]);
    let mut text = String::from("# Durable transfers\n\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "`perf/transfers.sh --seconds {} --accounts {}` · {} · {} cores · commit {} · load before {}\n",
        args.seconds,
        args.accounts,
        word(&machine["processor"]),
        machine["cores"],
        &id[..id.len().min(10)],
        load.as_array()
            .and_then(|load| load.first())
            .unwrap_or(&Value::Null)
    );
    table(&mut text, "transfers/s", outcomes, Kind::Transfers);
    text.push_str(
        "\nA transfer takes from one balance, adds to another and leaves an entry; it counts when \
         it is durable. Times are from the request until then. Books: the sum of all money is \
         what it was, and there is one entry per transfer. Where a number is *offered*, requests \
         come evenly at that rate, whatever happens, and each is timed from when it was due.\n\n",
    );
    table(&mut text, "rows/s", outcomes, Kind::Rows);
    text.push_str(
        "\nA row has a key of its own of 16 bytes and 150 more, and is only ever appended; all are \
         offered. Books: each row is found again.\n\n",
    );
    text.push_str("| in memory | p50 | p99 | 999 of 1,000 | longest |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for Hot { name, times } in hot {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| times.value_at_quantile(share));
        let most = times.max();
        let _ = writeln!(
            text,
            "| {name} | {p50} ns | {p99} ns | {p999} ns | {most} ns |"
        );
    }
    text.push_str(
        "\nEach one is timed by itself, with the clock's own time in it, between accounts that are \
         drawn evenly from all of them. A transfer is all of it but the disk.\n\n",
    );
    let mut said = Vec::new();
    for outcome in outcomes {
        if !said.contains(&&outcome.setting) {
            let name = outcome.name.split(',').next().unwrap_or_default();
            let _ = writeln!(text, "* {name}: {}", outcome.setting);
            said.push(&outcome.setting);
        }
    }
    text
}

fn table(text: &mut String, unit: &str, outcomes: &[Outcome], kind: Kind) {
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "| contestant | {unit} | p50 | p99 | longest | books |"
    );
    text.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
    for outcome in outcomes.iter().filter(|outcome| outcome.kind == kind) {
        let books = if outcome.is_conserved {
            "right"
        } else {
            "WRONG"
        };
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} ms | {:.2} ms | {:.1} ms | {books} |",
            outcome.name,
            outcome.rate(),
            outcome.p50_ms,
            outcome.p99_ms,
            outcome.max_ms
        );
    }
}

fn csv(outcomes: &[Outcome]) -> String {
    let mut text =
        String::from("contestant,per_s,p50_ms,p99_ms,max_ms,count,seconds,conserved,setting\n");
    for outcome in outcomes {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "\"{}\",{:.1},{:.3},{:.3},{:.3},{},{:.3},{},\"{}\"",
            outcome.name,
            outcome.rate(),
            outcome.p50_ms,
            outcome.p99_ms,
            outcome.max_ms,
            outcome.transfers,
            outcome.seconds,
            outcome.is_conserved,
            outcome.setting
        );
    }
    text
}
