//! The bits of one entity: what changed since a baseline, or everything.
//!
//! A change begins with three bits, its [`kind`]; the groups follow in the order motion, vitals,
//! activity. Cost: a turn 35–70 bits, vitals 8–10, activity 7, everything 200–300.

use orrery_base::motion::Motion;
use orrery_base::{CharacterId, EntityId, Tick, TypeId};

use super::frame::{Entry, SlotState, Status};
use super::replica::SnapshotError;
use crate::bits::{BitReader, BitWriter, unzigzag, width, zigzag};

/// The first three bits of a change.
pub(super) mod kind {
    pub(in crate::snapshot) const LAW: u64 = 0;
    pub(in crate::snapshot) const VITALS: u64 = 1;
    pub(in crate::snapshot) const ACTIVITY: u64 = 2;
    pub(in crate::snapshot) const VITALS_ACTIVITY: u64 = 3;
    pub(in crate::snapshot) const LAW_VITALS: u64 = 4;
    pub(in crate::snapshot) const LAW_ACTIVITY: u64 = 5;
    /// Four bits say which groups follow: two for the motion, one each for the others.
    pub(in crate::snapshot) const GENERAL: u64 = 6;
    /// No record: one more bit, 0 if the entity is gone, 1 if it is not exact this time.
    pub(in crate::snapshot) const ABSENT: u64 = 7;
    /// Bits of a kind.
    pub(in crate::snapshot) const BITS: u32 = 3;
}

/// Bits of an entity that is gone or not exact this time.
pub(super) const ABSENT_BITS: u32 = kind::BITS + 1;
/// The longest full record.
pub(super) const MAX_FULL_BITS: u32 =
    (6 + 64) + (6 + 32) + (7 + 64) + 2 * VECTOR_BITS + TARGET_BITS + 32 + 25 + 9;
const VECTOR_BITS: u32 = 5 + 96;
const TARGET_BITS: u32 = 1 + 2 + 1 + VECTOR_BITS;

/// The powers of two that target velocities are often multiples of: two bits say which.
const SHIFTS: [u32; 4] = [0, 8, 11, 14];

/// How the motion is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MotionGroup {
    Lawful = 0,
    LawChange = 1,
    Residual = 2,
}

/// Writes what turns `before`, the state at `from`, into `after`, the state at `to`.
/// `broken_at` is the newest beat in between at which the motion left its law, if any.
pub(super) fn put_change(
    writer: &mut BitWriter,
    (from, before): (Tick, &Entry),
    (to, after): (Tick, &Entry),
    broken_at: Option<Tick>,
) {
    let (motion, predicted) = motion_group(from, &before.motion, to, &after.motion, broken_at);
    let vitals = before.status.vitals() != after.status.vitals();
    let activity = before.status.activity() != after.status.activity();
    use MotionGroup::{LawChange, Lawful, Residual};
    match (motion, vitals, activity) {
        (LawChange, false, false) => writer.write(kind::LAW, kind::BITS),
        (Lawful, true, false) => writer.write(kind::VITALS, kind::BITS),
        (Lawful, false, true) => writer.write(kind::ACTIVITY, kind::BITS),
        (Lawful, true, true) => writer.write(kind::VITALS_ACTIVITY, kind::BITS),
        (LawChange, true, false) => writer.write(kind::LAW_VITALS, kind::BITS),
        (LawChange, false, true) => writer.write(kind::LAW_ACTIVITY, kind::BITS),
        (Lawful, false, false) | (LawChange, true, true) | (Residual, _, _) => {
            let groups = motion as u64 | u64::from(vitals) << 2 | u64::from(activity) << 3;
            writer.write(kind::GENERAL | groups << kind::BITS, kind::BITS + 4);
        }
    }
    match motion {
        Lawful => {}
        LawChange => {
            let beats_ago = broken_at.map_or(0, |tick| to.since(tick));
            writer.write(beats_ago, age_bits(to.since(from)));
            put_response(writer, before.motion.response, after.motion.response);
            put_target(
                writer,
                before.motion.target_velocity,
                after.motion.target_velocity,
            );
        }
        Residual => {
            let (position, velocity) = (predicted.position_cm, predicted.velocity);
            put_vector(writer, difference(after.motion.position_cm, position));
            put_vector(writer, difference(after.motion.velocity, velocity));
            put_response(writer, before.motion.response, after.motion.response);
            put_target(
                writer,
                before.motion.target_velocity,
                after.motion.target_velocity,
            );
        }
    }
    if vitals {
        put_vitals(writer, before.status.vitals(), after.status.vitals());
    }
    if activity {
        put_activity(writer, before.status.activity(), after.status.activity());
    }
}

