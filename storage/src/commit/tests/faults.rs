//! Disks that fail and disks that are full, with the system's own errors: nothing is acknowledged
//! any more, everybody is told at once and told why, and the next opening has what was
//! acknowledged.

use std::time::Instant;

use super::*;
use crate::log::simulated::{Faults, SimulatedDisk};

/// Everybody has to know by then.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Beats after which a disk must have failed.
const BEATS_MAX: u64 = 500;

struct Running {
    committer: Committer,
    port: BeatPort,
    control: ControlPort,
}

/// How it ended.
struct Ended {
    failure: CommitFailure,
    /// The last beat that was acknowledged; 0 if none was.
    acknowledged: u64,
}

fn start(disk: &SimulatedDisk, sink: &Arc<MapSink>) -> (Running, Option<Tick>) {
    let opened = recover(disk.clone(), small_log(), &**sink).unwrap();
    let last = opened.last_beat;
    let home = Box::new(|_: Option<BeatLog<SimulatedDisk>>| {});
    let started = Committer::start_with(opened, Arc::clone(sink), last, 1, patient(), home);
    let (committer, mut ports, control) = started.unwrap();
    let running = Running {
        committer,
        port: ports.remove(0),
        control,
    };
    (running, last)
}

impl Running {
    fn submit(&mut self) -> Result<Tick, SubmitError> {
        let beat = self.port.next_beat();
        let mut share = share_of(0, beat.0);
        share.record.resize(6000, beat.0 as u8);
        self.port.submit(beat, share).map(|()| beat)
    }

    /// Commits beat after beat until that fails; every promise is looked after.
    fn until_it_fails(mut self) -> Ended {
        let durable = self.committer.durable();
        let mut acknowledged = durable.beat().map_or(0, |beat| beat.0);
        let failure = loop {
            let receipt = self.control.commit(account("rides along"));
            let beat = self.submit().unwrap();
            assert!(beat.0 < BEATS_MAX, "the disk never failed");
            let since = Instant::now();
            match durable.wait(beat, AT_ONCE) {
                Ok(true) => acknowledged = beat.0,
                Ok(false) => panic!("beat {beat} is neither durable nor refused"),
                Err(failure) => {
                    let refused = receipt.wait(AT_ONCE);
                    assert_eq!(refused, Err(ReceiptError::Failed(failure.clone())));
                    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
                    break failure;
                }
            }
            assert_eq!(receipt.wait(PATIENCE), Ok(()));
        };
        // From here on nobody is told anything else, whatever is tried.
        for _ in 0..3 {
            let refused = self.submit();
            assert!(matches!(refused, Err(SubmitError::Failed(found)) if found == failure));
            let refused = self.control.commit(account("too late")).outcome();
            assert_eq!(refused, Some(Err(ReceiptError::Failed(failure.clone()))));
        }
        let shown = (acknowledged > 0).then_some(Tick(acknowledged));
        assert_eq!(durable.beat(), shown);
        assert_eq!(self.committer.finish(), Err(failure.clone()));
        assert_eq!(durable.beat(), shown, "nor at the end");
        Ended {
            failure,
            acknowledged,
        }
    }
}

/// Opens again and checks that the rows are exactly those of its beats; then goes on.
fn reopen(disk: &SimulatedDisk, sink: &Arc<MapSink>) -> u64 {
    sink.crash(0);
    let (mut running, last) = start(disk, sink);
    let last = last.map_or(0, |beat| beat.0);
    assert_eq!(dump(&sink.rows(), Domain::Ship).len() as u64, last);
    let next = running.submit().unwrap();
    assert_eq!(next, Tick(last + 1));
    assert_eq!(running.committer.durable().wait(next, PATIENCE), Ok(true));
    assert!(running.committer.finish().unwrap().clean);
    last
}

/// The failed write may be on the disk or not: its beat was not acknowledged either way.
#[test]
fn a_sync_that_fails_ends_all_acknowledgements() {
    let mut lost = 0;
    for seed in 0..40 {
        let disk = SimulatedDisk::new(seed);
        let sink = Arc::new(MapSink::new());
        disk.set_faults(Faults {
            write_fails_in: Some(seed),
            ..Faults::default()
        });
        let ended = start(&disk, &sink).0.until_it_fails();
        let words = ended.failure.to_string();
        assert!(
            words.contains("write to the beat log: Input/output error"),
            "{words}"
        );
        assert!(words.contains("(os error 5)"), "{words}");
        assert_eq!(ended.failure.beat, Some(Tick(ended.acknowledged + 1)));
        if seed % 2 == 0 {
            // What a disk in trouble has in its cache may be gone with the power.
            disk.lose_power();
            disk.power_on();
        }
        let found = reopen(&disk, &sink);
        let least = ended.acknowledged;
        assert!((least..=least + 1).contains(&found), "{found} of {least}");
        lost += u32::from(found == least);
    }
    assert!(
        (1..40).contains(&lost),
        "both fates of the failed write: {lost}"
    );
}

/// Nothing of the beat that found no room is on the disk: the restart is at the last one that was
/// acknowledged.
#[test]
fn a_full_disk_ends_all_acknowledgements_and_room_brings_them_back() {
    for seed in 0..10 {
        let disk = SimulatedDisk::new(seed);
        let sink = Arc::new(MapSink::new());
        let (mut running, _) = start(&disk, &sink);
        let durable = running.committer.durable();
        for _ in 0..seed {
            let beat = running.submit().unwrap();
            assert_eq!(durable.wait(beat, PATIENCE), Ok(true));
        }
        // No new file finds room any more. What is there can be written on.
        disk.set_faults(Faults {
            capacity: Some(0),
            ..Faults::default()
        });
        let ended = running.until_it_fails();
        let words = ended.failure.to_string();
        assert!(words.contains("No space left on device"), "{words}");
        assert_eq!(ended.failure.beat, Some(Tick(ended.acknowledged + 1)));
        disk.set_faults(Faults::default());
        assert_eq!(reopen(&disk, &sink), ended.acknowledged);
    }
}
