use proptest::prelude::*;

use super::*;
use crate::testing::{Scratch, put as row};

fn key(beat: u64, shard: u16) -> JournalKey {
    JournalKey {
        beat: Tick(beat),
        shard: ShardIndex(shard),
    }
}

#[test]
fn the_key_is_big_endian() {
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    assert_eq!(key(0x0102_0304_0506_0708, 0x090a).encode(), bytes);
}

proptest! {
    #[test]
    fn keys_round_trip_and_sort(a: (u64, u16), b: (u64, u16)) {
        let (a, b) = (key(a.0, a.1), key(b.0, b.1));
        prop_assert_eq!(JournalKey::decode(&a.encode()), Some(a));
        prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
    }

    #[test]
    fn other_lengths_are_no_keys(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        prop_assert_eq!(JournalKey::decode(&bytes).is_some(), bytes.len() == KEY_BYTES);
    }
}

#[test]
fn a_range_has_its_beats_in_order_and_both_ends() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert_eq!(span(&store).unwrap(), None);
    let mut batch = Batch::new();
    for beat in (1..=5).rev().chain([u64::MAX]) {
        for shard in 0..2 {
            put(&mut batch, Tick(beat), ShardIndex(shard), &[beat as u8]);
        }
    }
    store.write(&batch).unwrap();

    let beats = |beats: RangeInclusive<u64>| -> Vec<(u64, u16)> {
        range(&store, Tick(*beats.start())..=Tick(*beats.end()))
            .map(|row| row.unwrap())
            .inspect(|row| assert_eq!(row.record, [row.key.beat.0 as u8]))
            .map(|row| (row.key.beat.0, row.key.shard.0))
            .collect()
    };
    assert_eq!(beats(2..=3), [(2, 0), (2, 1), (3, 0), (3, 1)]);
    assert_eq!(beats(6..=9), []);
    #[allow(clippy::reversed_empty_ranges, reason = "that is the case under test")]
    let reversed = beats(3..=2);
    assert_eq!(reversed, []);
    assert_eq!(beats(0..=u64::MAX).len(), 12);
    assert_eq!(span(&store).unwrap(), Some((key(1, 0), key(u64::MAX, 1))));
}

#[test]
fn a_bad_key_is_reported_and_passed() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut batch = row(Domain::Journal, &key(1, 0).encode()[..9], b"");
    put(&mut batch, Tick(1), ShardIndex(0), b"record");
    store.write(&batch).unwrap();
    let rows: Vec<_> = range(&store, Tick(1)..=Tick(1)).collect();
    assert_eq!(rows.len(), 2);
    assert!(matches!(rows[0], Err(JournalError::BadKey(_))));
    assert_eq!(rows[1].as_ref().unwrap().key, key(1, 0));
    assert!(matches!(span(&store), Err(JournalError::BadKey(_))));
}
