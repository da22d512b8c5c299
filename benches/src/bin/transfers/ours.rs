//! Orrery's own: two shards, each a thread with its partitions' ledgers, one commit of both for
//! every beat of 30 a second.
//!
//! A wish comes at some moment between two beats and is carried out in the next one; it counts
//! when that beat is durable and its shard has seen that. Either as many come as the shards and
//! the disk keep up with (see [`WORK_MAX`] and [`LAG_MAX`]), or so many a second, whether or not
//! anybody keeps up: then a wish waits from the moment it was due, and nothing is left out.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use orrery_base::value::TransferReason;
use orrery_base::{CharacterId, Tick};
use orrery_services::WallTime;
use orrery_services::custody::{
    Account, Cause, Ledger, Minted, PartitionIndex, Stored, What, audit, entries_in, home_of,
};
use orrery_storage::{
    Batch, BeatPort, CommitOptions, Committer, Domain, Durable, KeyRange, Order, Rows as _, Store,
    StoreOptions, Submission, SubmitError,
};

use crate::BEAT;
use crate::contest::{BEGIN_CENTS, Contestant, Run, Wish, Wishes};

const SHARDS: usize = 2;
/// Partitions of each shard.
const PARTITIONS: u16 = 16;
/// The most of a beat that its transfers may take.
const WORK_MAX: Duration = Duration::from_millis(20);
/// From the beginning of a beat until it is durable, at most.
const LAG_MAX: Duration = Duration::from_millis(30);
/// Of so many transfers, the latency of one is kept.
const SAMPLE: usize = 64;
/// From the start of the commit until the first wish: a server is up before its players come.
const WARM_UP: Duration = Duration::from_secs(3);
/// Most wishes of a shard in one beat; more wait for the next one.
const BEAT_WISHES_MAX: usize = 50_000;

/// How many wishes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// As many as are kept up with.
    Most,
    /// So many a second, evenly.
    Offered(u32),
}

/// See the module.
pub(crate) struct Ours {
    store: Store,
    accounts: u32,
    load: Load,
}

impl Ours {
    /// A fresh store, in a folder of its own below `parent`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(parent: &Path, accounts: u32, load: Load) -> anyhow::Result<Self> {
        let folder = match load {
            Load::Most => "orrery".to_owned(),
            Load::Offered(rate) => format!("orrery-{rate}"),
        };
        let store = Store::open(parent.join(folder), &StoreOptions::default())?;
        Ok(Self {
            store,
            accounts,
            load,
        })
    }

    /// Whether every commodity and every item is where it should be, by the rows alone, with an
    /// entry for each transfer and each account's beginning.
    fn is_conserved(&self, transfers: u64) -> anyhow::Result<bool> {
        let report = audit::audit(&self.store, SHARDS as u16 * PARTITIONS, |_| None)?;
        let mut entries = 0;
        let rows = self
            .store
            .scan(Domain::Entry, KeyRange::all(), Order::Ascending);
        for row in rows {
            let (_, found) = entries_in(&row?.value)?;
            entries += found.len() as u64;
        }
        Ok(report.is_sound() && entries == transfers + self.begun())
    }

    /// Accounts that there are: as many in each partition.
    fn begun(&self) -> u64 {
        let partitions = SHARDS as u64 * u64::from(PARTITIONS);
        u64::from(self.per_partition()) * partitions
    }

    fn per_partition(&self) -> u32 {
        (self.accounts / (SHARDS as u32 * u32::from(PARTITIONS))).max(2)
    }
}

impl Contestant for Ours {
    fn name(&self) -> String {
        match self.load {
            Load::Most => MOST.to_owned(),
            Load::Offered(rate) => offered(rate),
        }
    }

    fn setting(&self) -> String {
        "2 balances and 1 chained entry a transfer, 2 shards, one durable beat every 33 ms"
            .to_owned()
    }

