//! Many seeds at once: the command line of the simulator.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use clap::Parser;

use super::{Options, Report, plan, run};

/// Runs whole hosts with failing disks, networks and processes, one for each seed.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask sim")]
pub struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Minutes of virtual time for each seed.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Seeds at a time; 0 for one per core.
    #[arg(long, default_value_t = 0)]
    jobs: usize,
    /// Only this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Say what happens, on the standard error.
    #[arg(long)]
    trace: bool,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
    /// The content to play with.
    #[arg(long, default_value = "content")]
    content: PathBuf,
}

/// Runs as the command line says; the exit code is 1 if something did not hold.
///
/// # Errors
/// If the content cannot be compiled.
pub fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        (arguments.first, arguments.seeds) = (seed, 1);
    }
    // Grids are made to fail by the dozen; a failure of the run itself is reported below.
    if !arguments.trace {
        std::panic::set_hook(Box::new(|_| {}));
    }
    let content = plan::compile(&arguments.content)?;
    Ok(swarm(&arguments, &content))
}

/// One seed; a panic counts as a failure.
fn one(arguments: &Arguments, content: &[u8], seed: u64) -> anyhow::Result<Report> {
    let options = Options {
        seed,
        seconds: (arguments.minutes * 60.0).ceil().max(1.0) as u64,
        trace: arguments.trace,
        content,
    };
    catch_unwind(AssertUnwindSafe(|| run(options))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<&str>().map(ToString::to_string);
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(anyhow!("panicked: {}", words.unwrap_or_default()))
    })
}

fn swarm(arguments: &Arguments, content: &[u8]) -> ExitCode {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = if arguments.jobs == 0 {
        cores
    } else {
        arguments.jobs
    };
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let since = Instant::now();
    let (sender, receiver) = channel();
    let (mut done, mut failed) = (0_u64, 0_u64);
    let mut sum = Report::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            let (next, stop) = (&next, &stop);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = arguments.first + number;
                    let report = one(arguments, content, seed);
                    // The receiver outlives the threads.
                    let _ = sender.send((seed, report));
                }
            });
        }
        drop(sender);
        for (seed, report) in receiver {
            done += 1;
            match report {
                Ok(report) => add(&mut sum, &report),
                Err(error) => {
                    failed += 1;
                    print_failure(arguments, seed, &error);
                    if !arguments.keep_going {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
            if done.is_multiple_of(10) || arguments.seeds < 10 {
                eprintln!(
                    "sim: {done} of {} seeds, {failed} failed, {:.0} s",
                    arguments.seeds,
                    since.elapsed().as_secs_f64()
                );
            }
        }
    });
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "orrery-sim: {word} seeds={done} failed={failed} minutes={} beats={} grid_beats={} \
         messages={} lives={} requests={} snapshots={} digest={:016x} seconds={:.1}",
        arguments.minutes,
        sum.beats,
        sum.grid_beats,
        sum.messages,
        sum.lives,
        sum.requests,
        sum.snapshots,
        sum.digest,
        since.elapsed().as_secs_f64()
    );
    ExitCode::from(u8::from(failed > 0))
}

fn add(sum: &mut Report, one: &Report) {
    sum.digest ^= one.digest;
    sum.beats += one.beats;
    sum.grid_beats += one.grid_beats;
    sum.messages += one.messages;
    sum.lives += one.lives;
    sum.snapshots += one.snapshots;
    sum.requests += one.requests;
}

fn print_failure(arguments: &Arguments, seed: u64, error: &anyhow::Error) {
    let canary = if cfg!(feature = "canary") {
        " --canary"
    } else {
        ""
    };
    let mut out = std::io::stdout().lock();
    // Whoever has closed the standard output has seen enough.
    let _ = writeln!(
        out,
        "seed {seed} failed: {error:#}\n  again: cargo xtask sim{canary} --minutes {} --seed {seed} --trace",
        arguments.minutes
    );
}

/// The content of the repository, for tests.
///
/// # Errors
/// If it cannot be compiled.
pub fn repository_content() -> anyhow::Result<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
    plan::compile(&folder).context("compile the repository's content")
}
