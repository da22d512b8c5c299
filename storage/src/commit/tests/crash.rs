//! The process dies, by its own hand or by another's, at whatever moment; the store has to be
//! at a whole beat, and not before the last one that anybody was told of.
//!
//! Each test runs itself again in a child process, which writes for ever and says on its
//! standard output what it was told to be durable.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use orrery_base::GridId;

use super::*;
use crate::testing::quick;
use crate::{KeyRange, OpenError, Store, audit, checkpoint, journal};

/// In the environment of a child: the folder to write in.
const FOLDER: &str = "ORRERY_STORAGE_CRASH_FOLDER";
/// In the environment of a child: durable beats after which it aborts.
const ABORT_AFTER: &str = "ORRERY_STORAGE_CRASH_ABORT_AFTER";

const SHARDS: u64 = 3;
/// A checkpoint every so many beats.
const CHECKPOINT_EVERY: u64 = 8;
/// Far more than a test waits for: a child whose parent died ends by itself.
const BEATS_MAX: u64 = 1_000_000;

/// On the disk at every write, and with time for a killed process to go.
fn synced() -> StoreOptions {
    StoreOptions {
        sync: true,
        ..quick()
    }
}

fn state_of(beat: u64, grid: u64) -> Vec<u8> {
    [beat.to_be_bytes(), grid.to_be_bytes()].concat().repeat(20)
}

/// What `shard` changes in `beat`: a row that is rewritten, one that is added, one that moves
/// between shards, the journal, a checkpoint.
fn changes(beat: u64, shard: u64) -> Submission {
    let mut batch = Batch::new();
    batch.put(Domain::Ship, shard.to_be_bytes(), beat.to_be_bytes());
    let added = [beat.to_be_bytes(), shard.to_be_bytes()].concat();
    batch.put(Domain::Character, added, [shard as u8; 100]);
    // The token is taken away here and handed out there in the same beat.
    if shard == beat % SHARDS {
        batch.put(Domain::Token, beat.to_be_bytes(), b"the one");
    } else if shard == (beat + 1) % SHARDS {
        batch.delete(Domain::Token, (beat - 1).to_be_bytes());
    }
    if beat.is_multiple_of(CHECKPOINT_EVERY) {
        let state = state_of(beat, shard);
        checkpoint::put(&mut batch, GridId(shard as u32), Tick(beat), &state);
    }
    Submission {
        batch,
        record: record_of(beat, shard),
    }
}

/// Large enough to fill a segment now and then.
fn record_of(beat: u64, shard: u64) -> Vec<u8> {
    [beat.to_le_bytes(), shard.to_le_bytes()]
        .concat()
        .repeat(40)
}

/// The child: never returns.
/// Each shard writes a beat, and after the pause the next one.
fn write_until_killed(folder: &Path, pause: Duration) -> ! {
    let store = Store::open(folder, &synced()).unwrap();
    let abort_after: Option<u64> = std::env::var(ABORT_AFTER)
        .ok()
        .map(|beats| beats.parse().unwrap());
    let (committer, ports, control) =
        Committer::start(&store, SHARDS as usize, CommitOptions::default()).unwrap();
    let first = ports[0].next_beat();
    for mut port in ports {
        std::thread::spawn(move || {
            let shard = u64::from(port.shard().0);
            for beat in first.0..first.0 + BEATS_MAX {
                let mut submission = changes(beat, shard);
                while let Err(error) = port.submit(Tick(beat), submission) {
                    let SubmitError::Full {
                        submission: back, ..
                    } = error
                    else {
                        panic!("{error}");
                    };
                    submission = back;
                    std::thread::yield_now();
                }
                std::thread::sleep(pause);
            }
        });
    }
    std::thread::spawn(move || {
        for number in first.0.. {
            let key = number.to_be_bytes();
            let receipt = control.commit(put(Domain::Account, &key, b"account"));
            receipt.wait(PATIENCE).unwrap();
            println!("account {number}");
        }
    });
    let durable = committer.durable();
    let mut beat = first;
    loop {
        assert_eq!(durable.wait(beat, PATIENCE), Ok(true));
        let seen = durable.beat().unwrap();
        println!("durable {seen}");
        if abort_after.is_some_and(|beats| seen.since(first) >= beats) {
            std::process::abort();
        }
        beat = seen.next();
    }
}

/// What the parent heard.
#[derive(Clone, Copy, Default)]
struct Heard {
    lines: u64,
    beat: u64,
    account: u64,
}

impl Heard {
    fn hear(&mut self, line: &str) {
        // The test runner may have begun the line with words of its own.
        let number = |word: &str| -> Option<u64> {
            let (_, number) = line.split_once(word)?;
            number.trim().parse().ok()
        };
        if let Some(beat) = number("durable ") {
            self.beat = self.beat.max(beat);
            self.lines += 1;
        } else if let Some(account) = number("account ") {
            self.account = self.account.max(account);
            self.lines += 1;
        }
    }
}

