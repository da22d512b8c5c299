//! From a store to the state of the last durable beat: a checkpoint, then the journal's inputs
//! run again, every digest compared. The same code answers `orrery replay`.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use orrery_base::{GridId, Tick};
use orrery_kernel::journal::{BeatRecord, decode_messages, encode_messages};
use orrery_kernel::lockstep::{Checkpoint, Lockstep};
use orrery_kernel::world::WorldConfig;
use orrery_storage::{Rows, Store, checkpoint, journal};

use crate::rules::Space;
use crate::rules::context::SpaceContext;

/// The checkpoint row of the messages that a shard's grids have sent and nobody has received.
/// No grid of a galaxy has a number this high.
#[must_use]
pub const fn pending_row(shard: orrery_base::ShardIndex) -> GridId {
    GridId(u32::MAX - 1 - shard.0 as u32)
}

/// Whether a checkpoint row is one of [`pending_row`].
const fn is_pending_row(grid: GridId) -> bool {
    grid.0 >= u32::MAX - 1 - u16::MAX as u32 && grid.0 < u32::MAX
}

/// Into how many worlds the grids are dealt, and how: by their order, so that neighbours in
/// number are on different shards.
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
    /// From the newest checkpoint: the shortest way to the present.
    Newest,
    /// From the oldest one that the journal still reaches back to: the longest proof.
    Oldest,
}

/// A state that was reached by replay.
pub struct Replayed {
    /// The worlds, and the messages that are due in the next beat.
    pub lockstep: Lockstep<Space>,
    /// The beat of the checkpoint that it started from; zero is the birth of the galaxy.
    pub from: Tick,
    /// Checkpoints that were passed over because they were not whole.
    pub skipped: usize,
}

/// Runs the journal from a checkpoint to beat `until` and compares every digest on the way.
///
/// # Errors
/// If the store cannot be read, a beat of the journal is missing or damaged, or a digest differs:
/// then the error names the grid and the beat.
pub fn replay(
    store: &Store,
    context: &Arc<SpaceContext>,
    seed: u64,
    deal: &Deal,
    start: Start,
    until: Tick,
    mut progress: impl FnMut(Progress),
) -> anyhow::Result<Replayed> {
    let (mut lockstep, skipped) = begin(store, context, seed, deal, start, until)?;
    let from = lockstep.tick();
    let mut beat: Vec<BeatRecord<Space>> = Vec::new();
    let rows = journal::range(store.log(), from.next()..=until).context("read the journal")?;
    for row in rows {
        let row = row.context("read the journal")?;
        if beat
            .first()
            .is_some_and(|record| record.tick != row.key.beat)
        {
            step(&mut lockstep, std::mem::take(&mut beat))?;
            progress(Progress {
                tick: lockstep.tick(),
                last: until,
            });
        }
        let record = BeatRecord::decode(&row.record)
            .with_context(|| format!("decode beat {} of shard {}", row.key.beat, row.key.shard))?;
        ensure!(
            record.tick == row.key.beat,
            "the journal's row of beat {} holds beat {}",
            row.key.beat,
            record.tick
        );
        beat.push(record);
    }
    if !beat.is_empty() {
        step(&mut lockstep, beat)?;
        progress(Progress {
            tick: lockstep.tick(),
            last: until,
        });
    }
    ensure!(
        lockstep.tick() == until,
        "the journal ends at beat {} instead of {until}",
        lockstep.tick()
    );
    Ok(Replayed {
        lockstep,
        from,
        skipped,
    })
}

fn step(lockstep: &mut Lockstep<Space>, records: Vec<BeatRecord<Space>>) -> anyhow::Result<()> {
    let tick = records.first().map_or(Tick(0), |record| record.tick);
    let output = lockstep
        .replay(records)
        .with_context(|| format!("replay beat {tick}"))?;
    ensure!(
        output.stray_messages.is_empty(),
        "beat {tick} sends a message to a grid that the galaxy does not have"
    );
    Ok(())
}

