//! The log itself: opening, appending, rotating, releasing.

use std::io;

use super::frame::codec::{self, FRAME_BYTES_MAX, Place};
use super::scan::{self, SPARE_PREFIX, Scan, Segment, State};
use super::segment::{self, Header, Summary};
use super::{
    AppendError, Appended, BLOCK, Blocks, Disk, FrameOut, LogEnd, LogFile as _, LogOpenError,
    LogOptions, Needs, Released, SealError, SealJob, Sealed, SegmentInfo, Spare, SpareJob,
};

/// Spares that are kept when segments are recycled, at least.
const SPARES_MAX: usize = 2;
const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// The log, open for writing. One at a time for a folder: the caller holds the lock.
#[derive(Debug)]
pub struct BeatLog<D: Disk> {
    disk: D,
    options: LogOptions,
    /// Oldest first.
    segments: Vec<Segment>,
    /// Of the last segment, if it can be written on.
    active: Option<D::File>,
    next: u64,
    /// The sum of the last frame.
    previous: u32,
    failed: bool,
    rotate: bool,
    buffer: Blocks,
    spares: Vec<Spare<D>>,
    /// Jobs under way that will bring a spare.
    spares_coming: usize,
    next_spare: u64,
}

/// What is in a log's folder, without changing anything: for tools, beside a writer too (what
/// is written meanwhile may then be reported as torn or as rot).
///
/// # Errors
///
/// [`LogOpenError`].
pub fn inspect<D: Disk>(disk: &D) -> Result<(Vec<SegmentInfo>, LogEnd), LogOpenError> {
    let scan = scan::scan(disk)?;
    Ok((scan::infos(&scan.segments), scan.end))
}

impl<D: Disk> BeatLog<D> {
    /// Opens or begins a log and finds its end. What is found to be the last frame is written
    /// again, so that it is durable also if the last crash left it in a cache. Reads every
    /// segment that is not sealed. Spares of another size, unfinished files and compressed twins
    /// of segments are removed.
    ///
    /// # Errors
    ///
    /// [`LogOpenError`].
    pub fn open(disk: D, options: LogOptions) -> Result<(Self, LogEnd), LogOpenError> {
        if options.segment_bytes < SEGMENT_BYTES_MIN
            || !options.segment_bytes.is_multiple_of(BLOCK as u64)
        {
            return Err(LogOpenError::Options(
                "segment_bytes must be a multiple of 4 KiB, at least 64 KiB",
            ));
        }
        if !(1..=19).contains(&options.compression) {
            return Err(LogOpenError::Options("compression must be from 1 to 19"));
        }
        let scan = scan::scan(&disk)?;
        let mut log = Self {
            disk,
            options,
            segments: Vec::new(),
            active: None,
            next: scan.end.next,
            previous: scan.segments.last().map_or(0, |last| last.summary.crc),
            failed: false,
            rotate: false,
            buffer: Blocks::new(),
            spares: Vec::new(),
            spares_coming: 0,
            next_spare: 0,
        };
        let end = scan.end.clone();
        log.take_over(scan)?;
        Ok((log, end))
    }

    /// Everything in opening that changes the folder.
    fn take_over(&mut self, scan: Scan) -> Result<(), LogOpenError> {
        let io_error = |segment: &str| {
            let segment = segment.to_owned();
            |source| LogOpenError::Io { segment, source }
        };
        if let Some(last) = scan.segments.last().filter(|s| s.state == State::Plain) {
            let mut file = self.disk.open(&last.name).map_err(io_error(&last.name))?;
            if let Some((offset, frame)) = scan.last_frame {
                self.buffer.extend(&frame);
                file.write_durable(offset, &self.buffer)
                    .map_err(io_error(&last.name))?;
            }
            self.active = Some(file);
        }
        self.segments = scan.segments;
        for name in scan.leftovers {
            self.disk.remove(&name).map_err(io_error(&name))?;
        }
        for name in scan.spares {
            let number = name.strip_prefix(SPARE_PREFIX).and_then(|n| n.parse().ok());
            self.next_spare = self.next_spare.max(number.map_or(0, |n: u64| n + 1));
            let file = self.disk.open(&name).map_err(io_error(&name))?;
            if self.spares.len() < self.options.spares.max(SPARES_MAX)
                && file.bytes() == self.options.segment_bytes
            {
                self.spares.push(Spare { name, file });
            } else {
                drop(file);
                self.disk.remove(&name).map_err(io_error(&name))?;
            }
        }
        Ok(())
    }

