//! Bounds what is kept: when all shards have submitted the checkpoint of a beat (in that beat's
//! rows, so that it is there as a whole or not at all), older checkpoints and the journal before
//! them are let go, as far as nobody wants to replay them.

use std::collections::BTreeMap;
use std::thread::JoinHandle;

use anyhow::Context as _;
use crossbeam::channel::{Receiver, Sender, unbounded};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_storage::prune::prune;
use orrery_storage::{Batch, ControlPort, Store};

use super::recovery::{Deal, pending_row};
use crate::config::DurabilityConfig;
use crate::shard::ShardCheckpoint;

/// The thread that prunes.
pub struct Completer {
    sender: Sender<ShardCheckpoint>,
    thread: JoinHandle<()>,
}

impl Completer {
    /// Starts the thread for a host of `shards` with the grids of `deal`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        store: Store,
        port: ControlPort,
        shards: u16,
        deal: Deal,
        config: &DurabilityConfig,
    ) -> anyhow::Result<Self> {
        // A message per shard and checkpoint, minutes apart from being many.
        let (sender, receiver) = unbounded();
        let pruner = Pruner {
            store,
            port,
            shards,
            deal,
            keep_beats: u64::from(config.keep_beats),
        };
        let thread = std::thread::Builder::new()
            .name("orrery-checkpoints".into())
            .spawn(move || pruner.run(&receiver))
            .context("start the checkpoint thread")?;
        Ok(Self { sender, thread })
    }

    /// Where a shard reports its shares.
    #[must_use]
    pub fn sender(&self) -> Sender<ShardCheckpoint> {
        self.sender.clone()
    }

    /// Ends after the last report. The shards must have ended.
    pub fn finish(self) {
        drop(self.sender);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked; the journal still has every beat");
        }
    }
}

struct Pruner {
    store: Store,
    port: ControlPort,
    shards: u16,
    deal: Deal,
    keep_beats: u64,
}

impl Pruner {
    fn run(self, reports: &Receiver<ShardCheckpoint>) {
        let mut open: BTreeMap<Tick, u16> = BTreeMap::new();
        for report in reports {
            let shares = open.entry(report.tick).or_default();
            *shares += 1;
            if *shares == self.shards {
                open.remove(&report.tick);
                self.prune(report.tick);
            }
        }
    }

    /// The checkpoint of `tick` is on its way: pruning sees those before it, which are there.
    fn prune(&self, tick: Tick) {
        let mut batch = Batch::new();
        let pruned = match prune(&self.store, tick.minus(self.keep_beats), &mut batch) {
            Ok(pruned) => pruned,
            Err(error) => return tracing::error!(%error, "prune old checkpoints"),
        };
        // Every grid of the galaxy has a checkpoint at the same beats; what is left of shards
        // that this host does not have any more holds nothing back.
        let is_ours = |grid: GridId| {
            let shards = (0..self.shards).map(ShardIndex);
            self.deal.world_of(grid).is_some()
                || shards.map(pending_row).any(|pending| pending == grid)
        };
        let recovery_from = pruned.recovery_from(is_ours);
        let wanted_from = pruned.wanted_from(is_ours);
        let port = self.port.clone();
        self.port
            .commit(batch)
            .on_durable(move |outcome| match outcome {
                Ok(()) => {
                    port.keep_journal(recovery_from, wanted_from);
                    tracing::debug!(
                        beat = tick.0,
                        removed = pruned.removed,
                        journal_from = wanted_from.0,
                        "pruned"
                    );
                }
                Err(error) => tracing::error!(%error, beat = tick.0, "prune old checkpoints"),
            });
    }
}
