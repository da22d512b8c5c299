//! Writes checkpoints, off the beat: shards send images of their grids, a thread encodes them and
//! commits each when its beat is durable, sends the bytes back to the shard, which would restore
//! the grid from them, and says which part of the journal is still wanted.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use crossbeam::channel::{Receiver, Sender, unbounded};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_storage::prune::{Kept, prune};
use orrery_storage::{Batch, ControlPort, Rows, Store, checkpoint};

use crate::config::DurabilityConfig;
use crate::shard::{EncodedImage, ImageJob, ImageNews};

/// Beats between two looks at what may be forgotten: ten seconds.
const PRUNE_BEATS: u64 = 300;
/// How long the disk may take for a beat before a checkpoint of it is given up.
const DURABLE_WITHIN: Duration = Duration::from_secs(30);

/// The thread that writes checkpoints.
pub struct Checkpoints {
    sender: Sender<ImageJob>,
    encoded: Vec<Receiver<EncodedImage>>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread for a host of `shards` with so many grids.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        store: Store,
        port: ControlPort,
        shards: u16,
        grids: usize,
        config: &DurabilityConfig,
    ) -> anyhow::Result<Self> {
        // Shards look at its length before they send.
        let (sender, receiver) = unbounded();
        let (senders, encoded) = (0..shards).map(|_| unbounded()).unzip();
        let keep_beats = u64::from(config.keep_beats);
        let durable = port.durable();
        let mut writer = CheckpointWriter::new(store, port, senders, grids, keep_beats);
        let thread = std::thread::Builder::new()
            .name("orrery-checkpoints".into())
            .spawn(move || {
                for job in &receiver {
                    let Some(prepared) = writer.prepare(job) else {
                        continue;
                    };
                    let (grid, beat) = (prepared.grid.0, prepared.tick.0);
                    if matches!(durable.wait(prepared.tick, DURABLE_WITHIN), Ok(true)) {
                        writer.write(prepared);
                    } else {
                        tracing::error!(beat, grid, "checkpoint given up");
                    }
                }
            })
            .context("start the checkpoint thread")?;
        Ok(Self {
            sender,
            encoded,
            thread,
        })
    }

    /// Where shards send their images.
    #[must_use]
    pub fn sender(&self) -> Sender<ImageJob> {
        self.sender.clone()
    }

    /// Where a shard finds its images as bytes.
    #[must_use]
    pub fn encoded(&self, shard: ShardIndex) -> Receiver<EncodedImage> {
        self.encoded[usize::from(shard.0)].clone()
    }

    /// Writes what all shards have sent, then ends. The shards must have ended.
    pub fn finish(self) {
        drop(self.sender);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread panicked; the journal still has every beat");
        }
    }
}

/// What the thread does, without the thread and without waiting.
pub struct CheckpointWriter<R> {
    rows: R,
    port: ControlPort,
    encoded: Vec<Sender<EncodedImage>>,
    grids: usize,
    keep_beats: u64,
    /// When it was last looked at what may be forgotten.
    pruned: Tick,
}

/// An image as bytes, to be written when its beat is durable: a checkpoint must never be newer
/// than the rows around it.
#[derive(Debug)]
pub struct Prepared {
    /// The shard that the grid is on.
    pub shard: ShardIndex,
    /// The grid.
    pub grid: GridId,
    /// The host's beat after which the image was taken.
    pub tick: Tick,
    bytes: Arc<Vec<u8>>,
}

impl<R: Rows> CheckpointWriter<R> {
    /// Reads old checkpoints from `rows`, writes new ones to `port`, and gives their bytes to the
    /// shards through `encoded`. Checkpoints and journal of the last `keep_beats` stay; all of the
    /// journal, until each of the galaxy's `grids` has a checkpoint.
    #[must_use]
    pub const fn new(
        rows: R,
        port: ControlPort,
        encoded: Vec<Sender<EncodedImage>>,
        grids: usize,
        keep_beats: u64,
    ) -> Self {
        Self {
            rows,
            port,
            encoded,
            grids,
            keep_beats,
            pruned: Tick(0),
        }
    }

    /// Takes in what a shard has sent; gives back what is to be written when its beat is durable.
    pub fn prepare(&mut self, job: ImageJob) -> Option<Prepared> {
        match job.news {
            ImageNews::Unchanged { tick } => {
                self.look_back(tick);
                None
            }
            ImageNews::Changed(image) => Some(Prepared {
                shard: job.shard,
                grid: image.image.grid(),
                tick: image.tick,
                bytes: Arc::new(image.image.encode()),
            }),
        }
    }

    /// Commits a checkpoint, whose beat must be durable.
    pub fn write(&mut self, prepared: Prepared) {
        let Prepared {
            shard,
            grid,
            tick,
            bytes,
        } = prepared;
        let mut batch = Batch::new();
        checkpoint::put(&mut batch, grid, tick, &bytes);
        self.port.commit(batch).on_durable(move |outcome| {
            if let Err(error) = outcome {
                tracing::error!(%error, beat = tick.0, grid = grid.0, "write checkpoint");
            }
        });
        if let Some(sender) = self.encoded.get(usize::from(shard.0)) {
            // The shard has ended if nobody listens.
            let _ = sender.send(EncodedImage { grid, tick, bytes });
        }
        self.look_back(tick);
    }

    /// Now and then, forgets what is not needed any more.
    fn look_back(&mut self, tick: Tick) {
        if tick.since(self.pruned) < PRUNE_BEATS {
            return;
        }
        self.pruned = tick;
        if let Err(error) = self.prune(tick) {
            tracing::error!(
                error = format!("{error:#}"),
                "prune checkpoints and journal"
            );
        }
    }

    /// Forgets what no replay from the horizon needs.
    fn prune(&self, now: Tick) -> anyhow::Result<()> {
        let horizon = Tick(now.0.saturating_sub(self.keep_beats));
        let mut batch = Batch::new();
        let pruned = prune(&self.rows, horizon, &mut batch).context("look for old checkpoints")?;
        if pruned.removed > 0 {
            // What was not removed is found again next time.
            drop(self.port.commit(batch));
        }
        if pruned.grids.len() < self.grids {
            // A grid without a checkpoint is repeated from its birth on.
            return Ok(());
        }
        let first = |which: fn(&Kept) -> Option<Tick>| {
            let grids = pruned.grids.values();
            let reaches = grids.map(|kept| which(kept).unwrap_or_default());
            reaches.min().map_or(Tick(0), Tick::next)
        };
        let recovery = first(|kept| kept.newest);
        let wanted = first(|kept| kept.at_horizon);
        self.port.keep_journal(recovery, wanted.min(recovery));
        Ok(())
    }
}
