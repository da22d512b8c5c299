//! The afterburner: more speed for more mass.
//!
//! mass' = mass + massAddition;  v_max' = v_max · (1 + (speedFactor %/100) · thrust/mass')
//! τ' = mass' · inertia / 10⁶                                       docs/mechanics.md#motion
//! Golden vectors: tests/golden/afterburner.csv
//!
//! The pack's tables hold both laws of every hull, so that switching is two stores. Since the
//! response changes, so does the law of motion: `law_tick` says from which step on.

use crate::columns::{ShipColumns, activity};
use crate::content::Content;
use orrery_base::Tick;

/// The largest speed with an afterburner or drive that burns, in the unit of `max_speed`.
/// `mass` and `mass_addition` share a unit, as do they and `thrust`; `mass + mass_addition` > 0.
#[must_use]
pub fn boosted_speed(
    max_speed: f64,
    mass: f64,
    mass_addition: f64,
    thrust: f64,
    speed_factor_percent: f64,
) -> f64 {
    max_speed * (1.0 + speed_factor_percent / 100.0 * (thrust / (mass + mass_addition)))
}

/// Switches the afterburner of a row. `first_step` is the first tick whose step is made under
/// the new law: this beat while inputs are gathered, the next one after motion. The row's order
/// counts as given in that beat, so that steering adapts the target velocity without waiting.
///
/// Returns whether anything changed: not if it is in that state already, and not if the row's
/// type has no such law (commands are judged by [`crate::order::validate`] before).
pub fn set(
    ships: &mut ShipColumns,
    row: usize,
    on: bool,
    content: &Content,
    first_step: Tick,
) -> bool {
    if ships.afterburner(row) == on {
        return false;
    }
    let Some(law) = content.law(ships.type_id[row], on) else {
        return false;
    };
    ships.response[row] = law.response;
    ships.max_speed[row] = law.max_speed;
    ships.activity[row] ^= activity::AFTERBURNER;
    ships.order_tick[row] = first_step.0;
    ships.law_tick[row] = first_step.0;
    ships.state_tick[row] = first_step.0;
    true
}

#[cfg(test)]
mod tests;
