use orrery_base::{ShardIndex, Tick};

use super::simulated::{Faults, SimulatedDisk};
use super::*;
use crate::{Batch, Domain};

mod crash;
mod disks;
mod keep;
mod rot;

pub(super) const SEGMENT: u64 = 64 << 10;
pub(super) const OPTIONS: LogOptions = LogOptions {
    spares: 1,
    segment_bytes: SEGMENT,
    keep_bytes: u64::MAX,
    compression: 1,
};

/// The frame that stands for a beat, of about `bytes`: everything in it follows from both.
pub(super) fn frame_of(number: u64, beat: u64, bytes: usize) -> Frame {
    let mut rows = Batch::new();
    rows.put(Domain::Meta, b"beat", beat.to_be_bytes());
    rows.delete(Domain::Name, beat.to_le_bytes());
    let noise = |step: usize| (beat as usize * 31 + step * step) as u8;
    let state: Vec<u8> = (0..bytes / 2).map(noise).collect();
    rows.put(Domain::Ship, beat.to_be_bytes(), state);
    let record = |shard: u16| OwnedRecord {
        beat: Tick(beat),
        shard: ShardIndex(shard),
        bytes: (0..bytes / 4).map(|step| noise(step + 7)).collect(),
    };
    Frame {
        number,
        through: Some(Tick(beat)),
        rows,
        records: vec![record(0), record(1)],
    }
}

pub(super) fn append<D: Disk>(
    log: &mut BeatLog<D>,
    frame: &Frame,
) -> Result<Appended, AppendError> {
    let records: Vec<Record<'_>> = frame.records.iter().map(OwnedRecord::as_record).collect();
    log.append(&FrameOut {
        through: frame.through,
        rows: &frame.rows,
        records: &records,
    })
}

/// Appends frames of these sizes, each with the beat of its number.
pub(super) fn fill<D: Disk>(log: &mut BeatLog<D>, sizes: &[usize]) -> Vec<Frame> {
    let mut frames = Vec::new();
    for bytes in sizes {
        let number = log.next_number();
        let frame = frame_of(number, number, *bytes);
        assert_eq!(append(log, &frame).unwrap().number, number);
        frames.push(frame);
    }
    frames
}

pub(super) fn read_back<D: Disk>(disk: &D, from: ReadFrom) -> Vec<Frame> {
    read(disk, from).unwrap().collect::<Result<_, _>>().unwrap()
}

pub(super) fn open<D: Disk>(disk: &D) -> (BeatLog<D>, LogEnd) {
    BeatLog::open(disk.clone(), OPTIONS).unwrap()
}

#[test]
fn a_new_log_is_empty() {
    let disk = SimulatedDisk::new(1);
    let (log, end) = open(&disk);
    assert_eq!((end.first, end.next, end.last_beat), (1, 1, None));
    assert_eq!(end.torn, None);
    assert_eq!(log.segments(), []);
    assert_eq!(read_back(&disk, ReadFrom::Start), []);
    assert_eq!(inspect(&disk).unwrap(), (vec![], end));
}

#[test]
fn frames_are_found_again_in_order() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut frames = fill(&mut log, &[100, 9000, 0, 40_000, 30_000, 30_000, 5]);
    assert_eq!(log.segments().len(), 3);
    drop(log);
    let (mut log, end) = open(&disk);
    assert_eq!((end.first, end.next), (1, 8));
    assert_eq!(end.last_beat, Some(Tick(7)));
    frames.extend(fill(&mut log, &[700, 60_000]));
    assert_eq!(read_back(&disk, ReadFrom::Start), frames);
    assert_eq!(read_back(&disk, ReadFrom::Frame(4)), frames[3..]);
    assert_eq!(read_back(&disk, ReadFrom::Frame(9)), frames[8..]);
    assert_eq!(read_back(&disk, ReadFrom::Frame(10)), []);
    assert_eq!(read_back(&disk, ReadFrom::Beat(Tick(6))), frames[5..]);
    assert_eq!(read_back(&disk, ReadFrom::Beat(Tick(0))), frames);
}

