use super::{anchors, check};
use crate::tidy::Workspace;
use crate::tidy::tests::shown;

fn found(files: &[(&str, &str)]) -> Vec<String> {
    shown(&check(&Workspace::of(files, Vec::new())))
}

#[test]
fn links_between_pages_lead_somewhere() {
    let page = "[up](../README.md) [own](#here) [other](b.md#two-words) [folder](../scripts/)\n\
                [web](https://example.org/x) `[code](gone.md)`\n\n# Here\n\n\
                ```\n[fenced](gone.md)\n```\n";
    let files = [
        ("README.md", ""),
        ("docs/a.md", page),
        ("docs/b.md", "## Two words\n"),
        ("scripts/x.sh", ""),
    ];
    assert_eq!(found(&files), [""; 0]);
}

#[test]
fn broken_links_are_found_with_their_reason() {
    let page = "[a](gone.md)\n[b](#gone)\n[c](b.md#gone)\n[d](/etc)\n[e](../../x.md)\n\
                [f]: gone.md \"title\"\n";
    let lines = found(&[("docs/a.md", page), ("docs/b.md", "")]);
    assert_eq!(
        lines,
        [
            "docs/a.md:1: the link gone.md leads nowhere: docs/gone.md does not exist",
            "docs/a.md:2: docs/a.md has no heading #gone",
            "docs/a.md:3: docs/b.md has no heading #gone",
            "docs/a.md:4: the link /etc is not relative",
            "docs/a.md:5: the link ../../x.md leads out of the project",
            "docs/a.md:6: the link gone.md leads nowhere: docs/gone.md does not exist",
        ]
    );
}

#[test]
fn files_in_backticks_exist() {
    let page = "`base/src/a.rs` `a.rs` `base/src/<name>.rs` `target/x.json` `make run`\n\
                `base/src/gone.rs`\n";
    let lines = found(&[("docs/a.md", page), ("base/src/a.rs", "")]);
    assert_eq!(
        lines,
        ["docs/a.md:2: `base/src/gone.rs` is not in the checkout"]
    );
}

#[test]
fn pages_named_in_comments_exist() {
    let source = "//! The law: docs/law.md#motion.\n/// See docs/law.md#gone, docs/gone.md.\n\
                  // https://docs/gone.md and target/docs/gone.md are not ours\n\
                  const NAME: &str = \"docs/gone.md\";\n";
    let lines = found(&[("base/src/a.rs", source), ("docs/law.md", "# Motion\n")]);
    assert_eq!(
        lines,
        [
            "base/src/a.rs:2: docs/law.md has no heading #gone",
            "base/src/a.rs:2: docs/gone.md does not exist",
        ]
    );
}

#[test]
fn anchors_are_made_as_forges_make_them() {
    let page = "# Who may, and why?\n## The `Rules` trait\n## A_b-c §1\n## Same\n## Same\n\
                ## Same\n#hash\n<a id=\"own\"></a>\n";
    let mut made: Vec<String> = anchors(page).into_iter().collect();
    made.sort();
    assert_eq!(
        made,
        [
            "a_b-c-1",
            "own",
            "same",
            "same-1",
            "same-2",
            "the-rules-trait",
            "who-may-and-why"
        ]
    );
}