/// The cheapest group that gives the very bits of `after`, and the prediction under the old law.
fn motion_group(
    from: Tick,
    before: &Motion,
    to: Tick,
    after: &Motion,
    broken_at: Option<Tick>,
) -> (MotionGroup, Motion) {
    let Some(broken_at) = broken_at.filter(|&tick| tick > from && tick <= to) else {
        return (MotionGroup::Lawful, *before);
    };
    // The usual case is one change of the law: the state does not jump, it tends elsewhere.
    let mut replayed = *before;
    replay(
        &mut replayed,
        from,
        broken_at,
        (after.target_velocity, after.response),
        to,
    );
    if replayed == *after {
        return (MotionGroup::LawChange, *before);
    }
    let mut predicted = *before;
    predicted.advance(from, to);
    if predicted == *after {
        (MotionGroup::Lawful, *before)
    } else {
        (MotionGroup::Residual, predicted)
    }
}

/// The old law from `from` until just before `changed_at`, the new one from then on.
fn replay(
    motion: &mut Motion,
    from: Tick,
    changed_at: Tick,
    (target, response): ([i32; 3], u32),
    to: Tick,
) {
    let before = changed_at.minus(1);
    motion.advance(from, before);
    motion.target_velocity = target;
    motion.response = response;
    motion.advance(before, to);
}

/// Reads what [`put_change`] wrote behind the kind, and turns `entry`, the state at `from`, into
/// the state at `to`.
pub(super) fn take_change(
    reader: &mut BitReader<'_>,
    kind: u64,
    entry: &mut Entry,
    from: Tick,
    to: Tick,
) -> Result<(), SnapshotError> {
    let (motion, vitals, activity) = match kind {
        kind::LAW => (1, false, false),
        kind::VITALS => (0, true, false),
        kind::ACTIVITY => (0, false, true),
        kind::VITALS_ACTIVITY => (0, true, true),
        kind::LAW_VITALS => (1, true, false),
        kind::LAW_ACTIVITY => (1, false, true),
        _ => {
            let groups = reader.read(4)?;
            (groups & 3, groups & 4 != 0, groups & 8 != 0)
        }
    };
    match motion {
        0 => entry.motion.advance(from, to),
        1 => take_law_change(reader, &mut entry.motion, from, to)?,
        2 => take_residual(reader, &mut entry.motion, from, to)?,
        _ => {
            return Err(SnapshotError::Malformed(
                "a motion group that does not exist",
            ));
        }
    }
    let mut new = (entry.status.vitals(), entry.status.activity());
    if vitals {
        take_vitals(reader, &mut new.0)?;
    }
    if activity {
        new.1 = take_activity(reader, new.1)?;
    }
    entry.status = Status::new(new.0, new.1);
    Ok(())
}

fn take_law_change(
    reader: &mut BitReader<'_>,
    motion: &mut Motion,
    from: Tick,
    to: Tick,
) -> Result<(), SnapshotError> {
    let age = to.since(from);
    let beats_ago = reader.read(age_bits(age))?;
    if beats_ago >= age {
        return Err(SnapshotError::Malformed(
            "a change of law before the baseline",
        ));
    }
    let response = take_response(reader, motion.response)?;
    let target = take_target(reader, motion.target_velocity)?;
    let mut changed = *motion;
    changed.target_velocity = target;
    check(&changed)?;
    replay(motion, from, to.minus(beats_ago), (target, response), to);
    Ok(())
}

fn take_residual(
    reader: &mut BitReader<'_>,
    motion: &mut Motion,
    from: Tick,
    to: Tick,
) -> Result<(), SnapshotError> {
    motion.advance(from, to);
    let position = take_vector(reader)?;
    let velocity = take_vector(reader)?;
    for axis in 0..3 {
        motion.position_cm[axis] = motion.position_cm[axis].wrapping_add(position[axis]);
        motion.velocity[axis] = motion.velocity[axis].wrapping_add(velocity[axis]);
    }
    motion.response = take_response(reader, motion.response)?;
    motion.target_velocity = take_target(reader, motion.target_velocity)?;
    check(motion)
}

/// The law's arithmetic has ranges; what comes from outside must be in them.
fn check(motion: &Motion) -> Result<(), SnapshotError> {
    if motion.is_valid() {
        Ok(())
    } else {
        Err(SnapshotError::Malformed(
            "a velocity beyond the law's range",
        ))
    }
}

/// Bits of "how many beats ago" within an age: 0 … age − 1.
const fn age_bits(age: u64) -> u32 {
    width(age.saturating_sub(1))
}

