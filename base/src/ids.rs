//! Newtype ids. An id names one thing for ever: none is reused, except [`Slot`], which is a
//! place on a grid and says so.

use core::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($int:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
        #[repr(transparent)]
        pub struct $name(pub $int);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

ids! {
    /// Anything that has a place in space: a ship, a station, a gate. Unique in the galaxy,
    /// never reused, unchanged by a handoff between grids. See [`EntityId::of_object`] and
    /// [`EntityId::minted`] for how the number space is divided.
    EntityId(u64);
    /// A region of space that is simulated as one pure function.
    GridId(u32);
    /// A star system.
    SystemId(u32);
    /// A fixed thing of the galaxy: star, planet, belt, station, gate.
    ObjectId(u32);
    /// A type in the content pack: a hull, a kind of station, a good.
    TypeId(u32);
    /// A character, the player's person in the world. Zero is nobody.
    CharacterId(u64);
    /// An account, which owns characters.
    AccountId(u64);
    /// One connected client: unique for the life of the store, so that a late message of a
    /// former connection is never taken for one of the present one.
    ClientId(u64);
    /// A shard of this host, counted from zero.
    ShardIndex(u16);
    /// A stable place of an entity on its grid: small, so that sets of entities are bitsets.
    /// Reused after the entity has left; a generation or a birth tick tells the tenants apart.
    Slot(u32);
}

impl EntityId {
    /// No entity.
    pub const NONE: Self = Self(0);
    const MINTED: u64 = 1 << 63;

    /// The entity that stands for a fixed thing of the galaxy. Ids below 2³² are these.
    #[must_use]
    pub const fn of_object(object: ObjectId) -> Self {
        Self(object.0 as u64)
    }

    /// An entity with value, whose existence is a stored row: its id comes from a persistent
    /// counter. Bit 63 is set.
    #[must_use]
    pub const fn minted(serial: u64) -> Self {
        Self(serial | Self::MINTED)
    }

    /// The serial of a [`EntityId::minted`] id.
    #[must_use]
    pub const fn minted_serial(self) -> Option<u64> {
        if self.0 & Self::MINTED == 0 {
            None
        } else {
            Some(self.0 & !Self::MINTED)
        }
    }

    /// An entity that a grid created by itself (a missile, a wreck): the grid in bits 40–62
    /// (so at most 2²³ − 1 grids), the grid's own serial below. Serials start at 1.
    #[must_use]
    pub const fn spawned(grid: GridId, serial: u64) -> Self {
        Self(((grid.0 as u64 + 1) << 40) | (serial & ((1 << 40) - 1)))
    }

    /// The fixed thing that this entity stands for, if it is one.
    #[must_use]
    pub const fn object(self) -> Option<ObjectId> {
        if self.0 != 0 && self.0 <= u32::MAX as u64 {
            Some(ObjectId(self.0 as u32))
        } else {
            None
        }
    }

    /// Whether this is an entity at all.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 != 0
    }
}

impl CharacterId {
    /// Nobody: the owner of things that no character owns.
    pub const NONE: Self = Self(0);
}

impl GridId {
    /// The hub of a system: the grid of its first station and its gates.
    #[must_use]
    pub const fn hub_of(system: SystemId) -> Self {
        Self(system.0)
    }

    /// The system whose hub this grid is.
    #[must_use]
    pub const fn system(self) -> SystemId {
        SystemId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_spaces_do_not_meet() {
        let object = EntityId::of_object(ObjectId(u32::MAX));
        let spawned = EntityId::spawned(GridId(0), 1);
        let last_spawned = EntityId::spawned(GridId((1 << 23) - 2), (1 << 40) - 1);
        let minted = EntityId::minted(0);
        assert!(object < spawned && spawned < last_spawned && last_spawned < minted);
        assert_eq!(minted.minted_serial(), Some(0));
        assert_eq!(last_spawned.minted_serial(), None);
        assert_eq!(object.object(), Some(ObjectId(u32::MAX)));
        assert_eq!(spawned.object(), None);
        assert_eq!(EntityId::NONE.object(), None);
    }
}
