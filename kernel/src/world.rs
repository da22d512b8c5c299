//! A world: the grids that one shard steps, without any I/O.
//!
//! The caller delivers what has come for a beat, calls [`World::beat`] and carries away what it
//! puts out; messages between grids, also between grids of this very world, are the caller's to
//! deliver in the next beat. So a world can be driven by a shard's loop, by a replay or by a
//! test, and never notices which.
//!
//! A grid is **whole**, or spread over several shards: then one of their worlds **leads** its
//! [`Team`] and the others have it as **guests**, which take their turn and know nothing of what
//! comes of it. All worlds take turns at their teams by ascending grid, so none waits in a circle,
//! and before their whole grids.
//!
//! What is delivered to a grid that does not begin a beat (dilated, or lost after a panic) waits
//! for it here.
//!
//! Cost: grids that are asleep (`Grid::is_asleep`) are not even looked at.

mod look;
mod place;
mod replay;
mod spread;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use orrery_base::{GridId, Tick};

use crate::barrier::Broken;
use crate::dilation::Dilation;
use crate::grid::{Grid, GridBeat, GridConfig, GridImage, Order, RecordOf, RestoreError};
use crate::probe::{Conductor, NoProbe};
use crate::rules::{Envelope, Rules, Stamped};
use crate::team::{Failure, Team, Turn, panic_message};
pub use place::{Cargo, Parcel};
use place::{Home, Place};

/// What a world is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorldConfig {
    /// The seed of all randomness; the same on every shard of a host.
    pub seed: u64,
}

/// What is for grids that are not here.
pub struct Strays<R: Rules> {
    /// Inputs, with their grids.
    pub inputs: Vec<(GridId, Stamped<R::Input>)>,
    /// Messages. They may carry value: the caller must not lose them.
    pub messages: Vec<Envelope<R::Message>>,
}

impl<R: Rules> Default for Strays<R> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            messages: Vec::new(),
        }
    }
}

/// What a world has to show for a beat.
pub struct BeatOutput<R: Rules> {
    /// The host's beat.
    pub tick: Tick,
    /// The grids that have ended a beat of theirs, by ascending id. A grid that is missing has
    /// not changed, or is in the middle of a beat, and its last frames still hold.
    pub grids: Vec<GridBeat<R>>,
    /// Messages to grids, here or elsewhere, due in the next beat; by (from, sequence). They are
    /// in the records, too.
    pub messages: Vec<Envelope<R::Message>>,
    /// Grids that are lost, by ascending id.
    pub failures: Vec<Failure<R>>,
}

/// The grids of one shard.
pub struct World<R: Rules> {
    config: WorldConfig,
    context: Arc<R::Context>,
    tick: Tick,
    places: BTreeMap<GridId, Place<R>>,
    /// Teams that other worlds lead, with the member that this world is.
    guests: BTreeMap<GridId, (Arc<Team<R>>, u16)>,
    /// Grids that may have something to do, whole ones and led ones.
    awake: BTreeSet<GridId>,
}

impl<R: Rules> World<R> {
    /// A world without grids, whose first beat will be the one after `tick`.
    #[must_use]
    pub const fn new(config: WorldConfig, context: Arc<R::Context>, tick: Tick) -> Self {
        Self {
            config,
            context,
            tick,
            places: BTreeMap::new(),
            guests: BTreeMap::new(),
            awake: BTreeSet::new(),
        }
    }

    /// Makes a grid of `parts` (≥ 1), populated by [`Rules::init`].
    ///
    /// # Panics
    /// If the grid is here already or `parts` is zero.
    pub fn add_grid(&mut self, grid: GridId, parts: u16) {
        let config = GridConfig {
            grid,
            parts,
            seed: self.config.seed,
            context: Arc::clone(&self.context),
        };
        self.insert_grid(Grid::new(config, self.tick));
    }

