//! What a contestant is and what it has to show.

use std::time::Duration;

/// Cents that every account begins with.
pub(crate) const BEGIN_CENTS: i64 = 100_000_000;
/// The largest transfer, cents; the smallest is one cent.
pub(crate) const LARGEST_CENTS: u64 = 1_000;

/// What a contestant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Transfers between two accounts.
    Transfers,
    /// Rows of a log.
    Rows,
}

/// One way of doing transfers, or of writing rows.
pub(crate) trait Contestant {
    /// What is counted.
    fn kind(&self) -> Kind {
        Kind::Transfers
    }

    /// What it is called, the same in every run.
    fn name(&self) -> String;

    /// What it was told and what it waits for.
    fn setting(&self) -> String;

    /// Does them for so long, each durable before it counts, and looks at its books.
    ///
    /// # Errors
    /// If it cannot.
    fn run(&mut self, time: Duration) -> anyhow::Result<Run>;
}

/// What came of a run.
pub(crate) struct Run {
    /// Transfers or rows that are durable.
    pub(crate) transfers: u64,
    /// In this time.
    pub(crate) took: Duration,
    /// From the request to its durability, microseconds: of all, or of a regular sample.
    pub(crate) latencies_us: Vec<u32>,
    /// Whether no money came or went, and there is an entry for each transfer; or each row is
    /// there.
    pub(crate) is_conserved: bool,
}

/// A line of the table.
pub(crate) struct Outcome {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) setting: String,
    pub(crate) transfers: u64,
    pub(crate) seconds: f64,
    /// Half, 99 of 100 and all take no longer, milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) is_conserved: bool,
}

impl Outcome {
    pub(crate) fn new(contestant: &dyn Contestant, run: Run) -> Self {
        let mut latencies = run.latencies_us;
        latencies.sort_unstable();
        let quantile = |of_100: usize| {
            let rank = (latencies.len() * of_100).div_ceil(100).max(1);
            latencies
                .get(rank - 1)
                .map_or(0.0, |us| f64::from(*us) / 1e3)
        };
        Self {
            kind: contestant.kind(),
            name: contestant.name(),
            setting: contestant.setting(),
            transfers: run.transfers,
            seconds: run.took.as_secs_f64(),
            p50_ms: quantile(50),
            p99_ms: quantile(99),
            max_ms: quantile(100),
            is_conserved: run.is_conserved,
        }
    }

    /// Durable transfers or rows a second.
    pub(crate) fn rate(&self) -> f64 {
        self.transfers as f64 / self.seconds.max(1e-9)
    }
}

/// A transfer that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) cents: i64,
}

/// Wishes without end, the same for the same seed.
pub(crate) struct Wishes {
    state: u64,
    accounts: u32,
}

impl Wishes {
    pub(crate) const fn new(seed: u64, accounts: u32) -> Self {
        Self {
            state: seed,
            accounts,
        }
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// The next one: between two different accounts.
    pub(crate) fn wish(&mut self) -> Wish {
        let accounts = u64::from(self.accounts);
        let from = self.draw() % accounts;
        let to = (from + 1 + self.draw() % (accounts - 1)) % accounts;
        // Below the number of accounts, and below a thousand.
        Wish {
            from: from as u32,
            to: to as u32,
            cents: (1 + self.draw() % LARGEST_CENTS) as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_between_two_accounts() {
        let mut wishes = Wishes::new(1, 3);
        let mut seen = [0; 3];
        for _ in 0..1_000 {
            let Wish { from, to, cents } = wishes.wish();
            assert!(from != to && from < 3 && to < 3);
            assert!((1..=1_000).contains(&cents));
            seen[from as usize] += 1;
        }
        assert!(seen.iter().all(|count| *count > 250), "{seen:?}");
    }
}
