//! The rules of space as the kernel runs them: what a row, an input, an effect, a message and an
//! event are, and the steps that `schedule.rs` puts in order.
//!
//! | module | what |
//! | --- | --- |
//! | [`columns`] | the rows of a grid: ships, and who flies them |
//! | [`context`] | what never changes: content, stations, gates |
//! | [`input`] | inputs, messages between grids, events for clients |
//! | [`presence`] | entering, leaving, arriving, lingering |
//! | [`orders`] | commands: judged, carried out, answered |
//! | [`fight`] | ships that fight, and what comes of them |
//! | [`frame`] | the immutable picture that edges and other shards read |
//! | [`inspect`] | the columns of a row by name |
//! | [`codec`] | bytes for checkpoints and the journal; digests |
//!
//! **Invariant:** nothing here does I/O, reads a clock, or knows which shard it runs on.

pub mod codec;
pub mod columns;
pub mod context;
pub mod fight;
pub mod frame;
pub mod input;
pub mod inspect;
pub mod orders;
pub mod presence;

use orrery_base::{ClientId, EntityId, ShardIndex};

pub use orders::{Ordered, PendingCommand};

/// The rules of space.
#[derive(Debug)]
pub struct Space;

/// A change to a row, decided in phase B and carried out in phase C.
#[derive(Clone, Debug)]
pub enum Effect {
    /// What the judgement of a command has a ship do to itself.
    Order(Ordered),
    /// What a ship does to another.
    Blow {
        /// The attacker's client, to be told what came of it.
        client: ClientId,
        /// The shard whose edge holds it.
        edge: ShardIndex,
        /// What.
        blow: orrery_game::fight::Blow,
    },
    /// A ship is lost, with its row: for the grid, which gives out the ids of pod and wreck.
    Death(Box<columns::SpaceRow>),
}

/// A part's working memory within a beat.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Commands gathered in this beat, judged in its phase B.
    pub commands: Vec<PendingCommand>,
    /// Ships whose rows this beat's gathering has asked for.
    pub spawned: Vec<EntityId>,
    /// Of the fight.
    pub fight: fight::FightScratch,
}

impl Scratch {
    /// Forgets the last beat.
    pub fn begin_beat(&mut self) {
        self.commands.clear();
        self.spawned.clear();
        self.fight.begin_beat();
    }
}