fn child(test: &str, folder: &Path, abort_after: Option<u64>) -> Child {
    let name = format!("commit::tests::crash::{test}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &name, "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(beats) = abort_after {
        command.env(ABORT_AFTER, beats.to_string());
    }
    command.spawn().unwrap()
}

/// Checks that the store is whole, at or after what was heard, and returns its last beat.
fn verify(folder: &Path, heard: Heard) -> u64 {
    let store = Store::open(folder, &synced()).unwrap();
    let last = store.at_open().last_beat.map_or(0, |beat| beat.0);
    assert!(last >= heard.beat, "beat {} was promised", heard.beat);
    assert!(last == 0 || !store.was_clean());

    let report = audit::structure(&store);
    assert!(report.is_sound(), "{report}");
    if last > 0 {
        assert_eq!(report.journal, Some((Tick(1), Tick(last))));
    }
    let added = dump(&store, Domain::Character);
    let expected: Vec<_> = (1..=last)
        .flat_map(|beat| (0..SHARDS).map(move |shard| (beat, shard)))
        .map(|(beat, shard)| {
            let key = [beat.to_be_bytes(), shard.to_be_bytes()].concat();
            (key, vec![shard as u8; 100])
        })
        .collect();
    assert!(
        added == expected,
        "not every row of beats 1 to {last}, or more"
    );
    for (shard, (key, beat)) in dump(&store, Domain::Ship).iter().enumerate() {
        assert_eq!(key, &(shard as u64).to_be_bytes());
        assert_eq!(beat, &last.to_be_bytes());
    }
    let tokens = dump(&store, Domain::Token);
    let expected = (last > 0).then(|| (last.to_be_bytes().to_vec(), b"the one".to_vec()));
    assert_eq!(tokens, Vec::from_iter(expected));
    let expected = (last / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;
    for grid in 0..SHARDS {
        let newest = checkpoint::newest(&store, GridId(grid as u32), Tick(last)).unwrap();
        assert_eq!(newest.skipped, []);
        assert_eq!(newest.checkpoint.as_ref().map_or(0, |c| c.beat.0), expected);
        if let Some(found) = newest.checkpoint {
            assert_eq!(found.state, state_of(expected, grid));
        }
    }
    for row in journal::range(store.log(), Tick(1)..=Tick(last)).unwrap() {
        let row = row.unwrap();
        let expected = record_of(row.key.beat.0, u64::from(row.key.shard.0));
        assert!(row.record == expected, "{:?}", row.key);
    }
    let promised = KeyRange::between(
        heard.account.to_be_bytes(),
        (heard.account + 1).to_be_bytes(),
    );
    let accounts = store.count(Domain::Account, promised).unwrap();
    assert_eq!(accounts, u64::from(heard.account > 0));
    last
}

#[test]
fn killed_at_any_moment() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_until_killed(Path::new(&folder), Duration::ZERO);
    }
    let scratch = Scratch::new();
    let folder = scratch.path();
    let mut heard = Heard::default();
    let mut last = 0;
    // Lines to wait for before each kill: at once (also while the store is made), soon, later.
    for lines in [0, 0, 1, 0, 2, 50, 3, 120, 7, 0, 200, 30] {
        let mut child = child("killed_at_any_moment", &folder, None);
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let until = heard.lines + lines;
        while heard.lines < until {
            heard.hear(&output.next().unwrap().unwrap());
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
        // What it had said before it died counts as promised.
        output.for_each(|line| heard.hear(&line.unwrap()));
        let now = verify(&folder, heard);
        assert!(now >= last);
        last = now;
    }
    assert!(last >= 100, "only {last} beats were written");
}

#[test]
fn aborted_in_the_middle_of_its_work() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_until_killed(Path::new(&folder), Duration::ZERO);
    }
    let scratch = Scratch::new();
    let mut heard = Heard::default();
    for beats in [1, 20, 90] {
        let test = "aborted_in_the_middle_of_its_work";
        let mut child = child(test, &scratch.path(), Some(beats));
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        output.for_each(|line| heard.hear(&line.unwrap()));
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(6), "it ended by itself: {status}");
        verify(&scratch.path(), heard);
    }
    assert!(heard.beat > 100);
}

#[test]
fn another_process_is_locked_out() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        // Many times faster than a server, but not so that no look at it can ever be whole.
        write_until_killed(Path::new(&folder), Duration::from_millis(1));
    }
    let scratch = Scratch::new();
    let mut child = child("another_process_is_locked_out", &scratch.path(), None);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = Heard::default();
    while heard.lines == 0 {
        heard.hear(&output.next().unwrap().unwrap());
    }
    let options = StoreOptions {
        lock_patience: Duration::ZERO,
        ..StoreOptions::default()
    };
    let refused = Store::open(scratch.path(), &options);
    // A tool may look on meanwhile.
    let options = StoreOptions {
        read_only: true,
        ..StoreOptions::default()
    };
    // A look in which something moved is repeated.
    let looked = (0..100).find_map(|_| match Store::open(scratch.path(), &options) {
        Err(OpenError::Unsettled { .. }) => None,
        opened => Some(opened.map(|store| audit::structure(&store))),
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let message = refused.expect_err("the child has it").to_string();
    let folder = scratch.path().display().to_string();
    assert!(message.contains(&folder), "{message}");
    assert!(message.contains("in use by another process"), "{message}");
    let report = looked.expect("one look succeeds").unwrap();
    assert!(report.is_sound(), "{report}");
    assert!(report.meta.unwrap().last_beat.is_some());
}
