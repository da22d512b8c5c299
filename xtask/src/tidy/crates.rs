//! What every crate carries: the licence, the workspace's lints, a statement on `unsafe`; and
//! in the deterministic crates the one `clippy.toml` that refuses clocks, hash order and
//! platform mathematics.

use super::workspace::{Package, Role};
use super::{Finding, Workspace};

/// The licence expression of every crate.
const LICENCE: &str = "Apache-2.0 OR MIT";

/// The texts that the expression stands for.
const LICENCE_FILES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Crates whose results may depend on nothing but their arguments.
const DETERMINISTIC: [&str; 6] = ["base", "spatial", "kernel", "game", "proto", "services"];

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in LICENCE_FILES {
        if workspace.text(file).is_none_or(|text| text.len() < 500) {
            findings.push(Finding::new(
                file,
                1,
                "the full text of the licence is missing",
            ));
        }
    }
    for package in &workspace.packages {
        manifest(workspace, package, &mut findings);
        for target in &package.targets {
            if target.role != Role::Other {
                unsafety(workspace, package, &target.root, &mut findings);
            }
        }
    }
    clippy_copies(workspace, &mut findings);
    findings
}

fn manifest(workspace: &Workspace, package: &Package, findings: &mut Vec<Finding>) {
    let path = package.manifest();
    if package.licence.as_deref() != Some(LICENCE) {
        let reason = format!("the licence must be {LICENCE:?}: write `license.workspace = true`");
        findings.push(Finding::new(&path, 1, reason));
    }
    let text = workspace.text(&path).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    let inherits = lines.any(|line| line == "[lints]")
        && lines.next().map(|line| line.replace(' ', "")) == Some("workspace=true".to_owned());
    if !inherits {
        findings.push(Finding::new(
            &path,
            1,
            "the workspace's lints do not reach this crate: add `[lints]` with `workspace = true`",
        ));
    }
}

/// `#![forbid(unsafe_code)]`; or for a crate that has `unsafe` in it `#![deny(unsafe_code)]` with
/// exceptions that name their reason, or at least the lint that makes each operation stand in a
/// block of its own.
fn unsafety(workspace: &Workspace, package: &Package, root: &str, findings: &mut Vec<Finding>) {
    let Some(file) = workspace.syntax(root) else {
        return;
    };
    if has_inner(file, "forbid", "unsafe_code") {
        return;
    }
    if !has_inner(file, "deny", "unsafe_code") && !has_inner(file, "deny", "unsafe_op_in_unsafe_fn")
    {
        findings.push(Finding::new(
            root,
            1,
            "a crate root opens with `#![forbid(unsafe_code)]`, or where it needs `unsafe` with \
             `#![deny(unsafe_code)]` or `#![deny(unsafe_op_in_unsafe_fn)]`",
        ));
        return;
    }
    let inside = format!("{}/", package.folder);
    let uses_unsafe = workspace
        .texts()
        .filter(|(path, _)| path.starts_with(&inside) && path.ends_with(".rs"))
        .any(|(_, text)| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                .iter()
                .any(|form| text.contains(form))
        });
    if !uses_unsafe {
        findings.push(Finding::new(
            root,
            1,
            "this crate has no `unsafe`: say `#![forbid(unsafe_code)]`",
        ));
    }
}

fn has_inner(file: &syn::File, level: &str, lint: &str) -> bool {
    file.attrs.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        list.path.is_ident(level)
            && list
                .tokens
                .clone()
                .into_iter()
                .any(|token| token.to_string() == lint)
    })
}

fn clippy_copies(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let present: Vec<&str> = DETERMINISTIC
        .into_iter()
        .filter(|folder| workspace.packages.iter().any(|p| p.folder == *folder))
        .collect();
    let Some((first, rest)) = present.split_first() else {
        return;
    };
    let model_path = format!("{first}/clippy.toml");
    let Some(model) = workspace.text(&model_path) else {
        findings.push(Finding::new(
            &model_path,
            1,
            "a deterministic crate needs its clippy.toml",
        ));
        return;
    };
    for folder in rest {
        let path = format!("{folder}/clippy.toml");
        match workspace.text(&path) {
            None => findings.push(Finding::new(
                &path,
                1,
                format!("a deterministic crate needs its clippy.toml: copy {model_path}"),
            )),
            Some(text) if text != model => {
                let differs = text
                    .lines()
                    .zip(model.lines())
                    .position(|(a, b)| a != b)
                    .unwrap_or_else(|| text.lines().count().min(model.lines().count()));
                let reason = format!("differs from {model_path}: the copies must stay equal");
                findings.push(Finding::new(&path, differs + 1, reason));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
