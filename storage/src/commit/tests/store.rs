//! The committer over RocksDB.

use super::*;
use crate::testing::quick;
use crate::{Store, WriteError, audit};

#[test]
fn a_beat_is_in_the_store_with_its_number() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, mut ports, control) =
        Committer::start(&store, 2, CommitOptions::default()).unwrap();
    let durable = committer.durable();
    for beat in 1..=10 {
        for port in &mut ports {
            let share = share_of(usize::from(port.shard().0), beat);
            port.submit(Tick(beat), share).unwrap();
        }
    }
    assert_eq!(durable.wait(Tick(10), PATIENCE), Ok(true));
    // Applied means readable, from the same handle.
    assert_eq!(committer.applied().wait(Tick(10), PATIENCE), Ok(true));
    assert_eq!(store.meta().unwrap().last_beat, Some(Tick(10)));
    assert!(!store.meta().unwrap().was_clean);
    assert_eq!(dump(&store, Domain::Ship).len(), 20);
    assert_eq!(control.commit(account("me")).wait(PATIENCE), Ok(()));
    assert!(store.get(Domain::Account, b"me").unwrap().is_some());
    let report = audit::structure(&store);
    assert!(report.is_sound(), "{report}");

    let finished = committer.finish().unwrap();
    assert!(finished.clean);
    drop((store, ports, control));
    let store = scratch.open();
    assert!(store.was_clean());
    assert_eq!(store.at_open().last_beat, Some(Tick(10)));
    // The next session goes on behind it.
    let (_committer, ports, _) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    assert_eq!(ports[0].next_beat(), Tick(11));
}

#[test]
fn an_end_without_finish_is_not_clean() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, mut ports, _) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    ports[0].submit(Tick(1), share_of(0, 1)).unwrap();
    committer.durable().wait(Tick(1), PATIENCE).unwrap();
    drop(committer);
    drop(store);
    let store = scratch.open();
    assert!(!store.was_clean());
    assert_eq!(store.at_open().last_beat, Some(Tick(1)));
    assert_eq!(dump(&store, Domain::Ship).len(), 1);
    // It stays so until a session ends in order, also one without beats.
    drop(store);
    let store = scratch.open();
    assert!(!store.was_clean());
    let (committer, ..) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    assert!(committer.finish().unwrap().clean);
    drop(store);
    assert!(scratch.open().was_clean());
}

#[test]
fn a_session_that_wrote_nothing_leaves_a_clean_store_clean() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, ..) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    drop(committer);
    drop(store);
    assert!(scratch.open().was_clean());
}

#[test]
fn a_store_has_one_way_to_be_written() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, ..) = Committer::start(&store, 1, CommitOptions::default()).unwrap();
    let refused = store.write(&account("me"));
    assert_eq!(refused, Err(WriteError::CommitterRunning));
    let second = Committer::start(&store, 1, CommitOptions::default());
    assert!(matches!(
        second.err(),
        Some(StartError::Store(WriteError::CommitterRunning))
    ));
    drop(committer);
    store.write(&account("me")).unwrap();

    let options = StoreOptions {
        read_only: true,
        ..quick()
    };
    let reader = Store::open(scratch.path(), &options).unwrap();
    let refused = Committer::start(&reader, 1, CommitOptions::default());
    assert!(matches!(
        refused.err(),
        Some(StartError::Store(WriteError::ReadOnly))
    ));
}

#[test]
fn a_refused_start_leaves_the_store_writable() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    meta::put_last_beat(&mut batch, Tick(5));
    store.write(&batch).unwrap();
    let options = CommitOptions {
        first_beat: Some(Tick(5)),
        ..CommitOptions::default()
    };
    let refused = Committer::start(&store, 1, options);
    assert!(matches!(
        refused.err(),
        Some(StartError::BeatIsDurable { .. })
    ));
    store.write(&account("me")).unwrap();
}

/// What a failed write leaves behind: the store is closed for writing until it is opened again.
#[test]
fn a_failed_commit_breaks_the_handle() {
    let scratch = Scratch::new();
    let store = scratch.open();
    drop(store.take_writer().unwrap());
    store.release_writer(None);
    assert_eq!(store.write(&account("me")), Err(WriteError::FailedBefore));
    let refused = Committer::start(&store, 1, CommitOptions::default());
    assert!(matches!(
        refused.err(),
        Some(StartError::Store(WriteError::FailedBefore))
    ));
    drop(store);
    scratch.open().write(&account("me")).unwrap();
}

/// Segments come and go: full ones are flushed, compressed, and let go when neither the rows nor
/// anybody who replays needs them.
#[test]
fn the_log_is_bounded_by_what_is_wanted() {
    const BEATS: u64 = 200;
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, mut ports, control) =
        Committer::start(&store, 1, CommitOptions::default()).unwrap();
    let mut noise = 1_u64;
    let mut record = || {
        let words = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            noise.to_le_bytes()
        });
        words.take(1500).flatten().collect::<Vec<u8>>()
    };
    for beat in 1..=BEATS {
        let submission = Submission {
            batch: row_of(0, beat),
            record: record(),
        };
        ports[0].submit(Tick(beat), submission).unwrap();
        assert_eq!(committer.durable().wait(Tick(beat), PATIENCE), Ok(true));
        if beat == BEATS / 2 {
            control.keep_journal(Tick(90), Tick(90));
        }
    }
    assert!(committer.finish().unwrap().clean);
    let (first, last) = crate::journal::span(store.log(), Tick(BEATS))
        .unwrap()
        .unwrap();
    assert_eq!(last.beat, Tick(BEATS));
    assert!(first.beat <= Tick(90), "{first:?}");
    assert!(
        first.beat >= Tick(70),
        "{first:?}: whole segments are let go"
    );
    let report = audit::structure(&store);
    assert!(report.is_sound(), "{report}");
    drop(store);
    let store = scratch.open();
    assert_eq!(dump(&store, Domain::Ship).len() as u64, BEATS);
    assert!(store.was_clean());
}