    fn run(&mut self, time: Duration) -> anyhow::Result<Run> {
        let options = CommitOptions::default();
        let (committer, ports, _control) = Committer::start(&self.store, SHARDS, options)?;
        let first = Instant::now() + WARM_UP;
        let load = self.load;
        let until = first + time;
        let per_partition = self.per_partition();
        let shards: Vec<_> = ports
            .into_iter()
            .enumerate()
            .map(|(shard, port)| {
                let durable = committer.durable();
                let ledgers = (0..PARTITIONS).map(|n| shard as u16 * PARTITIONS + n);
                let ledgers: Vec<_> = ledgers
                    .map(|index| Ledger::new(PartitionIndex(index), 0, BTreeMap::new()))
                    .collect();
                thread::spawn(move || {
                    let homes = ledgers.iter().map(Ledger::partition);
                    let shard = Shard {
                        residents: homes.map(|home| residents(home, per_partition)).collect(),
                        ledgers,
                        port,
                        durable,
                        load,
                        wishes: Wishes::new(shard as u64 + 1, per_partition),
                        turn: 0,
                        sent: VecDeque::new(),
                        lag: Duration::ZERO,
                        latencies_us: Vec::new(),
                    };
                    shard.run(first, until)
                })
            })
            .collect();
        let mut done = Done::default();
        for shard in shards {
            let part = shard.join().map_err(|_| anyhow!("a shard panicked"))??;
            done.transfers += part.transfers;
            done.latencies_us.extend(part.latencies_us);
            done.ended = done.ended.max(part.ended);
        }
        committer.finish().context("close the store")?;
        Ok(Run {
            transfers: done.transfers,
            took: done.ended.map_or(time, |ended| ended - first),
            latencies_us: done.latencies_us,
            is_conserved: self.is_conserved(done.transfers)?,
        })
    }
}

/// What became of a shard.
#[derive(Default)]
struct Done {
    transfers: u64,
    latencies_us: Vec<u32>,
    ended: Option<Instant>,
}

/// One thread's share.
struct Shard {
    ledgers: Vec<Ledger>,
    port: BeatPort,
    durable: Durable,
    load: Load,
    wishes: Wishes,
    /// By ledger, who is at home there.
    residents: Vec<Vec<CharacterId>>,
    turn: usize,
    /// Beats that are not durable yet.
    sent: VecDeque<Sent>,
    /// Of the newest durable beat, from its beginning until it was durable.
    lag: Duration,
    latencies_us: Vec<u32>,
}

/// A beat on its way to the disk.
struct Sent {
    tick: Tick,
    begun: Instant,
    /// When the first of its wishes came, and the time between two of them.
    came: Instant,
    apart: Duration,
    count: usize,
}

impl Shard {
    fn run(mut self, first: Instant, until: Instant) -> anyhow::Result<Done> {
        let mut tick = Tick(1);
        let mut batch = self.begin(tick)?;
        self.submit(tick, &mut batch)?;
        let (mut begins, mut most, mut transfers) = (first, 5_000_usize, 0_u64);
        while begins < until {
            self.wait(begins)?;
            tick = tick.next();
            let begun = Instant::now();
            let (count, came, apart) = match self.load {
                Load::Most => (most, begins - BEAT, BEAT.div_f64(most as f64)),
                Load::Offered(rate) => {
                    let apart = Duration::from_secs(SHARDS as u64).div_f64(f64::from(rate));
                    let due = (begun - first + BEAT).div_duration_f64(apart) as u64 - transfers;
                    let came = first - BEAT + apart.mul_f64(transfers as f64);
                    ((due as usize).min(BEAT_WISHES_MAX), came, apart)
                }
            };
            self.beat(tick, count, &mut batch)?;
            let worked = begun.elapsed();
            self.sent.push_back(Sent {
                tick,
                begun: begins,
                came,
                apart,
                count,
            });
            transfers += count as u64;
            self.submit(tick, &mut batch)?;
            // Slowly more, quickly less.
            let is_late = worked > WORK_MAX || self.lag > LAG_MAX || self.sent.len() > 2;
            let factor = if is_late { 0.8 } else { 1.02 };
            most = ((most as f64 * factor) as usize).max(100);
            begins += BEAT;
        }
        while !self.sent.is_empty() {
            self.wait(Instant::now() + Duration::from_millis(1))?;
        }
        Ok(Done {
            transfers,
            latencies_us: self.latencies_us,
            ended: Some(Instant::now()),
        })
    }