    /// Takes a grid in, that nothing waits for.
    ///
    /// # Panics
    /// If the grid is here already or its time is ahead of the host's.
    pub fn insert_grid(&mut self, grid: Grid<R>) {
        let tick = self.tick;
        self.insert(Parcel::new(grid, tick));
    }

    /// Takes in a grid with all that belongs to it, from another world that has done the same
    /// beats, or from a checkpoint.
    ///
    /// # Panics
    /// If the grid is here already or its time is ahead of the host's.
    pub fn insert(&mut self, parcel: Parcel<R>) {
        let id = parcel.grid.id();
        assert!(!self.places.contains_key(&id), "grid {id} is here already");
        assert!(
            parcel.grid.tick() <= self.tick && parcel.done <= self.tick,
            "the time of grid {id} is ahead of the host's"
        );
        self.awake.insert(id);
        self.places.insert(id, Place::new(parcel));
    }

    /// Gives a grid away with all that belongs to it; `None` if it is not here, or not whole.
    pub fn take(&mut self, grid: GridId) -> Option<Parcel<R>> {
        if !self.places.get(&grid)?.is_whole() {
            return None;
        }
        self.awake.remove(&grid);
        let mut place = self.places.remove(&grid)?;
        place.catch_up(self.tick);
        place.into_parcel()
    }

    /// As [`World::take`], also for a grid that is lost.
    pub fn take_any(&mut self, grid: GridId) -> Option<Cargo<R>> {
        if let Home::Lost = self.places.get(&grid)?.home {
            // What came for it may have woken it.
            self.awake.remove(&grid);
            let waiting = self.places.remove(&grid)?.waiting;
            return Some(Cargo::Lost { grid, waiting });
        }
        self.take(grid).map(Cargo::Whole)
    }

    /// As [`World::insert`], also for a grid that is lost.
    ///
    /// # Panics
    /// As [`World::insert`].
    pub fn insert_any(&mut self, cargo: Cargo<R>) {
        match cargo {
            Cargo::Whole(parcel) => self.insert(parcel),
            Cargo::Lost { grid, waiting } => {
                let former = self.places.insert(grid, Place::lost(waiting, self.tick));
                assert!(former.is_none(), "grid {grid} is here already");
            }
        }
    }

    /// Drops a grid; whether it was here.
    pub fn remove_grid(&mut self, grid: GridId) -> bool {
        self.awake.remove(&grid);
        let place = self.places.remove(&grid);
        if let Some(Home::Led(team)) = place.as_ref().map(|place| &place.home) {
            team.break_up();
        }
        place.is_some()
    }

    /// Puts a grid that was lost in its place again, restored: what has come for it meanwhile
    /// has waited here. Its time goes on where the restored grid's stands: one that sleeps in its
    /// last record is to be skipped to the beat before the one that failed ([`Grid::skip`]).
    ///
    /// # Panics
    /// If it was not lost, or its time is ahead of the host's.
    pub fn resume(&mut self, grid: Grid<R>) {
        let id = grid.id();
        let place = self.places.get_mut(&id).expect("the grid was here");
        assert!(grid.tick() <= self.tick, "grid {id} is of another beat");
        assert!(matches!(place.home, Home::Lost), "grid {id} is not lost");
        (place.home, place.done) = (Home::Whole(Box::new(grid)), self.tick);
        self.awake.insert(id);
    }

    /// Sets the pace of a grid's time, from its next beat on; whether the grid is here.
    pub fn set_pace(&mut self, grid: GridId, pace: Dilation) -> bool {
        let place = self.places.get_mut(&grid);
        place.map(|place| place.pace = pace).is_some()
    }

    /// The pace of a grid's time, if it is here.
    #[must_use]
    pub fn pace(&self, grid: GridId) -> Option<Dilation> {
        self.places.get(&grid).map(|place| place.pace)
    }

