//! The columns against the closed form: golden values for the four time constants of
//! docs/mechanics.md#motion, flown from rest under an order.

use super::*;
use crate::order::Order;
use crate::testing::{Grid, HULLS, content, golden, number};
use orrery_base::columns::Columns as _;
use orrery_base::command::{DIRECTION_ONE, THROTTLE_FULL};
use orrery_base::{BEATS_PER_SECOND, EntityId, TypeId};

const FORWARD: Order = Order::Fly {
    direction: [DIRECTION_ONE, 0, 0],
    throttle: THROTTLE_FULL,
};

/// The hull of the golden rows' mass, checked to be the one that the row means.
fn hull(mass_kg: &str, inertia: &str, speed: &str) -> TypeId {
    let ships = HULLS.map(|id| content().ship(id).unwrap());
    let ship = ships
        .into_iter()
        .find(|it| it.mass_kg == number::<f64>(mass_kg))
        .unwrap();
    assert_eq!(
        (ship.inertia, ship.max_speed_m_per_s),
        (number(inertia), number(speed))
    );
    ship.id
}

/// A ship that begins to fly: its order has been steered, its first step is the next.
fn starting(hull: TypeId) -> (Grid, EntityId) {
    let mut grid = Grid::default();
    let id = grid.hull(hull, [0; 3]);
    grid.order(id, FORWARD);
    grid.beat();
    assert_eq!(grid.ships.px[0], 0);
    (grid, id)
}

#[test]
fn follows_the_closed_form() {
    for [mass, inertia, speed, t_s, v, x] in golden(include_str!("../../tests/golden/motion.csv")) {
        let (mut grid, id) = starting(hull(mass, inertia, speed));
        grid.beats(u64::from(BEATS_PER_SECOND) * number::<u64>(t_s));
        let (v, x): (f64, f64) = (number(v), number(x));
        assert!(
            (grid.speed(id) - v).abs() <= v * 1e-3,
            "{mass} {t_s} s: {} not {v}",
            grid.speed(id)
        );
        let flown = f64::from(grid.ships.px[0]) / 100.0;
        // A thousandth, and the centimetres that spreading a changing speed over beats may cost.
        assert!(
            (flown - x).abs() <= x * 1e-3 + 0.05,
            "{mass} {t_s} s: {flown} not {x}"
        );
    }
}

#[test]
fn aligns_in_the_golden_times() {
    for [mass, inertia, speed, align_s, ceil_s] in
        golden(include_str!("../../tests/golden/align.csv"))
    {
        let (mut grid, id) = starting(hull(mass, inertia, speed));
        let mut beats = 0;
        while grid.speed(id) < 0.75 * number::<f64>(speed) {
            grid.beat();
            beats += 1;
        }
        let took_s = f64::from(beats) / f64::from(BEATS_PER_SECOND);
        let align_s: f64 = number(align_s);
        let beat_s = 1.0 / f64::from(BEATS_PER_SECOND);
        // The first beat at or after that time, a thousandth allowed.
        assert!(
            took_s > align_s * 0.999 - beat_s && took_s < align_s * 1.001 + beat_s,
            "{mass}: {took_s}"
        );
        assert_eq!(took_s.ceil(), number::<f64>(ceil_s), "{mass}: {took_s}");
    }
}

#[test]
fn columns_and_single_motions_have_the_same_bits() {
    let mut grid = Grid::default();
    for (index, hull) in HULLS.into_iter().cycle().take(37).enumerate() {
        let index = index as i32;
        let id = grid.hull(hull, [index * 999, -index * 77, index]);
        let direction = [
            [DIRECTION_ONE, 0, 0],
            [0, -DIRECTION_ONE, 0],
            [9459, 9459, -9459],
        ];
        let direction = direction[(index % 3) as usize];
        grid.order(
            id,
            Order::Fly {
                direction,
                throttle: 100 + index as u16,
            },
        );
    }
    grid.beats(9);
    let mut alone: Vec<_> = (0..grid.ids.len())
        .map(|row| grid.ships.motion(row))
        .collect();
    for tick in 0..500 {
        step(Tick(tick), &mut grid.ships);
        for (row, motion) in alone.iter_mut().enumerate() {
            motion.step(Tick(tick));
            assert_eq!(*motion, grid.ships.motion(row));
        }
    }
}

#[test]
fn leaves_what_is_fixed() {
    use crate::columns::{Kind, Ship};
    let mut ships = ShipColumns::default();
    let gate = Ship::fixed(Kind::Gate, crate::testing::GATE, [5, -6, 7], Tick(3));
    ships.push(gate.clone());
    (0..300).for_each(|tick| step(Tick(tick), &mut ships));
    assert_eq!(ships.row(0), gate);
}
