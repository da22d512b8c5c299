//! Gates: who may use one, and where a ship comes out.
//!
//! A ship within the activation range (⚙ 2,500 m, surface to surface) may jump. It arrives at
//! rest, 12 km (⚙) from the surface of the gate that is paired with the one it took, in a random
//! direction: arrivals spread over a sphere, so that a fleet does not come out in one point.
//! Sources: docs/mechanics.md#frame. Golden vectors: tests/golden/gate_arrival.csv

use crate::columns::Kind;
use crate::content::Content;
use crate::order::expect_kind;
use crate::steer::{Contact, Own, surface_distance_cm};
use crate::vector;
use orrery_base::command::RejectCode;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, TypeId};

/// Purpose of the random direction of an arrival.
pub const PURPOSE_ARRIVAL: u32 = 0x6761_7465;

/// Whether a ship may activate the gate now.
///
/// # Errors
/// [`RejectCode::NotAGate`], [`RejectCode::GateOutOfRange`].
pub fn may_activate(content: &Content, own: &Own, gate: &Contact) -> Result<(), RejectCode> {
    expect_kind(gate, Kind::Gate, RejectCode::NotAGate)?;
    let kind = content.gate(gate.type_id).ok_or(RejectCode::NotAGate)?;
    if surface_distance_cm(own, gate) <= i64::from(kind.activation_range_cm()) {
        Ok(())
    } else {
        Err(RejectCode::GateOutOfRange)
    }
}

/// Where `ship` comes out of the gate that stands at `gate_position_cm`, when it arrives in beat
/// `tick`: a pure function of its arguments, so that whoever repeats the beat repeats the place.
/// `None` if the pack has no such gate.
#[must_use]
pub fn arrival(
    content: &Content,
    gate_type: TypeId,
    gate_position_cm: [i32; 3],
    ship: EntityId,
    world_seed: u64,
    tick: Tick,
) -> Option<[i32; 3]> {
    let gate = content.gate(gate_type)?;
    let distance_cm = f64::from(gate.arrival_range_cm()) + f64::from(content.radius_cm(gate_type));
    let mut rng = Rng::new(world_seed, tick, ship, PURPOSE_ARRIVAL);
    Some(place(gate_position_cm, direction(&mut rng), distance_cm))
}

/// A direction, every one as likely as any other: a point in the unit ball, drawn by rejection
/// (about half are rejected) and brought to the surface.
pub(crate) fn direction(rng: &mut Rng) -> [f64; 3] {
    loop {
        let point = [
            rng.unit_f64() * 2.0 - 1.0,
            rng.unit_f64() * 2.0 - 1.0,
            rng.unit_f64() * 2.0 - 1.0,
        ];
        if vector::dot(point, point) <= 1.0
            && let Some(unit) = vector::unit(point, 1.0 / 64.0)
        {
            return unit;
        }
    }
}

/// The point at a distance from a centre, saturating at the edge of what a grid can hold.
pub(crate) fn place(centre_cm: [i32; 3], direction: [f64; 3], distance_cm: f64) -> [i32; 3] {
    // `as` truncates towards zero and saturates: both are the same everywhere.
    let offset = vector::scale(direction, distance_cm);
    let at = vector::add(vector::of_i32(centre_cm), offset);
    at.map(|cm| cm as i32)
}

#[cfg(test)]
mod tests;
