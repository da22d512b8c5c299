//! A grid: a region of space that is a pure function of its inputs.
//!
//! A grid is a **desk**, where a beat's inputs come in and its outcome goes out, and one **seat**
//! per part. [`Grid::step`] drives them all on the caller's thread; so does [`Grid::advance`], a
//! slice at a time; a [`crate::team::Team`] has several shards drive them together. The same
//! inputs give the same bits in any of these ways, on any number of parts.
//!
//! A grid has a time of its own. It runs slower than the host's under dilation and stands still
//! while the grid is being restored, so nothing may take the one for the other.

mod checkpoint;
mod desk;
mod image;
pub mod parallel;

use std::fmt;
use std::sync::Arc;

use orrery_base::digest::combine;
use orrery_base::{EntityId, GridId, Tick};

use crate::dilation::Dilation;
use crate::effects::part_of;
pub use crate::exchange::Delivery;
use crate::exchange::Exchange;
use crate::part::Part;
use crate::probe::{Conductor, NoProbe, Phase};
use crate::rules::{Envelope, Rules, Stamped, Write};
use crate::seat::Seat;
pub use checkpoint::{RestoreError, Restored};
pub use desk::Desk;
pub use image::GridImage;

/// What a grid is made with.
pub struct GridConfig<R: Rules> {
    /// Its id.
    pub grid: GridId,
    /// Into how many parts it is divided, at least 1. No result depends on it.
    pub parts: u16,
    /// The world's seed.
    pub seed: u64,
    /// What never changes.
    pub context: Arc<R::Context>,
}

/// What went into a beat of one grid and what came of it: enough to repeat it, alone or with its
/// neighbours, and to notice if it comes out differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridRecord<I, M> {
    /// The grid.
    pub grid: GridId,
    /// The grid's own time of the beat.
    pub tick: Tick,
    /// The host's beat in which it was begun. It ended in the one whose journal it is in.
    pub wall: Tick,
    /// The pace of its time.
    pub dilation: Dilation,
    /// The digest of its state after the beat.
    pub digest: u64,
    /// Its inputs, by (source, sequence).
    pub inputs: Vec<Stamped<I>>,
    /// The messages to it, by (from, sent, sequence).
    pub arrivals: Vec<Envelope<M>>,
    /// The messages that it has sent, by sequence.
    pub sent: Vec<Envelope<M>>,
}

/// [`GridRecord`] of a game.
pub type RecordOf<R> = GridRecord<<R as Rules>::Input, <R as Rules>::Message>;

/// What a grid has to show for a beat.
pub struct GridBeat<R: Rules> {
    /// What went in, the messages and the digest.
    pub record: RecordOf<R>,
    /// The frames of all parts, in order of part.
    pub frames: Vec<Arc<R::Frame>>,
    /// What happened: in `gather`, then in `apply`, each by source entity.
    pub events: Vec<R::Event>,
    /// Rows for the beat's batch, in the same order. Of two writes to one key the later counts.
    pub writes: Vec<Write>,
}

/// A beat of a grid, to be done.
pub struct Order<R: Rules> {
    /// The grid's own time: the one after its last beat.
    pub tick: Tick,
    /// The host's beat.
    pub wall: Tick,
    /// The pace of the grid's time, for the record.
    pub dilation: Dilation,
    /// What has come for it, in any order.
    pub delivery: Delivery<R>,
}

/// A region of space that is a pure function of its inputs.
pub struct Grid<R: Rules> {
    desk: Desk<R>,
    seats: Vec<Seat<R>>,
    /// How much of the beat at hand is done: stages times parts, plus parts of the next stage.
    /// `None` between two beats.
    progress: Option<usize>,
}

impl<R: Rules> Grid<R> {
    /// A fresh grid, populated by [`Rules::init`], whose first beat will be the one after
    /// `tick`.
    ///
    /// # Panics
    /// If it has no part.
    #[must_use]
    pub fn new(config: GridConfig<R>, tick: Tick) -> Self {
        let mut grid = Self::empty(config, tick);
        let exchange = Arc::clone(&grid.desk.exchange);
        R::init(&exchange.beat(tick, tick), grid.seats[0].part_mut());
        grid.carry_out_requests(tick.next());
        grid.refresh_digest();
        grid
    }

