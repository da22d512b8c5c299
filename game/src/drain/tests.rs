use super::*;
use crate::recharge::Pool;
use crate::testing::{close, golden, number};
use orrery_base::Tick;
use proptest::prelude::*;

#[test]
fn drains_are_the_golden_ones() {
    for cells in golden::<5>(include_str!("../../tests/golden/drain.csv")) {
        let [amount, factor, signature, resolution, taken] = cells.map(number::<f64>);
        close(
            neutralised(amount, factor, signature, resolution),
            taken,
            1e-9,
        );
    }
}

#[test]
fn a_vampire_only_drinks_from_the_fuller() {
    let small = Level {
        amount: 100.0,
        share: 0.9,
    };
    let large = Level {
        amount: 5_000.0,
        share: 0.5,
    };
    assert!(!transfers(VampireRule::Share, small, large));
    assert!(transfers(VampireRule::Share, large, small));
    assert!(transfers(VampireRule::Amount, small, large));
    assert!(!transfers(VampireRule::Amount, large, small));
    assert!(!transfers(VampireRule::Share, small, small));
}

proptest! {
    #[test]
    fn what_a_vampire_moves_is_conserved(own in 0.0..1e4_f64, target in 0.0..1e4_f64, amount in any::<f64>(), factor in any::<f64>()) {
        let mut from = Pool::new(Tick(0), target, 1e4, 500.0);
        let mut to = Pool::new(Tick(0), own, 1e4, 500.0);
        let room = to.capacity() - to.value_at(Tick(0));
        let moved = from.drain(Tick(0), neutralised(amount, factor, 100.0, 50.0).min(room));
        let got = to.add(Tick(0), moved);
        prop_assert!((got - moved).abs() < 1e-9);
        let sum = from.value_at(Tick(0)) + to.value_at(Tick(0));
        prop_assert!((sum - own - target).abs() < 1e-9);
    }
}
