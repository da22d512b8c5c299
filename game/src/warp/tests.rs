use super::*;
use crate::testing::{close, golden, number, vector};
use proptest::prelude::*;

#[test]
fn times_are_the_golden_ones() {
    for cells in golden::<5>(include_str!("../../tests/golden/warp.csv")) {
        let [speed, sub, distance, total, peak] = cells.map(number::<f64>);
        let course = Course::new(speed, sub, distance).unwrap();
        assert!((course.total_s() - total).abs() < 6e-5, "{cells:?}");
        close(course.peak_m_per_s(), peak, 1e-9);
        assert_eq!(course.distance_at_m(course.total_s()), distance);
    }
}

#[test]
fn courses_are_the_golden_ones() {
    for cells in golden::<6>(include_str!("../../tests/golden/warp_course.csv")) {
        let [speed, sub, distance, t_s, at_m, m_per_s] = cells.map(number::<f64>);
        let course = Course::new(speed, sub, distance).unwrap();
        close(course.distance_at_m(t_s), at_m, 1e-9);
        close(course.speed_at_m_per_s(t_s), m_per_s, 1e-9);
    }
}

#[test]
fn who_may_enter_is_the_golden_table() {
    for cells in golden::<8>(include_str!("../../tests/golden/warp_enter.csv")) {
        let (velocity, direction) = (vector(&cells[0..3]), vector(&cells[4..7]));
        let enters = may_enter(velocity, number(cells[3]), direction);
        assert_eq!(enters, number::<u8>(cells[7]) == 1, "{cells:?}");
    }
    assert!(!may_enter([0; 3], 0, [1, 0, 0]), "a wreck never warps");
    assert!(!may_enter([9; 3], 1, [0; 3]), "nowhere is no direction");
}

#[test]
fn landings_are_the_golden_ones() {
    for cells in golden::<10>(include_str!("../../tests/golden/warp_landing.csv")) {
        let [seed, tick, ship] = [0, 1, 2].map(|cell: usize| number::<u64>(cells[cell]));
        let scatter = number(cells[6]);
        let at = landing(
            vector(&cells[3..6]),
            scatter,
            EntityId(ship),
            seed,
            Tick(tick),
        );
        assert_eq!(at, vector::<i32>(&cells[7..10]), "{cells:?}");
    }
}

#[test]
fn with_half_the_capacitor_half_the_way() {
    let need = capacitor_need(1.2e6, 2e-6, 20.0 * AU_M);
    close(need, 48.0, 1e-12);
    assert_eq!(affordable_m(need, 1.2e6, 2e-6, 20.0 * AU_M), 20.0 * AU_M);
    close(
        affordable_m(24.0, 1.2e6, 2e-6, 20.0 * AU_M),
        10.0 * AU_M,
        1e-12,
    );
    assert_eq!(affordable_m(0.0, 1.2e6, 2e-6, 20.0 * AU_M), 0.0);
    assert_eq!(affordable_m(0.0, 1.2e6, 0.0, AU_M), AU_M, "a free drive");
}

#[test]
fn a_fleet_is_as_fast_as_its_slowest() {
    assert_eq!(fleet_speed([8.0, 1.37, 3.0]), Some(1.37));
    assert_eq!(fleet_speed([]), None);
    assert_eq!(distance_to_range_m(1e9, RANGES_M[6]), 1e9 - 1e5);
    assert_eq!(distance_to_range_m(5e4, RANGES_M[6]), 0.0);
}

#[test]
fn too_short_or_senseless_is_no_warp() {
    assert!(Course::new(3.0, 200.0, LEAST_DISTANCE_M).is_some());
    assert!(Course::new(3.0, 200.0, LEAST_DISTANCE_M - 0.01).is_none());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Course::new(bad, 200.0, AU_M).is_none());
        assert!(Course::new(3.0, bad, AU_M).is_none());
        assert!(Course::new(3.0, 200.0, bad).is_none());
    }
}

proptest! {
    #[test]
    fn a_course_only_leads_forwards(
        speed in 0.5..12.0_f64, sub in 10.0..5_000.0_f64, au in 1.1e-6..200.0_f64, share in 0.0..1.0_f64,
    ) {
        let course = Course::new(speed, sub, au * AU_M).unwrap();
        let t = course.total_s() * share;
        let (now, later) = (course.distance_at_m(t), course.distance_at_m(t + 1.0 / 30.0));
        // Up to what f64 leaves of a distance that is a sum of three.
        prop_assert!(now >= 0.0 && later >= now - 1e-12 * course.distance_m());
        prop_assert!(later <= course.distance_m());
        prop_assert!(course.speed_at_m_per_s(t) <= course.peak_m_per_s() * (1.0 + 1e-12));
    }

    #[test]
    fn speed_is_the_slope_of_distance(
        speed in 0.5..12.0_f64, au in 0.01..200.0_f64, share in 0.3..0.7_f64,
    ) {
        let course = Course::new(speed, 200.0, au * AU_M).unwrap();
        let (t, h) = (course.total_s() * share, 1e-4);
        let slope = (course.distance_at_m(t + h) - course.distance_at_m(t - h)) / (2.0 * h);
        let v = course.speed_at_m_per_s(t);
        // The joints have a corner in the speed, which the difference rounds off.
        prop_assert!((slope - v).abs() <= 2e-3 * v + 1e-9 * course.distance_m() / h, "{slope} {v}");
    }

    #[test]
    fn entering_takes_any_numbers(
        v in any::<[i32; 3]>(), d in any::<[i64; 3]>(), most in any::<i32>(), cap in any::<f64>(),
    ) {
        let _ = may_enter(v, most, d);
        let _ = landing(v, most, EntityId(3), 5, Tick(1));
        let way = affordable_m(cap, f64::from(most), cap, f64::from(v[0]));
        prop_assert!(way >= 0.0 && way <= f64::from(v[0]).max(0.0));
    }
}
