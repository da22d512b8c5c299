use super::{FOREIGN, FRAGMENTS, WORDS, check, has_word};
use crate::tidy::Workspace;
use crate::tidy::tests::shown;

#[test]
fn every_word_is_found_in_sources_manifests_pages_and_scripts() {
    let lines = WORDS
        .iter()
        .chain(&FRAGMENTS)
        .map(|(head, tail, _)| format!("a {head}{tail}\n"));
    for line in lines {
        for path in [
            "base/src/a.rs",
            "base/Cargo.toml",
            "docs/a.md",
            "scripts/a.sh",
            "Makefile",
        ] {
            let text = if path.ends_with(".rs") {
                format!("// {line}")
            } else {
                line.clone()
            };
            let workspace = Workspace::of(&[(path, &text)], Vec::new());
            assert_eq!(check(&workspace).len(), 1, "{path}: {text}");
        }
        let elsewhere = Workspace::of(&[("perf/results/a.json", &line)], Vec::new());
        assert_eq!(check(&elsewhere), []);
    }
}

#[test]
fn whole_words_in_any_case_and_number() {
    let word = "pylon";
    for line in ["pylon", "the pylons.", "a_pylon", "(pylon)", "pylon-like"] {
        assert!(has_word(line, word), "{line}");
    }
    for line in ["pylonic", "superpylon", "pylonss", "pyl on"] {
        assert!(!has_word(line, word), "{line}");
    }
    let (head, tail, _) = WORDS[1];
    let text = format!("// {}{tail}\n", head.to_uppercase());
    let workspace = Workspace::of(&[("base/src/a.rs", &text)], Vec::new());
    assert_eq!(check(&workspace).len(), 1);
}

#[test]
fn names_that_say_nothing() {
    let text = "mod utils;\nmod a { mod misc {} }\nstruct SessionManager;\nenum StringUtils {}\n\
                trait Manager {}\nstruct Common;\nstruct Commonwealth;\nfn utils() {}\n";
    let workspace = Workspace::of(&[("base/src/a.rs", text)], Vec::new());
    let lines: Vec<usize> = check(&workspace).iter().map(|f| f.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn paths_that_only_one_machine_has() {
    let [work, up] = FOREIGN.map(|(head, tail)| format!("{head}{tail}"));
    let found = |line: &str| {
        let workspace = Workspace::of(&[("deploy/a.service", line)], Vec::new());
        shown(&check(&workspace)).len()
    };
    for line in [
        format!("see {work}main"),
        format!("\"{work}\""),
        format!("{up}/DESIGN.md"),
    ] {
        assert_eq!(found(&line), 1, "{line}");
    }
    for line in [
        format!("/home/me{work}x"),
        format!(".{work}x"),
        format!("{up}_state.rs"),
    ] {
        assert_eq!(found(&line), 0, "{line}");
    }
}
