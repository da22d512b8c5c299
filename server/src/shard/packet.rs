//! What shards say to each other over the rings.

use std::sync::Arc;

use orrery_base::{GridId, Tick};
use orrery_kernel::rules::{Envelope, Stamped};
use orrery_net::Received;
use orrery_proto::snapshot::GridHistory;
use orrery_spatial::CellIndex;

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
    /// For a client of the receiver.
    Event(Box<Event>),
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
