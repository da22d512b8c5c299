//! Several worlds on one thread, beat by beat: the reference for what a host of as many shards
//! does, and the executor of replay, recovery and tests.
//!
//! Messages of a beat are delivered in the next, ordered by (to, from, sequence), whichever
//! worlds their grids are in. **Invariant:** no result depends on the number of worlds or on
//! which grid is in which.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use orrery_base::digest::combine;
use orrery_base::{GridId, Tick};

use crate::codec::DecodeError;
use crate::grid::{Grid, RestoreError};
use crate::journal::{BeatRecord, decode_messages, encode_messages};
use crate::replay::{ReplayError, check_digest};
use crate::rules::{Envelope, Rules, Stamped};
use crate::world::{BeatOutput, World, WorldConfig};

/// Worlds in lockstep.
pub struct Lockstep<R: Rules> {
    worlds: Vec<World<R>>,
    /// The world of each grid, by its place in `worlds`.
    homes: BTreeMap<GridId, usize>,
    /// Sent in the last beat, due in the next.
    pending: Vec<Envelope<R::Message>>,
}

/// All worlds as bytes, as of the end of a beat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The beat.
    pub tick: Tick,
    /// Every grid, by ascending id.
    pub grids: Vec<(GridId, Vec<u8>)>,
    /// The messages that are on their way.
    pub pending: Vec<u8>,
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
            pending: Vec::new(),
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
        let taken = self.worlds[*home].take_grid(grid);
        let taken = taken.expect("homes says where every grid is");
        self.worlds[world].insert_grid(taken);
        *home = world;
    }

    /// One beat of all worlds. What they put out is put together: the grids by ascending id;
    /// the messages, which will be delivered in the next beat, by (to, from, sequence).
    pub fn beat(&mut self, inputs: Vec<(GridId, Stamped<R::Input>)>) -> BeatOutput<R> {
        let tick = self.tick().next();
        let mut output = BeatOutput {
            tick,
            grids: Vec::new(),
            messages: Vec::new(),
            stray_inputs: Vec::new(),
            stray_messages: Vec::new(),
        };
        // By world. What is for no grid goes to the first, which gives it back as stray.
        let home = |grid: GridId| self.homes.get(&grid).copied().unwrap_or(0);
        let mut dealt: Vec<(Vec<_>, Vec<_>)> = Vec::new();
        dealt.resize_with(self.worlds.len(), Default::default);
        for (grid, input) in inputs {
            dealt[home(grid)].0.push((grid, input));
        }
        for envelope in self.pending.drain(..) {
            dealt[home(envelope.to)].1.push(envelope);
        }
        for (world, (mut inputs, arrivals)) in self.worlds.iter_mut().zip(dealt) {
            let mut beat = world.beat(tick, &mut inputs, arrivals);
            output.grids.append(&mut beat.grids);
            output.messages.append(&mut beat.messages);
            output.stray_inputs.append(&mut beat.stray_inputs);
            output.stray_messages.append(&mut beat.stray_messages);
        }
        output.grids.sort_by_key(|beat| beat.record.grid);
        let order = |e: &Envelope<R::Message>| (e.to, e.from, e.sequence);
        output.messages.sort_by_key(order);
        self.pending.clone_from(&output.messages);
        output
    }

    /// Repeats one beat from the records of all shards.
    ///
    /// # Errors
    /// If a record is of another beat or names a grid that is not here; nothing has happened
    /// then. If a digest differs afterwards.
    pub fn replay(&mut self, records: Vec<BeatRecord<R>>) -> Result<BeatOutput<R>, ReplayError> {
        let tick = self.tick().next();
        let mut inputs = Vec::new();
        let mut digests = Vec::new();
        for record in records {
            if record.tick != tick {
                return Err(ReplayError::Tick {
                    expected: tick,
                    found: record.tick,
                });
            }
            for grid in record.grids {
                let id = grid.grid;
                if !self.homes.contains_key(&id) {
                    return Err(ReplayError::UnknownGrid { grid: id });
                }
                digests.push((id, grid.digest));
                inputs.extend(grid.inputs.into_iter().map(|input| (id, input)));
            }
        }
        let output = self.beat(inputs);
        for (id, expected) in digests {
            let grid = self.grid(id).ok_or(ReplayError::UnknownGrid { grid: id })?;
            check_digest(id, tick, expected, grid.digest())?;
        }
        Ok(output)
    }

    /// Everything as bytes.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut grids: Vec<_> = self.worlds.iter().flat_map(World::checkpoint).collect();
        grids.sort_by_key(|(grid, _)| *grid);
        let mut pending = Vec::new();
        encode_messages::<R>(&self.pending, &mut pending);
        let tick = self.tick();
        Checkpoint {
            tick,
            grids,
            pending,
        }
    }

    /// From a checkpoint, with `worlds` (≥ 1) worlds and `place` saying for each grid its number
    /// of parts (≥ 1) and its world (modulo their number): none of them need be as before.
    ///
    /// # Errors
    /// If a grid cannot be restored, or the messages not be read.
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
            let found = restored.worlds[world].restore_grid(bytes, parts)?;
            if found != *grid || restored.homes.insert(found, world).is_some() {
                return Err(RestoreError::Decode(DecodeError::Invalid("grid")));
            }
        }
        restored.pending = decode_messages::<R>(&checkpoint.pending)?;
        Ok(restored)
    }

    /// The worlds by themselves, and the messages that are due in their next beat, by (to, from,
    /// sequence): for a host that runs each on a shard of its own.
    #[must_use]
    pub fn into_worlds(self) -> (Vec<World<R>>, Vec<Envelope<R::Message>>) {
        (self.worlds, self.pending)
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

    /// A grid, wherever it is.
    #[must_use]
    pub fn grid(&self, grid: GridId) -> Option<&Grid<R>> {
        self.worlds[*self.homes.get(&grid)?].grid(grid)
    }

    /// The messages that are due in the next beat, by (to, from, sequence).
    #[must_use]
    pub fn pending(&self) -> &[Envelope<R::Message>] {
        &self.pending
    }

    /// The digest of all grids together.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let grids = self.worlds.iter().flat_map(World::grids);
        grids.fold(0, |sum, grid| combine(sum, grid.digest()))
    }
}

impl<R: Rules> fmt::Debug for Lockstep<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lockstep")
            .field("tick", &self.tick())
            .field("worlds", &self.worlds)
            .finish_non_exhaustive()
    }
}
