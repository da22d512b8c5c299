use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn signals_are_the_golden_ones() {
    for cells in golden::<9>(include_str!("../../tests/golden/probe.csv")) {
        let [strength, radius, site, distance, most] =
            [0, 3, 4, 5, 6].map(|cell| number::<f64>(cells[cell]));
        let probes = Probes {
            strength,
            doublings: number(cells[1]),
            count: number(cells[2]),
            radius,
        };
        let got = signal(&probes, site, distance);
        close(got, number(cells[7]), 1e-9);
        close(
            deviation(most, probes.doublings, got),
            number(cells[8]),
            1e-9,
        );
    }
}

#[test]
fn results_say_what_the_probes_know() {
    let shapes = [0, 1, 2, 3, 4, 8].map(shape);
    assert_eq!(
        shapes,
        [
            Shape::Nothing,
            Shape::Sphere,
            Shape::Ring,
            Shape::TwoPoints,
            Shape::Point,
            Shape::Point
        ]
    );
    let known = [0.0, 0.25, 0.75, 0.999, 1.0].map(|signal| knowledge(signal, 0.25, 0.75));
    use Knowledge::{Group, Kind, Place, Presence};
    assert_eq!(known, [Presence, Group, Kind, Kind, Place]);
    assert_eq!(ship_strength(100.0, 20.0, 0.2), 1.0);
    assert_eq!(ship_strength(10.0, 20.0, 1.0), SHIP_RATIO_LEAST);
}

proptest! {
    #[test]
    fn any_numbers_give_a_share(a in any::<[f64; 5]>(), doublings in any::<u32>(), count in any::<u32>()) {
        let probes = Probes { strength: a[0], doublings, count, radius: a[1] };
        let got = signal(&probes, a[2], a[3]);
        prop_assert!((0.0..=1.0).contains(&got));
        prop_assert!(deviation(a[4], doublings, got) >= 0.0);
        prop_assert!(ship_strength(a[0], a[1], a[2]) >= 0.0);
    }

    #[test]
    fn nearer_and_more_is_clearer(d in 0.0..4.0_f64, more in 0.0..4.0_f64, count in 1..8_u32, doublings in 0..8_u32) {
        let probes = Probes { strength: 0.4, doublings, count, radius: 2.0 };
        let better = Probes { count: count + 1, ..probes };
        prop_assert!(signal(&probes, 1.0, d + more) <= signal(&probes, 1.0, d));
        prop_assert!(signal(&probes, 1.0, d) <= signal(&better, 1.0, d));
    }
}
