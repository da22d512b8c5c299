//! Recharge of capacitor and shield, in closed form from an anchor.
//!
//! C(t) = Cmax · (1 + (√(C₀/Cmax) − 1) · e^(−t/τ))²,  τ = T/5      docs/mechanics.md#recharge
//! dC/dt = (10·Cmax/T) · √f · (1 − √f),  f = C/Cmax; largest at f = ¼: 2.5·Cmax/T
//! stable under a mean drain D: f = ¼·(1 + √(1 − 2·D·τ/Cmax))²
//! Golden vectors: tests/golden/recharge.csv, recharge_stable.csv
//!
//! A [`Pool`] stores what it held at a tick, and is evaluated, never stepped: asking in every beat
//! or once a minute gives the same bits, dilation changes nothing, and a ship that nobody asks
//! about costs nothing. Only spending, adding and refitting move the anchor.
//!
//! Everything is `f64`: a `f32` would lose drains below 6·10⁻⁸ of the pool, and a module whose
//! cost equals a full pool must not be refused because one of the two was rounded. `exp` and
//! `sqrt` are those of `orrery_base::math`. Cost: 32 bytes per pool; an evaluation is one `exp`,
//! one `sqrt` and one division.

use crate::bound::{at_least_zero, larger, ratio, seconds, smaller};
use orrery_base::{BEATS_PER_SECOND, Tick, math};

/// Time constants in a recharge time: τ = T/5.
const TIME_CONSTANTS: f64 = 5.0;

/// A capacitor or a shield: an amount that recharges by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pool {
    anchor: Tick,
    at_anchor: f64,
    capacity: f64,
    tau_s: f64,
}

/// The pool holds less than was to be spent; it is as it was.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("{has} left of the {needs} needed")]
pub struct NotEnough {
    /// What the pool holds.
    pub has: f64,
    /// What was asked for.
    pub needs: f64,
}

impl Pool {
    /// A pool that holds `amount` of `capacity` at `tick`. `recharge_time_s` is T, the attribute
    /// of the hull, in seconds; zero or less means that it never recharges, as armour does not.
    /// The amount is limited to 0..=`capacity`.
    #[must_use]
    pub fn new(tick: Tick, amount: f64, capacity: f64, recharge_time_s: f64) -> Self {
        let capacity = at_least_zero(capacity);
        Self {
            anchor: tick,
            at_anchor: smaller(at_least_zero(amount), capacity),
            capacity,
            tau_s: tau_s(recharge_time_s),
        }
    }

    /// A full pool.
    #[must_use]
    pub fn full(tick: Tick, capacity: f64, recharge_time_s: f64) -> Self {
        Self::new(tick, capacity, capacity, recharge_time_s)
    }

    /// A pool as [`Pool::parts`] gave it; `None` if the numbers are none of a pool.
    #[must_use]
    pub fn from_parts(anchor: Tick, at_anchor: f64, capacity: f64, tau_s: f64) -> Option<Self> {
        let is_pool = (0.0..=crate::bound::LARGEST).contains(&capacity)
            && (0.0..=capacity).contains(&at_anchor)
            && tau_s > 0.0;
        is_pool.then_some(Self {
            anchor,
            at_anchor,
            capacity,
            tau_s,
        })
    }

    /// The anchor, what it held there, its capacity, and its time constant τ in seconds, which is
    /// infinite where nothing recharges: for storing and showing it.
    #[must_use]
    pub const fn parts(&self) -> (Tick, f64, f64, f64) {
        (self.anchor, self.at_anchor, self.capacity, self.tau_s)
    }

    /// What it holds at most.
    #[must_use]
    pub const fn capacity(&self) -> f64 {
        self.capacity
    }

    /// What it holds after the step of `tick`, in 0..=capacity; at the anchor and before it, what
    /// was stored there.
    #[must_use]
    pub fn value_at(&self, tick: Tick) -> f64 {
        let t_s = seconds(self.anchor, tick);
        value_after(self.capacity, self.tau_s, self.at_anchor, t_s)
    }

    /// [`Pool::value_at`] as a share of the capacity, 0..=1; 0 if there is no capacity.
    #[must_use]
    pub fn share_at(&self, tick: Tick) -> f64 {
        smaller(ratio(self.value_at(tick), self.capacity), 1.0)
    }

    /// Recharge at `tick`, per second.
    #[must_use]
    pub fn rate_at(&self, tick: Tick) -> f64 {
        rate(self.capacity, self.tau_s, self.value_at(tick))
    }

    /// Takes `amount` out; what is negative or not a number counts as nothing. Taking nothing
    /// does not move the anchor.
    ///
    /// # Errors
    /// [`NotEnough`] if it holds less.
    pub fn spend(&mut self, tick: Tick, amount: f64) -> Result<(), NotEnough> {
        let needs = at_least_zero(amount);
        let has = self.value_at(tick);
        if needs > has {
            return Err(NotEnough { has, needs });
        }
        self.anchor_at(tick, has, has - needs);
        Ok(())
    }

