//! A ledger's rows: what it has to know at the start, and what a beat has changed.

use std::collections::BTreeMap;

use orrery_storage::{Batch, Domain, Order, Rows};

use super::account::{Account, AccountKind, PartitionIndex};
use super::entry::Commodity;
use super::ledger::Ledger;
use super::rows::{
    CustodyRow, counters_key, damaged, decode_counters, encode_counters, encode_head, encode_place,
    encode_stack, encode_total, head_key, prefixed, stack_key, total_key,
};
use crate::rows::RowError;

/// Reads what a ledger has to know at the start: not the accounts, which come when they are
/// needed.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub fn load(rows: &impl Rows, partition: PartitionIndex) -> Result<Ledger, RowError> {
    let key = counters_key(partition);
    let items = match rows.get(Domain::Custody, &key)? {
        None => 0,
        Some(value) => {
            decode_counters(&value).map_err(|error| damaged(Domain::Custody, &key, error))?
        }
    };
    let mut totals: BTreeMap<(Account, Commodity), u128> = BTreeMap::new();
    for kind in [AccountKind::Faucet, AccountKind::Sink] {
        let mut prefix = partition.0.to_be_bytes().to_vec();
        prefix.push(kind as u8);
        for row in rows.scan(Domain::Custody, prefixed(&prefix), Order::Ascending) {
            let row = row?;
            if let CustodyRow::Total(_, account, commodity, total) =
                CustodyRow::read(&row.key, &row.value)?
            {
                totals.insert((account, commodity), total);
            }
        }
    }
    Ok(Ledger::new(partition, items, totals))
}

impl Ledger {
    /// Writes the rows that the beat has changed, each once.
    pub fn write(&mut self, out: &mut Batch) {
        let mut bytes = Vec::with_capacity(64);
        let partition = self.partition;
        // An item may leave an account and come back in one beat: first all that left.
        for (account, item) in self.changes.left.drain(..) {
            out.delete(Domain::Custody, stack_key(partition, &account, item));
        }
        let mut heads = core::mem::take(&mut self.changes.heads);
        for place in heads.drain(..) {
            let open = self.open[place].as_mut().expect("dirty accounts stay");
            open.is_dirty = false;
            let stored = &open.stored;
            if stored.account.is_transient() && stored.is_empty() {
                out.delete(Domain::Custody, head_key(partition, &stored.account));
                continue;
            }
            encode_head(stored.coins, stored.last, &mut bytes);
            out.put(
                Domain::Custody,
                head_key(partition, &stored.account),
                &bytes,
            );
        }
        self.changes.heads = heads;
        self.changes.stacks.sort_unstable();
        self.changes.stacks.dedup();
        let mut stacks = core::mem::take(&mut self.changes.stacks);
        for (place, item) in stacks.drain(..) {
            let stored = &self.open[place]
                .as_ref()
                .expect("dirty accounts stay")
                .stored;
            let found = stored.stacks.binary_search_by_key(&item, |stack| stack.id);
            if let Ok(row) = found {
                encode_stack(&stored.stacks[row], &mut bytes);
                let key = stack_key(partition, &stored.account, item);
                out.put(Domain::Custody, key, &bytes);
            }
        }
        self.changes.stacks = stacks;
        for (item, account, last) in self.changes.moved.drain(..) {
            encode_place(account.as_ref(), last, &mut bytes);
            out.put(Domain::Item, item.0.to_be_bytes(), &bytes);
        }
        self.changes.totals.sort_unstable();
        self.changes.totals.dedup();
        for (account, commodity) in self.changes.totals.drain(..) {
            encode_total(self.totals[&(account, commodity)], &mut bytes);
            let key = total_key(partition, &account, commodity);
            out.put(Domain::Custody, key, &bytes);
        }
        if core::mem::take(&mut self.are_counters_dirty) {
            encode_counters(self.items, &mut bytes);
            out.put(Domain::Custody, counters_key(partition), &bytes);
        }
        self.changes.pages.write(partition, self.tick, out);
    }
}
