//! What a player may ask about items, money, orders and trades, and the shape of the answers.
//!
//! Lists come in pages: an answer that is not the end names where the next page begins
//! (`next`), and the same query with that cursor goes on there. A cursor of zero asks for the
//! first page, a `next` of zero says that there is no further one. Pages are cut at the limits
//! here, so that an answer always fits one frame of the wire.

use super::{ItemId, OrderId, OrderRange, Place, TradeId, TradeState, TransferReason};
use crate::money::Money;
use crate::{CharacterId, EntityId, TypeId};

/// Most journal entries on a page.
pub const JOURNAL_PAGE_MAX: usize = 50;
/// Most items on a page of an inventory, and on one side of a trade.
pub const ITEMS_PAGE_MAX: usize = 100;
/// Most orders of one side in the view of a book: the best ones.
pub const BOOK_SIDE_MAX: usize = 100;
/// Most own orders on a page.
pub const ORDERS_PAGE_MAX: usize = 100;
/// Most days on a page of a price history.
pub const CANDLES_PAGE_MAX: usize = 100;

/// Whose items are asked for. Always the asking character's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ItemPlace {
    /// In the hangar here, or in the ship that the character sits in.
    Here(Place),
    /// The character's hangar in this station, wherever the character is.
    HangarAt(EntityId),
}

/// A question about value. It changes nothing, needs no request id and may be asked again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueQuery {
    /// Balance and journal of the own wallet, newest entries first.
    Wallet {
        /// Entries before this one; 0: from the newest on.
        before: u64,
        /// Most entries, up to [`JOURNAL_PAGE_MAX`]; 0: as many as that.
        limit: u8,
        /// Only entries with this reason.
        reason: Option<TransferReason>,
    },
    /// Own items in a place, in order of id.
    Inventory {
        /// Where.
        place: ItemPlace,
        /// Items after this one; [`ItemId::NONE`]: from the first on.
        after: ItemId,
    },
    /// The orders of a type in the region where the character is, the best of each side first.
    Book {
        /// What is traded.
        type_id: TypeId,
        /// Most orders of each side, up to [`BOOK_SIDE_MAX`]; 0: as many as that.
        limit: u8,
    },
    /// The own orders, in all regions, in order of id.
    MyOrders {
        /// Orders after this one; 0: from the first on.
        after: OrderId,
    },
    /// Prices of a type in the region where the character is, by day, newest first.
    History {
        /// What is traded.
        type_id: TypeId,
        /// Days before this one (days since 1970-01-01, UTC); 0: from the newest on.
        before_day: u32,
    },
    /// What is in an own trade window.
    Trade {
        /// Which.
        trade: TradeId,
    },
}

/// One entry of a wallet's journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JournalEntry {
    /// Which entry: the cursor. A number that only means something to the server; of two entries
    /// of a wallet the later one has the greater.
    pub entry: u64,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Why; `None`: for a reason that this version does not know.
    pub reason: Option<TransferReason>,
    /// What came (positive) or went (negative).
    pub amount: Money,
    /// What was there afterwards.
    pub balance: Money,
    /// The other character; [`CharacterId::NONE`] if there is none.
    pub other: CharacterId,
    /// The order or the trade that it was for; 0 for none.
    pub reference: u64,
    /// What the payer wrote, at most [`super::MEMO_BYTES_MAX`] bytes.
    pub memo: String,
}

/// One stack, or one single thing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ItemRow {
    /// Which.
    pub item: ItemId,
    /// What.
    pub type_id: TypeId,
    /// Units.
    pub quantity: u64,
    /// An unpacked ship.
    pub is_assembled: bool,
    /// Not as good as new.
    pub is_damaged: bool,
    /// The ship that the character sits in.
    pub is_boarded: bool,
    /// The name that a player gave it, at most [`super::ITEM_NAME_BYTES_MAX`] bytes; empty for
    /// none.
    pub name: String,
}

/// An order as everybody sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BookRow {
    /// Which.
    pub order: OrderId,
    /// Of a unit.
    pub price: Money,
    /// Units that are left.
    pub quantity: u64,
    /// The fewest that it takes at a time; 1 for a sell order.
    pub minimum: u64,
    /// Where the goods are, or where the buyer's range is measured from.
    pub station: EntityId,
    /// How far a buy order buys, [`OrderRange::Station`] for a sell order; `None`: as far as this
    /// version does not know.
    pub range: Option<OrderRange>,
    /// When it ends, in milliseconds since 1970.
    pub expires_unix_ms: u64,
}

/// An own order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderRow {
    /// What everybody sees of it.
    pub public: BookRow,
    /// What it buys or sells.
    pub type_id: TypeId,
    /// It buys; otherwise it sells.
    pub is_buy: bool,
    /// Units that it had at first.
    pub initial: u64,
    /// When it was placed or its price was changed last, in milliseconds since 1970.
    pub placed_unix_ms: u64,
}

/// One day's prices of a type in a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CandleRow {
    /// Days since 1970-01-01, UTC: the cursor.
    pub day: u32,
    /// The first price.
    pub open: Money,
    /// The highest.
    pub high: Money,
    /// The lowest.
    pub low: Money,
    /// The last one.
    pub close: Money,
    /// Units that changed hands.
    pub volume: u64,
    /// Trades.
    pub trades: u64,
}

/// What one side has put into a trade.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TradeOffer {
    /// Money.
    pub money: Money,
    /// This side has accepted the present version.
    pub has_accepted: bool,
    /// Items, at most [`ITEMS_PAGE_MAX`].
    pub items: Vec<ItemRow>,
}

/// The answer to a [`ValueQuery`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ValueView {
    /// To [`ValueQuery::Wallet`].
    Wallet {
        /// What is there now.
        balance: Money,
        /// Newest first, at most [`JOURNAL_PAGE_MAX`]. With a reason asked for there can be few,
        /// or none, and more on the next page.
        entries: Vec<JournalEntry>,
        /// `before` of the next page; 0 at the end.
        next: u64,
    },
    /// To [`ValueQuery::Inventory`].
    Inventory {
        /// At most [`ITEMS_PAGE_MAX`].
        items: Vec<ItemRow>,
        /// `after` of the next page; [`ItemId::NONE`] at the end.
        next: ItemId,
    },
    /// To [`ValueQuery::Book`].
    Book {
        /// What is traded.
        type_id: TypeId,
        /// The cheapest first, at most [`BOOK_SIDE_MAX`].
        sells: Vec<BookRow>,
        /// The dearest first, at most [`BOOK_SIDE_MAX`].
        buys: Vec<BookRow>,
    },
    /// To [`ValueQuery::MyOrders`].
    MyOrders {
        /// At most [`ORDERS_PAGE_MAX`].
        orders: Vec<OrderRow>,
        /// `after` of the next page; 0 at the end.
        next: OrderId,
    },
    /// To [`ValueQuery::History`]. Days without trades are left out.
    History {
        /// What is traded.
        type_id: TypeId,
        /// Newest first, at most [`CANDLES_PAGE_MAX`].
        candles: Vec<CandleRow>,
        /// `before_day` of the next page; 0 at the end.
        next: u32,
    },
    /// To [`ValueQuery::Trade`].
    Trade {
        /// Which.
        trade: TradeId,
        /// With whom.
        with: CharacterId,
        /// It grows with every change.
        version: u32,
        /// How it stands; `None`: in a way that this version does not know.
        state: Option<TradeState>,
        /// What the asking side gives.
        own: TradeOffer,
        /// What the other side gives.
        theirs: TradeOffer,
    },
}
