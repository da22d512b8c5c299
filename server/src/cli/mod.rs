//! The command line: one module per command, each a thin shell around what the crates do.

mod audit;
mod backup;
mod bots;
mod content;
mod custody;
mod dashboard;
mod export;
mod galaxy;
mod grid;
mod names;
mod operator;
pub(crate) mod progress;
mod rehearse;
mod replay;
mod serve;
mod table;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An MMO server whose worlds are pure functions of their inputs.
#[derive(Parser)]
#[command(name = "orrery", version, about, long_about = None, after_help = AFTER_HELP)]
struct Cli {
    /// Configuration file (TOML); `orrery.toml` in this folder is read if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How much to log, e.g. `info` or `warn,orrery_net=debug`.
    #[arg(long, global = true, value_name = "FILTER", env = "ORRERY_LOG")]
    log: Option<String>,
    /// Log as JSON, one object a line.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  orrery up                          a living galaxy with 100 bots, in ./data
  orrery galaxy show --svg map.svg   look at its map
  orrery serve --data DIR            the server alone, for production
  orrery bots --count 500            a swarm against a running server
  orrery grid list                   where a running server's grids are and what they cost
  orrery audit --data DIR            prove that a store is sound
  orrery backup create --to DIR      copy a store, also while the server runs
  orrery custody character NAME      what a character has, and what became of the money
  orrery export transfers FILE       all transfers of value as Parquet
  orrery replay --data DIR --verify  run the journal again and compare every digest";

#[derive(Subcommand)]
enum Command {
    /// Prepare whatever is missing, start the server and a swarm of bots, show one screen.
    Up(serve::UpArgs),
    /// Start the server on a data folder that has a galaxy and a content pack.
    Serve(serve::ServeArgs),
    /// Connect a swarm of bots to a running server and report what they experience.
    Bots(bots::BotsArgs),
    /// Generate a galaxy, or show the one in a store.
    #[command(subcommand)]
    Galaxy(galaxy::GalaxyCommand),
    /// Compile and inspect content packs.
    #[command(subcommand)]
    Content(content::ContentCommand),
    /// Show a running server's grids; move, spread and pace them.
    Grid(grid::GridArgs),
    /// Check that a stopped store is sound: schema, journal, checkpoints, characters, ships, and
    /// that no value was doubled or has vanished.
    Audit(audit::AuditArgs),
    /// Copy a store while it runs or not, prove a copy, make a data folder of it.
    Backup(backup::BackupArgs),
    /// Show what an account, a character or an item has been through, from the newest transfer on.
    Custody(custody::CustodyArgs),
    /// Write what happened to value into Parquet files, for analysis elsewhere.
    Export(export::ExportArgs),
    /// Run what was lived again: compare every digest, look at any beat, find where two runs part.
    Replay(replay::ReplayArgs),
    /// Write a past of many ships into a fresh store: for measurements.
    #[command(hide = true)]
    Rehearse(rehearse::RehearseArgs),
}

/// Parses the arguments, runs the command, reports an error as a chain of causes.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logging(&cli);
    init_panics();
    let config = match crate::config::Config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    let result = match cli.command {
        Command::Up(args) => serve::up(config, &args),
        Command::Serve(args) => serve::serve(config, &args),
        Command::Bots(args) => bots::run(&config, &args),
        Command::Galaxy(command) => galaxy::run(&config, &command),
        Command::Content(command) => content::run(&config, &command),
        Command::Grid(args) => grid::run(&config, &args),
        Command::Audit(args) => audit::run(&config, &args),
        Command::Backup(args) => backup::run(&config, &args),
        Command::Custody(args) => custody::run(&config, &args),
        Command::Export(args) => export::run(&config, &args),
        Command::Replay(args) => replay::run(&config, &args),
        Command::Rehearse(args) => rehearse::run(&config, &args),
    };
    match result {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// Prints to standard output. A reader that has seen enough, such as `head`, is no error.
///
/// # Errors
/// If the output cannot be written for any other reason.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// A grid that panics is contained, so its shard has to go on at once: no backtrace is made, which
/// with `RUST_BACKTRACE` set takes half a second the first time. What the beat that panicked needs
/// to be repeated is in `incidents/`. The thread that restores the grid panics to find out why,
/// again and again; what comes of it is logged there.
fn init_panics() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("");
        if name.starts_with("orrery-shard-") {
            tracing::error!(thread = name, "{info}");
        } else if !name.starts_with("orrery-restore-") {
            others(info);
        }
    }));
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Logs go to standard error. With a dashboard on the terminal only warnings are let through,
/// unless a filter is asked for.
fn init_logging(cli: &Cli) {
    use tracing_subscriber::EnvFilter;
    let quiet = matches!(cli.command, Command::Up(_)) && std::io::stdout().is_terminal();
    let default = if quiet { "error" } else { "info" };
    let filter = cli.log.clone().unwrap_or_else(|| default.to_owned());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        eprintln!("warning: log filter {filter:?} is not understood ({error}); using {default:?}");
        EnvFilter::new(default)
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if cli.log_json {
        builder.json().init();
    } else {
        builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(true)
            .init();
    }
}
