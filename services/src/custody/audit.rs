//! The proof of custody, from the rows alone: nothing was doubled, nothing has vanished.
//!
//! Checked:
//! - every row can be read; every account is in the partition that is its home;
//! - for every commodity: minted − burned = in accounts + in flight;
//! - an item is in one place, and the row of its place names it;
//! - no stack is empty or too large, no account holds too much;
//! - the newest entry of an account's history is there, is about that account, and where it is
//!   about money, says what the account holds;
//! - the counter of items is above every id that was given out;
//! - what was sent, received and is waiting between two partitions fits together, without a gap.
//!
//! Cost: reads every row of custody once, and looks one up for each account and each item; 40
//! bytes of memory for each item.

use std::collections::BTreeMap;

use orrery_base::value::{ItemId, QUANTITY_MAX};
use orrery_storage::{Domain, KeyRange, Order, ReadError, Rows};

use super::account::{Account, AccountKind, PartitionIndex};
use super::entry::{Commodity, EntryRef};
use super::history;
use super::ledger::{COINS_MAX, Lot};
use super::outbox::OutboxRow;
use super::rows::{CustodyRow, place_of};
use crate::rows::RowError;

/// Most problems that a report lists; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;
/// Rows between two calls of the pace of [`audit_at_pace`]: a few milliseconds.
pub const PACE_ROWS: u32 = 2_048;

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
    /// Accounts that hold something, or once did.
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
    let report = audit_at_pace(rows, partitions, lots, || true)?;
    Ok(report.expect("nobody stops it"))
}

/// As [`audit`], for who has time: calls `pace` after every [`PACE_ROWS`] rows, which may wait,
/// and ends without a report when it returns false.
///
/// # Errors
/// [`ReadError`] when the store itself cannot be read.
pub fn audit_at_pace(
    rows: &impl Rows,
    partitions: u16,
    lots: impl Fn(&[u8]) -> Option<Vec<Lot>>,
    pace: impl FnMut() -> bool,
) -> Result<Option<Report>, ReadError> {
    let auditor = Auditor {
        partitions,
        report: Report::default(),
        items: BTreeMap::new(),
        counters: BTreeMap::new(),
        pace,
        rows: 0,
    };
    match auditor.run(rows, lots) {
        Ok(report) => Ok(Some(report)),
        Err(Halt::Stopped) => Ok(None),
        Err(Halt::Read(error)) => Err(error),
    }
}

/// Why an audit ends early.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("stopped")]
    Stopped,
}

/// Stands for the account of an item that is in a parcel: nobody's.
const ON_THE_WAY: Account = Account {
    kind: AccountKind::Escrow,
    owner: u64::MAX,
    place: u64::MAX,
};

struct Auditor<P> {
    partitions: u16,
    report: Report,
    items: BTreeMap<ItemId, Account>,
    counters: BTreeMap<PartitionIndex, u64>,
    pace: P,
    /// Rows read.
    rows: u32,
}

impl<P: FnMut() -> bool> Auditor<P> {
    fn run(
        mut self,
        rows: &impl Rows,
        lots: impl Fn(&[u8]) -> Option<Vec<Lot>>,
    ) -> Result<Report, Halt> {
        for row in rows.scan(Domain::Custody, KeyRange::all(), Order::Ascending) {
            let row = row?;
            self.one_more()?;
            match CustodyRow::read(&row.key, &row.value) {
                Ok(row) => self.custody(rows, row)?,
                Err(error) => self.report.add(|| error.to_string()),
            }
        }
        self.parcels(rows, lots)?;
        self.places(rows)?;
        Ok(self.finish())
    }

    fn one_more(&mut self) -> Result<(), Halt> {
        self.rows = self.rows.wrapping_add(1);
        if self.rows.is_multiple_of(PACE_ROWS) && !(self.pace)() {
            return Err(Halt::Stopped);
        }
        Ok(())
    }

    fn custody(&mut self, rows: &impl Rows, row: CustodyRow) -> Result<(), ReadError> {
        match row {
            CustodyRow::Head(partition, account, coins, last) => {
                self.home(partition, &account);
                self.newest(rows, &account, coins, last)?;
                self.report.accounts += 1;
                if coins > COINS_MAX {
                    self.report.add(|| format!("{account} holds too much"));
                }
                add(&mut self.sum(Commodity::Coin).held, coins);
            }
            CustodyRow::Stack(partition, account, stack) => {
                self.home(partition, &account);
                self.report.stacks += 1;
                if stack.quantity > QUANTITY_MAX || stack.is_assembled && stack.quantity != 1 {
                    self.report
                        .add(|| format!("item {} has an impossible quantity", stack.id));
                }
                add(
                    &mut self.sum(Commodity::Type(stack.type_id)).held,
                    stack.quantity,
                );
                self.item(stack.id, account);
            }
            CustodyRow::Total(partition, account, commodity, total) => {
                self.home(partition, &account);
                let sum = self.sum(commodity);
                match account.kind {
                    AccountKind::Faucet => add(&mut sum.minted, total),
                    AccountKind::Sink => add(&mut sum.burned, total),
                    _ => self.report.add(|| format!("{account} has a total")),
                }
            }
            CustodyRow::Counters(partition, items) => {
                self.counters.insert(partition, items);
            }
        }
        Ok(())
    }

