//! Who may write, and how: through the beat log, then into the rows.

use std::ops::RangeInclusive;
use std::sync::{MutexGuard, PoisonError};

use super::{Store, StoreDisk, WriteError};
use crate::Batch;
use crate::commit::{Recovered, RowSink, SinkError, chain};
use crate::engine::Engine;
use crate::log::{BeatLog, FrameOut};
use crate::meta;

/// Who may write.
pub(super) enum Writer {
    /// Nobody: the store was opened read-only.
    Nobody,
    /// Whoever comes, through the log, whose last frame is in the rows.
    Anybody(Box<BeatLog<StoreDisk>>),
    /// A committer has the log.
    Committer,
    /// A write failed.
    Failed,
}

impl Store {
    /// Writes a batch at once, durable and readable when this returns: for tools and for building
    /// a world. While a committer runs, rows go through its ports instead.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; after [`WriteError::Failed`] every later write is refused.
    pub fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        self.write_frame(&FrameOut {
            through: None,
            rows: batch,
            records: &[],
        })
    }

    pub(crate) fn write_frame(&self, frame: &FrameOut<'_>) -> Result<(), WriteError> {
        let mut writer = self.writer();
        let log = match &mut *writer {
            Writer::Anybody(log) => log,
            other => return Err(other.refusal()),
        };
        let written = log
            .append(frame)
            .map_err(|error| chain(&error))
            .and_then(|appended| {
                let applied = self.inner.engine.apply(appended.number, frame.rows);
                applied.map_err(rocksdb::Error::into_string)
            });
        written.map_err(|detail| {
            *writer = Writer::Failed;
            WriteError::Failed(detail)
        })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        let writer = self.inner.writer.lock();
        writer.unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the caller the only writer, until [`Self::release_writer`].
    pub(crate) fn take_writer(&self) -> Result<(Recovered<StoreDisk>, StoreSink), WriteError> {
        let mut writer = self.writer();
        match std::mem::replace(&mut *writer, Writer::Committer) {
            Writer::Anybody(log) => {
                let applied = log.next_number() - 1;
                let opened = Recovered {
                    log: *log,
                    applied,
                    last_beat: None,
                    replayed: 0,
                    torn: None,
                };
                Ok((opened, StoreSink(self.clone())))
            }
            other => {
                let refusal = other.refusal();
                *writer = other;
                Err(refusal)
            }
        }
    }

    /// Gives the log back; none if writing has failed.
    pub(crate) fn release_writer(&self, log: Option<BeatLog<StoreDisk>>) {
        *self.writer() = match log {
            Some(log) => Writer::Anybody(Box::new(log)),
            None => Writer::Failed,
        };
    }
}

impl Writer {
    /// Why nobody else may write.
    const fn refusal(&self) -> WriteError {
        match self {
            Self::Nobody => WriteError::ReadOnly,
            Self::Anybody(_) | Self::Committer => WriteError::CommitterRunning,
            Self::Failed => WriteError::FailedBefore,
        }
    }
}

/// The rows of a store, for a committer.
pub(crate) struct StoreSink(Store);

impl RowSink for StoreSink {
    fn applied(&self) -> Result<u64, SinkError> {
        RowSink::applied(self.0.engine())
    }

    fn apply(&self, frames: RangeInclusive<u64>, rows: &Batch) -> Result<(), SinkError> {
        RowSink::apply(self.0.engine(), frames, rows)
    }

    fn flush(&self) -> Result<(), SinkError> {
        RowSink::flush(self.0.engine())
    }
}

impl RowSink for Engine {
    fn applied(&self) -> Result<u64, SinkError> {
        Ok(meta::applied_frame(self)?)
    }

    fn apply(&self, frames: RangeInclusive<u64>, rows: &Batch) -> Result<(), SinkError> {
        Ok(Self::apply(self, *frames.end(), rows)?)
    }

    fn flush(&self) -> Result<(), SinkError> {
        Ok(Self::flush(self)?)
    }
}
