use super::*;
use crate::testing::{GATE, HULLS, STATION, content, golden, number, vector};
use orrery_base::math;
use orrery_base::motion::Motion;

const HULL_RADIUS_CM: i32 = 3_200;

fn at(position_cm: [i32; 3]) -> Own {
    Own {
        motion: Motion::at_rest(position_cm),
        max_speed: 0,
        radius_cm: HULL_RADIUS_CM,
    }
}

fn gate() -> Contact {
    Contact {
        kind: Kind::Gate,
        type_id: GATE,
        position_cm: [1_000_000, 0, 0],
        velocity: [0; 3],
        radius_cm: content().radius_cm(GATE),
    }
}

#[test]
fn the_range_is_from_hull_to_hull_and_inclusive() {
    assert_eq!(content().radius_cm(HULLS[0]), HULL_RADIUS_CM);
    // 2,500 m and both radii.
    let reach = 250_000 + 140_000 + HULL_RADIUS_CM;
    assert_eq!(
        may_activate(content(), &at([1_000_000 - reach, 0, 0]), &gate()),
        Ok(())
    );
    assert_eq!(
        may_activate(content(), &at([1_000_000 - reach - 1, 0, 0]), &gate()),
        Err(RejectCode::GateOutOfRange)
    );
    assert_eq!(
        may_activate(content(), &at([1_000_000, 0, 0]), &gate()),
        Ok(()),
        "inside"
    );
}

#[test]
fn only_gates_lead_anywhere() {
    let own = at([1_000_000, 0, 0]);
    let station = Contact {
        kind: Kind::Station,
        type_id: STATION,
        ..gate()
    };
    assert_eq!(
        may_activate(content(), &own, &station),
        Err(RejectCode::NotAGate)
    );
    let ship = Contact {
        kind: Kind::Ship,
        type_id: HULLS[0],
        ..gate()
    };
    assert_eq!(
        may_activate(content(), &own, &ship),
        Err(RejectCode::NotAGate)
    );
    // A row whose type is not a gate of this pack.
    let forged = Contact {
        type_id: STATION,
        ..gate()
    };
    assert_eq!(
        may_activate(content(), &own, &forged),
        Err(RejectCode::NotAGate)
    );
}

#[test]
fn arrivals_are_the_golden_ones() {
    for cells in golden::<9>(include_str!("../../tests/golden/gate_arrival.csv")) {
        let [seed, tick, ship] = [0, 1, 2].map(|cell: usize| number::<u64>(cells[cell]));
        let place = arrival(
            content(),
            GATE,
            vector(&cells[3..6]),
            EntityId(ship),
            seed,
            Tick(tick),
        );
        assert_eq!(place, Some(vector(&cells[6..9])), "{cells:?}");
    }
    assert_eq!(
        arrival(content(), STATION, [0; 3], EntityId(1), 1, Tick(1)),
        None
    );
}

#[test]
fn arrivals_spread_over_the_sphere() {
    let mut octants = [0_u32; 8];
    for serial in 0..4_000 {
        let at = arrival(
            content(),
            GATE,
            [0; 3],
            EntityId::minted(serial),
            5,
            Tick(77),
        )
        .unwrap();
        let distance = math::length(at.map(i64::from));
        // 12 km from a surface 1.4 km out, less what truncation takes.
        assert!((1_339_997..=1_340_000).contains(&distance), "{distance}");
        let octant = at
            .iter()
            .fold(0, |octant, &cm| octant * 2 + usize::from(cm < 0));
        octants[octant] += 1;
    }
    // 4,000 draws, standard deviation of an octant 21: six of them is never chance.
    assert!(
        octants.iter().all(|&count| count.abs_diff(500) < 126),
        "{octants:?}"
    );
}

#[test]
fn places_saturate_at_the_edge() {
    assert_eq!(
        place([i32::MAX, i32::MIN, 0], [1.0, -1.0, 0.0], 1e12),
        [i32::MAX, i32::MIN, 0]
    );
}
