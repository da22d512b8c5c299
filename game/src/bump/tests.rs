use super::*;
use crate::testing::{close, golden, number, vector as cells_of};
use proptest::prelude::*;

fn body(position_cm: [i32; 3], velocity: [i32; 3], mass_kg: f64) -> Body {
    Body {
        position_cm,
        velocity,
        radius_cm: 1_000,
        mass_kg,
    }
}

#[test]
fn bumps_are_the_golden_ones() {
    for cells in golden::<20>(include_str!("../../tests/golden/bump.csv")) {
        let [a, b] = [0, 7].map(|at| {
            let (place, velocity) = (
                cells_of(&cells[at..at + 3]),
                cells_of(&cells[at + 3..at + 6]),
            );
            body(place, velocity, number(cells[at + 6]))
        });
        let (after_a, after_b) = elastic(&a, &b);
        for axis in 0..3 {
            let (want_a, want_b): (i32, i32) = (number(cells[14 + axis]), number(cells[17 + axis]));
            assert!((after_a[axis] - want_a).abs() <= 1, "{after_a:?} {cells:?}");
            assert!((after_b[axis] - want_b).abs() <= 1, "{after_b:?} {cells:?}");
        }
    }
    for cells in golden::<6>(include_str!("../../tests/golden/bump_drift.csv")) {
        let [mass, speed, target, tau, after, drifted] = cells.map(number::<f64>);
        close(head_on_speed(mass, speed, target), after, 1e-6);
        close(drift(after, tau), drifted, 1e-6);
    }
}

#[test]
fn contact_is_found_within_the_beat() {
    let speed = 500 * VELOCITY_ONE;
    let still = body([10_000, 0, 0], [0; 3], 1.0);
    // 8,000 cm of gap at 500 cm a beat: not in this one.
    assert_eq!(contact(&body([0; 3], [speed, 0, 0], 1.0), &still, 0), None);
    let near = body([7_750, 0, 0], [speed, 0, 0], 1.0);
    assert_eq!(contact(&near, &still, 0), Some(0.5));
    assert_eq!(contact(&near, &still, 250), Some(0.0));
    let away = body([7_750, 0, 0], [-speed, 0, 0], 1.0);
    assert_eq!(contact(&away, &still, 0), None);
    // Through it and out again within one beat.
    let fast = body([0; 3], [60_000 * VELOCITY_ONE, 0, 0], 1.0);
    close(
        contact(&fast, &still, 0).unwrap(),
        8_000.0 / 60_000.0,
        1e-12,
    );
    let beside = body([0, 2_001, 0], [60_000 * VELOCITY_ONE, 0, 0], 1.0);
    assert_eq!(contact(&beside, &still, 0), None);
}

fn bodies() -> impl Strategy<Value = Body> {
    let place = prop::array::uniform3(-10_000_000..10_000_000_i32);
    let velocity = prop::array::uniform3(-100_000_000..100_000_000_i32);
    (place, velocity, 1e4..1e9_f64).prop_map(|(place, velocity, mass)| body(place, velocity, mass))
}

proptest! {
    #[test]
    fn momentum_and_energy_are_kept(a in bodies(), b in bodies()) {
        let (after_a, after_b) = elastic(&a, &b);
        let all = a.mass_kg + b.mass_kg;
        for axis in 0..3 {
            let sum = |va: [i32; 3], vb: [i32; 3]| {
                a.mass_kg * f64::from(va[axis]) + b.mass_kg * f64::from(vb[axis])
            };
            let (before, after) = (sum(a.velocity, b.velocity), sum(after_a, after_b));
            // Half a unit of rounding for each of the two.
            prop_assert!((before - after).abs() <= 0.51 * all, "{before} {after}");
        }
        let energy = |va: [i32; 3], vb: [i32; 3]| {
            let square = |v| vector::dot(vector::of_i32(v), vector::of_i32(v));
            a.mass_kg * square(va) + b.mass_kg * square(vb)
        };
        let (before, after) = (energy(a.velocity, b.velocity), energy(after_a, after_b));
        // Rounding by half a unit of up to 3·10⁸ each.
        prop_assert!((before - after).abs() <= all * 3e9 + 1e-9 * before, "{before} {after}");
    }

    #[test]
    fn who_is_first_does_not_matter(a in bodies(), b in bodies()) {
        let (ab, ba) = (elastic(&a, &b), elastic(&b, &a));
        for axis in 0..3 {
            prop_assert!((ab.0[axis] - ba.1[axis]).abs() <= 1 && (ab.1[axis] - ba.0[axis]).abs() <= 1);
        }
    }

    #[test]
    fn at_contact_they_touch(a in bodies(), b in bodies()) {
        if let Some(t) = contact(&a, &b, 0).filter(|&t| t > 0.0) {
            let at = |body: &Body, axis: usize| {
                f64::from(body.position_cm[axis]) + f64::from(body.velocity[axis]) / 16_384.0 * t
            };
            let gap = [0, 1, 2].map(|axis| at(&a, axis) - at(&b, axis));
            prop_assert!((vector::length(gap) - 2_000.0).abs() < 0.1);
        }
    }

    #[test]
    fn any_numbers_do(p in any::<[[i32; 3]; 4]>(), m in any::<[f64; 2]>(), r in any::<[i32; 3]>()) {
        let [mut a, mut b] = [body(p[0], p[1], m[0]), body(p[2], p[3], m[1])];
        (a.radius_cm, b.radius_cm) = (r[0], r[1]);
        if let Some(t) = contact(&a, &b, r[2]) {
            prop_assert!((0.0..=1.0).contains(&t));
        }
        let after = elastic(&a, &b);
        let kept = (a.velocity, b.velocity);
        let limit = |v: [i32; 3]| v.iter().all(|v| v.unsigned_abs() <= VELOCITY_MAX as u32);
        prop_assert!(after == kept || limit(after.0) && limit(after.1));
    }
}
