//! What shards say to each other over the rings.

use std::sync::Arc;

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_kernel::team::Team;
use orrery_kernel::world::Cargo;
use orrery_net::Received;
use orrery_proto::snapshot::GridHistory;
use orrery_spatial::CellIndex;

use super::economy::ValuePacket;
use super::restore::Ward;
use crate::rules::Space;
use crate::rules::frame::SpaceFrame;
use crate::rules::input::{Event, Input, Message};

/// One message between shards. Everything of a beat comes before its [`Packet::EndOfBeat`].
#[derive(Debug)]
pub enum Packet {
    /// An input for a grid of the receiver, for the next beat that it gathers.
    Input(GridId, Box<Stamped<Input>>),
    /// A message from a grid of the sender to one of the receiver, due in the next beat.
    Message(Box<Envelope<Message>>),
    /// A grid of the sender in the beat at hand, for the receiver's clients.
    Publication(Arc<Publication>),
    /// For a client of the receiver, with the host's beat that it will be durable with.
    Event(Tick, Box<Event>),
    /// The pace of a grid's time, for the receiver's clients there.
    Pace {
        /// The grid.
        grid: GridId,
        /// The pace.
        pace: Dilation,
        /// From which of the grid's own beats on.
        from: Tick,
    },
    /// A grid of the sender will move.
    Moving {
        /// The grid.
        grid: GridId,
        /// Its new home.
        to: ShardIndex,
    },
    /// A grid of the sender comes to be the receiver's.
    Grid(Box<Transfer>),
    /// The receiver is to join a team of the sender, from the next beat on.
    Join {
        /// The team.
        team: Arc<Team<Space>>,
        /// Which member the receiver is.
        member: u16,
    },
    /// The receiver is to leave its team for a grid of the sender, from the next beat on.
    Leave(GridId),
    /// About value.
    Value(Box<ValuePacket>),
    /// The sender has said everything about this beat.
    EndOfBeat {
        /// The beat.
        tick: Tick,
        /// Set by shard 0: the last beat that any shard does.
        last: Option<Tick>,
    },
    /// A datagram that reached the sender's socket and belongs to a connection of the receiver.
    Forward(Box<Received>),
}

/// One beat of a grid, for whoever has clients there.
#[derive(Debug)]
pub struct Publication {
    /// The grid.
    pub grid: GridId,
    /// Its recent past, with the records that all edges share: encoded once, by the first that
    /// needs one.
    pub history: GridHistory,
    /// The beat's frames, by part.
    pub frames: Vec<Arc<SpaceFrame>>,
    /// Where everything is: rows of the index are places in `slots`.
    pub index: CellIndex,
    /// The slots of what is in space, all parts together.
    pub slots: Vec<u32>,
}

/// A grid on its way from one shard to another, with all that belongs to it.
#[derive(Debug)]
pub struct Transfer {
    /// The grid, unless it is lost, and what waits for it.
    pub cargo: Cargo<Space>,
    /// Its recent past, if it is watched.
    pub history: Option<GridHistory>,
    /// What it would be restored from.
    pub ward: Ward,
}
