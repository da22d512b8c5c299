//! One run: an empty folder, a server, a swarm, a look every second, a clean end.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::Args;
use crate::process::{Machine, Process, Usage, run_to_end, threads};
use crate::scrape::Scrape;

/// Bots in one star system, about: what the limits were set for.
const BOTS_PER_SYSTEM: u32 = 42;
/// How long the server may take to be ready.
const READY: Duration = Duration::from_secs(60);
/// How long it may take to drain and close its store.
const DRAIN: Duration = Duration::from_secs(60);
/// How long the bots may take to leave after the measured window.
const LEAVE: Duration = Duration::from_secs(30);
/// How long bots may take to arrive, all and each.
const ARRIVE: Duration = Duration::from_secs(60);
const ARRIVE_EACH: Duration = Duration::from_millis(50);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// The measured window ends so long before the bots leave.
const BEFORE_LEAVING: Duration = Duration::from_millis(300);

/// Everything that was seen at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Since the start of the server.
    pub(crate) at: Duration,
    /// The server's metrics.
    pub(crate) metrics: Scrape,
    /// What the server uses.
    pub(crate) server: Usage,
    /// What the bots use; nothing while there are none.
    pub(crate) bots: Option<Usage>,
    /// What the whole machine does.
    pub(crate) machine: Machine,
    /// The server's processor time by thread.
    pub(crate) threads: std::collections::BTreeMap<String, f64>,
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// The commands that were run, for the record.
    pub(crate) commands: Vec<String>,
    /// Star systems of the galaxy.
    pub(crate) systems: u32,
    /// From the start of the server to its readiness.
    pub(crate) ready_after: Duration,
    /// From the start of the bots until the last had arrived, logged in over REST and QUIC.
    pub(crate) arrived_after: Duration,
    /// The server alone, before the first bot.
    pub(crate) alone: Look,
    /// Once a second, from the start of the bots on.
    pub(crate) looks: Vec<Look>,
    /// The beginning of the measured window.
    pub(crate) begin: Look,
    /// Its end.
    pub(crate) end: Look,
    /// After the bots have left.
    pub(crate) after: Look,
    /// What the bots report of the same window.
    pub(crate) report: Value,
    /// How the bots ended.
    pub(crate) bots_ended: ExitStatus,
    /// Whether the server drained and left a clean store.
    pub(crate) clean: bool,
    /// The server's trace of its last minutes, beat by beat.
    pub(crate) trace: String,
    /// What the audit of the store says.
    pub(crate) audit: Result<String, String>,
}

/// Runs it. Whatever goes wrong, no process is left.
pub(crate) fn run(args: &Args, root: &Path) -> anyhow::Result<Run> {
    let stop = signals()?;
    let program = program(args)?;
    let folder = folder()?;
    let stage = Stage::prepare(args, program, root, folder.path(), Arc::clone(&stop))?;
    let result = stage.play(args);
    if args.keep || (result.is_err() && !stop.load(Ordering::Acquire)) {
        eprintln!("capacity: kept {}", folder.keep().display());
    }
    result
}

/// Raised by Ctrl-C or a request to end.
fn signals() -> anyhow::Result<Arc<AtomicBool>> {
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&raised)).context("watch signals")?;
    }
    Ok(raised)
}

fn program(args: &Args) -> anyhow::Result<PathBuf> {
    let beside = || Ok(std::env::current_exe()?.with_file_name("orrery"));
    let program = args
        .program
        .clone()
        .map_or_else(beside, Ok::<_, std::io::Error>)?;
    ensure!(
        program.is_file(),
        "there is no program {}: build it first",
        program.display()
    );
    program.canonicalize().context("find the program")
}

/// Beside the programs: on a real disk, where a folder for temporary files may be in memory.
fn folder() -> anyhow::Result<tempfile::TempDir> {
    let beside = std::env::current_exe().context("find this program")?;
    let base = beside
        .parent()
        .and_then(Path::parent)
        .context("find the build's folder")?
        .join("capacity");
    std::fs::create_dir_all(&base).with_context(|| format!("create {}", base.display()))?;
    tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(&base)
        .context("make a temporary folder")
}

/// Gets a text from the server.
fn text(agent: &ureq::Agent, url: &str) -> anyhow::Result<String> {
    let mut answer = agent
        .get(url)
        .call()
        .with_context(|| format!("get {url}"))?;
    let body = answer.body_mut().with_config().limit(64 << 20);
    body.read_to_string().with_context(|| format!("read {url}"))
}

/// Where a run takes place.
struct Stage {
    program: PathBuf,
    root: PathBuf,
    folder: PathBuf,
    systems: u32,
    commands: Vec<String>,
    stop: Arc<AtomicBool>,
    agent: ureq::Agent,
}

