//! Bounds the checkpoints. Pruning only ever removes what no replay from the horizon needs.
//!
//! **Rule:** of each grid the newest whole checkpoint at or before the horizon stays, and every
//! newer one; what is older goes. A replay of a grid begins with its kept checkpoint, so records
//! of a grid up to its kept checkpoint are never needed, and those after it are, as long as
//! the grid changed. The journal is therefore wanted from [`Pruned::wanted_from`]: the beat after
//! the oldest kept checkpoint among the grids that have changed since theirs. A grid that sleeps
//! does not hold the journal back. A recovery needs less: it begins with the newest whole
//! checkpoints ([`Pruned::recovery_from`]).

use std::collections::BTreeMap;

use orrery_base::{GridId, Tick};

use crate::checkpoint::{self, CheckpointKey};
use crate::{Batch, Domain, ReadError, Rows};

/// The whole checkpoints of a grid that something begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The newest, with which a recovery begins; none if there is none at all.
    pub newest: Option<Tick>,
    /// The newest at or before the horizon, with which a replay from there begins; none if
    /// it begins with the grid's birth.
    pub at_horizon: Option<Tick>,
}

/// What a pruning removes when its batch is written, and what it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Checkpoints that go.
    pub removed: u64,
    /// Every grid that has checkpoints.
    pub grids: BTreeMap<GridId, Kept>,
}

impl Pruned {
    /// The first beat whose records a replay from the horizon needs, if only the grids for which
    /// `changes` holds have changed since their kept checkpoint. Beat 0 if nothing may go.
    #[must_use]
    pub fn wanted_from(&self, changes: impl Fn(GridId) -> bool) -> Tick {
        self.first(changes, |kept| kept.at_horizon)
    }

    /// The first beat whose records a recovery needs, seen in the same way.
    #[must_use]
    pub fn recovery_from(&self, changes: impl Fn(GridId) -> bool) -> Tick {
        self.first(changes, |kept| kept.newest)
    }

    fn first(
        &self,
        changes: impl Fn(GridId) -> bool,
        which: impl Fn(&Kept) -> Option<Tick>,
    ) -> Tick {
        self.grids
            .iter()
            .filter(|(grid, _)| changes(**grid))
            .map(|(_, kept)| which(kept).map_or(Tick(0), Tick::next))
            .min()
            .unwrap_or(Tick(0))
    }
}

/// Adds to `batch` the removal of the checkpoints that are older than the newest whole one at or
/// before `horizon`, of every grid.
///
/// Reads the checkpoints that something begins with, to be sure of them. The batch may go through
/// the control port at any later time: what has been added by then is not touched by it.
///
/// # Errors
///
/// [`ReadError`]; the batch is unchanged then.
pub fn prune(rows: &impl Rows, horizon: Tick, batch: &mut Batch) -> Result<Pruned, ReadError> {
    let mut out = Batch::new();
    let mut pruned = Pruned::default();
    for grid in checkpoint::grids(rows) {
        let grid = grid?;
        let mut kept = Kept::default();
        for beat in checkpoint::beats_down(rows, grid, Tick(u64::MAX)) {
            let beat = beat?;
            let key = CheckpointKey { grid, beat }.encode();
            if kept.at_horizon.is_some() {
                out.delete(Domain::Checkpoint, key);
                pruned.removed += 1;
                continue;
            }
            if beat > horizon && kept.newest.is_some() {
                continue;
            }
            // A damaged one that is newer stays, as evidence, until the horizon has passed the
            // next whole one.
            let value = rows.get(Domain::Checkpoint, &key)?.unwrap_or_default();
            if checkpoint::verify(&key, &value).is_ok() {
                kept.newest = kept.newest.or(Some(beat));
                kept.at_horizon = (beat <= horizon).then_some(beat);
            }
        }
        pruned.grids.insert(grid, kept);
    }
    batch.append(&out);
    Ok(pruned)
}

#[cfg(test)]
mod tests;
