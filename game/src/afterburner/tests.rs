use super::*;
use crate::order::Order;
use crate::testing::{Grid, HULLS, content, golden, number};
use orrery_base::TypeId;
use orrery_base::command::{DIRECTION_ONE, THROTTLE_FULL};
use orrery_base::motion::{response, velocity_to_m_per_s};

const SHUTTLE: TypeId = TypeId(1404);

#[test]
fn speeds_are_the_golden_ones() {
    for cells in golden::<6>(include_str!("../../tests/golden/afterburner.csv")) {
        let [speed, mass, addition, thrust, factor, boosted] = cells.map(number::<f64>);
        let got = boosted_speed(speed, mass, addition, thrust, factor);
        assert!((got - boosted).abs() < 1e-6, "{got} not {boosted}");
    }
}

#[test]
fn the_pack_has_both_laws() {
    let off = content().law(HULLS[0], false).unwrap();
    let on = content().law(HULLS[0], true).unwrap();
    assert!((velocity_to_m_per_s(off.max_speed) - 300.0).abs() < 1e-4);
    assert!((velocity_to_m_per_s(on.max_speed) - 604.411_765).abs() < 1e-4);
    // (1.2e6 + 5e5) · 3.0 / 10⁶
    assert!((on.tau_s - 5.1).abs() < 1e-12 && (off.tau_s - 3.6).abs() < 1e-12);
    assert_eq!(
        [off.response, on.response],
        [response(3.6), response(on.tau_s)]
    );
    assert!(on.response < off.response);
    assert!(content().law(SHUTTLE, true).is_none());
}

#[test]
fn switching_changes_the_law_from_the_given_step_on() {
    let mut grid = Grid::default();
    let id = grid.hull(HULLS[0], [0; 3]);
    grid.order(
        id,
        Order::Fly {
            direction: [0, DIRECTION_ONE, 0],
            throttle: THROTTLE_FULL,
        },
    );
    grid.beats(1_200);
    assert!((grid.speed(id) - 300.0).abs() < 0.3);
    let before = grid.ships.law_tick[0];

    // Commands are carried out while inputs are gathered: before the step of the next beat.
    let first_step = grid.tick.next();
    assert!(set(&mut grid.ships, 0, true, content(), first_step));
    assert!(grid.ships.afterburner(0));
    assert_eq!(
        (grid.ships.law_tick[0], grid.ships.state_tick[0]),
        (first_step.0, first_step.0)
    );
    assert!(first_step.0 > before);
    assert!(
        !set(&mut grid.ships, 0, true, content(), first_step.next()),
        "it burns already"
    );
    assert_eq!(grid.ships.law_tick[0], first_step.0);

    grid.beat();
    // Steered at once, whatever the ship's turn: faster than before.
    assert!(velocity_to_m_per_s(grid.ships.ty[0]) > 604.0);
    grid.beats(1_200);
    assert!((grid.speed(id) - 604.4).abs() < 0.6);

    let first_step = grid.tick.next();
    assert!(set(&mut grid.ships, 0, false, content(), first_step));
    grid.beats(1_200);
    assert!((grid.speed(id) - 300.0).abs() < 0.3);
    assert_eq!(
        grid.ships.response[0],
        content().law(HULLS[0], false).unwrap().response
    );
    assert_eq!(grid.ships.activity[0], 0);
}

#[test]
fn a_hull_without_one_stays_as_it_is() {
    let mut grid = Grid::default();
    grid.hull(SHUTTLE, [0; 3]);
    let before = grid.ships.clone();
    assert!(!set(&mut grid.ships, 0, true, content(), Tick(9)));
    assert_eq!(grid.ships, before);
}