/// A server that is ready.
struct Server {
    process: Process,
    started: Instant,
    base: String,
}

impl Stage {
    /// A configuration, a content pack and a galaxy in an empty folder.
    fn prepare(
        args: &Args,
        program: PathBuf,
        root: &Path,
        folder: &Path,
        stop: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let systems = args
            .systems
            .unwrap_or_else(|| args.bots.div_ceil(BOTS_PER_SYSTEM).max(2));
        let (root, folder) = (root.to_owned(), folder.to_owned());
        let mut stage = Self {
            program,
            root,
            folder: folder.clone(),
            systems,
            commands: Vec::new(),
            stop,
            agent,
        };
        // Loopback only, free ports; tokens must outlive the arrival of a large swarm.
        let clients = args.bots + args.bots / 4 + 100;
        let config = format!(
            "[server]\nport = 0\nipv4 = \"127.0.0.1\"\nipv6 = \"::1\"\nhttp = \"127.0.0.1:0\"\n\
             shards = {}\ndata = {:?}\n[edge]\nmax_clients = {clients}\n[accounts]\ngame_token_seconds = 300\n",
            args.shards,
            folder.join("data"),
        );
        std::fs::write(stage.config(), config).context("write the configuration")?;
        println!("capacity: {systems} systems in {}", folder.display());
        let out = folder.join("data/content.pack");
        let (systems, seed) = (systems.to_string(), args.seed.to_string());
        stage.finish(&["content", "compile", "--out", &out.to_string_lossy()])?;
        stage.finish(&["galaxy", "generate", "--systems", &systems, "--seed", &seed])?;
        Ok(stage)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("orrery.toml")
    }

