//! `orrery serve` and `orrery up`: run the server; the second also prepares what is missing,
//! brings bots, and shows one screen.

use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use orrery_game::galaxy::generate;
use orrery_services::galaxy::{self as stored, Replace};
use orrery_storage::{Store, StoreOptions};

use super::dashboard::Dashboard;
use super::galaxy::GenerateArgs;
use super::progress::{self, Bar};
use crate::config::Config;
use crate::host::recovery::Progress;
use crate::host::{Host, StartProgress, folder};

/// Between two looks at whether the server is to stop, or has stopped by itself.
const LOOK: Duration = Duration::from_millis(50);

/// Where the server keeps things and listens; what is not given is as configured.
#[derive(Args)]
pub(super) struct ServeArgs {
    /// The data folder.
    #[arg(long)]
    data: Option<PathBuf>,
    /// UDP port for QUIC; 0 takes a free one.
    #[arg(long)]
    port: Option<u16>,
    /// Address of the web pages and the REST interface.
    #[arg(long)]
    http: Option<std::net::SocketAddr>,
    /// Number of shards; 0 is one per core, at least two.
    #[arg(long)]
    shards: Option<u16>,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    stop_after: Option<u64>,
}

/// `orrery up`.
#[derive(Args)]
pub(super) struct UpArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// Bots to bring.
    #[arg(long, default_value_t = 100)]
    bots: u32,
    /// Folder with the content's TOML files.
    #[arg(long, default_value = "content")]
    content: PathBuf,
    /// Star systems of a new galaxy.
    #[arg(long, default_value_t = 24)]
    systems: u32,
    /// Seed of a new galaxy.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn configure(mut config: Config, args: &ServeArgs) -> anyhow::Result<Config> {
    let server = &mut config.server;
    if let Some(data) = &args.data {
        server.data.clone_from(data);
    }
    server.port = args.port.unwrap_or(server.port);
    server.http = args.http.unwrap_or(server.http);
    server.shards = args.shards.unwrap_or(server.shards);
    config.validate()?;
    Ok(config)
}

/// Runs the server until a signal, or as long as asked.
pub(super) fn serve(config: Config, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let config = configure(config, args)?;
    let signal = signals()?;
    let host = start(config)?;
    println!("quic {}", addresses(&host));
    println!("web http://{}", host.http());
    println!("ready");
    let started = Instant::now();
    while !signal.load(Ordering::Acquire) && !host.is_stopping() && !is_over(started, args) {
        std::thread::sleep(LOOK);
    }
    finish(host)
}

/// Prepares what is missing and runs the server with bots and a dashboard.
pub(super) fn up(config: Config, args: &UpArgs) -> anyhow::Result<ExitCode> {
    let config = configure(config, &args.serve)?;
    let signal = signals()?;
    prepare(&config, args)?;
    let data = config.server.data.clone();
    let host = start(config)?;
    let mut bots = if args.bots > 0 {
        Some(Bots::start(&host, &data, args.bots)?)
    } else {
        None
    };
    let mut dashboard = Dashboard::new();
    let started = Instant::now();
    while !signal.load(Ordering::Acquire) && !host.is_stopping() && !is_over(started, &args.serve) {
        dashboard.show(&host);
        if let Some(bots) = &mut bots {
            bots.check();
        }
        let next = Instant::now() + dashboard.interval();
        while Instant::now() < next && !signal.load(Ordering::Acquire) && !host.is_stopping() {
            std::thread::sleep(LOOK);
        }
    }
    dashboard.finish();
    println!("draining; once more to stop at once");
    host.stop();
    drop(bots);
    finish(host)
}

fn is_over(started: Instant, args: &ServeArgs) -> bool {
    args.stop_after
        .is_some_and(|seconds| started.elapsed() >= Duration::from_secs(seconds))
}

fn finish(host: Host) -> anyhow::Result<ExitCode> {
    match host.finish() {
        Ok(last) => {
            println!("stopped after beat {last}; the store is clean");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            super::fail(&error);
            // At once: RocksDB's threads rest for a second after a failed write, and an orderly
            // exit would wait for them. Nothing is left to be done for what is on the disk.
            signal_hook::low_level::exit(1)
        }
    }
}

/// Raised by Ctrl-C or a request to terminate; a second Ctrl-C ends the process at once.
fn signals() -> anyhow::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    let raised = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&raised))
            .context("watch signals")?;
        flag::register(signal, Arc::clone(&raised)).context("watch signals")?;
    }
    Ok(raised)
}

/// Every address that a client on this host may use.
pub(super) fn addresses(host: &Host) -> String {
    host.listen
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

struct Steps {
    bar: Option<Bar>,
}

impl StartProgress for Steps {
    fn step(&mut self, what: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        println!("· {what}");
    }

    fn replayed(&mut self, progress: Progress) {
        let bar = self.bar.get_or_insert_with(|| progress::bar("recover"));
        bar.update(progress.tick.0, progress.last.0);
    }
}

/// Starts a server and waits until every shard listens and beats: who reads that it is ready may
/// connect at once.
fn start(config: Config) -> anyhow::Result<Host> {
    let mut steps = Steps { bar: None };
    let host = Host::start(config, &mut steps)?;
    while !host.is_beating() && !host.is_stopping() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(host)
}

/// Content, store and galaxy, as far as they are missing.
fn prepare(config: &Config, args: &UpArgs) -> anyhow::Result<()> {
    let data = &config.server.data;
    folder::prepare(data)?;
    println!("· compile content from {}", args.content.display());
    let pack = orrery_game::content::compile(&args.content)?;
    pack.write(&folder::pack_path(data))
        .context("write the content pack")?;
    let content = folder::open_content(data)?;
    let options = StoreOptions {
        create: true,
        ..config.durability.store_options()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    if stored::load(&store).context("load the galaxy")?.is_none() {
        println!(
            "· generate a galaxy of {} systems, seed {}",
            args.systems, args.seed
        );
        let params = GenerateArgs::for_new(args.systems, args.seed).params();
        let galaxy = generate(&params, &content)?;
        store.write(&stored::store(&store, &params, &galaxy, Replace::No)?)?;
    }
    Ok(())
}

/// The swarm, in its own process so that it can be ended and measured by itself.
struct Bots {
    child: Child,
    told: bool,
}

impl Bots {
    fn start(host: &Host, data: &std::path::Path, count: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let child = Command::new(program)
            .args([
                "--log",
                "warn",
                "bots",
                "--quiet",
                "--behaviour",
                "mixed",
                "--count",
                &count.to_string(),
            ])
            .arg("--server")
            .arg(host.http().to_string())
            .arg("--operator-key")
            .arg(folder::operator_key_path(data))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("start the bots")?;
        Ok(Self { child, told: false })
    }

    /// Says once if the swarm has ended by itself.
    fn check(&mut self) {
        if let (false, Ok(Some(status))) = (self.told, self.child.try_wait()) {
            tracing::warn!(%status, "the bots have ended");
            self.told = true;
        }
    }
}

impl Drop for Bots {
    fn drop(&mut self) {
        // They may have ended by themselves, after the same Ctrl-C.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
