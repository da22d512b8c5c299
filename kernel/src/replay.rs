//! Replay: doing beats again from the journal, and noticing when they do not come out the same.

use orrery_base::{GridId, Tick};

use crate::grid::{Grid, GridOutput, RecordOf};
use crate::rules::Rules;

/// Why a beat could not be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The record is of another beat than the next one.
    #[error("the next beat is {expected}, the record is of {found}")]
    Tick {
        /// The beat that comes next.
        expected: Tick,
        /// The record's beat.
        found: Tick,
    },
    /// The record names a grid that is not there.
    #[error("grid {grid} of the record is not here")]
    UnknownGrid {
        /// Which grid.
        grid: GridId,
    },
    /// The state has diverged from the recorded one.
    #[error("grid {grid} diverged in beat {tick}: recorded {expected:#018x}, found {found:#018x}")]
    Diverged {
        /// Which grid.
        grid: GridId,
        /// In which beat.
        tick: Tick,
        /// The recorded digest.
        expected: u64,
        /// The digest of the replay.
        found: u64,
    },
}

/// Repeats one recorded beat of a single grid, without its neighbours. Beats that are missing in
/// the journal because the grid was asleep are skipped.
///
/// # Errors
/// If the record is not of this grid's next beat, or the digest differs afterwards.
pub fn replay_grid<R: Rules>(
    grid: &mut Grid<R>,
    tick: Tick,
    record: RecordOf<R>,
) -> Result<GridOutput<R>, ReplayError> {
    if record.grid != grid.id() {
        return Err(ReplayError::UnknownGrid { grid: record.grid });
    }
    if grid.is_asleep() && tick > grid.tick() {
        grid.skip(tick.minus(1));
    }
    if tick != grid.tick().next() {
        return Err(ReplayError::Tick {
            expected: grid.tick().next(),
            found: tick,
        });
    }
    let output = grid.step(tick, record.inputs, record.arrivals);
    check_digest(grid.id(), tick, record.digest, grid.digest())?;
    Ok(output)
}

pub(crate) fn check_digest(
    grid: GridId,
    tick: Tick,
    expected: u64,
    found: u64,
) -> Result<(), ReplayError> {
    if expected == found {
        Ok(())
    } else {
        Err(ReplayError::Diverged {
            grid,
            tick,
            expected,
            found,
        })
    }
}
