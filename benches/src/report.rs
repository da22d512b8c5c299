//! Results on disk: a file per suite, a plot beside it, and the flat summary.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::machine;
use crate::measure::{Effort, Measured, measure};
use crate::plot;
use crate::suites::Suite;

/// Runs a suite and writes its results below the root of the checkout.
///
/// # Errors
/// If the files cannot be read or written, or the summary is not a flat object.
pub fn run(suite: &Suite, effort: Effort, root: &Path) -> io::Result<()> {
    let before = machine::load();
    let mut measured = Vec::new();
    for group in (suite.groups)() {
        let group = measure(group, effort);
        print(&group);
        measured.push(group);
    }
    for group in suite.more.map(|more| more(effort)).unwrap_or_default() {
        print(&group);
        measured.push(group);
    }
    let figures = (suite.figures)(&measured);
    for (name, value) in &figures {
        println!("{name} {}", rounded(*value));
    }
    let folder = root.join("perf/results");
    std::fs::create_dir_all(&folder)?;
    let about = json!({
        "suite": suite.name,
        "about": suite.about,
        "command": command(),
        "commit": machine::commit(root),
        "machine": machine::describe(),
        "load": { "before": before, "after": machine::load() },
        "rounds": effort.rounds,
        "groups": measured.iter().map(group_json).collect::<Vec<_>>(),
        "figures": figures
            .iter()
            .map(|(name, value)| (*name, rounded(*value)))
            .collect::<BTreeMap<_, _>>(),
    });
    write_json(&folder.join(format!("{}.json", suite.name)), &about)?;
    let drawing = plot::draw(suite, &measured, &about);
    std::fs::write(folder.join(format!("{}.svg", suite.name)), drawing)?;
    summarise(&folder.join("summary.json"), &figures)
}

/// What repeats this run, wherever the program was built.
fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "cargo run --release -p orrery-benches -- {}",
        arguments.join(" ")
    )
}

/// Adds figures to the summary; what others wrote there stays.
///
/// # Errors
/// If the file cannot be read or written, or is not one flat object of numbers.
pub fn summarise(path: &Path, figures: &[(&str, f64)]) -> io::Result<()> {
    let mut summary: BTreeMap<String, f64> = match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    for (name, value) in figures {
        summary.insert((*name).to_owned(), rounded(*value));
    }
    write_json(path, &json!(summary))
}

fn write_json(path: &Path, value: &Value) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    std::fs::write(path, text)
}

fn group_json(group: &Measured) -> Value {
    let series = group.series.iter().map(|series| {
        json!({
            "name": series.name,
            "role": series.role.name(),
            "median": rounded(series.median()),
            "quartiles": [rounded(series.quantile(0.25)), rounded(series.quantile(0.75))],
            "least": rounded(series.quantile(0.0)),
            "p99": rounded(series.quantile(0.99)),
            "most": rounded(series.quantile(1.0)),
        })
    });
    json!({
        "name": group.name,
        "unit": group.unit,
        "series": series.collect::<Vec<_>>(),
    })
}

/// As the terminal shows a group: one line for each contender, the ratio to the limit last.
fn print(group: &Measured) {
    println!("{} ({})", group.name, group.unit);
    let limit = group
        .series
        .iter()
        .find(|series| series.role == crate::measure::Role::Limit);
    for series in &group.series {
        let [low, high] = [0.25, 0.75].map(|share| rounded(series.quantile(share)));
        let to_limit = limit.map_or_else(String::new, |limit| {
            format!("{:6.2} × limit", group.ratio(&series.name, &limit.name))
        });
        println!(
            "  {:<42} {:>10}   {low}…{high} {to_limit}",
            series.name,
            rounded(series.median()),
        );
    }
}

/// Four significant digits: more would be noise.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let decimals = 3 - value.abs().log10().floor() as i32;
    if decimals <= 0 {
        return value.round();
    }
    // Through text, so that the number is the shortest of its digits.
    format!("{value:.*}", decimals as usize)
        .parse()
        .unwrap_or(value)
}

#[cfg(test)]
mod tests;
