//! Connection ids.

use std::collections::BTreeSet;

use super::*;

const KEY: [u8; 16] = *b"sixteen byte key";

fn ids(shard: u16, shards: u16) -> ShardIds {
    ShardIds::new(&KEY, ShardIndex(shard), shards)
}

fn short_packet(id: &[u8]) -> Vec<u8> {
    [&[0x40], id, &[0; 20]].concat()
}

fn long_packet(id: &[u8]) -> Vec<u8> {
    [&[0xe0, 0, 0, 0, 1, id.len() as u8], id, &[0; 1_200]].concat()
}

#[test]
fn an_id_names_its_shard_on_every_shard() {
    for shard in [0, 1, 99, 255] {
        let id = ids(shard, 256).generate_cid();
        assert_eq!(u16::from(id[0]), shard);
        assert!(ids(7, 256).validate(&id).is_ok());
        assert_eq!(
            ids(7, 256).shard_of(&short_packet(&id)),
            Some(ShardIndex(shard))
        );
        assert_eq!(
            ids(7, 256).shard_of(&long_packet(&id)),
            Some(ShardIndex(shard))
        );
    }
}

#[test]
fn a_shard_that_does_not_exist_any_more_is_nobodys() {
    let id = ids(5, 6).generate_cid();
    assert_eq!(ids(0, 6).shard_of(&short_packet(&id)), Some(ShardIndex(5)));
    assert_eq!(ids(0, 5).shard_of(&short_packet(&id)), None);
    // It is still recognised, so that its client is told by a reset.
    assert!(ids(0, 5).validate(&id).is_ok());
}

#[test]
fn ids_differ_and_do_not_count() {
    let mut generator = ids(3, 4);
    let made: Vec<_> = (0..100_000).map(|_| generator.generate_cid()).collect();
    let nonces: BTreeSet<_> = made.iter().map(|id| id[NONCE].to_vec()).collect();
    // 100,000 of 2³² nonces collide about once.
    assert!(nonces.len() > 99_980, "{}", nonces.len());
    let ascending = made
        .windows(2)
        .filter(|pair| pair[0][NONCE] < pair[1][NONCE])
        .count();
    assert!((45_000..55_000).contains(&ascending), "{ascending}");
}

#[test]
fn a_changed_id_is_not_ours() {
    let mut generator = ids(0, 4);
    for byte in 0..ID_BYTES {
        let mut id = generator.generate_cid();
        id[byte] ^= 1;
        assert!(generator.validate(&id).is_err(), "byte {byte}");
        assert_eq!(generator.shard_of(&short_packet(&id)), None);
        assert_eq!(generator.shard_of(&long_packet(&id)), None);
    }
    let other = ShardIds::new(b"another 16 bytes", ShardIndex(0), 4).generate_cid();
    assert!(generator.validate(&other).is_err());
}

#[test]
fn short_and_foreign_packets_are_nobodys() {
    let mut generator = ids(1, 4);
    let id = generator.generate_cid();
    for packet in [short_packet(&id), long_packet(&id)] {
        let header = if packet[0] & LONG_HEADER == 0 {
            1 + ID_BYTES
        } else {
            LONG_HEADER_ID + ID_BYTES
        };
        for length in 0..header {
            assert_eq!(generator.shard_of(&packet[..length]), None);
        }
        assert_eq!(generator.shard_of(&packet[..header]), Some(ShardIndex(1)));
    }
    assert_eq!(
        generator.shard_of(&long_packet(&[id.as_ref(), &[0]].concat())),
        None
    );
    assert_eq!(generator.shard_of(&long_packet(&[])), None);
}
