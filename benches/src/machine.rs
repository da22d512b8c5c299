//! What a result needs to be understood later: which code, on which machine, beside what load.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The root of the checkout: the nearest folder upwards that has a `perf` folder and a lock file.
///
/// # Errors
/// If there is none: the command was started elsewhere.
pub fn root() -> std::io::Result<PathBuf> {
    let here = std::env::current_dir()?;
    here.ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file() && folder.join("perf").is_dir())
        .map(Path::to_path_buf)
        .ok_or_else(|| std::io::Error::other("start this inside the checkout"))
}

/// The commit that is checked out, and whether files differ from it.
#[must_use]
pub fn commit(root: &Path) -> Value {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout)
            .ok()
            .map(|text| text.trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    json!({
        "id": git(&["rev-parse", "HEAD"]),
        "changed": changed.is_none_or(|list| !list.is_empty()),
    })
}

/// Processor, cores, memory, kernel, and the instructions that our vector paths take.
#[must_use]
pub fn describe() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": cores,
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "path": format!("{:?}", orrery_spatial::Path::detect()),
    })
}

/// The load averages over 1, 5 and 15 minutes, as the system tells them.
#[must_use]
pub fn load() -> Value {
    let text = read("/proc/loadavg").unwrap_or_default();
    let averages: Vec<f64> = text
        .split_whitespace()
        .take(3)
        .filter_map(|number| number.parse().ok())
        .collect();
    json!(averages)
}

fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
