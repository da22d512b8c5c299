//! The committer over a disk that the test opens and closes like a gate, so that every
//! interleaving under test is forced and none is hoped for; then over a real store.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};

use super::simulated::MapSink;
use super::*;
use crate::log::{BeatLog, Frame, LogOptions, ReadFrom, read};
use crate::testing::{Scratch, dump, put, small_log};
use orrery_base::ShardIndex;

use crate::{Batch, Domain, KeyRange, Rows, StoreOptions, meta};

use gate::{GateDisk, Word};

mod crash;
mod faults;
mod gate;
mod gather;
mod pipeline;
mod store;

/// Longer than any wait that ends well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A committer over a [`GateDisk`], and the test's side of the gate.
struct Gate {
    committer: Committer,
    ports: Vec<BeatPort>,
    control: ControlPort,
    begun: Receiver<()>,
    word: Option<Sender<Word>>,
    disk: GateDisk,
    sink: Arc<MapSink>,
    /// What the commit gave back at its end: whether with the log.
    home: Receiver<bool>,
}

impl Gate {
    fn new(shards: usize, options: CommitOptions) -> Self {
        let (disk, begun, word) = GateDisk::new();
        let sink = Arc::new(MapSink::new());
        let opened = recover(disk.clone(), small_log(), &*sink).unwrap();
        let (came, home) = channel();
        let (committer, ports, control) = Committer::start_with(
            opened,
            Arc::clone(&sink),
            None,
            shards,
            options,
            Box::new(move |log: Option<BeatLog<GateDisk>>| {
                // Nobody may be listening any more.
                let _ = came.send(log.is_some());
            }),
        )
        .unwrap();
        Self {
            committer,
            ports,
            control,
            begun,
            word: Some(word),
            disk,
            sink,
            home,
        }
    }

    /// Until the thread is in the middle of a write.
    fn wait_for_write(&self) {
        self.begun.recv_timeout(PATIENCE).unwrap();
    }

    fn say(&self, word: Word) {
        self.word.as_ref().unwrap().send(word).unwrap();
    }

    /// Lets one write through.
    fn pass(&self) {
        self.wait_for_write();
        self.say(Word::Write);
    }

    /// Lets everything through from now on.
    fn open(&mut self) {
        self.word = None;
    }

    fn submit(&mut self, shard: usize, beat: u64) {
        let submission = share_of(shard, beat);
        self.ports[shard].submit(Tick(beat), submission).unwrap();
    }

    fn submit_all(&mut self, beat: u64) {
        (0..self.ports.len()).for_each(|shard| self.submit(shard, beat));
    }

    fn wait_durable(&self, beat: u64) {
        let durable = self.committer.durable().wait(Tick(beat), PATIENCE);
        assert_eq!(durable, Ok(true));
    }

    fn frames(&self) -> Vec<Frame> {
        frames(&self.disk)
    }

    fn written(&self) -> Vec<(Option<Tick>, Batch)> {
        let frames = self.frames().into_iter();
        frames.map(|frame| (frame.through, frame.rows)).collect()
    }
}

fn frames(disk: &GateDisk) -> Vec<Frame> {
    let frames = read(disk, ReadFrom::Start).unwrap();
    frames.map(|frame| frame.unwrap()).collect()
}

fn patient() -> CommitOptions {
    CommitOptions {
        // Control batches ride on beats only.
        control_delay: Duration::from_secs(3600),
        ..CommitOptions::default()
    }
}

fn row_of(shard: usize, beat: u64) -> Batch {
    put(Domain::Ship, format!("{beat}/{shard}").as_bytes(), b"row")
}

fn share_of(shard: usize, beat: u64) -> Submission {
    Submission {
        batch: row_of(shard, beat),
        record: format!("record {beat}/{shard}").into_bytes(),
    }
}

fn account(name: &str) -> Batch {
    put(Domain::Account, name.as_bytes(), b"row")
}

