//! Steering: the orders of ships into target velocities.
//!
//! A target velocity holds for [`STEER_INTERVAL_BEATS`] beats; ships take turns by their id, and
//! a ship whose order is new does not wait. Steering runs after motion, with the contacts as
//! they are in the frames of the same beat, so what it decides holds from the next step on.
//!
//! With w the target's velocity, d the direction to it, gap the distance still to go surface to
//! surface, rel = v − w and τ the ship's time constant:
//!
//! - approach, keep at range: u = w + K·(gap·d − τ·rel). Under dv/dt = (u − v)/τ this has the
//!   poles −1/τ and −K: it never overshoots, whatever the ship. K = 1/32 per beat (0.94 per s).
//! - orbit: u along t + g·d, at full speed, t the tangent and
//!   g = (distance − τ·(rel·d) − R)/L. In a steady circle g = τ·v/distance balances the lag of
//!   the velocity, so the real orbit is larger than asked where τ·v is large, as it shall be.
//! - align: u along d at full speed. Fly: u along the order's direction. Stop: u = 0.
//!
//! Sources: docs/mechanics.md#motion. Golden vectors: tests/golden/steer.csv
//!
//! **What the wire wants.** Components are multiples of [`TARGET_QUANTUM`], truncated so that a
//! ship is never faster than its type allows, and a target velocity that differs from the last by
//! less than 1/64 of its length is not taken: a ship on a straight course keeps its law of motion
//! and costs nothing on the wire.
//!
//! **Rest is exact.** The integer law stalls where one beat's change rounds to zero (within 1.6 cm/s
//! of the target velocity for the heaviest hulls), and what is left would be a drift for ever. A
//! ship that moves and shall move no faster than that is moored: both velocities become zero.
//!
//! Cost: 1/8 of the rows per beat, 110 ns for each of those with a contact that is found in an array.

use crate::columns::{Kind, ShipColumns};
use crate::content::Content;
use crate::order::Order;
use crate::vector::{self, V3};
use orrery_base::command::THROTTLE_FULL;
use orrery_base::motion::{Motion, TARGET_QUANTUM, VELOCITY_MAX, VELOCITY_ONE};
use orrery_base::{EntityId, Tick, TypeId, math};

/// Beats for which a target velocity holds, unless the order changes.
pub const STEER_INTERVAL_BEATS: u64 = 8;

/// How strongly a gap is closed, per beat.
const GAP_GAIN: f64 = 1.0 / 32.0;
/// The radial correction of an orbit reaches 45° at this share of the radius,
const ORBIT_SCALE: f64 = 1.0 / 4.0;
/// but not below the way that the ship flies in so many beats, or sampling would make it swing.
const ORBIT_SCALE_BEATS: f64 = 32.0;
/// An orbit follows the ship's own tangential motion if that is faster than this share of its
/// largest speed, else the plane of the grid.
const ORBIT_OWN_PLANE: f64 = 1.0 / 16.0;
/// A target velocity that differs by less than this share of its length is not taken.
const DEAD_BAND: f64 = 1.0 / 64.0;
/// Directions are taken from vectors of at least this length, in centimetres.
const LEAST_CM: f64 = 1.0;

/// Another entity as steering and commands see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contact {
    /// What it is.
    pub kind: Kind,
    /// Its type in the content pack.
    pub type_id: TypeId,
    /// Where it is, centimetres from the grid's origin.
    pub position_cm: [i32; 3],
    /// How it moves, 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
    /// Its radius, centimetres, ≥ 0.
    pub radius_cm: i32,
}

/// The entities that can be seen on the grid: on a server the frames of the beat, on a client
/// the world as it is known there.
pub trait Contacts {
    /// The entity, if it is on the grid and can be seen.
    fn contact(&self, id: EntityId) -> Option<Contact>;
}

impl<F: Fn(EntityId) -> Option<Contact>> Contacts for F {
    fn contact(&self, id: EntityId) -> Option<Contact> {
        self(id)
    }
}

/// What steering and commands need to know of the ship itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Own {
    /// Its motion after the last step.
    pub motion: Motion,
    /// The largest target speed, 2⁻¹⁴ centimetres per beat, ≥ 0.
    pub max_speed: i32,
    /// Its radius, centimetres, ≥ 0.
    pub radius_cm: i32,
}

/// Distance from hull to hull, centimetres; negative where they overlap.
#[must_use]
pub fn surface_distance_cm(own: &Own, contact: &Contact) -> i64 {
    math::distance(own.motion.position_cm, contact.position_cm)
        - i64::from(own.radius_cm)
        - i64::from(contact.radius_cm)
}

/// Whether a ship with this id and this [`order_tick`](crate::columns::Ship::order_tick) is
/// steered in beat `tick`.
#[must_use]
pub const fn is_due(tick: Tick, id: EntityId, order_tick: u64) -> bool {
    tick.is_every(STEER_INTERVAL_BEATS, id.0) || order_tick == tick.0
}

