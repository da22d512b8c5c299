//! Bytes from the network never panic, whatever they are.

use proptest::prelude::*;

use super::*;

/// Something that looks like QUIC often enough to get past the first checks.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..1_500);
    let long = (
        0xc0u8..=0xff,
        prop_oneof![Just(1u32), Just(0), any::<u32>()],
        0u8..=21,
        0u8..=21,
        noise.clone(),
    )
        .prop_map(|(first, version, destination, source, mut rest)| {
            rest.resize(rest.len().max(1_200), 0);
            let mut bytes = vec![first];
            bytes.extend_from_slice(&version.to_be_bytes());
            bytes.push(destination);
            bytes.extend(core::iter::repeat_n(7, destination.into()));
            bytes.push(source);
            bytes.extend(core::iter::repeat_n(9, source.into()));
            bytes.extend_from_slice(&rest);
            bytes
        });
    let short = (0x40u8..=0x7f, noise.clone()).prop_map(|(first, mut rest)| {
        rest.insert(0, first);
        rest
    });
    prop_oneof![noise, long, short]
}

/// A change to a good packet.
#[derive(Clone, Debug)]
enum Harm {
    Flip { at: prop::sample::Index, bits: u8 },
    Cut { at: prop::sample::Index },
    Double,
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1u8..).prop_map(|(at, bits)| Harm::Flip { at, bits }),
        any::<prop::sample::Index>().prop_map(|at| Harm::Cut { at }),
        Just(Harm::Double),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn noise_is_counted_and_forgotten(packets in proptest::collection::vec(packet(), 1..40)) {
        let mut pair = Pair::with_shards(Limits::default(), 2);
        let (client, key) = pair.greeted();
        let friend = pair.clients[client].address;
        for (number, bytes) in packets.iter().enumerate() {
            let from = if number % 2 == 0 { friend } else { SocketAddr::from(([10, 0, 0, 1], 9)) };
            pair.deliver_to_edge(from, bytes);
        }
        pair.run_for(SECOND);
        // The client among the noise has not noticed.
        pair.clients[client].write(b" there");
        pair.run_for(SECOND);
        prop_assert_eq!(pair.take_messages(0, key), b" there");
        pair.run_for(15 * SECOND);
        prop_assert_eq!(pair.edges[0].pending_handshakes(), 0);
    }

    #[test]
    fn damaged_packets_of_a_handshake_do_not_panic(harms in proptest::collection::vec(harm(), 8)) {
        let mut pair = Pair::new(Limits::default());
        let client = pair.connect();
        let mut harms = harms.into_iter();
        for _ in 0..8 {
            let mut bytes = Vec::new();
            let now = pair.now;
            while let Some(_transmit) = pair.clients[client].quic().poll_transmit(now, 1, &mut bytes) {
                match harms.next() {
                    Some(Harm::Flip { at, bits }) => {
                        let at = at.index(bytes.len());
                        bytes[at] ^= bits;
                    }
                    Some(Harm::Cut { at }) => bytes.truncate(at.index(bytes.len())),
                    Some(Harm::Double) => bytes.extend_from_within(..),
                    None => {}
                }
                let from = pair.clients[client].address;
                pair.deliver_to_edge(from, &bytes);
                bytes.clear();
            }
            pair.run_for(SECOND / 2);
        }
        pair.run_for(40 * SECOND);
        prop_assert_eq!(pair.edges[0].pending_handshakes(), 0);
    }
}

#[test]
fn a_random_short_packet_stays_where_it_landed() {
    let mut pair = Pair::with_shards(Limits::default(), 200);
    let from = SocketAddr::from(([10, 0, 0, 1], 9));
    for number in 0..10_000u32 {
        let mut bytes = vec![0x40];
        bytes.extend(number.wrapping_mul(0x9e37_79b9).to_be_bytes().repeat(10));
        pair.deliver_to_edge(from, &bytes);
    }
    let counters = *pair.edges[0].counters();
    assert_eq!((counters.forwarded_out, counters.malformed), (0, 10_000));
    assert_eq!(counters.stateless_resets, 0);
}

#[test]
fn an_unknown_version_is_answered_with_ours() {
    let mut pair = Pair::new(Limits::default());
    let mut bytes = vec![0xc0, 0xfa, 0xce, 0xb0, 0x0c, 8];
    bytes.extend_from_slice(&[1; 8]);
    bytes.push(0);
    let from = SocketAddr::from(([10, 0, 0, 1], 9));
    pair.deliver_to_edge(from, &bytes);
    assert_eq!(
        pair.edges[0].counters().version_negotiations,
        0,
        "a short one is not worth an answer"
    );
    bytes.resize(1_200, 0);
    pair.deliver_to_edge(from, &bytes);
    assert_eq!(pair.edges[0].counters().version_negotiations, 1);
}

#[test]
fn answers_have_a_bound() {
    let mut pair = Pair::new(Limits {
        retry_from: 0,
        ..Limits::default()
    });
    let client = pair.connect();
    let mut bytes = Vec::new();
    let now = pair.now;
    let _ = pair.clients[client]
        .quic()
        .poll_transmit(now, 1, &mut bytes)
        .unwrap();
    for port in 1..=2_000 {
        pair.deliver_to_edge(SocketAddr::from(([10, 0, 0, 1], port)), &bytes);
    }
    let counters = *pair.edges[0].counters();
    assert_eq!(counters.answers_dropped, 2_000 - ANSWERS_MAX as u64);
    let mut batch = TransmitBatch::new(5_000);
    assert!(!pair.edges[0].transmit(now, &mut batch));
    assert_eq!(batch.len(), ANSWERS_MAX);
}
