//! Warp: how long it takes, where a ship is meanwhile, what it costs, who may enter it.
//!
//! k_a = w, k_d = min(w/3, 2) per second, v_w = w·AU, v_drop = min(s/2, 100 m/s)
//! accelerating  x = e^(k_a·t),  v = k_a·x,  1 AU in all             docs/mechanics.md#warp
//! cruising      v = v_w, over D − AU − v_w/k_d
//! decelerating  y = e^(k_d·t') left to go,  v = k_d·y
//! short warp    v_peak = D·k_a·k_d/(k_a + k_d), no cruise
//! capacitor     mass · need · D(AU)
//! Golden vectors: tests/golden/warp.csv, warp_course.csv, warp_enter.csv, warp_landing.csv
//!
//! A [`Course`] is worked out once, when the ship enters warp, and is a pure function of time from
//! then on: nothing is stepped, so nothing drifts and dilation changes nothing. Between beats it
//! is f64; landing turns it back into the integer centimetres of the destination's grid.
//! Cost: 56 bytes per ship in warp, three `ln` to make, one `exp` to ask.

use crate::bound::{at_least_zero, ratio, smaller};
use crate::{gate, vector};
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, math};

/// Metres in an astronomical unit.
pub const AU_M: f64 = 149_597_870_700.0;
/// The shortest warp, metres.
pub const LEAST_DISTANCE_M: f64 = 150_000.0;
/// The distances from its target at which a pilot may ask to land, metres.
pub const RANGES_M: [u32; 7] = [0, 10_000, 20_000, 30_000, 50_000, 70_000, 100_000];
/// Purpose of the random direction of a landing.
pub const PURPOSE_LANDING: u32 = 0x7761_7270;

/// The share of its largest speed that a ship must have along the warp's direction.
const ENTER_SPEED: f64 = 0.75;
/// The square of the cosine of 6°, the largest angle between velocity and direction.
const ENTER_COSINE_SQUARED: f64 = 0.989_073_800_366_902_8;
/// Metres per second at which warp ends at the latest.
const DROP_SPEED_MOST: f64 = 100.0;

/// One warp from standstill to landing, as a function of the seconds since it began.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Course {
    distance_m: f64,
    accelerate_per_s: f64,
    decelerate_per_s: f64,
    peak_m_per_s: f64,
    accelerate_s: f64,
    cruise_s: f64,
    decelerate_s: f64,
}

impl Course {
    /// A warp over `distance_m` by a ship with a warp speed of `warp_au_per_s` (> 0, finite) and a
    /// largest sub-warp speed of `max_speed_m_per_s` (> 0, finite). `None` below
    /// [`LEAST_DISTANCE_M`] or if a number is out of its range.
    #[must_use]
    pub fn new(warp_au_per_s: f64, max_speed_m_per_s: f64, distance_m: f64) -> Option<Self> {
        let valid = |x: f64| x > 1e-6 && x < 1e6;
        let is_far_enough = (LEAST_DISTANCE_M..1e18).contains(&distance_m);
        let is_valid = valid(warp_au_per_s) && valid(max_speed_m_per_s) && is_far_enough;
        if !is_valid {
            return None;
        }
        let accelerate = warp_au_per_s;
        let decelerate = smaller(warp_au_per_s / 3.0, 2.0);
        let warp_m_per_s = warp_au_per_s * AU_M;
        let braking_m = warp_m_per_s / decelerate;
        let is_long = AU_M + braking_m <= distance_m;
        let (peak, cruise_s) = if is_long {
            (warp_m_per_s, (distance_m - AU_M - braking_m) / warp_m_per_s)
        } else {
            let peak = distance_m * accelerate * decelerate / (accelerate + decelerate);
            (peak, 0.0)
        };
        let drop = smaller(max_speed_m_per_s / 2.0, DROP_SPEED_MOST);
        Some(Self {
            distance_m,
            accelerate_per_s: accelerate,
            decelerate_per_s: decelerate,
            peak_m_per_s: peak,
            accelerate_s: at_least_zero(math::ln(peak / accelerate) / accelerate),
            cruise_s,
            // A peak below the drop speed ends the warp as soon as it is reached.
            decelerate_s: at_least_zero(math::ln(peak / drop) / decelerate),
        })
    }