    /// Writes a frame; it is durable when this returns. Takes one write of the disk; more only
    /// when a segment is full (two, and the making of a segment if no spare is ready).
    ///
    /// # Errors
    ///
    /// [`AppendError`].
    pub fn append(&mut self, frame: &FrameOut<'_>) -> Result<Appended, AppendError> {
        if self.failed {
            return Err(AppendError::Failed);
        }
        let bound = codec::size_bound(frame);
        if bound > FRAME_BYTES_MAX {
            return Err(AppendError::TooLarge(bound));
        }
        // Also while a write is under way, in case it never returns in order.
        self.failed = true;
        let appended = self.write(frame).map_err(AppendError::Io)?;
        self.failed = false;
        Ok(appended)
    }

    fn write(&mut self, frame: &FrameOut<'_>) -> io::Result<Appended> {
        let mut crc = self.encode(frame);
        let mut rotated = false;
        let room = self.active.as_ref().map_or(0, |file| {
            let used = self.segments.last().map_or(0, |s| s.summary.bytes);
            file.bytes().saturating_sub(used)
        });
        if self.rotate || room < self.buffer.len() as u64 {
            rotated = self.begin_segment(self.buffer.len() as u64)?;
            // The seed is the segment's.
            crc = self.encode(frame);
        }
        let (Some(file), Some(segment)) = (&mut self.active, self.segments.last_mut()) else {
            return Err(io::Error::other("the log has no segment to write to"));
        };
        let bytes = self.buffer.len() as u64;
        file.write_durable(segment.summary.bytes, &self.buffer)?;
        segment.summary.add(crc, codec::beats_of(frame), bytes);
        self.previous = crc;
        let number = self.next;
        self.next += 1;
        Ok(Appended {
            number,
            bytes,
            rotated,
        })
    }

    fn encode(&mut self, frame: &FrameOut<'_>) -> u32 {
        let seed = self.segments.last().map_or(0, |s| s.summary.header.seed());
        let place = Place {
            number: self.next,
            seed,
            previous: self.previous,
        };
        codec::encode(frame, place, &mut self.buffer)
    }

    /// Makes a segment for the next frame the active one; whether another one is full now.
    fn begin_segment(&mut self, frame_bytes: u64) -> io::Result<bool> {
        let bytes = self.options.segment_bytes.max(BLOCK as u64 + frame_bytes);
        let usable = self.spares.iter().position(|spare| spare.bytes() >= bytes);
        let mut spare = match usable {
            Some(index) => self.spares.swap_remove(index),
            None => {
                tracing::info!(bytes, "no spare segment is ready: the beat log makes one");
                self.new_spare(bytes).run()?
            }
        };
        let header = Header {
            first: self.next,
            chain: self.previous,
        };
        let mut block = Blocks::new();
        header.encode(&mut block);
        spare.file.write_durable(0, &block)?;
        let name = segment::name(self.next);
        // A last segment without frames begins with the same number: it is replaced.
        let replaces = self.segments.last().is_some_and(|s| s.name == name);
        self.disk.rename(&spare.name, &name)?;
        if replaces {
            self.segments.pop();
        }
        let rotated = self.active.is_some() && !replaces;
        self.segments.push(Segment {
            name,
            summary: Summary::new(header),
            bytes: spare.bytes(),
            state: State::Plain,
        });
        self.active = Some(spare.file);
        self.rotate = false;
        Ok(rotated)
    }

    /// Number that the next frame gets.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    /// Begins a new segment with the next frame. Does nothing if the present one has no frame.
    pub fn rotate(&mut self) {
        let has_frames = |s: &Segment| s.summary.last >= s.summary.header.first;
        self.rotate = self.segments.last().is_some_and(has_frames);
    }

    /// Removes segments that nobody needs, oldest first; never the last one or one that is
    /// being sealed.
    ///
    /// # Errors
    ///
    /// The disk fails; the log stays usable.
    pub fn release(&mut self, needs: Needs) -> io::Result<Released> {
        let mut left = self.segments.iter().map(|s| s.bytes).sum::<u64>();
        let mut released = Released::default();
        while let [oldest, _, ..] = self.segments.as_slice() {
            let end = scan::beats_end(oldest);
            let wanted = end > needs.keep_from && left <= self.options.keep_bytes;
            let needed = oldest.summary.last > needs.applied || end > needs.recovery_from;
            if needed || wanted || oldest.state == State::Sealing {
                break;
            }
            self.remove_segment(oldest)?;
            released.segments += 1;
            released.bytes += oldest.bytes;
            left -= oldest.bytes;
            self.segments.remove(0);
        }
        released.left = left;
        Ok(released)
    }

