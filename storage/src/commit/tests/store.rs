//! The committer over RocksDB.

use super::*;
use crate::testing::quick;
use crate::{Store, audit, journal};

#[test]
fn a_beat_is_in_the_store_with_its_number() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (committer, mut ports, control) =
        Committer::start(&store, 2, CommitOptions::default()).unwrap();
    let durable = committer.durable();
    for beat in 1..=10 {
        for port in &mut ports {
            let mut batch = row_of(usize::from(port.shard().0), beat);
            journal::put(&mut batch, Tick(beat), port.shard(), b"record");
            port.submit(Tick(beat), batch).unwrap();
        }
    }
    assert_eq!(durable.wait(Tick(10), PATIENCE), Ok(true));
    // Durable means readable, from the same handle.
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
    ports[0].submit(Tick(1), row_of(0, 1)).unwrap();
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

/// A log over a real store that fails once, after the store has taken the write or before.
struct FailingLog {
    inner: SyncedWal,
    fail_at: Tick,
    after_writing: bool,
}

impl CommitLog for FailingLog {
    fn commit(&mut self, through: Option<Tick>, batch: &Batch) -> Result<(), LogError> {
        if through < Some(self.fail_at) {
            return self.inner.commit(through, batch);
        }
        if self.after_writing {
            self.inner.commit(through, batch)?;
        }
        Err("the controller has gone".into())
    }

    fn flush(&mut self) -> Result<(), LogError> {
        self.inner.flush()
    }
}

/// Whether the failed write is on the disk or not, the store opens at a whole beat that is not
/// older than what was acknowledged.
#[test]
fn after_a_failure_the_store_opens_at_a_whole_beat() {
    for after_writing in [false, true] {
        let scratch = Scratch::new();
        let store = scratch.open();
        let log = FailingLog {
            inner: SyncedWal::new(&store).unwrap(),
            fail_at: Tick(3),
            after_writing,
        };
        let options = CommitOptions::default();
        let (committer, mut ports, _) =
            Committer::start_with(Box::new(log), None, 2, options).unwrap();
        let durable = committer.durable();
        for beat in 1..=3 {
            for (shard, port) in ports.iter_mut().enumerate() {
                port.submit(Tick(beat), row_of(shard, beat)).unwrap();
            }
            let outcome = durable.wait(Tick(beat), PATIENCE);
            assert_eq!(outcome.is_err(), beat == 3);
        }
        assert_eq!(durable.beat(), Some(Tick(2)));
        committer.finish().unwrap_err();
        drop(store);
        let store = scratch.open();
        let last = store.at_open().last_beat.unwrap();
        assert_eq!(last, Tick(if after_writing { 3 } else { 2 }));
        assert_eq!(dump(&store, Domain::Ship).len() as u64, 2 * last.0);
        assert!(!store.was_clean());
    }
}

/// What the engine says no to: the store is closed for writing until it is opened again.
#[test]
fn a_broken_log_breaks_the_handle() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut log = SyncedWal::new(&store).unwrap();
    // As left behind by a write that never came back.
    log.failed = true;
    drop(log);
    assert_eq!(store.write(&account("me")), Err(WriteError::FailedBefore));
    let refused = Committer::start(&store, 1, CommitOptions::default());
    assert!(matches!(
        refused.err(),
        Some(StartError::Store(WriteError::FailedBefore))
    ));
    drop(store);
    scratch.open().write(&account("me")).unwrap();
}