    /// The last beat done.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.config.seed
    }

    /// What never changes.
    #[must_use]
    pub const fn context(&self) -> &Arc<R::Context> {
        &self.context
    }

    /// Brings what has come for the next beat to its grids, in any order. Messages must be all
    /// those of the last beat, whoever sent them.
    pub fn deliver(
        &mut self,
        inputs: impl IntoIterator<Item = (GridId, Stamped<R::Input>)>,
        messages: impl IntoIterator<Item = Envelope<R::Message>>,
    ) -> Strays<R> {
        let mut strays = Strays::default();
        for (grid, input) in inputs {
            if let Some(place) = self.places.get_mut(&grid) {
                place.waiting.inputs.push(input);
                self.awake.insert(grid);
            } else {
                strays.inputs.push((grid, input));
            }
        }
        for envelope in messages {
            if let Some(place) = self.places.get_mut(&envelope.to) {
                self.awake.insert(envelope.to);
                place.waiting.arrivals.push(envelope);
            } else {
                strays.messages.push(envelope);
            }
        }
        strays
    }

    /// One beat of the host, at the pace of every grid.
    ///
    /// # Panics
    /// If `tick` does not follow the last beat. What panics in a grid ends that grid only.
    pub fn beat(&mut self, tick: Tick) -> BeatOutput<R> {
        self.beat_with(tick, &mut NoProbe)
    }

    /// As [`World::beat`], with a conductor. If a team breaks, its grid is lost, which its leader
    /// reports.
    ///
    /// # Panics
    /// As [`World::beat`].
    pub fn beat_with(&mut self, tick: Tick, conductor: &mut impl Conductor) -> BeatOutput<R> {
        assert!(tick == self.tick.next(), "beat {tick} after {}", self.tick);
        let mut output = BeatOutput {
            tick,
            grids: Vec::with_capacity(self.awake.len()),
            messages: Vec::new(),
            failures: Vec::new(),
        };
        let former = std::mem::replace(&mut self.tick, tick);
        self.take_turns(former, conductor, &mut output);
        for id in std::mem::take(&mut self.awake) {
            let place = self.places.get_mut(&id);
            let place = place.expect("only grids that are here are awake");
            if place.is_whole() {
                let order = place.next_order(former, tick);
                if let Some(turn) = whole_turn(place, order, conductor) {
                    settle(place, turn, tick, &mut output);
                }
            }
            if place.is_awake() {
                self.awake.insert(id);
            }
        }
        output.grids.sort_by_key(|beat| beat.record.grid);
        output.failures.sort_by_key(|failure| failure.grid);
        for beat in &output.grids {
            output.messages.extend_from_slice(&beat.record.sent);
        }
        output
    }

    /// The turns at all teams, by ascending grid.
    fn take_turns(
        &mut self,
        former: Tick,
        conductor: &mut impl Conductor,
        output: &mut BeatOutput<R>,
    ) {
        let led = self
            .places
            .iter()
            .filter_map(|(id, place)| match &place.home {
                Home::Led(team) => Some((*id, Arc::clone(team))),
                Home::Whole(_) | Home::Lost => None,
            });
        let mut teams: BTreeMap<GridId, (Arc<Team<R>>, u16)> =
            led.map(|(id, team)| (id, (team, 0))).collect();
        // Nobody has to come to what has ended; the grid may even be here now.
        self.guests.retain(|_, (team, _)| !team.is_broken());
        for (id, guest) in &self.guests {
            teams.insert(*id, guest.clone());
        }
        for (id, (team, member)) in teams {
            if member > 0 {
                if team.follow(member, conductor).is_err() {
                    self.guests.remove(&id);
                }
                continue;
            }
            let place = self
                .places
                .get_mut(&id)
                .expect("a team that is led is here");
            let order = place.next_order(former, self.tick);
            let turn = team.lead(order, conductor, place.is_sliced());
            if matches!(turn, Ok(Turn::Failed(_))) {
                // The others shall not wait for the next turn.
                team.break_up();
            }
            let turn = turn.unwrap_or_else(|Broken| Turn::Failed(team.give_up()));
            settle(place, turn, self.tick, output);
        }
    }

    /// A copy of a grid's state after its last beat with what waits for it, to be encoded
    /// elsewhere, as of the end of the last beat of the host, also if it sleeps; `None` if it is not here, is lost, or is in the middle of a beat. To be taken
    /// when all messages of the last beat have been delivered.
    #[must_use]
    pub fn image(&self, grid: GridId) -> Option<GridImage<R>> {
        let place = self.places.get(&grid)?;
        if place.is_under_way() {
            return None;
        }
        let inbox = place.waiting.arrivals.clone();
        let mut image = match &place.home {
            Home::Whole(whole) => whole.image(inbox),
            Home::Led(team) => team.image(inbox),
            Home::Lost => return None,
        };
        if let Some((own, _, true)) = place.status() {
            image.skip(own.plus(self.tick.since(place.done)));
        }
        Some(image)
    }

    /// Takes in a grid from the bytes of [`Grid::checkpoint`] or [`GridImage::encode`], which
    /// were taken after the host's beat `done`, divided into `parts` (≥ 1).
    ///
    /// # Errors
    /// If the bytes are damaged, of another format or seed or ahead of this world, or the grid is
    /// here already.
    ///
    /// # Panics
    /// If `parts` is zero.
    pub fn restore_grid(
        &mut self,
        bytes: &[u8],
        parts: u16,
        done: Tick,
    ) -> Result<GridId, RestoreError> {
        let (restored, inbox) = Grid::restore(Arc::clone(&self.context), parts, bytes)?;
        let grid = restored.id();
        if self.places.contains_key(&grid) {
            return Err(RestoreError::Present { grid });
        }
        if restored.seed() != self.config.seed {
            return Err(RestoreError::Seed { grid });
        }
        let found = restored.tick().max(done);
        if found > self.tick {
            return Err(RestoreError::Tick {
                grid,
                expected: self.tick,
                found,
            });
        }
        let mut parcel = Parcel::new(restored, done);
        parcel.waiting.arrivals = inbox;
        self.insert(parcel);
        Ok(grid)
    }
}

