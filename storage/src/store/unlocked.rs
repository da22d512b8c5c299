//! Opening without a lock, beside a running server or not: the engine's files as they are, and
//! over them, in memory, the rows that only the beat log has.

use std::path::Path;

use super::overlay::Overlay;
use super::{
    OpenError, RETRY_PAUSE, StoreDisk, StoreOptions, folder, log_error, open_engine,
    refuse_foreign_families,
};
use crate::Batch;
use crate::commit::{RecoverError, RowSink as _};
use crate::engine::{Access, Engine};
use crate::log::{self, ReadFrom};
use crate::meta;

/// How often a store beside a running server is tried.
const TRIES: u32 = 40;

/// Beside a running server, files come and go. Without a lock, the picture is whole only if
/// nothing came or went while it was taken: a segment of the log that was flushed and released
/// between reading the engine's files and reading the log would leave a hole.
pub(super) fn open(
    path: &Path,
    disk: &StoreDisk,
    options: &StoreOptions,
) -> Result<(Engine, Overlay), OpenError> {
    for _ in 0..TRIES {
        let before = folder::fingerprint(path)?;
        refuse_foreign_families(path)?;
        let opened = open_engine(path, Access::ReadOnly, options)
            .and_then(|engine| Ok((tail(path, disk, &engine)?, engine)));
        if folder::fingerprint(path)? == before {
            return opened.map(|(overlay, engine)| (engine, overlay));
        }
        // A flush takes some milliseconds, and the next one is seconds away.
        std::thread::sleep(RETRY_PAUSE);
    }
    Err(OpenError::Unsettled { path: path.into() })
}

/// The rows of the frames that the engine's files do not have.
fn tail(path: &Path, disk: &StoreDisk, engine: &Engine) -> Result<Overlay, OpenError> {
    let mut overlay = Overlay::default();
    let mut applied = engine.applied().map_err(|error| OpenError::Damaged {
        path: path.into(),
        detail: error.to_string(),
    })?;
    let failed = |error| log_error(path, RecoverError::Read(error));
    for frame in log::read(disk, ReadFrom::Frame(applied + 1)).map_err(failed)? {
        let frame = frame.map_err(failed)?;
        if frame.number != applied + 1 {
            let error = RecoverError::Gap {
                applied,
                first: frame.number,
                last: frame.number,
            };
            return Err(log_error(path, error));
        }
        applied = frame.number;
        overlay.apply(&frame.rows);
    }
    let mut number = Batch::new();
    meta::put_applied(&mut number, applied);
    overlay.apply(&number);
    Ok(overlay)
}
