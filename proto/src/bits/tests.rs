use super::*;
use proptest::prelude::*;

#[test]
fn bit_order_is_least_significant_first() {
    let mut writer = BitWriter::new();
    writer.write(0b1, 1);
    writer.write(0b10, 2);
    writer.write(0xabc, 12);
    let mut bytes = Vec::new();
    writer.copy_into(&mut bytes);
    // 1, then 01, then 0xabc from its low bit on.
    assert_eq!(bytes, [0b1110_0101, 0b0101_0101]);
    assert_eq!(writer.bits(), 15);
    assert_eq!(writer.byte_len(), 2);
}

#[test]
fn reading_past_the_end_consumes_nothing() {
    let mut reader = BitReader::new(&[0xff]);
    assert_eq!(reader.read(5), Ok(31));
    assert_eq!(
        reader.read(4),
        Err(EndOfBits {
            available: 8,
            wanted: 4
        })
    );
    assert_eq!(reader.read(3), Ok(7));
    assert!(reader.is_finished());
    assert!(BitReader::new(&[]).read(1).is_err());
    assert_eq!(BitReader::new(&[]).read(0), Ok(0));
}

#[test]
fn padding_must_be_zero_and_short() {
    let mut reader = BitReader::new(&[0b0001_0000, 0]);
    assert!(!reader.is_finished());
    reader.read(4).unwrap();
    assert!(!reader.is_finished(), "twelve bits are more than padding");
    reader.read(5).unwrap();
    assert!(reader.is_finished());
    let mut dirty = BitReader::new(&[0x80]);
    dirty.read(4).unwrap();
    assert!(!dirty.is_finished());
}

#[test]
fn varints_are_canonical() {
    for bytes in [
        &[0x80_u8, 0x00][..],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        &[
            0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
        ],
    ] {
        assert_eq!(BitReader::new(bytes).read_varint(), Ok(None), "{bytes:?}");
    }
    assert!(BitReader::new(&[0x80]).read_varint().is_err());
}

#[test]
fn zigzag_extremes() {
    for value in [0, 1, -1, i32::MAX, i32::MIN] {
        assert_eq!(unzigzag(zigzag(value)), value);
    }
    assert_eq!(zigzag(-1), 1);
    assert_eq!(zigzag(i32::MIN), u32::MAX);
    assert_eq!(width(0), 0);
    assert_eq!(width(u64::MAX), 64);
}

proptest! {
    #[test]
    fn what_was_written_is_read(values in prop::collection::vec((any::<u64>(), 0_u32..=64), 0..200)) {
        let mut writer = BitWriter::new();
        let mut expected = Vec::new();
        for (value, count) in values {
            let value = if count == 0 { 0 } else { value & (u64::MAX >> (64 - count)) };
            writer.write(value, count);
            expected.push((value, count));
        }
        let mut bytes = Vec::new();
        writer.copy_into(&mut bytes);
        prop_assert_eq!(bytes.len(), writer.byte_len());
        let mut reader = BitReader::new(&bytes);
        for (value, count) in expected {
            prop_assert_eq!(reader.read(count), Ok(value));
        }
        prop_assert!(reader.is_finished());
    }

    #[test]
    fn appended_words_equal_written_bits(
        head in 0_u32..64,
        values in prop::collection::vec((any::<u64>(), 1_u32..=64), 1..12),
    ) {
        let mut record = BitWriter::new();
        let mut direct = BitWriter::new();
        direct.write(0, head);
        for (value, count) in values {
            let value = value & (u64::MAX >> (64 - count));
            record.write(value, count);
            direct.write(value, count);
        }
        let mut appended = BitWriter::new();
        appended.write(0, head);
        let bits = record.bits() as u32;
        appended.append(&record.into_words(), bits);
        prop_assert_eq!(appended.bits(), direct.bits());
        prop_assert_eq!(appended.into_words(), direct.into_words());
    }

    #[test]
    fn rewinding_leaves_no_trace(before in any::<u32>(), after in prop::collection::vec(any::<u64>(), 0..9), then in any::<u16>()) {
        let mut writer = BitWriter::new();
        writer.write(u64::from(before), 32);
        let mut untouched = writer.clone();
        let mark = writer.checkpoint();
        for word in after {
            writer.write(word, 64);
        }
        writer.rewind(mark);
        writer.write(u64::from(then), 16);
        untouched.write(u64::from(then), 16);
        prop_assert_eq!(writer.into_words(), untouched.into_words());
    }

    #[test]
    fn varints_round_trip(value in any::<u64>(), shift in 0_u32..64) {
        let value = value >> shift;
        let mut writer = BitWriter::new();
        writer.write_varint(value);
        let mut bytes = Vec::new();
        writer.copy_into(&mut bytes);
        prop_assert_eq!(BitReader::new(&bytes).read_varint(), Ok(Some(value)));
    }

    #[test]
    fn zigzag_round_trips(value in any::<i32>()) {
        prop_assert_eq!(unzigzag(zigzag(value)), value);
    }
}
