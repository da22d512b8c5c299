//! The proof of custody, from the rows alone: nothing was doubled, nothing has vanished.
//!
//! Checked:
//! - every row can be read; every account is in the partition that is its home;
//! - for every commodity: minted − burned = in accounts + in flight;
//! - an item is in one place, and the row of its place names it;
//! - no stack is empty or too large, no account holds too much;
//! - the counter of items is above every id that was given out;
//! - what was sent, received and is waiting between two partitions fits together.
//!
//! Cost: reads every row once; 40 bytes of memory for each item.

use std::collections::BTreeMap;

use orrery_base::value::{ItemId, QUANTITY_MAX};
use orrery_storage::{Domain, KeyRange, Order, ReadError, Rows};

use super::account::{Account, AccountKind, PartitionIndex};
use super::entry::Commodity;
use super::ledger::{COINS_MAX, Lot};
use super::outbox::OutboxRow;
use super::rows::{CustodyRow, place_of};
use crate::rows::RowError;

/// Most problems that a report lists; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;

/// What there is of a commodity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sum {
    /// Ever minted.
    pub minted: u128,
    /// Ever burned.
    pub burned: u128,
    /// In accounts.
    pub held: u128,
    /// In parcels that have not arrived.
    pub in_flight: u128,
}

impl Sum {
    /// Units too many, or too few if negative. Zero, or value was doubled or has vanished.
    #[must_use]
    pub const fn excess(&self) -> i128 {
        let there = self.held.wrapping_add(self.in_flight).cast_signed();
        let rightful = self.minted.wrapping_sub(self.burned).cast_signed();
        there.wrapping_sub(rightful)
    }
}

/// What the audit has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// By commodity.
    pub sums: BTreeMap<Commodity, Sum>,
    /// Accounts that hold something.
    pub accounts: u64,
    /// Stacks.
    pub stacks: u64,
    /// Parcels in flight.
    pub parcels: u64,
    /// What does not fit; the first [`PROBLEMS_MAX`].
    pub problems: Vec<String>,
    /// How many problems there are.
    pub problem_count: u64,
}

impl Report {
    /// Whether everything fits.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn add(&mut self, problem: impl FnOnce() -> String) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem());
        }
    }
}

/// Audits all rows of custody. `partitions` is how many the store has; `lots` says what value a
/// parcel carries, `None` if its bytes are damaged.
///
/// # Errors
/// [`ReadError`] when the store itself cannot be read; anything less is in the report.
pub fn audit(
    rows: &impl Rows,
    partitions: u16,
    lots: impl Fn(&[u8]) -> Option<Vec<Lot>>,
) -> Result<Report, ReadError> {
    let mut auditor = Auditor {
        partitions,
        report: Report::default(),
        items: BTreeMap::new(),
        counters: BTreeMap::new(),
    };
    for row in rows.scan(Domain::Custody, KeyRange::all(), Order::Ascending) {
        let row = row?;
        match CustodyRow::read(&row.key, &row.value) {
            Ok(row) => auditor.custody(row),
            Err(error) => auditor.report.add(|| error.to_string()),
        }
    }
    auditor.parcels(rows, lots)?;
    auditor.places(rows)?;
    Ok(auditor.finish())
}

/// Stands for the account of an item that is in a parcel: nobody's.
const ON_THE_WAY: Account = Account {
    kind: AccountKind::Escrow,
    owner: u64::MAX,
    place: u64::MAX,
};

struct Auditor {
    partitions: u16,
    report: Report,
    items: BTreeMap<ItemId, Account>,
    counters: BTreeMap<PartitionIndex, u64>,
}

impl Auditor {
    fn custody(&mut self, row: CustodyRow) {
        match row {
            CustodyRow::Head(partition, account, coins, _) => {
                self.home(partition, &account);
                self.report.accounts += 1;
                if coins > COINS_MAX {
                    self.report.add(|| format!("{account} holds too much"));
                }
                self.sum(Commodity::Coin).held += u128::from(coins);
            }
            CustodyRow::Stack(partition, account, stack) => {
                self.home(partition, &account);
                self.report.stacks += 1;
                if stack.quantity > QUANTITY_MAX || stack.is_assembled && stack.quantity != 1 {
                    self.report
                        .add(|| format!("item {} has an impossible quantity", stack.id));
                }
                self.sum(Commodity::Type(stack.type_id)).held += u128::from(stack.quantity);
                self.item(stack.id, account);
            }
            CustodyRow::Total(partition, account, commodity, total) => {
                self.home(partition, &account);
                let sum = self.sum(commodity);
                match account.kind {
                    AccountKind::Faucet => sum.minted += total,
                    AccountKind::Sink => sum.burned += total,
                    _ => self.report.add(|| format!("{account} has a total")),
                }
            }
            CustodyRow::Counters(partition, items) => {
                self.counters.insert(partition, items);
            }
        }
    }

