//! The vocabulary of value: items, what a player may ask to have done with them and with money,
//! and what is answered. Their bytes are the wire's business; what they do is the services'.
//!
//! Every [`ValueCommand`] comes with a [`RequestId`]: sent again, it has one effect and the same
//! answer.

pub mod query;
mod reason;

use core::fmt;

pub use reason::{OrderEnd, TradeState, TransferReason};

use crate::money::Money;
use crate::{CharacterId, EntityId, TypeId};

/// Most units in one stack.
pub const QUANTITY_MAX: u64 = 1 << 40;
/// Longest text that goes with a payment, in bytes.
pub const MEMO_BYTES_MAX: usize = 64;
/// Longest name that a player gives an item, in bytes.
pub const ITEM_NAME_BYTES_MAX: usize = 48;

/// A stack of equal goods, or a single thing. Unique in the galaxy, never reused: a stack that is
/// merged into another one, used up or destroyed takes its id with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct ItemId(pub u64);

impl ItemId {
    /// No item.
    pub const NONE: Self = Self(0);

    /// The id with this serial of a partition's own counter, which starts at 1.
    #[must_use]
    pub const fn new(partition: u16, serial: u64) -> Self {
        // Partition numbers start at 1 here, so that these ids and those of ships that were
        // counted galaxy-wide never meet.
        Self((partition as u64 + 1) << 44 | serial & ((1 << 44) - 1))
    }

    /// The entity that an assembled ship is in space.
    #[must_use]
    pub const fn entity(self) -> EntityId {
        EntityId::minted(self.0)
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({})", self.0)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An order in a region's market. Unique in the galaxy, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct OrderId(pub u64);

/// A trade window between two characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct TradeId(pub u64);

/// A request's identity: 128 bits in the layout of a UUID of version 7 (RFC 9562 §5.7), made by
/// the client. Its time lets the server forget old requests without ever carrying one out twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[repr(transparent)]
pub struct RequestId(pub u128);

impl RequestId {
    /// An id of this time with these random bits, of which the lowest 74 are used.
    #[must_use]
    pub const fn new(unix_ms: u64, random: u128) -> Self {
        let time = (unix_ms as u128 & 0xffff_ffff_ffff) << 80;
        let version = 7 << 76;
        let a = (random >> 62 & 0xfff) << 64;
        let variant = 2 << 62;
        let b = random & ((1 << 62) - 1);
        Self(time | version | a | variant | b)
    }

    /// When it was made, in milliseconds since 1970, by the client's clock; `None` if this is no
    /// id of version 7.
    #[must_use]
    pub const fn unix_ms(self) -> Option<u64> {
        let is_v7 = self.0 >> 76 & 0xf == 7 && self.0 >> 62 & 3 == 2;
        if is_v7 {
            Some((self.0 >> 80) as u64)
        } else {
            None
        }
    }
}

/// Where a player's items are, seen from a station.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Place {
    /// The character's hangar in the station where the character is docked.
    Hangar = 1,
    /// The cargo hold of the ship that the character sits in.
    Cargo = 2,
}

/// How far from its station a buy order buys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrderRange {
    /// Only in the station.
    Station,
    /// In the station's system.
    System,
    /// So many jumps away at most: one of [`OrderRange::JUMPS`].
    Jumps(u8),
    /// Anywhere in the region.
    Region,
}

impl OrderRange {
    /// The distances in jumps that there are.
    pub const JUMPS: [u8; 9] = [1, 2, 3, 4, 5, 10, 20, 30, 40];
}

