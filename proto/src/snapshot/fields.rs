//! The fields that records are made of: each with its writer and its reader.

use super::replica::SnapshotError;
use crate::bits::{BitReader, BitWriter, unzigzag, width, zigzag};

/// The longest vector.
pub(super) const VECTOR_BITS: u32 = 5 + 96;
/// The longest target velocity.
pub(super) const TARGET_BITS: u32 = 1 + 2 + 1 + VECTOR_BITS;

/// The powers of two that target velocities are often multiples of: two bits say which.
const SHIFTS: [u32; 4] = [0, 8, 11, 14];

/// Three signed numbers with one width: 5 bits for it, where 31 stands for 32.
pub(super) fn put_vector(writer: &mut BitWriter, vector: [i32; 3]) {
    let [x, y, z] = vector.map(|axis| u64::from(zigzag(axis)));
    let bits = match width(x | y | z) {
        31 => 32,
        bits => bits,
    };
    writer.write(u64::from(bits.min(31)), 5);
    if bits <= 21 {
        writer.write(x | y << bits | z << (2 * bits), 3 * bits);
    } else {
        writer.write(x | y << bits, 2 * bits);
        writer.write(z, bits);
    }
}

pub(super) fn take_vector(reader: &mut BitReader<'_>) -> Result<[i32; 3], SnapshotError> {
    let bits = match reader.read_u32(5)? {
        31 => 32,
        bits => bits,
    };
    let mut vector = [0; 3];
    for axis in &mut vector {
        *axis = unzigzag(reader.read_u32(bits)?);
    }
    Ok(vector)
}

pub(super) fn difference(to: [i32; 3], from: [i32; 3]) -> [i32; 3] {
    [0, 1, 2].map(|axis| to[axis].wrapping_sub(from[axis]))
}

/// The index of the largest of [`SHIFTS`] that leaves all axes whole.
fn shift_of(vector: [i32; 3]) -> usize {
    let zeros = (vector[0] | vector[1] | vector[2]).trailing_zeros();
    usize::from(zeros >= SHIFTS[1])
        + usize::from(zeros >= SHIFTS[2])
        + usize::from(zeros >= SHIFTS[3])
}

fn shifted_width(vector: [i32; 3], shift: usize) -> u32 {
    let [x, y, z] = vector.map(|axis| zigzag(axis >> SHIFTS[shift]));
    width(u64::from(x | y | z))
}

/// One bit: the target velocity is another one. Then two bits for the power of two, one bit
/// that is 0 for a difference to the old one and 1 for the new one itself, and the vector.
pub(super) fn put_target(writer: &mut BitWriter, old: [i32; 3], new: [i32; 3]) {
    if old == new {
        return writer.write_bit(false);
    }
    let delta = difference(new, old);
    let (delta_shift, new_shift) = (shift_of(delta), shift_of(new));
    let absolute = shifted_width(new, new_shift) < shifted_width(delta, delta_shift);
    let (vector, shift) = if absolute {
        (new, new_shift)
    } else {
        (delta, delta_shift)
    };
    writer.write(1 | (shift as u64) << 1 | u64::from(absolute) << 3, 4);
    put_vector(writer, vector.map(|axis| axis >> SHIFTS[shift]));
}

pub(super) fn take_target(
    reader: &mut BitReader<'_>,
    old: [i32; 3],
) -> Result<[i32; 3], SnapshotError> {
    if !reader.read_bit()? {
        return Ok(old);
    }
    let shift = SHIFTS[reader.read(2)? as usize];
    let absolute = reader.read_bit()?;
    let vector = take_vector(reader)?.map(|axis| axis.wrapping_shl(shift));
    Ok(if absolute {
        vector
    } else {
        [0, 1, 2].map(|axis| old[axis].wrapping_add(vector[axis]))
    })
}

/// One bit: the response is another one; then it follows.
pub(super) fn put_response(writer: &mut BitWriter, old: u32, new: u32) {
    if old == new {
        writer.write_bit(false);
    } else {
        writer.write(1 | u64::from(new) << 1, 33);
    }
}

