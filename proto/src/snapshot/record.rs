//! The bits of one entity: what changed since a baseline, or everything.
//!
//! A change begins with three bits, its [`kind`]; the groups follow in the order motion, vitals,
//! activity. Cost: a turn 35–70 bits, vitals 8–10, activity 7, everything 200–300.

use orrery_base::motion::Motion;
use orrery_base::{CharacterId, EntityId, Tick, TypeId};

use super::fields::{
    TARGET_BITS, VECTOR_BITS, difference, put_activity, put_response, put_sized, put_target,
    put_vector, put_vitals, take_activity, take_response, take_sized, take_target, take_vector,
    take_vitals,
};
use super::frame::{Entry, SlotState, Status};
use super::replica::SnapshotError;
use crate::bits::{BitReader, BitWriter, width};

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