    /// The head of an account leads to its history.
    fn newest(
        &mut self,
        rows: &impl Rows,
        account: &Account,
        coins: u64,
        last: EntryRef,
    ) -> Result<(), ReadError> {
        if !last.is_some() {
            if coins > 0 {
                self.report
                    .add(|| format!("{account} holds money and has no history"));
            }
            return Ok(());
        }
        let found = history::find(rows, last)?;
        let after = found.and_then(|(_, entry)| {
            let after = if entry.to == *account {
                entry.to_after
            } else if entry.from == *account {
                entry.from_after
            } else {
                return None;
            };
            Some((entry.commodity, after))
        });
        match after {
            None => self
                .report
                .add(|| format!("{account} has no entry {last}, which is its newest")),
            Some((Commodity::Coin, after)) if after != coins => self.report.add(|| {
                format!("{account} holds {coins} cents, its newest entry {last} says {after}")
            }),
            Some(_) => {}
        }
        Ok(())
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
                .add(|| format!("item {item} is {} and {}", name_of(other), name_of(account)));
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
                // It says what is to happen, and carries no value.
                Ok(OutboxRow::Claim) => {}
                Err(error) => self.report.add(|| error.to_string()),
            }
        }
        // What has a number and is neither received nor waiting has vanished.
        let mut last = received.clone();
        for (from, to, parcel) in waiting {
            let pair = (from, to);
            let watermark = received.get(&pair).copied().unwrap_or(0);
            let last = last.entry(pair).or_default();
            if parcel.number > last.saturating_add(1) {
                let (from, to, number) = (from.0, to.0, parcel.number);
                self.report.add(|| {
                    format!("parcels before {number} from partition {from} to {to} are missing")
                });
            }
            *last = parcel.number.max(*last);
            if parcel.number <= watermark {
                continue;
            }
            self.report.parcels += 1;
            let Some(lots) = lots(&parcel.bytes) else {
                let (from, to) = (from.0, to.0);
                self.report.add(|| {
                    let number = parcel.number;
                    format!("parcel {number} from partition {from} to {to} is damaged")
                });
                continue;
            };
            for lot in lots {
                add(&mut self.sum(lot.commodity()).in_flight, lot.quantity());
                if let Lot::Stack(stack, _) = &lot
                    && stack.id != ItemId::NONE
                {
                    // Its row names where it goes to, which is checked when it is there.
                    self.item(stack.id, ON_THE_WAY);
                }
            }
        }
        for &pair in last.keys() {
            sent.entry(pair).or_insert(0);
        }
        for (pair, sent) in sent {
            let last = last.get(&pair).copied().unwrap_or(0);
            if last != sent {
                self.pair(pair, sent, last);
            }
        }
        Ok(())
    }

    fn pair(&mut self, (from, to): (PartitionIndex, PartitionIndex), sent: u64, last: u64) {
        let (from, to) = (from.0, to.0);
        self.report.add(|| {
            format!(
                "of {sent} parcels from partition {from} to {to}, the last that has arrived or \
                 waits is {last}"
            )
        });
    }

    fn places(&mut self, rows: &impl Rows) -> Result<(), Halt> {
        let items = core::mem::take(&mut self.items);
        for (item, account) in &items {
            self.one_more()?;
            match place_of(rows, *item) {
                Ok(Some((Some(place), _))) if place == *account || *account == ON_THE_WAY => {}
                Ok(place) => {
                    let account = name_of(*account);
                    let said = match place {
                        None => "there is no such item".to_owned(),
                        Some((None, _)) => "it is no more".to_owned(),
                        Some((Some(place), _)) => format!("it is in {place}"),
                    };
                    self.report
                        .add(|| format!("item {item} is {account}, its own row says: {said}"));
                }
                Err(RowError::Read(error)) => return Err(error.into()),
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
            self.one_more()?;
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
                    .add(|| format!("{}: {} too many", what(commodity), sum.excess()));
            }
        }
        self.report
    }
}

/// Adds; what is too large for 128 bits is damage, and is seen in the sum.
fn add(sum: &mut u128, more: impl Into<u128>) {
    *sum = sum.wrapping_add(more.into());
}

fn what(commodity: Commodity) -> String {
    match commodity {
        Commodity::Coin => "cents".to_owned(),
        Commodity::Type(type_id) => format!("units of type {}", type_id.0),
    }
}

fn name_of(account: Account) -> String {
    if account == ON_THE_WAY {
        "on its way".to_owned()
    } else {
        format!("in {account}")
    }
}

#[cfg(test)]
mod tests;
