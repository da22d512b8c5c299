use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn factors_are_the_golden_ones() {
    for cells in golden::<3>(include_str!("../../tests/golden/blast.csv")) {
        let [signature, resolution, factor] = cells.map(number::<f64>);
        close(size_factor(signature, resolution), factor, 1e-9);
    }
}

#[test]
fn the_range_is_from_hull_to_hull_and_inclusive() {
    assert!(reaches([0; 3], 3_000, 500_000, [505_000, 0, 0], 2_000));
    assert!(!reaches([0; 3], 3_000, 500_000, [505_000, 101, 0], 2_000));
    assert!(!reaches(
        [i32::MIN; 3],
        i32::MAX,
        0,
        [i32::MAX; 3],
        i32::MAX
    ));
    assert!(reaches([0; 3], -5, 0, [0; 3], -5));
}

#[test]
fn an_arc_takes_the_nearest_in_any_order() {
    let at = |id, distance_cm, was_struck| Candidate {
        id: EntityId(id),
        distance_cm,
        was_struck,
    };
    let mut near = [
        at(1, 10, true),
        at(9, 40, false),
        at(5, 40, false),
        at(6, 50, false),
    ];
    assert_eq!(next_of_arc(near, 40), Some(EntityId(5)));
    near.reverse();
    assert_eq!(next_of_arc(near, 40), Some(EntityId(5)));
    assert_eq!(next_of_arc(near, 39), None);
}

proptest! {
    #[test]
    fn a_larger_range_reaches_no_less(a in any::<[i32; 3]>(), b in any::<[i32; 3]>(), r in any::<i32>(), more in 0..1_000_000_i32) {
        prop_assert!(!reaches(a, 1, r, b, 1) || reaches(a, 1, r.saturating_add(more), b, 1));
        prop_assert_eq!(reaches(a, 1, r, b, 7), reaches(b, 7, r, a, 1));
    }
}
