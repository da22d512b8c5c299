//! The books of a stopped store: everything about value that reconciliation looks at.

use std::collections::BTreeMap;

use anyhow::Context as _;
use orrery_base::Tick;
use orrery_base::value::{OrderId, TransferReason};
use orrery_services::custody::{
    Account, AccountKind, CustodyRow, Entry, EntryRef, Lot, OutboxRow, Outcome, PartitionIndex,
    Stack, answers_in, entries_in,
};
use orrery_services::economy::Shipment;
use orrery_services::market::Order as MarketOrder;
use orrery_services::market::rows::decode_order;
use orrery_storage::{Domain, KeyRange, Order, Rows};

use super::log::Key;

/// What the store remembers of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// Partition, beat and place in the beat where it was begun.
    pub(crate) begun: (PartitionIndex, Tick, u32),
    /// When it was begun its outcome was not known: something left for another partition.
    pub(crate) has_left: bool,
    /// The outcome; none while it is underway.
    pub(crate) outcome: Option<Outcome>,
    /// Rows that gave it another outcome than an earlier row.
    pub(crate) changed: u32,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// The history of all partitions, in order of partition, beat and number.
    pub(crate) entries: Vec<(EntryRef, Entry)>,
    /// Requests.
    pub(crate) requests: BTreeMap<Key, Known>,
    /// Cents in accounts.
    pub(crate) coins: BTreeMap<Account, u64>,
    /// Stacks in accounts.
    pub(crate) stacks: Vec<(Account, Stack)>,
    /// Orders that rest, in the books of their regions.
    pub(crate) orders: BTreeMap<OrderId, MarketOrder>,
    /// The same as their owners' homes know them.
    pub(crate) own: BTreeMap<OrderId, MarketOrder>,
    /// Value on its way: the entries by which it left.
    pub(crate) flying: Vec<EntryRef>,
    /// Parcels on their way.
    pub(crate) parcels: u64,
}

impl Books {
    /// Reads them.
    ///
    /// # Errors
    /// If a row cannot be read.
    pub(crate) fn read(rows: &impl Rows) -> anyhow::Result<Self> {
        let mut books = Self::default();
        for row in rows.scan(Domain::Entry, KeyRange::all(), Order::Ascending) {
            let row = row.context("read the history")?;
            books.history(&row.key, &row.value)?;
        }
        books.entries.sort_by_key(|(at, _)| *at);
        for row in rows.scan(Domain::Custody, KeyRange::all(), Order::Ascending) {
            let row = row.context("read custody")?;
            match CustodyRow::read(&row.key, &row.value).context("read custody")? {
                CustodyRow::Head(_, account, coins, _) => {
                    books.coins.insert(account, coins);
                }
                CustodyRow::Stack(_, account, stack) => books.stacks.push((account, stack)),
                CustodyRow::Total(..) | CustodyRow::Counters(..) => {}
            }
        }
        for row in rows.scan(Domain::Market, KeyRange::all(), Order::Ascending) {
            let row = row.context("read the market")?;
            books.market(&row.key, &row.value)?;
        }
        books.outbox(rows)?;
        Ok(books)
    }

    fn history(&mut self, key: &[u8], value: &[u8]) -> anyhow::Result<()> {
        if let Some((partition, tick, answers)) = answers_in(key, value).context("read answers")? {
            let chunk = key.last_chunk::<4>().context("a chunk has a number")?;
            let first = u32::from_be_bytes(*chunk) << 8;
            for (number, answer) in (first..).zip(answers) {
                let fresh = Known {
                    begun: (partition, tick, number),
                    has_left: answer.outcome.is_none(),
                    outcome: None,
                    changed: 0,
                };
                let known = self.requests.entry((answer.actor, answer.id));
                known.or_insert(fresh).learn(answer.outcome);
            }
            return Ok(());
        }
        let &[p0, p1, kind, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3] = key else {
            anyhow::bail!("{key:?} is no key of the history");
        };
        if kind != 0 {
            return Ok(());
        }
        let partition = PartitionIndex(u16::from_be_bytes([p0, p1]));
        let tick = Tick(u64::from_be_bytes([b0, b1, b2, b3, b4, b5, b6, b7]));
        let chunk = u32::from_be_bytes([c0, c1, c2, c3]);
        let (_, entries) = entries_in(value).context("read entries")?;
        let first = chunk * orrery_services::custody::CHUNK_ENTRIES;
        for (number, entry) in (first..).zip(entries) {
            let at = EntryRef::new(partition, tick, number);
            self.entries.push((at, entry));
        }
        Ok(())
    }

