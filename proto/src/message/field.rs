//! How each kind of field is written and read.

use orrery_base::command::{Command, RejectCode};
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, SystemId, Tick, TypeId};

use super::{MAX_NAME_BYTES, MAX_NAMES, Reject};
use crate::bytes::{FieldError, FieldReader, clip, put_bytes, put_varint};

/// A way to write a field of type `T`.
pub(super) trait Codec<T> {
    /// Appends the field.
    fn put(value: &T, out: &mut Vec<u8>);
    /// Reads the field; its default at the end of the frame.
    fn take(fields: &mut FieldReader<'_>) -> Result<T, FieldError>;
}

/// A varint.
pub(super) enum Varint {}
/// All bytes of the integer, little endian: for hashes and random ids, which are never small.
pub(super) enum Fixed {}
/// A UTF-8 string of at most `MOST` bytes.
pub(super) enum Text<const MOST: usize> {}
/// A byte string of at most `MOST` bytes.
pub(super) enum Bytes<const MOST: usize> {}
/// An id or tick: a varint. Entity ids are rotated left by one bit first, because the bit that
/// tells minted ids is their highest, and varints want small numbers.
pub(super) enum Id {}
/// As [`Id`], where zero is "none".
pub(super) enum MaybeId {}
/// A list of characters.
pub(super) enum Characters {}
/// A list of characters and their names.
pub(super) enum NameList {}
/// A command as a byte string of its own, so that unknown ones can be skipped:
/// `varint kind | fields`.
pub(super) enum MaybeCommand {}

macro_rules! varints {
    ($($int:ty)*) => {$(
        impl Codec<$int> for Varint {
            fn put(value: &$int, out: &mut Vec<u8>) {
                put_varint(out, u64::from(*value));
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<$int, FieldError> {
                fields.int()
            }
        }
    )*};
}
varints!(u8 u16 u32);

impl Codec<u64> for Fixed {
    fn put(value: &u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<u64, FieldError> {
        fields.u64_fixed()
    }
}

impl Codec<u128> for Fixed {
    fn put(value: &u128, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<u128, FieldError> {
        fields.u128_fixed()
    }
}

impl<const MOST: usize> Codec<String> for Text<MOST> {
    fn put(value: &String, out: &mut Vec<u8>) {
        put_bytes(out, clip(value, MOST).as_bytes());
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<String, FieldError> {
        fields.text(MOST)
    }
}

impl<const MOST: usize> Codec<Vec<u8>> for Bytes<MOST> {
    fn put(value: &Vec<u8>, out: &mut Vec<u8>) {
        put_bytes(out, &value[..value.len().min(MOST)]);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Vec<u8>, FieldError> {
        fields.bytes(MOST).map(<[u8]>::to_vec)
    }
}

macro_rules! ids {
    ($($id:ident)*) => {$(
        impl Codec<$id> for Id {
            fn put(value: &$id, out: &mut Vec<u8>) {
                put_varint(out, u64::from(value.0));
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<$id, FieldError> {
                fields.int().map($id)
            }
        }
    )*};
}
ids!(AccountId CharacterId ClientId GridId SystemId Tick TypeId);

impl Codec<EntityId> for Id {
    fn put(value: &EntityId, out: &mut Vec<u8>) {
        put_varint(out, value.0.rotate_left(1));
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<EntityId, FieldError> {
        fields.varint().map(|id| EntityId(id.rotate_right(1)))
    }
}

impl Codec<Option<EntityId>> for MaybeId {
    fn put(value: &Option<EntityId>, out: &mut Vec<u8>) {
        Id::put(&value.unwrap_or(EntityId::NONE), out);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<EntityId>, FieldError> {
        let id: EntityId = Id::take(fields)?;
        Ok(id.is_some().then_some(id))
    }
}

impl Codec<Option<Reject>> for MaybeId {
    fn put(value: &Option<Reject>, out: &mut Vec<u8>) {
        put_varint(out, value.map_or(0, |reject| u64::from(reject.0)));
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<Reject>, FieldError> {
        let number: u16 = fields.int()?;
        Ok((number != 0).then_some(Reject(number)))
    }
}

impl Codec<Vec<CharacterId>> for Characters {
    fn put(value: &Vec<CharacterId>, out: &mut Vec<u8>) {
        let count = value.len().min(MAX_NAMES);
        put_varint(out, count as u64);
        for character in &value[..count] {
            put_varint(out, character.0);
        }
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Vec<CharacterId>, FieldError> {
        let count = fields.count(MAX_NAMES)?;
        (0..count)
            .map(|_| element(fields).and_then(|fields| fields.int().map(CharacterId)))
            .collect()
    }
}

impl Codec<Vec<(CharacterId, String)>> for NameList {
    fn put(value: &Vec<(CharacterId, String)>, out: &mut Vec<u8>) {
        let count = value.len().min(MAX_NAMES);
        put_varint(out, count as u64);
        for (character, name) in &value[..count] {
            put_varint(out, character.0);
            put_bytes(out, clip(name, MAX_NAME_BYTES).as_bytes());
        }
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Vec<(CharacterId, String)>, FieldError> {
        let count = fields.count(MAX_NAMES)?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let character = element(fields)?.int().map(CharacterId)?;
            names.push((character, element(fields)?.text(MAX_NAME_BYTES)?));
        }
        Ok(names)
    }
}

/// The elements of a list are announced by its count: the frame must not end before them, or a
/// short frame would make many elements out of defaults.
fn element<'r, 'a>(fields: &'r mut FieldReader<'a>) -> Result<&'r mut FieldReader<'a>, FieldError> {
    if fields.is_empty() {
        Err(FieldError::Truncated)
    } else {
        Ok(fields)
    }
}

impl Codec<Option<Command>> for MaybeCommand {
    fn put(value: &Option<Command>, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(16);
        if let Some(command) = value {
            put_command(command, &mut body);
        }
        put_bytes(out, &body);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<Command>, FieldError> {
        let body = fields.bytes(super::MAX_MESSAGE_BYTES)?;
        take_command(&mut FieldReader::new(body))
    }
}

fn put_command(command: &Command, out: &mut Vec<u8>) {
    match command {
        Command::Fly {
            direction,
            throttle,
        } => {
            put_varint(out, 1);
            for axis in direction {
                out.extend_from_slice(&axis.to_le_bytes());
            }
            put_varint(out, u64::from(*throttle));
        }
        Command::Approach { target } => put_order(2, *target, None, out),
        Command::KeepAtRange { target, range_m } => put_order(3, *target, Some(*range_m), out),
        Command::Orbit { target, range_m } => put_order(4, *target, Some(*range_m), out),
        Command::Align { target } => put_order(5, *target, None, out),
        Command::Stop => put_varint(out, 6),
        Command::Afterburner { on } => {
            put_varint(out, 7);
            put_varint(out, u64::from(*on));
        }
        Command::Jump { gate } => put_order(8, *gate, None, out),
        Command::Dock { station } => put_order(9, *station, None, out),
        Command::Undock => put_varint(out, 10),
    }
}

fn put_order(kind: u64, target: EntityId, range_m: Option<u32>, out: &mut Vec<u8>) {
    put_varint(out, kind);
    Id::put(&target, out);
    if let Some(range_m) = range_m {
        put_varint(out, u64::from(range_m));
    }
}

fn take_command(fields: &mut FieldReader<'_>) -> Result<Option<Command>, FieldError> {
    let command = match fields.varint()? {
        1 => {
            let mut direction = [0; 3];
            for axis in &mut direction {
                *axis = fields.i16_fixed()?;
            }
            Command::Fly {
                direction,
                throttle: fields.int()?,
            }
        }
        2 => Command::Approach {
            target: Id::take(fields)?,
        },
        3 => Command::KeepAtRange {
            target: Id::take(fields)?,
            range_m: fields.int()?,
        },
        4 => Command::Orbit {
            target: Id::take(fields)?,
            range_m: fields.int()?,
        },
        5 => Command::Align {
            target: Id::take(fields)?,
        },
        6 => Command::Stop,
        7 => Command::Afterburner {
            on: fields.varint()? != 0,
        },
        8 => Command::Jump {
            gate: Id::take(fields)?,
        },
        9 => Command::Dock {
            station: Id::take(fields)?,
        },
        10 => Command::Undock,
        _ => return Ok(None),
    };
    Ok(Some(command))
}

// The numbers of `Reject` are those of `RejectCode`, and zero means "accepted".
const _: () = assert!(RejectCode::from_number(0).is_none());
