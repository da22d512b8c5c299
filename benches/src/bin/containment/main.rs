//! `orrery-containment`: what a grid that fails does to its players and to its neighbours.
//!
//! ```text
//! orrery-containment ──starts──▶ orrery serve   (two shards, faults allowed, nothing balanced)
//!                    ──starts──▶ orrery bots    (N players, in their own process)
//!                    window 1: nothing happens
//!                    window 2: the grid with most players is made to fail, again and again
//!                    ──at the end──▶ GET /trace.csv: every beat of both shards; results
//! ```
//!
//! Beats are told apart by their numbers: those of window 1 and those of window 2, of the shard
//! that has the failing grid and of the other one. Quantiles are of single beats, not of buckets.
//! The time of a restoration is the server's own: from the panic until the grid goes on.
//!
//! Results go to `perf/results/containment.{json,md}`. The exit code is 0 if every limit holds,
//! 1 if one does not, 2 if the run itself failed.

#![forbid(unsafe_code)]

#[path = "../capacity/process.rs"]
#[allow(dead_code, reason = "shared with the program that measures capacity")]
mod process;
mod results;
#[path = "../capacity/scrape.rs"]
#[allow(dead_code, reason = "shared with the program that measures capacity")]
mod scrape;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use serde_json::Value;

use crate::process::{Process, run_to_end};
use crate::results::{Beats, Outcome};
use crate::scrape::Scrape;

