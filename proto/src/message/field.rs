//! How each kind of field is written and read.

use orrery_base::command::RejectCode;
use orrery_base::money::Money;
use orrery_base::value::{ItemId, OrderEnd, OrderId, TradeId, TradeState, TransferReason};
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, SystemId, Tick, TypeId};

use super::{MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_NAMES, Reject};
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
/// Something of many kinds as a byte string of its own, so that unknown ones can be skipped:
/// `varint kind | fields`. `None` is one that this version does not know, written as nothing.
pub(super) enum MaybeBody {}
/// An integer with a sign: a zigzag coded varint (0, −1, 1, −2, … as 0, 1, 2, 3, …).
pub(super) enum Signed {}
/// A number that names something, where zero and an unknown one are `None`.
pub(super) enum MaybeNumber {}
/// Fields as a byte string of their own, so that fields can be appended to them; nothing where
/// all of them have their defaults.
pub(super) enum Nested {}
/// A list of at most `MOST` rows, each a byte string of its own.
pub(super) enum Rows<const MOST: usize> {}

/// What [`MaybeBody`] reads and writes.
pub(super) trait Body: Sized {
    /// Appends kind and fields.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads the fields of a kind; `None` if this version does not know it.
    /// [`FieldError::Unknown`] says the same.
    fn take(kind: u64, fields: &mut FieldReader<'_>) -> Result<Option<Self>, FieldError>;
}

/// What [`Nested`] and [`Rows`] read and write.
pub(super) trait Row: Sized {
    /// Appends the fields.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads the fields.
    fn take(fields: &mut FieldReader<'_>) -> Result<Self, FieldError>;
}

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
varints!(u8 u16 u32 u64);

impl Codec<bool> for Varint {
    fn put(value: &bool, out: &mut Vec<u8>) {
        put_varint(out, u64::from(*value));
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<bool, FieldError> {
        Ok(fields.varint()? != 0)
    }
}

impl Codec<Money> for Signed {
    fn put(value: &Money, out: &mut Vec<u8>) {
        put_varint(out, ((value.0 << 1) ^ (value.0 >> 63)) as u64);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Money, FieldError> {
        let coded = fields.varint()?;
        Ok(Money((coded >> 1) as i64 ^ -((coded & 1) as i64)))
    }
}

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
ids!(AccountId CharacterId ClientId GridId ItemId OrderId SystemId Tick TradeId TypeId);

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

macro_rules! maybe_numbers {
    ($($name:ident)*) => {$(
        impl Codec<Option<$name>> for MaybeNumber {
            fn put(value: &Option<$name>, out: &mut Vec<u8>) {
                put_varint(out, value.map_or(0, |value| u64::from(value.number())));
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<Option<$name>, FieldError> {
                let number = u8::try_from(fields.varint()?);
                Ok(number.ok().and_then($name::from_number))
            }
        }
    )*};
}
maybe_numbers!(OrderEnd TradeState TransferReason);

impl<B: Body> Codec<Option<B>> for MaybeBody {
    fn put(value: &Option<B>, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(32);
        if let Some(value) = value {
            value.put(&mut body);
        }
        put_bytes(out, &body);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Option<B>, FieldError> {
        let mut body = FieldReader::new(fields.bytes(MAX_MESSAGE_BYTES)?);
        match body.varint().and_then(|kind| B::take(kind, &mut body)) {
            Err(FieldError::Unknown(_)) => Ok(None),
            result => result,
        }
    }
}

impl<R: Row + Default + PartialEq> Codec<R> for Nested {
    fn put(value: &R, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        if *value != R::default() {
            value.put(&mut body);
        }
        put_bytes(out, &body);
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<R, FieldError> {
        R::take(&mut FieldReader::new(fields.bytes(MAX_MESSAGE_BYTES)?))
    }
}

impl<R: Row, const MOST: usize> Codec<Vec<R>> for Rows<MOST> {
    fn put(value: &Vec<R>, out: &mut Vec<u8>) {
        let count = value.len().min(MOST);
        put_varint(out, count as u64);
        let mut body = Vec::new();
        for row in &value[..count] {
            body.clear();
            row.put(&mut body);
            put_bytes(out, &body);
        }
    }
    fn take(fields: &mut FieldReader<'_>) -> Result<Vec<R>, FieldError> {
        let count = fields.count(MOST)?;
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let body = element(fields)?.bytes(MAX_MESSAGE_BYTES)?;
            rows.push(R::take(&mut FieldReader::new(body))?);
        }
        Ok(rows)
    }
}

// The numbers of `Reject` are those of `RejectCode`, and zero means "accepted".
const _: () = assert!(RejectCode::from_number(0).is_none());
