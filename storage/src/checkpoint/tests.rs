use proptest::prelude::*;

use super::*;
use crate::testing::{Scratch, put};

fn state(beat: u64, grid: u32) -> Vec<u8> {
    format!("grid {grid} after {beat}").into_bytes()
}

/// A complete checkpoint of `grids` grids.
fn write(batch: &mut Batch, beat: u64, grids: u32) {
    let sums: Vec<GridSum> = (0..grids)
        .rev()
        .map(|grid| put_grid(batch, Tick(beat), GridId(grid), &state(beat, grid)))
        .collect();
    put_header(batch, Tick(beat), &sums);
}

fn fault(error: CheckpointError) -> CheckpointFault {
    match error {
        CheckpointError::Incomplete { fault, .. } => fault,
        CheckpointError::Read(error) => panic!("{error}"),
    }
}

#[test]
fn keys_and_headers_have_the_bytes_on_disk() {
    let key = CheckpointKey {
        beat: Tick(0x0102_0304_0506_0708),
        grid: GridId(0x090a_0b0c),
    };
    assert_eq!(key.encode(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let header = Header {
        grids: 0x0102_0304,
        bytes: 0x0506_0708_090a_0b0c,
        crc: 0x0d0e_0f10,
    };
    let bytes = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    assert_eq!(header.encode(), bytes);
    // CRC-32C of nothing, and its published check value.
    assert_eq!(Header::of(&[]).crc, 0);
    assert_eq!(GridSum::of(GridId(1), b"123456789").crc, 0xe306_9283);
}

proptest! {
    #[test]
    fn keys_round_trip_and_sort(a: (u64, u32), b: (u64, u32)) {
        let [a, b] = [a, b].map(|(beat, grid)| CheckpointKey {
            beat: Tick(beat),
            grid: GridId(grid),
        });
        prop_assert_eq!(CheckpointKey::decode(&a.encode()), Some(a));
        prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
    }

    #[test]
    fn headers_round_trip(grids: u32, bytes: u64, crc: u32) {
        let header = Header { grids, bytes, crc };
        prop_assert_eq!(Header::decode(&header.encode()), Some(header));
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        let _ = Header::decode(&bytes);
        let is_key = CheckpointKey::decode(&bytes).is_some();
        prop_assert_eq!(is_key, bytes.len() == KEY_BYTES);
    }
}

#[test]
fn what_was_written_is_loaded() {
    let scratch = Scratch::new();
    let store = scratch.open();
    // The states in two writes and the header in a third, as over several beats.
    let mut sums = Vec::new();
    for grids in [[3, 1], [7, 0]] {
        let mut batch = Batch::new();
        for grid in grids {
            sums.push(put_grid(&mut batch, Tick(9), GridId(grid), &state(9, grid)));
        }
        store.write(&batch).unwrap();
        let error = load(&store, Tick(9)).unwrap_err();
        assert_eq!(fault(error), CheckpointFault::NoHeader);
    }
    let mut batch = Batch::new();
    put_header(&mut batch, Tick(9), &sums);
    store.write(&batch).unwrap();
    let loaded = load(&store, Tick(9)).unwrap();
    let expected: Vec<_> = [0, 1, 3, 7]
        .map(|grid| (GridId(grid), state(9, grid)))
        .into();
    assert_eq!((loaded.beat, loaded.grids), (Tick(9), expected));
}

#[test]
fn a_world_without_grids_has_a_checkpoint() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    put_header(&mut batch, Tick(1), &[]);
    store.write(&batch).unwrap();
    assert_eq!(load(&store, Tick(1)).unwrap().grids, []);
}

#[test]
#[should_panic(expected = "key of the header")]
fn no_grid_may_have_the_number_of_the_header() {
    let _ = put_grid(&mut Batch::new(), Tick(1), HEADER_GRID, b"");
}

#[test]
fn every_kind_of_damage_is_recognised() {
    let key = |grid| {
        CheckpointKey {
            beat: Tick(5),
            grid: GridId(grid),
        }
        .encode()
    };
    let header = HEADER_GRID.0;
    let mut missing = Batch::new();
    missing.delete(Domain::Checkpoint, key(1));
    let mut swapped = put(Domain::Checkpoint, &key(0), &state(5, 1));
    swapped.put(Domain::Checkpoint, key(1), state(5, 0));
    let mut headless = Batch::new();
    headless.delete(Domain::Checkpoint, key(header));
    let counted = |found| CheckpointFault::GridCount { found, listed: 3 };
    let long_key = [key(1).as_slice(), &[0]].concat();
    let cases = [
        (missing, counted(2)),
        (put(Domain::Checkpoint, &key(4), b"more"), counted(4)),
        (
            put(Domain::Checkpoint, &key(1), b"Grid 1 after 5"),
            CheckpointFault::Mismatch,
        ),
        (swapped, CheckpointFault::Mismatch),
        (headless, CheckpointFault::NoHeader),
        (
            put(Domain::Checkpoint, &key(header), &[2; HEADER_BYTES]),
            CheckpointFault::BadHeader,
        ),
        (
            put(Domain::Checkpoint, &key(header), b"short"),
            CheckpointFault::BadHeader,
        ),
        (
            put(Domain::Checkpoint, &long_key, b""),
            CheckpointFault::BadKey(long_key.clone()),
        ),
    ];
    for (damage, expected) in cases {
        let scratch = Scratch::new();
        let store = scratch.open();
        let mut batch = Batch::new();
        write(&mut batch, 5, 3);
        batch.append(&damage);
        store.write(&batch).unwrap();
        assert_eq!(fault(load(&store, Tick(5)).unwrap_err()), expected);
    }
}

#[test]
fn the_newest_complete_one_is_found() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert_eq!(newest(&store, Tick(u64::MAX)).unwrap(), Newest::default());
    let mut batch = put(Domain::Checkpoint, b"short", b"");
    for beat in [10, 20, 30] {
        write(&mut batch, beat, 2);
    }
    let _ = put_grid(&mut batch, Tick(40), GridId(0), b"never completed");
    store.write(&batch).unwrap();

    let found = |at_or_before| {
        let newest = newest(&store, Tick(at_or_before)).unwrap();
        let skipped = newest.skipped.iter().map(|(beat, _)| beat.0).collect();
        (newest.checkpoint.map(|found| found.beat.0), skipped)
    };
    assert_eq!(found(u64::MAX), (Some(30), vec![40]));
    assert_eq!(found(40), (Some(30), vec![40]));
    assert_eq!(found(39), (Some(30), vec![]));
    assert_eq!(found(30), (Some(30), vec![]));
    assert_eq!(found(29), (Some(20), vec![]));
    assert_eq!(found(10), (Some(10), vec![]));
    assert_eq!(found(9), (None, vec![]));
    let beats: Vec<u64> = beats_down(&store, Tick(u64::MAX))
        .map(|beat| beat.unwrap().0)
        .collect();
    assert_eq!(beats[..4], [40, 30, 20, 10]);
}
