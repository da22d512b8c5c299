//! Overheating: a rack grows hot while modules in it run beyond their limits, and hurts them.
//!
//! heating  H(t) = 1 − (1 − H₀)·e^(−k·t),  k = hull's heat factor · Σ absorption of hot modules
//! cooling  H(t) = H₀·e^(−c·t), c ⚙ 0.01/s                            docs/mechanics.md#overheating
//! at each end of a hot cycle every module j of the rack takes damage with the chance
//! A^|i−j| · H · occupied/slots, i the module that ran, A ⚙ the hull's attenuation
//! Golden vectors: tests/golden/overheat.csv, overheat_chance.csv
//!
//! Closed form from an anchor, as [`crate::recharge::Pool`]: nothing is stepped. Cost: 24 bytes per
//! rack (3 a ship), one `exp` to ask; one draw per module of the rack and hot cycle.

use crate::bound::{at_least_zero, seconds, share};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, math};

/// Purpose of the rolls for heat damage; rack and slot of the module that ran are added.
pub const PURPOSE_HEAT: u32 = 0x6865_6100;

/// The heat of one rack as a function of time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RackHeat {
    anchor: Tick,
    at_anchor: f64,
    /// Positive: heating, per second; negative: cooling.
    rate_per_s: f64,
}

impl RackHeat {
    /// A cold rack.
    #[must_use]
    pub const fn cold(tick: Tick) -> Self {
        Self {
            anchor: tick,
            at_anchor: 0.0,
            rate_per_s: 0.0,
        }
    }

    /// Heat after the step of `tick`, 0..=1.
    #[must_use]
    pub fn at(&self, tick: Tick) -> f64 {
        let t_s = seconds(self.anchor, tick);
        if self.rate_per_s > 0.0 {
            heated(self.at_anchor, self.rate_per_s, t_s)
        } else {
            cooled(self.at_anchor, -self.rate_per_s, t_s)
        }
    }

    /// Heats from `tick` on with k per second; called when a hot module is switched on or off.
    pub fn heat(&mut self, tick: Tick, per_s: f64) {
        self.run(tick, at_least_zero(per_s));
    }

    /// Cools from `tick` on with c per second: no module is hot any more.
    pub fn cool(&mut self, tick: Tick, per_s: f64) {
        self.run(tick, -at_least_zero(per_s));
    }

    fn run(&mut self, tick: Tick, rate_per_s: f64) {
        *self = Self {
            anchor: Tick(self.anchor.0.max(tick.0)),
            at_anchor: self.at(tick),
            rate_per_s,
        };
    }
}

/// Heat `t_s` seconds after it was `start`, heating with k = `per_s`; 0..=1.
#[must_use]
pub fn heated(start: f64, per_s: f64, t_s: f64) -> f64 {
    let exponent = at_least_zero(per_s) * at_least_zero(t_s);
    let start = share(start);
    // expm1 keeps the first beats of a slow rack exact.
    share(start - (1.0 - start) * math::exp_m1(-exponent))
}

/// Heat `t_s` seconds after it was `start`, cooling with c = `per_s`; 0..=1.
#[must_use]
pub fn cooled(start: f64, per_s: f64, t_s: f64) -> f64 {
    share(start) * math::exp(-(at_least_zero(per_s) * at_least_zero(t_s)))
}

/// The chance that a module `distance` slots from the one that ran hot is hurt, 0..=1. `slots` is
/// what the rack has, `occupied` how many of them hold a module.
#[must_use]
pub fn damage_chance(attenuation: f64, distance: u32, heat: f64, occupied: u32, slots: u32) -> f64 {
    if slots == 0 {
        return 0.0;
    }
    let crowded = share(f64::from(occupied) / f64::from(slots));
    math::pow(share(attenuation), f64::from(distance)) * share(heat) * crowded
}

/// A rack when a hot cycle in it ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rack {
    /// The hull's attenuation A, 0..=1.
    pub attenuation: f64,
    /// Its heat now, 0..=1.
    pub heat: f64,
    /// Which slots hold a module, bit by bit.
    pub occupied: u8,
    /// How many slots it has, up to eight.
    pub slots: u8,
    /// Its number on the ship: high, middle, low.
    pub index: u8,
}

/// Which modules are hurt when the hot cycle of the module in `slot` ends in `tick`: one bit per
/// slot. Every slot has its own draw whether or not it holds a module, so that fitting one does
/// not change another's fate.
#[must_use]
pub fn hurt(rack: &Rack, slot: u8, world_seed: u64, tick: Tick, ship: EntityId) -> u8 {
    let purpose = PURPOSE_HEAT + u32::from(rack.index) * 8 + u32::from(slot % 8);
    let mut rng = Rng::new(world_seed, tick, ship, purpose);
    let slots = rack.slots.min(8);
    let occupied = rack.occupied.count_ones();
    (0..slots).fold(0, |bits, other| {
        let distance = u32::from(other.abs_diff(slot));
        let chance = damage_chance(
            rack.attenuation,
            distance,
            rack.heat,
            occupied,
            u32::from(slots),
        );
        let is_hurt = rng.unit_f64() < chance && rack.occupied >> other & 1 == 1;
        bits | u8::from(is_hurt) << other
    })
}

#[cfg(test)]
mod tests;
