use super::*;
use crate::testing::{golden, number, vector as cells_of};
use proptest::prelude::*;

#[test]
fn entries_are_the_golden_ones() {
    for cells in golden::<11>(include_str!("../../tests/golden/inhibit_line.csv")) {
        let field = Field {
            centre_cm: cells_of(&cells[6..9]),
            radius_cm: number(cells[9]),
        };
        let entry = entry_m(cells_of(&cells[0..3]), cells_of(&cells[3..6]), &field);
        match cells[10] {
            "-" => assert_eq!(entry, None, "{cells:?}"),
            cell => {
                let want: f64 = number(cell);
                assert!((entry.unwrap() - want).abs() < 1e-3, "{entry:?} {cells:?}");
            }
        }
    }
}

#[test]
fn stabilisers_hold_off_as_many() {
    assert!(!is_blocked(attack([]), 0));
    assert!(is_blocked(attack([DISRUPTOR]), 0));
    assert!(!is_blocked(attack([SCRAMBLER]), 2));
    assert!(is_blocked(attack([SCRAMBLER, DISRUPTOR]), 2));
    assert_eq!(attack([i32::MAX, 5, -7]), i32::MAX);
}

const AHEAD: [f64; 3] = [1.0, 0.0, 0.0];

fn field(x_m: i32, radius_m: i32) -> Field {
    Field {
        centre_cm: [x_m * 100, 0, 0],
        radius_cm: radius_m * 100,
    }
}

#[test]
fn the_first_field_on_the_line_catches() {
    let caught = |fields: &[Field]| caught_m([0; 3], AHEAD, 1e9, 500_000.0, fields);
    assert_eq!(caught(&[]), None);
    // In front, around the point, behind, too far behind.
    assert_eq!(caught(&[field(-50_000, 20_000)]), Some(-70_000.0));
    assert_eq!(caught(&[field(0, 20_000)]), Some(-20_000.0));
    assert_eq!(caught(&[field(400_000, 20_000)]), Some(380_000.0));
    assert_eq!(caught(&[field(520_001, 20_000)]), None);
    let both = [field(400_000, 20_000), field(100_000, 40_000)];
    assert_eq!(caught(&both), Some(60_000.0));
    // A field around the start of a short warp is another rule's business.
    let start = [field(-200_000, 20_000)];
    assert_eq!(caught_m([0; 3], AHEAD, 150_000.0, 5e5, &start), None);
}

#[test]
fn the_surface_is_inside() {
    let field = field(0, 20_000);
    assert!(is_inside([2_000_000, 0, 0], &field) && !is_inside([2_000_000, 1, 0], &field));
    let none = Field {
        centre_cm: [0; 3],
        radius_cm: -1,
    };
    assert!(!is_inside([0; 3], &none));
}

proptest! {
    #[test]
    fn the_entry_lies_on_the_surface(
        centre in prop::array::uniform3(-100_000_000..100_000_000_i32),
        point in prop::array::uniform3(-100_000_000..100_000_000_i32),
        radius in 1..50_000_000_i32,
    ) {
        let toward = vector::unit([0.6, -0.48, 0.64], 0.5).unwrap();
        let field = Field { centre_cm: centre, radius_cm: radius };
        if let Some(entry) = entry_m(point, toward, &field) {
            let at = vector::add(vector::of_i32(point), vector::scale(toward, entry * 100.0));
            let off = vector::length(vector::sub(at, vector::of_i32(centre)));
            prop_assert!((off - f64::from(radius)).abs() < 1.0, "{off} {radius}");
        }
    }

    #[test]
    fn any_numbers_do(p in any::<[i32; 3]>(), c in any::<[i32; 3]>(), r in any::<i32>(), d in any::<[f64; 3]>()) {
        let field = Field { centre_cm: c, radius_cm: r };
        let _ = is_inside(p, &field);
        let _ = caught_m(p, d, f64::NAN, f64::INFINITY, [&field]);
    }
}
