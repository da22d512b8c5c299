//! The commit without threads, over a disk and rows that die: at any point, in any order of
//! turns, what was durable is there after the next opening, whole, and nothing else but at most
//! the write that was under way.

use std::sync::atomic::Ordering;

use proptest::prelude::*;

use super::*;
use crate::log::simulated::{Faults, SimulatedDisk};

const SHARDS: usize = 2;
const NOW: Duration = Duration::ZERO;

/// A process: what it was told, and what it has.
struct Process {
    pipeline: Pipeline<SimulatedDisk, MapSink>,
    ports: Vec<BeatPort>,
    control: ControlPort,
    receipts: Vec<(u64, Receipt)>,
}

/// What outlives processes.
struct Machine {
    disk: SimulatedDisk,
    sink: Arc<MapSink>,
    /// Bytes that are applied together.
    gather_bytes_max: usize,
    /// The last beat that anybody was told is durable.
    promised: u64,
    /// Accounts that anybody was told are durable.
    accounts: Vec<u64>,
    next_account: u64,
}

impl Machine {
    fn new(seed: u64) -> Self {
        Self {
            disk: SimulatedDisk::new(seed),
            sink: Arc::default(),
            // Frame by frame, a few at once, all at once.
            gather_bytes_max: [1, 700, 1 << 20][(seed % 3) as usize],
            promised: 0,
            accounts: Vec::new(),
            next_account: 0,
        }
    }

    fn start(&self) -> Process {
        let opened = match recover(self.disk.clone(), small_log(), &*self.sink) {
            Ok(opened) => opened,
            Err(error) => {
                // The power failed in the middle of it. The next try has to do.
                assert!(self.disk.is_off(), "{error}");
                self.disk.power_on();
                self.sink.crash(0);
                recover(self.disk.clone(), small_log(), &*self.sink).unwrap()
            }
        };
        let last = self.check(&opened);
        let options = CommitOptions {
            apply_bytes_max: 3000,
            gather_bytes_max: self.gather_bytes_max,
            ..CommitOptions::default()
        };
        let (pipeline, ports, control) =
            Pipeline::new(opened, Arc::clone(&self.sink), last, SHARDS, options)
                .map_err(|refused| refused.0)
                .unwrap();
        Process {
            pipeline,
            ports,
            control,
            receipts: Vec::new(),
        }
    }

    /// Checks the rows and the log after an opening; the last beat.
    fn check(&self, opened: &Recovered<SimulatedDisk>) -> Option<Tick> {
        let rows = self.sink.rows();
        assert_eq!(rows.applied(), opened.applied);
        let last = rows.get(Domain::Meta, meta::LAST_BEAT_KEY).unwrap();
        let last = last.map_or(0, |beat| u64::from_be_bytes(beat.try_into().unwrap()));
        assert!(last >= self.promised, "{last} of {}", self.promised);
        let ships = dump(&rows, Domain::Ship).len();
        assert_eq!(ships, last as usize * SHARDS);
        // What every beat changes is as the last one left it.
        let hot = rows.get(Domain::Name, b"hot").unwrap();
        let expected = (last > 0).then(|| last.to_be_bytes().to_vec());
        assert_eq!(hot, expected);
        for account in &self.accounts {
            let row = rows.get(Domain::Account, &account.to_be_bytes()).unwrap();
            assert!(row.is_some(), "account {account} was promised");
        }
        let records: Vec<_> = read(&self.disk, ReadFrom::Start)
            .unwrap()
            .flat_map(|frame| frame.unwrap().records)
            .map(|record| (record.beat.0, usize::from(record.shard.0)))
            .collect();
        let from = records.first().map_or(last + 1, |(beat, _)| *beat);
        let all: Vec<_> = (from..=last)
            .flat_map(|beat| (0..SHARDS).map(move |shard| (beat, shard)))
            .collect();
        assert_eq!(records, all);
        (last > 0).then_some(Tick(last))
    }
}

impl Process {
    fn submit(&mut self) {
        let beat = self.ports[0].next_beat();
        for (shard, port) in self.ports.iter_mut().enumerate() {
            let mut share = share_of(shard, beat.0);
            share.record.resize(6000, beat.0 as u8);
            share.batch.put(Domain::Name, b"hot", beat.0.to_be_bytes());
            // Full: the shard waits.
            if port.submit(beat, share).is_err() {
                assert_eq!(shard, 0, "all shards are equally far");
                return;
            }
        }
    }

    fn commit(&mut self, account: u64) {
        let batch = put(Domain::Account, &account.to_be_bytes(), b"row");
        self.receipts.push((account, self.control.commit(batch)));
    }

