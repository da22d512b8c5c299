//! The bytes of a frame. All numbers little-endian; a frame starts on a block.
//!
//! ```text
//!  0 magic u32 "OFRM"      16 number u64           48 rows bytes u32     64 previous crc u32
//!  4 version u8 = 1        24 first beat u64       52 rows count u32     68 crc u32
//!  5 flags u8              32 last beat u64        56 records bytes u32  72 rows, then records
//!  6 zero u16, zero u64    40 through u64          60 records count u32     zeros to the block
//! ```
//!
//! Flags: 1 = first and last beat are set, 2 = through is set; unset ones are zero. `crc` is the
//! CRC-32C of the frame without `crc` and padding, begun with the segment's seed, so that
//! neither the old content of a recycled segment nor bytes that somebody made to look like a
//! frame are taken for one. `previous crc` is the one of the frame before.
//!
//! ```text
//! row    = kind << 6 | domain u8, first length, second length, bytes    kind 0 put, 1 delete,
//! record = beat - first beat, shard, length, bytes                      2 delete range
//! ```
//!
//! Lengths, beats and shards are LEB128. Of several writes of one row only the last is written
//! when a frame holds several beats: a disk that is behind gets less to do.
//!
//! Cost: one pass over the rows to copy them, one for the sum (about 0.1 ns a byte). Leaving out
//! rows costs a tenth more when none repeats, and saves a third of the time and half of the
//! bytes when each is written twice (10,000 rows of 200 bytes); so a frame of one beat, whose
//! rows hardly repeat, is spared it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use orrery_base::{ShardIndex, Tick};

use super::{Frame, FrameOut, OwnedRecord, Record};
use crate::log::{BLOCK, Blocks};
use crate::{Batch, Domain, Operation};

pub(in crate::log) const HEADER_BYTES: usize = 72;
/// The largest frame, bytes without padding.
pub(in crate::log) const FRAME_BYTES_MAX: u64 = 1 << 30;

const MAGIC: [u8; 4] = *b"OFRM";
const VERSION: u8 = 1;
const HAS_BEATS: u8 = 1;
const HAS_THROUGH: u8 = 2;
const CRC_AT: usize = 68;

const PUT: u8 = 0;
const DELETE: u8 = 1;
const DELETE_RANGE: u8 = 2;

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct Place {
    pub(in crate::log) number: u64,
    /// The segment's: [`crate::log::segment::seed`].
    pub(in crate::log) seed: u32,
    /// The sum of the frame before.
    pub(in crate::log) previous: u32,
}

/// A frame whose sum fits, not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct Raw<'a> {
    pub(in crate::log) number: u64,
    pub(in crate::log) beats: Option<(Tick, Tick)>,
    pub(in crate::log) through: Option<Tick>,
    pub(in crate::log) previous: u32,
    pub(in crate::log) crc: u32,
    /// With padding.
    pub(in crate::log) bytes: usize,
    row_count: u32,
    rows: &'a [u8],
    record_count: u32,
    records: &'a [u8],
}

/// A frame that is as it was written, but not by this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct Undecodable;

/// First and last beat of a frame.
pub(in crate::log) fn beats_of(frame: &FrameOut<'_>) -> Option<(Tick, Tick)> {
    let beats = || frame.records.iter().map(|r| r.beat).chain(frame.through);
    beats().min().zip(beats().max())
}

/// An upper bound of the frame's size, bytes without padding.
pub(in crate::log) fn size_bound(frame: &FrameOut<'_>) -> u64 {
    let records: usize = frame.records.iter().map(|r| r.bytes.len() + 24).sum();
    (HEADER_BYTES + frame.rows.bytes() + frame.rows.len() * 21 + records) as u64
}

