use proptest::prelude::*;

use super::*;

#[test]
fn integers_are_little_endian() {
    let mut bytes = Vec::new();
    bytes.put_u8(1);
    bytes.put_u16(0x0302);
    bytes.put_u32(0x0706_0504);
    bytes.put_u64(0x0f0e_0d0c_0b0a_0908);
    bytes.put_i32(-2);
    bytes.put_i64(-3);
    bytes.put_flag(true);
    assert_eq!(bytes[..15], (1..=15).collect::<Vec<u8>>());
    let mut reader = Reader::new(&bytes);
    assert_eq!(reader.u8(), Ok(1));
    assert_eq!(reader.u16(), Ok(0x0302));
    assert_eq!(reader.u32(), Ok(0x0706_0504));
    assert_eq!(reader.u64(), Ok(0x0f0e_0d0c_0b0a_0908));
    assert_eq!(reader.i32(), Ok(-2));
    assert_eq!(reader.i64(), Ok(-3));
    assert_eq!(reader.flag(), Ok(true));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn what_no_writer_writes_is_refused() {
    assert_eq!(Reader::new(&[2]).flag(), Err(DecodeError::Invalid("flag")));
    // Longer than need be; more than 64 bits; without an end.
    for bytes in [&[0x80, 0][..], &[0xff; 10], &[0x80; 11]] {
        let result = Reader::new(bytes).varint();
        assert_eq!(result, Err(DecodeError::Invalid("varint")), "{bytes:?}");
    }
    let truncated = DecodeError::Truncated { needed: 1, left: 0 };
    assert_eq!(Reader::new(&[0x80]).varint(), Err(truncated));
    let truncated = DecodeError::Truncated { needed: 8, left: 3 };
    assert_eq!(Reader::new(&[0; 3]).u64(), Err(truncated));
    assert_eq!(Reader::new(&[0; 3]).finish(), Err(DecodeError::Trailing(3)));
}

#[test]
fn a_count_that_cannot_follow_is_refused_before_anything_is_reserved() {
    let mut bytes = Vec::new();
    bytes.put_varint(u64::MAX);
    bytes.extend([0; 20]);
    assert!(Reader::new(&bytes).count(1).is_err());
    assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
    assert!(Reader::new(&[2, 0, 0, 0]).count(2).is_err());
}

#[test]
fn versions_are_told_apart() {
    assert_eq!(Reader::new(&[7]).version(7, Reader::u8), Ok(()));
    let error = DecodeError::Version { found: 7, known: 8 };
    assert_eq!(Reader::new(&[7]).version(8, Reader::u8), Err(error));
}

#[test]
fn a_checksum_finds_any_flipped_bit() {
    let mut bytes = b"before".to_vec();
    let start = bytes.len();
    bytes.put_u64(0x0123_4567_89ab_cdef);
    seal(&mut bytes, start);
    let sealed = bytes.split_off(start);
    assert_eq!(checked(&sealed).unwrap().remaining(), 8);
    for bit in 0..sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(checked(&damaged).unwrap_err(), DecodeError::Checksum);
    }
    assert!(matches!(
        checked(&[0; 3]),
        Err(DecodeError::Truncated { .. })
    ));
}

proptest! {
    #[test]
    fn numbers_and_sections_round_trip(
        numbers in prop::collection::vec(any::<u64>().prop_map(|n| n >> (n % 64)), 0..20),
        section in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = Vec::new();
        for number in &numbers {
            bytes.put_varint(*number);
        }
        bytes.put_section(|bytes| bytes.extend_from_slice(&section));
        bytes.put_u8(0x55);
        let mut reader = Reader::new(&bytes);
        for number in &numbers {
            prop_assert_eq!(reader.varint(), Ok(*number));
        }
        prop_assert_eq!(reader.section().unwrap().rest(), section);
        prop_assert_eq!(reader.rest(), [0x55]);
        prop_assert_eq!(reader.finish(), Ok(()));
    }
}
