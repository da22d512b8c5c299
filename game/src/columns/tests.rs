use super::*;
use crate::testing::{GATE, HULLS, content};
use orrery_base::columns::Columns as _;
use orrery_base::command::DIRECTION_ONE;

#[test]
fn kinds_are_their_numbers() {
    for kind in [Kind::Ship, Kind::Station, Kind::Gate, Kind::Wreck] {
        assert_eq!(Kind::from_number(kind as u8), Some(kind));
    }
    assert_eq!(Kind::from_number(4), None);
}

#[test]
fn a_hull_begins_at_rest_and_whole() {
    let ship = Ship::of_hull(content(), HULLS[1], CharacterId(9), [1, 2, 3], Tick(5)).unwrap();
    assert_eq!(
        (ship.position_cm(), ship.owner),
        ([1, 2, 3], CharacterId(9))
    );
    assert_eq!([ship.shield, ship.armour, ship.hull], [VITAL_FULL; 3]);
    assert_eq!((ship.order(), ship.afterburner()), (Order::Stop, false));
    assert_eq!((ship.law_tick, ship.state_tick), (5, 5));
    let law = content().law(HULLS[1], false).unwrap();
    assert_eq!(
        (ship.response, ship.max_speed),
        (law.response, law.max_speed)
    );
    assert_eq!(
        Ship::of_hull(content(), GATE, CharacterId(9), [0; 3], Tick(5)),
        None
    );
    assert_eq!(
        Ship::of_hull(content(), TypeId(u32::MAX), CharacterId(9), [0; 3], Tick(5)),
        None
    );
}

#[test]
fn orders_and_motions_survive_the_columns() {
    let target = EntityId::minted(4);
    let orders = [
        Order::Stop,
        Order::Fly {
            direction: [0, -DIRECTION_ONE, 0],
            throttle: 321,
        },
        Order::Approach {
            target,
            range_cm: 7,
        },
        Order::KeepAtRange {
            target,
            range_cm: 8,
        },
        Order::Orbit {
            target,
            range_cm: 9,
        },
        Order::Align { target },
    ];
    let mut ships = ShipColumns::default();
    for order in orders {
        let mut ship =
            Ship::of_hull(content(), HULLS[0], CharacterId(1), [4, 5, 6], Tick(1)).unwrap();
        ship.set_order(order, Tick(2));
        let motion = Motion {
            velocity: [7, 8, 9],
            target_velocity: [256, 0, -256],
            ..ship.motion()
        };
        ship.set_motion(motion);
        ships.push(ship.clone());
        let row = ships.len() - 1;
        assert_eq!((ships.order(row), ships.motion(row)), (order, motion));
        assert_eq!((ships.row(row), ships.order_tick[row]), (ship, 2));
    }
    ships.set_order(5, Order::Stop, Tick(3));
    assert_eq!(ships.order(5), Order::Stop);
    assert_eq!(
        ships.order_target[5],
        EntityId::NONE,
        "what an order does not use is zero"
    );
}

#[test]
fn what_no_version_knows_does_the_least() {
    let mut ships = ShipColumns::default();
    let mut ship = Ship::fixed(Kind::Gate, GATE, [0; 3], Tick(0));
    ship.kind = 99;
    ship.order_kind = 99;
    ships.push(ship);
    assert_eq!(
        (ships.kind_of(0), ships.order(0)),
        (Kind::Ship, Order::Stop)
    );
}
