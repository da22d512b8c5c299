//! A world: the grids that one shard steps, without any I/O.
//!
//! The caller gathers what has come for a beat, calls [`World::beat`] and carries away what it
//! puts out; messages between grids, also between grids of this very world, are the caller's to
//! deliver in the next beat. So a world can be driven by a shard's loop, by a replay or by a
//! test, and never notices which.
//!
//! Cost: grids that are asleep (`Grid::is_asleep`) are not even looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use orrery_base::{GridId, Tick};

use crate::grid::{Grid, GridBeat, GridConfig, GridOutput, RestoreError};
use crate::probe::{NoProbe, Probe};
use crate::rules::{Envelope, Rules, Stamped};

/// What a world is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorldConfig {
    /// The seed of all randomness; the same on every shard of a host.
    pub seed: u64,
}

/// What a world has to show for a beat.
pub struct BeatOutput<R: Rules> {
    /// The beat.
    pub tick: Tick,
    /// The grids that were stepped, by ascending id. A grid that is missing has not changed, and
    /// its last frames still hold.
    pub grids: Vec<GridBeat<R>>,
    /// Messages to grids, here or elsewhere, due in the next beat; by (from, sequence).
    pub messages: Vec<Envelope<R::Message>>,
    /// Inputs for grids that are not here.
    pub stray_inputs: Vec<(GridId, Stamped<R::Input>)>,
    /// Messages for grids that are not here. They may carry value: the caller must not lose
    /// them.
    pub stray_messages: Vec<Envelope<R::Message>>,
}

/// The grids of one shard.
pub struct World<R: Rules> {
    config: WorldConfig,
    context: Arc<R::Context>,
    tick: Tick,
    grids: BTreeMap<GridId, Grid<R>>,
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
            grids: BTreeMap::new(),
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

    /// Takes a grid in, from another world that has done the same beats.
    ///
    /// # Panics
    /// If the grid is here already or is not of this beat.
    pub fn insert_grid(&mut self, grid: Grid<R>) {
        let id = grid.id();
        assert!(!self.grids.contains_key(&id), "grid {id} is here already");
        assert!(grid.tick() == self.tick, "grid {id} is of another beat");
        self.awake.insert(id);
        self.grids.insert(id, grid);
    }

    /// Gives a grid away, at its present beat; `None` if it is not here.
    pub fn take_grid(&mut self, grid: GridId) -> Option<Grid<R>> {
        self.awake.remove(&grid);
        let mut grid = self.grids.remove(&grid)?;
        if grid.is_asleep() {
            grid.skip(self.tick);
        }
        Some(grid)
    }

    /// Drops a grid; whether it was here.
    pub fn remove_grid(&mut self, grid: GridId) -> bool {
        self.take_grid(grid).is_some()
    }

    /// A grid that is here. Its own tick is behind the world's while it is asleep.
    #[must_use]
    pub fn grid(&self, grid: GridId) -> Option<&Grid<R>> {
        self.grids.get(&grid)
    }

