//! The host: everything of one server process, from an empty folder to a running galaxy and back
//! to a clean store.
//!
//! ```text
//! start   folder → content pack → store → galaxy → recovery → committer → control → shards
//! stop    shards drain and end after one same beat → last checkpoint → control → committer
//! ```

pub mod checkpoints;
pub mod folder;
pub mod recovery;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_kernel::runtime::{self, RuntimeConfig, Shards};
use orrery_kernel::world::World;
use orrery_net::{Certificate, EdgeConfig, EdgeKeys, Limits, Listen, Tls};
use orrery_services::galaxy::{self, Stored};
use orrery_storage::{CommitOptions, Committer, Rows, Store, StoreOptions};

use crate::config::Config;
use crate::control::{self, Control};
use crate::metrics::Registry;
use crate::rules::Space;
use crate::rules::columns::NO_CLIENT;
use crate::rules::context::SpaceContext;
use crate::rules::input::{Input, Message};
use crate::shard::{self, ShardParts};

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
    completer: checkpoints::Completer,
    committer: Committer,
    stop: Arc<AtomicBool>,
}

/// What a start has done, step by step, for whoever watches.
pub trait StartProgress {
    /// A step begins.
    fn step(&mut self, what: &str);
    /// Recovery has replayed up to a beat.
    fn replayed(&mut self, progress: recovery::Progress);
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
        progress.step("load content");
        let content = folder::open_content(data)?;
        let content_hash = content.hash();
        progress.step("open store");
        let options = StoreOptions {
            create: false,
            sync: config.durability.sync,
            ..StoreOptions::default()
        };
        let store = Store::open(folder::store_path(data), &options)?;
        if store.at_open().last_beat.is_some() && !store.was_clean() {
            tracing::warn!("the store was not shut down cleanly: recovering");
        }
        let stored = load_galaxy(&store)?;
        let seed = stored.params.seed;
        let context = Arc::new(SpaceContext::new(content, stored.galaxy));
        context.check()?;
        let shard_count = config.shards();
        let deal = recovery::Deal::new(&context, usize::from(shard_count));
        progress.step("recover");
        let last = store.at_open().last_beat.unwrap_or(Tick(0));
        let replayed = recovery::replay(
            &store,
            &context,
            seed,
            &deal,
            recovery::Start::Newest,
            last,
            |at| progress.replayed(at),
        )
        .context("recover the last durable beat")?;
        tracing::info!(beat = last.0, checkpoint = replayed.from.0, "recovered");
        let orphans = orphans(&replayed.lockstep);
        let (worlds, pending) = replayed.lockstep.into_worlds();

        progress.step("start");
        let commit = CommitOptions {
            first_beat: Some(last.next()),
            ..CommitOptions::default()
        };
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
        let stop = control.stop_flag();
        let completer =
            checkpoints::Completer::start(store, control_port, shard_count, &config.durability)?;
        let tls = Tls::new(&certificate)?;
        let keys = EdgeKeys::load_or_create(data)?;
        let mut parts: Vec<Option<ShardParts>> = Vec::new();
        for (shard, (world, port)) in (0..).map(ShardIndex).zip(worlds.into_iter().zip(ports)) {
            let here = |grid: GridId| deal.world_of(grid) == Some(usize::from(shard.0));
            parts.push(Some(ShardParts {
                stop: Arc::clone(&stop),
                pending: pending
                    .iter()
                    .filter(|envelope| here(envelope.to))
                    .cloned()
                    .collect(),
                orphans: orphans
                    .iter()
                    .filter(|(grid, _)| here(*grid))
                    .cloned()
                    .collect(),
                world,
                deal: deal.clone(),
                port,
                durable: committer.durable(),
                listen: listen.clone(),
                edge: EdgeConfig {
                    shard,
                    shards: shard_count,
                    limits: limits(&config, shard_count),
                    tls: tls.clone(),
                    keys: keys.clone(),
                },
                config: Arc::clone(&config),
                content_hash,
                control: control.handle(),
                metrics: metrics.shard(shard),
                checkpoints: completer.sender(),
            }));
        }
        let parts = Arc::new(std::sync::Mutex::new(parts));
        let runtime_config = RuntimeConfig {
            shards: shard_count,
            mesh_capacity: RING_CAPACITY,
            spin_before_park: SPIN,
        };
        let shards = runtime::start(runtime_config, Arc::clone(&stop), move |seat| {
            let taken = parts
                .lock()
                .ok()
                .and_then(|mut parts| parts[usize::from(seat.shard.0)].take());
            async move {
                let parts = taken.ok_or("a shard was started twice")?;
                shard::run(seat, parts).await
            }
        })?;
        Ok(Self {
            metrics,
            context,
            listen,
            control,
            shards,
            completer,
            committer,
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
    /// next start recovers it.
    pub fn finish(self) -> anyhow::Result<Tick> {
        self.stop();
        let shards = self.shards.join();
        self.completer.finish();
        self.control.finish();
        let report = self.committer.finish().context("close the store");
        let last = shards.context("run the shards")?;
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
fn orphans(lockstep: &Lockstep<Space>) -> Vec<(GridId, Stamped<Input>)> {
    let mut orphans = Vec::new();
    for grid in lockstep.worlds().iter().flat_map(World::grids) {
        for part in grid.parts() {
            let pilots = &part.table.columns().pilot;
            for (&ship, &client) in part.table.ids().iter().zip(&pilots.client) {
                if client != NO_CLIENT {
                    let input = Input::Leave { client, ship };
                    orphans.push((
                        grid.id(),
                        Stamped {
                            source: client.0,
                            sequence: u64::MAX,
                            input,
                        },
                    ));
                }
            }
        }
    }
    orphans
}

/// Messages on their way to the grids of one shard.
pub type Pending = Vec<Envelope<Message>>;

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
