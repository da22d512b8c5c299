use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::testing::{Pairs, Scratch, dump};
use crate::{KeyRange, Order, Rows};

#[test]
fn operations_come_back_in_order() {
    let mut batch = Batch::new();
    batch.put(Domain::Ship, b"a", b"1");
    batch.delete(Domain::Name, b"bc");
    let mut tail = Batch::new();
    tail.put(Domain::Ship, b"", b"");
    tail.delete_range(Domain::Galaxy, b"d", b"e");
    batch.append(&tail);

    let expected = [
        Operation::Put {
            domain: Domain::Ship,
            key: b"a",
            value: b"1",
        },
        Operation::Delete {
            domain: Domain::Name,
            key: b"bc",
        },
        Operation::Put {
            domain: Domain::Ship,
            key: b"",
            value: b"",
        },
        Operation::DeleteRange {
            domain: Domain::Galaxy,
            from: b"d",
            to: b"e",
        },
    ];
    assert_eq!(batch.iter().collect::<Vec<_>>(), expected);
    assert_eq!((batch.len(), batch.bytes()), (4, 6));
    assert_eq!(tail.len(), 2, "appending leaves the source alone");

    batch.clear();
    assert!(batch.is_empty());
    assert_eq!((batch.bytes(), batch.iter().count()), (0, 0));
}

#[test]
fn an_empty_or_reversed_range_is_no_operation() {
    let mut batch = Batch::new();
    batch.delete_range(Domain::Ship, b"b", b"b");
    batch.delete_range(Domain::Ship, b"b", b"a");
    assert!(batch.is_empty());
}

/// An operation on one of three domains.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, Vec<u8>, Vec<u8>),
    Delete(usize, Vec<u8>),
    DeleteRange(usize, Vec<u8>, Vec<u8>),
}

const DOMAINS: [Domain; 3] = [Domain::Account, Domain::Galaxy, Domain::Checkpoint];

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few and short, so that keys meet; 0xff, because prefixes end there.
    prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x7f, 0xfe, 0xff]), 0..4)
}

fn change() -> impl Strategy<Value = Change> {
    let value = prop::collection::vec(any::<u8>(), 0..6);
    prop_oneof![
        5 => (0..3usize, key(), value).prop_map(|(d, k, v)| Change::Put(d, k, v)),
        2 => (0..3usize, key()).prop_map(|(d, k)| Change::Delete(d, k)),
        1 => (0..3usize, key(), key()).prop_map(|(d, a, b)| Change::DeleteRange(d, a, b)),
    ]
}

type Model = [BTreeMap<Vec<u8>, Vec<u8>>; 3];

fn apply(change: &Change, model: &mut Model, batch: &mut Batch) {
    match change {
        Change::Put(domain, key, value) => {
            model[*domain].insert(key.clone(), value.clone());
            batch.put(DOMAINS[*domain], key, value);
        }
        Change::Delete(domain, key) => {
            model[*domain].remove(key);
            batch.delete(DOMAINS[*domain], key);
        }
        Change::DeleteRange(domain, from, to) => {
            model[*domain].retain(|key, _| key < from || key >= to);
            batch.delete_range(DOMAINS[*domain], from, to);
        }
    }
}

fn pairs<'a>(rows: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>) -> Pairs {
    rows.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The store after the batches is the sorted map after the same changes, however it is read.
#[test]
fn a_store_behaves_like_sorted_maps() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let writes = prop::collection::vec(prop::collection::vec(change(), 0..12), 1..5);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(192)
    };
    proptest!(config, |(writes in writes, probe in key(), other in key())| {
        let mut wipe = Batch::new();
        let mut model = Model::default();
        for domain in DOMAINS {
            wipe.delete_range(domain, b"", [0xff; 8]);
        }
        store.write(&wipe).unwrap();
        for changes in &writes {
            // Half of the changes come by `append`, like the shards of a beat.
            let (mut batch, mut tail) = (Batch::new(), Batch::new());
            let (head, rest) = changes.split_at(changes.len() / 2);
            for change in head {
                apply(change, &mut model, &mut batch);
            }
            for change in rest {
                apply(change, &mut model, &mut tail);
            }
            batch.append(&tail);
            store.write(&batch).unwrap();
        }
        for (domain, map) in DOMAINS.into_iter().zip(&model) {
            prop_assert_eq!(dump(&store, domain), pairs(map.iter()));
            let keys = [probe.clone(), other.clone(), probe.clone()];
            let expected: Vec<_> = keys.iter().map(|key| map.get(key).cloned()).collect();
            prop_assert_eq!(store.multi_get(domain, &keys).unwrap(), expected);
            prop_assert_eq!(store.get(domain, &probe).unwrap(), map.get(&probe).cloned());

            let prefixed = pairs(map.iter().filter(|(key, _)| key.starts_with(&probe)));
            let found: Pairs = store
                .prefix(domain, &probe)
                .map(|row| row.map(|row| (row.key, row.value)).unwrap())
                .collect();
            prop_assert_eq!(found, prefixed);

            let within = |key: &Vec<u8>| *key >= probe && *key < other;
            let mut expected = pairs(map.iter().filter(|(key, _)| within(key)));
            let range = KeyRange::between(probe.clone(), other.clone());
            let count = store.count(domain, range.clone()).unwrap();
            prop_assert_eq!(count, expected.len() as u64);
            expected.reverse();
            let found: Pairs = store
                .scan(domain, range, Order::Descending)
                .map(|row| row.map(|row| (row.key, row.value)).unwrap())
                .collect();
            prop_assert_eq!(found, expected);
        }
    });
}
