//! The host: everything of one server process, from an empty folder to a running galaxy and back
//! to a clean store.
//!
//! ```text
//! start   folder → content pack → store → galaxy → recovery → committer → control → shards
//! stop    shards drain and end after one same beat → last checkpoint → control → committer
//! ```

pub mod auditor;
pub mod backup;
pub mod checkpoints;
pub mod folder;
pub mod reader;
pub mod recovery;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, anyhow};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::rules::Stamped;
use orrery_kernel::runtime::{self, RuntimeConfig, Shards};
use orrery_kernel::world::World;
use orrery_net::{Certificate, EdgeConfig, EdgeKeys, Limits, Listen, Tls};
use orrery_services::economy::{self, Rules, Share};
use orrery_services::galaxy::{self, Stored};
use orrery_services::rows::RowError;
use orrery_storage::{BeatPort, Committer, Rows, Store};

use self::checkpoints::Checkpoints;
use self::recovery::Galaxy;
use crate::config::Config;
use crate::control::{self, Control};
use crate::metrics::Registry;
use crate::rules::Space;
use crate::rules::columns::NO_CLIENT;
use crate::rules::context::SpaceContext;
use crate::rules::input::Input;
use crate::shard::{self, ShardEconomy, ShardParts};

/// Messages that each ring between two shards holds; what does not fit waits with the sender.
const RING_CAPACITY: usize = 4_096;
/// How long an idle shard polls before its thread sleeps: beats are milliseconds apart, so not.
const SPIN: Duration = Duration::ZERO;

/// The stored galaxy.
///
/// # Errors
/// If there is none, or it cannot be read; the error says how to make one.
pub fn load_galaxy(rows: &impl Rows) -> anyhow::Result<Stored> {
    galaxy::load(rows)
        .context("load the galaxy")?
        .context("this store has no galaxy (make one with `orrery galaxy generate`)")
}

/// A running server.
pub struct Host {
    /// Every measurement.
    pub metrics: Arc<Registry>,
    /// What never changes.
    pub context: Arc<SpaceContext>,
    /// Where clients connect.
    pub listen: Listen,
    control: Control,
    shards: Shards<Tick>,
    checkpoints: Checkpoints,
    committer: Committer,
    reader: std::thread::JoinHandle<()>,
    auditor: Option<std::thread::JoinHandle<()>>,
    store: Store,
    stop: Arc<AtomicBool>,
}

/// What a start has done, step by step, for whoever watches.
pub trait StartProgress {
    /// A step begins.
    fn step(&mut self, what: &str);
    /// Recovery has replayed up to a beat.
    fn replayed(&mut self, progress: recovery::Progress);
}

/// The state that a start goes on from.
struct Recovered {
    store: Store,
    context: Arc<SpaceContext>,
    deal: recovery::Deal,
    /// The last durable beat.
    last: Tick,
    worlds: Vec<World<Space>>,
    orphans: Vec<(GridId, Stamped<Input>)>,
}

/// Opens content, store and galaxy, and recovers the last durable beat.
fn recover(config: &Config, progress: &mut dyn StartProgress) -> anyhow::Result<Recovered> {
    let data = &config.server.data;
    progress.step("load content");
    let content = folder::open_content(data)?;
    progress.step("open store");
    let options = config.durability.store_options();
    let store = Store::open(folder::store_path(data), &options)?;
    if store.at_open().last_beat.is_some() && !store.was_clean() {
        tracing::warn!("the store was not shut down cleanly: recovering");
    }
    let stored = load_galaxy(&store)?;
    let seed = stored.params.seed;
    let context = Arc::new(SpaceContext::new(content, stored.galaxy));
    context.check()?;
    let deal = recovery::Deal::new(&context, usize::from(config.shards()));
    progress.step("recover");
    let last = store.at_open().last_beat.unwrap_or(Tick(0));
    let galaxy = Galaxy { context, seed };
    let worlds = replay_to(&store, &galaxy, &deal, last, progress)
        .context("recover the last durable beat")?;
    let orphans = orphans(&worlds);
    Ok(Recovered {
        store,
        context: galaxy.context,
        deal,
        last,
        worlds,
        orphans,
    })
}

/// From the newest checkpoints through the journal to beat `last`.
fn replay_to(
    store: &Store,
    galaxy: &Galaxy,
    deal: &recovery::Deal,
    last: Tick,
    progress: &mut dyn StartProgress,
) -> anyhow::Result<Vec<World<Space>>> {
    let since = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut from = last;
    let mut report = |done: recovery::Progress| {
        from = from.min(done.tick.minus(1));
        progress.replayed(done);
    };
    let replay = recovery::recover(store, galaxy, deal.grids(), last, cores, &mut report)?;
    tracing::info!(
        beat = last.0,
        from = from.0,
        grid_beats = replay.beats,
        damaged_checkpoints = replay.skipped,
        digest = format!("{:016x}", replay.digest()),
        took_ms = since.elapsed().as_millis() as u64,
        "recovered, every digest equal"
    );
    replay.into_worlds(deal, last)
}