    fn market(&mut self, key: &[u8], value: &[u8]) -> anyhow::Result<()> {
        let (Some(&tag), Some(id)) = (key.first(), key.last_chunk::<8>()) else {
            return Ok(());
        };
        let orders = match tag {
            2 => &mut self.orders,
            16 => &mut self.own,
            _ => return Ok(()),
        };
        let id = OrderId(u64::from_be_bytes(*id));
        let order = decode_order(id, value).with_context(|| format!("read order {}", id.0))?;
        orders.insert(id, order);
        Ok(())
    }

    fn outbox(&mut self, rows: &impl Rows) -> anyhow::Result<()> {
        let mut waiting = Vec::new();
        let mut received = BTreeMap::new();
        for row in rows.scan(Domain::Outbox, KeyRange::all(), Order::Ascending) {
            let row = row.context("read the outbox")?;
            match OutboxRow::read(&row.key, &row.value).context("read the outbox")? {
                OutboxRow::Parcel { from, to, parcel } => waiting.push(((from, to), parcel)),
                OutboxRow::Watermark { to, from, number } => {
                    received.insert((from, to), number);
                }
                OutboxRow::Sent { .. } | OutboxRow::Claim => {}
            }
        }
        for (pair, parcel) in waiting {
            if parcel.number <= received.get(&pair).copied().unwrap_or(0) {
                continue;
            }
            self.parcels += 1;
            let shipment = Shipment::decode(&parcel.bytes).context("read a parcel")?;
            let left = shipment.lots.iter().map(|lot| match lot {
                Lot::Coins(_, left_by) => *left_by,
                Lot::Stack(stack, _) => stack.last,
            });
            self.flying.extend(left);
        }
        Ok(())
    }

    /// Credits the newest payment a second time, as if its parcel had been taken twice: the entry
    /// is there again and the wallet holds the money. A test of the tests.
    ///
    /// # Errors
    /// If there is no payment.
    pub(crate) fn credit_twice(&mut self) -> anyhow::Result<()> {
        let payment = TransferReason::PlayerPayment.number();
        let mut newest = self.entries.iter().rev();
        let newest = newest.find(|(_, entry)| entry.reason == payment && arrives(entry));
        let &(at, mut entry) = newest.context("nobody was paid")?;
        let again = EntryRef::new(at.partition(), Tick(at.tick().0 + 1), (1 << 20) - 1);
        entry.to_after += entry.quantity;
        entry.previous[1] = at;
        *self.coins.entry(entry.to).or_default() += entry.quantity;
        self.entries.push((again, entry));
        self.entries.sort_by_key(|(at, _)| *at);
        Ok(())
    }
}

impl Known {
    fn learn(&mut self, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else { return };
        if self.outcome.is_some_and(|known| known != outcome) {
            self.changed += 1;
        }
        self.outcome = Some(outcome);
    }
}

/// Whether value of this entry goes in a parcel: everything but what stays at one desk, what was
/// minted and what was burned.
fn travels(entry: &Entry) -> bool {
    let is_desk = |kind| matches!(kind, AccountKind::Hangar | AccountKind::Cargo);
    let is_at_desk = is_desk(entry.from.kind) && is_desk(entry.to.kind);
    let is_boundary = entry.from.is_boundary() || entry.to.is_boundary();
    !is_at_desk && !is_boundary
}

/// Whether value left in a parcel by this entry: it arrives by another one, which names this one.
/// Whoever gives something away had it by an entry, which this one has before it.
pub(crate) fn leaves(entry: &Entry) -> bool {
    travels(entry) && entry.previous[0].is_some()
}

/// Whether value came out of a parcel by this entry, which names the one by which it left. The
/// account that it came from is elsewhere, so nothing of its history is before this one.
pub(crate) fn arrives(entry: &Entry) -> bool {
    travels(entry) && !entry.previous[0].is_some()
}
