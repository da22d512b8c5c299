//! The formulas against golden vectors, then flights: what a pilot would see.

use super::*;
use crate::columns::Ship;
use crate::testing::{
    GATE, Grid, HULLS, STATION, along_x, content, golden, number, vector as cells3,
};
use orrery_base::columns::Columns as _;
use orrery_base::command::DIRECTION_ONE;
use orrery_base::motion::velocity_to_m_per_s;
use proptest::prelude::*;

#[test]
fn target_velocities_are_the_golden_ones() {
    for cells in golden::<25>(include_str!("../../tests/golden/steer.csv")) {
        let range_cm = number::<i32>(cells[1]) * 100;
        let target = EntityId(1);
        let order = match cells[0] {
            "stop" => Order::Stop,
            "fly" => Order::Fly {
                direction: cells3(&cells[2..5]),
                throttle: number(cells[5]),
            },
            "align" => Order::Align { target },
            "approach" => Order::Approach { target, range_cm },
            "keep" => Order::KeepAtRange { target, range_cm },
            "orbit" => Order::Orbit { target, range_cm },
            other => panic!("{other}"),
        };
        let own = Own {
            motion: Motion {
                position_cm: cells3(&cells[6..9]),
                velocity: cells3(&cells[9..12]),
                target_velocity: [0; 3],
                response: number(cells[13]),
            },
            max_speed: number(cells[12]),
            radius_cm: number(cells[14]),
        };
        let contact = Contact {
            kind: Kind::Ship,
            type_id: HULLS[0],
            position_cm: cells3(&cells[15..18]),
            velocity: cells3(&cells[18..21]),
            radius_cm: number(cells[21]),
        };
        let contact = order.target().map(|_| &contact);
        assert_eq!(
            target_velocity(order, &own, contact),
            cells3::<i32>(&cells[22..25]),
            "{cells:?}"
        );
    }
}

fn station(grid: &mut Grid, x_m: i32) -> EntityId {
    let id = EntityId(5);
    grid.add(
        id,
        Ship::fixed(Kind::Station, STATION, [x_m * 100, 0, 0], Tick(0)),
    );
    id
}

#[test]
fn approach_arrives_and_never_overshoots() {
    for hull in HULLS {
        let mut grid = Grid::default();
        let target = station(&mut grid, 30_000);
        let ship = grid.hull(hull, [0, 4_000, -1_000]);
        grid.order(
            ship,
            Order::Approach {
                target,
                range_cm: 0,
            },
        );
        let mut nearest = f64::INFINITY;
        let mut beats = 0;
        while grid.speed(ship) > 0.0 || beats < 100 {
            grid.beat();
            nearest = nearest.min(grid.distance_m(ship, target));
            beats += 1;
            assert!(
                beats < 60 * 60 * 30,
                "{hull} still flies: {} m",
                grid.distance_m(ship, target)
            );
        }
        assert!(nearest > -0.5, "{hull} went {nearest} m deep");
        assert!(
            grid.distance_m(ship, target) < 2.0,
            "{hull}: {} m",
            grid.distance_m(ship, target)
        );
        // Coasting from full speed takes ln(v/ε)·τ on top of the way itself.
        let ship = content().ship(hull).unwrap();
        let tau = content().law(hull, false).unwrap().tau_s;
        let direct_s = 30_000.0 / ship.max_speed_m_per_s;
        assert!(
            f64::from(beats) / 30.0 < direct_s + 14.0 * tau + 20.0,
            "{hull}: {beats} beats"
        );
    }
}

#[test]
fn approach_does_not_back_away() {
    let mut grid = Grid::default();
    let target = station(&mut grid, 3_000);
    let ship = grid.hull(HULLS[0], [0; 3]);
    grid.order(
        ship,
        Order::Approach {
            target,
            range_cm: 10_000_000,
        },
    );
    grid.beats(900);
    assert_eq!(grid.speed(ship), 0.0);
    assert_eq!(grid.ships.position_cm(grid.row(ship)), [0; 3]);
}

