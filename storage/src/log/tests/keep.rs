//! Sealing, recycling, releasing.

use super::*;

const NOTHING_NEEDED: Needs = Needs {
    applied: u64::MAX,
    recovery_from: Tick(u64::MAX),
    keep_from: Tick(u64::MAX),
};

/// Five segments of one frame each, the last one active.
fn five(disk: &SimulatedDisk, options: LogOptions) -> BeatLog<SimulatedDisk> {
    let (mut log, _) = BeatLog::open(disk.clone(), options).unwrap();
    for _ in 0..5 {
        log.rotate();
        fill(&mut log, &[30_000]);
    }
    assert_eq!(log.segments().len(), 5);
    log
}

fn firsts(log: &BeatLog<SimulatedDisk>) -> Vec<u64> {
    log.segments().iter().map(|s| s.first).collect()
}

#[test]
fn sealed_segments_read_the_same_and_give_their_file_back() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let frames = read_back(&disk, ReadFrom::Start);
    let changes = disk.counters().changes;
    let first = log.seal_oldest().unwrap();
    assert_eq!(first.as_deref(), Some("0000000000000001.seg.zst"));
    assert_eq!(
        disk.counters().changes - changes,
        2,
        "one file, one new name"
    );
    while log.seal_oldest().unwrap().is_some() {}
    let segments = log.segments();
    assert!(
        segments[..4]
            .iter()
            .all(|s| s.sealed && s.full && s.bytes < SEGMENT)
    );
    assert!(!segments[4].sealed && !segments[4].full);
    assert_eq!(segments[2].beats, Some((Tick(3), Tick(3))));
    assert_eq!(read_back(&disk, ReadFrom::Start), frames);
    assert_eq!(read_back(&disk, ReadFrom::Frame(3)), frames[2..]);
    assert_eq!(read_back(&disk, ReadFrom::Beat(Tick(3))), frames[2..]);
    assert_eq!(inspect(&disk).unwrap().0, segments);
    let spares = disk.list().unwrap();
    let spares = spares.iter().filter(|name| name.starts_with("spare"));
    assert_eq!(spares.count(), 2);
    drop(log);
    assert_eq!(open(&disk).0.segments(), segments);
}

#[test]
fn what_a_recycled_file_held_is_never_read_again() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    while log.seal_oldest().unwrap().is_some() {}
    log.rotate();
    // Shorter than the frame that stood there: the rest of it is still in the file.
    fill(&mut log, &[9000]);
    let name = log.segments()[5].name.clone();
    let content = disk.read_all(&name).unwrap();
    assert!(content[6 * BLOCK..].iter().any(|byte| *byte != 0));
    let frames = read_back(&disk, ReadFrom::Start);
    assert_eq!(frames.len(), 6);
    drop(log);
    let (mut log, end) = open(&disk);
    assert_eq!((end.next, end.torn), (7, None));
    fill(&mut log, &[10, 10]);
    assert_eq!(read_back(&disk, ReadFrom::Start).len(), 8);
}

#[test]
fn a_compressed_segment_is_what_zstd_unpacks_to_the_segment() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let plain = disk.read_all(&log.segments()[0].name).unwrap();
    let name = log.seal_oldest().unwrap().unwrap();
    let sealed = disk.read_all(&name).unwrap();
    let unpacked = zstd::stream::decode_all(sealed.as_slice()).unwrap();
    assert!(unpacked.len() > BLOCK);
    assert_eq!(unpacked, plain[..unpacked.len()]);
    assert!(plain[unpacked.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn only_what_nobody_needs_is_released() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let none = log.release(Needs {
        applied: 0,
        ..NOTHING_NEEDED
    });
    assert_eq!(none.unwrap().segments, 0);
    let released = log.release(Needs {
        applied: 1,
        ..NOTHING_NEEDED
    });
    let left = 4 * SEGMENT;
    assert_eq!(
        released.unwrap(),
        Released {
            segments: 1,
            bytes: SEGMENT,
            left
        }
    );
    for (recovery_from, keep_from, first) in [(2, 99, 2), (99, 2, 2), (3, 99, 3), (99, 4, 4)] {
        let needs = Needs {
            applied: 99,
            recovery_from: Tick(recovery_from),
            keep_from: Tick(keep_from),
        };
        log.release(needs).unwrap();
        assert_eq!(firsts(&log)[0], first, "{needs:?}");
    }
    log.release(NOTHING_NEEDED).unwrap();
    assert_eq!(firsts(&log), [5], "the last one is never released");
    drop(log);
    let (log, end) = open(&disk);
    assert_eq!((end.first, end.next), (5, 6));
    assert_eq!(firsts(&log), [5]);
}

#[test]
fn the_bound_of_bytes_goes_before_what_is_wanted_but_not_before_what_is_needed() {
    let disk = SimulatedDisk::new(1);
    let options = LogOptions {
        keep_bytes: 3 * SEGMENT,
        ..OPTIONS
    };
    let mut log = five(&disk, options);
    let needs = |recovery_from| Needs {
        applied: 99,
        recovery_from: Tick(recovery_from),
        keep_from: Tick(0),
    };
    log.release(needs(2)).unwrap();
    assert_eq!(firsts(&log), [2, 3, 4, 5]);
    log.release(needs(99)).unwrap();
    assert_eq!(firsts(&log), [3, 4, 5]);
}

#[test]
fn a_segment_that_is_being_sealed_stays() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let job = log.seal_job().unwrap();
    assert!(log.seal_job().is_none(), "one at a time");
    assert_eq!(log.release(NOTHING_NEEDED).unwrap().segments, 0);
    let done = job.run();
    log.finish_seal(done).unwrap();
    assert_eq!(log.release(NOTHING_NEEDED).unwrap().segments, 4);
    assert_eq!(firsts(&log), [5]);
}

