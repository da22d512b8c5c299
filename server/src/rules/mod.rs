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
//! | [`frame`] | the immutable picture that edges and other shards read |
//! | [`inspect`] | the columns of a row by name |
//! | [`codec`] | bytes for checkpoints and the journal; digests |
//!
//! **Invariant:** nothing here does I/O, reads a clock, or knows which shard it runs on.

pub mod codec;
pub mod columns;
pub mod context;
pub mod frame;
pub mod input;
pub mod inspect;
pub mod orders;
pub mod presence;

use orrery_base::EntityId;

pub use orders::{Effect, PendingCommand};

/// The rules of space.
#[derive(Debug)]
pub struct Space;

/// A part's working memory within a beat.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Commands gathered in this beat, judged in its phase B.
    pub commands: Vec<PendingCommand>,
    /// Ships whose rows this beat's gathering has asked for.
    pub spawned: Vec<EntityId>,
}

impl Scratch {
    /// Forgets the last beat.
    pub fn begin_beat(&mut self) {
        self.commands.clear();
        self.spawned.clear();
    }
}
