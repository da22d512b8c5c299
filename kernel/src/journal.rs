//! The journal: what went into a beat of one shard, and the digests that came of it.
//!
//! With a checkpoint it is enough to repeat every beat since, to the bit, and to notice if that
//! fails (`crate::replay`). Messages between grids of the same host would come of themselves in
//! a replay of all its grids; what has arrived is journalled nonetheless, so that a single grid
//! can be repeated without its neighbours, and what was sent, so that what is still on its way
//! is known without a replay. Framing, compression and segments are the storage's
//! business.
//!
//! ```text
//! u8 version   u32 format of the rules   u64 tick   u16 shard
//! varint grids, each, by ascending id:
//!     u32 grid   u64 tick   u64 wall   u16 dilation   u64 digest
//!     varint inputs, each:    u64 source   varint sequence   section input
//!     varint arrivals, each:  u32 from     u64 sent   varint sequence   section message
//!     varint sent, each:      u32 to       section message
//! u32 crc32c of all of the above
//! ```

use std::fmt;

use orrery_base::{GridId, ShardIndex, Tick};

use crate::codec::{DecodeError, Put, Reader, checked, seal};
use crate::dilation::Dilation;
use crate::grid::{GridRecord, RecordOf};
use crate::rules::{Envelope, Rules, Stamped};

const VERSION: u8 = 3;

/// One beat of one shard.
pub struct BeatRecord<R: Rules> {
    /// The beat.
    pub tick: Tick,
    /// Whose grids these are.
    pub shard: ShardIndex,
    /// The grids that were stepped, by ascending id.
    pub grids: Vec<RecordOf<R>>,
}

impl<R: Rules> BeatRecord<R> {
    /// Appends the record to `bytes`; see [`encode`].
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        encode::<R>(self.tick, self.shard, self.grids.iter(), bytes);
    }

    /// The record of exactly these bytes.
    ///
    /// # Errors
    /// If they are damaged, of another version, or not what [`encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = checked(bytes)?;
        header::<R>(&mut reader)?;
        let tick = Tick(reader.u64()?);
        let shard = ShardIndex(reader.u16()?);
        let count = reader.count(33)?;
        let mut grids: Vec<RecordOf<R>> = Vec::with_capacity(count);
        for _ in 0..count {
            let grid = decode_grid::<R>(&mut reader)?;
            if grids.last().is_some_and(|former| former.grid >= grid.grid) {
                return Err(DecodeError::Invalid("order of grids"));
            }
            grids.push(grid);
        }
        reader.finish()?;
        Ok(Self { tick, shard, grids })
    }
}

impl<R: Rules> fmt::Debug for BeatRecord<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tick, shard, grids) = (self.tick, self.shard, self.grids.len());
        write!(f, "beat {tick} of shard {shard}, {grids} grids")
    }
}

/// Appends the record of a beat to `bytes`, from what [`crate::world::World::beat`] gave
/// (`output.grids.iter().map(|beat| &beat.record)`), so that nothing is copied first.
pub fn encode<'a, R: Rules>(
    tick: Tick,
    shard: ShardIndex,
    grids: impl ExactSizeIterator<Item = &'a RecordOf<R>>,
    bytes: &mut Vec<u8>,
) {
    let start = bytes.len();
    put_header::<R>(bytes);
    bytes.put_u64(tick.0);
    bytes.put_u16(shard.0);
    bytes.put_varint(grids.len() as u64);
    for record in grids {
        bytes.put_u32(record.grid.0);
        bytes.put_u64(record.tick.0);
        bytes.put_u64(record.wall.0);
        record.dilation.encode(bytes);
        bytes.put_u64(record.digest);
        bytes.put_varint(record.inputs.len() as u64);
        for input in &record.inputs {
            bytes.put_u64(input.source);
            bytes.put_varint(input.sequence);
            bytes.put_section(|bytes| R::encode_input(&input.input, bytes));
        }
        bytes.put_varint(record.arrivals.len() as u64);
        for envelope in &record.arrivals {
            put_message::<R>(envelope, bytes);
        }
        bytes.put_varint(record.sent.len() as u64);
        for envelope in &record.sent {
            bytes.put_u32(envelope.to.0);
            bytes.put_section(|bytes| R::encode_message(&envelope.message, bytes));
        }
    }
    seal(bytes, start);
}

fn decode_grid<R: Rules>(reader: &mut Reader<'_>) -> Result<RecordOf<R>, DecodeError> {
    let grid = GridId(reader.u32()?);
    let tick = Tick(reader.u64()?);
    let wall = Tick(reader.u64()?);
    let dilation = Dilation::decode(reader)?;
    let digest = reader.u64()?;
    let count = reader.count(10)?;
    let mut inputs: Vec<Stamped<R::Input>> = Vec::with_capacity(count);
    for _ in 0..count {
        let source = reader.u64()?;
        let sequence = reader.varint()?;
        let input = section(reader, R::decode_input)?;
        inputs.push(Stamped {
            source,
            sequence,
            input,
        });
    }
    if !inputs.is_sorted_by_key(|input| (input.source, input.sequence)) {
        return Err(DecodeError::Invalid("order of inputs"));
    }
    let count = reader.count(14)?;
    let mut arrivals: Vec<Envelope<R::Message>> = Vec::with_capacity(count);
    for _ in 0..count {
        arrivals.push(decode_message::<R>(reader, grid)?);
    }
    if !arrivals.is_sorted_by_key(Envelope::order) {
        return Err(DecodeError::Invalid("order of messages"));
    }
    let count = reader.count(5)?;
    let mut sent: Vec<Envelope<R::Message>> = Vec::with_capacity(count);
    for sequence in (0..).take(count) {
        sent.push(Envelope {
            from: grid,
            to: GridId(reader.u32()?),
            sent: tick,
            sequence,
            message: section(reader, R::decode_message)?,
        });
    }
    Ok(GridRecord {
        grid,
        tick,
        wall,
        dilation,
        digest,
        inputs,
        arrivals,
        sent,
    })
}

pub(crate) fn put_message<R: Rules>(envelope: &Envelope<R::Message>, bytes: &mut Vec<u8>) {
    bytes.put_u32(envelope.from.0);
    bytes.put_u64(envelope.sent.0);
    bytes.put_varint(u64::from(envelope.sequence));
    bytes.put_section(|bytes| R::encode_message(&envelope.message, bytes));
}

pub(crate) fn decode_message<R: Rules>(
    reader: &mut Reader<'_>,
    to: GridId,
) -> Result<Envelope<R::Message>, DecodeError> {
    let from = GridId(reader.u32()?);
    let sent = Tick(reader.u64()?);
    let sequence = u32::try_from(reader.varint()?);
    Ok(Envelope {
        from,
        to,
        sent,
        sequence: sequence.map_err(|_| DecodeError::Invalid("sequence"))?,
        message: section(reader, R::decode_message)?,
    })
}

fn section<'a, T>(
    reader: &mut Reader<'a>,
    decode: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut section = reader.section()?;
    let value = decode(&mut section)?;
    section.finish()?;
    Ok(value)
}

fn put_header<R: Rules>(bytes: &mut Vec<u8>) {
    bytes.put_u8(VERSION);
    bytes.put_u32(R::FORMAT);
}

fn header<R: Rules>(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    reader.version(u32::from(VERSION), Reader::u8)?;
    reader.version(R::FORMAT, Reader::u32)
}
