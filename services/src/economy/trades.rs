//! Trade windows: two characters in one station put goods and money into escrow, each sees what
//! the other one gives, and when both have accepted the same version it changes hands.
//!
//! ```text
//! home of the host           home of the guest           home of the trade
//! OfferTrade ── Invite ────▶ there? room? ── Open ─────▶ the trade is offered
//!            ◀──────────────────────────────── Answer ── and both hear of it
//!                            OfferTrade ───── Join ────▶ open
//! goods, money ── Add, Money ──────────────────────────▶ into escrow: a new version
//!                            Accept, Accept ───────────▶ goods and money go across
//!            ◀──────────────── Notice ────── Notice ───  of every change, to both
//! ```
//!
//! What is offered is no reservation: it leaves the hangar or the wallet for the escrow account
//! of its side ([`Account::escrow`]) and is nowhere else. The trade's home decides everything
//! about the trade, in the order in which parcels come to it; the homes of the two characters
//! know which trades these have ([`OwnTrade`]), how far each has come and where the characters
//! are docked.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | trade | `Market` | `17`, partition, trade | see [`Trade`] |
//! | own trade | `Market` | `18`, partition, character, trade | see [`OwnTrade`] |
//!
//! **Invariants**
//! - An escrow account holds something only while its trade has a row, and is in memory then.
//! - A version is accepted or it is not: whatever changes an offer makes a new version, which
//!   nobody has accepted.
//! - A trade ends once: completed, cancelled, or because nobody did anything or a side has left.
//!   In the beat in which it ends all that it held is on its way.

mod audit;
mod home;
mod own;
mod parcel;
mod row;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::value::{TradeId, TransferReason};
use orrery_base::{CharacterId, EntityId};
use orrery_storage::{Batch, Rows};

use self::own::OwnTrades;
use crate::WallTime;
use crate::custody::{Account, Cause, Ledger, PartitionIndex, read_account};
use crate::rows::RowError;

pub use self::audit::audit_trades;
pub(super) use self::own::read as read_own;
pub use self::own::{OwnTrade, Stage};
pub use self::parcel::Dealing;
pub(super) use self::parcel::{put_dealing, take_dealing};
pub use self::row::Trade;
pub(super) use self::row::read as read_trade;
#[cfg(test)]
pub(super) use self::row::read_all;

/// The limits of trade windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TradeLimits {
    /// After how long without a change a trade ends, milliseconds.
    pub idle_ms: u64,
    /// Trade windows of one character at a time.
    pub trades_max: usize,
    /// Stacks on one side.
    pub stacks_max: usize,
}

/// What a partition knows of trades.
#[derive(Debug, Default)]
pub(super) struct Trades {
    /// Those that are at home here.
    windows: BTreeMap<TradeId, Trade>,
    /// The same, by the time of the last change.
    by_time: BTreeSet<(WallTime, TradeId)>,
    changed: BTreeSet<TradeId>,
    /// Those of characters who are at home here.
    own: OwnTrades,
    /// Where these characters are docked, as long as they are connected.
    docked: BTreeMap<CharacterId, EntityId>,
}

impl Trades {
    /// Reads the trades of a partition, and takes their escrow accounts into memory.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub(super) fn load(
        rows: &impl Rows,
        partition: PartitionIndex,
        ledger: &mut Ledger,
    ) -> Result<Self, RowError> {
        let mut trades = Self::default();
        for trade in row::read_all(rows, partition)? {
            for side in trade.sides {
                let account = Account::escrow(trade.id, side);
                ledger.activate(read_account(rows, partition, account)?);
            }
            trades.by_time.insert((trade.changed, trade.id));
            trades.windows.insert(trade.id, trade);
        }
        Ok(trades)
    }

    /// A character's wallet is in memory, and with it the character's trades.
    pub(super) fn activate(&mut self, owner: CharacterId, trades: &[OwnTrade]) {
        self.own.activate(owner, trades);
    }

    /// A character's wallet is not in memory any more.
    pub(super) fn forget(&mut self, owner: CharacterId) {
        self.own.forget(owner);
    }

    /// Writes what has changed.
    pub(super) fn write(&mut self, partition: PartitionIndex, out: &mut Batch) {
        for id in core::mem::take(&mut self.changed) {
            row::write(partition, id, self.windows.get(&id), out);
        }
        self.own.write(partition, out);
    }

    /// Keeps a trade as it is now.
    fn put(&mut self, trade: Trade) {
        self.changed.insert(trade.id);
        self.by_time.insert((trade.changed, trade.id));
        if let Some(before) = self.windows.insert(trade.id, trade)
            && before.changed != trade.changed
        {
            self.by_time.remove(&(before.changed, before.id));
        }
    }

    fn remove(&mut self, id: TradeId) -> Option<Trade> {
        let trade = self.windows.remove(&id)?;
        self.changed.insert(id);
        self.by_time.remove(&(trade.changed, id));
        Some(trade)
    }

    /// The trade for which nothing was done for the longest time, if that was at or before
    /// `until`.
    fn oldest(&self, until: WallTime) -> Option<TradeId> {
        let &(changed, id) = self.by_time.first()?;
        (changed <= until).then_some(id)
    }
}

const fn about(trade: TradeId, actor: CharacterId) -> Cause {
    Cause {
        actor,
        reason: TransferReason::Trade,
        reference: trade.0,
    }
}
