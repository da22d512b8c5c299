//! Rows of a log: appended, never changed, each with a key of its own; so many a second, evenly,
//! whether or not anybody keeps up. A row counts when whoever brought it may be told that it is
//! durable. Nobody waits for a beat of 33 ms here: what has come is written at once, as one group,
//! and what comes meanwhile is the next one.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use orrery_base::Tick;
use orrery_storage::{
    Batch, BeatPort, CommitOptions, Committer, Domain, Durable, KeyRange, Rows as _, Store,
    StoreOptions, Submission, SubmitError,
};
use rocksdb::{DB, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::contest::{Contestant, Kind, Run};

/// Bytes of a row beside its key of 16.
const ROW_BYTES: usize = 150;
/// Time between two groups, at least.
const GROUP: Duration = Duration::from_millis(2);
/// From the start until the first row.
const WARM_UP: Duration = Duration::from_secs(3);
/// Of so many rows, the latency of one is kept.
const SAMPLE: u64 = 16;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows that are due by and by.
#[derive(Clone, Copy, Debug)]
struct Flow {
    first: Instant,
    until: Instant,
    apart: Duration,
}

impl Flow {
    fn new(rate: u32, time: Duration) -> Self {
        let first = Instant::now() + WARM_UP;
        Self {
            first,
            until: first + time,
            apart: Duration::from_secs(1).div_f64(f64::from(rate)),
        }
    }

    /// Rows that have come by now.
    fn due(&self, now: Instant) -> u64 {
        let time = now.min(self.until).saturating_duration_since(self.first);
        time.div_duration_f64(self.apart) as u64
    }

    /// How long rows have waited, of every so many one.
    fn note(&self, rows: core::ops::Range<u64>, now: Instant, latencies_us: &mut Vec<u32>) {
        for row in rows.filter(|row| row.is_multiple_of(SAMPLE)) {
            let came = self.first + self.apart.mul_f64(row as f64);
            let waited = now.saturating_duration_since(came).as_micros();
            latencies_us.push(u32::try_from(waited).unwrap_or(u32::MAX));
        }
    }
}

/// Key and value of a row: no two have the same.
fn row(number: u64) -> ([u8; 16], [u8; ROW_BYTES]) {
    let mut key = [0; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    let mut value = [0; ROW_BYTES];
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for bytes in value.chunks_mut(8) {
        word = (word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
    }
    (key, value)
}

/// By Orrery's commit: one port, and somebody who tells whose rows are durable.
pub(crate) struct OurRows {
    store: Store,
    rate: u32,
}

impl OurRows {
    /// A fresh store, in a folder of its own below `parent`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(parent: &Path, rate: u32) -> anyhow::Result<Self> {
        let folder = parent.join(format!("orrery-rows-{rate}"));
        let store = Store::open(folder, &StoreOptions::default())?;
        Ok(Self { store, rate })
    }
}

/// What is on its way to the disk: a beat, and the rows in it.
type Group = (Tick, core::ops::Range<u64>);

impl Contestant for OurRows {
    fn kind(&self) -> Kind {
        Kind::Rows
    }

    fn name(&self) -> String {
        our_name(self.rate)
    }

    fn setting(&self) -> String {
        format!("one port, a group every {} ms", GROUP.as_millis())
    }

    fn run(&mut self, time: Duration) -> anyhow::Result<Run> {
        let (committer, ports, _control) =
            Committer::start(&self.store, 1, CommitOptions::default())?;
        let mut port = ports.into_iter().next().context("one port")?;
        let flow = Flow::new(self.rate, time);
        let (told, groups) = mpsc::channel();
        let durable = committer.durable();
        let teller = thread::spawn(move || tell(&flow, &durable, &groups));
        let rows = bring(&flow, &mut port, &told)?;
        drop(told);
        let told = teller.join().map_err(|_| anyhow!("the teller panicked"))?;
        let (latencies_us, ended) = told?;
        committer.finish().context("close the store")?;
        let found = self.store.count(Domain::Entry, KeyRange::all())?;
        Ok(Run {
            transfers: rows,
            took: ended - flow.first,
            latencies_us,
            is_conserved: found == rows,
        })
    }
}

/// What ours is called.
pub(crate) fn our_name(rate: u32) -> String {
    format!("Orrery, {rate} rows/s offered")
}

/// Submits what is due, group by group; how many rows in all.
fn bring(flow: &Flow, port: &mut BeatPort, told: &mpsc::Sender<Group>) -> anyhow::Result<u64> {
    let (mut done, mut tick) = (0, port.next_beat());
    let mut begins = flow.first;
    while done < flow.due(flow.until) {
        thread::sleep(begins.saturating_duration_since(Instant::now()));
        begins = (begins + GROUP).max(Instant::now());
        let due = flow.due(Instant::now());
        let mut batch = Batch::new();
        for number in done..due {
            let (key, value) = row(number);
            batch.put(Domain::Entry, key, value);
        }
        let mut submission = Submission::from(batch);
        while let Err(error) = port.submit(tick, submission) {
            let SubmitError::Full {
                submission: back, ..
            } = error
            else {
                return Err(error.into());
            };
            submission = back;
            thread::sleep(GROUP / 4);
        }
        told.send((tick, done..due)).context("tell of a group")?;
        (done, tick) = (due, tick.next());
    }
    Ok(done)
}

/// Waits for each group, and notes how long its rows have waited; when the last one was durable.
fn tell(
    flow: &Flow,
    durable: &Durable,
    groups: &mpsc::Receiver<Group>,
) -> anyhow::Result<(Vec<u32>, Instant)> {
    let (mut latencies_us, mut ended) = (Vec::new(), flow.first);
    for (tick, rows) in groups {
        anyhow::ensure!(durable.wait(tick, PATIENCE)?, "a group takes for ever");
        ended = Instant::now();
        flow.note(rows, ended, &mut latencies_us);
    }
    Ok((latencies_us, ended))
}

/// By RocksDB alone: what has come is a `WriteBatch`, its write-ahead log synced.
pub(crate) struct PlainRows {
    db: DB,
    rate: u32,
}

impl PlainRows {
    /// A fresh store, in a folder of its own below `parent`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn create(parent: &Path, rate: u32) -> anyhow::Result<Self> {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.set_write_buffer_size(64 << 20);
        let db = DB::open(&options, parent.join(format!("rocksdb-rows-{rate}")));
        Ok(Self {
            db: db.context("open RocksDB")?,
            rate,
        })
    }
}

impl Contestant for PlainRows {
    fn kind(&self) -> Kind {
        Kind::Rows
    }

    fn name(&self) -> String {
        format!("RocksDB, {} rows/s offered", self.rate)
    }

    fn setting(&self) -> String {
        let ms = GROUP.as_millis();
        format!("a WriteBatch every {ms} ms, sync = true, one thread")
    }

    fn run(&mut self, time: Duration) -> anyhow::Result<Run> {
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        let flow = Flow::new(self.rate, time);
        let (mut done, mut latencies_us, mut begins) = (0, Vec::new(), flow.first);
        while done < flow.due(flow.until) {
            thread::sleep(begins.saturating_duration_since(Instant::now()));
            begins = (begins + GROUP).max(Instant::now());
            let due = flow.due(Instant::now());
            let mut batch = WriteBatch::default();
            for number in done..due {
                let (key, value) = row(number);
                batch.put(key, value);
            }
            self.db.write_opt(batch, &synced).context("write a batch")?;
            flow.note(done..due, Instant::now(), &mut latencies_us);
            done = due;
        }
        let took = flow.first.elapsed();
        let found = self.db.iterator(IteratorMode::Start).count() as u64;
        Ok(Run {
            transfers: done,
            took,
            latencies_us,
            is_conserved: found == done,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_that_is_offered_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let time = Duration::from_millis(50);
        let ours: Box<dyn Contestant> = Box::new(OurRows::create(folder.path(), 20_000).unwrap());
        let plain: Box<dyn Contestant> =
            Box::new(PlainRows::create(folder.path(), 20_000).unwrap());
        for mut contestant in [ours, plain] {
            let run = contestant.run(time).unwrap();
            assert!(run.is_conserved, "{}", contestant.name());
            assert_eq!(run.transfers, 1_000);
            assert!(!run.latencies_us.is_empty());
        }
    }
}