#[test]
fn a_rotten_segment_is_not_sealed_and_not_thrown_away() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    disk.flip("0000000000000001.seg", 8, 1);
    let error = log.seal_oldest().unwrap_err();
    assert_eq!(error.segment, "0000000000000001.seg");
    assert!(disk.list().unwrap().contains(&error.segment));
    assert_eq!(
        log.seal_oldest().unwrap().as_deref(),
        Some("0000000000000002.seg.zst")
    );
}

#[test]
fn a_full_disk_fails_the_sealing_and_nothing_else() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    disk.set_faults(Faults {
        capacity: Some(disk.used()),
        ..Faults::default()
    });
    assert!(log.seal_oldest().is_err());
    assert!(log.prepare_spare().is_err());
    fill(&mut log, &[10]);
    disk.set_faults(Faults::default());
    log.prepare_spare().unwrap();
    assert_eq!(read_back(&disk, ReadFrom::Start).len(), 6);
}

#[test]
fn leftovers_go_when_the_log_is_opened() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let plain = disk.read_all("0000000000000001.seg").unwrap();
    log.seal_oldest().unwrap();
    drop(log);
    let frames = read_back(&disk, ReadFrom::Start);
    // As if the crash came between the two changes of a sealing.
    disk.write_all("0000000000000001.seg", &plain).unwrap();
    disk.write_all("0000000000000009.seg.tmp", b"part").unwrap();
    disk.create("spare-7", SEGMENT * 2).unwrap();
    disk.write_all("notes.txt", b"mine").unwrap();
    let (mut log, _) = open(&disk);
    assert!(!log.segments()[0].sealed);
    assert_eq!(read_back(&disk, ReadFrom::Start), frames);
    let names = disk.list().unwrap();
    for gone in [
        "0000000000000001.seg.zst",
        "0000000000000009.seg.tmp",
        "spare-7",
    ] {
        assert!(!names.iter().any(|name| name == gone), "{gone}");
    }
    assert!(names.iter().any(|name| name == "notes.txt"));
    log.seal_oldest().unwrap();
    assert_eq!(read_back(&disk, ReadFrom::Start), frames);
}

#[test]
fn a_compressed_file_that_reads_back_differently_replaces_nothing() {
    for seed in 0..20 {
        let disk = SimulatedDisk::new(seed);
        let mut log = five(&disk, OPTIONS);
        let frames = read_back(&disk, ReadFrom::Start);
        disk.set_faults(Faults {
            files_rot: true,
            ..Faults::default()
        });
        let error = log.seal_oldest().unwrap_err();
        let names = disk.list().unwrap();
        assert!(names.contains(&error.segment));
        assert!(!names.iter().any(|name| name.ends_with(".zst")));
        assert_eq!(read_back(&disk, ReadFrom::Start), frames);
    }
}

#[test]
fn a_released_segment_does_not_come_back_as_its_twin() {
    let disk = SimulatedDisk::new(1);
    let mut log = five(&disk, OPTIONS);
    let plain = disk.read_all("0000000000000001.seg").unwrap();
    log.seal_oldest().unwrap();
    log.seal_oldest().unwrap();
    // As if giving the file away had failed.
    disk.write_all("0000000000000001.seg", &plain).unwrap();
    let needs = Needs {
        applied: 2,
        ..NOTHING_NEEDED
    };
    assert_eq!(log.release(needs).unwrap().segments, 2);
    drop(log);
    let (log, _) = open(&disk);
    assert_eq!(firsts(&log), [3, 4, 5]);
}
