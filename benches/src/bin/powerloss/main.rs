//! `orrery-powerloss`: the power fails under load, on a real file system, again and again.
//!
//! ```text
//! orrery-powerloss ──makes──▶ XFS in a file, over a loop device, mounted in a namespace of its own
//!                  ──starts─▶ orrery-powerloss writer: beats through the store's own commit,
//!                             as fast as they become durable; says each durable one over a pipe
//!                  ──shuts the file system down: what was not on the disk is lost, at once
//!                  ──mounts it again, opens the store: every beat that was said has to be there
//! ```
//!
//! The shutdown (`xfs_io -c shutdown`, without `-f`) drops the page cache and the file system's own
//! log as far as they have not reached the device, as a loss of power does. What it does not
//! simulate is the cache of a disk that lies about a flush.
//!
//! So many rounds with `sync`, on one store that grows; then some with a writer that does not
//! sync, which have to lose something: else the run proves nothing.
//!
//! Results go to `perf/results/powerloss.{md,csv}`. The exit code is 0 if nothing was lost with
//! `sync` and something without, 1 if not, 2 if the run itself failed.

#![forbid(unsafe_code)]

mod check;
mod drill;
mod report;
mod volume;
mod writer;

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use orrery_storage::StoreOptions;
use orrery_storage::log::LogOptions;

/// Shards that the writer plays.
const SHARDS: u64 = 2;
/// In the environment of the run inside of its mount namespace.
const INSIDE: &str = "ORRERY_POWERLOSS_INSIDE";

/// Loses the power under load and looks for what was acknowledged.
#[derive(Parser)]
#[command(name = "orrery-powerloss", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Part,
}

#[derive(Subcommand)]
enum Part {
    /// The whole run. Needs root, loop devices, mkfs.xfs and xfs_io.
    Drill(Drill),
    /// Writes beats until it is stopped: the drill starts it.
    #[command(hide = true)]
    Writer(Writer),
}

/// How often, and with what.
#[derive(Args, Clone, Debug)]
struct Drill {
    /// Losses of power with `sync`.
    #[arg(default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Losses of power without, each on an empty file system.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    unsynced: u32,
    /// Of the moments at which the power fails.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size of the file system, MiB: at least 300, used only as far as it is written.
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(300..=1_048_576))]
    mib: u32,
    /// The folder for the file; beside this program if not given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Where the results go; `perf/results` if not given.
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

/// What to write to.
#[derive(Args, Clone, Debug)]
struct Writer {
    /// The store's folder.
    #[arg(long)]
    store: PathBuf,
    /// Acknowledge beats that are only in the page cache.
    #[arg(long)]
    no_sync: bool,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Part::Drill(args) if std::env::var_os(INSIDE).is_some() => drill::run(&args),
        Part::Drill(_) => enter_namespace(),
        Part::Writer(args) => writer::run(&args.store, !args.no_sync).map(|never| match never {}),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("powerloss: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Goes on as the same program in a mount namespace, which ends with it: nothing stays mounted.
fn enter_namespace() -> anyhow::Result<bool> {
    let program = std::env::current_exe().context("find this program")?;
    let error = Command::new("unshare")
        .arg("--mount")
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    Err(error).context("start unshare")
}

/// How both sides open the store: segments that are soon full, so that the power fails in the
/// middle of their making, flushing and compressing too.
fn options(sync: bool) -> StoreOptions {
    StoreOptions {
        sync,
        cache_bytes: 8 << 20,
        log: LogOptions {
            segment_bytes: 1 << 20,
            ..LogOptions::default()
        },
        ..StoreOptions::default()
    }
}
