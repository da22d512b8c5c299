//! What is in memory: one balance read, one transfer made, each timed by itself.
//!
//! Nothing is gathered and nothing is subtracted: a time is what the clock says after less what it
//! said before, so it has the cost of asking the clock once in it, which is the first line of the
//! table. Accounts are drawn beforehand, evenly from all of them, so most are in no cache. A
//! transfer is all of it but the disk: checks, both balances, the chained entry, the mark of the
//! rows that the beat has to write. Rows are written every so many transfers, outside the times.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use hdrhistogram::Histogram;
use orrery_base::Tick;
use orrery_services::WallTime;
use orrery_services::custody::{Account, Ledger, Minted, PartitionIndex, Stored, What};
use orrery_storage::Batch;

use crate::contest::{BEGIN_CENTS, Wish, Wishes};
use crate::ours::{CAUSE, residents};

/// How often each is done.
const TIMES: usize = 2_000_000;
/// Transfers of a beat.
const BEAT_TRANSFERS: usize = 5_000;
/// The longest time that is told apart from longer ones, ns.
const NS_MAX: u64 = 1_000_000_000;

/// A line of the table.
pub(crate) struct Hot {
    pub(crate) name: &'static str,
    /// Nanoseconds.
    pub(crate) times: Histogram<u64>,
}

pub(crate) const GET: &str = "a balance is read";
pub(crate) const SET: &str = "a transfer is made";

/// All of it, with so many accounts in one ledger.
///
/// # Errors
/// If a transfer is refused, or the books are not right afterwards.
pub(crate) fn measure(accounts: u32) -> anyhow::Result<Vec<Hot>> {
    let home = PartitionIndex(0);
    let wallets: Vec<Account> = residents(home, accounts)
        .into_iter()
        .map(Account::wallet)
        .collect();
    let mut ledger = Ledger::new(home, 0, BTreeMap::new());
    let mut batch = Batch::new();
    ledger.begin(Tick(1), WallTime(0));
    for wallet in &wallets {
        ledger.activate(Stored::empty(*wallet));
        let minted = Minted::Coins(BEGIN_CENTS.cast_unsigned());
        let faucet = Account::faucet(1, home);
        let done = ledger.mint(faucet, *wallet, minted, CAUSE);
        done.map_err(|code| anyhow!(code.sentence()))?;
    }
    ledger.write(&mut batch);
    let mut wishes = Wishes::new(7, accounts);
    let wishes: Vec<Wish> = (0..TIMES).map(|_| wishes.wish()).collect();
    let mut clock = histogram()?;
    for _ in 0..TIMES {
        let since = Instant::now();
        clock.saturating_record(nanos(since));
    }
    let mut get = histogram()?;
    for wish in &wishes {
        let wallet = wallets[wish.to as usize];
        let since = Instant::now();
        black_box(ledger.coins(black_box(&wallet)));
        get.saturating_record(nanos(since));
    }
    let mut set = histogram()?;
    for (tick, wishes) in (2..).map(Tick).zip(wishes.chunks(BEAT_TRANSFERS)) {
        batch.clear();
        ledger.begin(tick, WallTime(tick.0));
        for Wish { from, to, cents } in wishes {
            let [from, to] = [from, to].map(|at| wallets[*at as usize]);
            let what = What::Coins(cents.cast_unsigned());
            let since = Instant::now();
            let done = ledger.transfer(from, to, what, CAUSE);
            set.saturating_record(nanos(since));
            done.map_err(|code| anyhow!(code.sentence()))?;
        }
        ledger.write(&mut batch);
    }
    let sum: u64 = wallets.iter().map(|wallet| ledger.coins(wallet)).sum();
    anyhow::ensure!(
        sum == BEGIN_CENTS.cast_unsigned() * wallets.len() as u64,
        "money came or went in memory"
    );
    let lines = [
        ("nothing: the clock is asked", clock),
        (GET, get),
        (SET, set),
    ];
    Ok(lines.map(|(name, times)| Hot { name, times }).into())
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(NS_MAX)
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, NS_MAX, 3).context("make a histogram")
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_is_timed_as_often() {
        let lines = super::measure(64).unwrap();
        assert_eq!(lines.len(), 3);
        for line in lines {
            assert_eq!(line.times.len(), super::TIMES as u64, "{}", line.name);
        }
    }
}
