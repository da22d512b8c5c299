//! House rules as a test: what the compiler, clippy and rustfmt do not know about this
//! project.
//!
//! Each rule is a pure function from the [`Workspace`] (an in-memory picture of the checkout)
//! to findings, so each is tested against a small tree written in its test. Nothing but
//! [`run`] touches the disk.
//!
//! | rule | module |
//! | --- | --- |
//! | who may depend on whom; peers and engines behind their fences | [`dependencies`] |
//! | lengths of files and functions, with a ratchet | [`sizes`] |
//! | words that name nothing or promise work | [`words`] |
//! | no source file outside the module tree | [`reach`] |
//! | licences, lints, `unsafe`, the deterministic crates' `clippy.toml` | [`crates`] |
//! | links between pages, and from code and pages to files, lead somewhere | [`links`] |
//! | the table of figures shows what was measured; dashboards name real metrics | [`pages`] |

pub mod crates;
pub mod dependencies;
pub mod links;
pub mod pages;
pub mod reach;
pub mod sizes;
pub mod words;
pub mod workspace;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use sizes::Ratchet;
pub use workspace::Workspace;

/// Where the ratchet is kept, from the root of the checkout.
pub const RATCHET: &str = "xtask/tidy-ratchet.toml";

/// One breach of a house rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the root of the checkout.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// Why this is a breach and what to do, in one sentence.
    pub reason: String,
}

impl Finding {
    /// A finding at `path`, line `line` (from 1).
    #[must_use]
    pub fn new(path: impl Into<String>, line: usize, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            reason: reason.into(),
        }
    }
}

/// Every finding of every rule, in the order of files and lines.
#[must_use]
pub fn check(workspace: &Workspace, ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = workspace.unparsed();
    findings.extend(dependencies::check(workspace));
    findings.extend(sizes::check(workspace, ratchet));
    findings.extend(words::check(workspace));
    findings.extend(reach::check(workspace));
    findings.extend(crates::check(workspace));
    findings.extend(links::check(workspace));
    findings.extend(pages::check(workspace));
    findings.sort();
    findings.dedup();
    findings
}

/// Reads the checkout at `root`, prints what is wrong, and fails if anything is.
///
/// With `update` the ratchet is first lowered to what the code needs now. It is never raised:
/// only where no ratchet file exists is one written from scratch, and a check without it
/// tolerates nothing.
///
/// # Errors
/// When the checkout or its manifests cannot be read.
pub fn run(root: &Path, update: bool) -> Result<ExitCode> {
    let workspace = Workspace::load(root)?;
    let path = root.join(RATCHET);
    let mut ratchet = match std::fs::read_to_string(&path) {
        Ok(text) => Ratchet::parse(&text).with_context(|| format!("read {RATCHET}"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if update {
                Ratchet::fitting(&workspace)
            } else {
                Ratchet::default()
            }
        }
        Err(error) => return Err(error).with_context(|| format!("read {RATCHET}")),
    };
    if update {
        ratchet.lower(&Ratchet::fitting(&workspace));
        std::fs::write(&path, ratchet.to_text()).with_context(|| format!("write {RATCHET}"))?;
        println!("tidy: {RATCHET} holds {} entries", ratchet.len());
    }
    let findings = check(&workspace, &ratchet);
    for finding in &findings {
        println!("{}:{}: {}", finding.path, finding.line, finding.reason);
    }
    let files = workspace.file_count();
    if findings.is_empty() {
        println!(
            "tidy: clean ({files} files, {} crates)",
            workspace.packages.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings in {files} files", findings.len());
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests;
