//! Motion: one beat of the law of motion for every row.
//!
//! v(t+Δ) = v_t + (v₀ − v_t)·e^(−Δ/τ), τ = mass · inertia / 10⁶ s      docs/mechanics.md#motion
//! The integer recurrence and its error are described in [`orrery_base::motion`].
//! Golden vectors: tests/golden/motion.csv
//!
//! Reads target velocity and response, writes position and velocity. Rows do not touch each
//! other, so the three axes are three passes over slices that the compiler vectorises.

use crate::columns::ShipColumns;
use orrery_base::Tick;
use orrery_base::motion::step_axis;

/// The step of beat `tick` for every row.
pub fn step(tick: Tick, ships: &mut ShipColumns) {
    let response = &ships.response;
    step_axis(tick, &mut ships.px, &mut ships.vx, &ships.tx, response);
    step_axis(tick, &mut ships.py, &mut ships.vy, &ships.ty, response);
    step_axis(tick, &mut ships.pz, &mut ships.vz, &ships.tz, response);
}

#[cfg(test)]
mod tests;
