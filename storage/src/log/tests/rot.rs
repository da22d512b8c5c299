//! Damage: what is a torn tail and what is not.

use super::*;

/// A disk with one segment of three frames, and where each begins.
fn three() -> (SimulatedDisk, [u64; 4], Vec<Frame>) {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    let mut offset = BLOCK as u64;
    let mut offsets = [offset; 4];
    let mut frames = Vec::new();
    for (index, bytes) in [5000, 10_000, 12_000].into_iter().enumerate() {
        let number = index as u64 + 1;
        let frame = frame_of(number, number, bytes);
        offset += append(&mut log, &frame).unwrap().bytes;
        offsets[index + 1] = offset;
        frames.push(frame);
    }
    (disk, offsets, frames)
}

const ONLY: &str = "0000000000000001.seg";

#[test]
fn a_tail_torn_anywhere_is_overwritten() {
    let (disk, offsets, frames) = three();
    let whole = disk.read_all(ONLY).unwrap();
    let [.., from, to] = offsets.map(|offset| offset as usize);
    for cut in (from..=to)
        .step_by(simulated::SECTOR)
        .chain([from + 3, from + 71, to - 4095])
    {
        let mut content = whole.clone();
        content[cut..to].fill(0);
        let is_whole = content == whole;
        disk.write_all(ONLY, &content).unwrap();
        let (mut log, end) = open(&disk);
        assert_eq!(end.next, if is_whole { 4 } else { 3 }, "cut at {cut}");
        if cut >= from + 24 && !is_whole {
            let torn = end.torn.unwrap();
            assert_eq!((torn.segment.as_str(), torn.offset), (ONLY, from as u64));
        }
        // A short one over it: the rest of the torn one stays behind it.
        let mut expected = frames[..if is_whole { 3 } else { 2 }].to_vec();
        expected.extend(fill(&mut log, &[10, 20]));
        drop(log);
        assert_eq!(open(&disk).1.torn, None);
        assert_eq!(read_back(&disk, ReadFrom::Start), expected);
    }
}

#[test]
fn damage_before_the_last_frame_is_rot() {
    let (disk, offsets, frames) = three();
    let rows_bytes = 5000;
    for (at, frame) in [
        (0, 0),
        (15, 0),
        (offsets[0], 1),
        (offsets[0] + 16, 1),
        (offsets[0] + 48, 1),
        (offsets[0] + rows_bytes, 1),
        (offsets[1], 2),
        (offsets[1] + 64, 2),
        (offsets[2] - 4096, 2),
    ] {
        disk.flip(ONLY, at, 0x10);
        let offset = if frame == 0 { 0 } else { offsets[frame - 1] };
        match BeatLog::open(disk.clone(), OPTIONS) {
            Err(LogOpenError::Rot {
                segment,
                offset: found,
                ..
            }) => assert_eq!((segment.as_str(), found), (ONLY, offset), "flip at {at}"),
            other => panic!("flip at {at}: {other:?}"),
        }
        let read: Vec<_> = read(&disk, ReadFrom::Start).unwrap().collect();
        let (last, before) = read.split_last().unwrap();
        assert!(matches!(last, Err(ReadLogError::Rot { .. })), "{last:?}");
        let before: Vec<&Frame> = before.iter().map(|frame| frame.as_ref().unwrap()).collect();
        let expected: Vec<&Frame> = frames.iter().take(frame.max(1) - 1).collect();
        assert_eq!(before, expected);
        disk.flip(ONLY, at, 0x10);
    }
    open(&disk);
}

