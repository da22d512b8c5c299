//! What a shard is made of, and what it sends away to be saved.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam::channel::{Receiver, Sender};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::rules::Stamped;
use orrery_kernel::world::World;
use orrery_net::{EdgeConfig, Listen};
use orrery_storage::{BeatPort, Durable};

use super::economy::ShardEconomy;
use super::simulation::Checkpoint;
use crate::config::Config;
use crate::control::ControlHandle;
use crate::host::recovery::Deal;
use crate::metrics::ShardMetrics;
use crate::rules::Space;
use crate::rules::input::Input;

/// What one shard is made of.
pub struct ShardParts {
    /// Raised by anyone to end the host.
    pub stop: Arc<AtomicBool>,
    /// Its grids.
    pub world: World<Space>,
    /// Which grid is on which shard.
    pub deal: Deal,
    /// Clients of an earlier life, whose ships are told that nobody is there any more.
    pub orphans: Vec<(GridId, Stamped<Input>)>,
    /// Its partitions of the economy.
    pub economy: ShardEconomy,
    /// Its way to the disk.
    pub port: BeatPort,
    /// What is durable.
    pub durable: Durable,
    /// What of it can be read from the store.
    pub applied: Durable,
    /// Its sockets' addresses.
    pub listen: Listen,
    /// Its edge.
    pub edge: EdgeConfig,
    /// The configuration.
    pub config: Arc<Config>,
    /// The hash of the content pack.
    pub content_hash: u64,
    /// Its line to the control thread.
    pub control: ControlHandle,
    /// Where it counts.
    pub metrics: Arc<ShardMetrics>,
    /// Where the images of its grids go, to be written as checkpoints.
    pub images: Sender<ImageJob>,
    /// The images that have been encoded.
    pub encoded: Receiver<EncodedImage>,
}

/// An image that is to become a checkpoint.
pub struct ImageJob {
    /// Whose grid it is.
    pub shard: ShardIndex,
    /// What is known of it.
    pub news: ImageNews,
}

/// What is known of a grid whose turn it is to be saved.
pub enum ImageNews {
    /// Its state, to become a checkpoint.
    Changed(Checkpoint),
    /// A grid is as in its newest checkpoint, which is not old, and nothing waits for it.
    Unchanged {
        /// The host's beat after which that holds.
        tick: Tick,
    },
}

/// An image as bytes, for the shard that would restore its grid from it.
#[derive(Debug)]
pub struct EncodedImage {
    /// The grid.
    pub grid: GridId,
    /// The host's beat after which it was taken.
    pub tick: Tick,
    /// The bytes.
    pub bytes: Arc<Vec<u8>>,
}
