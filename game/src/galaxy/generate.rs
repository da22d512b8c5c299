//! Puts the parts of a galaxy together.

use super::astronomy::{self, GATES, STATIONS, object};
use super::graph::{Bounds, Graph, connect};
use super::{Galaxy, GalaxyError, Gate, Params, Station, System, hub, names, scatter, security};
use crate::content::Content;
use crate::vector;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, SystemId, Tick, TypeId};

const PURPOSE_TYPES: u32 = 0x7479_7065;

/// Makes a galaxy. Equal parameters and equal content give equal galaxies on every machine.
///
/// 10,000 systems take about a tenth of a second.
///
/// # Errors
/// [`GalaxyError`] if the parameters are impossible or the content lacks what is needed.
pub fn generate(params: &Params, content: &Content) -> Result<Galaxy, GalaxyError> {
    params.validate()?;
    hub::check(content)?;
    let seed = params.seed;
    let places = scatter::scatter(params.systems, seed);
    let flat: Vec<[i32; 2]> = places.iter().map(|&[x, y, _]| [x, y]).collect();
    let bounds = Bounds {
        min: params.gates_min as usize,
        max: params.gates_max as usize,
    };
    let graph = connect(&flat, bounds, seed);
    let security = security::security(&places, &graph, seed);
    let empires: Vec<u8> = content.empires().iter().map(|it| it.id).collect();
    let holders = security::empires(&places, &security, &graph, &empires);
    let names = names::names(&holders, seed);

    let mut systems = Vec::with_capacity(places.len());
    for (index, name) in names.iter().enumerate() {
        let id = system_id(index);
        let star = astronomy::star(id, seed);
        let planets = astronomy::planets(id, name, &star, params.planets, seed);
        let belts = astronomy::belts(id, name, &planets, params.belts, seed);
        systems.push(System {
            id,
            name: name.clone(),
            position_mly: places[index],
            security_milli: security[index],
            empire: holders[index],
            star,
            planets,
            belts,
            stations: vec![station(id, name, holders[index], content, seed)],
            gates: gates(index, &places, &names, &graph, content, seed),
        });
    }
    Ok(Galaxy { seed, systems })
}

const fn system_id(index: usize) -> SystemId {
    SystemId(index as u32 + 1)
}

/// The hub's station: of the holder's own kind where the content has one, else of nobody's.
fn station(id: SystemId, name: &str, holder: u8, content: &Content, seed: u64) -> Station {
    let of = |empire: u8| -> Vec<TypeId> {
        content
            .stations()
            .iter()
            .filter(|it| it.empire == empire)
            .map(|it| it.id)
            .collect()
    };
    let all = || content.stations().iter().map(|it| it.id).collect();
    let kinds = [of(holder), of(0), all()]
        .into_iter()
        .find(|kinds| !kinds.is_empty());
    let kinds = kinds.expect("hub::check has seen a type of station");
    let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(id.0)), PURPOSE_TYPES);
    Station {
        object: object(id, STATIONS, 0),
        type_id: kinds[rng.below(kinds.len() as u32) as usize],
        name: format!("{name} Station"),
        position_cm: [0; 3],
    }
}

/// The gates of a system, in the order of its neighbours in the graph.
fn gates(
    index: usize,
    places: &[[i32; 3]],
    names: &[String],
    graph: &Graph,
    content: &Content,
    seed: u64,
) -> Vec<Gate> {
    let id = system_id(index);
    let neighbours = &graph.neighbours[index];
    // Both ends of an edge draw the same lot, so that a pair of gates is of one type.
    let kind = |&other: &u32| {
        let (a, b) = (index.min(other as usize), index.max(other as usize));
        let edge = EntityId(((a as u64) << 32) | b as u64);
        let lot = Rng::new(seed, Tick(0), edge, PURPOSE_TYPES).below(content.gates().len() as u32);
        content.gates()[lot as usize].id
    };
    let kinds: Vec<TypeId> = neighbours.iter().map(kind).collect();
    let radius_cm: Vec<i32> = kinds.iter().map(|&kind| content.radius_cm(kind)).collect();
    let towards: Vec<[f64; 3]> = neighbours
        .iter()
        .map(|&to| vector::between(places[index], places[to as usize]))
        .collect();
    let positions = hub::gates(id, &towards, &radius_cm, seed);
    let gate = |(at, &other): (usize, &u32)| {
        let back = graph.neighbours[other as usize].binary_search(&(index as u32));
        let back = back.expect("edges stand in the lists of both of their ends");
        Gate {
            object: object(id, GATES, at as u32),
            type_id: kinds[at],
            name: format!("{} Gate", names[other as usize]),
            position_cm: positions[at],
            to_system: system_id(other as usize),
            to_gate: object(system_id(other as usize), GATES, back as u32),
        }
    };
    neighbours.iter().enumerate().map(gate).collect()
}
