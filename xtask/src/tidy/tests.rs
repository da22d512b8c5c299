//! The rules together, and what the tests of the single rules share.

use super::sizes::Ratchet;
use super::workspace::{Dependency, Package, Purpose, Role, Target};
use super::{Finding, Workspace, check};

/// A crate in `folder` with a library and the given dependencies.
pub(super) fn package(folder: &str, dependencies: &[&str]) -> Package {
    Package {
        name: format!("orrery-{folder}"),
        folder: folder.to_owned(),
        licence: Some("Apache-2.0 OR MIT".to_owned()),
        dependencies: dependencies
            .iter()
            .map(|name| Dependency {
                name: (*name).to_owned(),
                purpose: Purpose::Normal,
            })
            .collect(),
        targets: vec![Target {
            role: Role::Library,
            root: format!("{folder}/src/lib.rs"),
        }],
    }
}

/// Where the findings are and what they say, for comparing.
pub(super) fn shown(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|f| format!("{}:{}: {}", f.path, f.line, f.reason))
        .collect()
}

const MANIFEST: &str = "[package]\nname = \"orrery-base\"\n\n[lints]\nworkspace = true\n";

#[test]
fn a_clean_tree_is_clean() {
    let licence = "x".repeat(600);
    let workspace = Workspace::of(
        &[
            ("LICENSE-APACHE", &licence),
            ("LICENSE-MIT", &licence),
            ("README.md", "# Title\n\n[map](docs/map.md#the-map)\n"),
            ("docs/map.md", "# The map\n"),
            ("base/Cargo.toml", MANIFEST),
            ("base/clippy.toml", ""),
            ("base/src/lib.rs", "#![forbid(unsafe_code)]\nmod a;\n"),
            ("base/src/a.rs", "fn f() {}\n"),
        ],
        vec![package("base", &["libm"])],
    );
    assert_eq!(shown(&check(&workspace, &Ratchet::default())), [""; 0]);
}

#[test]
fn findings_come_in_the_order_of_files_and_lines() {
    let workspace = Workspace::of(
        &[
            ("z.md", "[a](gone.md)\n[b](gone.md)\n"),
            ("a.md", "[a](gone.md)\n"),
        ],
        Vec::new(),
    );
    let findings = check(&workspace, &Ratchet::default());
    let places: Vec<(&str, usize)> = findings.iter().map(|f| (f.path.as_str(), f.line)).collect();
    assert_eq!(
        places,
        [
            ("LICENSE-APACHE", 1),
            ("LICENSE-MIT", 1),
            ("a.md", 1),
            ("z.md", 1),
            ("z.md", 2)
        ]
    );
}

#[test]
fn a_file_that_does_not_parse_is_a_finding() {
    let workspace = Workspace::of(&[("base/src/lib.rs", "fn f( {\n")], Vec::new());
    let findings = workspace.unparsed();
    assert_eq!(findings.len(), 1);
    assert!(findings[0].reason.starts_with("this is not Rust"));
}

#[test]
fn the_checkout_itself_loads() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace above xtask/");
    let workspace = Workspace::load(root).unwrap();
    assert!(workspace.packages.iter().any(|p| p.folder == "xtask"));
    assert!(workspace.syntax("xtask/src/tidy/mod.rs").is_some());
    assert!(workspace.has("xtask/src") && !workspace.has("target"));
}
