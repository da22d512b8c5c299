//! The answers to questions about value that are read from rows: wallet, items, own orders,
//! trades, the history of prices.
//!
//! What is shown is what is durable, so it may be a few beats old. A book is asked for where it
//! is in memory ([`super::Partition::book`]).
//!
//! Cursors come from clients: one that makes no sense gives an empty page, never an error.
//!
//! Cost: a page reads at most some hundred rows, a filtered page of the journal a thousand; may
//! wait for the disk.

use orrery_base::money::Money;
use orrery_base::value::query::{
    BookRow, CANDLES_PAGE_MAX, CandleRow, ITEMS_PAGE_MAX, ItemRow, JOURNAL_PAGE_MAX, JournalEntry,
    ORDERS_PAGE_MAX, OrderRow, TradeOffer, ValueView,
};
use orrery_base::value::{ItemId, OrderId, OrderRange, TradeId, TradeState, TransferReason};
use orrery_base::{CharacterId, TypeId};
use orrery_storage::Rows;

use super::{own, trades};
use crate::custody::history::{Past, Walk};
use crate::custody::{Account, AccountKind, EntryRef, Stack, home_of, read_head, stacks_after};
use crate::market::{Candle, Candles, Day, Order, RegionId, Side};
use crate::rows::RowError;

/// Most entries that are looked at for one page of a journal, whether they are shown or not.
pub const JOURNAL_LOOKS_MAX: usize = 1_000;

/// A character's money and what became of it: entries before `before`, or from the newest on if
/// that is 0; at most `limit`, or as many as a page has if that is 0; only those with a reason if
/// one is given. Where few have it a page can be short, or empty, and not be the last.
///
/// # Errors
/// [`RowError`] when the store is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn wallet_view(
    rows: &impl Rows,
    partitions: u16,
    character: CharacterId,
    before: u64,
    limit: u8,
    reason: Option<TransferReason>,
) -> Result<ValueView, RowError> {
    let wallet = Account::wallet(character);
    let (coins, _) = read_head(rows, wallet.home(partitions), &wallet)?;
    let most = match usize::from(limit) {
        0 => JOURNAL_PAGE_MAX,
        limit => limit.min(JOURNAL_PAGE_MAX),
    };
    let mut walk = Walk::account(rows, partitions, wallet, EntryRef(before))?;
    let mut entries = Vec::new();
    for _ in 0..JOURNAL_LOOKS_MAX {
        if entries.len() == most {
            break;
        }
        let Some(past) = walk.next() else {
            break;
        };
        let past = past?;
        if reason.is_none_or(|reason| reason.number() == past.entry.reason) {
            entries.push(journal_entry(&wallet, past));
        }
    }
    Ok(ValueView::Wallet {
        balance: money(coins),
        entries,
        next: walk.cursor().0,
    })
}

/// The stacks of an account after an item, by id. `is_boarded` is the ship that the character
/// sits in.
///
/// # Errors
/// [`RowError`] when the store is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn inventory_view(
    rows: &impl Rows,
    partitions: u16,
    account: Account,
    after: ItemId,
    is_boarded: Option<ItemId>,
) -> Result<ValueView, RowError> {
    let home = account.home(partitions);
    let mut stacks = stacks_after(rows, home, &account, after, ITEMS_PAGE_MAX + 1)?;
    let has_more = stacks.len() > ITEMS_PAGE_MAX;
    stacks.truncate(ITEMS_PAGE_MAX);
    let next = match stacks.last() {
        Some(last) if has_more => last.id,
        _ => ItemId::NONE,
    };
    let items = stacks.into_iter();
    Ok(ValueView::Inventory {
        items: items.map(|stack| item_row(stack, is_boarded)).collect(),
        next,
    })
}

/// A character's own orders after one of them, in all regions, by id.
///
/// # Errors
/// [`RowError`] when the store is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn orders_view(
    rows: &impl Rows,
    partitions: u16,
    character: CharacterId,
    after: OrderId,
) -> Result<ValueView, RowError> {
    let home = home_of(character.0, partitions);
    let mut own = own::read(rows, home, character)?;
    own.retain(|order| order.id > after);
    let has_more = own.len() > ORDERS_PAGE_MAX;
    own.truncate(ORDERS_PAGE_MAX);
    let next = match own.last() {
        Some(last) if has_more => last.id,
        _ => OrderId(0),
    };
    Ok(ValueView::MyOrders {
        orders: own.iter().map(order_row).collect(),
        next,
    })
}

