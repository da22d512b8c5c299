//! References lead somewhere: links between pages (with their headings), pages named in Rust
//! comments (`docs/determinism.md#…`), and files named in backticks in the documentation.

use std::collections::{BTreeMap, BTreeSet};

use super::reach::normal;
use super::{Finding, Workspace};

/// Endings that make a word in backticks with a slash in it the path of a file.
const FILE_ENDINGS: [&str; 10] = [
    ".rs", ".toml", ".sh", ".md", ".csv", ".yml", ".json", ".service", ".proto", ".bin",
];

/// What stands for a part of a path, and folders whose files only exist after a build, a run or
/// a measurement.
const NOT_A_PATH: [&str; 9] = [
    "<",
    "*",
    "…",
    "$",
    "{",
    "~",
    "target/",
    "data/",
    "perf/results/",
];

/// Findings of this rule.
#[must_use]
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let pages: BTreeMap<&str, BTreeSet<String>> = workspace
        .texts()
        .filter(|(path, _)| path.ends_with(".md"))
        .map(|(path, text)| (path, anchors(text)))
        .collect();
    let mut findings = Vec::new();
    for (path, text) in workspace.texts() {
        if path.ends_with(".md") {
            page(workspace, &pages, path, text, &mut findings);
        } else if path.ends_with(".rs") {
            comments(workspace, &pages, path, text, &mut findings);
        }
    }
    findings
}

type Pages<'a> = BTreeMap<&'a str, BTreeSet<String>>;

fn page(
    workspace: &Workspace,
    pages: &Pages<'_>,
    path: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (number, line) in prose(text) {
        let (words, code) = split_code(line);
        for target in targets(&words) {
            if let Some(reason) = broken(workspace, pages, path, folder, target) {
                findings.push(Finding::new(path, number, reason));
            }
        }
        for word in code {
            if names_a_file(word)
                && !workspace.has(word)
                && !workspace.has(&format!("{folder}/{word}"))
            {
                let reason = format!("`{word}` is not in the checkout");
                findings.push(Finding::new(path, number, reason));
            }
        }
    }
}

fn broken(
    workspace: &Workspace,
    pages: &Pages<'_>,
    page: &str,
    folder: &str,
    target: &str,
) -> Option<String> {
    let has_scheme = target
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()));
    if has_scheme {
        return None;
    }
    if target.starts_with('/') {
        return Some(format!("the link {target} is not relative"));
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() {
        page.to_owned()
    } else {
        normal(&format!("{folder}/{file}"))
    };
    if file.starts_with("..") {
        return Some(format!("the link {target} leads out of the project"));
    }
    if !workspace.has(&file) {
        return Some(format!(
            "the link {target} leads nowhere: {file} does not exist"
        ));
    }
    lacks_heading(pages, &file, anchor)
}

fn lacks_heading(pages: &Pages<'_>, file: &str, anchor: &str) -> Option<String> {
    let headings = pages.get(file)?;
    (!anchor.is_empty() && !headings.contains(anchor))
        .then(|| format!("{file} has no heading #{anchor}"))
}

/// Pages of `docs/` that Rust sources name.
fn comments(
    workspace: &Workspace,
    pages: &Pages<'_>,
    path: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) {
    for (index, line) in text.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            continue;
        };
        for (at, _) in comment.match_indices("docs/") {
            let before = comment[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || "/.:_-".contains(c)) {
                continue;
            }
            let word: &str = comment[at..]
                .split(|c: char| !(c.is_ascii_alphanumeric() || "/_-.#".contains(c)))
                .next()
                .unwrap_or_default()
                .trim_end_matches(['.', '#']);
            let (file, anchor) = word.split_once('#').unwrap_or((word, ""));
            if !file.ends_with(".md") {
                continue;
            }
            let reason = if workspace.has(file) {
                lacks_heading(pages, file, anchor)
            } else {
                Some(format!("{file} does not exist"))
            };
            if let Some(reason) = reason {
                findings.push(Finding::new(path, index + 1, reason));
            }
        }
    }
}

/// The lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((index + 1, line))
    })
}

/// A line without what stands in backticks, and what stands in backticks.
fn split_code(line: &str) -> (String, Vec<&str>) {
    let (mut words, mut code) = (String::new(), Vec::new());
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 0 {
            words.push_str(part);
        } else {
            code.push(part);
        }
    }
    (words, code)
}

/// The targets of a line's links: `](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = line
        .match_indices("](")
        .filter_map(|(at, _)| line[at + 2..].split(')').next())
        .collect();
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        targets.push(target);
    }
    targets
        .into_iter()
        .filter_map(|target| target.split_whitespace().next())
        .collect()
}

fn names_a_file(word: &str) -> bool {
    word.contains('/')
        && !word.contains("//")
        && !word.starts_with('/')
        && FILE_ENDINGS.iter().any(|ending| word.ends_with(ending))
        && !word.contains(char::is_whitespace)
        && !NOT_A_PATH.iter().any(|part| word.contains(part))
}

/// The anchors of a page's headings, as forges make them: lower case, hyphens for spaces,
/// without punctuation, numbered where they repeat.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text) {
        for (at, _) in line.match_indices("<a id=\"") {
            anchors.extend(line[at + 7..].split('"').next().map(str::to_owned));
        }
        let hashes = line.chars().take_while(|c| *c == '#').count();
        if hashes == 0 || hashes > 6 || !line[hashes..].starts_with(' ') {
            continue;
        }
        let mut anchor = String::new();
        for c in line[hashes..].trim().chars() {
            match c {
                ' ' => anchor.push('-'),
                '-' | '_' => anchor.push(c),
                c if c.is_alphanumeric() => anchor.extend(c.to_lowercase()),
                _ => {}
            }
        }
        let repeats = (1..)
            .map(|n| format!("{anchor}-{n}"))
            .take_while(|again| anchors.contains(again))
            .count();
        if anchors.contains(&anchor) {
            anchor = format!("{anchor}-{}", repeats + 1);
        }
        anchors.insert(anchor);
    }
    anchors
}

#[cfg(test)]
mod tests;
