//! One segment: its name, its first block, and walking through its frames. Also the form in
//! which it is kept when it is full: compressed.
//!
//! ```text
//! <first frame, 16 hex>.seg      block 0: "ORRSEG" 0 1, chain u32, first u64, crc u32, zeros
//!                                block 1…: frames; zeros, or what a recycled file held before
//! <first frame, 16 hex>.seg.zst  a zstd skippable frame with the summary, then one zstd frame
//!                                of the segment up to the end of its last frame
//! ```
//!
//! `chain` is the sum of the last frame of the segment before (0 in a log's first). A segment
//! gets its name only when its first block is durable, so a segment whose first block is not
//! valid is rot, never an interrupted beginning. `zstd -d` reads a compressed segment.

use std::io::{self, Read as _};

use orrery_base::Tick;

use super::frame::codec::{self, Raw};
use super::{BLOCK, Blocks};

const MAGIC: [u8; 8] = *b"ORRSEG\0\x01";
const SEAL_MAGIC: [u8; 8] = *b"ORRSEAL\x01";
/// One of the sixteen that zstd's format reserves for frames which decoders skip.
const SKIPPABLE: u32 = 0x184D_2A5B;
const SUMMARY_BYTES: usize = 64;
const SUFFIX: &str = ".seg";
const SEALED_SUFFIX: &str = ".seg.zst";

/// File name of an uncompressed segment.
pub(super) fn name(first: u64) -> String {
    format!("{first:016x}{SUFFIX}")
}

/// File name of a compressed one.
pub(super) fn sealed_name(first: u64) -> String {
    format!("{first:016x}{SEALED_SUFFIX}")
}

/// First frame and whether it is compressed, of a segment's file name.
pub(super) fn parse_name(file: &str) -> Option<(u64, bool)> {
    let (digits, sealed) = match file.strip_suffix(SEALED_SUFFIX) {
        Some(digits) => (digits, true),
        None => (file.strip_suffix(SUFFIX)?, false),
    };
    let first = u64::from_str_radix(digits, 16).ok()?;
    // Also refuses signs, capitals and other lengths.
    (first > 0 && digits == format!("{first:016x}")).then_some((first, sealed))
}

/// The first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) first: u64,
    pub(super) chain: u32,
}

impl Header {
    /// What the sums of this segment's frames begin with.
    pub(super) fn seed(self) -> u32 {
        let crc = crc32c::crc32c(&self.chain.to_le_bytes());
        crc32c::crc32c_append(crc, &self.first.to_le_bytes())
    }

    pub(super) fn encode(self, out: &mut Blocks) {
        out.clear();
        out.extend(&MAGIC);
        out.extend(&self.chain.to_le_bytes());
        out.extend(&self.first.to_le_bytes());
        let crc = crc32c::crc32c(out.bytes());
        out.extend(&crc.to_le_bytes());
        out.pad();
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 24] = bytes.first_chunk()?;
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = content.split_first_chunk::<8>()?;
        let (chain, rest) = rest.split_first_chunk()?;
        let first = rest.first_chunk()?;
        let valid = *magic == MAGIC && u32::from_le_bytes(*crc) == crc32c::crc32c(content);
        valid.then(|| Self {
            first: u64::from_le_bytes(*first),
            chain: u32::from_le_bytes(*chain),
        })
    }
}

/// What is damaged, and where, in bytes of the uncompressed segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rot {
    pub(super) offset: u64,
    pub(super) what: &'static str,
}

/// A walk over the frames of an uncompressed segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    header: Header,
    /// Where the next frame is expected.
    pub(super) offset: usize,
    /// Its number.
    pub(super) number: u64,
    /// The sum of the last frame.
    pub(super) previous: u32,
    /// Where the last frame begins.
    pub(super) last_offset: Option<usize>,
}

impl Walk {
    /// Begins at the first frame.
    pub(super) fn new(bytes: &[u8], first: u64) -> Result<Self, Rot> {
        let header = Header::decode(bytes).filter(|header| header.first == first);
        let header = header.ok_or(Rot {
            offset: 0,
            what: "the first block is not this segment's",
        })?;
        Ok(Self {
            header,
            offset: BLOCK,
            number: header.first,
            previous: header.chain,
            last_offset: None,
        })
    }

    pub(super) const fn header(&self) -> Header {
        self.header
    }

    /// The next frame; none at the end.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<Raw<'a>> {
        let raw = codec::find(bytes.get(self.offset..)?, self.header.seed())?;
        if raw.number != self.number || raw.previous != self.previous {
            return None;
        }
        self.last_offset = Some(self.offset);
        self.offset += raw.bytes;
        self.number += 1;
        self.previous = raw.crc;
        Some(raw)
    }

    /// When there is no next frame: whether that is rot, because a whole frame of this segment
    /// stands at or after the place. Only the last write can be incomplete.
    pub(super) fn check_end(&self, bytes: &[u8]) -> Result<(), Rot> {
        let seed = self.header.seed();
        let mut at = self.offset;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if codec::find(rest, seed).is_some() {
                return Err(Rot {
                    offset: self.offset as u64,
                    what: "no valid frame where one must be",
                });
            }
            at += BLOCK;
        }
        Ok(())
    }

    /// At the end: whether there is part of the next frame.
    pub(super) fn is_torn(&self, bytes: &[u8]) -> bool {
        let rest = bytes.get(self.offset..).unwrap_or_default();
        codec::claimed_number(rest) == Some(self.number)
    }
}

