//! The history of an account or an item, read backwards from its newest entry.
//!
//! Every entry names the one before it of both its accounts and of its item, so a history is a
//! chain: [`Walk`] follows it, [`account_history`] and [`item_history`] cut it into pages. A page
//! ends with a cursor, which is the last entry that was looked at; the next page goes on before
//! it. Cursors come from clients: one that leads into a foreign history, or nowhere, gives an
//! empty page.
//!
//! The history of a stack begins where it came into being: minted, or split off another stack,
//! which its first entry names.
//!
//! **Damage** ends a walk with an error that names the row; it never panics and never goes round
//! in circles, because every step has to lead to an older entry.
//!
//! Cost: one row is looked up for each entry, and one more for each payment; may wait for the disk.

use core::fmt;

use orrery_base::value::{ItemId, MEMO_BYTES_MAX, TransferReason};
use orrery_storage::{Domain, ReadError, Rows};

use super::account::{Account, PartitionIndex};
use super::entry::{CHUNK_KEY_BYTES, Commodity, Entry, EntryRef, entry_in, entry_key, memo_key};
use super::rows::{place_of, read_head, read_stack};
use crate::WallTime;
use crate::record::RecordError;
use crate::rows::RowError;

/// An entry of the history, with what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Past {
    /// Which entry.
    pub at: EntryRef,
    /// When.
    pub time: WallTime,
    /// The transfer.
    pub entry: Entry,
    /// What the payer wrote beside it; empty for nothing.
    pub memo: String,
}

/// A page of a history, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The entries.
    pub entries: Vec<Past>,
    /// Where the next page begins: before this entry. None at the end.
    pub next: EntryRef,
    /// What ended the history too early.
    pub damage: Option<RowError>,
}

/// The history of an account: `limit` entries before `before`, or from the newest on if that is
/// none.
///
/// # Errors
/// [`RowError`] when the store or the account's own row is bad. What is wrong with the history
/// itself is in the page.
///
/// # Panics
/// When `partitions` is zero.
pub fn account_history(
    rows: &impl Rows,
    partitions: u16,
    account: Account,
    before: EntryRef,
    limit: usize,
) -> Result<Page, RowError> {
    Ok(Walk::account(rows, partitions, account, before)?.page(limit)?)
}

/// The history of an item, as [`account_history`]; empty if there never was such an item.
///
/// # Errors
/// [`RowError`] when the store or the item's own row is bad.
///
/// # Panics
/// When `partitions` is zero.
pub fn item_history(
    rows: &impl Rows,
    partitions: u16,
    item: ItemId,
    before: EntryRef,
    limit: usize,
) -> Result<Page, RowError> {
    Ok(Walk::item(rows, partitions, item, before)?.page(limit)?)
}

/// Finds an entry; none if there is no such entry, or its row is damaged.
///
/// # Errors
/// [`ReadError`] when the store cannot be read.
pub fn find(rows: &impl Rows, at: EntryRef) -> Result<Option<(WallTime, Entry)>, ReadError> {
    let row = rows.get(Domain::Entry, &entry_key(at))?;
    Ok(row.and_then(|row| entry_in(&row, at)))
}

/// Whose history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Chain {
    Account(Account),
    Item(ItemId),
}

impl Chain {
    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::Account(account) => entry.from == *account || entry.to == *account,
            Self::Item(item) => entry.item == *item || entry.onto == *item,
        }
    }

    fn before(&self, entry: &Entry) -> EntryRef {
        match self {
            Self::Account(account) => entry.before(account),
            Self::Item(item) => entry.before_item(*item),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "{account}"),
            Self::Item(item) => write!(f, "item {item}"),
        }
    }
}

/// A walk through a history. Ends after the first error.
#[derive(Debug)]
pub struct Walk<'a, R> {
    rows: &'a R,
    chain: Chain,
    /// The partition that has the whole history; none for an item, which may have been anywhere.
    home: Option<PartitionIndex>,
    next: EntryRef,
    /// The entry that has led to the next one.
    led: EntryRef,
    /// The row that was read last: the one before is often in the same.
    row: Option<([u8; CHUNK_KEY_BYTES], Vec<u8>)>,
}

impl<'a, R: Rows> Walk<'a, R> {
    /// Through the history of an account, before an entry of it, or from the newest on.
    ///
    /// # Errors
    /// [`RowError`] when the store or the account's own row is bad.
    ///
    /// # Panics
    /// When `partitions` is zero.
    pub fn account(
        rows: &'a R,
        partitions: u16,
        account: Account,
        before: EntryRef,
    ) -> Result<Self, RowError> {
        let home = account.home(partitions);
        let mut walk = Self::new(rows, Chain::Account(account), Some(home));
        if before.is_some() {
            walk.resume(before)?;
        } else {
            (_, walk.next) = read_head(rows, home, &account)?;
        }
        Ok(walk)
    }

    /// Through the history of an item, before an entry of it, or from the newest on.
    ///
    /// # Errors
    /// [`RowError`] when the store or the item's own row is bad.
    ///
    /// # Panics
    /// When `partitions` is zero.
    pub fn item(
        rows: &'a R,
        partitions: u16,
        item: ItemId,
        before: EntryRef,
    ) -> Result<Self, RowError> {
        let mut walk = Self::new(rows, Chain::Item(item), None);
        if before.is_some() {
            walk.resume(before)?;
        } else {
            walk.next = newest_of_item(rows, partitions, item)?;
        }
        Ok(walk)
    }

