//! Several worlds on one thread, beat by beat: the reference for what a host of as many shards
//! does, and the executor of replay, recovery and tests.
//!
//! Messages of a beat are delivered before the next, whichever worlds their grids are in.
//! **Invariant:** no result depends on the number of worlds or on which grid is in which.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orrery_base::digest::combine;
use orrery_base::{GridId, Tick};

use crate::codec::DecodeError;
use crate::grid::{Grid, RecordOf, RestoreError};
use crate::journal::BeatRecord;
use crate::replay::ReplayError;
use crate::rules::{Envelope, Rules, Stamped};
use crate::world::{BeatOutput, Strays, World, WorldConfig};

/// Worlds in lockstep.
pub struct Lockstep<R: Rules> {
    worlds: Vec<World<R>>,
    /// The world of each grid, by its place in `worlds`.
    homes: BTreeMap<GridId, usize>,
    /// What was for no grid, since it was last asked for.
    strays: Strays<R>,
}

/// All worlds as bytes, as of the end of a beat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The beat.
    pub tick: Tick,
    /// Every grid, by ascending id, with the messages that are on their way to it.
    pub grids: Vec<(GridId, Vec<u8>)>,
}

impl<R: Rules> Lockstep<R> {
    /// `worlds` (≥ 1) worlds without grids, whose first beat will be the one after `tick`.
    ///
    /// # Panics
    /// If there is to be no world.
    #[must_use]
    pub fn new(config: WorldConfig, context: &Arc<R::Context>, worlds: usize, tick: Tick) -> Self {
        assert!(worlds > 0, "lockstep needs a world");
        let worlds = (0..worlds).map(|_| World::new(config, Arc::clone(context), tick));
        Self {
            worlds: worlds.collect(),
            homes: BTreeMap::new(),
            strays: Strays::default(),
        }
    }

    /// Makes a grid of `parts` (≥ 1) in a world (modulo their number).
    ///
    /// # Panics
    /// As [`World::add_grid`].
    pub fn add_grid(&mut self, grid: GridId, parts: u16, world: usize) {
        assert!(
            !self.homes.contains_key(&grid),
            "grid {grid} is here already"
        );
        let world = world % self.worlds.len();
        self.worlds[world].add_grid(grid, parts);
        self.homes.insert(grid, world);
    }

    /// Moves a grid to a world (modulo their number).
    ///
    /// # Panics
    /// If the grid does not exist.
    pub fn move_grid(&mut self, grid: GridId, world: usize) {
        let world = world % self.worlds.len();
        let home = self.homes.get_mut(&grid);
        let home = home.unwrap_or_else(|| panic!("grid {grid} does not exist"));
        let taken = self.worlds[*home].take(grid);
        let taken = taken.expect("homes says where every grid is");
        self.worlds[world].insert(taken);
        *home = world;
    }

    /// Divides a grid into as many parts (≥ 1); whether it is here and between two beats.
    pub fn repartition(&mut self, grid: GridId, parts: u16) -> bool {
        let home = self.homes.get(&grid);
        home.is_some_and(|home| self.worlds[*home].repartition(grid, parts).is_some())
    }

    /// One beat of all worlds. What they put out is put together: the grids by ascending id; the
    /// messages, which have been delivered for the next beat, by (to, from, sent, sequence).
    pub fn beat(&mut self, inputs: Vec<(GridId, Stamped<R::Input>)>) -> BeatOutput<R> {
        let tick = self.tick().next();
        self.deliver(inputs, Vec::new());
        let mut output = empty(tick);
        for world in &mut self.worlds {
            append(&mut output, world.beat(tick));
        }
        self.exchange(&mut output);
        output
    }

    /// Repeats one beat from the records of all shards.
    ///
    /// # Errors
    /// If a record is of another beat or names a grid that is not here; nothing has happened
    /// then. If something comes out differently; some grids may have done their beats then.
    pub fn replay(&mut self, records: Vec<BeatRecord<R>>) -> Result<BeatOutput<R>, ReplayError> {
        let tick = self.tick().next();
        let mut dealt: Vec<Vec<RecordOf<R>>> = self.worlds.iter().map(|_| Vec::new()).collect();
        for record in records {
            if record.tick != tick {
                return Err(ReplayError::Tick {
                    expected: tick,
                    found: record.tick,
                });
            }
            for grid in record.grids {
                let id = grid.grid;
                let home = self.homes.get(&id);
                let home = home.ok_or(ReplayError::UnknownGrid { grid: id })?;
                dealt[*home].push(grid);
            }
        }
        let mut output = empty(tick);
        for (world, records) in self.worlds.iter_mut().zip(dealt) {
            append(&mut output, world.repeat(tick, records)?);
        }
        self.exchange(&mut output);
        Ok(output)
    }

