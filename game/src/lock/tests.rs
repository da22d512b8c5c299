use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn times_are_the_golden_ones() {
    for cells in golden::<4>(include_str!("../../tests/golden/lock.csv")) {
        let [resolution, signature, seconds, beats] = cells.map(number::<f64>);
        close(time_s(resolution, signature), seconds, 1e-6);
        assert_eq!(
            f64::from(time_beats(resolution, signature)),
            beats,
            "{cells:?}"
        );
    }
}

#[test]
fn the_fewer_of_hull_and_skills_rounded_up() {
    assert_eq!(most_targets(5.0, 0.0), 2);
    assert_eq!(most_targets(5.0, 5.0), 5);
    assert_eq!(most_targets(7.2, 8.0), 8);
    assert_eq!(most_targets(0.0, 8.0), 0);
    assert_eq!(most_targets(f64::NAN, f64::NAN), 0);
    assert_eq!(most_targets(f64::INFINITY, f64::INFINITY), u32::MAX);
}

#[test]
fn each_rule_ends_a_lock() {
    let held = Situation {
        is_present: true,
        distance_m: 100.0,
        range_m: 100.0,
        ..Situation::default()
    };
    assert_eq!(lost(&held), None);
    let with = |change: fn(&mut Situation)| {
        let mut situation = held;
        change(&mut situation);
        lost(&situation)
    };
    assert_eq!(with(|s| s.is_present = false), Some(Lost::Gone));
    assert_eq!(with(|s| s.is_in_warp = true), Some(Lost::Warp));
    assert_eq!(with(|s| s.is_target_cloaked = true), Some(Lost::Cloak));
    assert_eq!(with(|s| s.is_own_cloaked = true), Some(Lost::Cloak));
    assert_eq!(with(|s| s.is_tethered = true), Some(Lost::Tether));
    assert_eq!(with(|s| s.is_jammed = true), Some(Lost::Jam));
    assert_eq!(with(|s| (s.is_jammed, s.is_jammer) = (true, true)), None);
    assert_eq!(with(|s| s.distance_m = 100.1), Some(Lost::Range));
    assert_eq!(with(|s| s.distance_m = f64::NAN), Some(Lost::Range));
}

proptest! {
    #[test]
    fn larger_is_locked_sooner(r in 1.0..5_000.0_f64, s in 1.0..1e5_f64, more in 0.0..1e5_f64) {
        prop_assert!(time_s(r, s + more) <= time_s(r, s));
        prop_assert!(time_s(r + more, s) <= time_s(r, s));
    }

    #[test]
    fn any_numbers_give_a_time(r in any::<f64>(), s in any::<f64>()) {
        prop_assert!((0.0..=LONGEST_S).contains(&time_s(r, s)));
        prop_assert!((1..=54_000).contains(&time_beats(r, s)));
    }
}
