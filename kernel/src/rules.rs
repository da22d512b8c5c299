//! What a game tells the kernel: the types of its state and the functions that step it.
//!
//! A grid is spread over one to many **parts**, each of which owns the rows of some entities.
//! The kernel calls the functions of [`Rules`] once per part and beat:
//!
//! ```text
//! gather     inputs and arrivals, in canonical order     own rows, spawn and despawn requests
//!            ── exchange of requests
//! motion     phase A                                     own rows
//! frame      the part's rows become an immutable picture
//!            ── exchange of frames
//! interact   phase B: everyone's frames                  own rows, effects
//!            ── exchange of effects
//! apply      phase C: effects in canonical order         own rows, spawn and despawn requests
//!            ── exchange of requests
//! ```
//!
//! **What rules must keep to, so that any number of parts gives the same bits:** no result
//! depends on a row's number or on which other rows are in the part; ties are broken by entity
//! id; what is done for an entity in `gather` and `apply` reads and writes its own row only,
//! and the part's local state only for what is addressed to no entity; nothing reads a clock or
//! iterates a hash map.

use std::fmt;
use std::sync::Arc;

use orrery_base::columns::Columns;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, GridId, Slot, Tick};

use crate::codec::{DecodeError, Reader};
use crate::effects::{EffectBuffer, TargetedEffect, part_of};
use crate::part::Part;

/// One row of a game's columns.
pub type RowOf<R> = <<R as Rules>::Columns as Columns>::Row;

