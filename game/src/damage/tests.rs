use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

fn layer(left: f64, resonance: [f64; TYPES]) -> Layer {
    Layer {
        left,
        capacity: left,
        resonance,
        leak_below: 0.0,
        leak: 0.0,
    }
}

fn cells_of(cells: &[&str]) -> [f64; 4] {
    [0, 1, 2, 3].map(|cell| number(cells[cell]))
}

#[test]
fn strikes_are_the_golden_ones() {
    for cells in golden::<29>(include_str!("../../tests/golden/damage.csv")) {
        let volley = cells_of(&cells[0..4]);
        let layers = [4, 11, 18].map(|at| Layer {
            left: number(cells[at]),
            capacity: number(cells[at + 1]),
            leak: number(cells[at + 2]),
            leak_below: 0.25,
            resonance: cells_of(&cells[at + 3..at + 7]),
        });
        let got = strike(&volley, &layers);
        for index in 0..LAYERS {
            close(got.taken[index], number(cells[25 + index]), 1e-9);
        }
        assert_eq!(got.is_destroyed, number::<u8>(cells[28]) == 1, "{cells:?}");
    }
}

#[test]
fn effective_hit_points_are_the_golden_ones() {
    for cells in golden::<10>(include_str!("../../tests/golden/damage_ehp.csv")) {
        let (resonance, profile) = (cells_of(&cells[1..5]), cells_of(&cells[5..9]));
        let got = effective_hit_points(number(cells[0]), &resonance, &profile);
        close(got, number(cells[9]), 1e-9);
    }
    assert_eq!(effective_hit_points(9.0, &[0.5; 4], &[0.0; 4]), 0.0);
}

#[test]
fn the_overflow_is_unresisted() {
    // The shield takes a quarter of the volley before it breaks: three quarters of the *raw*
    // volley arrive at the armour.
    let layers = [
        layer(50.0, [0.2, 1.0, 1.0, 1.0]),
        layer(1e4, [0.5, 1.0, 1.0, 1.0]),
        layer(1.0, [1.0; 4]),
    ];
    let got = strike(&[1_000.0, 0.0, 0.0, 0.0], &layers);
    assert_eq!(got.taken, [50.0, 375.0, 0.0]);
    assert!(!got.is_destroyed);
}

#[test]
fn a_layer_that_is_almost_gone_leaks() {
    let mut shield = layer(1_000.0, [1.0; 4]);
    (shield.leak_below, shield.leak) = (0.25, 0.2);
    assert_eq!(leak_share(&shield), 0.0);
    shield.left = 250.0;
    assert_eq!(leak_share(&shield), 0.0);
    shield.left = 125.0;
    assert_eq!(leak_share(&shield), 0.1);
    let got = strike(
        &[10.0, 0.0, 0.0, 0.0],
        &[shield, layer(9.0, [1.0; 4]), layer(9.0, [1.0; 4])],
    );
    assert_eq!(got.taken, [9.0, 1.0, 0.0]);
}

fn layers() -> impl Strategy<Value = [Layer; 3]> {
    prop::array::uniform3((
        0.0..1e5_f64,
        1.0..3.0_f64,
        prop::array::uniform4(0.0..1.0_f64),
        0.0..1.0_f64,
    ))
    .prop_map(|all| {
        all.map(|(left, more, resonance, leak)| Layer {
            left,
            capacity: left * more,
            resonance,
            leak_below: 0.25,
            leak,
        })
    })
}

proptest! {
    #[test]
    fn no_damage_appears_or_is_lost(volley in prop::array::uniform4(0.0..1e5_f64), mut layers in layers()) {
        for layer in &mut layers {
            layer.resonance = [1.0; TYPES];
        }
        let got = strike(&volley, &layers);
        let sum: f64 = volley.iter().sum();
        let taken: f64 = got.taken.iter().sum();
        // Without resistances everything arrives, unless nothing is left to take it.
        prop_assert!(taken <= sum * (1.0 + 1e-12));
        prop_assert!(got.is_destroyed || (taken - sum).abs() <= 1e-9 * sum, "{taken} of {sum}");
    }

    #[test]
    fn more_damage_never_spares(volley in prop::array::uniform4(0.0..1e5_f64), factor in 1.0..4.0_f64, layers in layers()) {
        let (less, more) = (strike(&volley, &layers), strike(&scaled(&volley, factor), &layers));
        for index in 0..LAYERS {
            prop_assert!(more.left[index] <= less.left[index] + 1e-6);
        }
        prop_assert!(more.is_destroyed || !less.is_destroyed);
    }

    #[test]
    fn any_numbers_leave_something_real(volley in any::<[f64; 4]>(), left in any::<[f64; 3]>(), r in any::<[f64; 4]>(), leak in any::<f64>()) {
        let layers = left.map(|left| Layer { left, capacity: leak, resonance: r, leak_below: leak, leak });
        let got = strike(&volley, &layers);
        for index in 0..LAYERS {
            prop_assert!(got.left[index] >= 0.0 && got.taken[index] >= 0.0);
        }
        prop_assert!(effective_hit_points(leak, &r, &volley) >= 0.0);
    }
}
