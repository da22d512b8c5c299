use super::*;
use crate::testing::{close, golden, number, vector as cells_of};
use orrery_base::motion::velocity_from_m_per_s;
use proptest::prelude::*;

fn shot(cells: [f64; 7]) -> Shot {
    let [
        angular,
        tracking,
        resolution,
        signature,
        distance,
        optimal,
        falloff,
    ] = cells;
    Shot {
        angular_rad_per_s: angular,
        tracking_rad_per_s: tracking,
        signature_resolution_m: resolution,
        signature_m: signature,
        distance_m: distance,
        optimal_m: optimal,
        falloff_m: falloff,
    }
}

#[test]
fn chances_are_the_golden_ones() {
    for cells in golden::<9>(include_str!("../../tests/golden/turret.csv")) {
        let [a, b, c, d, e, f, g, chance, expected] = cells.map(number::<f64>);
        let got = hit_chance(&shot([a, b, c, d, e, f, g]));
        close(got, chance, 1e-9);
        close(expected_multiplier(got), expected, 1e-9);
    }
}

#[test]
fn angular_velocities_are_the_golden_ones() {
    for cells in golden::<13>(include_str!("../../tests/golden/turret_angular.csv")) {
        let [own, own_v, at, v] = [0, 3, 6, 9].map(|cell| cells_of(&cells[cell..cell + 3]));
        let got = angular_rad_per_s(own, own_v, at, v);
        let want: f64 = number(cells[12]);
        assert!((got - want).abs() <= 1e-9 * want + 1e-12, "{got} {cells:?}");
    }
}

#[test]
fn only_the_part_across_the_line_of_sight_counts() {
    let speed = velocity_from_m_per_s(300.0);
    let at = [1_000_000, 0, 0];
    assert_eq!(angular_rad_per_s([0; 3], [0; 3], at, [speed, 0, 0]), 0.0);
    let across = angular_rad_per_s([0; 3], [0; 3], at, [speed, speed, 0]);
    close(across, 300.0 / 10_000.0, 1e-6);
    // Flying abreast is standing still.
    assert_eq!(
        angular_rad_per_s([0; 3], [0, speed, 0], at, [0, speed, 0]),
        0.0
    );
    assert_eq!(angular_rad_per_s(at, [0; 3], at, [speed; 3]), 0.0);
}

#[test]
fn without_tracking_only_the_still_are_hit() {
    assert_eq!(hit_chance(&shot([0.0, 0.0, 40.0, 0.0, 1.0, 2.0, 3.0])), 1.0);
    assert_eq!(
        hit_chance(&shot([0.1, 0.0, 40.0, 40.0, 1.0, 2.0, 3.0])),
        0.0
    );
    assert_eq!(hit_chance(&shot([0.1, 0.1, 40.0, 0.0, 1.0, 2.0, 3.0])), 0.0);
}

#[test]
fn the_borders_of_a_draw() {
    assert_eq!(outcome(0.5, 0.0), Outcome::Wrecking);
    assert_eq!(outcome(0.001, 0.009), Outcome::Wrecking, "as published");
    assert_eq!(outcome(0.0, 0.0), Outcome::Miss);
    assert_eq!(outcome(0.5, 0.01), Outcome::Hit(0.5));
    assert_eq!(outcome(0.5, 0.5), Outcome::Miss);
    assert_eq!(outcome(f64::NAN, 0.5), Outcome::Miss);
    assert_eq!(outcome(1.0, 0.75).multiplier(), 1.24);
}

/// 200,000 shots each at several chances: one in a hundred wrecks, and the mean is the expected
/// one. The bounds are five standard deviations.
#[test]
fn many_shots_are_distributed_as_the_formulas_say() {
    const SHOTS: u64 = 200_000;
    for chance in [0.02, 0.25, 0.840_896_415, 1.0] {
        let (mut wrecking, mut hits, mut sum, mut squares) = (0_u64, 0_u64, 0.0, 0.0);
        for tick in 0..SHOTS {
            let shot = outcome(
                chance,
                draw(77, Tick(tick / 8), EntityId(4), (tick % 8) as u8),
            );
            wrecking += u64::from(shot == Outcome::Wrecking);
            hits += u64::from(shot != Outcome::Miss);
            sum += shot.multiplier();
            squares += shot.multiplier() * shot.multiplier();
        }
        let count = SHOTS as f64;
        let deviation = |p: f64| 5.0 * (count * p * (1.0 - p)).sqrt() + 1e-9;
        assert!(
            (wrecking as f64 - 0.01 * count).abs() < deviation(0.01),
            "{wrecking}"
        );
        assert!(
            (hits as f64 - chance * count).abs() < deviation(chance),
            "{hits}"
        );
        let mean = sum / count;
        let error = 5.0 * ((squares / count - mean * mean) / count).sqrt();
        assert!(
            (mean - expected_multiplier(chance)).abs() < error,
            "{mean} at {chance}"
        );
    }
}

proptest! {
    #[test]
    fn any_numbers_give_a_chance(cells in any::<[f64; 7]>(), draw in 0.0..1.0_f64) {
        let chance = hit_chance(&shot(cells));
        prop_assert!((0.0..=1.0).contains(&chance), "{chance}");
        prop_assert!((0.0..=3.0).contains(&outcome(chance, draw).multiplier()));
    }

    #[test]
    fn any_places_give_a_rate(a in any::<[i32; 3]>(), b in any::<[i32; 3]>(), c in any::<[i32; 3]>(), d in any::<[i32; 3]>()) {
        let rate = angular_rad_per_s(a, b, c, d);
        prop_assert!(rate >= 0.0 && rate.is_finite());
    }

    #[test]
    fn faster_or_farther_is_never_easier(
        angular in 0.0..1.0_f64, more in 0.0..1.0_f64, distance in 0.0..1e5_f64, farther in 0.0..1e5_f64,
    ) {
        let easy = hit_chance(&shot([angular, 0.04, 40.0, 125.0, distance, 1e4, 5e3]));
        let hard = hit_chance(&shot([angular + more, 0.04, 40.0, 125.0, distance + farther, 1e4, 5e3]));
        prop_assert!(hard <= easy);
    }
}
