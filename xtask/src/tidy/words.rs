//! Words that name nothing ("a manager of what?") or promise work that is not there.
//!
//! Two checks: names of modules and types from the syntax tree, and plain text in sources,
//! manifests, pages and scripts. The words below are written in two halves so that this file
//! passes its own rule.

use syn::visit::Visit;

use super::{Finding, Workspace};

/// First half, second half, what to do instead. Matched as whole words, in any case, also in
/// the plural.
const WORDS: [(&str, &str, &str); 5] = [
    ("st", "ub", "write it for real, or leave it out"),
    ("place", "holder", "write it for real, or leave it out"),
    ("for", " now", "say what holds and why, not until when"),
    (
        "simpli",
        "fied version",
        "write it for real, or say what it leaves out",
    ),
    (
        "simpli",
        "fied implementation",
        "write it for real, or say what it leaves out",
    ),
];

/// Matched as they stand.
const FRAGMENTS: [(&str, &str, &str); 3] = [
    ("to", "do!", "finish it before it lands"),
    ("unimple", "mented!", "finish it before it lands"),
    (
        "#[ig",
        "nore",
        "a test that does not run proves nothing: repair or remove it",
    ),
];

/// Module names that say nothing.
const MODULES: [&str; 8] = [
    "common", "helper", "helpers", "manager", "misc", "shared", "util", "utils",
];

/// Parts of a type's name that say nothing.
const TYPE_PARTS: [&str; 3] = ["Manager", "Utils", "Misc"];

/// Paths that only exist on one machine: first half, second half.
const FOREIGN: [(&str, &str); 2] = [("/wo", "rk/"), ("../sha", "red")];

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in workspace.texts() {
        if is_ours(path) {
            text_words(path, text, &mut findings);
        }
        if path != "Cargo.lock" {
            foreign_paths(path, text, &mut findings);
        }
    }
    for (path, file) in workspace.rust() {
        let mut names = Names {
            path,
            findings: Vec::new(),
        };
        names.visit_file(file);
        findings.extend(names.findings);
    }
    findings
}

fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [".rs", ".toml", ".md", ".sh"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || name == "Makefile"
        || path == ".ci/run"
}

fn text_words(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (head, tail, instead) in WORDS {
            let word = format!("{head}{tail}");
            if has_word(&lower, &word) {
                let reason = format!("\"{word}\": {instead}");
                findings.push(Finding::new(path, index + 1, reason));
            }
        }
        for (head, tail, instead) in FRAGMENTS {
            let fragment = format!("{head}{tail}");
            if line.contains(&fragment) {
                let reason = format!("\"{fragment}\": {instead}");
                findings.push(Finding::new(path, index + 1, reason));
            }
        }
    }
}

fn foreign_paths(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        for (head, tail) in FOREIGN {
            let foreign = format!("{head}{tail}");
            let found = line.match_indices(&foreign).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let after = line[at + foreign.len()..].chars().next();
                let starts = !foreign.starts_with('/')
                    || before.is_none_or(|c| !(is_word(c) || "./$}~".contains(c)));
                let ends = foreign.ends_with('/') || after.is_none_or(|c| !is_word(c));
                starts && ends
            });
            if found {
                let reason =
                    format!("\"{foreign}\" leads out of the project: nobody else has that path");
                findings.push(Finding::new(path, index + 1, reason));
            }
        }
    }
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        let after = after.strip_prefix('s').unwrap_or(after).chars().next();
        before.is_none_or(|c| !c.is_alphanumeric()) && after.is_none_or(|c| !c.is_alphanumeric())
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

struct Names<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Names<'_> {
    fn type_name(&mut self, ident: &syn::Ident) {
        let name = ident.to_string();
        if TYPE_PARTS.iter().any(|part| name.contains(part)) || name == "Common" {
            self.add(
                ident,
                &format!("the type name `{name}` says nothing: name what it does"),
            );
        }
    }

    fn add(&mut self, ident: &syn::Ident, reason: &str) {
        let line = ident.span().start().line;
        self.findings.push(Finding::new(self.path, line, reason));
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if MODULES.contains(&name.as_str()) {
            let reason = format!("the module name `{name}` says nothing: name what it holds");
            self.add(&item.ident, &reason);
        }
        syn::visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.type_name(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.type_name(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.type_name(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.type_name(&item.ident);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.type_name(&item.ident);
    }
}

#[cfg(test)]
mod tests;
