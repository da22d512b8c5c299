//! What may happen in a run.

use orrery_base::{ClientId, ShardIndex};
use orrery_server::shard::RestoreJob;

use super::edge::{Said, Told};

/// What happens at some moment. What belongs to a life of the process carries its number.
pub enum Happening {
    /// A shard goes on.
    Shard(u64, usize),
    /// A turn of the writer.
    Write(u64),
    /// A turn of the applier.
    Apply(u64),
    /// A turn of the keeper.
    Keep(u64),
    /// A turn of the checkpoint thread.
    Checkpoint(u64),
    /// A grid is restored.
    Restore(u64, RestoreJob),
    /// Something reaches an edge.
    Heard(u64, ShardIndex, ClientId, Said),
    /// Something reaches a player.
    Told(usize, ClientId, Told),
    /// A player thinks.
    Act(usize),
    /// A player sends a datagram.
    Send(usize),
    /// An operator wants something.
    Operate,
    /// Something goes wrong that a host must bear.
    Hinder,
    /// Something goes wrong that a host may die of.
    Harm,
    /// The disk has room again.
    MakeRoom,
    /// The process ends, as a failure of a shard told it to.
    Die(u64),
    /// The process is started.
    Start,
    /// Somebody looks whether the beats go on.
    Watch,
    /// No more trouble from here on.
    CalmDown,
    /// Everything has to be well.
    Conclude,
}