#[test]
fn a_range_is_kept_from_both_sides() {
    for hull in HULLS {
        for start_m in [-60_000, 6_000] {
            let mut grid = Grid::default();
            let target = station(&mut grid, 10_000);
            let ship = grid.hull(hull, [start_m, 0, 0]);
            grid.order(
                ship,
                Order::KeepAtRange {
                    target,
                    range_cm: 2_000_000,
                },
            );
            let far = grid.distance_m(ship, target) > 20_000.0;
            for _ in 0..60 * 60 * 30 {
                grid.beat();
                let distance = grid.distance_m(ship, target);
                assert!(
                    if far {
                        distance > 19_999.0
                    } else {
                        distance < 20_001.0
                    },
                    "{hull}: {distance}"
                );
            }
            assert!(
                (grid.distance_m(ship, target) - 20_000.0).abs() < 3.0,
                "{hull}: {}",
                grid.distance_m(ship, target)
            );
        }
    }
}

#[test]
fn a_ship_that_moves_is_caught_and_followed() {
    let mut grid = Grid::default();
    let prey = grid.hull(HULLS[2], [20_000, 0, 0]);
    let hunter = grid.hull(HULLS[0], [0; 3]);
    grid.order(
        prey,
        Order::Fly {
            direction: [0, DIRECTION_ONE, 0],
            throttle: 1_000,
        },
    );
    grid.order(
        hunter,
        Order::KeepAtRange {
            target: prey,
            range_cm: 250_000,
        },
    );
    grid.beats(30 * 240);
    assert!(
        (grid.distance_m(hunter, prey) - 2_500.0).abs() < 5.0,
        "{}",
        grid.distance_m(hunter, prey)
    );
    assert!((grid.speed(hunter) - grid.speed(prey)).abs() < 0.5);
}

#[test]
fn a_faster_ship_is_chased_at_full_speed() {
    let mut grid = Grid::default();
    let prey = grid.hull(HULLS[0], [5_000, 0, 0]);
    let hunter = grid.hull(HULLS[2], [0; 3]);
    grid.order(
        prey,
        Order::Fly {
            direction: [0, DIRECTION_ONE, 0],
            throttle: 1_000,
        },
    );
    grid.order(
        hunter,
        Order::Approach {
            target: prey,
            range_cm: 0,
        },
    );
    grid.beats(30 * 120);
    let top = content().ship(HULLS[2]).unwrap().max_speed_m_per_s;
    assert!(grid.speed(hunter) > top * 0.999);
    assert!(grid.ships.vy[grid.row(hunter)] > 0);
}

/// Extremes and mean of the distance, and the speed, in a settled orbit.
fn orbited(hull: TypeId, range_m: i32, target_speed: u16) -> ([f64; 3], f64) {
    let mut grid = Grid::default();
    let target = grid.hull(HULLS[2], [0, 0, 0]);
    grid.order(
        target,
        Order::Fly {
            direction: [0, 0, DIRECTION_ONE],
            throttle: target_speed,
        },
    );
    let ship = grid.hull(hull, [range_m * 3 + 9_000, 2_000, 500]);
    grid.order(
        ship,
        Order::Orbit {
            target,
            range_cm: range_m * 100,
        },
    );
    // Time to get there, and to settle.
    let top = content().ship(hull).unwrap().max_speed_m_per_s;
    let way_s = f64::from(range_m * 3 + 9_000) / top;
    grid.beats(30 * (1_200 + 2 * way_s as u64));
    let (mut least, mut most, mut sum) = (f64::INFINITY, 0.0_f64, 0.0);
    let beats = 30 * 300;
    for _ in 0..beats {
        grid.beat();
        let distance = grid.distance_m(ship, target);
        least = least.min(distance);
        most = most.max(distance);
        sum += distance;
    }
    ([least, sum / f64::from(beats), most], grid.speed(ship))
}

