//! Stations: who may dock, and where a ship is when it undocks.
//!
//! A ship within the station type's docking range (⚙, surface to surface) may dock. It undocks
//! outside the station's radius, at a random place around it, flying outward; it has no order
//! then and comes to rest by itself, τ · speed further out.
//! Golden vectors: tests/golden/undock.csv

use crate::columns::Kind;
use crate::content::Content;
use crate::gate::{direction, place};
use crate::order::expect_kind;
use crate::steer::{Contact, Own, quantised, surface_distance_cm};
use crate::vector;
use orrery_base::command::RejectCode;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, TypeId};

/// Purpose of the random direction of an undocking.
pub const PURPOSE_UNDOCK: u32 = 0x646f_636b;

/// Whether a ship may dock at the station now.
///
/// # Errors
/// [`RejectCode::NotAStation`], [`RejectCode::StationOutOfRange`].
pub fn may_dock(content: &Content, own: &Own, station: &Contact) -> Result<(), RejectCode> {
    expect_kind(station, Kind::Station, RejectCode::NotAStation)?;
    let kind = content
        .station(station.type_id)
        .ok_or(RejectCode::NotAStation)?;
    if surface_distance_cm(own, station) <= i64::from(kind.dock_range_cm()) {
        Ok(())
    } else {
        Err(RejectCode::StationOutOfRange)
    }
}

/// Where a ship is and how it moves when it undocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departure {
    /// Centimetres from the grid's origin.
    pub position_cm: [i32; 3],
    /// Outward; 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
}

/// How `ship`, a hull of type `hull`, leaves the station at `station_position_cm` in beat
/// `tick`: a pure function of its arguments. `None` if the pack has no such station or hull.
#[must_use]
pub fn undock(
    content: &Content,
    station_type: TypeId,
    station_position_cm: [i32; 3],
    hull: TypeId,
    ship: EntityId,
    world_seed: u64,
    tick: Tick,
) -> Option<Departure> {
    let station = content.station(station_type)?;
    let law = content.law(hull, false)?;
    let mut rng = Rng::new(world_seed, tick, ship, PURPOSE_UNDOCK);
    let outward = direction(&mut rng);
    let distance_cm = f64::from(content.radius_cm(station_type))
        + f64::from(content.radius_cm(hull))
        + f64::from(station.undock_clearance_cm());
    let speed = f64::from(law.max_speed) * f64::from(station.undock_speed_percent) / 100.0;
    Some(Departure {
        position_cm: place(station_position_cm, outward, distance_cm),
        velocity: quantised(vector::scale(outward, speed)),
    })
}

#[cfg(test)]
mod tests;