    /// A grid without entities.
    fn empty(config: GridConfig<R>, tick: Tick) -> Self {
        let GridConfig {
            grid,
            parts,
            seed,
            context,
        } = config;
        assert!(parts > 0, "grid {grid} needs a part");
        let exchange = Arc::new(Exchange::new(grid, seed, context, parts));
        let seats = (0..parts).map(|index| Seat::new(Arc::clone(&exchange), index, tick));
        let seats = seats.collect();
        let desk = Desk {
            exchange,
            tick,
            wall: tick,
            dilation: Dilation::NONE,
            digest: 0,
            is_asleep: false,
            delivery: Arc::default(),
        };
        Self {
            desk,
            seats,
            progress: None,
        }
    }

    /// The grid of a desk and all its seats, between two beats.
    pub(crate) fn from_pieces(desk: Desk<R>, seats: Vec<Seat<R>>) -> Self {
        assert!(
            seats.len() == desk.exchange.boxes.len(),
            "a grid has one seat per part"
        );
        Self {
            desk,
            seats,
            progress: None,
        }
    }

    /// The desk and the seats, by value.
    ///
    /// # Panics
    /// If a beat is under way.
    pub(crate) fn into_pieces(self) -> (Desk<R>, Vec<Seat<R>>) {
        assert!(self.progress.is_none(), "a beat is under way");
        (self.desk, self.seats)
    }

    fn carry_out_requests(&mut self, born: Tick) {
        for seat in &mut self.seats {
            seat.post_requests();
        }
        for seat in &mut self.seats {
            seat.carry_out_requests(born);
            seat.part().check();
        }
    }

    fn refresh_digest(&mut self) {
        let digests = self.seats.iter().map(Seat::digest);
        self.desk.digest = digests.fold(0, combine);
    }

    /// One beat on the caller's thread, at full pace, in the host's beat of the same number. See
    /// [`Desk::begin`] for the panics.
    pub fn step(
        &mut self,
        tick: Tick,
        inputs: Vec<Stamped<R::Input>>,
        arrivals: Vec<Envelope<R::Message>>,
    ) -> GridBeat<R> {
        let delivery = Delivery { inputs, arrivals };
        self.begin(Order {
            tick,
            wall: tick,
            dilation: Dilation::NONE,
            delivery,
        });
        let is_done = self.advance(&mut NoProbe, false);
        assert!(is_done, "a beat that is not sliced is done in one turn");
        self.finish()
    }

    /// Begins a beat: [`Grid::advance`] until that says so, then [`Grid::finish`].
    ///
    /// # Panics
    /// As [`Desk::begin`], and if a beat is under way.
    pub fn begin(&mut self, order: Order<R>) {
        assert!(self.progress.is_none(), "a beat is under way");
        self.desk.begin(order);
        self.progress = Some(0);
    }

    /// Goes on with the beat that was begun; whether all of it is done. With `sliced` the
    /// conductor is asked between any two slices, a stage of one part each, whether there is
    /// time for another: the more parts, the finer the slices.
    ///
    /// # Panics
    /// If no beat was begun.
    pub fn advance(&mut self, conductor: &mut impl Conductor, sliced: bool) -> bool {
        let (grid, parts) = (self.id(), self.seats.len());
        let (tick, wall) = (self.desk.tick, self.desk.wall);
        let mut progress = self.progress.expect("a beat was begun");
        let first = progress;
        while let Some(&phase) = Phase::STAGES.get(progress / parts) {
            if progress == first || progress.is_multiple_of(parts) {
                conductor.phase(grid, phase);
            }
            self.seats[progress % parts].stage(phase, tick, wall);
            progress += 1;
            self.progress = Some(progress);
            if sliced && !conductor.go_on(grid) {
                break;
            }
        }
        conductor.phase(grid, Phase::Done);
        progress == parts * Phase::STAGES.len()
    }

    /// Ends the beat that is done.
    ///
    /// # Panics
    /// If it is not done.
    pub fn finish(&mut self) -> GridBeat<R> {
        self.progress = None;
        self.desk.finish()
    }

