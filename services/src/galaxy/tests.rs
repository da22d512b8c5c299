use orrery_base::{ObjectId, TypeId};
use orrery_game::galaxy::{Belt, Planet, PlanetKind, Star, StarClass, Station};

use super::*;
use crate::rows::MemoryRows;

fn object(system: u32, number: u32) -> ObjectId {
    ObjectId(system * 256 + number)
}

fn gate(from: u32, to: u32) -> Gate {
    Gate {
        object: object(from, 100 + to),
        type_id: TypeId(9),
        name: format!("Gate {from} to {to}"),
        position_cm: [2_000_000, 0, -5],
        to_system: SystemId(to),
        to_gate: object(to, 100 + from),
    }
}

fn system(id: u32, gates: &[u32]) -> System {
    System {
        id: SystemId(id),
        name: format!("System {id}"),
        position_mly: [1, -2, 3],
        security_milli: -300,
        empire: 1,
        star: Star {
            object: object(id, 0),
            class: StarClass::G,
            subclass: 2,
            giant: false,
            temperature_k: 5_772,
            radius_km: 695_700,
        },
        planets: vec![Planet {
            object: object(id, 1),
            name: format!("System {id} I"),
            kind: PlanetKind::Ocean,
            position_m: [150_000_000_000, 0, 0],
            orbit_m: 150_000_000_000,
            radius_km: 6_371,
        }],
        belts: vec![Belt {
            object: object(id, 50),
            name: format!("System {id} I Belt 1"),
            position_m: [0, 1, 2],
            orbit_m: 3,
        }],
        stations: vec![Station {
            object: object(id, 60),
            type_id: TypeId(8),
            name: format!("Station {id}"),
            position_cm: [0; 3],
        }],
        gates: gates.iter().map(|&to| gate(id, to)).collect(),
    }
}

/// Three systems in a row.
pub(crate) fn row_of_three() -> Galaxy {
    Galaxy {
        seed: 42,
        systems: vec![system(1, &[2]), system(2, &[1, 3]), system(3, &[2])],
    }
}

pub(crate) fn params() -> Params {
    Params {
        seed: 42,
        systems: 3,
        gates_min: 1,
        gates_max: 2,
        ..Params::default()
    }
}

pub(crate) fn stored() -> MemoryRows {
    let mut rows = MemoryRows::default();
    let batch = store(&rows, &params(), &row_of_three(), Replace::No).expect("an empty store");
    rows.apply(&batch);
    rows
}

#[test]
fn a_galaxy_reads_back_as_stored() {
    let loaded = load(&stored()).expect("readable").expect("there");
    assert_eq!(loaded.galaxy, row_of_three());
    assert_eq!(loaded.params, params());
    assert_eq!(loaded.digest, row_of_three().digest());
    assert_eq!(load(&MemoryRows::default()), Ok(None));
}

#[test]
fn a_galaxy_is_not_replaced_by_accident() {
    let mut rows = stored();
    let smaller = Galaxy {
        seed: 7,
        systems: vec![system(1, &[])],
    };
    let other = Params {
        seed: 7,
        systems: 1,
        ..params()
    };
    assert_eq!(
        store(&rows, &other, &smaller, Replace::No),
        Err(StoreError::AlreadyThere {
            systems: 3,
            seed: 42
        })
    );
    let batch = store(&rows, &other, &smaller, Replace::Yes).expect("asked for");
    rows.apply(&batch);
    assert_eq!(
        load(&rows).expect("readable").expect("there").galaxy,
        smaller
    );
}

#[test]
fn damage_is_found() {
    let mut rows = stored();
    let mut batch = Batch::new();
    batch.delete(Domain::Galaxy, gate_key(SystemId(2), SystemId(3)));
    rows.apply(&batch);
    assert!(matches!(load(&rows), Err(LoadError::Digest { .. })));
    let mut batch = Batch::new();
    batch.delete(Domain::Galaxy, system_key(SystemId(2)));
    rows.apply(&batch);
    assert_eq!(load(&rows), Err(LoadError::StrayGate(SystemId(2))));
    let mut batch = Batch::new();
    batch.put(Domain::Galaxy, system_key(SystemId(1)), b"\x01rubbish");
    rows.apply(&batch);
    assert!(matches!(
        load(&rows),
        Err(LoadError::Rows(RowError::Damaged { .. }))
    ));
}

#[test]
fn a_graph_is_checked() {
    assert_eq!(check_graph(&row_of_three()), []);
    let one_way = Galaxy {
        seed: 1,
        systems: vec![system(1, &[2]), system(2, &[]), system(3, &[])],
    };
    assert_eq!(
        check_graph(&one_way),
        [
            GraphProblem::Unpaired {
                from: SystemId(1),
                to: SystemId(2)
            },
            GraphProblem::Unreachable(SystemId(3)),
        ]
    );
}
