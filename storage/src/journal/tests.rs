use super::*;
use crate::Store;
use crate::testing::{Scratch, write_records};

fn key(beat: u64, shard: u16) -> JournalKey {
    JournalKey {
        beat: Tick(beat),
        shard: ShardIndex(shard),
    }
}

fn read(store: &Store, beats: RangeInclusive<u64>) -> Vec<(u64, u16)> {
    range(store.log(), Tick(*beats.start())..=Tick(*beats.end()))
        .unwrap()
        .map(|row| row.unwrap())
        .inspect(|row| assert_eq!(row.record, b"record"))
        .map(|row| (row.key.beat.0, row.key.shard.0))
        .collect()
}

#[test]
fn a_range_has_its_beats_in_order_and_both_ends() {
    let scratch = Scratch::new();
    let store = scratch.open();
    assert_eq!(span(store.log(), Tick(u64::MAX)).unwrap(), None);
    // A beat alone, two beats in one frame, rows between them, a beat over two shards.
    write_records(&store, &[(1, 0), (1, 1)], b"record");
    write_records(&store, &[(2, 0), (2, 1), (3, 0), (3, 1)], b"record");
    write_records(&store, &[], b"");
    write_records(&store, &[(4, 0), (4, 1)], b"record");
    write_records(&store, &[(5, 0), (5, 1)], b"record");

    assert_eq!(read(&store, 2..=3), [(2, 0), (2, 1), (3, 0), (3, 1)]);
    assert_eq!(read(&store, 3..=4), [(3, 0), (3, 1), (4, 0), (4, 1)]);
    assert_eq!(read(&store, 6..=9), []);
    #[allow(clippy::reversed_empty_ranges, reason = "that is the case under test")]
    let reversed = read(&store, 3..=2);
    assert_eq!(reversed, []);
    assert_eq!(read(&store, 0..=u64::MAX).len(), 10);
    let ends = span(store.log(), Tick(5)).unwrap();
    assert_eq!(ends, Some((key(1, 0), key(5, 1))));
}

/// Over many segments, some of them compressed, read as a whole and one by one.
#[test]
fn the_journal_runs_through_all_segments() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let record: Vec<u8> = (0..40_000_u32)
        .flat_map(|n| (n * n).to_le_bytes())
        .collect();
    for beat in 1..=20 {
        write_records(&store, &[(beat, 0)], &record[beat as usize..][..60_000]);
    }
    let (opened, _sink) = store.take_writer().unwrap();
    let mut log = opened.log;
    for _ in 0..3 {
        assert!(log.seal_oldest().unwrap().is_some());
    }
    let names: Vec<String> = log.segments().into_iter().map(|s| s.name).collect();
    assert!(names.len() > 5, "{names:?}");
    store.release_writer(Some(log));
    let beats: Vec<u64> = range(store.log(), Tick(0)..=Tick(20))
        .unwrap()
        .map(|row| row.unwrap())
        .inspect(|row| {
            let expected = &record[row.key.beat.0 as usize..][..60_000];
            assert!(row.record == expected, "beat {}", row.key.beat);
        })
        .map(|row| row.key.beat.0)
        .collect();
    assert_eq!(beats, Vec::from_iter(1..=20));
    let folder = scratch.path().join("log");
    let singly: Vec<u64> = names
        .iter()
        .flat_map(|name| from_segment(folder.join(name)).unwrap())
        .map(|row| row.key.beat.0)
        .collect();
    assert_eq!(singly, beats);
}

#[test]
fn damage_is_reported_and_ends_the_range() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for beat in 1..=3 {
        write_records(&store, &[(beat, 0)], &[b'x'; 5000]);
    }
    let segment = std::fs::read_dir(scratch.path().join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    // In the middle of the record of beat 2: a block of head, two blocks for each frame.
    bytes[4096 * 3 + 3000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let rows: Vec<_> = range(store.log(), Tick(1)..=Tick(3)).unwrap().collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].as_ref().unwrap().key, key(1, 0));
    assert!(matches!(rows[1], Err(ReadLogError::Rot { .. })));
    assert!(from_segment(&segment).is_err());
    assert!(from_segment(scratch.path().join("nothing")).is_err());
}
