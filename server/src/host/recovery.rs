//! From a store to the state of a beat: the checkpoint of every grid, then the journal's inputs
//! run again, every digest and every message compared. The same code answers `orrery replay`.
//!
//! Every grid has checkpoints of its own, of beats of its own, and is repeated by itself: what
//! other grids sent to it is in its records. What is still on its way at the end is what was sent
//! to a grid after its checkpoint, and what its checkpoint says was waiting, less what its records
//! say was taken in.
//!
//! **Invariant:** a message is taken in once: a record that takes in what was not on its way ends
//! the replay.
//!
//! **Invariant:** no beat is missing. The journal may begin after a grid's checkpoint only if the
//! grid slept then and that checkpoint is its newest: what forgets the journal keeps the records
//! of every grid that has changed since its own ([`orrery_storage::prune`]).
//!
//! Cost: a beat of a grid takes as long as it took live, without the edges; grids are dealt to
//! threads by [`recover`].

mod parallel;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use orrery_base::digest::combine;
use orrery_base::{GridId, Tick};
use orrery_kernel::grid::{Grid, GridBeat, GridConfig, RecordOf};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::probe::NoProbe;
use orrery_kernel::replay::replay_grid;
use orrery_kernel::rules::Envelope;
use orrery_kernel::world::{Parcel, World, WorldConfig};
use orrery_storage::Rows;
use orrery_storage::checkpoint::{self, Checkpoint};

use crate::rules::Space;
use crate::rules::context::SpaceContext;
use crate::rules::input::Message;

pub use parallel::recover;

/// To how many shards the grids are dealt at the start, and how: by their order, so that
/// neighbours in number are on different shards.
#[derive(Clone, Debug)]
pub struct Deal {
    grids: Vec<GridId>,
    worlds: usize,
}

impl Deal {
    /// Deals the galaxy's grids to `worlds` (≥ 1) worlds.
    #[must_use]
    pub fn new(context: &SpaceContext, worlds: usize) -> Self {
        Self {
            grids: context.grids().collect(),
            worlds: worlds.max(1),
        }
    }

    /// The world of a grid, or `None` if the galaxy has no such grid.
    #[must_use]
    pub fn world_of(&self, grid: GridId) -> Option<usize> {
        self.grids
            .binary_search(&grid)
            .ok()
            .map(|place| place % self.worlds)
    }

    /// All grids, ascending.
    #[must_use]
    pub fn grids(&self) -> &[GridId] {
        &self.grids
    }

    /// How many worlds there are.
    #[must_use]
    pub const fn worlds(&self) -> usize {
        self.worlds
    }
}

/// What a replay has to tell about its progress.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The beat that was just done.
    pub tick: Tick,
    /// The beat that it will end with.
    pub last: Tick,
}

/// Where a replay starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// From each grid's newest checkpoint: the shortest way to the present.
    Newest,
    /// From each grid's newest checkpoint before a beat of the journal.
    Before(Tick),
    /// The same, but a grid whose records from there on are missing begins with its oldest
    /// checkpoint in what there is of the journal.
    Within {
        /// The beat.
        before: Tick,
        /// The first beat that there are records of.
        journal: Tick,
    },
}

/// One beat of one shard, as it lies in a journal.
#[derive(Debug)]
pub struct Recorded {
    /// The host's beat.
    pub beat: Tick,
    /// The kernel's record.
    pub bytes: Vec<u8>,
}

impl Recorded {
    /// The record, of the beat that it is said to be of and with messages to grids that exist.
    fn decode(&self, galaxy: &Galaxy) -> anyhow::Result<BeatRecord<Space>> {
        let beat = self.beat;
        let record = BeatRecord::<Space>::decode(&self.bytes)
            .with_context(|| format!("decode a record of beat {beat}"))?;
        ensure!(
            record.tick == beat,
            "a record of beat {beat} holds beat {}",
            record.tick
        );
        for envelope in record.grids.iter().flat_map(|record| &record.sent) {
            ensure!(
                galaxy.context.has_grid(envelope.to),
                "beat {beat} sends a message to grid {}, which the galaxy does not have",
                envelope.to
            );
        }
        Ok(record)
    }
}

/// What never changes about the galaxy that is replayed.
#[derive(Clone)]
pub struct Galaxy {
    /// Content and map.
    pub context: Arc<SpaceContext>,
    /// The seed of the world.
    pub seed: u64,
}

/// What a beat's record holds for some grids.
struct Share {
    beat: Tick,
    /// Messages to them.
    sent: Vec<Envelope<Message>>,
    /// Their records.
    records: Vec<RecordOf<Space>>,
}