/// Puts the frame into `out`, replacing what is there; returns its sum. The caller has checked
/// [`size_bound`] against [`FRAME_BYTES_MAX`], so that every length fits in its field.
pub(in crate::log) fn encode(frame: &FrameOut<'_>, place: Place, out: &mut Blocks) -> u32 {
    let beats = beats_of(frame);
    let (first, last) = beats.unwrap_or_default();
    out.clear();
    out.extend(&[0; HEADER_BYTES]);
    let row_count = write_rows(frame, out);
    let rows_end = out.len();
    for record in frame.records {
        write_varint(out, record.beat.since(first));
        write_varint(out, u64::from(record.shard.0));
        write_varint(out, record.bytes.len() as u64);
        out.extend(record.bytes);
    }
    let records_bytes = (out.len() - rows_end) as u32;
    let flags =
        u8::from(beats.is_some()) * HAS_BEATS + u8::from(frame.through.is_some()) * HAS_THROUGH;
    let header = &mut out.bytes_mut()[..HEADER_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[4] = VERSION;
    header[5] = flags;
    let longs = [
        place.number,
        first.0,
        last.0,
        frame.through.unwrap_or_default().0,
    ];
    for (to, long) in header[16..48].chunks_exact_mut(8).zip(longs) {
        to.copy_from_slice(&long.to_le_bytes());
    }
    let words = [
        (rows_end - HEADER_BYTES) as u32,
        row_count,
        records_bytes,
        frame.records.len() as u32,
        place.previous,
    ];
    for (to, word) in header[48..CRC_AT].chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    let crc = sum(place.seed, out.bytes());
    out.bytes_mut()[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    out.pad();
    crc
}

/// The frame that starts at the beginning of `bytes`, if there is a whole one of this segment.
pub(in crate::log) fn find(bytes: &[u8], seed: u32) -> Option<Raw<'_>> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    if header[..4] != MAGIC || header[4] != VERSION || header[5] > HAS_BEATS | HAS_THROUGH {
        return None;
    }
    let rows_bytes = word(header, 48) as usize;
    let records_bytes = word(header, 56) as usize;
    let end = HEADER_BYTES + rows_bytes + records_bytes;
    let crc = word(header, CRC_AT);
    if bytes.len() < end || sum(seed, &bytes[..end]) != crc {
        return None;
    }
    let (rows, records) = bytes[HEADER_BYTES..end].split_at(rows_bytes);
    let flags = header[5];
    Some(Raw {
        number: long(header, 16),
        beats: (flags & HAS_BEATS != 0).then(|| (Tick(long(header, 24)), Tick(long(header, 32)))),
        through: (flags & HAS_THROUGH != 0).then(|| Tick(long(header, 40))),
        previous: word(header, 64),
        crc,
        bytes: end.next_multiple_of(BLOCK),
        row_count: word(header, 52),
        rows,
        record_count: word(header, 60),
        records,
    })
}

/// See [`crate::log::exercise`].
pub(in crate::log) fn exercise(data: &[u8]) {
    if let Some(raw) = find(data, 0) {
        let _ = raw.decode();
    }
    // The first bytes choose the header; the rest is rows and records.
    let Some((choice, body)) = data.split_first_chunk::<4>() else {
        return;
    };
    let rows_bytes = usize::from(choice[0]).min(body.len());
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..6].copy_from_slice(&[VERSION, choice[1] & (HAS_BEATS | HAS_THROUGH)]);
    bytes[32..40].fill(choice[1]);
    let counts = (u32::from(choice[2]), u32::from(choice[3]));
    let lengths = (rows_bytes as u32, (body.len() - rows_bytes) as u32);
    let words = [lengths.0, counts.0, lengths.1, counts.1];
    for (to, word) in bytes[48..64].chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(body);
    let crc = sum(0, &bytes);
    bytes[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    let raw = find(&bytes, 0).expect("the header fits its content");
    let Ok(frame) = raw.decode() else {
        return;
    };
    let records: Vec<Record<'_>> = frame.records.iter().map(OwnedRecord::as_record).collect();
    let out = FrameOut {
        through: frame.through,
        rows: &frame.rows,
        records: &records,
    };
    let place = Place {
        number: frame.number,
        seed: 0,
        previous: 0,
    };
    let mut blocks = Blocks::new();
    encode(&out, place, &mut blocks);
    let again = find(blocks.bytes(), 0).and_then(|raw| raw.decode().ok());
    let again = again.expect("what was encoded decodes");
    assert_eq!(again.records, frame.records);
    assert_eq!(again.through, frame.through);
    assert!(again.rows.len() <= frame.rows.len());
}

/// The number in what looks like a frame's header, whole or not.
pub(in crate::log) fn claimed_number(bytes: &[u8]) -> Option<u64> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    (header[..4] == MAGIC).then(|| long(header, 16))
}