    const fn new(rows: &'a R, chain: Chain, home: Option<PartitionIndex>) -> Self {
        Self {
            rows,
            chain,
            home,
            next: EntryRef::NONE,
            led: EntryRef::NONE,
            row: None,
        }
    }

    /// Goes on before an entry, if that is one of this history.
    fn resume(&mut self, before: EntryRef) -> Result<(), ReadError> {
        let is_here = self.home.is_none_or(|home| home == before.partition());
        if is_here
            && let Some((_, entry)) = self.find(before)?
            && self.chain.has(&entry)
        {
            self.next = self.chain.before(&entry);
            self.led = before;
        }
        Ok(())
    }

    /// The entry before which a later walk goes on; none at the end.
    #[must_use]
    pub const fn cursor(&self) -> EntryRef {
        if self.next.is_some() {
            self.led
        } else {
            EntryRef::NONE
        }
    }

    fn page(mut self, limit: usize) -> Result<Page, ReadError> {
        let mut page = Page::default();
        while page.entries.len() < limit {
            match self.next() {
                None => break,
                Some(Ok(past)) => page.entries.push(past),
                Some(Err(RowError::Read(error))) => return Err(error),
                Some(Err(error)) => page.damage = Some(error),
            }
        }
        page.next = self.cursor();
        Ok(page)
    }

    fn find(&mut self, at: EntryRef) -> Result<Option<(WallTime, Entry)>, ReadError> {
        let key = entry_key(at);
        if self.row.as_ref().is_none_or(|(of, _)| *of != key) {
            let row = self.rows.get(Domain::Entry, &key)?;
            self.row = row.map(|row| (key, row));
        }
        Ok(self.row.as_ref().and_then(|(_, row)| entry_in(row, at)))
    }

    fn step(&mut self, at: EntryRef) -> Result<Past, RowError> {
        let is_here = self.home.is_none_or(|home| home == at.partition());
        if !is_here || self.led.is_some() && !is_older(at, self.led) {
            let reason = format!("{} has {at} before it, which cannot be", self.led);
            return Err(damaged(self.led, reason));
        }
        let Some((time, entry)) = self.find(at)? else {
            let reason = format!("there is no entry {at}, or its row cannot be read");
            return Err(damaged(at, reason));
        };
        if !self.chain.has(&entry) {
            let reason = format!("entry {at} is not about {}", self.chain);
            return Err(damaged(at, reason));
        }
        let memo = memo_of(self.rows, at, &entry)?;
        Ok(Past {
            at,
            time,
            entry,
            memo,
        })
    }
}

/// What was written beside an entry, or beside the one by which the money left.
pub(super) fn memo_of(rows: &impl Rows, at: EntryRef, entry: &Entry) -> Result<String, RowError> {
    let may_have = [TransferReason::PlayerPayment, TransferReason::Returned];
    let is_payment = may_have.iter().any(|it| it.number() == entry.reason);
    if entry.commodity != Commodity::Coin || !is_payment {
        return Ok(String::new());
    }
    for beside in [at, entry.previous[2]] {
        if !beside.is_some() {
            continue;
        }
        let key = memo_key(beside);
        if let Some(text) = rows.get(Domain::Entry, &key)? {
            let text = String::from_utf8(text).ok();
            return text
                .filter(|text| text.len() <= MEMO_BYTES_MAX)
                .ok_or_else(|| {
                    let reason = RecordError::Damaged("it is no memo".to_owned());
                    RowError::damaged(Domain::Entry, &key, reason)
                });
        }
    }
    Ok(String::new())
}

impl<R: Rows> Iterator for Walk<'_, R> {
    type Item = Result<Past, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.next.is_some() {
            return None;
        }
        let at = core::mem::take(&mut self.next);
        let past = self.step(at);
        if let Ok(past) = &past {
            self.next = self.chain.before(&past.entry);
            self.led = at;
        }
        Some(past)
    }
}

/// The newest entry of an item's history.
fn newest_of_item(rows: &impl Rows, partitions: u16, item: ItemId) -> Result<EntryRef, RowError> {
    let Some((place, last)) = place_of(rows, item)? else {
        return Ok(EntryRef::NONE);
    };
    let Some(account) = place else {
        return Ok(last);
    };
    let stack = read_stack(rows, account.home(partitions), &account, item)?;
    // One that is on its way is not there yet; the row of its place names how it left.
    Ok(stack.map_or(last, |stack| stack.last))
}

/// Whether an entry can come before another one: what comes from another partition has left it in
/// an earlier beat.
const fn is_older(at: EntryRef, than: EntryRef) -> bool {
    if at.partition().0 == than.partition().0 {
        at.0 < than.0
    } else {
        at.tick().0 < than.tick().0
    }
}

fn damaged(at: EntryRef, reason: String) -> RowError {
    RowError::damaged(Domain::Entry, &entry_key(at), RecordError::Damaged(reason))
}

#[cfg(test)]
mod tests;