fn begin(
    store: &Store,
    context: &Arc<SpaceContext>,
    seed: u64,
    deal: &Deal,
    start: Start,
    until: Tick,
) -> anyhow::Result<(Lockstep<Space>, usize)> {
    let (found, skipped) = match start {
        Start::Newest => newest(store, deal, until).context("find a checkpoint")?,
        Start::Oldest => oldest(store, deal, until)?,
    };
    let config = WorldConfig { seed };
    let worlds = deal.worlds;
    if let Some(checkpoint) = found {
        let lockstep = Lockstep::restore(config, context, worlds, &checkpoint, |grid| {
            (1, deal.world_of(grid).unwrap_or(0))
        })
        .with_context(|| format!("restore the checkpoint of beat {}", checkpoint.tick))?;
        return Ok((lockstep, skipped));
    }
    // No checkpoint: the journal reaches back to the birth of the galaxy, or there is none.
    let mut lockstep = Lockstep::new(config, context, worlds, Tick(0));
    for &grid in deal.grids() {
        lockstep.add_grid(grid, 1, deal.world_of(grid).unwrap_or(0));
    }
    Ok((lockstep, skipped))
}

/// The beats at which there are checkpoints, newest first. All grids have theirs at the same
/// beats, so one of them speaks for all.
fn beats(rows: &impl Rows, deal: &Deal, until: Tick) -> impl Iterator<Item = anyhow::Result<Tick>> {
    let grid = deal.grids().first();
    grid.into_iter()
        .flat_map(move |&grid| checkpoint::beats_down(rows, grid, until))
        .map(|beat| Ok(beat?))
}

/// The newest whole checkpoint, and how many damaged ones are newer.
fn newest(
    rows: &impl Rows,
    deal: &Deal,
    until: Tick,
) -> anyhow::Result<(Option<Checkpoint>, usize)> {
    let mut skipped = 0;
    for beat in beats(rows, deal, until) {
        match load(rows, deal, beat?)? {
            Some(found) => return Ok((Some(found), skipped)),
            None => skipped += 1,
        }
    }
    Ok((None, skipped))
}

/// The oldest whole checkpoint whose following beat the journal still has; none if the
/// journal begins with the first beat.
fn oldest(store: &Store, deal: &Deal, until: Tick) -> anyhow::Result<(Option<Checkpoint>, usize)> {
    let span = journal::span(store.log(), until).context("read the journal's ends")?;
    let Some((first, _)) = span else {
        return Ok((None, 0));
    };
    if first.beat == Tick(1) {
        return Ok((None, 0));
    }
    let mut beats = beats(store, deal, until).collect::<anyhow::Result<Vec<_>>>()?;
    beats.reverse();
    let mut skipped = 0;
    for beat in beats {
        if beat.next() < first.beat {
            continue;
        }
        match load(store, deal, beat)? {
            Some(found) => return Ok((Some(found), skipped)),
            None => skipped += 1,
        }
    }
    bail!(
        "no checkpoint reaches the journal, which begins with beat {}",
        first.beat
    )
}

/// The checkpoint of a beat as the kernel wants it: grids, and the messages of all shards
/// together. None if a grid of the galaxy is missing or damaged.
fn load(rows: &impl Rows, deal: &Deal, beat: Tick) -> anyhow::Result<Option<Checkpoint>> {
    let mut grids = Vec::new();
    let mut pending = Vec::new();
    for grid in checkpoint::grids(rows) {
        let grid = grid.context("read the checkpoints")?;
        let found = match checkpoint::load(rows, grid, beat) {
            Ok(found) => found,
            Err(error @ checkpoint::CheckpointError::Damaged { .. }) => {
                tracing::warn!(%error, "an older checkpoint has to do");
                return Ok(None);
            }
            Err(checkpoint::CheckpointError::Read(error)) => return Err(error.into()),
        };
        // Of shards that were no more, or not yet, there is nothing at this beat.
        let Some(found) = found else { continue };
        if is_pending_row(grid) {
            let messages = decode_messages::<Space>(&found.state);
            pending.extend(messages.context("decode messages of a checkpoint")?);
        } else {
            grids.push((grid, found.state));
        }
    }
    let is_there = |grid: &GridId| grids.binary_search_by_key(grid, |(grid, _)| *grid).is_ok();
    if let Some(missing) = deal.grids().iter().find(|grid| !is_there(grid)) {
        tracing::warn!(beat = beat.0, grid = missing.0, "a checkpoint lacks a grid");
        return Ok(None);
    }
    pending.sort_by_key(|envelope| (envelope.to, envelope.from, envelope.sequence));
    let mut encoded = Vec::new();
    encode_messages::<Space>(&pending, &mut encoded);
    Ok(Some(Checkpoint {
        tick: beat,
        grids,
        pending: encoded,
    }))
}