pub(super) fn take_response(reader: &mut BitReader<'_>, old: u32) -> Result<u32, SnapshotError> {
    Ok(if reader.read_bit()? {
        reader.read_u32(32)?
    } else {
        old
    })
}

/// One bit 0 if only the shield changed, else 1 and one bit for each of the three; then, for
/// each that changed, the step: 0 and 3 bits for −4…−1 and 1…4, 10 and 5 bits for −16…−1 and
/// 1…16, 11 and 8 bits for the value itself.
pub(super) fn put_vitals(writer: &mut BitWriter, old: [u8; 3], new: [u8; 3]) {
    let mask = (0..3).fold(0, |mask, i| mask | u64::from(old[i] != new[i]) << i);
    if mask == 1 {
        writer.write(0, 1);
    } else {
        writer.write(1 | mask << 1, 4);
    }
    for (&old, &new) in old.iter().zip(&new).filter(|(old, new)| old != new) {
        let step = i32::from(new) - i32::from(old);
        // Zero is no step: negative ones from the bottom, positive ones behind them.
        if (-4..=4).contains(&step) {
            writer.write((step_code(step, 4)) << 1, 4);
        } else if (-16..=16).contains(&step) {
            writer.write(1 | step_code(step, 16) << 2, 7);
        } else {
            writer.write(3 | u64::from(new) << 2, 10);
        }
    }
}

/// −most…−1 and 1…most as 0…2·most−1.
const fn step_code(step: i32, most: i32) -> u64 {
    (if step < 0 {
        step + most
    } else {
        step + most - 1
    }) as u64
}

const fn step_of(code: i32, most: i32) -> i32 {
    if code < most {
        code - most
    } else {
        code - most + 1
    }
}

pub(super) fn take_vitals(
    reader: &mut BitReader<'_>,
    vitals: &mut [u8; 3],
) -> Result<(), SnapshotError> {
    let mask = if reader.read_bit()? {
        reader.read(3)?
    } else {
        1
    };
    for (index, value) in vitals.iter_mut().enumerate() {
        if mask >> index & 1 == 0 {
            continue;
        }
        let step = if !reader.read_bit()? {
            step_of(reader.read(3)? as i32, 4)
        } else if !reader.read_bit()? {
            step_of(reader.read(5)? as i32, 16)
        } else {
            reader.read(8)? as i32 - i32::from(*value)
        };
        *value = u8::try_from(i32::from(*value) + step)
            .map_err(|_| SnapshotError::Malformed("vitals beyond their range"))?;
    }
    Ok(())
}

/// 0 and 3 bits for the one bit that flipped, or 1 and the eight bits.
pub(super) fn put_activity(writer: &mut BitWriter, old: u8, new: u8) {
    let flipped = old ^ new;
    if flipped.count_ones() == 1 {
        writer.write(u64::from(flipped.trailing_zeros()) << 1, 4);
    } else {
        writer.write(1 | u64::from(new) << 1, 9);
    }
}

pub(super) fn take_activity(reader: &mut BitReader<'_>, old: u8) -> Result<u8, SnapshotError> {
    Ok(if reader.read_bit()? {
        reader.read(8)? as u8
    } else {
        old ^ 1 << reader.read(3)?
    })
}

/// A number and, before it, its width less `least` in `width_bits`.
pub(super) fn put_sized(writer: &mut BitWriter, value: u64, width_bits: u32, least: u32) {
    let bits = width(value).max(least);
    writer.write(u64::from(bits - least), width_bits);
    writer.write(value, bits);
}

pub(super) fn take_sized(
    reader: &mut BitReader<'_>,
    width_bits: u32,
    least: u32,
    most: u32,
) -> Result<u64, SnapshotError> {
    let bits = reader.read_u32(width_bits)? + least;
    if bits > most {
        return Err(SnapshotError::Malformed("a number wider than its field"));
    }
    Ok(reader.read(bits)?)
}