impl Raw<'_> {
    /// Rows and records, copied.
    pub(in crate::log) fn decode(&self) -> Result<Frame, Undecodable> {
        self.try_decode().ok_or(Undecodable)
    }

    fn try_decode(&self) -> Option<Frame> {
        let mut rows = Batch::new();
        let mut rest = self.rows;
        for _ in 0..self.row_count {
            read_row(&mut rest, &mut rows)?;
        }
        let rows_end = rest;
        let mut records = Vec::new();
        let mut rest = self.records;
        for _ in 0..self.record_count {
            records.push(self.read_record(&mut rest)?);
        }
        (rows_end.is_empty() && rest.is_empty()).then_some(Frame {
            number: self.number,
            through: self.through,
            rows,
            records,
        })
    }

    fn read_record(&self, rest: &mut &[u8]) -> Option<OwnedRecord> {
        let (first, last) = self.beats?;
        let beat = Tick(first.0.checked_add(read_varint(rest)?)?);
        let shard = ShardIndex(u16::try_from(read_varint(rest)?).ok()?);
        let length = read_varint(rest)?;
        let bytes = take(rest, length)?.to_vec();
        (beat <= last).then_some(OwnedRecord { beat, shard, bytes })
    }
}

impl OwnedRecord {
    /// The same, borrowed.
    #[must_use]
    pub fn as_record(&self) -> Record<'_> {
        Record {
            beat: self.beat,
            shard: self.shard,
            bytes: &self.bytes,
        }
    }
}

/// Returns how many were written.
fn write_rows(frame: &FrameOut<'_>, out: &mut Blocks) -> u32 {
    let several_beats = frame
        .records
        .first()
        .is_some_and(|first| frame.records.iter().any(|r| r.beat != first.beat));
    let superseded = if several_beats {
        superseded(frame.rows)
    } else {
        Vec::new()
    };
    let mut written = 0;
    for (index, row) in frame.rows.iter().enumerate() {
        if superseded.get(index) != Some(&true) {
            write_row(row, out);
            written += 1;
        }
    }
    written
}

/// For each operation, whether a later one on the same row makes it invisible. Leaving those
/// out changes nothing, also between range deletions, because the last one keeps its place.
fn superseded(rows: &Batch) -> Vec<bool> {
    let mut last: HashMap<(Domain, &[u8]), usize> = HashMap::with_capacity(rows.len());
    let mut superseded = vec![false; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let (Operation::Put { domain, key, .. } | Operation::Delete { domain, key }) = row else {
            continue;
        };
        match last.entry((domain, key)) {
            Entry::Occupied(mut before) => superseded[before.insert(index)] = true,
            Entry::Vacant(none) => {
                none.insert(index);
            }
        }
    }
    superseded
}

fn write_row(row: Operation<'_>, out: &mut Blocks) {
    let (kind, domain, first, second): (u8, Domain, &[u8], &[u8]) = match row {
        Operation::Put { domain, key, value } => (PUT, domain, key, value),
        Operation::Delete { domain, key } => (DELETE, domain, key, &[]),
        Operation::DeleteRange { domain, from, to } => (DELETE_RANGE, domain, from, to),
    };
    // Domains are far fewer than 64.
    out.push(kind << 6 | u8::from(domain));
    write_varint(out, first.len() as u64);
    write_varint(out, second.len() as u64);
    out.extend(first);
    out.extend(second);
}

fn read_row(rest: &mut &[u8], rows: &mut Batch) -> Option<()> {
    let (&tag, tail) = rest.split_first()?;
    *rest = tail;
    let domain = Domain::try_from(tag & 0x3f).ok()?;
    let (first, second) = (read_varint(rest)?, read_varint(rest)?);
    let first = take(rest, first)?;
    let second = take(rest, second)?;
    match tag >> 6 {
        PUT => rows.put(domain, first, second),
        DELETE if second.is_empty() => rows.delete(domain, first),
        // What a batch would not record cannot have been in one.
        DELETE_RANGE if first < second => rows.delete_range(domain, first, second),
        _ => return None,
    }
    Some(())
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = tail;
    Some(taken)
}

fn write_varint(out: &mut Blocks, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn sum(seed: u32, frame: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(seed, &frame[..CRC_AT]);
    crc32c::crc32c_append(crc, &frame[HEADER_BYTES..])
}

fn word(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests;