/// A grid on its way through its records.
struct Course {
    grid: Grid<Space>,
    /// Newer checkpoints were damaged: the grid has changed since this one.
    has_changed: bool,
    /// The host's beat of its checkpoint; zero is the birth of the galaxy.
    from: Tick,
    /// The host's beat of its last record, or of its checkpoint.
    done: Tick,
    /// On their way to it, by (from, sent, sequence).
    inbox: BTreeMap<(GridId, Tick, u32), Envelope<Message>>,
}

/// Grids that are taken through their records.
pub struct Replay {
    galaxy: Galaxy,
    courses: BTreeMap<GridId, Course>,
    tick: Tick,
    /// Whether a record was taken in.
    has_begun: bool,
    /// Damaged checkpoints that were passed over.
    pub skipped: usize,
    /// Grid beats done.
    pub beats: u64,
}

impl Replay {
    /// Grids as of their checkpoints at or before `until`, each divided into `parts` (≥ 1).
    ///
    /// # Errors
    /// If the store cannot be read or a checkpoint not be restored.
    pub fn begin(
        rows: &impl Rows,
        galaxy: &Galaxy,
        grids: &[GridId],
        start: Start,
        until: Tick,
        parts: u16,
    ) -> anyhow::Result<Self> {
        let mut replay = Self {
            galaxy: galaxy.clone(),
            courses: BTreeMap::new(),
            tick: until,
            has_begun: false,
            skipped: 0,
            beats: 0,
        };
        let at_most = match start {
            Start::Newest => until,
            Start::Before(before) | Start::Within { before, .. } => before.minus(1).min(until),
        };
        for &grid in grids {
            let newest = checkpoint::newest(rows, grid, at_most);
            let newest = newest.with_context(|| format!("find a checkpoint of grid {grid}"))?;
            replay.skipped += newest.skipped.len();
            let mut course = match newest.checkpoint {
                Some(found) => Course::restored(galaxy, parts, found.beat, &found.state)
                    .with_context(|| format!("restore grid {grid} after beat {}", found.beat))?,
                None => Course::born(galaxy, grid, parts),
            };
            course.has_changed = !newest.skipped.is_empty();
            if let Start::Within { journal, .. } = start
                && course.from.next() < journal
                && !course.may_wait()
                && let Some(found) = oldest(rows, grid, journal.minus(1), until)?
            {
                course = Course::restored(galaxy, parts, found.beat, &found.state)
                    .with_context(|| format!("restore grid {grid} after beat {}", found.beat))?;
            }
            ensure!(
                course.grid.id() == grid,
                "the checkpoint of grid {grid} holds another"
            );
            replay.courses.insert(grid, course);
        }
        replay.tick = replay.from();
        Ok(replay)
    }

    /// The first beat that the records must reach back to is the one after this.
    #[must_use]
    pub fn from(&self) -> Tick {
        let from = self.courses.values().map(|course| course.from);
        from.min().unwrap_or_default()
    }

