//! From a log and rows that may lack its tail to both at the same frame.

use orrery_base::Tick;

use super::apply::{RowSink, SinkError};
use crate::log::{BeatLog, Disk, LogOpenError, LogOptions, ReadFrom, ReadLogError, TornTail, read};

/// A log whose every frame is in the rows.
#[derive(Debug)]
pub struct Recovered<D: Disk> {
    /// The log, ready for the next frame.
    pub log: BeatLog<D>,
    /// Its last frame; 0 if it has none.
    pub applied: u64,
    /// The last beat in it.
    pub last_beat: Option<Tick>,
    /// Frames that were not in the rows.
    pub replayed: u64,
    /// The write that a crash has cut short, if there was one. Nobody was told of it.
    pub torn: Option<TornTail>,
}

/// Why the rows could not be brought to the end of the log.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] LogOpenError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadLogError),
    /// The rows cannot be read or changed.
    #[error("the rows of frame {frame} were not taken: {source}")]
    Sink {
        /// Which.
        frame: u64,
        /// The store's words.
        source: SinkError,
    },
    /// Frames are missing between the rows and the log.
    #[error(
        "the rows are those of frame {applied}, but the beat log has frames {first} to {last}: \
         a part of the log is missing"
    )]
    Gap {
        /// Last frame in the rows.
        applied: u64,
        /// First frame in the log.
        first: u64,
        /// Last frame in the log.
        last: u64,
    },
}

/// Opens the log and applies the frames that the rows do not have.
///
/// # Errors
///
/// [`RecoverError`]; frames that were applied before the error stay applied, which a later try
/// finds.
pub fn recover<D: Disk, S: RowSink>(
    disk: D,
    options: LogOptions,
    sink: &S,
) -> Result<Recovered<D>, RecoverError> {
    let failed = |frame| move |source| RecoverError::Sink { frame, source };
    let before = sink.applied().map_err(failed(0))?;
    let (log, end) = BeatLog::open(disk, options)?;
    let last = end.next - 1;
    if before > last || before + 1 < end.first {
        return Err(RecoverError::Gap {
            applied: before,
            first: end.first,
            last,
        });
    }
    let mut applied = before;
    if before < last {
        for frame in read(log.disk(), ReadFrom::Frame(before + 1))? {
            let frame = frame?;
            if frame.number != applied + 1 {
                break;
            }
            sink.apply(frame.number..=frame.number, &frame.rows)
                .map_err(failed(frame.number))?;
            applied = frame.number;
        }
    }
    if applied != last {
        return Err(RecoverError::Gap {
            applied,
            first: applied + 1,
            last,
        });
    }
    Ok(Recovered {
        log,
        applied,
        last_beat: end.last_beat,
        replayed: applied - before,
        torn: end.torn,
    })
}
