//! Reading a log, also while it is written, and single segments.

use std::io;
use std::path::Path;

use orrery_base::Tick;

use super::{Disk, Frame};

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// The oldest frame that is kept.
    Start,
    /// The frame with this number, or the oldest after it.
    Frame(u64),
    /// The first frame with a record or the end of this beat or a later one (earlier frames are
    /// left out segment by segment and one by one).
    Beat(Tick),
}

/// Why a log could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    /// The disk.
    #[error("read {segment} of the beat log")]
    Io {
        /// The file, or the folder.
        segment: String,
        /// The disk's words.
        #[source]
        source: io::Error,
    },
    /// Something does not read as it was written.
    #[error("{segment} of the beat log is damaged at byte {offset}: {what}")]
    Rot {
        /// The file.
        segment: String,
        /// Where, in bytes of the uncompressed segment.
        offset: u64,
        /// What was found.
        what: &'static str,
    },
}

/// Frames in order. After an error nothing follows.
#[derive(Debug)]
pub struct Frames<D: Disk> {
    disk: D,
}

impl<D: Disk> Iterator for Frames<D> {
    type Item = Result<Frame, ReadLogError>;

    fn next(&mut self) -> Option<Self::Item> {
        unimplemented!()
    }
}

/// The frames of a log from `from` to its end. A torn tail ends it in silence. Needs memory
/// for one segment.
///
/// # Errors
///
/// The folder cannot be read.
pub fn read<D: Disk>(disk: &D, from: ReadFrom) -> Result<Frames<D>, ReadLogError> {
    let _ = (disk, from);
    unimplemented!()
}

/// All frames of one segment file (`.seg` or `.seg.zst`), wherever it lies.
///
/// # Errors
///
/// [`ReadLogError`].
pub fn read_segment(path: &Path) -> Result<Vec<Frame>, ReadLogError> {
    let _ = path;
    unimplemented!()
}