/// What is the same for every shard.
struct Shared<'a> {
    config: &'a Arc<Config>,
    listen: &'a Listen,
    tls: Tls,
    keys: EdgeKeys,
    committer: &'a Committer,
    control: &'a Control,
    metrics: &'a Registry,
    checkpoints: &'a Checkpoints,
}

/// Deals the worlds and all that goes with them to the shards.
fn shard_parts(
    recovered: Recovered,
    ports: Vec<BeatPort>,
    economies: Vec<ShardEconomy>,
    shared: &Shared<'_>,
) -> Vec<ShardParts> {
    let Recovered {
        context,
        deal,
        worlds,
        orphans,
        ..
    } = recovered;
    let shards = worlds.len() as u16;
    let dealt = worlds.into_iter().zip(ports).zip(economies);
    let dealt = (0..).map(ShardIndex).zip(dealt);
    let parts = dealt.map(|(shard, ((world, port), economy))| {
        let here = |grid: GridId| deal.world_of(grid) == Some(usize::from(shard.0));
        let orphans = orphans.iter().filter(|(grid, _)| here(*grid));
        ShardParts {
            stop: shared.control.stop_flag(),
            orphans: orphans.cloned().collect(),
            world,
            deal: deal.clone(),
            economy,
            port,
            durable: shared.committer.durable(),
            applied: shared.committer.applied(),
            listen: shared.listen.clone(),
            edge: EdgeConfig {
                shard,
                shards,
                limits: limits(shared.config, shards),
                tls: shared.tls.clone(),
                keys: shared.keys.clone(),
            },
            config: Arc::clone(shared.config),
            content_hash: context.content.hash(),
            control: shared.control.handle(),
            metrics: shared.metrics.shard(shard),
            images: shared.checkpoints.sender(),
            encoded: shared.checkpoints.encoded(shard),
        }
    });
    parts.collect()
}

/// Reads the partitions of the economy for every shard, and starts the thread that reads for them.
fn economies(
    store: &Store,
    context: &SpaceContext,
    shards: u16,
    last: Tick,
) -> anyhow::Result<(Vec<ShardEconomy>, std::thread::JoinHandle<()>)> {
    let partitions = economy::partitions(store).context("read the economy")?;
    let rules = Arc::new(Rules::new(&context.content, &context.galaxy, partitions));
    let (ports, thread) = reader::start(store.clone(), Arc::clone(&rules), shards)?;
    // Which ids collide is nobody's business.
    let seed = RandomState::new().hash_one(last.0);
    let economies = (0..shards).zip(ports).map(|(shard, port)| {
        let share = Share::load(store, &rules, (shard, shards), last, seed)?;
        let rules = Arc::clone(&rules);
        Ok(ShardEconomy::new(
            (ShardIndex(shard), shards),
            share,
            rules,
            port,
        ))
    });
    let economies = economies
        .collect::<Result<_, RowError>>()
        .context("read the economy")?;
    Ok((economies, thread))
}

/// Starts the shards' threads, each with its own parts.
fn start_shards(parts: Vec<ShardParts>, stop: Arc<AtomicBool>) -> anyhow::Result<Shards<Tick>> {
    let config = RuntimeConfig {
        shards: parts.len() as u16,
        mesh_capacity: RING_CAPACITY,
        spin_before_park: SPIN,
    };
    let parts = Mutex::new(parts.into_iter().map(Some).collect::<Vec<_>>());
    let shards = runtime::start(config, stop, move |seat| {
        let taken = parts
            .lock()
            .ok()
            .and_then(|mut parts| parts[usize::from(seat.shard.0)].take());
        async move {
            let parts = taken.ok_or("a shard was started twice")?;
            shard::run(seat, parts).await
        }
    })?;
    Ok(shards)
}

