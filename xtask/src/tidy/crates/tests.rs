use super::check;
use crate::tidy::Workspace;
use crate::tidy::tests::{package, shown};

const MANIFEST: &str = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n";

/// The findings for one crate, without those about the licence texts.
fn found(folder: &str, files: &[(&str, &str)]) -> Vec<String> {
    let workspace = Workspace::of(files, vec![package(folder, &[])]);
    shown(&check(&workspace))
        .into_iter()
        .filter(|line| !line.starts_with("LICENSE-"))
        .collect()
}

#[test]
fn the_licence_texts_and_the_field_are_required() {
    let mut wrong = package("net", &[]);
    wrong.licence = Some("MIT".to_owned());
    let workspace = Workspace::of(
        &[
            ("LICENSE-APACHE", "short"),
            ("net/Cargo.toml", MANIFEST),
            ("net/src/lib.rs", "#![forbid(unsafe_code)]"),
        ],
        vec![wrong],
    );
    let lines = shown(&check(&workspace));
    assert!(lines[0].starts_with("LICENSE-APACHE:1:"), "{lines:?}");
    assert!(lines[1].starts_with("LICENSE-MIT:1:"), "{lines:?}");
    assert!(
        lines[2].starts_with("net/Cargo.toml:1: the licence must be"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn the_lints_must_reach_each_crate() {
    for manifest in [
        "[package]\n",
        "[lints]\n[dependencies]\n",
        "[lints.rust]\nx = \"deny\"\n",
    ] {
        let files = [
            ("net/Cargo.toml", manifest),
            ("net/src/lib.rs", "#![forbid(unsafe_code)]"),
        ];
        let lines = found("net", &files);
        assert_eq!(lines.len(), 1, "{manifest}");
        assert!(lines[0].contains("add `[lints]`"));
    }
}

#[test]
fn a_crate_root_says_what_it_thinks_of_unsafe() {
    let with = |root: &str, other: &str| {
        let files = [
            ("net/Cargo.toml", MANIFEST),
            ("net/src/lib.rs", root),
            ("net/src/socket.rs", other),
        ];
        found("net", &files)
    };
    assert_eq!(with("#![forbid(unsafe_code)]", ""), [""; 0]);
    assert_eq!(with("#![forbid(unsafe_code, unused)]", ""), [""; 0]);
    for deny in ["#![deny(unsafe_op_in_unsafe_fn)]", "#![deny(unsafe_code)]"] {
        assert_eq!(with(deny, "fn f() { unsafe { g() } }"), [""; 0]);
        assert!(with(deny, "fn f() {}")[0].contains("has no `unsafe`"));
    }
    assert!(with("#![warn(unsafe_code)]", "")[0].contains("a crate root opens with"));
}

#[test]
fn deterministic_crates_carry_equal_copies_of_clippy_toml() {
    let with = |copies: [Option<&str>; 2]| {
        let mut files = vec![
            ("base/Cargo.toml", MANIFEST),
            ("base/src/lib.rs", "#![forbid(unsafe_code)]"),
            ("game/Cargo.toml", MANIFEST),
            ("game/src/lib.rs", "#![forbid(unsafe_code)]"),
        ];
        for (path, copy) in ["base/clippy.toml", "game/clippy.toml"]
            .into_iter()
            .zip(copies)
        {
            files.extend(copy.map(|text| (path, text)));
        }
        let workspace = Workspace::of(&files, vec![package("base", &[]), package("game", &[])]);
        shown(&check(&workspace))
            .into_iter()
            .skip(2)
            .collect::<Vec<_>>()
    };
    assert_eq!(with([Some("a\nb\n"), Some("a\nb\n")]), [""; 0]);
    assert!(with([Some("a\nb\n"), Some("a\nc\n")])[0].starts_with("game/clippy.toml:2: differs"));
    assert!(with([Some("a\nb\n"), Some("a\n")])[0].starts_with("game/clippy.toml:2: differs"));
    assert!(with([Some("a"), None])[0].contains("copy base/clippy.toml"));
    assert!(with([None, Some("a")])[0].starts_with("base/clippy.toml:1:"));
}
