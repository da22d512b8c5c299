//! What goes into a grid (inputs, messages) and what comes out of it (events), and the bytes of
//! the first two in journals and checkpoints.

use orrery_base::command::{Command, RejectCode};
use orrery_base::{ClientId, EntityId, GridId, ObjectId, ShardIndex, Tick, TypeId};
use orrery_proto::message::ServerMessage;

use orrery_services::character::CharacterRow;

use super::columns::SpaceRow;

/// One input of a beat. It is journalled: whatever a grid learns from outside is in here.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A client takes its character's place on the grid.
    Enter {
        /// The client.
        client: ClientId,
        /// The shard whose edge holds it.
        edge: ShardIndex,
        /// The character's newest durable row.
        row: CharacterRow,
    },
    /// A client is gone.
    Leave {
        /// The client.
        client: ClientId,
        /// Its character's ship.
        ship: EntityId,
    },
    /// A client's command for its ship.
    Command {
        /// The client.
        client: ClientId,
        /// The shard whose edge holds it.
        edge: ShardIndex,
        /// Its character's ship.
        ship: EntityId,
        /// The client's number for it: of commands if it is answered, of inputs if not.
        sequence: u32,
        /// The client's id for the request, or zero for an unanswered input.
        request: u128,
        /// What to do.
        command: Command,
    },
    /// Makes the grid fail: an operator wants to see how it comes back.
    Fault,
}

impl Input {
    /// Whether this is direct flight from a datagram: the newest counts, none is answered.
    #[must_use]
    pub const fn is_flight(&self) -> bool {
        matches!(self, Self::Command { request: 0, .. })
    }
}

/// What one grid tells another, visible there in the next beat.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A ship comes through a gate.
    Arrive {
        /// The ship.
        ship: EntityId,
        /// What it is and who flies it.
        row: Box<SpaceRow>,
        /// The gate that it comes out of, on the receiving grid.
        gate: ObjectId,
    },
}

/// What a grid tells the edge that holds a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// For whom.
    pub client: ClientId,
    /// Where the client is held.
    pub edge: ShardIndex,
    /// The beat that it happened in.
    pub tick: Tick,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a client's character.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// The ship is in space on this grid from now on. Told when the beat is durable.
    InSpace {
        /// The grid.
        grid: GridId,
        /// The ship.
        ship: EntityId,
    },
    /// The ship is in a station. Told when the beat is durable.
    Docked {
        /// The grid.
        grid: GridId,
        /// The station.
        station: EntityId,
    },
    /// The ship has left the grid for another.
    Jumped {
        /// The grid that it left.
        from: GridId,
        /// The grid where it will be.
        to: GridId,
    },
    /// A command was carried out, or refused.
    Answer {
        /// The client's number for the command.
        sequence: u32,
        /// The client's id for the request.
        request: u128,
        /// Why not, if it was refused.
        reject: Option<RejectCode>,
    },
    /// The character sits in another ship from now on.
    Seated {
        /// Which.
        ship: EntityId,
        /// Its type.
        hull: TypeId,
    },
    /// Something of a fight, as the wire has it.
    Tell(Box<ServerMessage>),
    /// Another client of the same account has taken over.
    Displaced,
    /// The character is not on this grid: the row that the client came with was too old.
    NotHere {
        /// Where it went, if this grid knows.
        moved_to: Option<GridId>,
    },
}

impl EventKind {
    /// Whether the client may hear of it only when its beat is durable: it promises a place
    /// that a crash must not take back.
    #[must_use]
    pub fn promises(&self) -> bool {
        match self {
            Self::InSpace { .. } | Self::Docked { .. } => true,
            Self::Tell(message) => matches!(**message, ServerMessage::KillReport { .. }),
            Self::Jumped { .. }
            | Self::Answer { .. }
            | Self::Seated { .. }
            | Self::Displaced
            | Self::NotHere { .. } => false,
        }
    }
}
