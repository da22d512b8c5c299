//! Orders, the terms that they are placed with, and what comes of them.

use orrery_base::money::{Money, MoneyOverflow};
use orrery_base::value::{OrderId, OrderRange};
use orrery_base::{CharacterId, EntityId, SystemId, TypeId};

use super::fees::value_of;
use crate::WallTime;

/// How long an order may rest, in days. 0: it trades at once or not at all.
pub const DAYS: [u8; 7] = [0, 1, 3, 7, 14, 30, 90];

/// A day, in milliseconds.
pub const DAY_MS: u64 = 86_400_000;

/// Which side of a trade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// Wants goods, has money.
    Buy = 1,
    /// Wants money, has goods.
    Sell = 2,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// What somebody wants to buy or sell: an order without identity.
/// [`super::MarketRules::check`] says whether it is possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Buying or selling.
    pub side: Side,
    /// What.
    pub type_id: TypeId,
    /// Who.
    pub owner: CharacterId,
    /// The station where it is placed. Goods are delivered in the station of the sell order.
    pub station: EntityId,
    /// The system of the station.
    pub system: SystemId,
    /// For a unit: the least of a seller, the most of a buyer. More than nothing.
    pub price: Money,
    /// Units, at least 1.
    pub quantity: u64,
    /// Of a buyer: the fewest units that a seller may deliver at a time, unless fewer are still
    /// wanted; from 1 to the quantity. Means nothing for a seller.
    pub minimum: u64,
    /// Of a buyer: how far from the station. Means nothing for a seller.
    pub range: OrderRange,
    /// How long it rests: one of [`DAYS`].
    pub days: u8,
}

impl Terms {
    /// The order with this id that is placed now.
    #[must_use]
    pub const fn order(&self, id: OrderId, now: WallTime) -> Order {
        Order {
            id,
            side: self.side,
            type_id: self.type_id,
            owner: self.owner,
            station: self.station,
            system: self.system,
            price: self.price,
            quantity: self.quantity,
            initial: self.quantity,
            minimum: self.minimum,
            range: self.range,
            placed: now,
            changed: now,
            expires: now.plus_ms(self.days as u64 * DAY_MS),
            sequence: 0,
        }
    }
}

/// An order of a book. 112 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Which. Names the region too: [`super::region_of`].
    pub id: OrderId,
    /// Buying or selling.
    pub side: Side,
    /// What.
    pub type_id: TypeId,
    /// Whose.
    pub owner: CharacterId,
    /// Where it was placed, and where the goods of a sell order are.
    pub station: EntityId,
    /// The system of the station.
    pub system: SystemId,
    /// For a unit; more than nothing.
    pub price: Money,
    /// Units that are left, 1 to `initial` while it rests.
    pub quantity: u64,
    /// Units that it was placed with.
    pub initial: u64,
    /// Of a buyer: the fewest units at a time, unless fewer are left; from 1 to `initial`.
    pub minimum: u64,
    /// Of a buyer: how far from the station.
    pub range: OrderRange,
    /// When it was placed.
    pub placed: WallTime,
    /// When it was placed or its price was changed.
    pub changed: WallTime,
    /// When it ends. Not after `placed`: it never rests.
    pub expires: WallTime,
    /// Its place in time: among orders of one price the smaller one comes first. Given by the
    /// book.
    pub sequence: u64,
}

impl Order {
    /// Whether what finds no partner at once stays in the book.
    #[must_use]
    pub const fn may_rest(&self) -> bool {
        self.expires.0 > self.placed.0
    }

    /// The fewest units that it takes at a time as it is.
    #[must_use]
    pub fn least(&self) -> u64 {
        match self.side {
            Side::Buy => self.minimum.min(self.quantity),
            Side::Sell => 1,
        }
    }

    /// What the units that are left cost at its price: the money that a buy order holds.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if that does not fit. Of an order whose terms were checked it does.
    pub fn value(&self) -> Result<Money, MoneyOverflow> {
        value_of(self.price, self.quantity)
    }

    /// Whether this buy order takes goods in that station.
    pub(crate) fn reaches(
        &self,
        station: EntityId,
        system: SystemId,
        distances: &impl Distances,
    ) -> bool {
        match self.range {
            OrderRange::Region => true,
            OrderRange::Station => self.station == station,
            OrderRange::System => self.system == system,
            OrderRange::Jumps(most) => {
                self.system == system
                    || distances
                        .jumps(self.system, system)
                        .is_some_and(|jumps| jumps <= u32::from(most))
            }
        }
    }
}

/// How far systems of a region are from each other.
///
/// Asked for every resting order with a range in jumps that matching comes by, so it has to be a
/// table and not a search.
pub trait Distances {
    /// Jumps on the shortest way; `None` if there is none. The same whenever it is asked.
    fn jumps(&self, from: SystemId, to: SystemId) -> Option<u32>;
}

/// Units that change hands between two orders. The book has counted them already; money and
/// goods are the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// What.
    pub type_id: TypeId,
    /// The order that came in and traded.
    pub incoming: OrderId,
    /// The order that was in the book.
    pub resting: OrderId,
    /// The side of the incoming order.
    pub incoming_side: Side,
    /// Who pays. May be the seller too: see [`super::Book`].
    pub buyer: CharacterId,
    /// Who delivers.
    pub seller: CharacterId,
    /// Units, at least 1.
    pub quantity: u64,
    /// What a unit costs, by the book's [`super::PriceRule`].
    pub price: Money,
    /// The price of the buy order, at least `price`: the difference goes back to the buyer if
    /// the order held that much for each unit.
    pub buy_limit: Money,
    /// Where the goods are: the sell order's station.
    pub station: EntityId,
    /// Units left of the resting order; 0: it is gone.
    pub resting_left: u64,
}

impl Fill {
    /// The buyer's order.
    #[must_use]
    pub const fn buy_order(&self) -> OrderId {
        match self.incoming_side {
            Side::Buy => self.incoming,
            Side::Sell => self.resting,
        }
    }

    /// The seller's order.
    #[must_use]
    pub const fn sell_order(&self) -> OrderId {
        match self.incoming_side {
            Side::Buy => self.resting,
            Side::Sell => self.incoming,
        }
    }

    /// What the buyer pays, before fees and taxes.
    ///
    /// # Errors
    /// [`MoneyOverflow`] if that does not fit. Between orders whose terms were checked it does.
    pub fn value(&self) -> Result<Money, MoneyOverflow> {
        value_of(self.price, self.quantity)
    }
}

/// What became of an order that was placed or got another price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The order after its trades: `quantity` is what is left of it.
    pub order: Order,
    /// Units that it traded now.
    pub filled: u64,
    /// Whether what is left is in the book. If not and something is left, the caller gives back
    /// what it held.
    pub rests: bool,
}
