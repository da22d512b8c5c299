//! The table, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use orrery_benches::machine;
use serde_json::Value;

use crate::Args;
use crate::contest::Outcome;

/// Writes and prints both forms.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn write(
    folder: &Path,
    root: &Path,
    args: &Args,
    outcomes: &[Outcome],
    load: &Value,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let text = table(root, args, outcomes, load);
    print!("\n{text}\n");
    let stem = folder.join("transfers");
    for (ending, content) in [("md", text), ("csv", csv(outcomes))] {
        let path = stem.with_extension(ending);
        std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    println!("transfers: {}.{{md,csv}}", stem.display());
    Ok(())
}

fn table(root: &Path, args: &Args, outcomes: &[Outcome], load: &Value) -> String {
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
    text.push_str("| contestant | transfers/s | p50 | p99 | longest | books |\n");
    text.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
    for outcome in outcomes {
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
    text.push_str(
        "\nA transfer takes from one balance, adds to another and leaves an entry; it counts when \
         it is durable. Times are from the request until then. Books: the sum of all money is \
         what it was, and there is one entry per transfer.\n\n",
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

fn csv(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "contestant,transfers_per_s,p50_ms,p99_ms,max_ms,transfers,seconds,conserved,setting\n",
    );
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