/// Steers every ship whose turn it is in beat `tick`; runs after the motion of that beat.
/// `ids` are the entities of the rows. An order whose target is gone becomes [`Order::Stop`].
///
/// # Panics
/// If `ids` and `ships` differ in length.
pub fn step(
    tick: Tick,
    ids: &[EntityId],
    ships: &mut ShipColumns,
    content: &Content,
    contacts: &impl Contacts,
) {
    assert_eq!(ids.len(), ships.kind.len(), "one id per row");
    for (row, &id) in ids.iter().enumerate() {
        if ships.kind[row] == Kind::Ship as u8 && is_due(tick, id, ships.order_tick[row]) {
            step_row(tick, row, ships, content, contacts);
        }
    }
}

/// Steers one ship, whether or not it is its turn.
fn step_row(
    tick: Tick,
    row: usize,
    ships: &mut ShipColumns,
    content: &Content,
    contacts: &impl Contacts,
) {
    let order = ships.order(row);
    let contact = order.target().and_then(|id| contacts.contact(id));
    if order.target().is_some() && contact.is_none() {
        ships.set_order(row, Order::Stop, tick);
    }
    let own = ships.own(row, content);
    let steered = steered(order, &own, contact.as_ref());
    if steered == own.motion {
        return;
    }
    [ships.vx[row], ships.vy[row], ships.vz[row]] = steered.velocity;
    [ships.tx[row], ships.ty[row], ships.tz[row]] = steered.target_velocity;
    ships.law_tick[row] = tick.next().0;
}

/// The ship's motion after steering: a new target velocity unless the difference is too small to
/// matter, and an exact rest where the law has stalled. Clients predict their own ship with it in
/// the beats that [`is_due`] names.
#[must_use]
pub fn steered(order: Order, own: &Own, contact: Option<&Contact>) -> Motion {
    let mut motion = own.motion;
    let target = target_velocity(order, own, contact);
    let new = vector::of_i32(target);
    let change = vector::sub(new, vector::of_i32(motion.target_velocity));
    let band = vector::dot(new, new) * (DEAD_BAND * DEAD_BAND);
    if vector::dot(change, change) > band {
        motion.target_velocity = target;
    }
    let stalled = |velocity: [i32; 3]| velocity.iter().all(|&v| stalled(v, motion.response));
    if stalled(motion.target_velocity) && stalled(motion.velocity) {
        motion.target_velocity = [0; 3];
        motion.velocity = [0; 3];
    }
    motion
}

/// Whether a velocity is so close to zero that one beat's change of the one to the other rounds
/// to nothing.
const fn stalled(velocity: i32, response: u32) -> bool {
    (velocity.unsigned_abs() as u64) * (response as u64) < 1 << 31
}

/// The target velocity that an order asks for in this situation, every component a multiple of
/// [`TARGET_QUANTUM`] and the whole no longer than `own.max_speed`. Zero if the order needs a
/// contact and there is none.
#[must_use]
pub fn target_velocity(order: Order, own: &Own, contact: Option<&Contact>) -> [i32; 3] {
    let max = f64::from(own.max_speed) / f64::from(VELOCITY_ONE);
    let wanted = match (order, contact) {
        (
            Order::Fly {
                direction,
                throttle,
            },
            _,
        ) => fly(direction, throttle, max),
        (Order::Approach { range_cm, .. }, Some(contact)) => {
            close(&Sight::of(own, contact, max), range_cm, false)
        }
        (Order::KeepAtRange { range_cm, .. }, Some(contact)) => {
            close(&Sight::of(own, contact, max), range_cm, true)
        }
        (Order::Orbit { range_cm, .. }, Some(contact)) => {
            orbit(&Sight::of(own, contact, max), range_cm)
        }
        (Order::Align { .. }, Some(contact)) => {
            vector::scale(Sight::of(own, contact, max).direction, max)
        }
        (Order::Stop, _) | (_, None) => vector::ZERO,
    };
    quantised(vector::scale(wanted, f64::from(VELOCITY_ONE)))
}

/// A velocity in multiples of [`TARGET_QUANTUM`], truncated towards zero.
pub(crate) fn quantised(velocity: V3) -> [i32; 3] {
    let limit = f64::from(VELOCITY_MAX);
    velocity.map(|v| v.clamp(-limit, limit) as i32 / TARGET_QUANTUM * TARGET_QUANTUM)
}

/// A target as seen from the ship. Centimetres, and centimetres per beat.
struct Sight {
    /// Unit vector from the ship to the target; zero if the centres coincide.
    direction: V3,
    /// Centre to centre.
    distance: f64,
    /// Both radii.
    radii: f64,
    /// The target's velocity.
    target: V3,
    /// The ship's velocity less the target's.
    relative: V3,
    /// The ship's time constant, beats.
    tau: f64,
    /// The ship's largest speed.
    max: f64,
}