    /// The grids, by ascending id.
    pub fn grids(&self) -> impl ExactSizeIterator<Item = &Grid<R>> {
        self.grids.values()
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

    /// One beat. `inputs` is drained, in any order; `arrivals` are all messages of the last beat
    /// to grids that are here, in any order.
    ///
    /// # Panics
    /// If `tick` does not follow the last beat, or the rules break an invariant.
    pub fn beat(
        &mut self,
        tick: Tick,
        inputs: &mut Vec<(GridId, Stamped<R::Input>)>,
        arrivals: Vec<Envelope<R::Message>>,
    ) -> BeatOutput<R> {
        self.beat_probed(tick, inputs, arrivals, &mut NoProbe)
    }

    /// As [`World::beat`], telling a probe when each phase of each grid begins.
    pub fn beat_probed(
        &mut self,
        tick: Tick,
        inputs: &mut Vec<(GridId, Stamped<R::Input>)>,
        arrivals: Vec<Envelope<R::Message>>,
        probe: &mut impl Probe,
    ) -> BeatOutput<R> {
        assert!(tick == self.tick.next(), "beat {tick} after {}", self.tick);
        let mut output = BeatOutput {
            tick,
            grids: Vec::with_capacity(self.awake.len()),
            messages: Vec::new(),
            stray_inputs: Vec::new(),
            stray_messages: Vec::new(),
        };
        let mut deliveries = self.deal(inputs, arrivals, &mut output);
        for id in deliveries.keys() {
            self.awake.insert(*id);
        }
        let awake = std::mem::take(&mut self.awake);
        for id in awake {
            let grid = self.grids.get_mut(&id);
            let grid = grid.expect("only grids that are here are awake or have deliveries");
            let delivery = deliveries.remove(&id).unwrap_or_default();
            if grid.is_asleep() {
                grid.skip(self.tick);
            }
            let GridOutput { beat, messages } =
                grid.step_probed(tick, delivery.inputs, delivery.arrivals, probe);
            output.grids.push(beat);
            output.messages.extend(messages);
            if !grid.is_asleep() {
                self.awake.insert(id);
            }
        }
        self.tick = tick;
        output
    }

    /// Sorts what has come by grid; what is for a grid that is not here goes to the strays.
    fn deal(
        &self,
        inputs: &mut Vec<(GridId, Stamped<R::Input>)>,
        arrivals: Vec<Envelope<R::Message>>,
        output: &mut BeatOutput<R>,
    ) -> BTreeMap<GridId, Delivery<R>> {
        let mut deliveries: BTreeMap<GridId, Delivery<R>> = BTreeMap::new();
        for (grid, input) in inputs.drain(..) {
            if self.grids.contains_key(&grid) {
                deliveries.entry(grid).or_default().inputs.push(input);
            } else {
                output.stray_inputs.push((grid, input));
            }
        }
        for envelope in arrivals {
            if self.grids.contains_key(&envelope.to) {
                let delivery = deliveries.entry(envelope.to).or_default();
                delivery.arrivals.push(envelope);
            } else {
                output.stray_messages.push(envelope);
            }
        }
        deliveries
    }

    /// Every grid as bytes, as of the end of the last beat, by ascending id. Messages that are
    /// on their way are the caller's to keep.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<(GridId, Vec<u8>)> {
        let grids = self.grids.iter();
        grids
            .map(|(id, grid)| (*id, grid.checkpoint_at(self.tick)))
            .collect()
    }

    /// Takes in a grid from its bytes, divided into `parts` (≥ 1).
    ///
    /// # Errors
    /// If the bytes are damaged or of another format, beat or seed, or the grid is here already.
    ///
    /// # Panics
    /// If `parts` is zero.
    pub fn restore_grid(&mut self, bytes: &[u8], parts: u16) -> Result<GridId, RestoreError> {
        let restored = Grid::restore(Arc::clone(&self.context), parts, bytes)?;
        let grid = restored.id();
        if self.grids.contains_key(&grid) {
            return Err(RestoreError::Present { grid });
        }
        if restored.seed() != self.config.seed {
            return Err(RestoreError::Seed { grid });
        }
        if restored.tick() != self.tick {
            return Err(RestoreError::Tick {
                grid,
                expected: self.tick,
                found: restored.tick(),
            });
        }
        self.insert_grid(restored);
        Ok(grid)
    }
}

/// What has come for one grid.
struct Delivery<R: Rules> {
    inputs: Vec<Stamped<R::Input>>,
    arrivals: Vec<Envelope<R::Message>>,
}

impl<R: Rules> Default for Delivery<R> {
    fn default() -> Self {
        Self {
            inputs: Vec::new(),
            arrivals: Vec::new(),
        }
    }
}

impl<R: Rules> fmt::Debug for World<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("tick", &self.tick)
            .field("grids", &self.grids.len())
            .field("awake", &self.awake.len())
            .finish_non_exhaustive()
    }
}
