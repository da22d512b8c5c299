//! No source file outside the module tree: a file that no `mod` declares is not compiled, not
//! tested, and misleads whoever reads it.
//!
//! From each crate root the `mod` declarations are followed, with `#[path]`, through inline
//! modules, whatever their `cfg`; `include!("…")` counts too.

use std::collections::BTreeSet;

use syn::visit::Visit;

use super::{Finding, Workspace};

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    for package in &workspace.packages {
        for target in &package.targets {
            follow(workspace, &target.root, true, &mut reached);
        }
    }
    workspace
        .texts()
        .map(|(path, _)| path)
        .filter(|path| path.ends_with(".rs") && !reached.contains(*path))
        .filter(|path| belongs_to_a_crate(workspace, path))
        .map(|path| {
            let reason = "no `mod` leads to this file from a crate root: declare it or remove it";
            Finding::new(path, 1, reason)
        })
        .collect()
}

fn belongs_to_a_crate(workspace: &Workspace, path: &str) -> bool {
    workspace.packages.iter().any(|package| {
        path.strip_prefix(&package.folder)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

fn follow(workspace: &Workspace, path: &str, is_root: bool, reached: &mut BTreeSet<String>) {
    if !reached.insert(path.to_owned()) {
        return;
    }
    let Some(file) = workspace.syntax(path) else {
        return;
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let owns_folder = is_root || name == "mod.rs";
    let children = if owns_folder {
        folder.to_owned()
    } else {
        join(folder, name.trim_end_matches(".rs"))
    };
    let mut modules = Modules {
        files: folder.to_owned(),
        children,
        depth: 0,
        found: Vec::new(),
    };
    modules.visit_file(file);
    for candidate in modules.found {
        if workspace.text(&candidate).is_some() {
            follow(workspace, &candidate, false, reached);
        }
    }
}

struct Modules {
    /// The folder of the file itself.
    files: String,
    /// The folder of the modules that it declares.
    children: String,
    /// How many inline modules surround this place.
    depth: usize,
    /// Files that a declaration here may mean.
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Modules {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        if item.content.is_some() {
            let outer = join(&self.children, name);
            let outer = std::mem::replace(&mut self.children, outer);
            self.depth += 1;
            syn::visit::visit_item_mod(self, item);
            self.depth -= 1;
            self.children = outer;
            return;
        }
        let own_path = item.attrs.iter().filter_map(path_attribute).next_back();
        if let Some(path) = own_path {
            let from = if self.depth == 0 {
                &self.files
            } else {
                &self.children
            };
            self.found.push(normal(&join(from, &path)));
        } else {
            let stem = join(&self.children, name);
            self.found.push(format!("{stem}.rs"));
            self.found.push(format!("{stem}/mod.rs"));
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if item.path.is_ident("include")
            && let Ok(path) = item.parse_body::<syn::LitStr>()
        {
            self.found.push(normal(&join(&self.files, &path.value())));
        }
        syn::visit::visit_macro(self, item);
    }
}

fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    if !attribute.path().is_ident("path") {
        return None;
    }
    let syn::Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(path),
            ..
        }) => Some(path.value()),
        _ => None,
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The path without `.` and `..`.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