#[test]
fn frames_without_beats_are_kept_in_their_place() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut rows = Batch::new();
    rows.put(Domain::Account, b"a", b"1");
    let bare = |number| Frame {
        number,
        through: None,
        rows: rows.clone(),
        records: vec![],
    };
    append(&mut log, &bare(1)).unwrap();
    append(&mut log, &frame_of(2, 50, 10)).unwrap();
    append(&mut log, &bare(3)).unwrap();
    append(&mut log, &frame_of(4, 51, 10)).unwrap();
    let from = |beat| read_back(&disk, ReadFrom::Beat(Tick(beat)));
    assert_eq!(
        from(50),
        [frame_of(2, 50, 10), bare(3), frame_of(4, 51, 10)]
    );
    assert_eq!(from(51), [frame_of(4, 51, 10)]);
    assert_eq!(from(52), []);
    assert_eq!(log.segments()[0].beats, Some((Tick(50), Tick(51))));
}

#[test]
fn a_frame_larger_than_a_segment_gets_one_of_its_own() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut frames = fill(&mut log, &[300_000]);
    log.rotate();
    frames.extend(fill(&mut log, &[10]));
    frames.extend(fill(&mut log, &[500_000, 10]));
    assert_eq!(log.segments().len(), 4);
    drop(log);
    assert_eq!(open(&disk).1.next, 5);
    assert_eq!(read_back(&disk, ReadFrom::Start), frames);
}

#[test]
fn an_empty_segment_gives_way_to_a_larger_one() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut frames = fill(&mut log, &[60_000]);
    // A new segment is begun, and its first frame fails.
    disk.set_faults(Faults {
        write_fails_in: Some(1),
        ..Faults::default()
    });
    assert!(append(&mut log, &frame_of(2, 2, 60_000)).is_err());
    disk.lose_power();
    disk.power_on();
    drop(log);
    let (mut log, end) = open(&disk);
    if end.next == 2 {
        frames.extend(fill(&mut log, &[200_000]));
    }
    frames.extend(fill(&mut log, &[200_000, 1]));
    drop(log);
    open(&disk);
    assert_eq!(read_back(&disk, ReadFrom::Frame(3)).len(), frames.len() - 2);
}

#[test]
fn an_append_is_one_write_of_the_disk() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    log.prepare_spare().unwrap();
    fill(&mut log, &[10]);
    let before = disk.counters();
    let appended = append(&mut log, &frame_of(2, 2, 8000)).unwrap();
    let after = disk.counters();
    assert_eq!(after.changes - before.changes, 1);
    assert_eq!(after.bytes - before.bytes, appended.bytes);
    assert!(!appended.rotated);
}

#[test]
fn a_spare_makes_rotating_cheap() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    fill(&mut log, &[10]);
    log.prepare_spare().unwrap();
    log.prepare_spare().unwrap();
    log.rotate();
    let before = disk.counters().changes;
    assert!(append(&mut log, &frame_of(2, 2, 10)).unwrap().rotated);
    // Its first block, its name, the frame.
    assert_eq!(disk.counters().changes - before, 3);
    log.rotate();
    log.rotate();
    assert!(append(&mut log, &frame_of(3, 3, 10)).unwrap().rotated);
    assert_eq!(log.segments().len(), 3);
}

#[test]
fn options_that_cannot_be_are_refused() {
    for options in [
        LogOptions {
            segment_bytes: 60 << 10,
            ..OPTIONS
        },
        LogOptions {
            segment_bytes: SEGMENT + 1,
            ..OPTIONS
        },
        LogOptions {
            compression: 0,
            ..OPTIONS
        },
    ] {
        let opened = BeatLog::open(SimulatedDisk::new(1), options);
        assert!(matches!(opened, Err(LogOpenError::Options(_))));
    }
}

#[test]
fn a_reader_sees_what_is_written_meanwhile() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut frames = fill(&mut log, &[20_000, 20_000, 50_000]);
    let mut reader = read(&disk, ReadFrom::Start).unwrap();
    assert_eq!(reader.next().unwrap().unwrap(), frames[0]);
    frames.extend(fill(&mut log, &[10]));
    // What was listed plain is compressed by now.
    while log.seal_oldest().unwrap().is_some() {}
    let rest: Vec<Frame> = reader.collect::<Result<_, _>>().unwrap();
    assert_eq!(rest, frames[1..]);
}

#[test]
fn the_fuzzed_corpus_is_fine() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/beat_log");
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        exercise(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0);
}