/// What a player may ask to have done with items and money. Commands about items need a
/// character who is docked; the station is the one where the character is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueCommand {
    /// Puts a stack onto another one of the same type in the same place.
    Stack {
        /// The stack that vanishes.
        from: ItemId,
        /// The stack that grows.
        onto: ItemId,
    },
    /// Splits some units off a stack. The answer names the new stack.
    Split {
        /// Which stack.
        item: ItemId,
        /// Units of the new one: at least 1, fewer than there are.
        quantity: u64,
    },
    /// Moves units of a stack between hangar and cargo hold.
    Move {
        /// Which stack.
        item: ItemId,
        /// How many; all of them moves the stack itself.
        quantity: u64,
        /// Where to.
        to: Place,
    },
    /// Destroys units of a stack, for ever.
    Trash {
        /// Which stack.
        item: ItemId,
        /// How many.
        quantity: u64,
    },
    /// Unpacks one ship of a stack, ready to fly.
    Assemble {
        /// Which stack.
        item: ItemId,
    },
    /// Packs an assembled, empty ship, so that it can be stacked and sold.
    Repackage {
        /// Which ship.
        item: ItemId,
    },
    /// Sits in another assembled ship.
    Board {
        /// Which ship.
        item: ItemId,
    },
    /// Names an assembled ship.
    Rename {
        /// Which ship.
        item: ItemId,
        /// At most [`ITEM_NAME_BYTES_MAX`] bytes; empty for no name.
        name: String,
    },
    /// Pays another character.
    Pay {
        /// Whom.
        to: CharacterId,
        /// How much: more than nothing.
        amount: Money,
        /// At most [`MEMO_BYTES_MAX`] bytes.
        memo: String,
    },
    /// Sells on the region's market, here. What finds no buyer at once rests as an order.
    Sell {
        /// Which stack; in the hangar here.
        item: ItemId,
        /// How many.
        quantity: u64,
        /// The least for a unit.
        price: Money,
        /// How long it rests: 0 (does not rest), 1, 3, 7, 14, 30 or 90.
        days: u8,
    },
    /// Buys on the region's market. What finds no seller at once rests as an order.
    Buy {
        /// What.
        type_id: TypeId,
        /// How many.
        quantity: u64,
        /// The fewest that one seller may deliver at a time, unless fewer are still wanted.
        minimum: u64,
        /// The most for a unit.
        price: Money,
        /// How far from here.
        range: OrderRange,
        /// How long it rests: 0 (does not rest), 1, 3, 7, 14, 30 or 90.
        days: u8,
    },
    /// Takes an own order back, with what it holds.
    CancelOrder {
        /// Which.
        order: OrderId,
    },
    /// Changes the price of an own order.
    ModifyOrder {
        /// Which.
        order: OrderId,
        /// The new price of a unit.
        price: Money,
    },
    /// Opens a trade window with a character who is docked in the same station: an invitation,
    /// or the answer to one. Whoever was invited agrees by offering to trade with the one who
    /// has invited, and declines by cancelling.
    OfferTrade {
        /// With whom.
        with: CharacterId,
    },
    /// Puts units of a stack from the hangar here into a trade. Nobody has accepted any more.
    AddItem {
        /// Which trade.
        trade: TradeId,
        /// Which stack.
        item: ItemId,
        /// How many.
        quantity: u64,
    },
    /// Sets the money that one gives in a trade. Nobody has accepted any more.
    SetMoney {
        /// Which trade.
        trade: TradeId,
        /// How much.
        amount: Money,
    },
    /// Accepts what both sides have put into a trade, as of this version of it. When both have
    /// accepted the same version, it is carried out.
    AcceptTrade {
        /// Which trade.
        trade: TradeId,
        /// The version that one has seen: it grows with every change.
        version: u32,
    },
    /// Ends a trade; everyone has back what was theirs.
    CancelTrade {
        /// Which trade.
        trade: TradeId,
    },
    /// Takes units of an own stack out of a trade, back into the hangar. Nobody has accepted any
    /// more.
    RemoveItem {
        /// Which trade.
        trade: TradeId,
        /// Which stack: its id in the trade.
        item: ItemId,
        /// How many.
        quantity: u64,
    },
}

/// What became of a [`ValueCommand`] that was carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ValueAnswer {
    /// The stack that came into being or was moved to.
    pub item: ItemId,
    /// The order that rests.
    pub order: OrderId,
    /// The trade window.
    pub trade: TradeId,
    /// Units bought or sold at once.
    pub quantity: u64,
    /// What was paid or earned for them, before fees and taxes.
    pub money: Money,
    /// Fees and taxes that were taken.
    pub fees: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_carry_their_time_and_their_randomness() {
        let id = RequestId::new(1_700_000_000_123, u128::MAX);
        assert_eq!(id.unix_ms(), Some(1_700_000_000_123));
        assert_eq!(
            RequestId::new(5, 0).0 ^ RequestId::new(5, (1 << 74) - 1).0,
            (0xfff << 64) | ((1 << 62) - 1)
        );
        assert_eq!(RequestId(0).unix_ms(), None);
        assert_eq!(RequestId(u128::MAX).unix_ms(), None);
    }

    #[test]
    fn items_of_partitions_never_meet() {
        assert_ne!(ItemId::new(0, 1), ItemId::new(1, 1));
        assert_eq!(ItemId::new(0, 7).0, (1 << 44) + 7);
        assert_eq!(
            ItemId::new(3, 9).entity().minted_serial(),
            Some(ItemId::new(3, 9).0)
        );
    }
}
