use super::*;
use crate::testing::{golden, number};
use proptest::prelude::*;

#[test]
fn sums_are_the_golden_ones() {
    for cells in golden::<4>(include_str!("../../tests/golden/repair.csv")) {
        let [count, amount, cycle, sum] = cells.map(number::<f64>);
        let all = count * rate(amount, cycle);
        let got = count * applied_per_s(amount, cycle, all);
        assert!((got - sum).abs() < 6e-5, "{got} {cells:?}");
    }
}

#[test]
fn shields_are_boosted_at_the_start() {
    assert_eq!(lands_at(LayerKind::Shield, Tick(10), 90), Tick(10));
    assert_eq!(lands_at(LayerKind::Armour, Tick(10), 90), Tick(100));
    assert_eq!(
        lands_at(LayerKind::Hull, Tick(u64::MAX), 90),
        Tick(u64::MAX)
    );
}

#[test]
fn alone_everything_is_applied() {
    assert_eq!(applied_per_cycle(512.0, 5.0, rate(512.0, 5.0)), 512.0);
    // A cycle of half a second counts as one of a second, not as none.
    assert_eq!(rate(10.0, 0.5), 10.0);
}

proptest! {
    #[test]
    fn company_never_helps(amount in 0.0..1e5_f64, cycle in 1.0..60.0_f64, others in 0.0..1e6_f64, more in 0.0..1e6_f64) {
        let own = rate(amount, cycle);
        let few = applied_per_cycle(amount, cycle, own + others);
        let many = applied_per_cycle(amount, cycle, own + others + more);
        prop_assert!(many <= few * (1.0 + 1e-12) && few <= amount);
    }

    #[test]
    fn any_numbers_give_a_share(a in any::<f64>(), b in any::<f64>(), c in any::<f64>()) {
        prop_assert!((0.0..=1.0).contains(&applied_share(a, b)));
        prop_assert!(applied_per_s(a, b, c) >= 0.0 && applied_per_cycle(a, b, c) >= 0.0);
    }
}
