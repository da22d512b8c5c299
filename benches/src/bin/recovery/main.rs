//! `orrery-recovery`: what becomes of a server that is killed, and how fast the past is repeated.
//!
//! ```text
//! crash    a server with players is killed (SIGKILL) at random moments, again and again; after
//!          each restart all digests must be equal and everything that was acknowledged be there;
//!          with --economy, under traders who lie, whose log is reconciled with the store
//! restart  a store with a past of 10,000 ships is recovered, again and again
//! replay   a store that 1,000 players have filled is replayed as fast as it goes
//! ```
//!
//! Servers listen on loopback and keep their stores in temporary folders. Only processes that
//! were started here are ever ended, by their ids; each server is also bounded in time by itself.
//! Results go to `perf/results/` and into `summary.json`. The exit code is 0 if nothing was lost,
//! 1 if something was, 2 if the run itself failed.

#![forbid(unsafe_code)]

mod crash;
mod economy;
mod pilots;
mod process;
mod replay;
mod restart;
mod results;
mod stage;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use economy::{Canary, Plan};

/// Players of a run with kills, and traders of one about value, if nothing else is said.
const PLAYERS: u32 = 500;
const TRADERS: u32 = 48;

/// Kills servers and brings them back.
#[derive(Debug, Parser)]
#[command(name = "orrery-recovery", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Setting,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
struct Setting {
    /// Star systems; one for some 42 players if not given.
    #[arg(long, global = true)]
    systems: Option<u32>,
    /// Seed of the galaxy, of the players, and of the moments of the kills.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// The program `orrery`; the one beside this program if not given.
    #[arg(long, global = true, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the results go; `perf/results` if not given.
    #[arg(long, global = true, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Keep the temporary folder.
    #[arg(long, global = true)]
    keep: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Kill a server with players at random moments.
    Crash {
        /// How often.
        #[arg(default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        kills: u32,
        /// Players, in a process of their own: 500 if not given; with --economy traders, 48.
        #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
        bots: Option<u32>,
        /// Traders instead of players, who send every request again until it is answered, twice,
        /// in any order and over two connections. What they were told is logged outside of the
        /// server, and after each kill reconciled with the store: nothing that was acknowledged is
        /// lost, nothing is there twice, all sums are exact.
        #[arg(long)]
        economy: bool,
        /// Before the last start, set the store back by one life: the witnesses must find that
        /// something is lost. A test of this test.
        #[arg(long)]
        forget: bool,
        /// With --economy: at the end, credit a payment a second time in the books that are looked
        /// at: the reconciliation must find it. A test of this test.
        #[arg(long, requires = "economy", conflicts_with = "forget")]
        double: bool,
        /// With --economy: begin no further life after so many minutes.
        #[arg(long, requires = "economy", default_value_t = 120)]
        minutes: u32,
    },
    /// Recover a store with a past of many ships.
    Restart {
        /// Ships.
        #[arg(default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        ships: u32,
        /// How often.
        #[arg(default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        rounds: u32,
    },
    /// Replay what players have done.
    Replay {
        /// Players.
        #[arg(default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        bots: u32,
        /// Seconds that they play.
        #[arg(default_value_t = 30, value_parser = clap::value_parser!(u32).range(5..=3_600))]
        seconds: u32,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Crash {
            kills,
            bots,
            economy: true,
            forget,
            double,
            minutes,
        } => {
            let canary = match (forget, double) {
                (true, _) => Canary::Forget,
                (_, true) => Canary::Double,
                _ => Canary::None,
            };
            let plan = Plan {
                kills,
                traders: bots.unwrap_or(TRADERS),
                canary,
                longest: Duration::from_secs(u64::from(minutes) * 60),
            };
            economy::run(&cli.common, &plan)
        }
        Command::Crash {
            kills,
            bots,
            forget,
            ..
        } => crash::run(&cli.common, kills, bots.unwrap_or(PLAYERS), forget),
        Command::Restart { ships, rounds } => restart::run(&cli.common, ships, rounds),
        Command::Replay { bots, seconds } => replay::run(&cli.common, bots, seconds),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("recovery: {error:#}");
            ExitCode::from(2)
        }
    }
}
