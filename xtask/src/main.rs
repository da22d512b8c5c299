//! `cargo xtask`: see the library's documentation.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use orrery_xtask::{figures, flame, sim, tidy};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tools")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the house rules; prints file:line: reason for each breach
    Tidy {
        /// Lower the ratchet (xtask/tidy-ratchet.toml) to what the code now needs
        #[arg(long)]
        update: bool,
    },
    /// Draw a flamegraph from the output of `perf script`
    Flame {
        /// Output of `perf script`
        script: PathBuf,
        /// The SVG to write
        svg: PathBuf,
    },
    /// Write the measured values of perf/results/summary.json into docs/figures.md
    Figures {
        /// Only say whether the page is up to date
        #[arg(long)]
        check: bool,
    },
    /// Run whole hosts with failing disks, networks and processes, one for each seed
    Sim(sim::Sim),
}

fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("find the workspace above xtask/")?;
    match Arguments::parse().command {
        Command::Tidy { update } => tidy::run(root, update),
        Command::Flame { script, svg } => flame::draw(&script, &svg).map(|()| ExitCode::SUCCESS),
        Command::Figures { check } => figures::run(root, check),
        Command::Sim(asked) => sim::run(root, &asked),
    }
}
