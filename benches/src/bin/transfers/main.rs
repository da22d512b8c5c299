//! `orrery-transfers`: transfers of money between two accounts, durable one by one, by everybody
//! who can do them, in one run on one machine.
//!
//! A transfer takes from one balance, adds to another and leaves an entry in a history. It counts
//! when whoever asked may be told that it is durable. Contestants run one after the other, for as
//! many seconds each, on the same number of accounts; afterwards each has to show that no money
//! came or went and that there is one entry per transfer.
//!
//! - PostgreSQL: a private instance in a temporary folder, `synchronous_commit = on`, one
//!   transaction per transfer, by `pgbench` over a Unix socket with 1, 8 and 64 connections.
//! - RocksDB alone: a `WriteBatch` with the same rows, its write-ahead log synced; one transfer a
//!   batch, and as many as come in the time of a beat.
//! - Orrery: two shards with their ledgers and the commit of both, beat by beat; once with as many
//!   transfers as it keeps up with, once with a fixed number offered every second.
//!
//! Then rows of a log, offered at two rates, by RocksDB and by Orrery; and reads and transfers in
//! memory, timed one by one.
//!
//! One more contestant is one more line in [`contestants`].
//!
//! Results go to `perf/results/transfers.{md,csv}`, and from a run of everybody to
//! `perf/results/summary.json`. The exit code is 0 if everybody's books are
//! right, 1 if not, 2 if the run itself failed.

#![forbid(unsafe_code)]

mod contest;
mod hot;
mod ours;
mod plain;
mod postgres;
mod report;
mod rows;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;

use crate::contest::{Contestant, Outcome};
use crate::ours::{Load, Ours};
use crate::plain::{Gather, PlainRocks};
use crate::postgres::{PostgresRun, Script, Server};
use crate::rows::{OurRows, PlainRows};

/// Time between two beats.
const BEAT: Duration = Duration::from_nanos(1_000_000_000 / orrery_base::BEATS_PER_SECOND as u64);

/// Rows of a log that are offered, a second.
const ROWS_OFFERED: [u32; 2] = [100_000, 300_000];

/// Transfers that are durable, a second, beside peers.
#[derive(Clone, Debug, Parser)]
#[command(name = "orrery-transfers", version, about)]
struct Args {
    /// Seconds for each contestant.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Accounts that money goes to and fro between.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    accounts: u32,
    /// Transfers a second that are offered, where a fixed number is.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    offered: u32,
    /// Run only those whose name contains this; `memory`: only what is in memory.
    #[arg(long, default_value = "")]
    only: String,
    /// On which disk: a folder that exists. Beside this program if not given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Where the results go; `perf/results` if not given.
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match measure(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("transfers: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(args: &Args) -> anyhow::Result<bool> {
    let root = orrery_benches::machine::root().context("find the checkout")?;
    let beside = std::env::current_exe().context("find this program")?;
    let base = match &args.folder {
        Some(folder) => folder.clone(),
        // On a real disk, where a folder for temporary files may be in memory.
        None => beside.parent().context("find its folder")?.to_owned(),
    };
    let folder = tempfile::Builder::new()
        .prefix("transfers-")
        .tempdir_in(&base)
        .context("make a temporary folder")?;
    let load = orrery_benches::machine::load();
    let mut outcomes = Vec::new();
    for mut contestant in contestants(args, folder.path())? {
        if !contestant.name().contains(&args.only) {
            continue;
        }
        eprintln!("transfers: {} for {} s", contestant.name(), args.seconds);
        let run = contestant.run(Duration::from_secs(args.seconds.into()));
        let run = run.with_context(|| contestant.name())?;
        outcomes.push(Outcome::new(&*contestant, run));
    }
    let is_whole = args.only.is_empty();
    let hot = if is_whole || args.only == "memory" {
        eprintln!("transfers: in memory");
        hot::measure(args.accounts).context("measure what is in memory")?
    } else {
        Vec::new()
    };
    let results = args.results.clone();
    let results = results.unwrap_or_else(|| root.join("perf/results"));
    report::write(&results, &root, args, &outcomes, &hot, &load)?;
    if is_whole {
        report::summarise(&results, args, &outcomes, &hot)?;
    }
    Ok(outcomes.iter().all(|outcome| outcome.is_conserved))
}

/// Everybody who takes part, in the order of the table.
fn contestants(args: &Args, folder: &Path) -> anyhow::Result<Vec<Box<dyn Contestant>>> {
    let mut all: Vec<Box<dyn Contestant>> = Vec::new();
    let mut loads = [1, 8, 64]
        .map(|connections| (connections, Script::Statements))
        .to_vec();
    loads.push((64, Script::Function));
    loads
        .retain(|(connections, script)| postgres::name(*connections, *script).contains(&args.only));
    if !loads.is_empty() {
        let server = Rc::new(Server::start(&folder.join("postgres"), args.accounts)?);
        for (connections, script) in loads {
            let run = PostgresRun::new(Rc::clone(&server), connections, script);
            all.push(Box::new(run));
        }
    }
    for gather in [Gather::One, Gather::For(BEAT)] {
        let plain = PlainRocks::create(&folder.join("rocksdb"), args.accounts, gather)?;
        all.push(Box::new(plain));
    }
    for load in [Load::Most, Load::Offered(args.offered)] {
        all.push(Box::new(Ours::create(folder, args.accounts, load)?));
    }
    for rate in ROWS_OFFERED {
        all.push(Box::new(PlainRows::create(folder, rate)?));
        all.push(Box::new(OurRows::create(folder, rate)?));
    }
    Ok(all)
}
