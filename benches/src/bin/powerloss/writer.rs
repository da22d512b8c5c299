//! The writer: beats of two shards through the store's own commit, and a word for each that is
//! durable. It ends when the disk does.

use std::convert::Infallible;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_storage::{
    Batch, BeatPort, CommitOptions, Committer, Domain, Store, Submission, SubmitError, checkpoint,
};

use crate::{SHARDS, options};

/// Beats between two checkpoints.
const CHECKPOINT_EVERY: u64 = 50;
/// Before a full port is tried again.
const PAUSE: Duration = Duration::from_micros(200);
/// Longest for one beat to become durable.
const PATIENCE: Duration = Duration::from_secs(60);

/// The value of the row that a shard adds in a beat.
pub(crate) fn added(beat: u64, shard: u64) -> Vec<u8> {
    [beat.to_be_bytes(), shard.to_le_bytes()].concat().repeat(6)
}

/// Its key.
pub(crate) fn added_key(beat: u64, shard: u64) -> Vec<u8> {
    [beat.to_be_bytes(), shard.to_be_bytes()].concat()
}

/// The state of a shard's grid.
fn state(beat: u64, shard: u64) -> Vec<u8> {
    added(beat, shard).repeat(40)
}

/// What a shard changes in a beat: a row that is rewritten, one that is added, one that moves to
/// and fro between the shards, the journal, a checkpoint.
fn changes(beat: u64, shard: u64) -> Submission {
    let mut batch = Batch::new();
    batch.put(Domain::Ship, shard.to_be_bytes(), beat.to_be_bytes());
    batch.put(
        Domain::Character,
        added_key(beat, shard),
        added(beat, shard),
    );
    if shard == beat % SHARDS {
        batch.put(Domain::Token, beat.to_be_bytes(), b"the one");
    } else {
        batch.delete(Domain::Token, (beat - 1).to_be_bytes());
    }
    if beat.is_multiple_of(CHECKPOINT_EVERY) {
        let grid = GridId(shard as u32);
        checkpoint::put(&mut batch, grid, Tick(beat), &state(beat, shard));
    }
    Submission {
        batch,
        record: added(beat, shard).repeat(8),
    }
}

/// Writes until the store fails, which is an error that says why.
///
/// # Errors
/// Always, in the end.
pub(crate) fn run(folder: &Path, sync: bool) -> anyhow::Result<Infallible> {
    let store = Store::open(folder, &options(sync)).context("open the store")?;
    let started = Committer::start(&store, SHARDS as usize, CommitOptions::default());
    let (committer, ports, _control) = started.context("start the commit")?;
    let first = ports.first().context("there is a shard")?.next_beat();
    for port in ports {
        std::thread::spawn(move || submit(port, first));
    }
    let durable = committer.durable();
    let mut out = std::io::stdout().lock();
    let mut beat = first;
    loop {
        let is_durable = match durable.wait(beat, PATIENCE) {
            Ok(is_durable) => is_durable,
            Err(failure) => {
                eprintln!("powerloss: {failure}");
                // At once: RocksDB's threads rest for a second after a failed write.
                signal_hook::low_level::exit(3)
            }
        };
        if is_durable {
            let seen = durable.beat().unwrap_or(beat);
            writeln!(out, "durable {seen}").context("say what is durable")?;
            out.flush().context("say what is durable")?;
            beat = seen.next();
        }
    }
}

/// The life of a shard: ends when nothing is taken any more, which the other thread reports.
fn submit(mut port: BeatPort, first: Tick) {
    let ShardIndex(shard) = port.shard();
    for beat in first.0.. {
        let mut submission = changes(beat, shard.into());
        loop {
            match port.submit(Tick(beat), submission) {
                Ok(()) => break,
                Err(SubmitError::Full {
                    submission: back, ..
                }) => {
                    submission = back;
                    std::thread::sleep(PAUSE);
                }
                Err(_) => return,
            }
        }
    }
}
