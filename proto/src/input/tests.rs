use proptest::prelude::*;

use super::*;

fn inputs() -> impl Strategy<Value = FlyInput> {
    (any::<u32>(), any::<[i16; 3]>(), any::<u16>()).prop_map(|(sequence, direction, throttle)| {
        FlyInput {
            sequence,
            direction,
            throttle,
        }
    })
}

fn acknowledgements() -> impl Strategy<Value = SnapshotAck> {
    (any::<u8>(), any::<u64>(), any::<u32>()).prop_map(|(epoch, tick, mask)| SnapshotAck {
        epoch,
        tick: Tick(tick),
        mask,
    })
}

proptest! {
    #[test]
    fn datagrams_round_trip(
        sequence in any::<u32>(),
        ack in prop::option::of(acknowledgements()),
        inputs in prop::collection::vec(inputs(), 0..6),
        behind in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let datagram = InputDatagram::new(sequence, ack, &inputs);
        prop_assert_eq!(datagram.inputs(), &inputs[..inputs.len().min(MAX_INPUTS)]);
        let mut bytes = Vec::new();
        datagram.encode(&mut bytes);
        prop_assert!(bytes.len() <= MAX_INPUT_BYTES);
        // Every cut is an error, and what a later version appends is ignored.
        for length in 0..bytes.len() {
            prop_assert!(InputDatagram::decode(&bytes[..length]).is_err());
        }
        bytes.extend(behind);
        prop_assert_eq!(InputDatagram::decode(&bytes), Ok(datagram));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = InputDatagram::decode(&bytes);
        bytes.splice(..0, [DATAGRAM_VERSION, KIND_INPUT]);
        let _ = InputDatagram::decode(&bytes);
    }

    #[test]
    fn masks_name_their_ticks(tick in 40_u64..1_000_000, mask in any::<u32>(), age in 0_u64..40) {
        let ack = SnapshotAck { epoch: 0, tick: Tick(tick), mask };
        let expected = match age {
            0 => true,
            1..=32 => mask & (1 << (age - 1)) != 0,
            _ => false,
        };
        prop_assert_eq!(ack.contains(Tick(tick - age)), expected);
        prop_assert!(!ack.contains(Tick(tick + 1)));
    }
}

#[test]
fn other_layouts_are_refused() {
    assert_eq!(InputDatagram::decode(&[]), Err(InputError::Truncated));
    assert_eq!(InputDatagram::decode(&[9]), Err(InputError::Version(9)));
    assert_eq!(
        InputDatagram::decode(&[DATAGRAM_VERSION, 2]),
        Err(InputError::Kind(2))
    );
    assert_eq!(
        InputDatagram::decode(&[DATAGRAM_VERSION, KIND_INPUT, 1, 0, 0, 0, 0x80]),
        Err(InputError::Flags(0x80))
    );
}

#[test]
fn unit_vectors_are_told_from_others() {
    let with = |direction, throttle| FlyInput {
        sequence: 1,
        direction,
        throttle,
    };
    assert!(with([DIRECTION_ONE, 0, 0], 0).is_valid());
    assert!(with([9_459, -9_459, 9_459], THROTTLE_FULL).is_valid());
    assert!(!with([0, 0, 0], 500).is_valid());
    assert!(!with([DIRECTION_ONE, 3_000, 0], 500).is_valid());
    assert!(!with([i16::MIN, i16::MIN, i16::MIN], 500).is_valid());
    assert!(!with([DIRECTION_ONE, 0, 0], THROTTLE_FULL + 1).is_valid());
}
