//! What the messages about a fight consist of: locks, modules, hits, who took part in a kill.

use orrery_base::{CharacterId, EntityId, Tick, TypeId};

use super::field::{Codec, Id, MaybeId, Row, Varint};
use crate::bytes::{FieldError, FieldReader};

/// The most locks of a status.
pub const LOCKS_MAX: usize = 16;
/// The most modules of a status.
pub const MODULES_MAX: usize = 32;
/// The most hits of one message.
pub const HITS_MAX: usize = 64;
/// The most participants of a kill report.
pub const PARTICIPANTS_MAX: usize = 32;

macro_rules! rows {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty as $codec:ty,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl Row for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(<$codec as Codec<$ty>>::put(&self.$field, out);)*
            }
            fn take(fields: &mut FieldReader<'_>) -> Result<Self, FieldError> {
                Ok(Self { $($field: <$codec as Codec<$ty>>::take(fields)?,)* })
            }
        }
    )*};
}

rows! {
    /// A target of the own ship.
    pub struct LockState {
        /// Whom.
        target: EntityId as Id,
        /// Since when.
        since: Tick as Id,
        /// The first beat in which the lock holds.
        done: Tick as Id,
    }
    /// A module of the own ship.
    pub struct ModuleStatus {
        /// Its slot: rack (0 high, 1 mid, 2 low, 3 rig) times eight, and the index in it.
        slot: u8 as Varint,
        /// Which module.
        module: TypeId as Id,
        /// What it is loaded with; zero for nothing.
        charge: TypeId as Id,
        /// How many of that are left.
        charges: u32 as Varint,
        /// Bit 0: it is switched on. Bit 1: it is loading. Others: zero.
        flags: u8 as Varint,
        /// What it is aimed at.
        target: Option<EntityId> as MaybeId,
        /// When its cycle, or its loading, began.
        start: Tick as Id,
        /// When it ends; zero while the module rests.
        end: Tick as Id,
    }
    /// One volley, dealt or taken.
    pub struct Hit {
        /// The other ship.
        other: EntityId as Id,
        /// 1: the own ship shot; 0: it was shot at.
        is_dealt: bool as Varint,
        /// The slot of whose weapon it was.
        slot: u8 as Varint,
        /// Taken from the shield, tenths of a hit point.
        shield: u32 as Varint,
        /// Taken from the armour, tenths of a hit point.
        armour: u32 as Varint,
        /// Taken from the hull, tenths of a hit point.
        hull: u32 as Varint,
        /// What the volley was multiplied by, thousandths: 0 a miss, 3000 a wrecking shot.
        quality: u16 as Varint,
    }
    /// Somebody who took part in a kill.
    pub struct Killer {
        /// Who.
        character: CharacterId as Id,
        /// In what.
        hull: TypeId as Id,
        /// How much damage, whole hit points.
        damage: u64 as Varint,
    }
}