    fn sum(&mut self, commodity: Commodity) -> &mut Sum {
        self.report.sums.entry(commodity).or_default()
    }

    fn home(&mut self, partition: PartitionIndex, account: &Account) {
        if account.home(self.partitions) != partition {
            self.report
                .add(|| format!("{account} is in partition {}, not at home", partition.0));
        }
    }

    fn item(&mut self, item: ItemId, account: Account) {
        if let Some(other) = self.items.insert(item, account) {
            self.report
                .add(|| format!("item {item} is in {other} and in {account}"));
        }
    }

    fn parcels(
        &mut self,
        rows: &impl Rows,
        lots: impl Fn(&[u8]) -> Option<Vec<Lot>>,
    ) -> Result<(), ReadError> {
        let mut received: BTreeMap<(PartitionIndex, PartitionIndex), u64> = BTreeMap::new();
        let mut sent = received.clone();
        let mut waiting = Vec::new();
        for row in rows.scan(Domain::Outbox, KeyRange::all(), Order::Ascending) {
            let row = row?;
            match OutboxRow::read(&row.key, &row.value) {
                Ok(OutboxRow::Parcel { from, to, parcel }) => waiting.push((from, to, parcel)),
                Ok(OutboxRow::Watermark { to, from, number }) => {
                    received.insert((from, to), number);
                }
                Ok(OutboxRow::Sent { from, to, number }) => {
                    sent.insert((from, to), number);
                }
                Err(error) => self.report.add(|| error.to_string()),
            }
        }
        let mut next: BTreeMap<(PartitionIndex, PartitionIndex), u64> = BTreeMap::new();
        for (from, to, parcel) in waiting {
            let pair = (from, to);
            let watermark = received.get(&pair).copied().unwrap_or(0);
            let expected = next.insert(pair, parcel.number + 1);
            if expected.is_some_and(|expected| expected != parcel.number) {
                self.report
                    .add(|| format!("a parcel before {} of {from:?} is missing", parcel.number));
            }
            if parcel.number <= watermark {
                continue;
            }
            self.report.parcels += 1;
            let Some(lots) = lots(&parcel.bytes) else {
                self.report
                    .add(|| format!("parcel {} of {from:?} is damaged", parcel.number));
                continue;
            };
            for lot in lots {
                self.sum(lot.commodity()).in_flight += u128::from(lot.quantity());
                if let Lot::Stack(stack, _) = &lot
                    && stack.id != ItemId::NONE
                {
                    // Its row names where it goes to, which is checked when it is there.
                    self.items.entry(stack.id).or_insert(ON_THE_WAY);
                }
            }
        }
        for (pair, sent) in sent {
            let received = received.get(&pair).copied().unwrap_or(0);
            let next = next
                .get(&pair)
                .copied()
                .unwrap_or(received + 1)
                .max(received + 1);
            if next != sent + 1 {
                self.report.add(|| {
                    format!("of {sent} parcels {pair:?}, {received} have arrived and the last that waits is {}", next - 1)
                });
            }
        }
        Ok(())
    }

    fn places(&mut self, rows: &impl Rows) -> Result<(), ReadError> {
        let items = core::mem::take(&mut self.items);
        for (item, account) in &items {
            match place_of(rows, *item) {
                Ok(Some((Some(place), _))) if place == *account || *account == ON_THE_WAY => {}
                Ok(place) => self
                    .report
                    .add(|| format!("item {item} is in {account}, its own row says {place:?}")),
                Err(RowError::Read(error)) => return Err(error),
                Err(error) => self.report.add(|| error.to_string()),
            }
            // Numbers without a partition are those of ships that the accounts service has given
            // out and its own counter knows.
            let Some(partition) = ((item.0 >> 44) as u16).checked_sub(1) else {
                continue;
            };
            let numbered = self.counters.get(&PartitionIndex(partition));
            if item.0 & ((1 << 44) - 1) > numbered.copied().unwrap_or(0) {
                self.report
                    .add(|| format!("item {item} was never numbered"));
            }
        }
        for row in rows.scan(Domain::Item, KeyRange::all(), Order::Ascending) {
            let row = row?;
            let Ok(item) = <[u8; 8]>::try_from(row.key.as_slice()) else {
                self.report
                    .add(|| "an item's key has a wrong length".into());
                continue;
            };
            let item = ItemId(u64::from_be_bytes(item));
            match super::rows::decode_place(&row.value) {
                Ok((Some(account), _)) if !items.contains_key(&item) => self
                    .report
                    .add(|| format!("item {item} should be in {account} and is not")),
                Ok(_) => {}
                Err(error) => self.report.add(|| format!("item {item}: {error}")),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Report {
        let sums = self.report.sums.clone();
        for (commodity, sum) in sums {
            if sum.excess() != 0 {
                self.report
                    .add(|| format!("{commodity:?}: {} too many: {sum:?}", sum.excess()));
            }
        }
        self.report
    }
}