    /// A command of the program on this stage; the environment's settings are not this run's.
    fn command(&mut self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (key, _) in
            std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("ORRERY_"))
        {
            command.env_remove(key);
        }
        // The content is in the checkout.
        command.current_dir(&self.root);
        command
            .arg("--config")
            .arg(self.config())
            .args(["--log", "warn"])
            .args(arguments);
        // On record without the folder, which is gone afterwards.
        let folder = self.folder.to_string_lossy().into_owned();
        let shown: Vec<_> = arguments
            .iter()
            .map(|argument| argument.replace(&folder, "$RUN"))
            .collect();
        self.commands.push(format!(
            "orrery --config $RUN/orrery.toml {}",
            shown.join(" ")
        ));
        command
    }

    fn finish(&mut self, arguments: &[&str]) -> anyhow::Result<String> {
        run_to_end(&arguments.join(" "), &mut self.command(arguments))
    }

    fn must_go_on(&self) -> anyhow::Result<()> {
        ensure!(!self.stop.load(Ordering::Acquire), "stopped");
        Ok(())
    }

    fn play(mut self, args: &Args) -> anyhow::Result<Run> {
        let mut server = self.start_server(args)?;
        let ready_after = server.started.elapsed();
        println!(
            "capacity: ready after {:.1} s; {} bots come",
            ready_after.as_secs_f64(),
            args.bots
        );
        let alone = self.look(&mut server, None)?;
        let mut swarm = self.start_bots(args, &server)?;
        let mut watch = Watch::new(args);
        let bots_ended = watch.follow(&self, &mut server, &mut swarm)?;
        let (begin, end) = watch.begin.zip(watch.end).with_context(|| {
            format!(
                "the bots ended before the measured window did:\n{}",
                swarm.last_words()
            )
        })?;
        let after = self.look(&mut server, None)?;
        let trace = text(&self.agent, &format!("{}/trace.csv", server.base))?;
        let path = self.report();
        let report =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let report = serde_json::from_str(&report).context("understand the bots' report")?;
        println!("capacity: the server drains");
        let ended = server.process.end(DRAIN)?;
        let clean = ended.success() && server.process.last_words().contains("the store is clean");
        let audit = self
            .finish(&["audit"])
            .map_err(|error| format!("{error:#}"));
        Ok(Run {
            commands: self.commands,
            systems: self.systems,
            ready_after,
            arrived_after: watch.arrived_after,
            alone,
            looks: watch.looks,
            begin,
            end,
            after,
            report,
            bots_ended,
            clean,
            trace,
            audit,
        })
    }

    fn start_server(&mut self, args: &Args) -> anyhow::Result<Server> {
        // A bound of its own: should this program be killed, the server still ends.
        let longest = READY + ARRIVE + ARRIVE_EACH * args.bots + LEAVE + DRAIN;
        let seconds = longest.as_secs() + u64::from(args.seconds + args.warm_up);
        let started = Instant::now();
        let mut command = self.command(&["serve", "--stop-after", &seconds.to_string()]);
        let mut process =
            Process::start("the server", &mut command, &self.folder.join("server.log"))?;
        let mut base = None;
        while started.elapsed() < READY {
            self.must_go_on()?;
            process.must_run()?;
            match process.line(Duration::from_millis(50)) {
                Some(line) if line == "ready" => break,
                Some(line) => base = line.strip_prefix("web ").map(str::to_owned).or(base),
                None => {}
            }
        }
        let base = base.context("the server did not say where it listens")?;
        while started.elapsed() < READY {
            self.must_go_on()?;
            process.must_run()?;
            if self.agent.get(format!("{base}/readyz")).call().is_ok() {
                return Ok(Server {
                    process,
                    started,
                    base,
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the server was not ready within {} s", READY.as_secs())
    }

    fn report(&self) -> PathBuf {
        self.folder.join("bots.json")
    }

    fn start_bots(&mut self, args: &Args, server: &Server) -> anyhow::Result<Process> {
        let (count, seconds) = (args.bots.to_string(), args.seconds.to_string());
        let (warm_up, seed) = (args.warm_up.to_string(), args.seed.to_string());
        let report = self.report().to_string_lossy().into_owned();
        let mut command = self.command(&[
            "bots",
            "--count",
            &count,
            "--behaviour",
            &args.behaviour,
            "--seconds",
            &seconds,
            "--warm-up",
            &warm_up,
            "--seed",
            &seed,
            "--report",
            &report,
            "--server",
            &server.base,
        ]);
        Process::start("the bots", &mut command, &self.folder.join("bots.log"))
    }

    fn look(&self, server: &mut Server, bots: Option<&Process>) -> anyhow::Result<Look> {
        server.process.must_run()?;
        let id = server.process.id();
        Ok(Look {
            at: server.started.elapsed(),
            metrics: Scrape::of(&self.agent, &server.base)?,
            server: Usage::of(id)?,
            // They may end at any moment, and then use nothing.
            bots: bots.and_then(|bots| Usage::of(bots.id()).ok()),
            machine: Machine::now()?,
            threads: threads(id)?,
        })
    }
}

/// Follows the bots from their arrival to their end.
struct Watch {
    window: Duration,
    arrive_within: Duration,
    started: Instant,
    arrived_after: Duration,
    measuring: Option<Instant>,
    looks: Vec<Look>,
    begin: Option<Look>,
    end: Option<Look>,
}

impl Watch {
    fn new(args: &Args) -> Self {
        Self {
            window: Duration::from_secs(args.seconds.into()),
            arrive_within: ARRIVE
                + ARRIVE_EACH * args.bots
                + Duration::from_secs(args.warm_up.into()),
            started: Instant::now(),
            arrived_after: Duration::ZERO,
            measuring: None,
            looks: Vec::new(),
            begin: None,
            end: None,
        }
    }

    fn follow(
        &mut self,
        stage: &Stage,
        server: &mut Server,
        bots: &mut Process,
    ) -> anyhow::Result<ExitStatus> {
        let mut next_look = Instant::now();
        loop {
            stage.must_go_on()?;
            let wait = next_look
                .saturating_duration_since(Instant::now())
                .min(Duration::from_millis(50));
            if let Some(line) = bots.line(wait) {
                self.heard(&line, stage, server, bots)?;
                continue;
            }
            if let Some(status) = bots.poll_end()? {
                return Ok(status);
            }
            let over = self
                .measuring
                .is_some_and(|since| since.elapsed() + BEFORE_LEAVING >= self.window);
            if over && self.end.is_none() {
                self.end = Some(stage.look(server, Some(bots))?);
            }
            if Instant::now() >= next_look {
                next_look += LOOK;
                self.looks.push(stage.look(server, Some(bots))?);
            }
            match self.measuring {
                None => ensure!(
                    self.started.elapsed() < self.arrive_within,
                    "the bots have not arrived within {} s:\n{}",
                    self.arrive_within.as_secs(),
                    bots.last_words()
                ),
                Some(since) => {
                    ensure!(since.elapsed() < self.window + LEAVE, "the bots do not end");
                }
            }
            // Without this, a bot's process that has closed its output would be a busy loop.
            if wait.is_zero() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn heard(
        &mut self,
        line: &str,
        stage: &Stage,
        server: &mut Server,
        bots: &Process,
    ) -> anyhow::Result<()> {
        if line == "measuring" {
            self.measuring = Some(Instant::now());
            self.begin = Some(stage.look(server, Some(bots))?);
            println!("capacity: measuring for {} s", self.window.as_secs());
        } else if self.measuring.is_none() {
            println!("capacity: {line}");
            if line.ends_with("play") {
                self.arrived_after = self.started.elapsed();
            }
        }
        Ok(())
    }
}