/// What is known of a whole segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) header: Header,
    /// `first - 1` if there is no frame.
    pub(super) last: u64,
    pub(super) beats: Option<(Tick, Tick)>,
    /// The sum of its last frame, or its chain.
    pub(super) crc: u32,
    /// Up to the end of its last frame.
    pub(super) bytes: u64,
}

impl Summary {
    /// Of an empty segment.
    pub(super) const fn new(header: Header) -> Self {
        Self {
            header,
            last: header.first.saturating_sub(1),
            beats: None,
            crc: header.chain,
            bytes: BLOCK as u64,
        }
    }

    /// Adds a frame that has been written or read.
    pub(super) fn add(&mut self, crc: u32, beats: Option<(Tick, Tick)>, bytes: u64) {
        self.last += 1;
        self.crc = crc;
        self.bytes += bytes;
        self.beats = match (self.beats, beats) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (known, new) => known.or(new),
        };
    }

    /// Reads all frames of an uncompressed segment; also gives where the walk ended.
    pub(super) fn of(bytes: &[u8], first: u64) -> Result<(Self, Walk), Rot> {
        let mut walk = Walk::new(bytes, first)?;
        let mut summary = Self::new(walk.header());
        while let Some(raw) = walk.next(bytes) {
            summary.add(raw.crc, raw.beats, raw.bytes as u64);
        }
        walk.check_end(bytes)?;
        Ok((summary, walk))
    }

    fn encode(&self) -> [u8; SUMMARY_BYTES + 8] {
        let mut out = [0; SUMMARY_BYTES + 8];
        out[..4].copy_from_slice(&SKIPPABLE.to_le_bytes());
        out[4..8].copy_from_slice(&(SUMMARY_BYTES as u32).to_le_bytes());
        out[8..16].copy_from_slice(&SEAL_MAGIC);
        let (first_beat, last_beat) = self.beats.unwrap_or((Tick(1), Tick(0)));
        let longs = [
            self.header.first,
            self.last,
            first_beat.0,
            last_beat.0,
            self.bytes,
        ];
        for (to, long) in out[16..56].chunks_exact_mut(8).zip(longs) {
            to.copy_from_slice(&long.to_le_bytes());
        }
        out[56..60].copy_from_slice(&self.header.chain.to_le_bytes());
        out[60..64].copy_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c::crc32c(&out[..68]);
        out[68..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Of the beginning of a compressed segment.
    pub(super) fn decode(sealed: &[u8]) -> Option<Self> {
        let out: &[u8; SUMMARY_BYTES + 8] = sealed.first_chunk()?;
        let (content, crc) = out.split_last_chunk::<4>()?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(content) || content[8..16] != SEAL_MAGIC {
            return None;
        }
        let long = |at: usize| {
            let bytes = content[at..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(bytes)
        };
        let word = |at: usize| {
            let bytes = content[at..].first_chunk().copied().unwrap_or_default();
            u32::from_le_bytes(bytes)
        };
        let (first_beat, last_beat) = (Tick(long(32)), Tick(long(40)));
        Some(Self {
            header: Header {
                first: long(16),
                chain: word(56),
            },
            last: long(24),
            beats: (first_beat <= last_beat).then_some((first_beat, last_beat)),
            crc: word(60),
            bytes: long(48),
        })
    }
}

/// Bytes at the beginning of a compressed segment that [`Summary::decode`] wants.
pub(super) const SEALED_PREFIX_BYTES: usize = SUMMARY_BYTES + 8;

/// Compresses a segment whose frames have just been walked through.
pub(super) fn compress(bytes: &[u8], summary: &Summary, level: i32) -> io::Result<Vec<u8>> {
    let content = &bytes[..summary.bytes as usize];
    let mut out = summary.encode().to_vec();
    let mut encoder = zstd::stream::Encoder::new(&mut out, level)?;
    encoder.include_checksum(true)?;
    io::copy(&mut &*content, &mut encoder)?;
    encoder.finish()?;
    Ok(out)
}

/// The segment of a compressed one, up to the end of its last frame.
pub(super) fn decompress(sealed: &[u8], first: u64) -> Result<Vec<u8>, Rot> {
    let rot = |what| Rot { offset: 0, what };
    let summary = Summary::decode(sealed)
        .filter(|summary| summary.header.first == first)
        .ok_or(rot("the summary of the compressed segment is damaged"))?;
    let body = &sealed[SEALED_PREFIX_BYTES..];
    let mut bytes = Vec::new();
    zstd::stream::Decoder::new(body)
        .and_then(|decoder| decoder.take(summary.bytes + 1).read_to_end(&mut bytes))
        .map_err(|_| rot("the compressed segment cannot be unpacked"))?;
    if bytes.len() as u64 == summary.bytes {
        Ok(bytes)
    } else {
        Err(rot(
            "the compressed segment has another length than it says",
        ))
    }
}
