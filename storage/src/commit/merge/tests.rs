use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::*;
use crate::commit::RowSink as _;
use crate::commit::simulated::MapSink;

/// What sinks hold after frames that came in such portions.
fn content(portions: &[(RangeInclusive<u64>, Batch)]) -> MapSink {
    let sink = MapSink::new();
    for (frames, rows) in portions {
        sink.apply(frames.clone(), rows).unwrap();
    }
    sink
}

#[derive(Clone, Debug)]
enum Change {
    Put(Domain, Vec<u8>, u8),
    Delete(Domain, Vec<u8>),
    DeleteRange(Domain, Vec<u8>, Vec<u8>),
}

/// Few keys, so that frames meet in them; some longer than what a row is first ordered by.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    let long = prop_oneof![Just(0_usize), Just(14), Just(15), Just(16), Just(17)];
    let tail = prop::collection::vec(0_u8..3, 0..3);
    (long, tail).prop_map(|(long, tail)| [vec![7; long], tail].concat())
}

fn changes() -> impl Strategy<Value = Change> {
    let domain = || {
        prop_oneof![
            Just(Domain::Custody),
            Just(Domain::Entry),
            Just(Domain::Meta)
        ]
    };
    prop_oneof![
        8 => (domain(), keys(), any::<u8>()).prop_map(|(domain, key, value)| Change::Put(domain, key, value)),
        3 => (domain(), keys()).prop_map(|(domain, key)| Change::Delete(domain, key)),
        1 => (domain(), keys(), keys()).prop_map(|(domain, from, to)| Change::DeleteRange(domain, from, to)),
    ]
}

fn frame(changes: &[Change]) -> Batch {
    let mut batch = Batch::new();
    for change in changes {
        match change {
            Change::Put(domain, key, value) => batch.put(*domain, key, [*value; 3]),
            Change::Delete(domain, key) => batch.delete(*domain, key),
            Change::DeleteRange(domain, from, to) => batch.delete_range(*domain, from, to),
        }
    }
    batch
}

fn frames() -> impl Strategy<Value = Vec<Batch>> {
    let frames = prop::collection::vec(changes(), 0..40).prop_map(|changes| frame(&changes));
    prop::collection::vec(frames, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Merged or one by one, in whatever portions, by one merger for all of them.
    #[test]
    fn merged_frames_come_to_what_single_ones_do(frames in frames(), cuts: u8) {
        let singly: Vec<_> = (1..).zip(&frames).map(|(n, rows)| (n..=n, rows.clone())).collect();
        let mut portions: Vec<(RangeInclusive<u64>, Vec<Batch>)> = Vec::new();
        for (n, rows) in (1_u64..).zip(&frames) {
            match portions.last_mut() {
                Some((numbers, together)) if cuts >> n & 1 == 0 => {
                    *numbers = *numbers.start()..=n;
                    together.push(rows.clone());
                }
                _ => portions.push((n..=n, vec![rows.clone()])),
            }
        }
        let mut merge = Merge::default();
        let merged: Vec<_> = portions
            .iter()
            .map(|(numbers, together)| (numbers.clone(), merge.merge(together.iter()).clone()))
            .collect();
        prop_assert_eq!(content(&merged).rows(), content(&singly).rows());
        // Frames that are applied once more, after a crash, change nothing.
        let again = content(&merged);
        let whole = merge.merge(frames.iter()).clone();
        let next = frames.len() as u64 + 1;
        again.apply(next..=next, &whole).unwrap();
        let same = |domain| {
            let dump = |sink: &MapSink| crate::testing::dump(&sink.rows(), domain);
            dump(&again) == dump(&content(&singly))
        };
        prop_assert!([Domain::Custody, Domain::Entry, Domain::Meta].into_iter().all(same));
    }

    /// Between two range deletions each row is there once, and rows are in the order of keys.
    #[test]
    fn what_is_merged_is_sorted_and_has_no_row_twice(frames in frames()) {
        let mut merge = Merge::default();
        let mut before: Option<(Domain, Vec<u8>)> = None;
        for operation in merge.merge(frames.iter()).iter() {
            let (domain, key) = match operation {
                Operation::Put { domain, key, .. } | Operation::Delete { domain, key } => (domain, key),
                Operation::DeleteRange { .. } => {
                    before = None;
                    continue;
                }
            };
            let this = (domain, key.to_vec());
            prop_assert!(before.as_ref().is_none_or(|before| *before < this));
            before = Some(this);
        }
    }
}

#[test]
fn hot_rows_are_written_once() {
    let frames: Vec<Batch> = (0_u64..10)
        .map(|beat| {
            let mut batch = Batch::new();
            for account in 0_u64..5_000 {
                batch.put(Domain::Custody, account.to_be_bytes(), beat.to_be_bytes());
            }
            batch.put(Domain::Entry, beat.to_be_bytes(), [0; 100]);
            batch
        })
        .collect();
    let mut merge = Merge::default();
    let merged = merge.merge(frames.iter());
    assert_eq!(merged.len(), 5_010);
    let last = merged.iter().take(5_000).all(|operation| {
        matches!(operation, Operation::Put { value, .. } if value == 9_u64.to_be_bytes())
    });
    assert!(last);
    merge.shrink(100);
    assert_eq!(merge.merged.memory_bytes(), 0);
}
