//! Replay: doing beats again from the journal, and noticing when they do not come out the same.

use orrery_base::{GridId, Tick};

use crate::grid::{Delivery, Grid, GridBeat, Order, RecordOf};
use crate::probe::Conductor;
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
    /// Other messages were sent than recorded, from an equal state.
    #[error("grid {grid} sent other messages in its beat {tick} than recorded")]
    Messages {
        /// Which grid.
        grid: GridId,
        /// In which beat, by the grid's own time.
        tick: Tick,
    },
    /// A grid took in a message that nobody has sent, or that it had taken in before.
    #[error("grid {grid} took in a message from grid {from} that was not on its way")]
    Stray {
        /// The receiver.
        grid: GridId,
        /// The sender, as recorded.
        from: GridId,
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
/// If the record is not of this grid's next beat, or what comes of it is not what was recorded.
pub fn replay_grid<R: Rules>(
    grid: &mut Grid<R>,
    record: RecordOf<R>,
    conductor: &mut impl Conductor,
) -> Result<GridBeat<R>, ReplayError> {
    if record.grid != grid.id() {
        return Err(ReplayError::UnknownGrid { grid: record.grid });
    }
    if grid.is_asleep() && record.tick > grid.tick() {
        grid.skip(record.tick.minus(1));
    }
    if record.tick != grid.tick().next() {
        return Err(ReplayError::Tick {
            expected: grid.tick().next(),
            found: record.tick,
        });
    }
    let (inputs, arrivals) = (record.inputs, record.arrivals);
    grid.begin(Order {
        tick: record.tick,
        wall: record.wall,
        dilation: record.dilation,
        delivery: Delivery { inputs, arrivals },
    });
    let is_done = grid.advance(conductor, false);
    assert!(is_done, "a beat that is not sliced is done in one turn");
    let beat = grid.finish();
    if beat.record.digest != record.digest {
        return Err(ReplayError::Diverged {
            grid: record.grid,
            tick: record.tick,
            expected: record.digest,
            found: beat.record.digest,
        });
    }
    if beat.record.sent != record.sent {
        return Err(ReplayError::Messages {
            grid: record.grid,
            tick: record.tick,
        });
    }
    Ok(beat)
}
