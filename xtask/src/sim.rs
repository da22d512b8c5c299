//! `cargo xtask sim`: builds the simulator of a whole host and runs it under many seeds.
//!
//! The simulator is `orrery-sim` (sim/src/host/, docs/simulator.md). It is built as everything
//! else is, in the release profile and for the whole workspace, so that RocksDB is not compiled
//! again. With a planted bug only the server's library and the simulator itself are built anew, and
//! the next build without it builds them back.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Args;

/// What the command line says.
#[derive(Args, Clone, Debug)]
pub struct Sim {
    /// How many seeds
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Minutes of virtual time for each seed
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Seeds at a time; 0 for one per core
    #[arg(long, default_value_t = 0)]
    jobs: usize,
    /// Only this seed
    #[arg(long)]
    seed: Option<u64>,
    /// Say what happens, on the standard error
    #[arg(long)]
    trace: bool,
    /// Go on after a failure
    #[arg(long)]
    keep_going: bool,
    /// With the planted bug, which has to be found: the exit code is 0 if it was
    #[arg(long)]
    canary: bool,
}

/// Builds and runs the simulator.
///
/// # Errors
/// If it cannot be built or started.
pub fn run(root: &Path, sim: &Sim) -> Result<ExitCode> {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), Into::into);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(root)
        .args(["build", "--release", "--quiet", "--workspace"])
        .args(["--bin", "orrery-sim"]);
    if sim.canary {
        build.args(["--features", "orrery-sim/canary"]);
    }
    let built = build.status().context("start cargo")?;
    ensure!(built.success(), "the simulator was not built");
    let mut command = Command::new(target.join("release/orrery-sim"));
    command.current_dir(root).args(arguments(sim));
    let ended = command.status().context("start the simulator")?;
    let has_failed = !ended.success();
    if sim.canary {
        let word = if has_failed { "found" } else { "NOT FOUND" };
        println!("orrery-sim: the planted bug was {word}");
    }
    Ok(ExitCode::from(u8::from(has_failed != sim.canary)))
}

fn arguments(sim: &Sim) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    add("seeds", sim.seeds.to_string());
    add("minutes", sim.minutes.to_string());
    add("first", sim.first.to_string());
    add("jobs", sim.jobs.to_string());
    if let Some(seed) = sim.seed {
        add("seed", seed.to_string());
    }
    let flags = [("trace", sim.trace), ("keep-going", sim.keep_going)];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
    arguments.extend(flags.map(|(name, _)| format!("--{name}")));
    arguments
}