#[test]
fn orbits_are_steady_and_as_wide_as_the_ship_needs() {
    for hull in HULLS {
        let law = content().law(hull, false).unwrap();
        let top = velocity_to_m_per_s(law.max_speed);
        for range_m in [500, 2_500, 10_000, 50_000] {
            let ([least, mean, most], speed) = orbited(hull, range_m, 0);
            let wanted = f64::from(range_m);
            assert!(least > wanted * 0.97, "{hull} at {range_m}: {least}");
            // v·τ is what the lag of the velocity may add.
            assert!(
                mean < wanted * 1.02 + top * law.tau_s,
                "{hull} at {range_m}: {mean}"
            );
            assert!(
                most - least < mean * 0.05 + 50.0,
                "{hull} at {range_m}: {least}..{most}"
            );
            assert!(speed > top * 0.4, "{hull} at {range_m}: {speed}");
        }
        // Where v·τ is small against the range, the range is nearly what was asked for.
        let ([_, mean, _], speed) = orbited(hull, 50_000, 0);
        if top * law.tau_s < 2_000.0 {
            assert!(
                mean < 51_000.0 && speed > top * 0.99,
                "{hull}: {mean} {speed}"
            );
        }
    }
}

#[test]
fn a_moving_target_is_orbited_too() {
    let ([least, _, most], _) = orbited(HULLS[0], 5_000, 300);
    assert!(least > 4_500.0 && most < 6_500.0, "{least}..{most}");
}

#[test]
fn a_straight_course_is_one_law() {
    let mut grid = Grid::default();
    let target = station(&mut grid, 80_000);
    let ship = grid.hull(HULLS[0], [0, 30_000, 1_234]);
    grid.order(
        ship,
        Order::Approach {
            target,
            range_cm: 0,
        },
    );
    grid.beats(2);
    let first = grid.ships.law_tick[grid.row(ship)];
    let mut changes = 0;
    while grid.distance_m(ship, target) > 5_000.0 {
        let before = grid.ships.law_tick[grid.row(ship)];
        grid.beat();
        changes += u32::from(grid.ships.law_tick[grid.row(ship)] != before);
    }
    assert!(first > 0);
    assert_eq!(changes, 0, "the way of 80 km needs no second law");
}

#[test]
fn stopping_ends_in_exact_rest() {
    for hull in HULLS {
        let mut grid = Grid::default();
        let ship = grid.hull(hull, [0; 3]);
        grid.order(
            ship,
            Order::Fly {
                direction: [9_459, -9_459, 9_459],
                throttle: 1_000,
            },
        );
        grid.beats(30 * 60);
        grid.order(ship, Order::Stop);
        grid.beats(30 * 60 * 20);
        assert_eq!(grid.ships.velocity(0), [0; 3], "{hull}");
        let (at, law_tick) = (grid.ships.position_cm(0), grid.ships.law_tick[0]);
        grid.beats(30 * 60);
        assert_eq!(
            (grid.ships.position_cm(0), grid.ships.law_tick[0]),
            (at, law_tick)
        );
    }
}

#[test]
fn a_lost_target_ends_the_order() {
    let mut grid = Grid::default();
    let target = grid.hull(HULLS[1], [9_000, 0, 0]);
    let ship = grid.hull(HULLS[0], [0; 3]);
    grid.order(
        ship,
        Order::Orbit {
            target,
            range_cm: 100_000,
        },
    );
    grid.beats(100);
    let gone = grid.row(target);
    grid.ids.swap_remove(gone);
    grid.ships.swap_remove(gone);
    grid.beats(STEER_INTERVAL_BEATS);
    assert_eq!(grid.ships.order(grid.row(ship)), Order::Stop);
    assert_eq!(
        [grid.ships.tx[0], grid.ships.ty[0], grid.ships.tz[0]],
        [0; 3]
    );
}

