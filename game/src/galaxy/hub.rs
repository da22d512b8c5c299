//! The hub of a system: its station at the origin, its gates around it.
//!
//! A gate stands in the direction of the system that it leads to, at a random distance. Where
//! that would be too close to another, the distance is drawn again, and if the directions are
//! too close to each other, the gate moves aside more and more.

use super::GalaxyError;
use crate::content::Content;
use crate::gate::{direction, place};
use crate::vector::{self, V3};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, SystemId, Tick, math};

const PURPOSE_HUB: u32 = 0x6875_6220;
/// How far the gates are from the station, centre to centre.
pub(super) const GATE_DISTANCE_M: [f64; 2] = [20_000.0, 80_000.0];
/// How far things keep from each other, hull to hull.
pub(super) const APART_M: f64 = 5_000.0;
/// The largest station and the largest gate: with these, APART_M is kept even by the nearest
/// gate, and any number of gates up to `Params::GATES_MAX` takes less than a twentieth of the
/// room that there is.
const STATION_RADIUS_M: f64 = 10_000.0;
const GATE_RADIUS_M: f64 = 5_000.0;
/// Tries straight towards the neighbour before the gate moves aside,
const STRAIGHT: u32 = 12;
/// and tries over which it moves further and further, until any direction is as good.
const ASIDE: u32 = 64;

/// Whether the content's stations and gates fit a hub.
pub(super) fn check(content: &Content) -> Result<(), GalaxyError> {
    if content.stations().is_empty() {
        return Err(GalaxyError::Content {
            what: "type of station",
        });
    }
    if content.gates().is_empty() {
        return Err(GalaxyError::Content {
            what: "type of gate",
        });
    }
    let stations = content
        .stations()
        .iter()
        .map(|it| (&it.name, it.radius_m, STATION_RADIUS_M));
    let gates = content
        .gates()
        .iter()
        .map(|it| (&it.name, it.radius_m, GATE_RADIUS_M));
    for (name, radius_m, most_m) in stations.chain(gates) {
        if radius_m > most_m {
            return Err(GalaxyError::TooLarge {
                name: name.clone(),
                radius_m: radius_m as u32 + 1,
                most_m: most_m as u32,
            });
        }
    }
    Ok(())
}

/// Where the gates stand, centimetres from the station, for the neighbours' positions relative
/// to the system in any unit. `radius_cm` are the gates' radii.
pub(super) fn gates(
    system: SystemId,
    neighbours: &[V3],
    radius_cm: &[i32],
    seed: u64,
) -> Vec<[i32; 3]> {
    let mut rng = Rng::new(seed, Tick(0), EntityId(u64::from(system.0)), PURPOSE_HUB);
    let mut placed: Vec<[i32; 3]> = Vec::with_capacity(neighbours.len());
    for (gate, &towards) in neighbours.iter().enumerate() {
        let towards = vector::unit(towards, 1e-9).unwrap_or([1.0, 0.0, 0.0]);
        let free = |at: [i32; 3]| {
            placed.iter().zip(radius_cm).all(|(&other, &radius)| {
                let apart =
                    math::distance(at, other) - i64::from(radius) - i64::from(radius_cm[gate]);
                apart as f64 >= APART_M * 100.0
            })
        };
        let mut tries = 0;
        // Ends: once the direction is any, a draw is free with a chance above nine in ten.
        let at = loop {
            let aside = f64::from(tries.max(STRAIGHT) - STRAIGHT) / f64::from(ASIDE);
            let course = vector::add(towards, vector::scale(direction(&mut rng), 2.0 * aside));
            let course = vector::unit(course, 1e-3).unwrap_or(towards);
            let [near, far] = GATE_DISTANCE_M;
            let distance_m = near + (far - near) * rng.unit_f64();
            // Whole metres, rounded outward from the station by less than two of them.
            let at = place([0; 3], course, distance_m * 100.0)
                .map(|cm| (cm + cm.signum() * 99) / 100 * 100);
            if free(at) {
                break at;
            }
            tries += 1;
        };
        placed.push(at);
    }
    placed
}
