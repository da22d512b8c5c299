//! Finding out what is in a log's folder, without changing anything.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use orrery_base::Tick;

use super::segment::{self, Rot, SEALED_PREFIX_BYTES, Summary};
use super::{Disk, LogEnd, LogFile as _, LogOpenError, SegmentInfo, TornTail};

/// Names of spare segments begin with it; a number follows.
pub(super) const SPARE_PREFIX: &str = "spare-";
/// What disks append to the name of a file that they have not finished.
pub(super) const UNFINISHED_SUFFIX: &str = ".tmp";

/// One segment of a log.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) summary: Summary,
    /// On disk.
    pub(super) bytes: u64,
    pub(super) state: State,
}

/// What is done with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Written to, or full and waiting.
    Plain,
    /// A job compresses it.
    Sealing,
    /// Compressing it has failed.
    Stuck,
    /// Compressed.
    Sealed,
}

/// What is in the folder.
#[derive(Debug)]
pub(super) struct Scan {
    /// Oldest first; the last one may be written on if it is plain.
    pub(super) segments: Vec<Segment>,
    pub(super) end: LogEnd,
    /// Of the last frame, if the last segment is plain: offset and bytes.
    pub(super) last_frame: Option<(u64, Vec<u8>)>,
    pub(super) spares: Vec<String>,
    /// Unfinished files, and compressed twins of segments that are still there.
    pub(super) leftovers: Vec<String>,
}

/// The files of a log by first frame: plain ones win over their compressed twins.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Whether it is compressed.
    pub(super) segments: BTreeMap<u64, bool>,
    pub(super) spares: Vec<String>,
    pub(super) leftovers: Vec<String>,
}

impl Files {
    pub(super) fn list<D: Disk>(disk: &D) -> io::Result<Self> {
        let mut files = Self::default();
        let mut names = disk.list()?;
        names.sort_unstable();
        for name in names {
            if let Some((first, sealed)) = segment::parse_name(&name) {
                // "x.seg" sorts before "x.seg.zst".
                match files.segments.entry(first) {
                    Entry::Vacant(free) => {
                        free.insert(sealed);
                    }
                    Entry::Occupied(_) => files.leftovers.push(name),
                }
            } else if name.ends_with(UNFINISHED_SUFFIX) {
                files.leftovers.push(name);
            } else if name.starts_with(SPARE_PREFIX) {
                files.spares.push(name);
            }
        }
        Ok(files)
    }
}

pub(super) fn file_name(first: u64, sealed: bool) -> String {
    if sealed {
        segment::sealed_name(first)
    } else {
        segment::name(first)
    }
}

/// The summary of a compressed segment, which is read alone.
pub(super) fn sealed_summary<D: Disk>(disk: &D, first: u64) -> io::Result<Option<Summary>> {
    let file = disk.open(&segment::sealed_name(first))?;
    let mut prefix = [0; SEALED_PREFIX_BYTES];
    if file.bytes() < prefix.len() as u64 {
        return Ok(None);
    }
    file.read_at(0, &mut prefix)?;
    Ok(Summary::decode(&prefix).filter(|summary| summary.header.first == first))
}

/// Reads all plain segments, and of compressed ones the summary.
pub(super) fn scan<D: Disk>(disk: &D) -> Result<Scan, LogOpenError> {
    let files = Files::list(disk).map_err(|source| LogOpenError::Io {
        segment: "its folder".into(),
        source,
    })?;
    let mut scan = Scan {
        segments: Vec::with_capacity(files.segments.len()),
        end: LogEnd {
            first: 1,
            next: 1,
            last_beat: None,
            torn: None,
        },
        last_frame: None,
        spares: files.spares,
        leftovers: files.leftovers,
    };
    for (first, sealed) in files.segments {
        scan.add(disk, first, sealed)?;
    }
    if let Some(segment) = scan.segments.first() {
        scan.end.first = segment.summary.header.first;
    }
    Ok(scan)
}

impl Scan {
    fn add<D: Disk>(&mut self, disk: &D, first: u64, sealed: bool) -> Result<(), LogOpenError> {
        let name = file_name(first, sealed);
        let io_error = |source| LogOpenError::Io {
            segment: name.clone(),
            source,
        };
        let rot = |rot: Rot| LogOpenError::Rot {
            segment: name.clone(),
            offset: rot.offset,
            what: rot.what,
        };
        let bytes = disk.size(&name).map_err(io_error)?;
        self.last_frame = None;
        self.end.torn = None;
        let summary = if sealed {
            let summary = sealed_summary(disk, first).map_err(io_error)?;
            summary.ok_or(rot(Rot {
                offset: 0,
                what: "the summary of the compressed segment is damaged",
            }))?
        } else {
            let content = disk.read_all(&name).map_err(io_error)?;
            let (summary, walk) = Summary::of(&content, first).map_err(rot)?;
            self.last_frame = walk
                .last_offset
                .map(|at| (at as u64, content[at..walk.offset].to_vec()));
            if walk.is_torn(&content) {
                self.end.torn = Some(TornTail {
                    segment: name.clone(),
                    offset: summary.bytes,
                });
            }
            summary
        };
        if let Some(before) = self.segments.last()
            && (before.summary.last + 1 != first || before.summary.crc != summary.header.chain)
        {
            return Err(rot(Rot {
                offset: 0,
                what: "it does not follow the segment before it: frames are missing",
            }));
        }
        self.end.next = summary.last + 1;
        self.end.last_beat = self.end.last_beat.max(summary.beats.map(|(_, last)| last));
        self.segments.push(Segment {
            name,
            summary,
            bytes,
            state: if sealed { State::Sealed } else { State::Plain },
        });
        Ok(())
    }
}

/// What [`super::BeatLog::segments`] and [`super::inspect`] say.
pub(super) fn infos(segments: &[Segment]) -> Vec<SegmentInfo> {
    let active = segments.len().checked_sub(1);
    let info = |(index, segment): (usize, &Segment)| SegmentInfo {
        name: segment.name.clone(),
        first: segment.summary.header.first,
        last: segment.summary.last,
        beats: segment.summary.beats,
        bytes: segment.bytes,
        full: Some(index) != active || segment.state == State::Sealed,
        sealed: segment.state == State::Sealed,
    };
    segments.iter().enumerate().map(info).collect()
}

/// Beats before this one are all that a segment holds records of.
pub(super) fn beats_end(segment: &Segment) -> Tick {
    segment
        .summary
        .beats
        .map_or(Tick(0), |(_, last)| Tick(last.0.saturating_add(1)))
}