impl Sight {
    fn of(own: &Own, contact: &Contact, max: f64) -> Self {
        let one = f64::from(VELOCITY_ONE);
        let offset = vector::between(own.motion.position_cm, contact.position_cm);
        let target = vector::scale(vector::of_i32(contact.velocity), 1.0 / one);
        let velocity = vector::scale(vector::of_i32(own.motion.velocity), 1.0 / one);
        Self {
            direction: vector::unit(offset, LEAST_CM).unwrap_or(vector::ZERO),
            distance: vector::length(offset),
            radii: f64::from(own.radius_cm) + f64::from(contact.radius_cm),
            target,
            relative: vector::sub(velocity, target),
            tau: tau_beats(own.motion.response),
            max,
        }
    }
}

/// The beats of flight at its present speed that a ship still covers after its target velocity
/// has become zero: Σ of the law's mean velocities is v·(1/r − 1/2) for a response of r.
fn tau_beats(response: u32) -> f64 {
    if response == 0 {
        return 0.0;
    }
    4_294_967_296.0 / f64::from(response) - 0.5
}

fn fly(direction: [i16; 3], throttle: u16, max: f64) -> V3 {
    let speed = max * f64::from(throttle.min(THROTTLE_FULL)) / f64::from(THROTTLE_FULL);
    match vector::unit(direction.map(f64::from), 1.0) {
        Some(direction) => vector::scale(direction, speed),
        None => vector::ZERO,
    }
}

/// Closes the gap to a range; backs away from what is nearer only if `both_ways`.
fn close(sight: &Sight, range_cm: i32, both_ways: bool) -> V3 {
    let gap = sight.distance - sight.radii - f64::from(range_cm);
    let gap = if both_ways || gap > 0.0 { gap } else { 0.0 };
    let lag = vector::scale(sight.relative, sight.tau);
    let mut pull = vector::scale(
        vector::sub(vector::scale(sight.direction, gap), lag),
        GAP_GAIN,
    );
    let along = vector::dot(pull, sight.direction);
    if !both_ways && along < 0.0 {
        pull = vector::sub(pull, vector::scale(sight.direction, along));
    }
    within_budget(sight.target, pull, sight.max)
}

fn orbit(sight: &Sight, range_cm: i32) -> V3 {
    let radius = sight.radii + f64::from(range_cm);
    let outward_speed = -vector::dot(sight.relative, sight.direction);
    let expected = sight.distance + sight.tau * outward_speed;
    let scale = (radius * ORBIT_SCALE)
        .max(sight.max * ORBIT_SCALE_BEATS)
        .max(1.0);
    let inward = vector::scale(sight.direction, (expected - radius) / scale);
    let course = vector::add(tangent(sight), inward);
    // At least as long as any speed budget, so that the ship always flies at its largest.
    let course = vector::unit(course, 1.0 / 1024.0).unwrap_or(vector::ZERO);
    within_budget(
        sight.target,
        vector::scale(course, 2.0 * sight.max),
        sight.max,
    )
}

/// The unit vector, at right angles to the direction of the target, along which to circle it.
fn tangent(sight: &Sight) -> V3 {
    let along = vector::dot(sight.relative, sight.direction);
    let across = vector::sub(sight.relative, vector::scale(sight.direction, along));
    if let Some(own) = vector::unit(across, (sight.max * ORBIT_OWN_PLANE).max(1.0 / 1024.0)) {
        return own;
    }
    // Anticlockwise seen from above; above or below the target, any course will do.
    let level = vector::cross([0.0, 0.0, -1.0], sight.direction);
    vector::unit(level, 1.0 / 64.0).unwrap_or([1.0, 0.0, 0.0])
}

/// base + s·wish with the largest s ≤ 1 for which the sum is not longer than `max`; where the
/// base alone is longer, as near to that as the speed allows.
fn within_budget(base: V3, wish: V3, max: f64) -> V3 {
    let wish2 = vector::dot(wish, wish);
    let spare = max * max - vector::dot(base, base);
    if spare <= 0.0 {
        let wish = limited(wish, max);
        return limited(vector::add(base, wish), max);
    }
    if wish2 <= 0.0 {
        return base;
    }
    let along = vector::dot(base, wish);
    let share = (math::sqrt(along * along + wish2 * spare) - along) / wish2;
    vector::add(base, vector::scale(wish, share.min(1.0)))
}

/// The vector, shortened to `max` if it is longer.
fn limited(v: V3, max: f64) -> V3 {
    let length = vector::length(v);
    if length > max {
        vector::scale(v, max / length)
    } else {
        v
    }
}

#[cfg(test)]
mod tests;
