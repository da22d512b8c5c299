//! Fits: what is in the slots of a hull, whether it fits, and what the ship can do with it.
//!
//! ```text
//! Fit ──check──▶ ShipStats, or a FitReject with its numbers
//!     ──derive─▶ ShipStats, whether it fits or not
//! ShipStats ──apply_external──▶ ShipStats of a ship that is webbed, painted, damped …
//! ```
//!
//! Values are derived once per change (a module switched, a charge loaded, a skill learnt),
//! never per beat. The graph has two tiers and so no circles: first the rows of modules, which
//! skills, hulls, charges and heat may change; then the values of ship, modules, charges and
//! drones, which all rows may change. docs/mechanics.md#fitting
//!
//! Golden vectors: `tests/golden/fitting.csv`.
//!
//! **Invariant:** the same content and the same fit give the same bits, in whatever order
//! modules and skills were added.

mod check;
mod codec;
mod external;
mod graph;
mod named;
mod stats;

pub use check::{FitReject, check};
pub use codec::{FIT_VERSION, FitDecodeError, decode, encode};
pub use external::{ExternalModifier, apply_external, externals};
pub use graph::derive;
pub use named::{NamedFitError, named};
pub use stats::{DroneStats, ModuleStats, Share, ShipStats};

use crate::content::{Content, Rack};
use orrery_base::TypeId;

/// The most slots of a rack.
pub const RACK_SLOTS_MAX: u8 = 8;
/// The highest level of a skill.
pub const SKILL_LEVEL_MAX: u8 = 5;
/// The most kinds of drone in a bay.
pub const DRONE_KINDS_MAX: usize = 50;
/// The most skills of a pilot.
pub const SKILLS_MAX: usize = 500;

/// A place for a module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot {
    /// Which rack.
    pub rack: Rack,
    /// Which slot of it, 0..[`RACK_SLOTS_MAX`].
    pub index: u8,
}

/// What a module is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ModuleState {
    /// Nothing: it takes neither computing power nor power.
    Offline,
    /// It is ready, and its passive rows count.
    #[default]
    Online,
    /// It is at work, and its active rows count too.
    Active,
    /// It is at work beyond what it is built for.
    Overheated,
}

/// A module in its slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fitted {
    /// Where.
    pub slot: Slot,
    /// Which module.
    pub module: TypeId,
    /// What it is doing.
    pub state: ModuleState,
    /// What it is loaded with, and how many of those, > 0.
    pub charge: Option<(TypeId, u32)>,
}

/// Skills of a pilot.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Skills(Vec<(TypeId, u8)>);

impl Skills {
    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Every skill of the content at one level, at most [`SKILL_LEVEL_MAX`].
    #[must_use]
    pub fn all(content: &Content, level: u8) -> Self {
        let mut skills = Self::none();
        for skill in content.skills() {
            skills.learn(skill.id, level);
        }
        skills
    }

    /// Sets the level of a skill, at most [`SKILL_LEVEL_MAX`]; zero forgets it.
    pub fn learn(&mut self, skill: TypeId, level: u8) {
        let level = level.min(SKILL_LEVEL_MAX);
        match self.0.binary_search_by_key(&skill, |it| it.0) {
            Ok(at) if level == 0 => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = level,
            Err(_) if level == 0 => {}
            Err(at) => self.0.insert(at, (skill, level)),
        }
    }

    /// The level of a skill, 0..=[`SKILL_LEVEL_MAX`].
    #[must_use]
    pub fn level(&self, skill: TypeId) -> u8 {
        let found = self.0.binary_search_by_key(&skill, |it| it.0);
        found.map_or(0, |at| self.0[at].1)
    }

    /// Skills that have a level, by ascending number.
    #[must_use]
    pub fn levels(&self) -> &[(TypeId, u8)] {
        &self.0
    }
}

/// A hull and all that is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fit {
    /// Which hull.
    pub hull: TypeId,
    /// What is in its slots, by ascending slot, each slot once.
    modules: Vec<Fitted>,
    /// What is in its drone bay, by ascending number, with how many.
    drones: Vec<(TypeId, u16)>,
    /// Who flies it.
    pub skills: Skills,
}

impl Fit {
    /// An empty hull.
    #[must_use]
    pub const fn new(hull: TypeId) -> Self {
        Self {
            hull,
            modules: Vec::new(),
            drones: Vec::new(),
            skills: Skills::none(),
        }
    }

    /// What is in the slots, by ascending slot.
    #[must_use]
    pub fn modules(&self) -> &[Fitted] {
        &self.modules
    }

    /// What is in the drone bay, by ascending number, with how many, > 0.
    #[must_use]
    pub fn drones(&self) -> &[(TypeId, u16)] {
        &self.drones
    }

    /// What is in a slot.
    #[must_use]
    pub fn at(&self, slot: Slot) -> Option<&Fitted> {
        let at = self
            .modules
            .binary_search_by_key(&slot, |it| it.slot)
            .ok()?;
        self.modules.get(at)
    }

    /// What is in a slot, to switch or load. The slot itself must stay as it is.
    pub fn at_mut(&mut self, slot: Slot) -> Option<&mut Fitted> {
        let at = self
            .modules
            .binary_search_by_key(&slot, |it| it.slot)
            .ok()?;
        self.modules.get_mut(at)
    }

    /// Puts a module into its slot; returns what was in it. Whether it fits is for [`check`].
    pub fn put(&mut self, fitted: Fitted) -> Option<Fitted> {
        match self
            .modules
            .binary_search_by_key(&fitted.slot, |it| it.slot)
        {
            Ok(at) => Some(std::mem::replace(&mut self.modules[at], fitted)),
            Err(at) => {
                self.modules.insert(at, fitted);
                None
            }
        }
    }

    /// Takes a module out of a slot.
    pub fn take(&mut self, slot: Slot) -> Option<Fitted> {
        let at = self
            .modules
            .binary_search_by_key(&slot, |it| it.slot)
            .ok()?;
        Some(self.modules.remove(at))
    }

    /// Sets how many drones of a kind are in the bay.
    pub fn set_drones(&mut self, drone: TypeId, count: u16) {
        match self.drones.binary_search_by_key(&drone, |it| it.0) {
            Ok(at) if count == 0 => {
                self.drones.remove(at);
            }
            Ok(at) => self.drones[at].1 = count,
            Err(_) if count == 0 => {}
            Err(at) => self.drones.insert(at, (drone, count)),
        }
    }
}

#[cfg(test)]
mod tests;
