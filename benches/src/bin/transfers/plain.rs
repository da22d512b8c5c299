//! RocksDB with nothing around it: a `WriteBatch` with the final rows of each transfer, its
//! write-ahead log synced. Balances are kept in memory, as a server would.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rocksdb::{ColumnFamilyDescriptor, DB, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::contest::{BEGIN_CENTS, Contestant, Run, Wish, Wishes};

const BALANCES: &str = "balances";
const ENTRIES: &str = "entries";
/// Of a gathered batch, the latency of one transfer in so many is kept.
const SAMPLE: u64 = 64;

/// How many transfers share a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// Each has its own.
    One,
    /// As many as are made and durable in this time.
    For(Duration),
}

/// See the module.
pub(crate) struct PlainRocks {
    db: DB,
    balances: Vec<i64>,
    wishes: Wishes,
    gather: Gather,
    next_entry: u64,
}

impl PlainRocks {
    /// A fresh store, in a folder of its own below `parent`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(parent: &Path, accounts: u32, gather: Gather) -> anyhow::Result<Self> {
        let name = match gather {
            Gather::One => "one",
            Gather::For(_) => "gathered",
        };
        std::fs::create_dir_all(parent).context("make a folder for RocksDB")?;
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let families = [BALANCES, ENTRIES].map(|family| {
            let mut options = Options::default();
            options.set_write_buffer_size(64 << 20);
            ColumnFamilyDescriptor::new(family, options)
        });
        let db = DB::open_cf_descriptors(&options, parent.join(name), families);
        let plain = Self {
            db: db.context("open RocksDB")?,
            balances: vec![BEGIN_CENTS; accounts as usize],
            wishes: Wishes::new(1, accounts),
            gather,
            next_entry: 0,
        };
        let mut batch = WriteBatch::default();
        let family = plain.db.cf_handle(BALANCES).context("balances")?;
        for account in 0..accounts {
            batch.put_cf(family, account_key(account), BEGIN_CENTS.to_be_bytes());
        }
        plain.db.write(batch).context("write the first balances")?;
        Ok(plain)
    }

    /// Adds the rows of the next transfer.
    fn add(&mut self, batch: &mut WriteBatch) -> anyhow::Result<()> {
        let Wish { from, to, cents } = self.wishes.wish();
        let balances = self.db.cf_handle(BALANCES).context("balances")?;
        let entries = self.db.cf_handle(ENTRIES).context("entries")?;
        for (account, change) in [(from, -cents), (to, cents)] {
            let balance = &mut self.balances[account as usize];
            *balance += change;
            batch.put_cf(balances, account_key(account), balance.to_be_bytes());
        }
        self.next_entry += 1;
        let mut entry = [0; 32];
        entry[..8].copy_from_slice(&u64::from(from).to_be_bytes());
        entry[8..16].copy_from_slice(&u64::from(to).to_be_bytes());
        entry[16..24].copy_from_slice(&cents.to_be_bytes());
        entry[24..].copy_from_slice(&self.next_entry.to_be_bytes());
        batch.put_cf(entries, self.next_entry.to_be_bytes(), entry);
        Ok(())
    }

    /// Whether the rows have all the money, as memory has it, and an entry for each transfer.
    fn is_conserved(&self) -> anyhow::Result<bool> {
        let (mut sum, mut same) = (0_i64, true);
        let balances = self.db.cf_handle(BALANCES).context("balances")?;
        for (row, expected) in self
            .db
            .iterator_cf(balances, IteratorMode::Start)
            .zip(&self.balances)
        {
            let (_, value) = row.context("read a balance")?;
            let value = <[u8; 8]>::try_from(&*value).context("a balance has 8 bytes")?;
            let value = i64::from_be_bytes(value);
            same &= value == *expected;
            sum += value;
        }
        let entries = self.db.cf_handle(ENTRIES).context("entries")?;
        let count = self.db.iterator_cf(entries, IteratorMode::Start).count() as u64;
        let all = BEGIN_CENTS * self.balances.len() as i64;
        Ok(same && sum == all && count == self.next_entry)
    }
}

fn account_key(account: u32) -> [u8; 8] {
    u64::from(account).to_be_bytes()
}

impl Contestant for PlainRocks {
    fn name(&self) -> String {
        match self.gather {
            Gather::One => "RocksDB, a batch per transfer".to_owned(),
            Gather::For(time) => format!("RocksDB, a batch per {} ms", time.as_millis()),
        }
    }

    fn setting(&self) -> String {
        "WriteBatch of 2 balances and 1 entry a transfer, sync = true, one thread".to_owned()
    }

    fn run(&mut self, time: Duration) -> anyhow::Result<Run> {
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let mut latencies_us = Vec::new();
        let mut gathered = 1_u64;
        let begun = Instant::now();
        while begun.elapsed() < time {
            let mut batch = WriteBatch::default();
            let since = Instant::now();
            let mut asked = Vec::new();
            for _ in 0..gathered {
                if self.next_entry.is_multiple_of(SAMPLE) || self.gather == Gather::One {
                    asked.push(Instant::now());
                }
                self.add(&mut batch)?;
            }
            self.db.write_opt(batch, &synced).context("write a batch")?;
            let now = Instant::now();
            let waited = asked.iter().map(|at| now.saturating_duration_since(*at));
            latencies_us.extend(waited.map(|it| u32::try_from(it.as_micros()).unwrap_or(u32::MAX)));
            if let Gather::For(gather) = self.gather {
                // By what this one took, at most twice as many.
                let fits = gather.as_secs_f64() / since.elapsed().as_secs_f64().max(1e-6);
                gathered = ((gathered as f64 * fits.clamp(0.5, 2.0)) as u64).max(1);
            }
        }
        let took = begun.elapsed();
        Ok(Run {
            transfers: self.next_entry,
            took,
            latencies_us,
            is_conserved: self.is_conserved()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_are_right_and_wrong_ones_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        for gather in [Gather::One, Gather::For(Duration::from_millis(5))] {
            let mut plain = PlainRocks::create(folder.path(), 10, gather).unwrap();
            let run = plain.run(Duration::from_millis(30)).unwrap();
            assert!(run.is_conserved && run.transfers > 0);
            assert!(!run.latencies_us.is_empty());
            plain.balances[3] += 1;
            assert!(!plain.is_conserved().unwrap());
        }
    }
}