    /// Everybody has what everybody begins with.
    fn begin(&mut self, tick: Tick) -> anyhow::Result<Batch> {
        let mut batch = Batch::new();
        for (ledger, residents) in self.ledgers.iter_mut().zip(&self.residents) {
            ledger.begin(tick, WallTime(0));
            let faucet = Account::faucet(1, ledger.partition());
            for resident in residents {
                let wallet = Account::wallet(*resident);
                ledger.activate(Stored::empty(wallet));
                let minted = Minted::Coins(BEGIN_CENTS.cast_unsigned());
                ledger
                    .mint(faucet, wallet, minted, CAUSE)
                    .map_err(|code| anyhow!(code.sentence()))?;
            }
            ledger.write(&mut batch);
        }
        Ok(batch)
    }

    /// So many transfers, shared out to the partitions.
    fn beat(&mut self, tick: Tick, count: usize, batch: &mut Batch) -> anyhow::Result<()> {
        for ledger in &mut self.ledgers {
            ledger.begin(tick, WallTime(tick.0));
        }
        for _ in 0..count {
            self.turn = (self.turn + 1) % self.ledgers.len();
            let ledger = &mut self.ledgers[self.turn];
            let Wish { from, to, cents } = self.wishes.wish();
            let residents = &self.residents[self.turn];
            let [from, to] = [from, to].map(|at| Account::wallet(residents[at as usize]));
            ledger
                .transfer(from, to, What::Coins(cents.cast_unsigned()), CAUSE)
                .map_err(|code| anyhow!(code.sentence()))?;
        }
        for ledger in &mut self.ledgers {
            ledger.write(batch);
        }
        Ok(())
    }

    fn submit(&mut self, tick: Tick, batch: &mut Batch) -> anyhow::Result<()> {
        let mut submission = Submission::from(core::mem::take(batch));
        loop {
            match self.port.submit(tick, submission) {
                Ok(()) => return Ok(()),
                Err(SubmitError::Full {
                    submission: back, ..
                }) => submission = back,
                Err(error) => return Err(error.into()),
            }
            self.wait(Instant::now() + Duration::from_millis(1))?;
        }
    }

    /// Waits, and notes meanwhile what has become durable.
    fn wait(&mut self, until: Instant) -> anyhow::Result<()> {
        loop {
            if let Some(failure) = self.durable.failed() {
                return Err(failure.into());
            }
            let (durable, now) = (self.durable.beat().unwrap_or(Tick(0)), Instant::now());
            while let Some(sent) = self.sent.pop_front_if(|sent| sent.tick <= durable) {
                self.lag = now.saturating_duration_since(sent.begun);
                for sample in (0..sent.count).step_by(SAMPLE) {
                    let came = sent.came + sent.apart.mul_f64(sample as f64);
                    let latency = now.saturating_duration_since(came);
                    let us = u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
                    self.latencies_us.push(us);
                }
            }
            if now >= until {
                return Ok(());
            }
            thread::sleep((until - now).min(Duration::from_micros(500)));
        }
    }
}

/// What the contestant with as many wishes as possible is called.
pub(crate) const MOST: &str = "Orrery, as many as it keeps up with";

/// What one with a fixed rate is called.
pub(crate) fn offered(rate: u32) -> String {
    format!("Orrery, {rate}/s offered")
}

pub(crate) const CAUSE: Cause = Cause {
    actor: CharacterId::NONE,
    reason: TransferReason::PlayerPayment,
    reference: 0,
};

/// So many characters who are at home in a partition.
pub(crate) fn residents(partition: PartitionIndex, count: u32) -> Vec<CharacterId> {
    let all = SHARDS as u16 * PARTITIONS;
    (1..)
        .map(CharacterId)
        .filter(|character| home_of(character.0, all) == partition)
        .take(count as usize)
        .collect()
}