    /// The last beat whose records were taken in.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// Takes one shard's record of a beat in; records come by ascending beat. `look` is shown
    /// every grid that has done a beat, with what came of it.
    ///
    /// # Errors
    /// If the record is damaged, a beat is missing before it (see the module), or something came out differently:
    /// the error names the grid and the beat.
    pub fn take(
        &mut self,
        recorded: &Recorded,
        look: impl FnMut(Tick, &Grid<Space>, &GridBeat<Space>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let record = recorded.decode(&self.galaxy)?;
        let sent = record.grids.iter().flat_map(|record| &record.sent);
        let share = Share {
            beat: recorded.beat,
            sent: sent.cloned().collect(),
            records: record.grids,
        };
        self.take_share(share, look)
    }

    /// Takes in what a record holds for the grids here.
    fn take_share(
        &mut self,
        share: Share,
        mut look: impl FnMut(Tick, &Grid<Space>, &GridBeat<Space>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let beat = share.beat;
        self.follow_on(beat)?;
        for envelope in share.sent {
            self.send(beat, envelope);
        }
        for record in share.records {
            let Some(course) = self.courses.get_mut(&record.grid) else {
                continue;
            };
            if beat <= course.from {
                continue;
            }
            let done = course
                .repeat(beat, record)
                .with_context(|| format!("replay beat {beat}"))?;
            self.beats += 1;
            look(beat, &course.grid, &done)?;
        }
        Ok(())
    }

    /// Goes on to the beat of the next record.
    fn follow_on(&mut self, beat: Tick) -> anyhow::Result<()> {
        if !self.has_begun && beat <= self.tick {
            // All checkpoints here are newer.
            return Ok(());
        }
        if beat != self.tick && beat != self.tick.next() {
            ensure!(
                !self.has_begun,
                "the journal has no beat {}: it goes on with {beat}",
                self.tick.next()
            );
            let mut courses = self.courses.values();
            let wants_more = courses.find(|course| course.from.next() < beat && !course.may_wait());
            if let Some(course) = wants_more {
                bail!(
                    "the journal begins with beat {beat}, but grid {} is known as of beat {} only",
                    course.grid.id(),
                    course.from
                );
            }
        }
        self.has_begun = true;
        self.tick = beat;
        Ok(())
    }

    fn send(&mut self, beat: Tick, envelope: Envelope<Message>) {
        let Some(course) = self.courses.get_mut(&envelope.to) else {
            return;
        };
        if beat > course.from {
            let key = (envelope.from, envelope.sent, envelope.sequence);
            course.inbox.insert(key, envelope);
        }
    }

    /// The grids, ascending.
    pub fn grids(&self) -> impl Iterator<Item = &Grid<Space>> {
        self.courses.values().map(|course| &course.grid)
    }

    /// A grid that is replayed.
    pub fn grid_mut(&mut self, grid: GridId) -> Option<&mut Grid<Space>> {
        self.courses.get_mut(&grid).map(|course| &mut course.grid)
    }

    /// The digest of all its grids together.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.grids()
            .fold(0, |sum, grid| combine(sum, grid.digest()))
    }

    /// Worlds that go on from here, after beat `last`, with what is on its way.
    ///
    /// # Errors
    /// If the records did not reach beat `last`.
    pub fn into_worlds(self, deal: &Deal, last: Tick) -> anyhow::Result<Vec<World<Space>>> {
        if self.tick < last {
            bail!("the journal ends at beat {} instead of {last}", self.tick);
        }
        let config = WorldConfig {
            seed: self.galaxy.seed,
        };
        let world = || World::new(config, Arc::clone(&self.galaxy.context), last);
        let mut worlds: Vec<_> = (0..deal.worlds()).map(|_| world()).collect();
        for (id, course) in self.courses {
            let home = deal.world_of(id).unwrap_or(0);
            let mut parcel = Parcel::new(course.grid, course.done);
            parcel.waiting.arrivals = course.inbox.into_values().collect();
            worlds[home].insert(parcel);
        }
        Ok(worlds)
    }
}

/// The oldest whole checkpoint of a grid from one beat to another.
fn oldest(
    rows: &impl Rows,
    grid: GridId,
    from: Tick,
    until: Tick,
) -> anyhow::Result<Option<Checkpoint>> {
    let mut oldest = None;
    for beat in checkpoint::beats_down(rows, grid, until) {
        let beat = beat.context("list checkpoints")?;
        if beat < from {
            break;
        }
        if let Ok(Some(found)) = checkpoint::load(rows, grid, beat) {
            oldest = Some(found);
        }
    }
    Ok(oldest)
}

impl Course {
    fn restored(
        galaxy: &Galaxy,
        parts: u16,
        beat: Tick,
        state: &[u8],
    ) -> Result<Self, orrery_kernel::grid::RestoreError> {
        let (grid, inbox) = Grid::restore(Arc::clone(&galaxy.context), parts, state)?;
        if grid.seed() != galaxy.seed {
            let grid = grid.id();
            return Err(orrery_kernel::grid::RestoreError::Seed { grid });
        }
        let inbox = inbox
            .into_iter()
            .map(|it| ((it.from, it.sent, it.sequence), it));
        Ok(Self {
            grid,
            has_changed: false,
            from: beat,
            done: beat,
            inbox: inbox.collect(),
        })
    }

    /// A grid that has no checkpoint yet.
    fn born(galaxy: &Galaxy, grid: GridId, parts: u16) -> Self {
        let config = GridConfig {
            grid,
            parts,
            seed: galaxy.seed,
            context: Arc::clone(&galaxy.context),
        };
        Self {
            grid: Grid::new(config, Tick(0)),
            has_changed: false,
            from: Tick(0),
            done: Tick(0),
            inbox: BTreeMap::new(),
        }
    }

    /// Whether there may be no record of the beats after its checkpoint because nothing happened
    /// on it.
    fn may_wait(&self) -> bool {
        self.grid.is_asleep() && !self.has_changed
    }

    fn repeat(&mut self, beat: Tick, record: RecordOf<Space>) -> anyhow::Result<GridBeat<Space>> {
        for envelope in &record.arrivals {
            let key = (envelope.from, envelope.sent, envelope.sequence);
            ensure!(
                self.inbox.remove(&key).as_ref() == Some(envelope),
                "grid {} took in a message from grid {} that was not on its way",
                record.grid,
                envelope.from
            );
        }
        self.done = beat;
        Ok(replay_grid(&mut self.grid, record, &mut NoProbe)?)
    }
}

#[cfg(test)]
mod tests;