    /// How long it takes, seconds.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.accelerate_s + self.cruise_s + self.decelerate_s
    }

    /// How far it leads, metres.
    #[must_use]
    pub const fn distance_m(&self) -> f64 {
        self.distance_m
    }

    /// The largest speed on it, m/s.
    #[must_use]
    pub const fn peak_m_per_s(&self) -> f64 {
        self.peak_m_per_s
    }

    /// How far the ship has come `t_s` seconds after it began, metres: 0 at the beginning, the
    /// whole distance from [`Course::total_s`] on. The published law begins one metre out and ends
    /// v_drop/k_d short of the point, which landing covers.
    #[must_use]
    pub fn distance_at_m(&self, t_s: f64) -> f64 {
        let t = at_least_zero(t_s);
        if t == 0.0 {
            0.0
        } else if t >= self.total_s() {
            self.distance_m
        } else if t < self.accelerate_s {
            math::exp(self.accelerate_per_s * t)
        } else if t < self.accelerate_s + self.cruise_s {
            let accelerated = self.peak_m_per_s / self.accelerate_per_s;
            accelerated + self.peak_m_per_s * (t - self.accelerate_s)
        } else {
            self.distance_m - self.braking_left_m(t)
        }
    }

    /// How fast the ship is `t_s` seconds after it began, m/s; 0 before and after.
    #[must_use]
    pub fn speed_at_m_per_s(&self, t_s: f64) -> f64 {
        let t = at_least_zero(t_s);
        if t == 0.0 || t >= self.total_s() {
            0.0
        } else if t < self.accelerate_s {
            self.accelerate_per_s * math::exp(self.accelerate_per_s * t)
        } else if t < self.accelerate_s + self.cruise_s {
            self.peak_m_per_s
        } else {
            self.decelerate_per_s * self.braking_left_m(t)
        }
    }

    /// What is left to go while decelerating: it decays from v_peak/k_d.
    fn braking_left_m(&self, t_s: f64) -> f64 {
        let since = t_s - self.accelerate_s - self.cruise_s;
        self.peak_m_per_s / self.decelerate_per_s * math::exp(-(self.decelerate_per_s * since))
    }
}

/// What a warp takes from the capacitor: `mass_kg` · `need_per_kg_au` (⚙ of the hull) · AU.
#[must_use]
pub fn capacitor_need(mass_kg: f64, need_per_kg_au: f64, distance_m: f64) -> f64 {
    at_least_zero(mass_kg) * at_least_zero(need_per_kg_au) * (at_least_zero(distance_m) / AU_M)
}

/// How far a capacitor takes a ship, at most `distance_m`: with too little it drops out of warp
/// short of its target, in proportion.
#[must_use]
pub fn affordable_m(capacitor: f64, mass_kg: f64, need_per_kg_au: f64, distance_m: f64) -> f64 {
    let distance = at_least_zero(distance_m);
    let need = capacitor_need(mass_kg, need_per_kg_au, distance);
    let has = at_least_zero(capacitor);
    if need <= has {
        distance
    } else {
        distance * ratio(has, need)
    }
}

/// Whether a ship with this velocity enters warp towards `direction` (any length but zero; metres
/// or centimetres, each component within ±2⁵³): three quarters of `max_speed` along it, and no
/// more than 6° off. Velocities are in 2⁻¹⁴ cm per beat.
#[must_use]
pub fn may_enter(velocity: [i32; 3], max_speed: i32, direction: [i64; 3]) -> bool {
    let v = vector::of_i32(velocity);
    let d = direction.map(|component| component as f64);
    let (along, dd) = (vector::dot(v, d), vector::dot(d, d));
    // Both conditions squared, so that nothing is divided; `along` > 0 says which half-line.
    let least = ENTER_SPEED * f64::from(max_speed);
    along > 0.0
        && max_speed > 0
        && along * along >= least * least * dd
        && along * along >= ENTER_COSINE_SQUARED * vector::dot(v, v) * dd
}

/// Where `ship` lands: on a sphere of `scatter_cm` (⚙ 3 km) about the point it warps to.
#[must_use]
pub fn landing(
    point_cm: [i32; 3],
    scatter_cm: i32,
    ship: EntityId,
    world_seed: u64,
    tick: Tick,
) -> [i32; 3] {
    let mut rng = Rng::new(world_seed, tick, ship, PURPOSE_LANDING);
    let direction = gate::direction(&mut rng);
    gate::place(point_cm, direction, f64::from(scatter_cm.max(0)))
}

/// How far a warp leads that shall end `range_m` short of a target at `distance_m`.
#[must_use]
pub fn distance_to_range_m(distance_m: f64, range_m: u32) -> f64 {
    at_least_zero(distance_m - f64::from(range_m))
}

/// The warp speed of ships that warp together: that of the slowest. `None` if there is no ship.
#[must_use]
pub fn fleet_speed(warp_au_per_s: impl IntoIterator<Item = f64>) -> Option<f64> {
    warp_au_per_s.into_iter().map(at_least_zero).reduce(smaller)
}

#[cfg(test)]
mod tests;