/// A game.
pub trait Rules: Sized + Send + Sync + 'static {
    /// The version of the encodings below; bytes of another are refused.
    const FORMAT: u32;

    /// What never changes while the server runs: content, the galaxy.
    type Context: Send + Sync + 'static;
    /// The columns of an entity.
    type Columns: Columns<Row: Send> + Clone + Default + Send + 'static;
    /// State of a grid that is no entity: docked ships, counters. Part 0 holds it.
    type Local: Clone + Default + Send + 'static;
    /// A part's working memory, kept from beat to beat only to save allocations: not state, so
    /// no result may depend on what an earlier beat left in it.
    type Scratch: Default + Send + 'static;
    /// The immutable picture of a part's rows after motion.
    type Frame: Send + Sync + 'static;
    /// What comes from outside of the simulation. It is journalled.
    type Input: Clone + Send + Sync + 'static;
    /// A change to a row, decided by the owner of another one.
    type Effect: Send + 'static;
    /// What one grid tells another; it is there a beat later.
    type Message: Clone + PartialEq + Send + Sync + 'static;
    /// What happened, for whoever watches.
    type Event: Send + 'static;

    /// Populates a fresh grid: spawns its static entities and sets its local state. Called once
    /// per grid, on part 0, for the beat before its first.
    fn init(beat: &BeatContext<'_, Self>, part: &mut Part<Self>);

    /// The entity that an input is for, whose part will gather it; `None` for the grid's local
    /// state, on part 0. Must depend on the input alone.
    fn route_input(input: &Self::Input) -> Option<EntityId>;

    /// As [`Rules::route_input`], for a message from another grid.
    fn route_message(message: &Self::Message) -> Option<EntityId>;

    /// Takes in what has come for this part: inputs ordered by (source, sequence), messages by
    /// (from, sent, sequence). The entities that it spawns exist from `motion` on.
    fn gather(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        inputs: &[Stamped<Self::Input>],
        arrivals: &[Envelope<Self::Message>],
        out: &mut Output<Self>,
    );

    /// Phase A: moves the part's rows.
    fn motion(beat: &BeatContext<'_, Self>, part: &mut Part<Self>);

    /// The picture of the part's rows that everyone will read. `departures` are the entities
    /// that have left this part since its last frame, in the order in which they left: a slot
    /// may have a new tenant already. `recycled` is an old frame that nobody reads any more,
    /// for its allocations; nothing of its content may survive.
    fn frame(
        beat: &BeatContext<'_, Self>,
        part: &Part<Self>,
        departures: &[Departure],
        recycled: Option<Self::Frame>,
    ) -> Self::Frame;

    /// Phase B: reads the frames of all parts, ordered by part, changes own rows and emits
    /// effects on anyone.
    fn interact(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        frames: &[Arc<Self::Frame>],
        effects: &mut EffectBuffer<Self::Effect>,
    );

    /// Phase C: applies the effects on this part's entities, ordered by (target, source,
    /// sequence); those on the local state come first, with target [`EntityId::NONE`].
    fn apply(
        beat: &BeatContext<'_, Self>,
        part: &mut Part<Self>,
        effects: &[TargetedEffect<Self::Effect>],
        out: &mut Output<Self>,
    );

    /// Whether a beat without inputs and arrivals would change nothing of this part's state and
    /// put nothing out. A grid whose parts all say so is not stepped until something comes.
    fn idle(part: &Part<Self>) -> bool {
        let _ = part;
        false
    }

    /// Looks for a state that must not be, such as a number that is none: an error stops this
    /// grid, and no other, at the end of the beat, as a panic does.
    ///
    /// # Errors
    /// What is wrong, for whoever has to find out why.
    fn verify(part: &Part<Self>) -> Result<(), String> {
        let _ = part;
        Ok(())
    }

    /// The digest of one row's columns; the kernel adds id, slot and birth.
    fn digest_row(part: &Part<Self>, row: usize) -> u64;

    /// The digest of the local state.
    fn digest_local(local: &Self::Local) -> u64;

    /// Appends one row's columns for a checkpoint.
    fn encode_row(part: &Part<Self>, row: usize, bytes: &mut Vec<u8>);

    /// The counterpart of [`Rules::encode_row`]; the reader holds that row and no more.
    ///
    /// # Errors
    /// If the bytes are not what `encode_row` writes.
    fn decode_row(
        context: &Self::Context,
        bytes: &mut Reader<'_>,
    ) -> Result<RowOf<Self>, DecodeError>;

    /// Appends the local state for a checkpoint.
    fn encode_local(local: &Self::Local, bytes: &mut Vec<u8>);

    /// The counterpart of [`Rules::encode_local`].
    ///
    /// # Errors
    /// If the bytes are not what `encode_local` writes.
    fn decode_local(
        context: &Self::Context,
        bytes: &mut Reader<'_>,
    ) -> Result<Self::Local, DecodeError>;

    /// Appends an input for the journal.
    fn encode_input(input: &Self::Input, bytes: &mut Vec<u8>);

    /// The counterpart of [`Rules::encode_input`].
    ///
    /// # Errors
    /// If the bytes are not what `encode_input` writes.
    fn decode_input(bytes: &mut Reader<'_>) -> Result<Self::Input, DecodeError>;

    /// Appends a message for the journal, a checkpoint or another host.
    fn encode_message(message: &Self::Message, bytes: &mut Vec<u8>);

    /// The counterpart of [`Rules::encode_message`].
    ///
    /// # Errors
    /// If the bytes are not what `encode_message` writes.
    fn decode_message(bytes: &mut Reader<'_>) -> Result<Self::Message, DecodeError>;
}

/// Which beat of which grid this is.
pub struct BeatContext<'a, R: Rules> {
    /// The grid's own time: it counts the grid's beats, so under dilation it runs slower than
    /// the host's. What is timed by it slows down with the fight.
    pub tick: Tick,
    /// The host's beat in which this one was begun: real time, 30 to the second. What is timed
    /// by it does not slow down. It is an input and journalled, so a replay sees the same.
    pub wall: Tick,
    /// The grid.
    pub grid: GridId,
    /// The world's seed.
    pub seed: u64,
    /// What never changes.
    pub context: &'a R::Context,
}

impl<R: Rules> BeatContext<'_, R> {
    /// The draws for one purpose of one entity in this beat; see [`Rng::new`].
    #[must_use]
    pub const fn rng(&self, entity: EntityId, purpose: u32) -> Rng {
        Rng::new(self.seed, self.tick, entity, purpose)
    }
}

impl<R: Rules> Clone for BeatContext<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Rules> Copy for BeatContext<'_, R> {}

impl<R: Rules> fmt::Debug for BeatContext<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "beat {} of grid {}", self.tick, self.grid)
    }
}

