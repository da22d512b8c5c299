//! `docs/figures.md` takes its measured values from `perf/results/summary.json`.
//!
//! The summary is one flat object, metric name to number, written by the commands that
//! measure. A row of a table in the page whose first cell is such a name in backticks gets
//! the value as its last cell; a name without a value gets a dash. Everything else in the
//! page is left as it is, so the page is written by hand and its figures never are.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

/// The page, from the root of the checkout.
pub const PAGE: &str = "docs/figures.md";
/// The measured values, from the root of the checkout.
pub const SUMMARY: &str = "perf/results/summary.json";

/// Metric name to value, as the summary holds them.
pub type Summary = BTreeMap<String, f64>;

/// Reads the text of the summary.
///
/// # Errors
/// When it is not one flat object of numbers.
pub fn parse(text: &str) -> Result<Summary> {
    serde_json::from_str(text).context("read the summary as one flat object of numbers")
}

/// The page with the values of `summary` in the last cell of each row that names one.
#[must_use]
pub fn fill(page: &str, summary: &Summary) -> String {
    let mut filled = String::with_capacity(page.len());
    for line in page.split_inclusive('\n') {
        match metric_of(line) {
            Some(name) => filled.push_str(&with_value(line, summary.get(name).copied())),
            None => filled.push_str(line),
        }
    }
    filled
}

/// Names in the summary that no row of the page shows.
#[must_use]
pub fn unlisted(page: &str, summary: &Summary) -> Vec<String> {
    let listed: Vec<&str> = page.lines().filter_map(metric_of).collect();
    summary
        .keys()
        .filter(|name| !listed.contains(&name.as_str()))
        .cloned()
        .collect()
}

/// Fills the page, or with `check` only says whether it is up to date.
///
/// # Errors
/// When a file cannot be read or written, or the summary is not what it should be.
pub fn run(root: &Path, check: bool) -> Result<ExitCode> {
    let path = root.join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("read {PAGE}"))?;
    let summary = match std::fs::read_to_string(root.join(SUMMARY)) {
        Ok(text) => parse(&text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Summary::new(),
        Err(error) => return Err(error).with_context(|| format!("read {SUMMARY}")),
    };
    for name in unlisted(&page, &summary) {
        println!("figures: {name} is measured, but {PAGE} has no row for it");
    }
    let filled = fill(&page, &summary);
    if filled == page {
        println!("figures: {PAGE} is up to date ({} values)", summary.len());
        return Ok(ExitCode::SUCCESS);
    }
    if check {
        println!("figures: {PAGE} is stale: run `cargo xtask figures`");
        return Ok(ExitCode::FAILURE);
    }
    std::fs::write(&path, filled).with_context(|| format!("write {PAGE}"))?;
    println!("figures: {PAGE} rewritten ({} values)", summary.len());
    Ok(ExitCode::SUCCESS)
}

/// The metric that a table row names in its first cell: "| `area.name` | …".
fn metric_of(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("| `")?;
    let (name, rest) = rest.split_once('`')?;
    let is_name = name.contains('.')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.');
    (is_name && rest.trim_start().starts_with('|')).then_some(name)
}

/// The row with its last cell replaced.
fn with_value(line: &str, value: Option<f64>) -> String {
    let row = line.trim_end();
    let ending = &line[row.len()..];
    let Some(open) = row.strip_suffix('|').and_then(|body| body.rfind('|')) else {
        return line.to_owned();
    };
    let shown = value.map_or_else(|| "–".to_owned(), short);
    format!("{}| {shown} |{ending}", &row[..open])
}

/// Three significant digits below 1,000 and whole numbers above: more would be noise.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == value.trunc() || size >= 1_000.0 {
        return format!("{value:.0}");
    }
    let decimals = match size {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        s if s >= 1.0 => 2,
        s if s >= 0.1 => 3,
        _ => 4,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
