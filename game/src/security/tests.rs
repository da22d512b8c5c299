use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn losses_and_gains_are_the_golden_ones() {
    for cells in golden::<5>(include_str!("../../tests/golden/security_loss.csv")) {
        let [status, target, system, severity, after] = cells.map(number::<f64>);
        close(after_crime(status, target, system, severity), after, 1e-9);
    }
    for cells in golden::<3>(include_str!("../../tests/golden/security_gain.csv")) {
        let [status, bonus, after] = cells.map(number::<f64>);
        close(after_kill(status, bonus), after, 1e-9);
    }
    for cells in golden::<3>(include_str!("../../tests/golden/security_shown.csv")) {
        let security: f64 = number(cells[0]);
        assert_eq!(shown_tenths(security), number::<i32>(cells[1]), "{cells:?}");
        assert_eq!(format!("{:?}", band(security)), cells[2], "{cells:?}");
    }
}

const TABLE: [Police; 3] = [
    Police {
        from_tenths: 9,
        attacks_below: -2.5,
        response_beats: 180,
    },
    Police {
        from_tenths: 7,
        attacks_below: -3.5,
        response_beats: 300,
    },
    Police {
        from_tenths: 5,
        attacks_below: -4.5,
        response_beats: 570,
    },
];

#[test]
fn the_police_go_by_what_is_shown() {
    assert_eq!(police(&TABLE, 1.0), Some(&TABLE[0]));
    assert_eq!(police(&TABLE, 0.85), Some(&TABLE[0]), "0.85 shows 0.9");
    assert_eq!(police(&TABLE, 0.84), Some(&TABLE[1]));
    assert_eq!(police(&TABLE, 0.45), Some(&TABLE[2]));
    assert_eq!(police(&TABLE, 0.44), None);
    assert!(is_hunted(&TABLE, 0.9, -2.51) && !is_hunted(&TABLE, 0.9, -2.5));
    assert!(!is_hunted(&TABLE, 0.7, -3.0) && !is_hunted(&TABLE, 0.2, -10.0));
    assert!(is_outlaw(-5.0, -5.0) && !is_outlaw(-4.99, -5.0));
    assert_eq!(response_beats(&TABLE, 0.5, false, 180), Some(570));
    assert_eq!(response_beats(&TABLE, 0.5, true, 180), Some(750));
    assert_eq!(response_beats(&TABLE, 0.0, true, 180), None);
}

proptest! {
    #[test]
    fn crime_never_pays_and_kills_never_cost(status in -10.0..=10.0_f64, other in any::<f64>(), system in any::<f64>(), k in any::<f64>()) {
        let worse = after_crime(status, other, system, k);
        prop_assert!((-10.0..=10.0).contains(&worse) && worse <= status + 1e-12);
        prop_assert!(system > 0.0 || (worse - status).abs() < 1e-12, "no law, no loss");
        let better = after_kill(status, k);
        prop_assert!((-10.0..=10.0).contains(&better) && better >= status);
        prop_assert!(better <= status.max(5.0));
    }

    #[test]
    fn any_numbers_do(status in any::<f64>(), security in any::<f64>()) {
        prop_assert!((-100..=100).contains(&shown_tenths(security)));
        prop_assert!(after_crime(status, security, security, status).abs() <= 10.0);
        let _ = (band(security), is_hunted(&TABLE, security, status));
    }
}