/// What a write has to hold, after the removal of the clean mark by the first one.
fn expected(first: bool, parts: &[Batch], last: Option<u64>) -> Batch {
    let mut batch = Batch::new();
    if first {
        meta::delete_clean(&mut batch);
    }
    parts.iter().for_each(|part| batch.append(part));
    if let Some(beat) = last {
        meta::put_last_beat(&mut batch, Tick(beat));
    }
    batch
}

#[test]
fn a_beat_waits_for_every_shard_and_is_merged_in_shard_order() {
    let mut gate = Gate::new(3, patient());
    gate.open();
    assert_eq!(gate.committer.durable().beat(), None);
    gate.submit(2, 1);
    gate.submit(0, 1);
    gate.submit(0, 2);
    gate.submit(2, 2);
    assert_eq!(gate.committer.durable().beat(), None);
    gate.submit(1, 1);
    gate.wait_durable(1);
    assert_eq!(gate.committer.durable().beat(), Some(Tick(1)));
    let parts = [0, 1, 2].map(|shard| row_of(shard, 1));
    let write = (Some(Tick(1)), expected(true, &parts, Some(1)));
    assert_eq!(gate.written(), [write]);
    gate.submit(1, 2);
    gate.wait_durable(2);
    let parts = [0, 1, 2].map(|shard| row_of(shard, 2));
    let write = (Some(Tick(2)), expected(false, &parts, Some(2)));
    assert_eq!(gate.written()[1], write);
    let frame = gate.frames().remove(1);
    let records: Vec<_> = frame
        .records
        .iter()
        .map(|record| (record.beat, record.shard, record.bytes.clone()))
        .collect();
    let expected: Vec<_> = (0..3)
        .map(|shard| {
            let record = share_of(usize::from(shard), 2).record;
            (Tick(2), ShardIndex(shard), record)
        })
        .collect();
    assert_eq!(records, expected);
}

#[test]
fn beats_that_wait_for_a_slow_disk_become_one_write() {
    let mut gate = Gate::new(2, patient());
    gate.submit_all(1);
    gate.wait_for_write();
    for beat in 2..=4 {
        gate.submit_all(beat);
    }
    gate.submit(0, 5);
    assert_eq!(gate.committer.stats().snapshot().beats_waiting, 4);
    let durable = gate.committer.durable();
    assert_eq!(durable.beat(), None, "nothing before the log has it");
    gate.say(Word::Write);
    gate.pass();
    gate.wait_durable(4);
    let parts: Vec<Batch> = (2..=4)
        .flat_map(|beat| [row_of(0, beat), row_of(1, beat)])
        .collect();
    let write = (Some(Tick(4)), expected(false, &parts, Some(4)));
    assert_eq!(gate.written()[1..], [write]);
    let stats = gate.committer.stats().snapshot();
    assert_eq!((stats.writes, stats.beats), (2, 4));
    assert_eq!((stats.write_beats.count, stats.write_beats.max), (2, 3));
    assert_eq!((stats.beat_us.count, stats.write_us.count), (4, 2));
    let frames = gate.frames();
    let rows: usize = frames.iter().map(|frame| frame.rows.len()).sum();
    let records = frames.iter().flat_map(|frame| &frame.records);
    let bytes = frames.iter().map(|frame| frame.rows.bytes()).sum::<usize>()
        + records.map(|record| record.bytes.len()).sum::<usize>();
    assert_eq!((stats.rows, stats.bytes), (rows as u64, bytes as u64));
}

#[test]
fn a_write_is_bounded_in_bytes_but_holds_a_whole_beat() {
    let options = CommitOptions {
        write_bytes_max: 1,
        ..patient()
    };
    let mut gate = Gate::new(2, options);
    gate.submit_all(1);
    gate.wait_for_write();
    (2..=3).for_each(|beat| gate.submit_all(beat));
    gate.say(Word::Write);
    gate.open();
    gate.wait_durable(3);
    let through: Vec<_> = gate.written().iter().map(|write| write.0).collect();
    assert_eq!(through, [1, 2, 3].map(|beat| Some(Tick(beat))));
}

