use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn members() -> impl Strategy<Value = BTreeSet<u32>> {
    prop::collection::btree_set(0u32..700, 0..80)
}

fn set(members: &BTreeSet<u32>) -> BitSet {
    members.iter().copied().collect()
}

#[test]
fn members_beyond_the_end_are_absent() {
    let mut bits = BitSet::with_room(10);
    assert!(!bits.contains(1_000_000));
    assert!(!bits.remove(1_000_000));
    assert!(bits.insert(63));
    assert!(!bits.insert(63));
    assert!(bits.insert(64));
    assert_eq!(bits.iter().collect::<Vec<_>>(), [63, 64]);
    assert!(bits.remove(63));
    assert!(!bits.remove(63));
    assert_eq!(bits.count(), 1);
    bits.clear();
    assert!(bits.is_empty());
}

#[test]
fn room_does_not_matter_for_equality() {
    assert_eq!(BitSet::with_room(6_400), BitSet::new());
    let mut large = BitSet::with_room(6_400);
    large.insert(3);
    assert_eq!(large, BitSet::from_iter([3]));
    large.insert(900);
    assert_ne!(large, BitSet::from_iter([3]));
}

proptest! {
    #[test]
    fn agrees_with_ordered_sets(a in members(), b in members()) {
        let (x, y) = (set(&a), set(&b));
        prop_assert_eq!(x.iter().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(x.count(), a.len());
        prop_assert_eq!(x.is_empty(), a.is_empty());
        let mut union = x.clone();
        union.union_with(&y);
        prop_assert_eq!(union, set(&(&a | &b)));
        let mut both = x.clone();
        both.intersect_with(&y);
        prop_assert_eq!(both, set(&(&a & &b)));
        let mut rest = x;
        rest.subtract(&y);
        prop_assert_eq!(rest, set(&(&a - &b)));
    }

    #[test]
    fn replacing_tells_what_came_and_went(a in members(), b in members()) {
        for path in Path::ALL {
            let (mut old, mut fresh) = (set(&a), set(&b));
            // Left-overs of an earlier, larger use must not show.
            let mut entered = BitSet::from_iter(0..2_000);
            let mut left = BitSet::from_iter(0..2_000);
            old.replace(&mut fresh, &mut entered, &mut left, path);
            prop_assert_eq!(&entered, &set(&(&b - &a)));
            prop_assert_eq!(&left, &set(&(&a - &b)));
            prop_assert_eq!(&old, &set(&b));
            prop_assert!(fresh.is_empty());
        }
    }
}
