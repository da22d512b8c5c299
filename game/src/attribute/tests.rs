//! The stacking penalty against golden vectors, the order of stages, and that order never decides.

use super::*;
use crate::testing::{golden, number};
use proptest::prelude::*;

#[test]
fn the_factors_are_the_published_ones() {
    let published = [1.0, 0.869_120, 0.570_583, 0.282_955, 0.105_993, 0.029_991];
    for (index, expected) in published.into_iter().enumerate() {
        assert!((stacking_factor(index) - expected).abs() < 5e-7, "{index}");
    }
}

#[test]
fn stacked_multipliers_are_the_golden_ones() {
    for [multipliers, product] in golden::<2>(include_str!("../../tests/golden/stacking.csv")) {
        let mut multipliers: Vec<f64> = multipliers.split(' ').map(number).collect();
        let expected: f64 = number(product);
        let found = stacked(&mut multipliers);
        assert!((found - expected).abs() < 1e-11, "{multipliers:?}: {found}");
    }
}

#[test]
fn numbers_of_attributes_never_change() {
    let rows = golden::<2>(include_str!("../../tests/golden/attributes.csv"));
    assert_eq!(rows.len(), Attribute::COUNT);
    for (attribute, [id, key]) in Attribute::ALL.into_iter().zip(rows) {
        assert_eq!(attribute.number(), number::<u8>(id));
        assert_eq!(attribute.key(), key);
        assert!(!attribute.unit().is_empty());
        let (least, most) = attribute.range();
        assert!(least < most, "{key}");
    }
}

const fn modifier(operation: Operation, penalty: Penalty, value: f64) -> Modifier {
    Modifier {
        operation,
        penalty,
        value,
    }
}

#[test]
fn stages_come_in_their_order() {
    use Operation as O;
    let common = |operation, value| modifier(operation, Penalty::Common, value);
    let mut all = [
        common(O::AtMost, 1_000.0),
        common(O::AfterAdd, 7.0),
        common(O::Percent, 50.0),
        common(O::Multiply, 2.0),
        common(O::Add, 5.0),
        common(O::Assign, 15.0),
        common(O::Stack, 10.0),
    ];
    // (15 + 5) · 2 · 1.5 · 1.1 + 7
    let found = evaluate(Attribute::ShieldHp, 400.0, &mut all);
    assert!((found - 73.0).abs() < 1e-9, "{found}");
    let mut capped = [common(O::AtMost, 30.0), common(O::AtLeast, 50.0)];
    let found = evaluate(Attribute::ShieldHp, 40.0, &mut capped);
    assert!((found - 30.0).abs() < 1e-12);
}

#[test]
fn penalty_groups_do_not_know_of_each_other() {
    let common = modifier(Operation::Stack, Penalty::Common, 10.0);
    let control = modifier(Operation::Stack, Penalty::Control, 10.0);
    let apart = evaluate(Attribute::ShieldHp, 100.0, &mut [common, control]);
    assert!((apart - 121.0).abs() < 1e-9);
    let together = evaluate(Attribute::ShieldHp, 100.0, &mut [common, common]);
    assert!(together < 120.0);
}

#[test]
fn resisted_and_rounded() {
    assert!((resisted(0.5, 0.4) - 0.8).abs() < 1e-12);
    assert!((resisted(1.3, 0.0) - 1.0).abs() < 1e-12);
    for (value, expected) in [(10.125, 10.13), (10.124, 10.12), (-1.005_1, -1.01)] {
        assert!((hundredths(value) - expected).abs() < 1e-9, "{value}");
    }
    assert!((settled(Attribute::CpuTf, 1.239) - 1.24).abs() < 1e-12);
    assert!((settled(Attribute::ShieldHp, f64::NAN)).abs() < 1e-12);
    assert!((settled(Attribute::ShieldEm, f64::INFINITY) - 1.0).abs() < 1e-12);
}

fn any_modifier() -> impl Strategy<Value = Modifier> {
    let operations = [
        Operation::Assign,
        Operation::Add,
        Operation::Multiply,
        Operation::Percent,
        Operation::Stack,
        Operation::AfterAdd,
        Operation::AtLeast,
        Operation::AtMost,
    ];
    let penalties = [Penalty::Common, Penalty::Control, Penalty::Remote];
    (
        prop::sample::select(operations.to_vec()),
        prop::sample::select(penalties.to_vec()),
        -90.0..300.0,
    )
        .prop_map(|(operation, penalty, value)| modifier(operation, penalty, value))
}

proptest! {
    #[test]
    fn order_never_decides(
        all in prop::collection::vec(any_modifier(), 0..24),
        shuffled in any::<prop::sample::Index>(),
        base in 0.0..1e4,
    ) {
        let expected = evaluate_row(base, &mut all.clone());
        let mut other = all;
        other.reverse();
        if !other.is_empty() {
            let at = shuffled.index(other.len());
            other.rotate_left(at);
        }
        prop_assert_eq!(evaluate_row(base, &mut other).to_bits(), expected.to_bits());
    }

    #[test]
    fn derived_values_are_in_their_range(
        mut all in prop::collection::vec(any_modifier(), 0..24),
        at in any::<prop::sample::Index>(),
        base in -1e300..1e300,
    ) {
        let attribute = Attribute::ALL[at.index(Attribute::COUNT)];
        let (least, most) = attribute.range();
        let value = evaluate(attribute, base, &mut all);
        prop_assert!(value >= least && value <= most, "{} is {value}", attribute.key());
    }
}
