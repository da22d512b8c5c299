use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn factors_are_the_golden_ones() {
    for cells in golden::<5>(include_str!("../../tests/golden/range.csv")) {
        let [distance, optimal, falloff, share, activatable] = cells.map(number::<f64>);
        close(factor(distance, optimal, falloff), share, 1e-9);
        assert_eq!(
            may_activate(distance, optimal, falloff),
            activatable == 1.0,
            "{cells:?}"
        );
    }
}

proptest! {
    #[test]
    fn farther_is_never_stronger(d in 0.0..1e6_f64, more in 0.0..1e5_f64, o in 0.0..1e5_f64, f in 0.0..1e5_f64) {
        prop_assert!(factor(d + more, o, f) <= factor(d, o, f));
        prop_assert!(!may_activate(d + more, o, f) || may_activate(d, o, f));
    }

    #[test]
    fn any_numbers_give_a_share(d in any::<f64>(), o in any::<f64>(), f in any::<f64>()) {
        prop_assert!((0.0..=1.0).contains(&factor(d, o, f)));
        let _ = may_activate(d, o, f);
    }
}
