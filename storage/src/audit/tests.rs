use super::*;
use crate::testing::{Scratch, put, write_records};
use crate::{Batch, meta};

fn key(grid: u32, beat: u64) -> [u8; 12] {
    let (grid, beat) = (GridId(grid), Tick(beat));
    CheckpointKey { grid, beat }.encode()
}

/// The records of these beats on two shards, one frame for each beat.
fn beats(store: &Store, beats: impl Iterator<Item = u64>) {
    for beat in beats {
        write_records(store, &[(beat, 0), (beat, 1)], b"record");
    }
}

/// The rows of a store with beats up to 20, and checkpoints of 10 and 15.
fn rows() -> Batch {
    let mut batch = Batch::new();
    for (grid, beat) in [(4, 10), (4, 15), (5, 10)] {
        checkpoint::put(&mut batch, GridId(grid), Tick(beat), b"state");
    }
    batch.put(Domain::Ship, b"id", b"ship");
    meta::put_last_beat(&mut batch, Tick(20));
    meta::delete_clean(&mut batch);
    batch
}

fn world(scratch: &Scratch) -> Store {
    let store = scratch.open();
    beats(&store, 11..=20);
    store.write(&rows()).unwrap();
    store
}

#[test]
fn a_sound_store_is_measured() {
    let scratch = Scratch::new();
    let store = world(&scratch);
    let report = structure(&store);
    assert!(report.is_sound(), "{report}");
    assert_eq!(report.findings, []);
    assert_eq!(report.last_beat(), Some(Tick(20)));
    assert_eq!(report.frames, Some((1, 11)));
    assert_eq!(report.journal, Some((Tick(11), Tick(20))));
    let checkpoints = [(GridId(4), (2, Tick(15))), (GridId(5), (1, Tick(10)))];
    assert_eq!(report.checkpoints, checkpoints.into());
    assert_eq!(report.volumes.len(), Domain::ALL.len());
    let ships = Volume { rows: 1, bytes: 6 };
    assert_eq!(report.volumes[&Domain::Ship], ships);
    let text = report.to_string();
    for line in [
        "schema 2, last beat 20, not clean",
        "beat log: frames 1 to 11",
        "journal: beats 11 to 20",
        "checkpoints: 3 of 2 grids, the newest of beat 15",
        "ship: 1 rows, 6 bytes",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_fresh_store_is_sound() {
    let scratch = Scratch::new();
    let report = structure(&scratch.open());
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.journal, report.newest_checkpoint()), (None, None));
}

/// Audits a store with these findings, in any order.
fn expect_found(store: &Store, expected: &[Finding]) {
    let report = structure(store);
    let mut found = report.findings.clone();
    found.sort_by_key(|finding| expected.iter().position(|e| e == finding));
    assert_eq!(found, expected);
    assert!(!report.is_sound());
    assert!(report.to_string().contains("DAMAGE: "));
}

/// Does the damage to a sound store and expects exactly these findings.
fn expect(damage: &Batch, expected: &[Finding]) {
    let scratch = Scratch::new();
    let store = world(&scratch);
    store.write(damage).unwrap();
    expect_found(&store, expected);
}

const LAST: Option<Tick> = Some(Tick(20));

#[test]
fn a_wrong_description_is_found() {
    let beyond = |grid, beat| Finding::CheckpointBeyond {
        grid: GridId(grid),
        beat: Tick(beat),
        last_beat: None,
    };
    let end = Finding::JournalEnd {
        journal: Tick(20),
        last_beat: None,
    };
    let undecodable = Finding::Meta("the last_beat row has 1 bytes instead of 8".into());
    expect(
        &put(Domain::Meta, meta::LAST_BEAT_KEY, b"?"),
        &[
            undecodable,
            beyond(4, 10),
            beyond(4, 15),
            beyond(5, 10),
            end,
        ],
    );
}

#[test]
fn bad_checkpoints_are_found() {
    let bad_key = Finding::BadKey {
        domain: Domain::Checkpoint,
        key: b"what".to_vec(),
    };
    expect(&put(Domain::Checkpoint, b"what", b""), &[bad_key]);
    let damaged = |fault| Finding::Checkpoint {
        grid: GridId(4),
        beat: Tick(10),
        fault,
    };
    let short = put(Domain::Checkpoint, &key(4, 10), b"short");
    expect(&short, &[damaged(CheckpointFault::BadHead)]);
    let wrong = put(
        Domain::Checkpoint,
        &key(4, 10),
        b"\x01\x00\x00\x00\x00\x05????state",
    );
    expect(&wrong, &[damaged(CheckpointFault::Mismatch)]);
    let mut future = Batch::new();
    checkpoint::put(&mut future, GridId(9), Tick(21), b"state");
    let beyond = Finding::CheckpointBeyond {
        grid: GridId(9),
        beat: Tick(21),
        last_beat: LAST,
    };
    expect(&future, &[beyond]);
}

#[test]
fn a_journal_with_holes_is_found() {
    let shard = |beat, shard| Finding::JournalShard {
        beat: Tick(beat),
        shard: ShardIndex(shard),
    };
    let end = |journal| Finding::JournalEnd {
        journal: Tick(journal),
        last_beat: LAST,
    };
    let gap = |after, before| Finding::JournalGap {
        after: Tick(after),
        before: Tick(before),
    };
    type Records = fn(&Store);
    let cases: [(Records, &[Finding]); 6] = [
        (
            |store| {
                beats(store, 11..=12);
                beats(store, 16..=20);
            },
            &[gap(12, 16)],
        ),
        (
            |store| {
                beats(store, 11..=12);
                write_records(store, &[(13, 1)], b"record");
                beats(store, 14..=20);
            },
            &[shard(13, 0)],
        ),
        (
            |store| {
                beats(store, 11..=19);
                write_records(store, &[(20, 0), (20, 1), (20, 3)], b"record");
            },
            &[shard(20, 2)],
        ),
        (|store| beats(store, 11..=21), &[end(21)]),
        (|store| beats(store, 11..=19), &[end(19)]),
        (
            |store| beats(store, 17..=20),
            &[Finding::ReplayGap {
                checkpoint: Tick(15),
                journal: Tick(17),
            }],
        ),
    ];
    for (records, expected) in cases {
        let scratch = Scratch::new();
        let store = scratch.open();
        records(&store);
        store.write(&rows()).unwrap();
        expect_found(&store, expected);
    }
}

#[test]
fn a_damaged_log_is_found() {
    let scratch = Scratch::new();
    let store = world(&scratch);
    let log = scratch.path().join("log");
    let segment = std::fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    // The last frame is gone.
    let mut cut = bytes.clone();
    cut[4096 * 11..].fill(0);
    std::fs::write(&segment, cut).unwrap();
    expect_found(
        &store,
        &[Finding::LogEnd {
            log: 10,
            applied: 11,
        }],
    );
    // A frame in the middle is not what was written.
    let mut rotten = bytes;
    rotten[4096 * 5 + 70] ^= 4;
    std::fs::write(&segment, rotten).unwrap();
    let report = structure(&store);
    assert!(matches!(report.findings[0], Finding::Log(_)), "{report}");
    assert!(!report.is_sound());
}

#[test]
fn findings_are_bounded() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    for number in 0_u16..1100 {
        batch.put(Domain::Checkpoint, number.to_be_bytes(), b"");
    }
    store.write(&batch).unwrap();
    let report = structure(&store);
    assert_eq!(report.findings.len(), FINDINGS_MAX);
    assert_eq!(report.findings_omitted, 100);
    assert!(!report.is_sound());
}
