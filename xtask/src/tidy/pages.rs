//! Pages that repeat what stands elsewhere must repeat it rightly: the table of figures shows
//! what was measured, and dashboards and alerts name metrics that the server has.

use super::{Finding, Workspace};
use crate::figures;

/// Where the server's metrics are named.
const METRICS: &str = "server/src/metrics";

/// Ends that a histogram or a counter adds to its name when it is scraped.
const SCRAPED_ENDS: [&str; 4] = ["_bucket", "_count", "_sum", "_total"];

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    measured(workspace, &mut findings);
    metrics(workspace, &mut findings);
    findings
}

fn measured(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let Some(page) = workspace.text(figures::PAGE) else {
        return;
    };
    let summary = match workspace.text(figures::SUMMARY).map(figures::parse) {
        None => figures::Summary::new(),
        Some(Ok(summary)) => summary,
        Some(Err(error)) => {
            findings.push(Finding::new(figures::SUMMARY, 1, format!("{error:#}")));
            return;
        }
    };
    for name in figures::unlisted(page, &summary) {
        let reason = format!("{name} is measured, but the page has no row for it");
        findings.push(Finding::new(figures::PAGE, 1, reason));
    }
    let filled = figures::fill(page, &summary);
    let stale = filled.lines().zip(page.lines()).position(|(a, b)| a != b);
    if let Some(index) = stale {
        findings.push(Finding::new(
            figures::PAGE,
            index + 1,
            "not what was measured: run `cargo xtask figures`",
        ));
    }
}

/// Every `orrery_…` name in `deploy/` must stand, without what a scrape adds, in a string of
/// the server's metrics, with or without the prefix.
fn metrics(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let sources: Vec<&str> = workspace
        .texts()
        .filter(|(path, _)| path.starts_with(METRICS) && path.ends_with(".rs"))
        .map(|(_, text)| text)
        .collect();
    if sources.is_empty() {
        return;
    }
    let is_known = |name: &str| {
        let bare = name.strip_prefix("orrery_").unwrap_or(name);
        sources.iter().any(|text| {
            text.contains(&format!("\"{name}\"")) || text.contains(&format!("\"{bare}\""))
        })
    };
    for (path, text) in workspace.texts() {
        let is_watcher = path.ends_with(".yml") || path.ends_with(".json");
        if !path.starts_with("deploy/") || !is_watcher {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for name in names(line) {
                let base = SCRAPED_ENDS
                    .iter()
                    .find_map(|end| name.strip_suffix(end))
                    .unwrap_or(name);
                if !is_known(name) && !is_known(base) {
                    let reason = format!("{METRICS} has no metric {name}");
                    findings.push(Finding::new(path, index + 1, reason));
                }
            }
        }
    }
}

fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with("orrery_"))
}

#[cfg(test)]
mod tests;