    /// Brings the order of what was put out into one that does not depend on the worlds, and
    /// delivers the messages.
    fn exchange(&mut self, output: &mut BeatOutput<R>) {
        output.grids.sort_by_key(|beat| beat.record.grid);
        output.failures.sort_by_key(|failure| failure.grid);
        let order = |e: &Envelope<R::Message>| (e.to, e.order());
        output.messages.sort_by_key(order);
        self.deliver(Vec::new(), output.messages.clone());
    }

    fn deliver(
        &mut self,
        inputs: Vec<(GridId, Stamped<R::Input>)>,
        messages: Vec<Envelope<R::Message>>,
    ) {
        for (grid, input) in inputs {
            if let Some(home) = self.homes.get(&grid) {
                self.worlds[*home].deliver([(grid, input)], []);
            } else {
                self.strays.inputs.push((grid, input));
            }
        }
        for envelope in messages {
            if let Some(home) = self.homes.get(&envelope.to) {
                self.worlds[*home].deliver([], [envelope]);
            } else {
                self.strays.messages.push(envelope);
            }
        }
    }

    /// What was for grids that do not exist, since this was last called.
    pub fn take_strays(&mut self) -> Strays<R> {
        std::mem::take(&mut self.strays)
    }

    /// Everything as bytes.
    ///
    /// # Panics
    /// If a grid is lost or in the middle of a beat.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut grids = Vec::new();
        for (grid, home) in &self.homes {
            let image = self.worlds[*home].image(*grid);
            let image = image.expect("the grid is between two beats");
            grids.push((*grid, image.encode()));
        }
        Checkpoint {
            tick: self.tick(),
            grids,
        }
    }

    /// From a checkpoint, with `worlds` (≥ 1) worlds and `place` saying for each grid its number
    /// of parts (≥ 1) and its world (modulo their number): none of them need be as before.
    ///
    /// # Errors
    /// If a grid cannot be restored.
    ///
    /// # Panics
    /// If there is to be no world or no part.
    pub fn restore(
        config: WorldConfig,
        context: &Arc<R::Context>,
        worlds: usize,
        checkpoint: &Checkpoint,
        mut place: impl FnMut(GridId) -> (u16, usize),
    ) -> Result<Self, RestoreError> {
        let mut restored = Self::new(config, context, worlds, checkpoint.tick);
        for (grid, bytes) in &checkpoint.grids {
            let (parts, world) = place(*grid);
            let world = world % worlds;
            let found = restored.worlds[world].restore_grid(bytes, parts, checkpoint.tick)?;
            if found != *grid || restored.homes.insert(found, world).is_some() {
                return Err(RestoreError::Decode(DecodeError::Invalid("grid")));
            }
        }
        Ok(restored)
    }

    /// The worlds by themselves, each with the messages that are due in its next beat: for a host
    /// that runs each on a shard of its own.
    #[must_use]
    pub fn into_worlds(self) -> Vec<World<R>> {
        self.worlds
    }

    /// The last beat done.
    #[must_use]
    pub fn tick(&self) -> Tick {
        self.worlds[0].tick()
    }

    /// The worlds.
    #[must_use]
    pub fn worlds(&self) -> &[World<R>] {
        &self.worlds
    }

    /// The worlds, to set paces and the like. Grids must stay where they are.
    pub fn worlds_mut(&mut self) -> &mut [World<R>] {
        &mut self.worlds
    }

    /// A grid, wherever it is.
    #[must_use]
    pub fn grid(&self, grid: GridId) -> Option<&Grid<R>> {
        self.worlds[*self.homes.get(&grid)?].grid(grid)
    }

    /// Sums the digests of all grids.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut sum = 0;
        for (grid, home) in &self.homes {
            sum = combine(sum, self.worlds[*home].digest(*grid).unwrap_or(0));
        }
        sum
    }
}

const fn empty<R: Rules>(tick: Tick) -> BeatOutput<R> {
    BeatOutput {
        tick,
        grids: Vec::new(),
        messages: Vec::new(),
        failures: Vec::new(),
    }
}

fn append<R: Rules>(all: &mut BeatOutput<R>, mut one: BeatOutput<R>) {
    all.grids.append(&mut one.grids);
    all.messages.append(&mut one.messages);
    all.failures.append(&mut one.failures);
}

impl<R: Rules> fmt::Debug for Lockstep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lockstep")
            .field("tick", &self.tick())
            .field("worlds", &self.worlds)
            .finish_non_exhaustive()
    }
}
