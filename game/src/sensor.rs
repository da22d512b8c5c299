//! Sensors under attack: the chance that a jammer breaks them, and its roll.
//!
//! P = min(1, jam strength(type) · range factor / sensor strength)    docs/mechanics.md#jamming
//! several independent: 1 − Π(1 − pᵢ)
//! Golden vectors: tests/golden/sensor.csv, sensor_combined.csv
//!
//! A ship has the type of its largest strength; a jammer has a strength against each type and
//! rolls once per cycle. A burst rolls once against every ship in range and only breaks locks.

use crate::bound::{at_least_zero, ratio, share, smaller};
use orrery_base::digest::Digest;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

/// Purpose of the roll of a jammer's cycle, drawn by the jamming module's ship against its target.
pub const PURPOSE_JAM: u32 = 0x6a61_6d00;
/// Purpose of the roll of a burst.
pub const PURPOSE_BURST: u32 = 0x6275_7273;

/// Kinds of sensors, an index into strengths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum SensorKind {
    /// Gravimetric.
    Gravimetric = 0,
    /// Ladar.
    Ladar = 1,
    /// Magnetometric.
    Magnetometric = 2,
    /// Radar.
    Radar = 3,
}

/// Every kind, in the order of the strengths.
pub const SENSOR_KINDS: [SensorKind; 4] = [
    SensorKind::Gravimetric,
    SensorKind::Ladar,
    SensorKind::Magnetometric,
    SensorKind::Radar,
];

/// The kind and strength that a ship has: its largest; of equal ones the first.
#[must_use]
pub fn strength(strengths: [f64; 4]) -> (SensorKind, f64) {
    let mut best = (SensorKind::Gravimetric, at_least_zero(strengths[0]));
    for kind in SENSOR_KINDS {
        let strength = at_least_zero(strengths[kind as usize]);
        if strength > best.1 {
            best = (kind, strength);
        }
    }
    best
}

/// The chance that one cycle jams, 0..=1. A ship without sensors cannot be missed.
#[must_use]
pub fn jam_chance(jam_strength: f64, range_factor: f64, sensor_strength: f64) -> f64 {
    let jam = at_least_zero(jam_strength) * share(range_factor);
    smaller(ratio(jam, sensor_strength), 1.0)
}

/// The chance that at least one of several independent rolls succeeds, 0..=1.
#[must_use]
pub fn combined_chance(chances: impl IntoIterator<Item = f64>) -> f64 {
    let none = chances
        .into_iter()
        .fold(1.0, |none, chance| none * (1.0 - share(chance)));
    1.0 - none
}

/// Whether the cycle that ends in `tick` jams: one draw of the jamming ship, of its `module`-th
/// module against `target`, so that no two rolls of a beat share a draw.
#[must_use]
pub fn roll(
    world_seed: u64,
    tick: Tick,
    source: EntityId,
    target: EntityId,
    module: u32,
    chance: f64,
) -> bool {
    is_hit(
        world_seed,
        tick,
        source,
        target,
        PURPOSE_JAM ^ module,
        chance,
    )
}

/// Whether a burst of `source` breaks the locks of `target`.
#[must_use]
pub fn burst(world_seed: u64, tick: Tick, source: EntityId, target: EntityId, chance: f64) -> bool {
    is_hit(world_seed, tick, source, target, PURPOSE_BURST, chance)
}

fn is_hit(
    seed: u64,
    tick: Tick,
    source: EntityId,
    target: EntityId,
    purpose: u32,
    chance: f64,
) -> bool {
    // Draws are keyed by one entity: the target's is mixed into the seed.
    let seed = Digest::new(seed).word(target.0).finish();
    Rng::new(seed, tick, source, purpose).unit_f64() < chance
}

#[cfg(test)]
mod tests;
