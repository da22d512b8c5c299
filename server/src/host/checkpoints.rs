//! Completes checkpoints: the shards' shares are in their beats' batches; when all shards have
//! written theirs, the header that makes them one checkpoint is written, and what is too old to
//! be kept is removed.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use anyhow::Context as _;
use crossbeam::channel::{Receiver, Sender, unbounded};
use orrery_base::Tick;
use orrery_storage::checkpoint::{GridSum, put_header};
use orrery_storage::prune::{Keep, prune};
use orrery_storage::{Batch, ControlPort, Store};

use crate::config::DurabilityConfig;
use crate::shard::ShardCheckpoint;

/// The thread that completes checkpoints.
pub struct Completer {
    sender: Sender<ShardCheckpoint>,
    thread: JoinHandle<()>,
}

impl Completer {
    /// Starts the thread for a host of `shards`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        store: Store,
        port: ControlPort,
        shards: u16,
        config: &DurabilityConfig,
    ) -> anyhow::Result<Self> {
        // A message per shard and checkpoint, minutes apart from being many.
        let (sender, receiver) = unbounded();
        let keep = Keep {
            checkpoints: (config.keep_beats / config.checkpoint_interval_beats) as usize + 2,
            journal_beats: u64::from(config.keep_beats),
        };
        let thread = std::thread::Builder::new()
            .name("orrery-checkpoints".into())
            .spawn(move || complete(&store, &port, usize::from(shards), keep, &receiver))
            .context("start the checkpoint thread")?;
        Ok(Self { sender, thread })
    }

    /// Where a shard reports its shares.
    #[must_use]
    pub fn sender(&self) -> Sender<ShardCheckpoint> {
        self.sender.clone()
    }

    /// Completes what all shards have reported, then ends. The shards must have ended.
    pub fn finish(self) {
        drop(self.sender);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked; the journal still has every beat");
        }
    }
}

fn complete(
    store: &Store,
    port: &ControlPort,
    shards: usize,
    keep: Keep,
    reports: &Receiver<ShardCheckpoint>,
) {
    let mut open: BTreeMap<Tick, Vec<Vec<GridSum>>> = BTreeMap::new();
    for report in reports {
        let shares = open.entry(report.tick).or_default();
        shares.push(report.sums);
        if shares.len() < shards {
            continue;
        }
        let sums: Vec<GridSum> = open
            .remove(&report.tick)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        let mut batch = Batch::new();
        put_header(&mut batch, report.tick, &sums);
        // The last complete checkpoint is older than this one: pruning sees it and those before.
        if let Err(error) = prune(store, report.tick, keep, &mut batch) {
            tracing::error!(%error, "prune old checkpoints and journal");
        }
        let tick = report.tick;
        port.commit(batch).on_durable(move |outcome| match outcome {
            Ok(()) => tracing::debug!(beat = tick.0, "checkpoint complete"),
            Err(error) => tracing::error!(%error, beat = tick.0, "complete checkpoint"),
        });
    }
}