#[test]
fn ships_take_turns_and_new_orders_do_not_wait() {
    let mut turns = [0_u32; STEER_INTERVAL_BEATS as usize];
    for serial in 0..800 {
        let id = EntityId::minted(serial);
        let due: Vec<u64> = (0..16)
            .filter(|&tick| is_due(Tick(tick), id, u64::MAX))
            .collect();
        assert_eq!(due.len(), 2, "one of every eight beats");
        assert_eq!(due[1] - due[0], STEER_INTERVAL_BEATS);
        turns[due[0] as usize] += 1;
    }
    assert_eq!(turns, [100; STEER_INTERVAL_BEATS as usize]);
    assert!((0..16).all(|tick| is_due(Tick(tick), EntityId(3), tick)));
}

#[test]
fn the_law_tick_is_the_first_step_of_the_law() {
    let mut grid = Grid::default();
    let ship = grid.hull(HULLS[0], [0; 3]);
    grid.beats(10);
    grid.order(
        ship,
        Order::Fly {
            direction: [DIRECTION_ONE, 0, 0],
            throttle: 1_000,
        },
    );
    grid.beat();
    assert_eq!(grid.ships.law_tick[0], grid.tick.next().0);
    // From the state at the law's first tick on, the recurrence alone gives every state.
    grid.beat();
    let (mut motion, from) = (grid.ships.motion(0), grid.tick);
    grid.beats(500);
    assert_eq!(grid.ships.law_tick[0], from.0);
    motion.advance(from, grid.tick);
    assert_eq!(motion, grid.ships.motion(0));
}

#[test]
fn fixed_things_are_not_steered() {
    let mut grid = Grid::default();
    let gate = Ship::fixed(Kind::Gate, GATE, [1, 2, 3], Tick(0));
    grid.add(EntityId(8), gate.clone());
    grid.order(
        EntityId(8),
        Order::Fly {
            direction: [DIRECTION_ONE, 0, 0],
            throttle: 1_000,
        },
    );
    grid.beats(20);
    assert_eq!(grid.ships.motion(0), gate.motion());
}

#[test]
fn coinciding_centres_are_no_fault() {
    let own = Own {
        motion: Motion::at_rest([7; 3]),
        max_speed: 1 << 24,
        radius_cm: 100,
    };
    let contact = Contact {
        kind: Kind::Ship,
        type_id: HULLS[0],
        position_cm: [7; 3],
        velocity: along_x(0.0),
        radius_cm: 100,
    };
    let target = EntityId(1);
    assert_eq!(
        target_velocity(Order::Align { target }, &own, Some(&contact)),
        [0; 3]
    );
    assert_eq!(
        target_velocity(
            Order::Approach {
                target,
                range_cm: 0
            },
            &own,
            Some(&contact)
        ),
        [0; 3]
    );
    let orbit = target_velocity(
        Order::Orbit {
            target,
            range_cm: 0,
        },
        &own,
        Some(&contact),
    );
    assert!(math::length(orbit.map(i64::from)) > i64::from(own.max_speed) * 9 / 10);
}

fn any_motion() -> impl Strategy<Value = Motion> {
    let velocity = || {
        [
            -VELOCITY_MAX..=VELOCITY_MAX,
            -VELOCITY_MAX..=VELOCITY_MAX,
            -VELOCITY_MAX..=VELOCITY_MAX,
        ]
    };
    (any::<[i32; 3]>(), velocity(), velocity(), any::<u32>()).prop_map(
        |(position_cm, velocity, target_velocity, response)| Motion {
            position_cm,
            velocity,
            target_velocity,
            response,
        },
    )
}

fn any_order() -> impl Strategy<Value = Order> {
    (0..6_u8, 0..i32::MAX, any::<[i16; 3]>(), 0..=THROTTLE_FULL).prop_map(
        |(kind, range_cm, direction, throttle)| {
            Order::from_fields(kind, EntityId(1), range_cm, direction, throttle)
        },
    )
}