/// An input with its place in the order of its beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamped<I> {
    /// Who sent it: a number that the edge gives out, the same on every shard.
    pub source: u64,
    /// Counts the inputs of this source, upwards; no two of one beat are equal.
    pub sequence: u64,
    /// The input.
    pub input: I,
}

/// A message between grids: sent in one beat, there in the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope<M> {
    /// The sender.
    pub from: GridId,
    /// The receiver; may be the sender.
    pub to: GridId,
    /// The sender's own time. With `from` and `sequence` it names the message, for ever.
    pub sent: Tick,
    /// Counts the messages of the sender in its beat, from 0.
    pub sequence: u32,
    /// The message.
    pub message: M,
}

impl<M> Envelope<M> {
    /// The order in which a grid takes in what has come for it.
    pub(crate) const fn order(&self) -> (GridId, Tick, u32) {
        (self.from, self.sent, self.sequence)
    }
}

/// An entity that has left its grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departure {
    /// Who.
    pub id: EntityId,
    /// The slot that it had.
    pub slot: Slot,
    /// Why: a number of the rules.
    pub reason: u8,
}

/// A row for the beat's batch, in the storage's terms, which are opaque here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Write {
    /// Which of the storage's key spaces.
    pub domain: u8,
    /// The row's key in it.
    pub key: Vec<u8>,
    /// The row, or `None` to delete it.
    pub value: Option<Vec<u8>>,
}

/// Something put out, with what its place in the canonical order depends on.
pub(crate) type Sourced<T> = (EntityId, T);

/// What the rules put out in `gather` or `apply`.
///
/// Everything names its **source**: the entity, owned by the part at hand, on whose behalf it is
/// put out, or [`EntityId::NONE`] for the local state on part 0. The grid orders what all parts
/// have put out by (phase, source, order of putting out), which does not depend on the parts.
pub struct Output<R: Rules> {
    part: u16,
    parts: u16,
    pub(crate) events: Vec<Sourced<R::Event>>,
    pub(crate) messages: Vec<Sourced<(GridId, R::Message)>>,
    pub(crate) writes: Vec<Sourced<Write>>,
}

impl<R: Rules> Output<R> {
    /// For one part of a grid of `parts` (≥ 1).
    #[must_use]
    pub const fn new(part: u16, parts: u16) -> Self {
        Self {
            part,
            parts,
            events: Vec::new(),
            messages: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Brings all lists into the order of their sources, and leaves the order within a source.
    pub(crate) fn sort(&mut self) {
        self.events.sort_by_key(|(source, _)| *source);
        self.messages.sort_by_key(|(source, _)| *source);
        self.writes.sort_by_key(|(source, _)| *source);
    }

    /// # Panics
    /// If this part does not own `source`.
    fn check(&self, source: EntityId) {
        assert!(
            part_of(source, self.parts) == self.part,
            "part {} does not own {source}",
            self.part
        );
    }

    /// Tells whoever watches.
    ///
    /// # Panics
    /// If this part does not own `source`.
    pub fn event(&mut self, source: EntityId, event: R::Event) {
        self.check(source);
        self.events.push((source, event));
    }

    /// Sends a message to a grid, which has it in the next beat.
    ///
    /// # Panics
    /// If this part does not own `source`.
    pub fn message(&mut self, source: EntityId, to: GridId, message: R::Message) {
        self.check(source);
        self.messages.push((source, (to, message)));
    }

    /// Adds a row to the beat's batch. Of two writes to one key the later one counts.
    ///
    /// # Panics
    /// If this part does not own `source`.
    pub fn write(&mut self, source: EntityId, write: Write) {
        self.check(source);
        self.writes.push((source, write));
    }
}

impl<R: Rules> fmt::Debug for Output<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("events", &self.events.len())
            .field("messages", &self.messages.len())
            .field("writes", &self.writes.len())
            .finish_non_exhaustive()
    }
}
