//! Damage: four types against three layers.
//!
//! a layer takes Σ dᵢ·rᵢ (r: resonance, the share that is taken)      docs/mechanics.md#damage
//! if it has less, the share 1 − HP/Σ dᵢ·rᵢ of the *unresisted* volley goes on to the next layer
//! EHP = HP / Σ shareᵢ·rᵢ
//! leak: below ⚙ a quarter of a layer, ⚙ a share of the volley passes it by, growing as it empties:
//! leak · (1 − f/below)
//! Golden vectors: tests/golden/damage.csv, damage_ehp.csv
//!
//! Works on what the layers hold; shield and its recharge are a [`crate::recharge::Pool`] that is
//! drained by [`Strike::taken`]. Cost: about 15 multiplications and 3 divisions, no memory.

use crate::bound::{at_least_zero, ratio, share, smaller};

/// The number of damage types.
pub const TYPES: usize = 4;
/// The number of layers.
pub const LAYERS: usize = 3;

/// The kinds of damage, an index into volleys and resonances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum DamageKind {
    /// Electromagnetic.
    Electromagnetic = 0,
    /// Thermal.
    Thermal = 1,
    /// Kinetic.
    Kinetic = 2,
    /// Explosive.
    Explosive = 3,
}

/// The layers in the order in which they are hit, an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum LayerKind {
    /// Recharges by itself.
    Shield = 0,
    /// Has to be repaired.
    Armour = 1,
    /// When it is gone, so is the ship.
    Hull = 2,
}

/// Damage by type, hit points, ≥ 0, before resistances.
pub type Volley = [f64; TYPES];

/// One layer as a volley finds it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Layer {
    /// What is left of it, hit points.
    pub left: f64,
    /// What it has when it is whole, hit points: for the leak.
    pub capacity: f64,
    /// The share of each damage type that it takes, 0..=1; 1 is no resistance.
    pub resonance: [f64; TYPES],
    /// Below which share of it volleys leak past it, 0..=1; 0 is never.
    pub leak_below: f64,
    /// The share of a volley that passes when the layer is all but empty, 0..=1.
    pub leak: f64,
}

/// What a volley did.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Strike {
    /// Hit points taken from shield, armour and hull: the numbers that players see.
    pub taken: [f64; LAYERS],
    /// What is left of them.
    pub left: [f64; LAYERS],
    /// The hull is gone.
    pub is_destroyed: bool,
}

/// A volley times a factor: a turret's multiplier, a missile's damage factor.
#[must_use]
pub fn scaled(volley: &Volley, factor: f64) -> Volley {
    let factor = at_least_zero(factor);
    volley.map(|amount| at_least_zero(amount) * factor)
}

/// What a layer takes of a volley, hit points, if it has that much.
#[must_use]
pub fn resisted(volley: &Volley, resonance: &[f64; TYPES]) -> f64 {
    // Written out: the order of a sum of floats is part of its result.
    let part = |kind: usize| at_least_zero(volley[kind]) * share(resonance[kind]);
    part(0) + part(1) + part(2) + part(3)
}

/// A volley against shield, armour and hull.
#[must_use]
pub fn strike(volley: &Volley, layers: &[Layer; LAYERS]) -> Strike {
    let mut result = Strike::default();
    // The share of the volley that arrives at the layer.
    let mut arriving = 1.0;
    for (index, layer) in layers.iter().enumerate() {
        let is_last = index + 1 == LAYERS;
        let has = at_least_zero(layer.left);
        let leaking = if is_last { 0.0 } else { leak_share(layer) };
        let hurt = resisted(volley, &layer.resonance) * (arriving * (1.0 - leaking));
        let taken = smaller(hurt, has);
        result.taken[index] = taken;
        result.left[index] = has - taken;
        let overflow = if hurt > has { 1.0 - has / hurt } else { 0.0 };
        arriving *= leaking + (1.0 - leaking) * overflow;
    }
    result.is_destroyed = result.left[LAYERS - 1] <= 0.0;
    result
}

/// The share of a volley that passes a layer by although it holds, 0..=1.
#[must_use]
pub fn leak_share(layer: &Layer) -> f64 {
    let below = share(layer.leak_below);
    let full = smaller(ratio(layer.left, layer.capacity), 1.0);
    if full < below {
        share(layer.leak) * (1.0 - full / below)
    } else {
        0.0
    }
}

/// Effective hit points of a layer against damage of this composition (any scale): what a volley
/// of it needs to break the layer. 0 if there is no damage or no layer; at most 10⁶⁰, which is
/// what an invulnerable layer has.
#[must_use]
pub fn effective_hit_points(hit_points: f64, resonance: &[f64; TYPES], profile: &Volley) -> f64 {
    let whole = resisted(profile, &[1.0; TYPES]);
    if whole > 0.0 {
        ratio(hit_points, resisted(profile, resonance) / whole)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