    /// Also the other form of it, which a failed sealing may have left: it would come back as a
    /// segment at the next opening.
    fn remove_segment(&self, segment: &Segment) -> io::Result<()> {
        let first = segment.summary.header.first;
        let twin = scan::file_name(first, segment.state != State::Sealed);
        match self.disk.remove(&twin) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.disk.remove(&segment.name)
    }

    /// All segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        scan::infos(&self.segments)
    }

    /// The disk, for readers.
    #[must_use]
    pub const fn disk(&self) -> &D {
        &self.disk
    }

    /// The making of a spare, if there are too few and none is coming. Ask for
    /// [`BeatLog::seal_job`] first: it brings one for nothing.
    pub fn spare_job(&mut self) -> Option<SpareJob<D>> {
        if self.spares_coming > 0 || self.spares.len() >= self.options.spares.max(1) {
            return None;
        }
        self.spares_coming += 1;
        Some(self.new_spare(self.options.segment_bytes))
    }

    /// Takes what [`SpareJob::run`] returned.
    ///
    /// # Errors
    ///
    /// The job's; another one can be tried later.
    pub fn finish_spare(&mut self, done: io::Result<Spare<D>>) -> io::Result<()> {
        self.spares_coming = self.spares_coming.saturating_sub(1);
        self.spares.push(done?);
        Ok(())
    }

    /// The sealing of the oldest full segment, if there is one and none is under way.
    pub fn seal_job(&mut self) -> Option<SealJob<D>> {
        let (_, full) = self.segments.split_last_mut()?;
        if full.iter().any(|s| s.state == State::Sealing) {
            return None;
        }
        let segment = full.iter_mut().find(|s| s.state == State::Plain)?;
        segment.state = State::Sealing;
        let first = segment.summary.header.first;
        let recyclable = segment.bytes == self.options.segment_bytes
            && self.spares.len() + self.spares_coming < self.options.spares.max(SPARES_MAX);
        let spare = recyclable.then(|| {
            self.spares_coming += 1;
            self.spare_name()
        });
        Some(SealJob {
            disk: self.disk.clone(),
            first,
            level: self.options.compression,
            spare,
        })
    }

    /// Takes what [`SealJob::run`] returned; gives the name of the compressed file.
    ///
    /// # Errors
    ///
    /// The job's; that segment is not tried again before the log is opened again.
    pub fn finish_seal(&mut self, done: Result<Sealed<D>, SealError>) -> Result<String, SealError> {
        let (first, spare_was_wanted) = match &done {
            Ok(sealed) => (sealed.first, sealed.spare_was_wanted),
            Err(error) => (error.first, error.spare_was_wanted),
        };
        self.spares_coming = self
            .spares_coming
            .saturating_sub(usize::from(spare_was_wanted));
        let mut segments = self.segments.iter_mut();
        let segment = segments.find(|s| s.summary.header.first == first);
        match done {
            Ok(sealed) => {
                let name = segment::sealed_name(first);
                if let Some(segment) = segment {
                    segment.state = State::Sealed;
                    segment.bytes = sealed.bytes;
                    segment.name.clone_from(&name);
                }
                self.spares.extend(sealed.spare);
                Ok(name)
            }
            Err(error) => {
                if let Some(segment) = segment {
                    segment.state = State::Stuck;
                }
                Err(error)
            }
        }
    }

    /// A spare, made here and now if one is wanted: for tools and simulators without threads.
    ///
    /// # Errors
    ///
    /// No room, or the disk fails.
    pub fn prepare_spare(&mut self) -> io::Result<()> {
        match self.spare_job() {
            Some(job) => self.finish_spare(job.run()),
            None => Ok(()),
        }
    }

    /// Seals the oldest full segment here and now, if there is one; gives the name of the
    /// compressed file.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn seal_oldest(&mut self) -> Result<Option<String>, SealError> {
        self.seal_job()
            .map(|job| self.finish_seal(job.run()))
            .transpose()
    }

    fn new_spare(&mut self, bytes: u64) -> SpareJob<D> {
        SpareJob {
            disk: self.disk.clone(),
            name: self.spare_name(),
            bytes,
        }
    }

    fn spare_name(&mut self) -> String {
        let name = format!("{SPARE_PREFIX}{}", self.next_spare);
        self.next_spare += 1;
        name
    }
}
