//! Reading a log, also while it is written, and single segments.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use orrery_base::Tick;

use super::frame::codec::Raw;
use super::scan::{self, Files, file_name};
use super::segment::{self, Header, Rot, Summary, Walk};
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
    from: ReadFrom,
    /// First frame of each, and whether it is compressed.
    waiting: VecDeque<(u64, bool)>,
    current: Option<Current>,
    /// Number and `previous` of the next frame, once one has been read or passed over.
    expected: Option<(u64, u32)>,
    /// Whether a frame has been returned: everything after it is wanted too.
    started: bool,
}

/// The segment that is read.
#[derive(Debug)]
struct Current {
    name: String,
    sealed: bool,
    bytes: Vec<u8>,
    walk: Walk,
}

/// The frames of a log from `from` to its end, as far as it had segments when this was called.
/// A torn tail ends it in silence. Works beside a writer; needs memory for one segment.
///
/// # Errors
///
/// The folder or a summary cannot be read.
pub fn read<D: Disk>(disk: &D, from: ReadFrom) -> Result<Frames<D>, ReadLogError> {
    let io_error = |segment: &str, source| ReadLogError::Io {
        segment: segment.to_owned(),
        source,
    };
    let files = Files::list(disk).map_err(|source| io_error("the folder", source))?;
    let mut waiting: VecDeque<(u64, bool)> = files.segments.into_iter().collect();
    // Passing over whole segments is safe: what follows one says with which number it begins.
    while let [(first, sealed), (next, _), ..] = *waiting.make_contiguous() {
        let skip = match from {
            ReadFrom::Start => false,
            ReadFrom::Frame(number) => next <= number,
            ReadFrom::Beat(beat) if sealed => match scan::sealed_summary(disk, first) {
                Ok(Some(summary)) => summary.beats.is_none_or(|(_, last)| last < beat),
                // Damage is reported when it is read.
                Ok(None) => false,
                // Released meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) => return Err(io_error(&file_name(first, sealed), error)),
            },
            ReadFrom::Beat(_) => false,
        };
        if !skip {
            break;
        }
        waiting.pop_front();
    }
    Ok(Frames {
        disk: disk.clone(),
        from,
        waiting,
        current: None,
        expected: None,
        started: false,
    })
}

impl<D: Disk> Iterator for Frames<D> {
    type Item = Result<Frame, ReadLogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.waiting.clear();
            self.current = None;
        }
        next.transpose()
    }
}

impl<D: Disk> Frames<D> {
    fn advance(&mut self) -> Result<Option<Frame>, ReadLogError> {
        loop {
            let Some(current) = &mut self.current else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            let offset = current.walk.offset as u64;
            if let Some(raw) = current.walk.next(&current.bytes) {
                if !self.started && !is_wanted(&raw, self.from) {
                    continue;
                }
                self.started = true;
                let undecodable = Rot {
                    offset,
                    what: "a whole frame that this version cannot decode",
                };
                let frame = raw.decode().map_err(|_| rot(&current.name, undecodable))?;
                return Ok(Some(frame));
            }
            if let Err(found) = current.walk.check_end(&current.bytes) {
                // Read beside a writer, an old block may stand before a new one: once more.
                if current.sealed || !current.reload(&self.disk)? {
                    return Err(rot(&current.name, found));
                }
                continue;
            }
            self.expected = Some((current.walk.number, current.walk.previous));
            self.current = None;
        }
    }

    /// Whether there was one.
    fn open_next(&mut self) -> Result<bool, ReadLogError> {
        while let Some((first, sealed)) = self.waiting.pop_front() {
            let current = match Current::load(&self.disk, first, sealed) {
                Err(ReadLogError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && self.expected.is_none() =>
                {
                    // Released since the folder was listed.
                    continue;
                }
                loaded => loaded?,
            };
            let header = current.walk.header();
            if self
                .expected
                .is_some_and(|expected| expected != (header.first, header.chain))
            {
                let gap = Rot {
                    offset: 0,
                    what: "it does not follow the segment before it: frames are missing",
                };
                return Err(rot(&current.name, gap));
            }
            self.current = Some(current);
            return Ok(true);
        }
        Ok(false)
    }
}

impl Current {
    fn load<D: Disk>(disk: &D, first: u64, sealed: bool) -> Result<Self, ReadLogError> {
        let mut name = file_name(first, sealed);
        let mut sealed = sealed;
        let mut read = disk.read_all(&name);
        if !sealed && matches!(&read, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            // Sealed since the folder was listed.
            (name, sealed) = (file_name(first, true), true);
            read = disk.read_all(&name);
        }
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(source) => {
                return Err(ReadLogError::Io {
                    segment: name,
                    source,
                });
            }
        };
        let bytes = unpacked(bytes, first, sealed).map_err(|found| rot(&name, found))?;
        let walk = Walk::new(&bytes, first).map_err(|found| rot(&name, found))?;
        Ok(Self {
            name,
            sealed,
            bytes,
            walk,
        })
    }

    /// Reads the file again; whether there is more to walk through now.
    fn reload<D: Disk>(&mut self, disk: &D) -> Result<bool, ReadLogError> {
        let first = self.walk.header().first;
        let again = Self::load(disk, first, false)?;
        self.bytes = again.bytes;
        self.sealed = again.sealed;
        self.name = again.name;
        let mut ahead = self.walk;
        Ok(ahead.next(&self.bytes).is_some())
    }
}

fn unpacked(bytes: Vec<u8>, first: u64, sealed: bool) -> Result<Vec<u8>, Rot> {
    if sealed {
        segment::decompress(&bytes, first)
    } else {
        Ok(bytes)
    }
}

fn is_wanted(raw: &Raw<'_>, from: ReadFrom) -> bool {
    match from {
        ReadFrom::Start => true,
        ReadFrom::Frame(number) => raw.number >= number,
        ReadFrom::Beat(beat) => raw.beats.is_some_and(|(_, last)| last >= beat),
    }
}

fn rot(segment: &str, found: Rot) -> ReadLogError {
    ReadLogError::Rot {
        segment: segment.to_owned(),
        offset: found.offset,
        what: found.what,
    }
}

/// All frames of one segment file (`.seg` or `.seg.zst`), wherever it lies and whatever it is
/// called.
///
/// # Errors
///
/// [`ReadLogError`].
pub fn read_segment(path: &Path) -> Result<Vec<Frame>, ReadLogError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ReadLogError::Io {
        segment: name.clone(),
        source,
    })?;
    frames_of(bytes).map_err(|found| rot(&name, found))
}

pub(super) fn frames_of(bytes: Vec<u8>) -> Result<Vec<Frame>, Rot> {
    let sealed = Summary::decode(&bytes);
    let header = sealed.map(|summary| summary.header);
    let header = header.or_else(|| Header::decode(&bytes)).ok_or(Rot {
        offset: 0,
        what: "this is no segment of a beat log",
    })?;
    let bytes = unpacked(bytes, header.first, sealed.is_some())?;
    let mut walk = Walk::new(&bytes, header.first)?;
    let mut frames = Vec::new();
    let mut offset = walk.offset;
    while let Some(raw) = walk.next(&bytes) {
        frames.push(raw.decode().map_err(|_| Rot {
            offset: offset as u64,
            what: "a whole frame that this version cannot decode",
        })?);
        offset = walk.offset;
    }
    walk.check_end(&bytes)?;
    Ok(frames)
}