/// The prices of a type in a region by day, newest first, before a day, or from the newest on if
/// that is 0.
///
/// # Errors
/// [`RowError`] when the store is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn history_view(
    rows: &impl Rows,
    partitions: u16,
    region: RegionId,
    type_id: TypeId,
    before_day: u32,
) -> Result<ValueView, RowError> {
    let home = home_of(u64::from(region.0), partitions);
    let before = (before_day > 0).then_some(Day(before_day));
    let most = CANDLES_PAGE_MAX + 1;
    let mut candles = Candles::newest_before(rows, home.0, region, type_id, before, most)?;
    let has_more = candles.len() > CANDLES_PAGE_MAX;
    candles.truncate(CANDLES_PAGE_MAX);
    let next = match candles.last() {
        Some((day, _)) if has_more => day.0,
        _ => 0,
    };
    Ok(ValueView::History {
        type_id,
        candles: candles.into_iter().map(candle_row).collect(),
        next,
    })
}

/// A trade that a character is a side of; none if there is no such trade, or it has ended.
///
/// The version is read before what the escrow accounts hold: what is shown is at least as new as
/// the version that it is shown with, so that whoever accepts that version has seen all of it.
///
/// # Errors
/// [`RowError`] when the store is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn trade_view(
    rows: &impl Rows,
    partitions: u16,
    character: CharacterId,
    id: TradeId,
) -> Result<Option<ValueView>, RowError> {
    let home = home_of(id.0, partitions);
    let trade = trades::read_trade(rows, home, id)?;
    let Some((trade, own)) = trade.and_then(|trade| Some((trade, trade.side_of(character)?)))
    else {
        return Ok(None);
    };
    let offer = |side: usize| {
        let escrow = Account::escrow(id, trade.sides[side]);
        let (coins, _) = read_head(rows, home, &escrow)?;
        let items = stacks_after(rows, home, &escrow, ItemId::NONE, ITEMS_PAGE_MAX)?;
        let items = items.into_iter().map(|stack| item_row(stack, None));
        Ok::<_, RowError>(TradeOffer {
            money: money(coins),
            has_accepted: trade.accepted[side],
            items: items.collect(),
        })
    };
    Ok(Some(ValueView::Trade {
        trade: id,
        with: trade.sides[1 - own],
        version: trade.version,
        state: Some(if trade.is_open {
            TradeState::Open
        } else {
            TradeState::Offered
        }),
        own: offer(own)?,
        theirs: offer(1 - own)?,
    }))
}

/// An order as everybody sees it.
#[must_use]
pub const fn book_row(order: &Order) -> BookRow {
    let (minimum, range) = match order.side {
        Side::Buy => (order.minimum, order.range),
        Side::Sell => (1, OrderRange::Station),
    };
    BookRow {
        order: order.id,
        price: order.price,
        quantity: order.quantity,
        minimum,
        station: order.station,
        range: Some(range),
        expires_unix_ms: order.expires.0,
    }
}

/// An order as its owner sees it.
#[must_use]
pub const fn order_row(order: &Order) -> OrderRow {
    OrderRow {
        public: book_row(order),
        type_id: order.type_id,
        is_buy: matches!(order.side, Side::Buy),
        initial: order.initial,
        placed_unix_ms: order.changed.0,
    }
}

fn item_row(stack: Stack, is_boarded: Option<ItemId>) -> ItemRow {
    ItemRow {
        item: stack.id,
        type_id: stack.type_id,
        quantity: stack.quantity,
        is_assembled: stack.is_assembled,
        // Only the ship that one sits in can have any, and that is in the character's row.
        is_damaged: false,
        is_boarded: is_boarded == Some(stack.id),
        name: stack.name.map(String::from).unwrap_or_default(),
    }
}

const fn candle_row((day, candle): (Day, Candle)) -> CandleRow {
    CandleRow {
        day: day.0,
        open: candle.open,
        high: candle.high,
        low: candle.low,
        close: candle.close,
        volume: candle.volume,
        trades: candle.trades,
    }
}

/// Cents of an account, of which there are never more than money can count.
fn money(cents: u64) -> Money {
    Money(i64::try_from(cents).unwrap_or(i64::MAX))
}

fn journal_entry(wallet: &Account, past: Past) -> JournalEntry {
    let Past {
        at,
        time,
        entry,
        memo,
    } = past;
    let amount = money(entry.quantity);
    let (amount, balance, there) = if entry.from == *wallet {
        (Money(-amount.0), entry.from_after, entry.to)
    } else {
        (amount, entry.to_after, entry.from)
    };
    let other = match there.kind {
        AccountKind::Wallet | AccountKind::Hangar | AccountKind::Cargo | AccountKind::Helm => {
            there.owner
        }
        AccountKind::Escrow => there.place,
        _ => entry.actor.0,
    };
    // Between two wallets it is about the partner, who is told already.
    let is_between_players = there.kind == AccountKind::Wallet;
    JournalEntry {
        entry: at.0,
        at_unix_ms: time.0,
        reason: TransferReason::from_number(entry.reason),
        amount,
        balance: money(balance),
        other: if other == wallet.owner {
            CharacterId::NONE
        } else {
            CharacterId(other)
        },
        reference: if is_between_players {
            0
        } else {
            entry.reference
        },
        memo,
    }
}

#[cfg(test)]
mod tests;
