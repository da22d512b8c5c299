use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

fn warhead(radius: f64, velocity: f64, exponent: f64) -> Warhead {
    Warhead {
        explosion_radius_m: radius,
        explosion_velocity_m_per_s: velocity,
        reduction_exponent: exponent,
    }
}

#[test]
fn factors_are_the_golden_ones() {
    for cells in golden::<6>(include_str!("../../tests/golden/missile.csv")) {
        let [radius, velocity, drf, speed, signature, factor] = cells.map(number::<f64>);
        let got = damage_factor(&warhead(radius, velocity, drf), speed, signature);
        close(got, factor, 1e-9);
    }
    for cells in golden::<3>(include_str!("../../tests/golden/missile_exponent.csv")) {
        let [drf, drs, want] = cells.map(number::<f64>);
        close(exponent(drf, drs), want, 1e-9);
    }
}

#[test]
fn ranges_are_the_golden_ones() {
    for cells in golden::<7>(include_str!("../../tests/golden/missile_range.csv")) {
        let [speed, tau, fuel, radius, flight, beats, range] = cells.map(number::<f64>);
        let got = flight_s(fuel, radius, speed);
        close(got, flight, 1e-9);
        assert_eq!(f64::from(flight_beats(got)), beats, "{cells:?}");
        close(range_m(speed, tau, got), range, 1e-9);
    }
}

#[test]
fn size_alone_counts_at_rest() {
    let missile = warhead(140.0, 81.0, 0.682);
    assert_eq!(damage_factor(&missile, 0.0, 70.0), 0.5);
    assert_eq!(damage_factor(&missile, 0.0, 1_000.0), 1.0);
    assert_eq!(damage_factor(&missile, 10.0, 0.0), 0.0);
    assert_eq!(exponent(0.5, 1.0), 0.0);
}

proptest! {
    #[test]
    fn any_numbers_give_a_share(a in any::<[f64; 5]>()) {
        let factor = damage_factor(&warhead(a[0], a[1], a[2]), a[3], a[4]);
        prop_assert!((0.0..=1.0).contains(&factor), "{factor}");
        prop_assert!(exponent(a[0], a[1]) >= 0.0);
        prop_assert!(range_m(a[0], a[1], flight_s(a[2], a[3], a[4])) >= 0.0);
        prop_assert!(flight_beats(a[0]) <= 108_000);
    }

    #[test]
    fn slower_and_larger_takes_more(speed in 1.0..5e3_f64, more in 0.0..5e3_f64, size in 1.0..5e3_f64) {
        let missile = warhead(140.0, 81.0, 0.682);
        prop_assert!(damage_factor(&missile, speed + more, size) <= damage_factor(&missile, speed, size));
        prop_assert!(damage_factor(&missile, speed, size + more) >= damage_factor(&missile, speed, size));
    }
}
