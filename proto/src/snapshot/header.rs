//! What stands before the entities, and the codes between them.

use orrery_base::{GridId, Tick};

use super::record::kind;
use super::replica::SnapshotError;
use crate::bits::{BitReader, BitWriter};
use crate::{DATAGRAM_VERSION, KIND_SNAPSHOT, MAX_BASELINE_AGE};

/// Bits of an age.
pub(super) const AGE_BITS: u32 = 5;
/// Bits of "how many bits has a slot".
pub(super) const SLOT_WIDTH_BITS: u32 = 5;
/// The longest unary part of a distance; one more means "not a short distance".
const MAX_QUOTIENT: u32 = 8;
/// Bits of the end of the changes.
pub(super) const END_BITS: u32 = MAX_QUOTIENT + 1;

/// What stands before the entities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) epoch: u8,
    /// Snapshots older than this many beats are not referred to any more.
    pub(super) keep_age: u64,
    pub(super) basis: Basis,
}

/// Ticks and sequence numbers are whole without a baseline and short with one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Basis {
    Baseline {
        tick_low: u16,
        age: u64,
        input_low: u16,
        rice: u32,
    },
    Alone {
        grid: GridId,
        tick: Tick,
        last_input_sequence: u32,
    },
}

impl Header {
    pub(super) fn put(&self, writer: &mut BitWriter) {
        writer.write(u64::from(DATAGRAM_VERSION), 8);
        writer.write(u64::from(KIND_SNAPSHOT), 8);
        writer.write(u64::from(self.epoch), 8);
        match self.basis {
            Basis::Baseline {
                tick_low,
                age,
                input_low,
                rice,
            } => {
                writer.write(1, 1);
                writer.write(u64::from(tick_low), 16);
                writer.write(self.keep_age, AGE_BITS);
                writer.write(u64::from(input_low), 16);
                writer.write(age, AGE_BITS);
                writer.write(u64::from(rice), 3);
            }
            Basis::Alone {
                grid,
                tick,
                last_input_sequence,
            } => {
                writer.write(0, 1);
                writer.write_varint(u64::from(grid.0));
                writer.write_varint(tick.0);
                writer.write(self.keep_age, AGE_BITS);
                writer.write(u64::from(last_input_sequence), 32);
            }
        }
    }

    pub(super) fn take(reader: &mut BitReader<'_>) -> Result<Self, SnapshotError> {
        let version = reader.read(8)? as u8;
        if version != DATAGRAM_VERSION {
            return Err(SnapshotError::Version(version));
        }
        let kind = reader.read(8)? as u8;
        if kind != KIND_SNAPSHOT {
            return Err(SnapshotError::Kind(kind));
        }
        let epoch = reader.read(8)? as u8;
        if reader.read_bit()? {
            let tick_low = reader.read(16)? as u16;
            let keep_age = reader.read(AGE_BITS)?;
            let input_low = reader.read(16)? as u16;
            let age = take_age(reader)?;
            let rice = reader.read_u32(3)?;
            Ok(Self {
                epoch,
                keep_age,
                basis: Basis::Baseline {
                    tick_low,
                    age,
                    input_low,
                    rice,
                },
            })
        } else {
            let grid = varint(reader)?;
            let grid = u32::try_from(grid)
                .map(GridId)
                .map_err(|_| SnapshotError::Malformed("a grid beyond its range"))?;
            let tick = Tick(varint(reader)?);
            // Ticks are added to; no clock will ever come this far.
            if tick.0 > u64::MAX >> 8 {
                return Err(SnapshotError::Malformed("a tick beyond its range"));
            }
            let keep_age = reader.read(AGE_BITS)?;
            let last_input_sequence = reader.read_u32(32)?;
            Ok(Self {
                epoch,
                keep_age,
                basis: Basis::Alone {
                    grid,
                    tick,
                    last_input_sequence,
                },
            })
        }
    }
}

fn varint(reader: &mut BitReader<'_>) -> Result<u64, SnapshotError> {
    reader.read_varint()?.ok_or(SnapshotError::Malformed(
        "a varint not in its shortest form",
    ))
}

/// Reads an age, 1 to 31.
pub(super) fn take_age(reader: &mut BitReader<'_>) -> Result<u64, SnapshotError> {
    match reader.read(AGE_BITS)? {
        0 => Err(SnapshotError::Malformed("a baseline of age zero")),
        age => Ok(age),
    }
}

const _: () = assert!(MAX_BASELINE_AGE < 1 << AGE_BITS);

/// A distance between two entities that are told of: with the quotient q by 2^rice below eight,
/// q ones, a zero and the remainder in `rice` bits; otherwise eight ones, a one and 16 bits.
#[inline]
pub(super) fn put_gap(writer: &mut BitWriter, gap: u32, rice: u32) {
    let quotient = gap >> rice;
    if quotient < MAX_QUOTIENT {
        let remainder = gap & ((1 << rice) - 1);
        let code = ((1 << quotient) - 1) | remainder << (quotient + 1);
        writer.write(u64::from(code), quotient + 1 + rice);
    } else {
        writer.write(0x1ff | u64::from(gap) << 9, 25);
    }
}

/// No further one: eight ones and a zero.
pub(super) fn put_end(writer: &mut BitWriter) {
    writer.write(0xff, END_BITS);
}

/// Reads a distance; `None` is the end.
pub(super) fn take_gap(
    reader: &mut BitReader<'_>,
    rice: u32,
) -> Result<Option<usize>, SnapshotError> {
    let mut quotient = 0;
    while reader.read_bit()? {
        quotient += 1;
        if quotient == MAX_QUOTIENT {
            return Ok(if reader.read_bit()? {
                Some(reader.read(16)? as usize)
            } else {
                None
            });
        }
    }
    Ok(Some(
        (quotient << rice) as usize + reader.read(rice)? as usize,
    ))
}

/// An entity of the baseline that gets no record.
pub(super) fn put_absent(writer: &mut BitWriter, still_there: bool) {
    writer.write(
        kind::ABSENT | u64::from(still_there) << kind::BITS,
        kind::BITS + 1,
    );
}