    /// What has been promised by now.
    fn listen(&self, machine: &mut Machine) {
        if let Some(beat) = self.pipeline.durable().beat() {
            machine.promised = machine.promised.max(beat.0);
        }
        let rows = machine.sink.rows();
        for (account, receipt) in &self.receipts {
            if receipt.outcome() == Some(Ok(())) && !machine.accounts.contains(account) {
                let row = rows.get(Domain::Account, &account.to_be_bytes()).unwrap();
                assert!(row.is_some(), "a receipt is for rows that can be read");
                machine.accounts.push(*account);
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Submit,
    Account,
    Commit,
    Apply,
    Keep,
    Release,
    /// The process dies; what was written stays.
    Kill {
        survivors: usize,
    },
    /// The power fails in a later change of the disk.
    PowerIn(u64),
    Finish,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => Just(Step::Submit),
        2 => Just(Step::Account),
        8 => Just(Step::Commit),
        6 => Just(Step::Apply),
        4 => Just(Step::Keep),
        1 => Just(Step::Release),
        1 => (0_usize..20).prop_map(|survivors| Step::Kill { survivors }),
        1 => (0_u64..6).prop_map(Step::PowerIn),
        1 => Just(Step::Finish),
    ];
    prop::collection::vec(step, 0..150)
}

/// Does a step; false if the process is dead after it.
fn take(machine: &mut Machine, process: &mut Process, step: Step) -> bool {
    let turn = match step {
        Step::Submit => {
            process.submit();
            Ok(())
        }
        Step::Account => {
            machine.next_account += 1;
            process.commit(machine.next_account);
            Ok(())
        }
        Step::Commit => process.pipeline.commit_turn(NOW).map(|_| ()),
        Step::Apply => process.pipeline.apply_turn().map(|_| ()),
        Step::Keep => process.pipeline.keep_turn().map(|_| ()),
        Step::Release => {
            let from = Tick(machine.promised.saturating_sub(3));
            process.control.keep_journal(from, from);
            Ok(())
        }
        Step::PowerIn(changes) => {
            machine.disk.set_faults(Faults {
                power_fails_in: Some(changes),
                ..Faults::default()
            });
            Ok(())
        }
        Step::Kill { .. } | Step::Finish => return false,
    };
    process.listen(machine);
    turn.is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_crash_at_any_point_lands_on_a_whole_beat(seed: u64, steps in steps()) {
        let mut machine = Machine::new(seed);
        let mut process = machine.start();
        for step in steps {
            if take(&mut machine, &mut process, step) {
                continue;
            }
            let mut survivors = 0;
            match step {
                Step::Kill { survivors: some } => survivors = some,
                Step::Finish => {
                    let finished = process.pipeline.finish(NOW);
                    if let Ok((report, log)) = finished {
                        prop_assert!(report.clean);
                        prop_assert_eq!(machine.sink.unflushed(), 0);
                        machine.promised = report.last_beat.map_or(0, |beat| beat.0);
                        drop(log);
                        process = machine.start();
                        continue;
                    }
                }
                _ => {}
            }
            // What is left of the process falls with it.
            machine.sink.crash(survivors.min(machine.sink.unflushed()));
            machine.disk.power_on();
            process = machine.start();
        }
        drop(process);
        machine.disk.power_on();
        machine.sink.crash(0);
        drop(machine.start());
    }
}

fn run(process: &mut Process) {
    process.pipeline.settle(NOW).unwrap();
}

#[test]
fn a_receipt_waits_for_the_rows_and_a_beat_does_not() {
    let machine = Machine::new(1);
    let mut process = machine.start();
    process.commit(7);
    process.submit();
    assert_eq!(process.pipeline.commit_turn(NOW), Ok(Turn::Wrote));
    assert_eq!(process.pipeline.durable().beat(), Some(Tick(1)));
    assert_eq!(process.pipeline.applied().beat(), None);
    assert_eq!(process.receipts[0].1.outcome(), None);
    assert_eq!(process.pipeline.apply_turn(), Ok(true));
    assert_eq!(process.pipeline.applied().beat(), Some(Tick(1)));
    assert_eq!(process.receipts[0].1.outcome(), Some(Ok(())));
    assert_eq!(process.pipeline.apply_turn(), Ok(false));
}

/// Rows wait up to the bound; then frames wait, and what was durable stays so.
#[test]
fn a_slow_store_delays_commits_only_when_its_queue_is_full() {
    let machine = Machine::new(1);
    let mut process = machine.start();
    let mut commits = 0;
    while process.pipeline.stats().snapshot().apply_waiting_bytes < 3000 {
        process.submit();
        assert_eq!(process.pipeline.commit_turn(NOW), Ok(Turn::Wrote));
        commits += 1;
    }
    assert!(commits > 5);
    process.submit();
    assert_eq!(process.pipeline.commit_turn(NOW), Ok(Turn::Idle(None)));
    assert_eq!(process.pipeline.durable().beat(), Some(Tick(commits)));
    assert_eq!(process.pipeline.apply_turn(), Ok(true));
    assert_eq!(process.pipeline.commit_turn(NOW), Ok(Turn::Wrote));
    assert_eq!(process.pipeline.durable().beat(), Some(Tick(commits + 1)));
}

#[test]
fn a_lonely_control_batch_waits_for_its_time() {
    let machine = Machine::new(1);
    let mut process = machine.start();
    process.commit(1);
    let delay = CommitOptions::default().control_delay;
    let until = Duration::from_secs(5) + delay;
    let at = |process: &mut Process, now| process.pipeline.commit_turn(now);
    let begun = Duration::from_secs(5);
    assert_eq!(at(&mut process, begun), Ok(Turn::Idle(Some(until))));
    let early = until - Duration::from_nanos(1);
    assert_eq!(at(&mut process, early), Ok(Turn::Idle(Some(until))));
    assert_eq!(at(&mut process, until), Ok(Turn::Wrote));
}

/// A full disk and a broken one: nothing is acknowledged any more, the store opens again at what
/// was.
#[test]
fn errors_of_the_disk_close_the_commit() {
    let full = Faults {
        capacity: Some(300 << 10),
        ..Faults::default()
    };
    let broken = Faults {
        write_fails_in: Some(3),
        ..Faults::default()
    };
    for (faults, words) in [(full, "os error 28"), (broken, "os error 5")] {
        let mut machine = Machine::new(5);
        let mut process = machine.start();
        process.submit();
        run(&mut process);
        machine.disk.set_faults(faults);
        let mut account = 0;
        let failure = loop {
            account += 1;
            assert!(account < 1000, "the disk is full or broken by then");
            process.submit();
            process.commit(account);
            let failed = process.pipeline.settle(NOW);
            process.listen(&mut machine);
            if let Err(failure) = failed {
                break failure;
            }
        };
        assert!(failure.to_string().contains(words), "{failure}");
        let (_, receipt) = process.receipts.last().unwrap();
        assert_eq!(
            receipt.outcome(),
            Some(Err(ReceiptError::Failed(failure.clone())))
        );
        assert_eq!(process.pipeline.durable().failed(), Some(failure.clone()));
        assert_eq!(process.pipeline.commit_turn(NOW), Err(failure.clone()));
        let beat = process.ports[0].next_beat();
        let refused = process.ports[0].submit(beat, Submission::default());
        assert!(matches!(refused, Err(SubmitError::Failed(_))));
        drop(process);
        machine.disk.set_faults(Faults::default());
        machine.sink.crash(1);
        let mut process = machine.start();
        process.submit();
        run(&mut process);
    }
}

#[test]
fn an_end_that_was_asked_for_comes_after_everything() {
    let mut machine = Machine::new(2);
    let mut process = machine.start();
    for account in 0..50 {
        process.submit();
        process.commit(account);
    }
    process.pipeline.shared.stop.store(RUN, Ordering::Release);
    let (report, log) = process.pipeline.finish(NOW).unwrap();
    let expected = FinishReport {
        last_beat: Some(Tick(50)),
        batches_discarded: 0,
        clean: true,
    };
    assert_eq!(report, expected);
    assert_eq!(machine.sink.unflushed(), 0);
    for (_, receipt) in &process.receipts {
        assert_eq!(receipt.outcome(), Some(Ok(())));
    }
    drop(log);
    machine.promised = 50;
    machine.accounts = (0..50).collect();
    // Even if everything that was not flushed is lost.
    machine.sink.crash(0);
    drop(machine.start());
    let clean = machine
        .sink
        .rows()
        .get(Domain::Meta, meta::CLEAN_SHUTDOWN_KEY);
    assert!(clean.unwrap().is_some());
}

/// The frames that the rows lack must be there: a log that was cut at its start is refused.
#[test]
fn a_hole_between_rows_and_log_is_refused() {
    let machine = Machine::new(3);
    let mut process = machine.start();
    for _ in 0..40 {
        process.submit();
        run(&mut process);
    }
    process.control.keep_journal(Tick(40), Tick(40));
    run(&mut process);
    drop(process);
    let first = crate::log::inspect(&machine.disk).unwrap().1.first;
    assert!(first > 1, "segments were released");
    let empty = MapSink::new();
    let error = recover(machine.disk.clone(), small_log(), &empty).unwrap_err();
    assert!(matches!(error, RecoverError::Gap { applied: 0, .. }));
    // And rows that are ahead of the log.
    let fresh = SimulatedDisk::new(4);
    let error = recover(fresh, small_log(), &*machine.sink).unwrap_err();
    assert!(
        matches!(error, RecoverError::Gap { last: 0, .. }),
        "{error}"
    );
}
