use proptest::prelude::*;

use super::*;

const PLACE: Place = Place {
    number: 7,
    seed: 0x1234_5678,
    previous: 0x9abc_def0,
};

fn encoded(frame: &FrameOut<'_>, place: Place) -> Blocks {
    let mut out = Blocks::new();
    encode(frame, place, &mut out);
    out
}

fn decoded(bytes: &[u8]) -> Option<Frame> {
    find(bytes, PLACE.seed)?.decode().ok()
}

fn sample() -> Batch {
    let mut rows = Batch::new();
    rows.put(Domain::Ship, [1, 2], [3, 4, 5]);
    rows.delete(Domain::Name, b"ann");
    rows.delete_range(Domain::Token, [0], [9]);
    rows
}

#[test]
fn the_bytes_of_a_frame_are_the_ones_on_disk() {
    let rows = sample();
    let records = [
        Record {
            beat: Tick(300),
            shard: ShardIndex(1),
            bytes: b"in",
        },
        Record {
            beat: Tick(299),
            shard: ShardIndex(200),
            bytes: b"",
        },
    ];
    let frame = FrameOut {
        through: Some(Tick(300)),
        rows: &rows,
        records: &records,
    };
    let out = encoded(&frame, PLACE);
    let mut expected = b"OFRM\x01\x03".to_vec();
    expected.extend([0; 10]);
    for long in [7_u64, 299, 300, 300] {
        expected.extend(long.to_le_bytes());
    }
    for word in [19_u32, 3, 9, 2, 0x9abc_def0] {
        expected.extend(word.to_le_bytes());
    }
    let body = b"\x05\x02\x03\x01\x02\x03\x04\x05\x44\x03\x00ann\x82\x01\x01\x00\x09\
                 \x01\x01\x02in\x00\xc8\x01\x00";
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(PLACE.seed, &expected), body);
    expected.extend(crc.to_le_bytes());
    expected.extend(body);
    let (frame, padding) = out.bytes().split_at(expected.len());
    assert_eq!(frame, expected);
    assert_eq!(out.len(), BLOCK);
    assert!(padding.iter().all(|byte| *byte == 0));
    assert_eq!(crc, GOLDEN_CRC, "{crc:#x}");
}

/// Of the frame above: changes only with a new version of the format.
const GOLDEN_CRC: u32 = 0x1bcc_ce84;

#[test]
fn several_beats_leave_only_the_last_write_of_a_row() {
    let mut rows = Batch::new();
    rows.put(Domain::Meta, b"hot", b"1");
    rows.put(Domain::Ship, b"s", b"1");
    rows.delete_range(Domain::Meta, b"h", b"i");
    rows.put(Domain::Meta, b"hot", b"2");
    rows.put(Domain::Meta, b"hot", b"3");
    rows.delete(Domain::Ship, b"s");
    let mut expected = Batch::new();
    expected.delete_range(Domain::Meta, b"h", b"i");
    expected.put(Domain::Meta, b"hot", b"3");
    expected.delete(Domain::Ship, b"s");
    let record = |beat| Record {
        beat: Tick(beat),
        shard: ShardIndex(0),
        bytes: &[],
    };
    for (records, kept) in [
        (vec![record(1), record(2)], &expected),
        (vec![record(1), record(1)], &rows),
        (vec![], &rows),
    ] {
        let frame = FrameOut {
            through: Some(Tick(2)),
            rows: &rows,
            records: &records,
        };
        let read = decoded(encoded(&frame, PLACE).bytes()).expect("whole");
        assert_eq!(&read.rows, kept);
    }
}

#[test]
fn a_frame_of_another_place_is_not_taken() {
    let rows = sample();
    let frame = FrameOut {
        through: None,
        rows: &rows,
        records: &[],
    };
    let out = encoded(&frame, PLACE);
    assert!(find(out.bytes(), PLACE.seed).is_some());
    assert!(find(out.bytes(), PLACE.seed ^ 1).is_none());
    assert_eq!(claimed_number(out.bytes()), Some(7));
    assert_eq!(claimed_number(&[0; BLOCK]), None);
}

