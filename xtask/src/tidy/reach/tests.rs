use super::{check, normal};
use crate::tidy::Workspace;
use crate::tidy::tests::{package, shown};
use crate::tidy::workspace::{Role, Target};

fn base(files: &[(&str, &str)]) -> Workspace {
    Workspace::of(files, vec![package("base", &[])])
}

#[test]
fn a_file_that_nothing_declares_is_found() {
    let workspace = base(&[
        ("base/src/lib.rs", "mod a;\n"),
        ("base/src/a.rs", "#[cfg(test)]\nmod tests;\n"),
        ("base/src/a/tests.rs", ""),
        ("base/src/a/lost.rs", ""),
        ("base/src/b/mod.rs", ""),
    ]);
    let paths: Vec<String> = check(&workspace).into_iter().map(|f| f.path).collect();
    assert_eq!(paths, ["base/src/a/lost.rs", "base/src/b/mod.rs"]);
}

#[test]
fn every_way_to_declare_a_module_is_followed() {
    let workspace = base(&[
        (
            "base/src/lib.rs",
            "mod folder;\nmod inline { mod inner; }\n#[path = \"odd/name.rs\"] mod other;\n\
             include!(\"parts/table.rs\");\nmod r#move;\n",
        ),
        ("base/src/folder/mod.rs", "mod child;\n"),
        ("base/src/folder/child.rs", ""),
        ("base/src/inline/inner.rs", ""),
        ("base/src/odd/name.rs", ""),
        ("base/src/parts/table.rs", ""),
        ("base/src/move.rs", ""),
    ]);
    assert_eq!(shown(&check(&workspace)), [""; 0]);
}

#[test]
fn every_target_is_a_root_and_other_folders_are_not_ours() {
    let mut package = package("base", &[]);
    package.targets.push(Target {
        role: Role::Other,
        root: "base/tests/it/main.rs".to_owned(),
    });
    let workspace = Workspace::of(
        &[
            ("base/src/lib.rs", ""),
            ("base/tests/it/main.rs", "mod replay;\n"),
            ("base/tests/it/replay.rs", ""),
            ("fuzz/fuzz_targets/a.rs", ""),
        ],
        vec![package],
    );
    assert_eq!(shown(&check(&workspace)), [""; 0]);
}

#[test]
fn paths_lose_their_dots() {
    assert_eq!(normal("docs/../README.md"), "README.md");
    assert_eq!(normal("/./a//b"), "a/b");
    assert_eq!(normal("docs/../../other"), "../other");
}
