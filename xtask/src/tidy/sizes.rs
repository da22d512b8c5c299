//! Lengths of files and functions.
//!
//! Over 1,000 lines a file, over 100 lines a function is refused. Between 500 / 70 and those
//! limits a file or a function asks for a second look: it must stand in the ratchet
//! (`xtask/tidy-ratchet.toml`) with its length, which may only shrink. Tests are held to the
//! hard limits alone. A function is counted from its signature to its closing brace, without
//! its documentation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Deserialize;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::{Finding, RATCHET, Workspace};

/// A file over this many lines is refused.
pub const FILE_HARD: usize = 1_000;
/// A file over this many lines must stand in the ratchet.
pub const FILE_SOFT: usize = 500;
/// A function over this many lines is refused.
pub const FUNCTION_HARD: usize = 100;
/// A function over this many lines must stand in the ratchet.
pub const FUNCTION_SOFT: usize = 70;

/// Lengths that are tolerated between the soft and the hard limits.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratchet {
    /// Path to lines.
    #[serde(default)]
    files: BTreeMap<String, usize>,
    /// `path::Type::function` to lines.
    #[serde(default)]
    functions: BTreeMap<String, usize>,
}

impl Ratchet {
    /// Reads the ratchet's file.
    ///
    /// # Errors
    /// When it is not the TOML that [`Ratchet::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("parse the ratchet")
    }

    /// The ratchet that fits this checkout exactly.
    #[must_use]
    pub fn fitting(workspace: &Workspace) -> Self {
        let mut ratchet = Self::default();
        for item in measure(workspace) {
            if item.soft < item.lines && item.lines <= item.hard {
                ratchet.side(item.kind).insert(item.key, item.lines);
            }
        }
        ratchet
    }

    /// Takes over what became shorter or vanished; keeps what did not, and adds nothing.
    pub fn lower(&mut self, now: &Self) {
        for kind in [Kind::File, Kind::Function] {
            let fitting = now.kept(kind);
            let side = self.side(kind);
            side.retain(|key, _| fitting.contains_key(key));
            for (key, lines) in side.iter_mut() {
                *lines = (*lines).min(fitting[key]);
            }
        }
    }

    /// How many entries it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len() + self.functions.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ratchet's file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "# Files over {FILE_SOFT} lines and functions over {FUNCTION_SOFT}: each may only \
             shrink.\n# After shortening one: cargo xtask tidy --update\n"
        );
        for (title, side) in [("files", &self.files), ("functions", &self.functions)] {
            text.push_str(&format!("\n[{title}]\n"));
            for (key, lines) in side {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{key:?} = {lines}");
            }
        }
        text
    }

    fn side(&mut self, kind: Kind) -> &mut BTreeMap<String, usize> {
        match kind {
            Kind::File => &mut self.files,
            Kind::Function => &mut self.functions,
        }
    }

    fn kept(&self, kind: Kind) -> &BTreeMap<String, usize> {
        match kind {
            Kind::File => &self.files,
            Kind::Function => &self.functions,
        }
    }
}

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace, ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Ratchet::default();
    for item in measure(workspace) {
        let allowed = ratchet.kept(item.kind).get(&item.key).copied();
        if let Some(reason) = judge(&item, allowed) {
            findings.push(Finding::new(&item.path, item.line, reason));
        }
        seen.side(item.kind).insert(item.key, item.lines);
    }
    for kind in [Kind::File, Kind::Function] {
        for key in ratchet.kept(kind).keys() {
            if !seen.kept(kind).contains_key(key) {
                findings.push(Finding::new(
                    RATCHET,
                    1,
                    format!("{key} is gone: run `cargo xtask tidy --update`"),
                ));
            }
        }
    }
    findings
}

fn judge(item: &Item, allowed: Option<usize>) -> Option<String> {
    let (name, lines, soft, hard) = (&item.name, item.lines, item.soft, item.hard);
    if lines > hard {
        return Some(format!(
            "{name} has {lines} lines, more than {hard}: split it"
        ));
    }
    match allowed {
        None if lines > soft => Some(format!(
            "{name} has {lines} lines, more than {soft}, and {RATCHET} does not know it: shorten it"
        )),
        Some(allowed) if lines > allowed => Some(format!(
            "{name} grew from {allowed} to {lines} lines, and the ratchet only shrinks: shorten it"
        )),
        Some(allowed) if lines < allowed => Some(format!(
            "{name} shrank from {allowed} to {lines} lines: run `cargo xtask tidy --update`"
        )),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Function,
}

struct Item {
    kind: Kind,
    key: String,
    name: String,
    path: String,
    line: usize,
    lines: usize,
    soft: usize,
    hard: usize,
}

fn measure(workspace: &Workspace) -> Vec<Item> {
    let mut items = Vec::new();
    for (path, text) in workspace.texts() {
        if !path.ends_with(".rs") {
            continue;
        }
        let test = is_test(path);
        items.push(Item {
            kind: Kind::File,
            key: path.to_owned(),
            name: "the file".to_owned(),
            path: path.to_owned(),
            line: 1,
            lines: text.lines().count(),
            soft: if test { FILE_HARD } else { FILE_SOFT },
            hard: FILE_HARD,
        });
        let Some(file) = workspace.syntax(path) else {
            continue;
        };
        // Two implementations may share a name: the longer one counts.
        let mut longest: BTreeMap<String, Item> = BTreeMap::new();
        for function in functions(file) {
            let key = format!("{path}::{}", function.name);
            let item = Item {
                kind: Kind::Function,
                key: key.clone(),
                name: format!("`{}`", function.name),
                path: path.to_owned(),
                line: function.line,
                lines: function.lines,
                soft: if test { FUNCTION_HARD } else { FUNCTION_SOFT },
                hard: FUNCTION_HARD,
            };
            match longest.get(&key) {
                Some(other) if other.lines >= item.lines => {}
                _ => {
                    longest.insert(key, item);
                }
            }
        }
        items.extend(longest.into_values());
    }
    items
}

/// Whether a path is a test's: `tests.rs`, or anything in a `tests` folder.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn functions(file: &syn::File) -> Vec<Function> {
    let mut visitor = Functions::default();
    visitor.visit_file(file);
    visitor.found
}

#[derive(Default)]
struct Functions {
    scope: Vec<String>,
    found: Vec<Function>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.brace_token.span.close().end().line;
        let mut name = self.scope.join("::");
        if !name.is_empty() {
            name.push_str("::");
        }
        name.push_str(&signature.ident.to_string());
        self.found.push(Function {
            name,
            line: first,
            lines: last + 1 - first,
        });
    }

    fn inside(&mut self, scope: String, visit: impl FnOnce(&mut Self)) {
        self.scope.push(scope);
        visit(self);
        self.scope.pop();
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        let name = item.sig.ident.to_string();
        self.inside(name, |this| syn::visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = type_name(&item.self_ty);
        self.inside(name, |this| syn::visit::visit_item_impl(this, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let name = item.ident.to_string();
        self.inside(name, |this| syn::visit::visit_item_trait(this, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.inside(name, |this| syn::visit::visit_item_mod(this, item));
    }
}

fn type_name(kind: &syn::Type) -> String {
    match kind {
        syn::Type::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(String::new, |segment| segment.ident.to_string()),
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => "impl".to_owned(),
    }
}

#[cfg(test)]
mod tests;
