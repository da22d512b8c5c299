//! The law of motion, in integers: one recurrence that the server's columns, the snapshot codec
//! and every client run, and from which all of them get the same bits.
//!
//! A ship with time constant τ = mass · inertia / 10⁶ s tends towards its target velocity:
//! dv/dt = (v_target − v)/τ. Over one beat Δ = 1/30 s the exact solution is
//! v₁ = v₀ + (v_target − v₀)·(1 − e^(−Δ/τ)); the factor is computed once, when mass or inertia
//! change, and kept as a 32-bit fraction, [`response`]. The position advances by the mean of
//! the two velocities: against the closed form the error is (Δ/τ)²/12 of the change, below
//! 10⁻⁵ for any ship (docs/mechanics.md#motion; golden: `tests/golden/motion.csv`).
//!
//! Units: positions are `i32` centimetres from the grid's origin; velocities are `i32` in 2⁻¹⁴
//! centimetres per beat, below [`VELOCITY_MAX`] in magnitude (19.6 km/s).
//!
//! **Sub-centimetre motion without a remainder column.** The velocity in 1/128 cm per beat, `w`,
//! is spread over 128 beats by the tick's low bits: the beat with phase n adds
//! ⌊w(n+1)/128⌋ − ⌊wn/128⌋, so 128 beats of steady flight add exactly `w` centimetres and
//! nothing has to be stored or sent. While the velocity changes the remainders do not telescope:
//! the position may then be a few centimetres (measured: under 5) off the closed form.
//!
//! Cost: 40 bytes read and 24 written per row.

use crate::{BEATS_PER_SECOND, Tick, math};

/// One centimetre per beat.
pub const VELOCITY_ONE: i32 = 1 << 14;
/// The largest magnitude of a velocity component: 2³⁰ − 1, 19.6 km/s.
pub const VELOCITY_MAX: i32 = (1 << 30) - 1;
/// Target velocities are multiples of this (0.47 cm/s), so that they are short on the wire.
pub const TARGET_QUANTUM: i32 = 1 << 8;
/// Beats over which sub-centimetre motion is spread.
const PHASES: i32 = 128;

/// One entity's motion.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
pub struct Motion {
    /// Centimetres from the grid's origin.
    pub position_cm: [i32; 3],
    /// 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
    /// What the velocity tends to; 2⁻¹⁴ centimetres per beat.
    pub target_velocity: [i32; 3],
    /// The share of the way to the target velocity that one beat covers, in 2⁻³².
    pub response: u32,
}

/// The share of the way to the target velocity that one beat covers: 1 − e^(−Δ/τ) in 2⁻³².
/// Zero or negative τ gives the largest share; it cannot be NaN for finite input.
#[must_use]
pub fn response(tau_s: f64) -> u32 {
    if tau_s <= 0.0 {
        return u32::MAX;
    }
    let share = -math::exp_m1(-1.0 / (f64::from(BEATS_PER_SECOND) * tau_s));
    // `as` saturates; the share is below 1, so at most 2³² − 1 after rounding down.
    (share * 4_294_967_296.0) as u32
}

/// Metres per second to velocity units, limited to ±[`VELOCITY_MAX`]; NaN gives zero.
#[must_use]
pub fn velocity_from_m_per_s(speed: f64) -> i32 {
    let units = speed * (100.0 * f64::from(VELOCITY_ONE) / f64::from(BEATS_PER_SECOND));
    let limit = f64::from(VELOCITY_MAX);
    // Rounds half away from zero with operations that are exact everywhere.
    let rounded = if units < 0.0 {
        units - 0.5
    } else {
        units + 0.5
    };
    rounded.clamp(-limit, limit) as i32
}

/// Velocity units to metres per second.
#[must_use]
pub fn velocity_to_m_per_s(velocity: i32) -> f64 {
    f64::from(velocity) * (f64::from(BEATS_PER_SECOND) / (100.0 * f64::from(VELOCITY_ONE)))
}

/// One axis of the velocity, one beat on.
#[inline(always)]
const fn next_velocity(velocity: i32, target: i32, response: u32) -> i32 {
    // |target − velocity| < 2³¹ and response < 2³², so the product fits 63 bits.
    let gap = (target as i64) - (velocity as i64);
    let change = (gap * response as i64 + (1 << 31)) >> 32;
    velocity + change as i32
}

/// One axis of the position's advance in a beat of phase `n`.
#[inline(always)]
const fn advance_cm(v0: i32, v1: i32, n: i32) -> i32 {
    // |v0 + v1| < 2³¹; w is at most 2²³ in magnitude, times 128 at most 2³⁰.
    let mean = (v0 + v1) >> 1;
    let w = (mean + 64) >> 7;
    ((w * (n + 1)) >> 7) - ((w * n) >> 7)
}

/// The phase of a tick: which of the 128 beats the remainder of the motion falls on.
#[inline(always)]
const fn phase(tick: Tick) -> i32 {
    (tick.0 % PHASES as u64) as i32
}

impl Motion {
    /// At rest at a place.
    #[must_use]
    pub const fn at_rest(position_cm: [i32; 3]) -> Self {
        Self {
            position_cm,
            velocity: [0; 3],
            target_velocity: [0; 3],
            response: 0,
        }
    }

    /// The step of beat `tick`.
    #[inline]
    pub const fn step(&mut self, tick: Tick) {
        let n = phase(tick);
        let mut axis = 0;
        while axis < 3 {
            let v0 = self.velocity[axis];
            let v1 = next_velocity(v0, self.target_velocity[axis], self.response);
            self.velocity[axis] = v1;
            // A grid's edge is a wall of numbers, not of rock: saturate instead of wrapping.
            self.position_cm[axis] = self.position_cm[axis].saturating_add(advance_cm(v0, v1, n));
            axis += 1;
        }
    }

    /// From the state at `after` to the state at `until`: the steps of all beats in between and
    /// of `until`. Nothing happens if `until` is not later.
    pub const fn advance(&mut self, after: Tick, until: Tick) {
        let mut tick = after;
        while tick.0 < until.0 {
            tick = tick.next();
            self.step(tick);
        }
    }

    /// Whether the components are in the ranges that the law needs.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        let mut axis = 0;
        while axis < 3 {
            if self.velocity[axis].unsigned_abs() > VELOCITY_MAX as u32
                || self.target_velocity[axis].unsigned_abs() > VELOCITY_MAX as u32
            {
                return false;
            }
            axis += 1;
        }
        true
    }
}

/// Steps one axis of many rows: the same bits as [`Motion::step`] on each.
///
/// # Panics
/// If the slices differ in length.
#[inline]
pub fn step_axis(
    tick: Tick,
    position: &mut [i32],
    velocity: &mut [i32],
    target: &[i32],
    response: &[u32],
) {
    let rows = position.len();
    assert!(
        velocity.len() == rows && target.len() == rows && response.len() == rows,
        "columns of one table have one length"
    );
    let n = phase(tick);
    for row in 0..rows {
        let v0 = velocity[row];
        let v1 = next_velocity(v0, target[row], response[row]);
        velocity[row] = v1;
        position[row] = position[row].saturating_add(advance_cm(v0, v1, n));
    }
}

#[cfg(test)]
mod tests;
