use super::{FILE_HARD, FILE_SOFT, FUNCTION_HARD, FUNCTION_SOFT, Ratchet, check};
use crate::tidy::Workspace;
use crate::tidy::tests::shown;

/// A function of `lines` lines, with documentation that does not count.
fn function(lines: usize) -> String {
    format!(
        "/// Says what.\nfn long() {{\n{}}}\n",
        "    f();\n".repeat(lines - 2)
    )
}

fn method(lines: usize) -> String {
    let body = "        f();\n".repeat(lines - 2);
    format!("impl<T> Grid<T> {{\n    pub fn step(\n        &self) {{\n{body}    }}\n}}\n")
}

fn workspace(text: &str) -> Workspace {
    Workspace::of(&[("base/src/a.rs", text)], Vec::new())
}

#[test]
fn the_hard_limits_know_no_ratchet() {
    let long = workspace(&function(FUNCTION_HARD + 1));
    let ratchet = Ratchet::parse("[functions]\n\"base/src/a.rs::long\" = 101\n").unwrap();
    assert_eq!(
        shown(&check(&long, &ratchet))[0],
        "base/src/a.rs:2: `long` has 101 lines, more than 100: split it"
    );
    let tall = workspace(&"// line\n".repeat(FILE_HARD + 1));
    assert_eq!(
        shown(&check(&tall, &Ratchet::default())),
        ["base/src/a.rs:1: the file has 1001 lines, more than 1000: split it"]
    );
}

#[test]
fn between_the_limits_only_what_the_ratchet_knows_passes() {
    let long = workspace(&function(FUNCTION_SOFT + 1));
    assert_eq!(check(&long, &Ratchet::default()).len(), 1);
    assert_eq!(check(&long, &Ratchet::fitting(&long)), []);
    assert_eq!(
        check(&workspace(&function(FUNCTION_SOFT)), &Ratchet::default()),
        []
    );

    let tall = workspace(&"// line\n".repeat(FILE_SOFT + 1));
    assert_eq!(check(&tall, &Ratchet::default()).len(), 1);
    assert_eq!(check(&tall, &Ratchet::fitting(&tall)), []);
}

#[test]
fn growing_shrinking_and_vanishing_are_all_told() {
    let before = workspace(&function(80));
    let ratchet = Ratchet::fitting(&before);
    let said = |text: &str| check(&workspace(text), &ratchet)[0].reason.clone();
    assert!(said(&function(81)).contains("grew from 80 to 81"));
    assert!(said(&function(79)).contains("shrank from 80 to 79"));
    assert!(said("fn other() {}\n").contains("is gone"));
}

#[test]
fn lowering_takes_what_shrank_and_never_raises_or_adds() {
    let mut ratchet = Ratchet::fitting(&workspace(&function(80)));
    ratchet.lower(&Ratchet::fitting(&workspace(&function(90))));
    assert_eq!(ratchet, Ratchet::fitting(&workspace(&function(80))));
    ratchet.lower(&Ratchet::fitting(&workspace(&function(75))));
    assert_eq!(ratchet, Ratchet::fitting(&workspace(&function(75))));
    ratchet.lower(&Ratchet::fitting(&workspace(&function(10))));
    assert!(ratchet.is_empty());
    ratchet.lower(&Ratchet::fitting(&workspace(&function(90))));
    assert!(ratchet.is_empty());
}

#[test]
fn the_file_of_the_ratchet_reads_back() {
    let text = format!("{}{}", function(75), method(90));
    let ratchet = Ratchet::fitting(&workspace(&text));
    assert_eq!(ratchet.len(), 2);
    assert_eq!(Ratchet::parse(&ratchet.to_text()).unwrap(), ratchet);
    assert!(
        ratchet
            .to_text()
            .contains("\"base/src/a.rs::Grid::step\" = 91")
    );
    assert!(Ratchet::parse("[typo]\n").is_err());
}

#[test]
fn tests_are_held_to_the_hard_limits_alone() {
    for path in ["base/src/a/tests.rs", "base/tests/it/main.rs"] {
        let lenient = Workspace::of(&[(path, &function(FUNCTION_HARD))], Vec::new());
        assert_eq!(check(&lenient, &Ratchet::default()), []);
        let long = Workspace::of(&[(path, &function(FUNCTION_HARD + 1))], Vec::new());
        assert_eq!(check(&long, &Ratchet::default()).len(), 1);
    }
}