#[test]
fn a_full_port_gives_the_beat_back() {
    let options = CommitOptions {
        beats_waiting_max: 2,
        ..patient()
    };
    let mut gate = Gate::new(1, options);
    gate.submit(0, 1);
    gate.wait_for_write();
    gate.submit(0, 2);
    gate.submit(0, 3);
    let refused = gate.ports[0].submit(Tick(4), share_of(0, 4));
    let Err(SubmitError::Full {
        submission,
        waiting: 2,
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(submission, share_of(0, 4));
    assert_eq!(gate.ports[0].next_beat(), Tick(4));
    assert_eq!(gate.ports[0].waiting(), 2);
    gate.say(Word::Write);
    gate.wait_for_write();
    // The writer has taken beats 2 and 3: there is room again, and nothing was lost.
    gate.ports[0].submit(Tick(4), submission).unwrap();
    gate.open();
    gate.wait_durable(4);
    let beats: Vec<_> = gate.written().iter().map(|write| write.0).collect();
    assert_eq!(beats, [1, 3, 4].map(|beat| Some(Tick(beat))));
}

/// A beat of any size is taken if nothing else waits; then bytes count, not beats.
#[test]
fn a_port_is_full_in_bytes_too() {
    let options = CommitOptions {
        bytes_waiting_max: 1000,
        control_bytes_max: 1000,
        ..patient()
    };
    let mut gate = Gate::new(1, options);
    gate.submit(0, 1);
    gate.wait_for_write();
    let large = |record_bytes| Submission {
        batch: Batch::new(),
        record: vec![1; record_bytes],
    };
    gate.ports[0].submit(Tick(2), large(5000)).unwrap();
    let refused = gate.ports[0].submit(Tick(3), large(1));
    assert!(matches!(refused, Err(SubmitError::Full { waiting: 1, .. })));
    let heavy = gate
        .control
        .commit(put(Domain::Account, b"big", &[1; 5000]));
    assert_eq!(heavy.outcome(), None);
    let refused = gate.control.commit(account("small"));
    assert_eq!(refused.outcome(), Some(Err(ReceiptError::Full)));
    gate.say(Word::Write);
    gate.wait_for_write();
    gate.ports[0].submit(Tick(3), large(500)).unwrap();
    gate.ports[0].submit(Tick(4), large(500)).unwrap();
    assert!(gate.ports[0].submit(Tick(5), large(1)).is_err());
    gate.open();
    gate.wait_durable(4);
    assert_eq!(heavy.wait(PATIENCE), Ok(()));
}

#[test]
fn beats_come_one_by_one() {
    let mut gate = Gate::new(1, patient());
    gate.open();
    assert_eq!(gate.ports[0].next_beat(), Tick(1));
    for wrong in [0, 2] {
        let refused = gate.ports[0].submit(Tick(wrong), share_of(0, wrong));
        let Err(SubmitError::OutOfOrder {
            submission,
            submitted,
            expected: Tick(1),
        }) = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!((submission, submitted), (share_of(0, wrong), Tick(wrong)));
    }
    gate.submit(0, 1);
    gate.wait_durable(1);
}

#[test]
fn control_rows_ride_on_the_next_beat_after_its_rows() {
    let mut gate = Gate::new(2, patient());
    gate.open();
    let first = gate.control.commit(account("first"));
    let second = gate.control.clone().commit(account("second"));
    assert_eq!(first.wait(Duration::ZERO), Err(ReceiptError::TimedOut));
    assert_eq!(first.outcome(), None);
    assert_eq!(gate.committer.stats().snapshot().control_waiting, 2);
    gate.submit_all(1);
    assert_eq!(first.wait(PATIENCE), Ok(()));
    assert_eq!(second.wait(PATIENCE), Ok(()));
    let parts = [
        row_of(0, 1),
        row_of(1, 1),
        account("first"),
        account("second"),
    ];
    let write = (Some(Tick(1)), expected(true, &parts, Some(1)));
    assert_eq!(gate.written(), [write]);
    assert_eq!(gate.committer.stats().snapshot().control_batches, 2);
}

#[test]
fn control_rows_do_not_wait_for_beats_that_never_come() {
    let options = CommitOptions {
        control_delay: Duration::from_millis(1),
        ..CommitOptions::default()
    };
    // Also with shards that have stopped, and with none at all.
    for shards in [0, 2] {
        let mut gate = Gate::new(shards, options.clone());
        gate.open();
        let receipt = gate.control.commit(account("lonely"));
        assert_eq!(receipt.wait(PATIENCE), Ok(()));
        let write = (None, expected(true, &[account("lonely")], None));
        assert_eq!(gate.written(), [write]);
        assert_eq!(gate.committer.durable().beat(), None);
    }
}

#[test]
fn too_many_control_batches_are_refused_and_the_others_kept() {
    let options = CommitOptions {
        control_batches_max: 2,
        ..patient()
    };
    let mut gate = Gate::new(1, options);
    let receipts = ["a", "b", "c"].map(|name| gate.control.commit(account(name)));
    assert_eq!(receipts[2].outcome(), Some(Err(ReceiptError::Full)));
    gate.submit(0, 1);
    gate.pass();
    assert_eq!(receipts[0].wait(PATIENCE), Ok(()));
    assert_eq!(receipts[1].wait(PATIENCE), Ok(()));
}

/// Wakes the test thread, as a runtime would poll the task again.
struct Notify(Sender<()>);

impl Wake for Notify {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

#[test]
fn a_receipt_can_be_awaited_or_call_back() {
    let mut gate = Gate::new(1, patient());
    let awaited = gate.control.commit(account("awaited"));
    let early = gate.control.commit(account("early"));
    let rude = gate.control.commit(account("rude"));
    let late = gate.control.commit(account("late"));

    let (woken_tx, woken) = channel();
    let waker = Waker::from(Arc::new(Notify(woken_tx)));
    let mut context = Context::from_waker(&waker);
    let mut awaited = std::pin::pin!(awaited);
    assert_eq!(awaited.as_mut().poll(&mut context), Poll::Pending);
    let (called, calls) = channel();
    let called_early = called.clone();
    early.on_durable(move |outcome| {
        let thread = std::thread::current().name().map(String::from);
        called_early.send((outcome, thread)).unwrap();
    });
    rude.on_durable(|_| panic!("a bad callback"));

    gate.submit(0, 1);
    gate.pass();
    woken.recv_timeout(PATIENCE).unwrap();
    assert_eq!(awaited.as_mut().poll(&mut context), Poll::Ready(Ok(())));
    let call = calls.recv_timeout(PATIENCE).unwrap();
    assert_eq!(call, (Ok(()), Some("orrery-apply".into())));

    // The bad callback cost nobody anything, and a late question is answered at once.
    assert_eq!(late.wait(PATIENCE), Ok(()));
    let me = std::thread::current().id();
    late.on_durable(move |outcome| {
        assert_eq!(std::thread::current().id(), me);
        called.send((outcome, None)).unwrap();
    });
    assert_eq!(calls.try_recv(), Ok((Ok(()), None)));
    gate.submit(0, 2);
    gate.pass();
    gate.wait_durable(2);
}

use std::future::Future as _;

#[test]
fn after_a_failed_write_nothing_is_acknowledged_any_more() {
    for word in [Word::Fail, Word::Panic] {
        let mut gate = Gate::new(1, patient());
        gate.submit(0, 1);
        gate.pass();
        gate.wait_durable(1);
        let in_write = gate.control.commit(account("in the write"));
        gate.submit(0, 2);
        gate.wait_for_write();
        let waiting = gate.control.commit(account("waiting"));
        gate.submit(0, 3);
        gate.say(word);

        let durable = gate.committer.durable();
        let failure = durable.wait(Tick(3), PATIENCE).unwrap_err();
        let reason = match word {
            Word::Fail => {
                assert_eq!(failure.beat, Some(Tick(2)));
                "the write of beat 2 failed: write to the beat log: the disk is on fire"
            }
            _ => "a write outside the beat failed: the commit thread panicked: the disk is broken",
        };
        assert_eq!(failure.to_string(), reason);
        assert_eq!(durable.beat(), Some(Tick(1)));
        assert_eq!(durable.failed(), Some(failure.clone()));
        assert_eq!(durable.wait(Tick(1), PATIENCE), Ok(true));

        let failed = Err(ReceiptError::Failed(failure.clone()));
        assert_eq!(in_write.wait(PATIENCE), failed);
        assert_eq!(waiting.wait(PATIENCE), failed);
        let afterwards = gate.control.commit(account("afterwards"));
        assert_eq!(afterwards.outcome(), Some(failed));
        let refused = gate.ports[0].submit(Tick(4), Submission::default());
        assert!(matches!(refused, Err(SubmitError::Failed(found)) if found == failure));
        assert_eq!(gate.written().len(), 1);
        assert_eq!(gate.committer.finish(), Err(failure));
        assert_eq!(gate.home.recv_timeout(PATIENCE), Ok(false));
    }
}

#[test]
fn finishing_writes_what_is_complete_and_leaves_a_mark() {
    let mut gate = Gate::new(2, patient());
    gate.open();
    gate.submit_all(1);
    gate.submit_all(2);
    let receipt = gate.control.commit(account("last"));
    let report = gate.committer.finish().unwrap();
    let expected = FinishReport {
        last_beat: Some(Tick(2)),
        batches_discarded: 0,
        clean: true,
    };
    assert_eq!(report, expected);
    assert_eq!(receipt.outcome(), Some(Ok(())));
    let written = frames(&gate.disk);
    let mut mark = Batch::new();
    meta::put_clean(&mut mark);
    assert_eq!(written.last().map(|frame| &frame.rows), Some(&mark));
    // Everything is applied and flushed: the next opening has nothing to do.
    assert_eq!(gate.sink.unflushed(), 0);
    assert_eq!(gate.sink.rows().applied(), written.len() as u64);
    assert_eq!(gate.home.recv_timeout(PATIENCE), Ok(true));
    let refused = gate.ports[0].submit(Tick(3), Submission::default());
    assert!(matches!(refused, Err(SubmitError::Finished)));
    let refused = gate.control.commit(Batch::new());
    assert_eq!(refused.outcome(), Some(Err(ReceiptError::Finished)));
}

#[test]
fn a_beat_that_a_shard_never_submitted_is_not_written_and_not_clean() {
    let mut gate = Gate::new(3, patient());
    gate.open();
    gate.submit_all(1);
    gate.submit(0, 2);
    gate.submit(2, 2);
    let report = gate.committer.finish().unwrap();
    let expected = FinishReport {
        last_beat: Some(Tick(1)),
        batches_discarded: 2,
        clean: false,
    };
    assert_eq!(report, expected);
    assert_eq!(frames(&gate.disk).len(), 1);
}

#[test]
fn a_dropped_committer_ends_after_the_write_at_hand() {
    let mut gate = Gate::new(1, patient());
    gate.submit(0, 1);
    gate.wait_for_write();
    gate.submit(0, 2);
    let receipt = gate.control.commit(account("too late"));
    let durable = gate.committer.durable();
    let Gate {
        committer,
        mut ports,
        word,
        disk,
        ..
    } = gate;
    // The stop has to be seen before the next beat: it is ordered before the word.
    committer.shared.stop.store(ABANDON, Ordering::Release);
    word.unwrap().send(Word::Write).unwrap();
    drop(committer);
    assert_eq!(durable.beat(), Some(Tick(1)));
    assert_eq!(frames(&disk).len(), 1);
    assert_eq!(receipt.outcome(), Some(Err(ReceiptError::Finished)));
    let refused = ports[0].submit(Tick(3), Submission::default());
    assert!(matches!(refused, Err(SubmitError::Finished)));
}

#[test]
fn waiting_for_a_beat_ends_with_the_time() {
    let gate = Gate::new(1, patient());
    let durable = gate.committer.durable();
    assert_eq!(durable.wait(Tick(1), Duration::from_millis(1)), Ok(false));
}

#[test]
fn starting_is_refused_with_a_reason() {
    let start = |last, first, shards| {
        let (disk, _begun, _word) = GateDisk::new();
        let sink = Arc::new(MapSink::new());
        let opened = recover(disk, LogOptions::default(), &*sink).unwrap();
        let options = CommitOptions {
            first_beat: first,
            ..CommitOptions::default()
        };
        let (came, home) = channel();
        let home_word = Box::new(move |log: Option<_>| came.send(log.is_some()).unwrap());
        Committer::start_with(opened, sink, last, shards, options, home_word)
            .map(|(_, ports, _)| ports[0].next_beat())
            .inspect_err(|_| assert_eq!(home.recv(), Ok(true)))
    };
    assert_eq!(start(None, None, 1).unwrap(), Tick(1));
    assert_eq!(start(None, Some(Tick(0)), 1).unwrap(), Tick(0));
    assert_eq!(start(Some(Tick(7)), None, 1).unwrap(), Tick(8));
    assert_eq!(start(Some(Tick(7)), Some(Tick(9)), 1).unwrap(), Tick(9));
    let error = start(Some(Tick(7)), Some(Tick(7)), 1).unwrap_err();
    let sentence = "beat 7 cannot be committed: beat 7 is durable already";
    assert_eq!(error.to_string(), sentence);
    let error = start(None, None, 65_537).unwrap_err();
    assert!(matches!(error, StartError::TooManyShards(65_537)));
}

/// Many beats from real threads, with full queues on the way: every beat arrives, once.
#[test]
fn threads_may_submit_at_their_own_pace() {
    const BEATS: u64 = 2000;
    let options = CommitOptions {
        beats_waiting_max: 3,
        ..patient()
    };
    let mut gate = Gate::new(3, options);
    gate.open();
    std::thread::scope(|scope| {
        for port in &mut gate.ports {
            scope.spawn(move || {
                let shard = usize::from(port.shard().0);
                for beat in 1..=BEATS {
                    let mut submission = Submission::from(row_of(shard, beat));
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
                }
            });
        }
    });
    gate.wait_durable(BEATS);
    let mut all = Batch::new();
    let mut last = 0;
    for (through, batch) in gate.written() {
        let from = last + 1;
        last = through.unwrap().0;
        let parts: Vec<Batch> = (from..=last)
            .flat_map(|beat| [0, 1, 2].map(|shard| row_of(shard, beat)))
            .collect();
        assert_eq!(batch, expected(from == 1, &parts, Some(last)));
        all.append(&batch);
    }
    assert_eq!(last, BEATS);
    assert!(all.len() as u64 > 3 * BEATS);
    // And all of them were applied, in the background.
    assert_eq!(
        gate.committer.applied().wait(Tick(BEATS), PATIENCE),
        Ok(true)
    );
    let ships = gate.sink.rows().count(Domain::Ship, KeyRange::all());
    assert_eq!(ships, Ok(3 * BEATS));
}

/// Rows that the store does not take end the commits like a write that failed.
#[test]
fn after_rows_were_refused_nothing_is_acknowledged_any_more() {
    let mut gate = Gate::new(1, patient());
    gate.open();
    gate.submit(0, 1);
    gate.wait_durable(1);
    assert_eq!(gate.committer.applied().wait(Tick(1), PATIENCE), Ok(true));
    gate.sink.fail(Some("no memory".into()));
    let receipt = gate.control.commit(account("never applied"));
    gate.submit(0, 2);
    let failure = gate
        .committer
        .applied()
        .wait(Tick(2), PATIENCE)
        .unwrap_err();
    let words = "the write of beat 2 failed: the store took no rows: no memory";
    assert_eq!(failure.to_string(), words);
    assert_eq!(
        receipt.wait(PATIENCE),
        Err(ReceiptError::Failed(failure.clone()))
    );
    assert_eq!(gate.committer.durable().failed(), Some(failure.clone()));
    let refused = gate.ports[0].submit(Tick(3), Submission::default());
    assert!(matches!(refused, Err(SubmitError::Failed(_))));
    assert_eq!(gate.committer.finish(), Err(failure));
    assert_eq!(gate.home.recv_timeout(PATIENCE), Ok(false));
    // The frame itself is durable: the next opening has it.
    assert_eq!(frames(&gate.disk).len(), 2);
}
