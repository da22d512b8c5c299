//! `orrery-capacity`: how one server on this machine does with so many players.
//!
//! ```text
//! orrery-capacity ──starts──▶ orrery serve   (a fresh store in a temporary folder, loopback only)
//!                 ──starts──▶ orrery bots    (N players, in their own process)
//!                 ──every second──▶ GET /metrics, /proc of both processes, /proc/stat
//!                 ──at the end──▶ SIGTERM, clean exit, orrery audit, results
//! ```
//!
//! Everything is counted in the **measured window** alone: from the moment that the bots say they
//! are all there and warmed up, until just before they leave. Counters and histograms of the
//! server are scraped at both ends and subtracted. What exactly is a figure, and its limit, is in
//! [`figures`].
//!
//! Results go to `perf/results/capacity_N.{json,md,svg}`; with 1,000 players also to
//! `summary.json`. The exit code is 0 if every limit holds, 1 if one does not, 2 if the run itself
//! failed. Only processes that were started here are ever ended, by their ids; each is also
//! bounded in time by itself, should this program be killed.

#![forbid(unsafe_code)]

mod figures;
mod heat;
mod plain;
mod plot;
mod process;
mod record;
mod run;
mod scrape;
mod seen;
mod series;
mod sweep;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

/// Measures a server with so many bots against the limits.
#[derive(Clone, Debug, Parser)]
#[command(name = "orrery-capacity", version, about)]
struct Args {
    /// Bots.
    #[arg(default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    bots: u32,
    /// Seconds of the measured window.
    #[arg(default_value_t = 60, value_parser = clap::value_parser!(u32).range(5..=172_800))]
    seconds: u32,
    /// Star systems; one for some 42 bots if not given.
    #[arg(long)]
    systems: Option<u32>,
    /// What the bots do.
    #[arg(long, default_value = "mixed")]
    behaviour: String,
    /// Shards of the server; 0: as it chooses.
    #[arg(long, default_value_t = 0)]
    shards: u16,
    /// Seconds between the arrival of the last bot and the measured window.
    #[arg(long, default_value_t = 5)]
    warm_up: u32,
    /// Seed of the galaxy and of the bots.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program `orrery`; the one beside this program if not given.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the results go; `perf/results` if not given.
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
    /// Begin with so many bots and go on with more, by a half each time, until a limit is missed.
    #[arg(long)]
    sweep: bool,
    /// Keep the temporary folder: data, logs, the bots' report.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let measured = if args.sweep {
        sweep::sweep(&args)
    } else {
        measure(&args).map(|figures| figures.hold())
    };
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("capacity: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs, writes the results, and returns the figures.
fn measure(args: &Args) -> anyhow::Result<figures::Figures> {
    let root = orrery_benches::machine::root().context("find the checkout")?;
    let setting = record::Setting::of_this_machine(args, &root);
    let run = run::run(args, &root)?;
    let figures = figures::Figures::of(&run)?;
    let table = record::markdown(&setting, &run, &figures);
    let results = args
        .results
        .clone()
        .unwrap_or_else(|| root.join("perf/results"));
    std::fs::create_dir_all(&results).with_context(|| format!("create {}", results.display()))?;
    let stem = results.join(format!("capacity_{}", args.bots));
    record::write(
        &stem.with_extension("json"),
        &record::json(&setting, &run, &figures)?,
    )?;
    record::write(&stem.with_extension("md"), &table)?;
    record::write(
        &stem.with_extension("svg"),
        &plot::svg(&setting, &run, &figures),
    )?;
    let first = heat::Trace::first_beat(&run);
    let trace = heat::Trace::parse(&run.trace, first)?;
    let heat = results.join(format!("capacity_{}_heat.svg", args.bots));
    record::write(&heat, &trace.svg(&setting))?;
    if args.bots == record::SUMMARISED_BOTS {
        record::summarise(&results.join("summary.json"), &figures)?;
    }
    println!("\n{table}");
    println!("capacity: {}.{{json,md,svg}}", stem.display());
    Ok(figures)
}