/// A whole grid's turn; `None` if it is not whole.
fn whole_turn<R: Rules>(
    place: &mut Place<R>,
    order: Option<Order<R>>,
    conductor: &mut impl Conductor,
) -> Option<Turn<R>> {
    let is_sliced = place.is_sliced();
    let Home::Whole(grid) = &mut place.home else {
        return None;
    };
    let worked = catch_unwind(AssertUnwindSafe(|| {
        match order {
            Some(order) => grid.begin(order),
            None if grid.is_under_way() => {}
            None => return Turn::Rested,
        }
        if grid.advance(conductor, is_sliced) {
            Turn::Done(grid.finish())
        } else {
            Turn::Paused
        }
    }));
    Some(worked.unwrap_or_else(|panic| {
        Turn::Failed(Failure {
            grid: grid.id(),
            tick: grid.tick(),
            wall: grid.wall(),
            message: panic_message(&*panic),
            delivery: grid.take_delivery(),
        })
    }))
}

/// Takes in what became of a turn.
fn settle<R: Rules>(place: &mut Place<R>, turn: Turn<R>, tick: Tick, output: &mut BeatOutput<R>) {
    match turn {
        Turn::Rested | Turn::Paused => {}
        Turn::Done(beat) => {
            place.done = tick;
            output.grids.push(beat);
        }
        Turn::Failed(failure) => {
            place.home = Home::Lost;
            output.failures.push(failure);
        }
    }
}

impl<R: Rules> fmt::Debug for World<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("tick", &self.tick)
            .field("grids", &self.places.len())
            .field("guests", &self.guests.len())
            .field("awake", &self.awake.len())
            .finish_non_exhaustive()
    }
}
