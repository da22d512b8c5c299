//! The checkout as the rules see it: text by path, parsed Rust, and the crates with their
//! dependencies and targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand, TargetKind};

use super::Finding;

/// Folders that hold no source: build output, version control, a running server's data.
const SKIPPED: [&str; 6] = [
    ".git",
    "target",
    "fuzz/target",
    "data",
    "node_modules",
    "web/node_modules",
];

/// Larger files are data, not source.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `[dependencies]`
    Normal,
    /// `[dev-dependencies]`
    Test,
    /// `[build-dependencies]`
    Build,
}

/// One line of a crate's dependency tables.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The crate that is depended on, by its own name.
    pub name: String,
    /// Which table it stands in.
    pub purpose: Purpose,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The crate's library.
    Library,
    /// A program.
    Program,
    /// A test, benchmark, example or build script.
    Other,
}

/// A crate root.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub role: Role,
    /// Its root file, from the root of the checkout.
    pub root: String,
}

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name in its manifest.
    pub name: String,
    /// Its folder, from the root of the checkout.
    pub folder: String,
    /// Its licence expression.
    pub licence: Option<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// Its crate roots.
    pub targets: Vec<Target>,
}

impl Package {
    /// The path of its manifest, from the root of the checkout.
    #[must_use]
    pub fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// The checkout in memory.
#[derive(Default)]
pub struct Workspace {
    texts: BTreeMap<String, String>,
    paths: BTreeSet<String>,
    parsed: BTreeMap<String, syn::File>,
    unparsed: Vec<Finding>,
    /// The crates, by folder.
    pub packages: Vec<Package>,
}

impl Workspace {
    /// Reads the checkout at `root`: every file outside the skipped folders, and the manifests
    /// through `cargo metadata` (without the network).
    ///
    /// # Errors
    /// When a folder cannot be read or cargo rejects a manifest.
    pub fn load(root: &Path) -> Result<Self> {
        let mut workspace = Self::default();
        workspace.walk(root, "")?;
        workspace.packages = packages(root)?;
        workspace.parse();
        Ok(workspace)
    }

    /// A workspace of the given files and crates.
    #[must_use]
    pub fn of(files: &[(&str, &str)], packages: Vec<Package>) -> Self {
        let mut workspace = Self {
            packages,
            ..Self::default()
        };
        for (path, text) in files {
            workspace.paths.insert((*path).to_owned());
            workspace
                .texts
                .insert((*path).to_owned(), (*text).to_owned());
        }
        workspace.parse();
        workspace
    }

    /// Every text file: path and text, by path.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file that parses: path and syntax tree, by path.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &syn::File)> {
        self.parsed.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// The text of one file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// The syntax tree of one Rust file.
    #[must_use]
    pub fn syntax(&self, path: &str) -> Option<&syn::File> {
        self.parsed.get(path)
    }

    /// Whether a file or a folder of this path is in the checkout.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        if path.is_empty() || self.paths.contains(path) {
            return true;
        }
        let inside = format!("{path}/");
        self.paths
            .range(inside.clone()..)
            .next()
            .is_some_and(|next| next.starts_with(&inside))
    }

    /// How many files the rules looked at.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.paths.len()
    }

    /// Rust files that do not parse.
    #[must_use]
    pub fn unparsed(&self) -> Vec<Finding> {
        self.unparsed.clone()
    }

    fn walk(&mut self, root: &Path, folder: &str) -> Result<()> {
        let here = root.join(folder);
        let entries =
            std::fs::read_dir(&here).with_context(|| format!("list {}", here.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("list {}", here.display()))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let kind = entry
                .file_type()
                .with_context(|| format!("look at {path}"))?;
            if kind.is_dir() {
                if !SKIPPED.contains(&path.as_str()) {
                    self.walk(root, &path)?;
                }
            } else {
                self.read(root, path)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, root: &Path, path: String) -> Result<()> {
        let full = root.join(&path);
        let size = std::fs::metadata(&full).map_or(0, |data| data.len());
        if size <= TEXT_BYTES_MAX {
            let bytes = std::fs::read(&full).with_context(|| format!("read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                self.texts.insert(path.clone(), text);
            }
        }
        self.paths.insert(path);
        Ok(())
    }

    fn parse(&mut self) {
        for (path, text) in &self.texts {
            if !path.ends_with(".rs") {
                continue;
            }
            match syn::parse_file(text) {
                Ok(file) => {
                    self.parsed.insert(path.clone(), file);
                }
                Err(error) => self.unparsed.push(Finding::new(
                    path.clone(),
                    error.span().start().line,
                    format!("this is not Rust: {error}"),
                )),
            }
        }
    }
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .context("ask cargo for the workspace's metadata")?;
    let base = metadata.workspace_root.clone();
    let relative = |path: &cargo_metadata::camino::Utf8Path| {
        path.strip_prefix(&base).unwrap_or(path).to_string()
    };
    let mut packages: Vec<Package> = metadata
        .packages
        .iter()
        .map(|package| Package {
            name: package.name.to_string(),
            folder: package
                .manifest_path
                .parent()
                .map_or_else(String::new, relative),
            licence: package.license.clone(),
            dependencies: package.dependencies.iter().map(dependency).collect(),
            targets: package
                .targets
                .iter()
                .map(|target| Target {
                    role: role(&target.kind),
                    root: relative(&target.src_path),
                })
                .collect(),
        })
        .collect();
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(packages)
}

fn dependency(dependency: &cargo_metadata::Dependency) -> Dependency {
    Dependency {
        name: dependency.name.clone(),
        purpose: match dependency.kind {
            DependencyKind::Development => Purpose::Test,
            DependencyKind::Build => Purpose::Build,
            _ => Purpose::Normal,
        },
    }
}

fn role(kinds: &[TargetKind]) -> Role {
    if kinds.contains(&TargetKind::Lib) || kinds.contains(&TargetKind::ProcMacro) {
        Role::Library
    } else if kinds.contains(&TargetKind::Bin) {
        Role::Program
    } else {
        Role::Other
    }
}
