//! Pages that repeat what stands elsewhere must repeat it rightly: the table of figures shows
//! what was measured, and dashboards and alerts name metrics that the server has.

use std::collections::BTreeSet;

use syn::visit::Visit;

use super::{Finding, Workspace};
use crate::figures;

/// Where the server's metrics are named.
const METRICS: &str = "server/src/metrics";

/// What a histogram is scraped as, beside its own name.
const HISTOGRAM_ENDS: [&str; 3] = ["_bucket", "_count", "_sum"];

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

/// Every `orrery_…` name in `deploy/` must be one that a scrape gives.
fn metrics(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let mut table = Table::default();
    for (path, file) in workspace.rust() {
        if path.starts_with(METRICS) {
            table.visit_file(file);
        }
    }
    if !workspace.has(METRICS) {
        return;
    }
    if table.names.is_empty() {
        let reason = "no `Metric { name, unit, kind, … }` found: has the table another form now?";
        findings.push(Finding::new(METRICS, 1, reason));
        return;
    }
    for (path, text) in workspace.texts() {
        let is_watcher = path.ends_with(".yml") || path.ends_with(".json");
        if !path.starts_with("deploy/") || !is_watcher {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            for name in names(line) {
                if !table.names.contains(name) {
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

/// The full names of the table of metrics, read from its syntax.
#[derive(Default)]
struct Table {
    names: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Table {
    fn visit_expr_struct(&mut self, item: &'ast syn::ExprStruct) {
        if item.path.is_ident("Metric") {
            let (mut name, mut unit, mut kind) = (String::new(), String::new(), String::new());
            for field in &item.fields {
                let syn::Member::Named(member) = &field.member else {
                    continue;
                };
                match member.to_string().as_str() {
                    "name" => name = literal(&field.expr),
                    "unit" => unit = last_ident(&field.expr),
                    "kind" => kind = last_ident(&field.expr),
                    _ => {}
                }
            }
            self.add(&name, &unit, &kind);
        }
        syn::visit::visit_expr_struct(self, item);
    }
}

impl Table {
    fn add(&mut self, name: &str, unit: &str, kind: &str) {
        let unit = match unit {
            "None" => String::new(),
            unit => format!("_{}", unit.to_lowercase()),
        };
        let total = if kind == "Counter" { "_total" } else { "" };
        let full = format!("orrery_{name}{unit}{total}");
        if kind == "Histogram" {
            let ends = HISTOGRAM_ENDS.iter().map(|end| format!("{full}{end}"));
            self.names.extend(ends);
        }
        self.names.insert(full);
    }
}

fn literal(expression: &syn::Expr) -> String {
    match expression {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => text.value(),
        _ => String::new(),
    }
}

fn last_ident(expression: &syn::Expr) -> String {
    match expression {
        syn::Expr::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(String::new, |segment| segment.ident.to_string()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
