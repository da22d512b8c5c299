use super::*;

const KM: i32 = 100_000;
const RANGES: [i32; 2] = [20 * KM, 250 * KM];

#[test]
fn an_orbit_pulls_from_afar_and_pushes_from_near() {
    let speed = 1 << 24;
    let far = orbit([0; 3], [100 * KM, 0, 0], 5 * KM, speed, 0);
    assert!(far[0] > speed / 2, "{far:?}");
    let near = orbit([0; 3], [KM, 0, 0], 5 * KM, speed, 2);
    assert!(near[0] < 0, "{near:?}");
    let on_it = orbit([0; 3], [5 * KM, 0, 0], 5 * KM, speed, 2);
    assert_eq!(on_it[0], 0);
    assert_eq!(on_it[1], -speed);
    assert_eq!(orbit([7; 3], [7; 3], 5 * KM, speed, 1), [0; 3]);
}

#[test]
fn the_speed_of_a_course_is_the_ships_wherever_it_is() {
    let speed = 1 << 24;
    for to in [
        [3, 4, 5],
        [i32::MAX; 3],
        [i32::MIN, i32::MAX, 0],
        [40_000, -9_000, 1],
    ] {
        for plane in 0..3 {
            let course = orbit([0; 3], to, 5 * KM, speed, plane);
            let long = orrery_base::math::length(course.map(i64::from));
            assert!(
                long <= i64::from(speed) * 17 / 16,
                "{to:?} {plane}: {course:?}"
            );
        }
    }
}

#[test]
fn a_chance_falls_with_angular_velocity_and_range() {
    let at = |x: i32, v: [i64; 3]| chance([0; 3], [x, 0, 0], v, 600, RANGES);
    assert_eq!(at(10 * KM, [0; 3]), CERTAIN);
    // Towards the gun: no angular velocity.
    assert_eq!(at(10 * KM, [-(1 << 24), 0, 0]), CERTAIN);
    // At 10 km, ω = 1/600 rad per beat is 1,667 cm per beat: an even chance.
    let even = at(10 * KM, [0, 1_667 << 14, 0]);
    assert!((CERTAIN / 2).abs_diff(even) < 8, "{even}");
    assert!(at(5 * KM, [0, 1_667 << 14, 0]) < even);
    assert_eq!(at(40 * KM, [0; 3]), CERTAIN / 4);
    assert_eq!(at(251 * KM, [0; 3]), 0);
}

#[test]
fn extremes_do_not_overflow() {
    for to in [[i32::MIN; 3], [i32::MAX; 3], [i32::MAX, i32::MIN, i32::MAX]] {
        let v = [(1 << 31) - 2, -(1 << 31), 1 << 30];
        let hits = chance([0; 3], to, v, 1, [i32::MAX; 2]);
        assert!(hits <= CERTAIN);
        assert_eq!(chance(to, to, v, 1, [16, 16]), CERTAIN);
    }
}