proptest! {
    /// Whatever the situation: short on the wire, not faster than the type, valid for the law.
    #[test]
    fn target_velocities_keep_their_bounds(
        order in any_order(), motion in any_motion(), max_speed in 0..=VELOCITY_MAX,
        radius_cm in 0..100_000_000_i32, other in any_motion(), seen: bool,
    ) {
        let own = Own { motion, max_speed, radius_cm };
        let contact = Contact {
            kind: Kind::Ship,
            type_id: HULLS[0],
            position_cm: other.position_cm,
            velocity: other.velocity,
            radius_cm,
        };
        let target = target_velocity(order, &own, seen.then_some(&contact));
        prop_assert!(target.iter().all(|v| v % TARGET_QUANTUM == 0));
        // One unit for the rounding of √: far below a quantum.
        prop_assert!(math::length(target.map(i64::from)) <= i64::from(max_speed) + 1);
        prop_assert!(steered(order, &own, Some(&contact)).is_valid());
    }

    /// What the wire stands on: whoever has a state that is not older than the law gets every
    /// later one by the recurrence, whatever pilots do. And nobody is faster than the hull.
    #[test]
    fn the_recurrence_alone_gives_every_state_of_a_law(
        acts in prop::collection::vec((0..4_usize, 0..8_u8, 0..60_000_i32, any::<[i8; 3]>(), 1..120_u64), 1..14),
    ) {
        let mut grid = Grid::default();
        let ids: Vec<EntityId> =
            (0..4).map(|index| grid.hull(HULLS[index as usize], [index * 3_000, index * index * 900, 0])).collect();
        let boosted = HULLS.map(|hull| {
            let law = content().law(hull, true).or(content().law(hull, false)).unwrap();
            i64::from(law.max_speed)
        });
        for (ship, act, range_m, direction, beats) in acts {
            let target = ids[(ship + 1) % ids.len()];
            let row = grid.row(ids[ship]);
            if act > 5 {
                let first_step = grid.tick.next();
                crate::afterburner::set(&mut grid.ships, row, act == 6, content(), first_step);
            } else {
                let direction = direction.map(|it| i16::from(it) * 128);
                grid.order(ids[ship], Order::from_fields(act, target, range_m * 100, direction, 1_000));
            }
            for _ in 0..beats {
                let before: Vec<(Tick, Motion)> =
                    (0..4).map(|row| (grid.tick, grid.ships.motion(row))).collect();
                grid.beat();
                // Steering after the step has not spoiled the picture of this beat.
                for (row, &(tick, motion)) in before.iter().enumerate() {
                    let stepped = { let mut it = motion; it.advance(tick, grid.tick); it };
                    if grid.ships.law_tick[row] <= tick.0 {
                        prop_assert_eq!(stepped, grid.ships.motion(row));
                    }
                    let speed = math::length(grid.ships.velocity(row).map(i64::from));
                    prop_assert!(speed <= boosted[row] + 4, "{} of {}", speed, boosted[row]);
                }
            }
        }
    }

    /// Rows do not know where they stand.
    #[test]
    fn the_order_of_rows_does_not_matter(seed: u64, swap in 0..6_usize) {
        let mut grid = Grid::default();
        let ids: Vec<EntityId> = (0..7)
            .map(|index| {
                let at = |shift: u32| ((seed >> (shift + index * 3)) & 0xFFFF) as i32 - 0x8000;
                grid.hull(HULLS[index as usize % 4], [at(0), at(16), at(32)])
            })
            .collect();
        for (index, &id) in ids.iter().enumerate() {
            let target = ids[(index + 1) % ids.len()];
            grid.order(id, Order::Orbit { target, range_cm: 100_000 });
        }
        let mut other = Grid { tick: grid.tick, ..Grid::default() };
        for index in 0..ids.len() {
            let row = (index + swap + 1) % ids.len();
            other.add(grid.ids[row], grid.ships.row(row));
        }
        grid.beats(40);
        other.beats(40);
        for &id in &ids {
            prop_assert_eq!(grid.ships.row(grid.row(id)), other.ships.row(other.row(id)));
        }
    }
}