/// Three signed numbers with one width: 5 bits for it, where 31 stands for 32.
fn put_vector(writer: &mut BitWriter, vector: [i32; 3]) {
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

fn take_vector(reader: &mut BitReader<'_>) -> Result<[i32; 3], SnapshotError> {
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

fn difference(to: [i32; 3], from: [i32; 3]) -> [i32; 3] {
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
fn put_target(writer: &mut BitWriter, old: [i32; 3], new: [i32; 3]) {
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

fn take_target(reader: &mut BitReader<'_>, old: [i32; 3]) -> Result<[i32; 3], SnapshotError> {
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
fn put_response(writer: &mut BitWriter, old: u32, new: u32) {
    if old == new {
        writer.write_bit(false);
    } else {
        writer.write(1 | u64::from(new) << 1, 33);
    }
}

fn take_response(reader: &mut BitReader<'_>, old: u32) -> Result<u32, SnapshotError> {
    Ok(if reader.read_bit()? {
        reader.read_u32(32)?
    } else {
        old
    })
}

/// One bit 0 if only the shield changed, else 1 and one bit for each of the three; then, for
/// each that changed, the step: 0 and 3 bits for −4…−1 and 1…4, 10 and 5 bits for −16…−1 and
/// 1…16, 11 and 8 bits for the value itself.
fn put_vitals(writer: &mut BitWriter, old: [u8; 3], new: [u8; 3]) {
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

fn take_vitals(reader: &mut BitReader<'_>, vitals: &mut [u8; 3]) -> Result<(), SnapshotError> {
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
fn put_activity(writer: &mut BitWriter, old: u8, new: u8) {
    let flipped = old ^ new;
    if flipped.count_ones() == 1 {
        writer.write(u64::from(flipped.trailing_zeros()) << 1, 4);
    } else {
        writer.write(1 | u64::from(new) << 1, 9);
    }
}

fn take_activity(reader: &mut BitReader<'_>, old: u8) -> Result<u8, SnapshotError> {
    Ok(if reader.read_bit()? {
        reader.read(8)? as u8
    } else {
        old ^ 1 << reader.read(3)?
    })
}

/// Everything about an entity.
pub(super) fn put_full(writer: &mut BitWriter, state: &SlotState) {
    // Ids from the persistent counter have bit 63 set: rotated, they are small numbers.
    put_sized(writer, state.id.0.rotate_left(1), 6, 1);
    put_sized(writer, u64::from(state.type_id.0), 6, 0);
    put_sized(writer, state.owner.0, 7, 0);
    let motion = &state.motion;
    put_vector(writer, motion.position_cm);
    put_target(writer, [0; 3], motion.target_velocity);
    put_vector(writer, difference(motion.velocity, motion.target_velocity));
    writer.write(u64::from(motion.response), 32);
    let [shield, armour, hull] = state.vitals.map(u64::from);
    if state.vitals == [u8::MAX; 3] {
        writer.write(0, 1);
    } else {
        writer.write(1 | shield << 1 | armour << 9 | hull << 17, 25);
    }
    if state.activity == 0 {
        writer.write(0, 1);
    } else {
        writer.write(1 | u64::from(state.activity) << 1, 9);
    }
}

/// A number and, before it, its width less `least` in `width_bits`.
fn put_sized(writer: &mut BitWriter, value: u64, width_bits: u32, least: u32) {
    let bits = width(value).max(least);
    writer.write(u64::from(bits - least), width_bits);
    writer.write(value, bits);
}

fn take_sized(
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

/// Reads what [`put_full`] wrote.
pub(super) fn take_full(reader: &mut BitReader<'_>) -> Result<SlotState, SnapshotError> {
    let id = EntityId(take_sized(reader, 6, 1, 64)?.rotate_right(1));
    if id == EntityId::NONE {
        return Err(SnapshotError::Malformed("an entity without an id"));
    }
    let type_id = take_sized(reader, 6, 0, 32)? as u32;
    let owner = take_sized(reader, 7, 0, 64)?;
    let position_cm = take_vector(reader)?;
    let target_velocity = take_target(reader, [0; 3])?;
    let above_target = take_vector(reader)?;
    let response = reader.read_u32(32)?;
    let vitals = if reader.read_bit()? {
        let [shield, armour, hull, _] = reader.read_u32(24)?.to_le_bytes();
        [shield, armour, hull]
    } else {
        [u8::MAX; 3]
    };
    let activity = if reader.read_bit()? {
        reader.read(8)? as u8
    } else {
        0
    };
    let motion = Motion {
        position_cm,
        velocity: [0, 1, 2].map(|axis| target_velocity[axis].wrapping_add(above_target[axis])),
        target_velocity,
        response,
    };
    check(&motion)?;
    Ok(SlotState {
        id,
        type_id: TypeId(type_id),
        owner: CharacterId(owner),
        motion,
        vitals,
        activity,
    })
}
