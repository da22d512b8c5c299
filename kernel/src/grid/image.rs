//! A copy of a grid's state, to be encoded on another thread: what a checkpoint costs the beat is
//! the copy of the columns.

use std::fmt;

use orrery_base::{GridId, Tick};

use super::checkpoint::State;
use super::{Desk, Grid};
use crate::part::Part;
use crate::rules::{Departure, Envelope, Rules};
use crate::seat::Seat;

/// The state of a grid at the end of one of its beats, and the messages that waited for it.
///
/// Cost: the bytes of all columns, copied.
pub struct GridImage<R: Rules> {
    grid: GridId,
    tick: Tick,
    seed: u64,
    digest: u64,
    is_asleep: bool,
    parts: Vec<Part<R>>,
    departures: Vec<Departure>,
    inbox: Vec<Envelope<R::Message>>,
}

impl<R: Rules> GridImage<R> {
    pub(crate) fn new<'a>(
        desk: &Desk<R>,
        seats: impl Iterator<Item = &'a Seat<R>>,
        inbox: Vec<Envelope<R::Message>>,
    ) -> Self
    where
        R: 'a,
    {
        let mut image = Self {
            grid: desk.exchange.grid,
            tick: desk.tick,
            seed: desk.exchange.seed,
            digest: desk.digest,
            is_asleep: desk.is_asleep,
            parts: Vec::new(),
            departures: Vec::new(),
            inbox,
        };
        for seat in seats {
            image.departures.extend_from_slice(seat.departures());
            image.parts.push(seat.part().copy());
        }
        image
    }

    /// Accounts for the time that a sleeping grid has slept.
    pub(crate) fn skip(&mut self, tick: Tick) {
        self.tick = self.tick.max(tick);
    }

    /// The grid.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        self.grid
    }

    /// The grid's own time.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The digest of the state.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// As [`Grid::checkpoint`]. To be called wherever nobody waits for it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts: Vec<&Part<R>> = self.parts.iter().collect();
        let state = State {
            grid: self.grid,
            tick: self.tick,
            seed: self.seed,
            digest: self.digest,
            is_asleep: self.is_asleep,
            parts: &parts,
            departures: self.departures.clone(),
            inbox: &self.inbox,
        };
        state.encode()
    }
}

impl<R: Rules> Grid<R> {
    /// A copy of the state as of the end of its last beat, with the messages that wait for it.
    ///
    /// # Panics
    /// If a beat is under way.
    #[must_use]
    pub fn image(&self, inbox: Vec<Envelope<R::Message>>) -> GridImage<R> {
        assert!(!self.is_under_way(), "a beat is under way");
        GridImage::new(&self.desk, self.seats.iter(), inbox)
    }
}

impl<R: Rules> fmt::Debug for GridImage<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (grid, tick) = (self.grid, self.tick);
        write!(f, "image of grid {grid} after beat {tick}")
    }
}