    /// Takes up to `amount` out and returns what was taken: hostile drain, damage.
    pub fn drain(&mut self, tick: Tick, amount: f64) -> f64 {
        let has = self.value_at(tick);
        let taken = smaller(at_least_zero(amount), has);
        self.anchor_at(tick, has, has - taken);
        taken
    }

    /// Puts up to `amount` in and returns what found room: boosts, transfers, repairs.
    pub fn add(&mut self, tick: Tick, amount: f64) -> f64 {
        let has = self.value_at(tick);
        let added = smaller(at_least_zero(amount), self.capacity - has);
        self.anchor_at(tick, has, smaller(has + added, self.capacity));
        added
    }

    /// Gives it another capacity and recharge time; what it holds stays, as far as it fits. The
    /// same as before changes nothing, not even the anchor.
    pub fn refit(&mut self, tick: Tick, capacity: f64, recharge_time_s: f64) {
        let same = Self::new(self.anchor, self.at_anchor, capacity, recharge_time_s);
        if same != *self {
            *self = Self::new(tick, self.value_at(tick), capacity, recharge_time_s);
        }
    }

    /// The first tick at which it holds `value` or more if nothing happens to it: when a module
    /// that waits for capacitor may try again. `None` if it never does; a full pool is only
    /// reached as the closed form rounds to it.
    #[must_use]
    pub fn reached_at(&self, value: f64) -> Option<Tick> {
        if value <= self.at_anchor {
            return Some(self.anchor);
        }
        // A NaN is never reached either.
        if value >= self.capacity || value.is_nan() || self.tau_s.is_infinite() {
            return None;
        }
        let root = |amount: f64| 1.0 - math::sqrt(ratio(amount, self.capacity));
        let wait_s = self.tau_s * math::ln(root(self.at_anchor) / root(value));
        // The estimate is off by rounding at most; the pool itself decides.
        let beats = at_least_zero(wait_s * f64::from(BEATS_PER_SECOND)) as u64;
        let first = Tick(self.anchor.0.saturating_add(beats.saturating_sub(1)));
        (0..4)
            .map(|more| Tick(first.0.saturating_add(more)))
            .find(|&tick| self.value_at(tick) >= value)
    }

    fn anchor_at(&mut self, tick: Tick, before: f64, after: f64) {
        if after.to_bits() != before.to_bits() {
            self.at_anchor = after;
            // What happened late in a beat that is stored already stays in that beat.
            self.anchor = Tick(self.anchor.0.max(tick.0));
        }
    }
}

/// The time constant of a recharge time; infinite if that is zero, negative or not a number.
fn tau_s(recharge_time_s: f64) -> f64 {
    if recharge_time_s > 0.0 {
        recharge_time_s / TIME_CONSTANTS
    } else {
        f64::INFINITY
    }
}

/// What a pool of `capacity` (≥ 0) with time constant `tau_s` (> 0) holds `t_s` (≥ 0) seconds
/// after it held `start` (0..=`capacity`). Never less than `start`, never more than `capacity`.
#[must_use]
pub fn value_after(capacity: f64, tau_s: f64, start: f64, t_s: f64) -> f64 {
    if t_s <= 0.0 || start >= capacity || tau_s.is_infinite() {
        return start;
    }
    let decay = math::exp(-(t_s / tau_s));
    let root = 1.0 + (math::sqrt(start / capacity) - 1.0) * decay;
    // Rounding of the root may fall below the start by a bit; recharge never takes away.
    smaller(larger(capacity * (root * root), start), capacity)
}

/// Recharge per second of a pool of `capacity` with time constant `tau_s` (> 0) that holds `value`.
#[must_use]
pub fn rate(capacity: f64, tau_s: f64, value: f64) -> f64 {
    let root = math::sqrt(smaller(ratio(value, capacity), 1.0));
    2.0 * ratio(capacity, tau_s) * root * (1.0 - root)
}

/// The largest recharge per second, reached at a quarter of the capacity.
#[must_use]
pub fn peak_rate(capacity: f64, recharge_time_s: f64) -> f64 {
    0.5 * ratio(capacity, tau_s(recharge_time_s))
}

/// The share of the capacity at which a pool stays under a mean drain per second, in ¼..=1;
/// `None` if no recharge is as large as the drain.
#[must_use]
pub fn stable_share(capacity: f64, recharge_time_s: f64, drain_per_s: f64) -> Option<f64> {
    let drain = at_least_zero(drain_per_s);
    if drain == 0.0 {
        return Some(1.0);
    }
    let peak = peak_rate(capacity, recharge_time_s);
    if drain > peak {
        return None;
    }
    let root = 0.5 * (1.0 + math::sqrt(1.0 - drain / peak));
    Some(root * root)
}

#[cfg(test)]
mod tests;