    /// Whether a beat was begun and is not finished.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        self.progress.is_some()
    }

    /// The host's beat in which the last beat was begun.
    #[must_use]
    pub const fn wall(&self) -> Tick {
        self.desk.wall
    }

    /// What the beat under way was begun with, for a report after a panic.
    pub(crate) fn take_delivery(&mut self) -> Delivery<R> {
        self.desk.take_delivery()
    }

    /// The same grid, divided into `parts` (≥ 1): nothing else about it changes.
    ///
    /// Cost: every row is moved once.
    ///
    /// # Panics
    /// If `parts` is zero or a beat is under way.
    #[must_use]
    pub fn repartition(self, parts: u16) -> Self {
        let config = GridConfig {
            grid: self.id(),
            parts,
            seed: self.seed(),
            context: Arc::clone(&self.desk.exchange.context),
        };
        let (desk, seats) = self.into_pieces();
        let mut grid = Self::empty(config, desk.tick);
        grid.desk.digest = desk.digest;
        grid.desk.is_asleep = desk.is_asleep;
        (grid.desk.wall, grid.desk.dilation) = (desk.wall, desk.dilation);
        for seat in seats {
            let (mut part, departures, has_newcomers) = seat.into_part();
            if part.index() == 0 {
                for seat in &mut grid.seats {
                    seat.part_mut().slots = part.slots.clone();
                }
                grid.seats[0].part_mut().local = part.local.take();
            }
            for departure in departures {
                grid.owner(departure.id).departures_mut().push(departure);
            }
            // From the end, so that no row takes the place of another.
            while let Some(&id) = part.table.ids().last() {
                let row = part.table.len() - 1;
                let (handle, born) = (part.table.handle(row), part.table.born()[row]);
                let columns = part.table.remove(id).expect("the last row is there");
                let table = &mut grid.owner(id).part_mut().table;
                table.insert(id, handle, born, columns);
            }
            if has_newcomers {
                for seat in &mut grid.seats {
                    seat.set_newcomers();
                }
            }
        }
        for seat in &mut grid.seats {
            // They left at the end of the beat, by id.
            seat.departures_mut().sort_unstable_by_key(|left| left.id);
        }
        grid
    }

    fn owner(&mut self, id: EntityId) -> &mut Seat<R> {
        let part = part_of(id, self.seats.len() as u16);
        &mut self.seats[usize::from(part)]
    }

    /// The desk and the seats, to be driven by the caller: [`Desk::begin`]; every stage of
    /// [`Seat`] on every seat, with a barrier between any two stages; [`Desk::finish`].
    pub fn split_mut(&mut self) -> (&mut Desk<R>, &mut [Seat<R>]) {
        (&mut self.desk, &mut self.seats)
    }

    /// The grid's id.
    #[must_use]
    pub fn id(&self) -> GridId {
        self.desk.exchange.grid
    }

    /// The seed of its world.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.desk.exchange.seed
    }

    /// Its own time: the last beat that it has begun.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.desk.tick
    }

    /// The digest of its state after that beat.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.desk.digest
    }

    /// Whether beats may be left out, with [`Grid::skip`], until an input or a message comes:
    /// they would change nothing.
    #[must_use]
    pub const fn is_asleep(&self) -> bool {
        self.desk.is_asleep()
    }

    /// Leaves out all beats up to and with `tick`, if later than the last one.
    ///
    /// # Panics
    /// If the grid is not asleep.
    pub fn skip(&mut self, tick: Tick) {
        self.desk.skip(tick);
    }

    /// The frames of the last beat, in order of part; none before the first.
    #[must_use]
    pub fn frames(&self) -> Vec<Arc<R::Frame>> {
        self.desk.frames()
    }

    /// The parts, in order.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &Part<R>> {
        self.seats.iter().map(Seat::part)
    }

    /// Number of entities on it.
    #[must_use]
    pub fn entity_count(&self) -> usize {
        self.parts().map(|part| part.table.len()).sum()
    }

    /// The part and the row of an entity, if it is on the grid.
    #[must_use]
    pub fn find(&self, id: EntityId) -> Option<(&Part<R>, usize)> {
        let owner = part_of(id, self.seats.len() as u16);
        let part = self.seats[usize::from(owner)].part();
        part.table.row_of(id).map(|row| (part, row))
    }

    /// The local state.
    #[must_use]
    pub fn local(&self) -> &R::Local {
        let local = self.seats[0].part().local.as_ref();
        local.expect("Part::check: part 0 holds the local state")
    }
}

impl<R: Rules> fmt::Debug for Grid<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grid")
            .field("id", &self.id())
            .field("tick", &self.tick())
            .field("parts", &self.seats.len())
            .field("entities", &self.entity_count())
            .finish_non_exhaustive()
    }
}
