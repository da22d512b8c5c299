use super::*;
use crate::testing::{GATE, HULLS, STATION, content, golden, number, vector};
use orrery_base::math;
use orrery_base::motion::{Motion, VELOCITY_ONE};

fn station() -> Contact {
    Contact {
        kind: Kind::Station,
        type_id: STATION,
        position_cm: [0; 3],
        velocity: [0; 3],
        radius_cm: content().radius_cm(STATION),
    }
}

fn at(x_cm: i32) -> Own {
    let radius_cm = content().radius_cm(HULLS[0]);
    Own {
        motion: Motion::at_rest([x_cm, 0, 0]),
        max_speed: 0,
        radius_cm,
    }
}

#[test]
fn the_range_is_the_types() {
    let reach = content().station(STATION).unwrap().dock_range_cm() + 260_000 + 3_200;
    assert_eq!(may_dock(content(), &at(reach), &station()), Ok(()));
    assert_eq!(
        may_dock(content(), &at(reach + 1), &station()),
        Err(RejectCode::StationOutOfRange)
    );
}

#[test]
fn only_stations_have_docks() {
    let gate = Contact {
        kind: Kind::Gate,
        type_id: GATE,
        ..station()
    };
    assert_eq!(
        may_dock(content(), &at(0), &gate),
        Err(RejectCode::NotAStation)
    );
    let forged = Contact {
        type_id: GATE,
        ..station()
    };
    assert_eq!(
        may_dock(content(), &at(0), &forged),
        Err(RejectCode::NotAStation)
    );
}

#[test]
fn departures_are_the_golden_ones() {
    for cells in golden::<9>(include_str!("../../tests/golden/undock.csv")) {
        let [seed, tick, ship] = [0, 1, 2].map(|cell: usize| number::<u64>(cells[cell]));
        let departure = undock(
            content(),
            STATION,
            [0; 3],
            HULLS[0],
            EntityId(ship),
            seed,
            Tick(tick),
        )
        .unwrap();
        assert_eq!(
            departure.position_cm,
            vector::<i32>(&cells[3..6]),
            "{cells:?}"
        );
        assert_eq!(departure.velocity, vector::<i32>(&cells[6..9]), "{cells:?}");
    }
    assert_eq!(
        undock(content(), GATE, [0; 3], HULLS[0], EntityId(1), 1, Tick(1)),
        None
    );
    assert_eq!(
        undock(content(), STATION, [0; 3], GATE, EntityId(1), 1, Tick(1)),
        None
    );
}

#[test]
fn every_hull_leaves_outward_and_clear_of_every_station() {
    for station in content().stations() {
        for hull in content().ships() {
            for serial in 0..50 {
                let ship = EntityId::minted(serial);
                let centre = [700_000, -300_000, 0];
                let left =
                    undock(content(), station.id, centre, hull.id, ship, 3, Tick(8)).unwrap();
                let outward = math::difference(left.position_cm, centre);
                let clear = math::length(outward)
                    - i64::from(content().radius_cm(station.id))
                    - i64::from(content().radius_cm(hull.id));
                let wanted = i64::from(station.undock_clearance_cm());
                assert!((clear - wanted).abs() <= 3, "{clear}");
                let along: i64 = outward
                    .iter()
                    .zip(left.velocity)
                    .map(|(&cm, v)| cm * i64::from(v))
                    .sum();
                let speed = math::length(left.velocity.map(i64::from));
                assert!(along as f64 > 0.999 * math::length(outward) as f64 * speed as f64);
                assert!(speed <= i64::from(content().law(hull.id, false).unwrap().max_speed));
                assert!(speed > i64::from(VELOCITY_ONE));
            }
        }
    }
}
