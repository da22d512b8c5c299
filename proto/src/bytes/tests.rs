use super::*;
use proptest::prelude::*;

#[test]
fn fields_behind_the_end_have_their_defaults() {
    let mut fields = FieldReader::new(&[7]);
    assert_eq!(fields.varint(), Ok(7));
    assert_eq!(fields.varint(), Ok(0));
    assert_eq!(fields.u64_fixed(), Ok(0));
    assert_eq!(fields.text(9), Ok(String::new()));
    assert!(fields.is_empty());
}

#[test]
fn a_frame_that_ends_within_a_field_is_refused() {
    assert_eq!(
        FieldReader::new(&[0x80]).varint(),
        Err(FieldError::Truncated)
    );
    assert_eq!(
        FieldReader::new(&[1, 2]).u64_fixed(),
        Err(FieldError::Truncated)
    );
    assert_eq!(
        FieldReader::new(&[3, b'a']).text(9),
        Err(FieldError::Truncated)
    );
    assert_eq!(FieldReader::new(&[1, 0xff]).text(9), Err(FieldError::Utf8));
    assert_eq!(
        FieldReader::new(&[10]).text(9),
        Err(FieldError::TooLong {
            length: 10,
            most: 9
        })
    );
    assert_eq!(
        FieldReader::new(&[0x80, 0x02]).int::<u8>(),
        Err(FieldError::Range(256))
    );
}

#[test]
fn clipping_respects_characters() {
    assert_eq!(clip("añb", 2), "a");
    assert_eq!(clip("añb", 3), "añ");
    assert_eq!(clip("añb", 9), "añb");
    assert_eq!(clip("ñ", 0), "");
}

proptest! {
    #[test]
    fn varints_round_trip(value in any::<u64>(), shift in 0_u32..64) {
        let value = value >> shift;
        let mut out = Vec::new();
        put_varint(&mut out, value);
        prop_assert_eq!(split_varint(&out), Ok(Some((value, out.len()))));
        prop_assert_eq!(FieldReader::new(&out).varint(), Ok(value));
        // Every proper prefix is incomplete, none is something else.
        prop_assert_eq!(split_varint(&out[..out.len() - 1]), Ok(None));
    }

    #[test]
    fn what_is_accepted_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(Some((value, length))) = split_varint(&bytes) {
            let mut again = Vec::new();
            put_varint(&mut again, value);
            prop_assert_eq!(&again[..], &bytes[..length]);
        }
    }
}
