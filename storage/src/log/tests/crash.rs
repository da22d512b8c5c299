//! The log against a model: whatever fails, what was acknowledged is there, in order.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Rotate,
    Spare,
    Seal,
    /// Everything up to this many beats back is not needed any more.
    Release(u64),
    /// The process is killed and starts again.
    Kill,
    /// The power fails now, or in the call after this many.
    PowerFailure(Option<u64>),
    /// The write after this many fails.
    Error(u64),
    /// The disk gets full when this much has been added, and the operator makes room at the
    /// next opening.
    Full(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_usize..40_000).prop_map(Step::Append),
        2 => Just(Step::Append(100_000)),
        2 => Just(Step::Rotate),
        3 => Just(Step::Spare),
        4 => Just(Step::Seal),
        2 => (0_u64..12).prop_map(Step::Release),
        2 => Just(Step::Kill),
        4 => prop::option::of(0_u64..8).prop_map(Step::PowerFailure),
        1 => (0_u64..4).prop_map(Step::Error),
        1 => (0_u64..200_000).prop_map(Step::Full),
    ]
}

struct Model {
    disk: SimulatedDisk,
    log: BeatLog<SimulatedDisk>,
    /// Acknowledged.
    frames: Vec<Frame>,
    /// Under way when the disk failed: there or not.
    in_doubt: Option<Frame>,
    /// Frames before this one may be gone.
    needed_from: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        let (log, _) = open(&disk);
        Self {
            disk,
            log,
            frames: Vec::new(),
            in_doubt: None,
            needed_from: 1,
        }
    }

    fn run(&mut self, step: &Step) {
        let faults = self.disk.faults();
        match step {
            Step::Append(bytes) => self.append(*bytes),
            Step::Rotate => self.log.rotate(),
            Step::Spare => drop(self.log.prepare_spare()),
            Step::Seal => drop(self.log.seal_oldest()),
            Step::Release(back) => self.release(*back),
            Step::Kill => self.reopen(),
            Step::PowerFailure(None) => {
                self.disk.lose_power();
                self.reopen();
            }
            Step::PowerFailure(after) => self.disk.set_faults(Faults {
                power_fails_in: *after,
                ..faults
            }),
            Step::Error(after) => self.disk.set_faults(Faults {
                write_fails_in: Some(*after),
                ..faults
            }),
            Step::Full(more) => self.disk.set_faults(Faults {
                capacity: Some(self.disk.used() + more),
                ..faults
            }),
        }
        if self.disk.is_off() {
            self.reopen();
        }
    }

    fn append(&mut self, bytes: usize) {
        let number = self.log.next_number();
        let frame = frame_of(number, number, bytes);
        match append(&mut self.log, &frame) {
            Ok(_) => self.frames.push(frame),
            Err(_) => {
                assert!(matches!(
                    append(&mut self.log, &frame),
                    Err(AppendError::Failed)
                ));
                self.in_doubt = Some(frame);
                self.reopen();
            }
        }
    }

    fn release(&mut self, back: u64) {
        let applied = self.log.next_number().saturating_sub(back);
        let needs = Needs {
            applied,
            recovery_from: Tick(applied),
            keep_from: Tick(applied),
        };
        self.needed_from = self.needed_from.max(applied);
        drop(self.log.release(needs));
    }

    fn reopen(&mut self) {
        self.disk.power_on();
        let faults = self.disk.faults();
        self.disk.set_faults(Faults {
            capacity: None,
            write_fails_in: None,
            power_fails_in: None,
            ..faults
        });
        let (log, end) = open(&self.disk);
        self.log = log;
        if let Some(frame) = self.in_doubt.take()
            && end.next == frame.number + 1
        {
            self.frames.push(frame);
        }
        let next = self.frames.last().map_or(1, |frame| frame.number + 1);
        assert_eq!(end.next, next);
        self.check();
        // What was found is durable now, whatever happens next.
        self.disk.lose_power();
        self.disk.power_on();
        let (log, end) = open(&self.disk);
        assert_eq!(end.next, next);
        self.log = log;
        self.check();
    }

    fn check(&mut self) {
        let read = read_back(&self.disk, ReadFrom::Start);
        let gone = self.frames.len() - read.len();
        assert_eq!(read, self.frames[gone..]);
        let first = read
            .first()
            .map_or(self.log.next_number(), |frame| frame.number);
        assert!(
            first <= self.needed_from.max(1),
            "{first} > {}",
            self.needed_from
        );
        assert_eq!(inspect(&self.disk).unwrap().0, self.log.segments());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_acknowledged_is_there(
        seed in any::<u64>(),
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let mut model = Model::new(seed);
        for step in &steps {
            model.run(step);
        }
        model.reopen();
    }
}

#[test]
fn power_can_fail_in_every_call() {
    let sizes = [10, 9000, 30_000, 60_000, 200_000, 50];
    let run = |fails_in: Option<u64>, seed| {
        let mut model = Model::new(seed);
        model.disk.set_faults(Faults {
            power_fails_in: fails_in,
            ..Faults::default()
        });
        for bytes in sizes {
            for step in [
                Step::Spare,
                Step::Append(bytes),
                Step::Seal,
                Step::Release(3),
            ] {
                model.run(&step);
            }
        }
        model.reopen();
        model.disk.counters().changes
    };
    let calls = run(None, 0);
    assert!(calls > 20);
    for call in 0..calls {
        for seed in 0..6 {
            run(Some(call), seed);
        }
    }
}

#[test]
fn after_an_error_nothing_is_written() {
    for fault in [
        Faults {
            write_fails_in: Some(0),
            ..Faults::default()
        },
        Faults {
            capacity: Some(1),
            ..Faults::default()
        },
    ] {
        let disk = SimulatedDisk::new(3);
        let (mut log, _) = open(&disk);
        fill(&mut log, &[50_000]);
        disk.set_faults(fault);
        let error = append(&mut log, &frame_of(2, 2, 50_000)).unwrap_err();
        assert!(matches!(error, AppendError::Io(_)), "{error:?}");
        disk.set_faults(Faults::default());
        let changes = disk.counters().changes;
        for _ in 0..2 {
            let refused = append(&mut log, &frame_of(2, 2, 10));
            assert!(matches!(refused, Err(AppendError::Failed)));
        }
        assert_eq!(disk.counters().changes, changes);
        drop(log);
        let (_, end) = open(&disk);
        assert!((2..=3).contains(&end.next));
    }
}

#[test]
fn a_read_error_is_no_end_of_the_log() {
    let disk = SimulatedDisk::new(3);
    fill(&mut open(&disk).0, &[10]);
    disk.set_faults(Faults {
        reads_fail: true,
        ..Faults::default()
    });
    let opened = BeatLog::open(disk.clone(), OPTIONS);
    assert!(matches!(opened, Err(LogOpenError::Io { .. })));
    assert!(read(&disk, ReadFrom::Start).is_err());
}
