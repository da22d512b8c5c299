//! Recovery on several threads: grids are independent, so each thread takes some of them through
//! their checkpoints and records, while the caller reads the journal and decodes it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use anyhow::{Context as _, anyhow};
use crossbeam::channel::{Receiver, Sender, bounded};
use orrery_base::{GridId, Tick};
use orrery_storage::journal::JournalRow;
use orrery_storage::log::ReadLogError;
use orrery_storage::{Rows, Store, journal};

use super::{Galaxy, Progress, Recorded, Replay, Share, Start};

/// Shares of beats that wait for a thread before the reader of the journal waits for it.
const AHEAD: usize = 256;

/// What a thread reports when its checkpoints are restored.
type Restored = anyhow::Result<Tick>;

/// Brings all `grids` from their newest checkpoints to beat `last` on `threads` (≥ 1) threads,
/// every digest compared. `progress` is told of the beats that were read.
///
/// # Errors
/// As [`Replay::begin`] and [`Replay::take`], of the first grid that failed; if the journal cannot
/// be read; if a thread cannot be started.
pub fn recover(
    store: &Store,
    galaxy: &Galaxy,
    grids: &[GridId],
    last: Tick,
    threads: usize,
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<Replay> {
    let threads = threads.clamp(1, grids.len().max(1));
    let mut teams = vec![Vec::new(); threads];
    for (place, &grid) in grids.iter().enumerate() {
        teams[place % threads].push(grid);
    }
    let (said, restored) = bounded::<Restored>(threads);
    let replays = std::thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(threads);
        let mut workers = Vec::with_capacity(threads);
        for team in &teams {
            let (sender, shares) = bounded::<Share>(AHEAD);
            let said = said.clone();
            let work = move || carry(store, galaxy, team, last, &said, &shares);
            let worker = std::thread::Builder::new()
                .name("orrery-recover".into())
                .spawn_scoped(scope, work)
                .context("start a thread that recovers grids")?;
            workers.push(worker);
            lanes.push(sender);
        }
        drop(said);
        let fed = feed(store, galaxy, &teams, last, &restored, &lanes, progress);
        drop(lanes);
        let ended = workers.into_iter().map(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(anyhow!("a thread that recovers grids has panicked")))
        });
        let replays: anyhow::Result<Vec<Replay>> = ended.collect();
        // A thread that fails stops the reading too: its reason comes first.
        replays.and_then(|replays| fed.map(|()| replays))
    })?;
    merge(galaxy, replays)
}

/// One thread's part: restore, say from where on, then follow.
fn carry(
    rows: &impl Rows,
    galaxy: &Galaxy,
    grids: &[GridId],
    last: Tick,
    said: &Sender<Restored>,
    shares: &Receiver<Share>,
) -> anyhow::Result<Replay> {
    let begun = Replay::begin(rows, galaxy, grids, Start::Newest, last, 1);
    let from = match &begun {
        Ok(replay) => Ok(replay.from()),
        Err(_) => Err(anyhow!("a thread has failed")),
    };
    // The reader has gone if another thread has failed.
    let _ = said.send(from);
    let mut replay = begun?;
    for share in shares {
        replay.take_share(share, |_, _, _| Ok(()))?;
    }
    Ok(replay)
}

/// Reads the journal from where the first grid needs it and deals it out.
fn feed(
    store: &Store,
    galaxy: &Galaxy,
    teams: &[Vec<GridId>],
    last: Tick,
    restored: &Receiver<Restored>,
    lanes: &[Sender<Share>],
    progress: &mut dyn FnMut(Progress),
) -> anyhow::Result<()> {
    let mut from = last;
    for _ in teams {
        let begun = restored.recv().context("a thread has ended")?;
        from = from.min(begun?);
    }
    if from >= last {
        return Ok(());
    }
    let homes: BTreeMap<GridId, usize> = teams
        .iter()
        .zip(0..)
        .flat_map(|(team, home)| team.iter().map(move |grid| (*grid, home)))
        .collect();
    for row in rows(store, from.next()..=last)? {
        let row = row.context("read the journal")?;
        let (beat, bytes) = (row.key.beat, row.record);
        let record = Recorded { beat, bytes }.decode(galaxy)?;
        let mut dealt: Vec<Share> = teams.iter().map(|_| Share::empty(beat)).collect();
        for record in record.grids {
            for envelope in &record.sent {
                if let Some(&home) = homes.get(&envelope.to) {
                    dealt[home].sent.push(envelope.clone());
                }
            }
            if let Some(&home) = homes.get(&record.grid) {
                dealt[home].records.push(record);
            }
        }
        for (share, lane) in dealt.into_iter().zip(lanes) {
            lane.send(share)
                .map_err(|_| anyhow!("a thread has failed"))?;
        }
        progress(Progress { tick: beat, last });
    }
    Ok(())
}

fn rows(
    store: &Store,
    beats: RangeInclusive<Tick>,
) -> anyhow::Result<impl Iterator<Item = Result<JournalRow, ReadLogError>> + use<>> {
    journal::range(store.log(), beats).context("open the journal")
}

/// Puts the threads' grids together.
fn merge(galaxy: &Galaxy, replays: Vec<Replay>) -> anyhow::Result<Replay> {
    let mut whole: Option<Replay> = None;
    for mut replay in replays {
        let Some(whole) = &mut whole else {
            whole = Some(replay);
            continue;
        };
        whole.courses.append(&mut replay.courses);
        whole.tick = whole.tick.max(replay.tick);
        whole.skipped += replay.skipped;
        whole.beats += replay.beats;
    }
    whole.with_context(|| format!("seed {}: there is no grid to recover", galaxy.seed))
}

impl Share {
    const fn empty(beat: Tick) -> Self {
        Self {
            beat,
            sent: Vec::new(),
            records: Vec::new(),
        }
    }
}