/// Makes a crowded grid fail and measures who notices.
#[derive(Clone, Debug, Parser)]
#[command(name = "orrery-containment", version, about)]
struct Args {
    /// Bots.
    #[arg(default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    bots: u32,
    /// Faults, one after the other.
    #[arg(default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    faults: u32,
    /// Seconds without a fault before the first, and after each.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    pause: u32,
    /// Star systems; one for some 42 bots if not given.
    #[arg(long)]
    systems: Option<u32>,
    /// Seed of the galaxy and of the bots.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program `orrery`; the one beside this program if not given.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where the results go; `perf/results` if not given.
    #[arg(long, value_name = "FOLDER")]
    results: Option<PathBuf>,
}

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at something.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let args = Args::parse();
    match measure(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("containment: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn measure(args: &Args) -> anyhow::Result<bool> {
    let root = orrery_benches::machine::root().context("find the checkout")?;
    let beside = std::env::current_exe().context("find this program")?;
    let program = args.program.clone();
    let program = program.unwrap_or_else(|| beside.with_file_name("orrery"));
    ensure!(program.is_file(), "build {} first", program.display());
    // Beside the programs: on a real disk, where a folder for temporary files may be in memory.
    let base = beside.parent().context("find the build's folder")?;
    let folder = tempfile::Builder::new()
        .prefix("containment-")
        .tempdir_in(base)
        .context("make a temporary folder")?;
    let stage = Stage {
        program,
        root: root.clone(),
        folder: folder.path().to_owned(),
        agent: ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into(),
    };
    let load = orrery_benches::machine::load();
    let outcome = stage.play(args)?;
    let results = args.results.clone();
    let results = results.unwrap_or_else(|| root.join("perf/results"));
    let holds = results::write(&results, args.bots, &outcome, &root, load)?;
    println!("containment: {}/containment.{{json,md}}", results.display());
    Ok(holds)
}

/// Where it takes place.
struct Stage {
    program: PathBuf,
    root: PathBuf,
    folder: PathBuf,
    agent: ureq::Agent,
}

impl Stage {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("ORRERY_") {
                command.env_remove(key);
            }
        }
        // The content is in the checkout.
        command.current_dir(&self.root);
        let config = self.folder.join("orrery.toml");
        command.arg("--config").arg(config);
        command.args(["--log", "warn"]).args(arguments);
        command
    }

    fn finish(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run_to_end(&arguments.join(" "), &mut self.command(arguments))
    }

    fn prepare(&self, args: &Args) -> anyhow::Result<()> {
        let systems = args.systems.unwrap_or(args.bots.div_ceil(42).max(2));
        let config = format!(
            "[server]\nport = 0\nipv4 = \"127.0.0.1\"\nipv6 = \"::1\"\nhttp = \"127.0.0.1:0\"\n\
             shards = 2\nallow_faults = true\ndata = {:?}\n[edge]\nmax_clients = {}\n\
             [accounts]\ngame_token_seconds = 300\n[balance]\nenabled = false\n",
            self.folder.join("data"),
            args.bots + 100,
        );
        std::fs::write(self.folder.join("orrery.toml"), config)
            .context("write the configuration")?;
        let out = self.folder.join("data/content.pack");
        self.finish(&["content", "compile", "--out", &out.to_string_lossy()])?;
        let (systems, seed) = (systems.to_string(), args.seed.to_string());
        self.finish(&["galaxy", "generate", "--systems", &systems, "--seed", &seed])?;
        Ok(())
    }

    fn play(&self, args: &Args) -> anyhow::Result<Outcome> {
        self.prepare(args)?;
        // Bounds of their own: should this program be killed, both still end.
        let seconds = u64::from((args.pause + 2) * (args.faults + 1) + 15);
        let longest = (seconds + 4 * PATIENCE.as_secs()).to_string();
        let mut serve = self.command(&["serve", "--stop-after", &longest]);
        let log = self.folder.join("server.log");
        let mut server = Process::start("the server", &mut serve, &log)?;
        let base = heard(&mut server, |line| {
            line.strip_prefix("web ").map(str::to_owned)
        })?;
        heard(&mut server, |line| (line == "ready").then_some(()))?;
        let report = self.folder.join("bots.json");
        let (count, seconds) = (args.bots.to_string(), seconds.to_string());
        let (report_path, seed) = (report.to_string_lossy(), args.seed.to_string());
        let mut bots = Process::start(
            "the bots",
            &mut self.command(&[
                "bots",
                "--behaviour",
                "mixed",
                "--count",
                &count,
                "--seconds",
                &seconds,
                "--warm-up",
                "3",
                "--seed",
                &seed,
                "--report",
                &report_path,
                "--server",
                &base,
            ]),
            &self.folder.join("bots.log"),
        )?;
        heard(&mut bots, |line| {
            println!("containment: {line}");
            (line == "measuring").then_some(())
        })?;
        let outcome = self.fail_again_and_again(args, &base, &mut server)?;
        let since = Instant::now();
        while bots.poll_end()?.is_none() {
            ensure!(since.elapsed() < PATIENCE, "the bots do not end");
            std::thread::sleep(LOOK);
        }
        let text = std::fs::read_to_string(&report).context("read the bots' report")?;
        let report: Value = serde_json::from_str(&text).context("understand the bots' report")?;
        let ended = server.end(PATIENCE)?;
        let clean = ended.success() && server.last_words().contains("the store is clean");
        let replay = self.finish(&["replay", "--verify"]);
        if let Err(error) = &replay {
            eprintln!("containment: {error:#}");
        }
        Ok(Outcome {
            report,
            clean,
            repeatable: replay.is_ok(),
            ..outcome
        })
    }

    /// Both windows.
    fn fail_again_and_again(
        &self,
        args: &Args,
        base: &str,
        server: &mut Process,
    ) -> anyhow::Result<Outcome> {
        let scrape = || Scrape::of(&self.agent, base);
        let tick = |scrape: &Scrape| scrape.sum("orrery_tick", &["shard=\"0\""]) as u64;
        let pause = Duration::from_secs(args.pause.into());
        let (grid, home, players) = self.crowded(base)?;
        println!("containment: grid {grid} with {players} players is on shard {home}");
        let begin = tick(&scrape()?);
        std::thread::sleep(pause * 2);
        let middle = tick(&scrape()?);
        let mut restored_s = Vec::new();
        let mut before_s = 0.0;
        for fault in 1..=args.faults {
            let number = grid.to_string();
            self.finish(&["grid", "fault", &number, "--no-wait", "--server", base])?;
            let since = Instant::now();
            loop {
                server.must_run()?;
                let now = scrape()?;
                if now.sum("orrery_grids_restored_total", &[]) >= f64::from(fault) {
                    let sum_s = now.sum("orrery_grid_restore_duration_seconds_sum", &[]);
                    restored_s.push(sum_s - before_s);
                    before_s = sum_s;
                    break;
                }
                ensure!(since.elapsed() < PATIENCE, "grid {grid} does not come back");
                std::thread::sleep(LOOK);
            }
            println!(
                "containment: back after {:.3} s",
                restored_s[restored_s.len() - 1]
            );
            std::thread::sleep(pause);
        }
        let last = scrape()?;
        let (end, trace) = (tick(&last), self.trace(base)?);
        let other = 1 - home;
        let beats = |shard, from, to| Beats::of(&trace, shard, from, to);
        Ok(Outcome {
            grid,
            players,
            restored_s,
            clients_at_end: last.sum("orrery_clients", &[]) as u32,
            own_before: beats(home, begin, middle)?,
            own_after: beats(home, middle, end)?,
            other_before: beats(other, begin, middle)?,
            other_after: beats(other, middle, end)?,
            report: Value::Null,
            clean: false,
            repeatable: false,
        })
    }

    /// The grid with most players, its shard, and how many they are.
    fn crowded(&self, base: &str) -> anyhow::Result<(u64, u64, u64)> {
        let list = self.finish(&["grid", "list", "--json", "--server", base])?;
        let list: Vec<Value> = serde_json::from_str(&list).context("understand the grids")?;
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap_or(0);
        let most = list.iter().max_by_key(|row| number(row, "clients"));
        let row = most.context("there is no grid")?;
        let players = number(row, "clients");
        ensure!(players > 0, "nobody is in space");
        Ok((number(row, "grid"), number(row, "shard"), players))
    }

    fn trace(&self, base: &str) -> anyhow::Result<String> {
        let url = format!("{base}/trace.csv");
        let mut answer = self.agent.get(&url).call().context("get the trace")?;
        let body = answer.body_mut().with_config().limit(64 << 20);
        body.read_to_string().context("read the trace")
    }
}

/// Waits for a line of a process.
fn heard<T>(process: &mut Process, mut wanted: impl FnMut(&str) -> Option<T>) -> anyhow::Result<T> {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        process.must_run()?;
        if let Some(found) = process.line(LOOK).and_then(|line| wanted(&line)) {
            return Ok(found);
        }
    }
    bail!("it does not say what it should:\n{}", process.last_words())
}

/// The folder that a file is in is made.
fn create(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))
}