#[test]
fn a_row_that_no_batch_holds_is_refused() {
    for row in [
        &[0xc0 | 5, 1, 0, 1][..], // a kind that is none
        &[0x3f, 1, 0, 1],         // a domain that is none
        &[0x45, 1, 1, 1, 1],      // a deletion with a value
        &[0x85, 1, 1, 2, 1],      // a reversed range
        &[0x05, 9, 0, 1],         // longer than there is
        &[
            0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1,
        ],
    ] {
        assert_eq!(read_row(&mut &*row, &mut Batch::new()), None, "{row:02x?}");
    }
}

#[derive(Clone, Debug)]
enum Op {
    Put(Domain, Vec<u8>, Vec<u8>),
    Delete(Domain, Vec<u8>),
    Range(Domain, Vec<u8>, Vec<u8>),
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let domain = || prop::sample::select(Domain::ALL.to_vec());
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    let op = prop_oneof![
        (domain(), bytes(), bytes()).prop_map(|(d, k, v)| Op::Put(d, k, v)),
        (domain(), bytes()).prop_map(|(d, k)| Op::Delete(d, k)),
        (domain(), bytes(), bytes()).prop_map(|(d, a, b)| Op::Range(d, a, b)),
    ];
    prop::collection::vec(op, 0..40).prop_map(|ops| {
        let mut batch = Batch::new();
        for op in ops {
            match op {
                Op::Put(domain, key, value) => batch.put(domain, key, value),
                Op::Delete(domain, key) => batch.delete(domain, key),
                Op::Range(domain, from, to) => batch.delete_range(domain, from, to),
            }
        }
        batch
    })
}

fn any_records() -> impl Strategy<Value = Vec<OwnedRecord>> {
    let record = (
        any::<u64>(),
        any::<u16>(),
        prop::collection::vec(any::<u8>(), 0..200),
    );
    let record = record.prop_map(|(beat, shard, bytes)| OwnedRecord {
        beat: Tick(beat),
        shard: ShardIndex(shard),
        bytes,
    });
    prop::collection::vec(record, 0..12)
}

proptest! {
    #[test]
    fn a_frame_reads_as_it_was_written(
        rows in any_batch(),
        records in any_records(),
        through in prop::option::of(any::<u64>()),
    ) {
        let borrowed: Vec<Record<'_>> = records.iter().map(OwnedRecord::as_record).collect();
        let through = through.map(Tick);
        let frame = FrameOut { through, rows: &rows, records: &borrowed };
        let out = encoded(&frame, PLACE);
        prop_assert!(out.len() as u64 <= size_bound(&frame).next_multiple_of(BLOCK as u64));
        let raw = find(out.bytes(), PLACE.seed).expect("whole");
        prop_assert_eq!((raw.number, raw.previous), (PLACE.number, PLACE.previous));
        prop_assert_eq!(raw.bytes, out.len());
        prop_assert_eq!(raw.beats, beats_of(&frame));
        let read = raw.decode().expect("own format");
        prop_assert_eq!(read.through, through);
        prop_assert_eq!(&read.records, &records);
        // Random keys of up to 300 bytes hardly repeat; the empty one may.
        let left_out = rows.len() - read.rows.len();
        prop_assert_eq!(left_out, if records.iter().any(|r| r.beat != records[0].beat) {
            superseded(&rows).iter().filter(|s| **s).count()
        } else {
            0
        });
    }

    #[test]
    fn no_single_damaged_byte_goes_unnoticed(
        rows in any_batch(),
        at in any::<prop::sample::Index>(),
        bits in 1_u8..,
    ) {
        let frame = FrameOut { through: Some(Tick(3)), rows: &rows, records: &[] };
        let mut out = encoded(&frame, PLACE);
        let end = HEADER_BYTES + word(out.bytes().first_chunk().unwrap(), 48) as usize;
        let at = at.index(end);
        out.bytes_mut()[at] ^= bits;
        prop_assert!(find(out.bytes(), PLACE.seed).is_none());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::log::exercise(&bytes);
    }
}
