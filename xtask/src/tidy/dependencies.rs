//! Arrows point down only: who may depend on whom, read from `cargo metadata`.
//!
//! The table is that of docs/architecture.md#who-may-depend-on-whom. Tests obey it too: a
//! dev-dependency that points up would let a lower crate be designed around a higher one.
//!
//! The second table fences libraries that only one place may know: the peers that the benches
//! measure us against, and the engines (RocksDB, glommio, tokio) that stay exchangeable
//! because nothing else names them.

use super::workspace::Package;
use super::{Finding, Workspace};

/// What a crate of the workspace may use from the workspace.
enum Below {
    /// These folders.
    Only(&'static [&'static str]),
    /// Any folder but these.
    AllBut(&'static [&'static str]),
}

const DIRECTIONS: [(&str, Below); 13] = [
    ("base", Below::Only(&[])),
    ("spatial", Below::Only(&["base"])),
    ("kernel", Below::Only(&["base", "spatial"])),
    ("game", Below::Only(&["base", "spatial"])),
    ("proto", Below::Only(&["base"])),
    ("net", Below::Only(&["base", "proto"])),
    ("storage", Below::Only(&["base"])),
    (
        "services",
        Below::Only(&["base", "game", "proto", "storage"]),
    ),
    ("client", Below::Only(&["base", "proto", "game"])),
    ("server", Below::AllBut(&["sim", "benches", "xtask"])),
    ("sim", Below::AllBut(&["benches", "xtask"])),
    ("benches", Below::AllBut(&["xtask"])),
    ("xtask", Below::Only(&[])),
];

/// Library, the folders that may depend on it, and why the others may not.
const FENCES: [(&str, &[&str], &str); 11] = [
    ("bevy_ecs", &["benches"], PEER),
    ("hecs", &["benches"], PEER),
    ("kiddo", &["benches"], PEER),
    ("rstar", &["benches"], PEER),
    ("rtrb", &["benches"], PEER),
    ("glommio", &["kernel", "net"], RUNTIME),
    (
        "rocksdb",
        &["storage", "benches"],
        "only storage/ knows RocksDB; benches/ measure against it",
    ),
    ("tokio", &["server", "client", "benches"], TOKIO),
    (
        "axum",
        &["server"],
        "HTTP is served by server/ alone, off the shards",
    ),
    ("rand", &[], RANDOM),
    ("rand_core", &[], RANDOM),
];

const PEER: &str = "a peer that the benches measure us against; nothing else may use it";
const RUNTIME: &str = "glommio stays inside kernel::runtime and net/, so that it can be replaced";
const TOKIO: &str = "tokio runs the control thread and test clients, never a shard";
const RANDOM: &str = "randomness is counter-based and keyed: use orrery_base::rng";

/// Where a library that is fenced inside a crate may be named: library, folder, and the path
/// that its sources must start with.
const SOURCES: [(&str, &str, &str); 1] = [("glommio", "kernel", "kernel/src/runtime")];

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        directions(workspace, package, &mut findings);
        fences(workspace, package, &mut findings);
    }
    for (library, folder, allowed) in SOURCES {
        sources(workspace, library, folder, allowed, &mut findings);
    }
    findings
}

fn directions(workspace: &Workspace, package: &Package, findings: &mut Vec<Finding>) {
    let rule = DIRECTIONS
        .iter()
        .find(|(folder, _)| *folder == package.folder);
    let Some((_, below)) = rule else {
        findings.push(Finding::new(
            package.manifest(),
            1,
            "a crate that the table of directions does not know: give it a row in \
             xtask/src/tidy/dependencies.rs and docs/architecture.md",
        ));
        return;
    };
    for dependency in &package.dependencies {
        let used = workspace
            .packages
            .iter()
            .find(|other| other.name == dependency.name && other.name != package.name);
        let Some(used) = used else { continue };
        let (allowed, may) = match below {
            Below::Only(folders) => (folders.contains(&used.folder.as_str()), list(folders)),
            Below::AllBut(folders) => (
                !folders.contains(&used.folder.as_str()),
                format!("anything but {}", list(folders)),
            ),
        };
        if !allowed {
            findings.push(Finding::new(
                package.manifest(),
                line_of(workspace, package, &dependency.name),
                format!(
                    "{}/ may not depend on {}/ (it may use: {may})",
                    package.folder, used.folder
                ),
            ));
        }
    }
}

fn fences(workspace: &Workspace, package: &Package, findings: &mut Vec<Finding>) {
    for dependency in &package.dependencies {
        let fence = FENCES.iter().find(|(name, ..)| *name == dependency.name);
        let Some((name, folders, why)) = fence else {
            continue;
        };
        if !folders.contains(&package.folder.as_str()) {
            findings.push(Finding::new(
                package.manifest(),
                line_of(workspace, package, name),
                format!("{}/ may not depend on {name}: {why}", package.folder),
            ));
        }
    }
}

fn sources(
    workspace: &Workspace,
    library: &str,
    folder: &str,
    allowed: &str,
    findings: &mut Vec<Finding>,
) {
    let (inside, path_use) = (format!("{folder}/src/"), format!("{library}::"));
    for (path, text) in workspace.texts() {
        if !path.ends_with(".rs") || !path.starts_with(&inside) || path.starts_with(allowed) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && line.contains(&path_use) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("{library} may be named only under {allowed}"),
                ));
            }
        }
    }
}

fn list(folders: &[&str]) -> String {
    if folders.is_empty() {
        "nothing of the workspace".to_owned()
    } else {
        folders.join(", ")
    }
}

/// The line of the manifest that names the dependency, or the first.
fn line_of(workspace: &Workspace, package: &Package, name: &str) -> usize {
    let names = |line: &str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    workspace
        .text(&package.manifest())
        .and_then(|text| text.lines().position(names))
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests;
