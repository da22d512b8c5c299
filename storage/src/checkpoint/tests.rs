use proptest::prelude::*;

use super::*;
use crate::testing::{Scratch, put as row};

const GRID: GridId = GridId(0x090a_0b0c);

fn key(grid: u32, beat: u64) -> CheckpointKey {
    CheckpointKey {
        grid: GridId(grid),
        beat: Tick(beat),
    }
}

#[test]
fn keys_and_values_have_the_bytes_on_disk() {
    let key = key(GRID.0, 0x0102_0304_0506_0708).encode();
    assert_eq!(key, [9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
    // Too short to become smaller: as it is.
    let value = encode(&key, b"state");
    assert_eq!(value[..6], [1, 0, 0, 0, 0, 5]);
    assert_eq!(value[10..], *b"state");
    let summed = [&key[..], &value[..6], b"state"].concat();
    assert_eq!(value[6..10], crc32c::crc32c(&summed).to_be_bytes());
    let value = encode(&key, &[7; 100_000]);
    assert_eq!(value[..6], [1, 1, 0, 1, 0x86, 0xa0]);
    assert!(value.len() < 200, "{} bytes", value.len());
}

proptest! {
    #[test]
    fn keys_round_trip_and_sort(a: (u32, u64), b: (u32, u64)) {
        let (a, b) = (key(a.0, a.1), key(b.0, b.1));
        prop_assert_eq!(CheckpointKey::decode(&a.encode()), Some(a));
        prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
    }

    #[test]
    fn states_round_trip(state in prop::collection::vec(0_u8..8, 0..2000)) {
        let key = key(1, 2).encode();
        let value = encode(&key, &state);
        prop_assert!(value.len() <= HEAD_BYTES + state.len());
        prop_assert_eq!(decode(&key, &value), Ok(state));
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert!(decode(b"key", &bytes).is_err());
        let is_key = CheckpointKey::decode(&bytes).is_some();
        prop_assert_eq!(is_key, bytes.len() == KEY_BYTES);
    }

    #[test]
    fn every_changed_bit_is_found(
        state in prop::collection::vec(0_u8..4, 0..200),
        at: prop::sample::Index,
        bit in 0..8,
    ) {
        let key = key(1, 2).encode();
        let mut value = encode(&key, &state);
        let at = at.index(value.len());
        value[at] ^= 1_u8 << bit;
        prop_assert!(decode(&key, &value).is_err());
        prop_assert!(verify(&key, &value).is_err());
    }
}

/// Values whose sum fits and whose content does not: a length that lies, no zstd inside.
#[test]
fn a_state_that_does_not_unpack_is_an_error() {
    let key = key(1, 2).encode();
    let forge = |flags: u8, state_bytes: u32, stored: &[u8]| {
        let mut value = vec![VERSION, flags];
        value.extend_from_slice(&state_bytes.to_be_bytes());
        value.extend_from_slice(&sum(&key, &value, stored).to_be_bytes());
        value.extend_from_slice(stored);
        decode(&key, &value)
    };
    assert_eq!(forge(0, 5, b"state"), Ok(b"state".to_vec()));
    assert_eq!(forge(0, 6, b"state"), Err(CheckpointFault::BadState));
    assert_eq!(forge(1, 5, b"state"), Err(CheckpointFault::BadState));
    let packed = zstd::bulk::compress(&[7; 1000], 1).unwrap();
    assert_eq!(forge(1, 1000, &packed), Ok(vec![7; 1000]));
    for wrong in [0, 999, 1001] {
        assert_eq!(forge(1, wrong, &packed), Err(CheckpointFault::BadState));
    }
    assert_eq!(forge(2, 5, b"state"), Err(CheckpointFault::BadHead));
    assert_eq!(forge(1, u32::MAX, &packed), Err(CheckpointFault::BadHead));
    assert_eq!(decode(&key, b"short"), Err(CheckpointFault::BadHead));
}

#[test]
fn what_was_written_is_loaded_and_nothing_else() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = Batch::new();
    put(&mut batch, GridId(1), Tick(9), b"one");
    put(&mut batch, GridId(2), Tick(9), &[2; 5000]);
    store.write(&batch).unwrap();
    let found = load(&store, GridId(2), Tick(9)).unwrap().unwrap();
    assert_eq!((found.beat, found.state), (Tick(9), vec![2; 5000]));
    assert_eq!(load(&store, GridId(2), Tick(8)).unwrap(), None);
    // A whole value under another key is damage.
    let value = encode(&key(1, 9).encode(), b"one");
    store
        .write(&row(Domain::Checkpoint, &key(1, 10).encode(), &value))
        .unwrap();
    let error = load(&store, GridId(1), Tick(10)).unwrap_err();
    let sentence = "the checkpoint of grid 1 at beat 10 cannot be used: its checksum does not fit";
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn the_newest_whole_one_is_found() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let max = Tick(u64::MAX);
    assert_eq!(newest(&store, GRID, max).unwrap(), Newest::default());
    assert_eq!(grids(&store).count(), 0);
    let mut batch = row(Domain::Checkpoint, b"short", b"");
    for beat in [10, 20, 30, u64::MAX] {
        put(&mut batch, GRID, Tick(beat), &[beat as u8]);
    }
    for grid in [GRID.0 - 1, GRID.0 + 1, 0, u32::MAX] {
        put(&mut batch, GridId(grid), Tick(25), b"of another grid");
    }
    batch.put(Domain::Checkpoint, key(GRID.0, 40).encode(), b"damaged");
    // Longer than a key, between two of them.
    let long = [key(GRID.0, 15).encode().as_slice(), b"?"].concat();
    batch.put(Domain::Checkpoint, long, b"");
    store.write(&batch).unwrap();

    let found = |at_most| {
        let newest = newest(&store, GRID, Tick(at_most)).unwrap();
        let skipped = newest.skipped.iter().map(|(beat, _)| beat.0).collect();
        (newest.checkpoint.map(|found| found.beat.0), skipped)
    };
    assert_eq!(found(u64::MAX), (Some(u64::MAX), vec![]));
    assert_eq!(found(u64::MAX - 1), (Some(30), vec![40]));
    assert_eq!(found(39), (Some(30), vec![]));
    assert_eq!(found(30), (Some(30), vec![]));
    assert_eq!(found(29), (Some(20), vec![]));
    assert_eq!(found(10), (Some(10), vec![]));
    assert_eq!(found(9), (None, vec![]));
    let beats: Vec<u64> = beats_down(&store, GRID, max)
        .map(|beat| beat.unwrap().0)
        .collect();
    assert_eq!(beats, [u64::MAX, 40, 30, 20, 10]);
    let all: Vec<u32> = grids(&store).map(|grid| grid.unwrap().0).collect();
    assert_eq!(all, [0, GRID.0 - 1, GRID.0, GRID.0 + 1, u32::MAX]);
}