impl Host {
    /// Starts a server on a data folder that has a content pack and a galaxy.
    ///
    /// # Errors
    /// Whatever stands in the way, with what to do about it where that is known.
    pub fn start(config: Config, progress: &mut dyn StartProgress) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        let data = &config.server.data;
        folder::prepare(data)?;
        let listen = claim(&config)?;
        let recovered = recover(&config, progress)?;
        let context = Arc::clone(&recovered.context);
        progress.step("start");
        let shard_count = config.shards();
        let commit = config.durability.commit_options(recovered.last.next());
        let store = recovered.store.clone();
        let (committer, ports, control_port) =
            Committer::start(&store, usize::from(shard_count), commit)?;
        let metrics = Registry::new(usize::from(shard_count));
        metrics.show_commit(committer.stats(), committer.durable());
        let certificate = certificate(&config)?;
        let control = control::start(control::Setup {
            config: Arc::clone(&config),
            store: store.clone(),
            port: control_port.clone(),
            context: Arc::clone(&context),
            metrics: Arc::clone(&metrics),
            certificate_sha256: certificate.sha256(),
            quic_port: listen.port,
            shards: shard_count,
            stop: Arc::new(AtomicBool::new(false)),
        })?;
        let (economies, reader) = economies(&store, &context, shard_count, recovered.last)?;
        let grids = recovered.deal.grids().len();
        let durability = &config.durability;
        let checkpoints =
            Checkpoints::start(store.clone(), control_port, shard_count, grids, durability)?;
        let shared = Shared {
            config: &config,
            listen: &listen,
            tls: Tls::new(&certificate)?,
            keys: EdgeKeys::load_or_create(data)?,
            committer: &committer,
            control: &control,
            metrics: &metrics,
            checkpoints: &checkpoints,
        };
        let parts = shard_parts(recovered, ports, economies, &shared);
        let stop = control.stop_flag();
        let interval = Duration::from_secs(durability.audit_interval_s.into());
        let (audited, watched) = (store.clone(), Arc::clone(&metrics));
        let auditor = auditor::start(audited, watched, Arc::clone(&stop), interval)?;
        let shards = start_shards(parts, Arc::clone(&stop))?;
        Ok(Self {
            metrics,
            context,
            listen,
            control,
            shards,
            checkpoints,
            committer,
            reader,
            auditor,
            store,
            stop,
        })
    }

    /// Asks the server to drain and stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether the server has been asked to stop, or a shard has ended.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.shards.is_finished()
    }

    /// Whether every shard has done a beat.
    #[must_use]
    pub fn is_beating(&self) -> bool {
        self.metrics
            .shards()
            .iter()
            .all(|shard| shard.since_last_beat().is_some())
    }

    /// The address of the web pages and the REST interface.
    #[must_use]
    pub fn http(&self) -> std::net::SocketAddr {
        self.control.address()
    }

    /// Waits for the shards to end after one same beat, completes the last checkpoint and leaves
    /// a clean store. Returns the last beat.
    ///
    /// # Errors
    /// If a shard or the store has failed: the store is then as of its last durable beat, and the
    /// next start recovers it. It is left open then, because closing it takes a second after a
    /// failed write: end the process.
    pub fn finish(self) -> anyhow::Result<Tick> {
        self.stop();
        let shards = self.shards.join();
        // It ends with the last shard.
        let reader = self.reader.join();
        let auditor = self.auditor.map_or(Ok(()), std::thread::JoinHandle::join);
        self.checkpoints.finish();
        self.control.finish();
        let report = self.committer.finish().context("close the store");
        if report.is_err() || shards.is_err() {
            Box::leak(Box::new(self.store));
        }
        let last = shards.context("run the shards")?;
        reader.map_err(|_| anyhow!("the reader has panicked"))?;
        auditor.map_err(|_| anyhow!("the audit has panicked"))?;
        let report = report?;
        let last = last.into_iter().max().unwrap_or(Tick(0));
        if report.clean {
            Ok(last)
        } else {
            Err(anyhow!("the store is not clean: beats were discarded"))
        }
    }
}

/// Clients of an earlier life of the process: their ships are told that they are gone.
#[must_use]
pub fn orphans(worlds: &[World<Space>]) -> Vec<(GridId, Stamped<Input>)> {
    let mut orphans = Vec::new();
    for world in worlds {
        for grid in world.grids() {
            world.each_part(grid, |part| {
                let pilots = &part.table.columns().pilot;
                for (&ship, &client) in part.table.ids().iter().zip(&pilots.client) {
                    if client != NO_CLIENT {
                        let input = Input::Leave { client, ship };
                        let (source, sequence) = (client.0, u64::MAX);
                        let stamped = Stamped {
                            source,
                            sequence,
                            input,
                        };
                        orphans.push((grid, stamped));
                    }
                }
            });
        }
    }
    orphans
}

fn claim(config: &Config) -> anyhow::Result<Listen> {
    let server = &config.server;
    let listen = Listen {
        ipv4: server.ipv4,
        ipv6: server.ipv6,
        ..Listen::everywhere(server.port)
    };
    Ok(listen.claim()?)
}

fn certificate(config: &Config) -> anyhow::Result<Certificate> {
    let server = &config.server;
    match (&server.certificate, &server.certificate_key) {
        (Some(certificate), Some(key)) => Ok(Certificate::from_files(certificate, key)?),
        _ => Ok(Certificate::development(&server.data, SystemTime::now())?),
    }
}

/// The configured number of clients, shared out to the edges with some room for an uneven share:
/// the kernel spreads connections by their addresses.
fn limits(config: &Config, shards: u16) -> Limits {
    let share = (config.edge.max_clients as usize).div_ceil(usize::from(shards));
    let connections = if shards == 1 {
        share
    } else {
        (share + share / 4 + 8).min(config.edge.max_clients as usize)
    };
    Limits {
        connections,
        ..Limits::default()
    }
}