#[test]
fn a_frame_that_follows_another_one_than_the_one_before_is_rot() {
    let (disk, offsets, frames) = three();
    let [from, to, ..] = offsets.map(|offset| offset as usize);
    // The same log in another life: its first frame differs, and so does what follows.
    let other = SimulatedDisk::new(1);
    let (mut log, _) = open(&other);
    let mut first = frames[0].clone();
    first.rows = Batch::new();
    first.rows.put(Domain::Ship, b"other", vec![1; 2500]);
    append(&mut log, &first).unwrap();
    let mut content = disk.read_all(ONLY).unwrap();
    content[from..to].copy_from_slice(&other.read_all(ONLY).unwrap()[from..to]);
    disk.write_all(ONLY, &content).unwrap();
    match BeatLog::open(disk, OPTIONS) {
        Err(LogOpenError::Rot { offset, .. }) => assert_eq!(offset, to as u64),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_log_is_not_changed() {
    let (disk, offsets, _) = three();
    disk.write_all("0000000000000001.seg.zst", b"twin").unwrap();
    disk.flip(ONLY, offsets[0], 1);
    let before = disk.counters();
    assert!(BeatLog::open(disk.clone(), OPTIONS).is_err());
    assert_eq!(disk.counters(), before);
}

#[test]
fn a_missing_segment_is_rot() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    for _ in 0..4 {
        log.rotate();
        fill(&mut log, &[10]);
    }
    log.seal_oldest().unwrap();
    drop(log);
    disk.remove("0000000000000002.seg").unwrap();
    let is_rot = matches!(
        BeatLog::open(disk.clone(), OPTIONS),
        Err(LogOpenError::Rot { segment, offset: 0, .. }) if segment == "0000000000000003.seg"
    );
    assert!(is_rot);
    let read: Vec<_> = read(&disk, ReadFrom::Start).unwrap().collect();
    assert_eq!(read.len(), 2);
    assert!(matches!(read[1], Err(ReadLogError::Rot { .. })));
}

#[test]
fn a_lost_tail_of_a_full_segment_is_rot() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    fill(&mut log, &[10, 10]);
    log.rotate();
    fill(&mut log, &[10]);
    // The last frame of the first segment: nothing follows it there.
    disk.flip(ONLY, 2 * BLOCK as u64 + 30, 1);
    drop(log);
    let opened = BeatLog::open(disk, OPTIONS);
    assert!(matches!(opened, Err(LogOpenError::Rot { .. })));
}

#[test]
fn damage_in_a_compressed_segment_is_rot() {
    let disk = SimulatedDisk::new(1);
    let (mut log, _) = open(&disk);
    fill(&mut log, &[30_000]);
    log.rotate();
    fill(&mut log, &[10]);
    let name = log.seal_oldest().unwrap().unwrap();
    drop(log);
    let bytes = disk.size(&name).unwrap();
    for at in (0..bytes).step_by(37) {
        disk.flip(&name, at, 0x40);
        let first = read(&disk, ReadFrom::Start).unwrap().next().unwrap();
        assert!(
            matches!(first, Err(ReadLogError::Rot { .. })),
            "flip at {at}: {first:?}"
        );
        let summary = segment::SEALED_PREFIX_BYTES as u64;
        assert_eq!(
            BeatLog::open(disk.clone(), OPTIONS).is_err(),
            at < summary,
            "{at}"
        );
        disk.flip(&name, at, 0x40);
    }
}

#[test]
fn a_frame_in_a_value_is_not_taken_for_one() {
    let (disk, offsets, _) = three();
    let whole = disk.read_all(ONLY).unwrap();
    let [.., from, to] = offsets.map(|offset| offset as usize);
    let image = whole[from..to].to_vec();
    // A log in which a player has stored, block by block, what another log's frame looks like.
    let disk = SimulatedDisk::new(2);
    let (mut log, _) = open(&disk);
    fill(&mut log, &[10, 10]);
    log.rotate();
    let mut frame = frame_of(3, 3, 10);
    frame.rows = Batch::new();
    let shift = BLOCK - frame_bytes_before_value();
    let mut value = vec![0; shift];
    value.extend(image);
    frame.rows.put(Domain::Ship, b"evil", value);
    append(&mut log, &frame).unwrap();
    drop(log);
    // Its head is lost: a torn tail, although a frame seems to follow.
    let name = "0000000000000003.seg";
    let content = disk.read_all(name).unwrap();
    assert_eq!(content[2 * BLOCK..2 * BLOCK + 4], *b"OFRM");
    disk.flip(name, BLOCK as u64, 1);
    assert_eq!(open(&disk).1.next, 3);
}

/// Header, tag, two lengths and the key of the row above.
const fn frame_bytes_before_value() -> usize {
    72 + 1 + 1 + 2 + 4
}
