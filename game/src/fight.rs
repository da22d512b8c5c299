//! The fight: what a ship can do with what is fitted to it, what others do to it, and what is
//! left of it. docs/mechanics.md#combat
//!
//! ```text
//! command   a pilot's wish: lock, unlock, switch a module             own ship, contacts
//! step      locks run and are lost, missiles arrive, cycles begin     own ship, contacts → Blow on others
//!           and end
//! apply     what others did: damage, repairs, webs, jams              own ship, Blow → Outcome
//! ```
//!
//! Everything of a ship that fights stands in one [`Fighter`]: its lists are ragged (as many
//! modules as it has, as many locks as it holds), and a system always needs most of them. The
//! formulas are those of [`crate::lock`], [`crate::turret`], [`crate::missile`],
//! [`crate::damage`], [`crate::repair`], [`crate::range`], [`crate::sensor`] and
//! [`crate::recharge`]; nothing is computed here that they have.
//!
//! **Invariants**
//! - [`step`] changes one ship; what it does to others is a [`Blow`], carried out by [`apply`] on
//!   the other ship. Neither depends on which other ships are stepped beside it.
//! - Derived values ([`Derived`]) are never stored: the same fit, content and changes by others
//!   give the same bits.
//!
//! Cost: one box of some 500 bytes per ship and what its modules take; a ship whose modules rest
//! and that nobody attacks costs a look at a few lengths per beat.

mod apply;
mod command;
mod fighter;
mod loadout;
mod step;

pub use apply::{Outcome, Taken, apply};
pub use command::{Seat, activate, afterburner, deactivate, lock, unlock};
pub use loadout::Loadouts;
pub use step::{Stepped, is_burning, step};

use crate::fitting::{ExternalModifier, Fit, RACK_SLOTS_MAX, ShipStats, Slot};
use crate::missile::Warhead;
use crate::recharge::Pool;
use crate::timers::{Lengths, Timers};
use orrery_base::{BEATS_PER_SECOND, CharacterId, EntityId, Tick, TypeId};
use std::sync::Arc;

/// The most targets that a ship may have locked, whatever its computer says.
pub const LOCKS_MAX: usize = 16;
/// The most modules of a ship: four racks of [`RACK_SLOTS_MAX`].
pub const MODULES_MAX: usize = 4 * RACK_SLOTS_MAX as usize;
/// The most changes by others that a ship bears at once; more have no effect.
pub const EXTERNALS_MAX: usize = 128;
/// The most missiles of a ship that are on their way at once; more are not launched.
pub const FLIGHTS_MAX: usize = 64;
/// The most pilots that are remembered for having hurt a ship. Of more, those who did least are
/// forgotten.
pub const PARTICIPANTS_MAX: usize = 32;
/// Beats for which somebody who hurt a ship is remembered: fifteen minutes.
pub const REMEMBERED_BEATS: u64 = 27_000;

/// How long timers run: weapons 60 s; log-off after fights with players 15 min, with others
/// 5 min; suspect and criminal 15 min.
pub const TIMERS: Lengths = Lengths([1_800, 27_000, 9_000, 27_000, 27_000]);

/// Something on the grid as those who aim see it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sight {
    /// It can be fought: a ship. Stations, gates and wrecks cannot.
    pub is_ship: bool,
    /// Where it is, centimetres.
    pub position_cm: [i32; 3],
    /// How it moves, 2⁻¹⁴ centimetres per beat.
    pub velocity: [i32; 3],
    /// Its radius, centimetres, ≥ 0.
    pub radius_cm: i32,
    /// Its signature, metres, ≥ 0.
    pub signature_m: f64,
}

/// The things that can be aimed at: on a server the frames of the beat.
pub trait Sights {
    /// The thing, if it is on the grid and can be seen.
    fn sight(&self, id: EntityId) -> Option<Sight>;
}

impl<F: Fn(EntityId) -> Option<Sight>> Sights for F {
    fn sight(&self, id: EntityId) -> Option<Sight> {
        self(id)
    }
}

/// A target that is locked, or being locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// Whom.
    pub target: EntityId,
    /// Since when.
    pub since: Tick,
    /// The first beat in which the lock holds.
    pub done: Tick,
}

/// A module at work, or at rest. Stands beside [`Fit::modules`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// The pilot wants it to go on.
    pub is_on: bool,
    /// It is loading: what ends at `end` is no cycle.
    pub is_reloading: bool,
    /// What it is aimed at, or [`EntityId::NONE`].
    pub target: EntityId,
    /// When the cycle began.
    pub start: Tick,
    /// When it ends; zero if the module rests.
    pub end: Tick,
    /// Charges left.
    pub charges: u32,
}

impl Work {
    /// At rest, loaded.
    #[must_use]
    pub const fn resting(charges: u32) -> Self {
        Self {
            is_on: false,
            is_reloading: false,
            target: EntityId::NONE,
            start: Tick(0),
            end: Tick(0),
            charges,
        }
    }

    /// A cycle runs, or it loads.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.end.0 != 0
    }
}

/// What somebody else does to a ship for a while.
#[derive(Clone, PartialEq, Debug)]
pub struct External {
    /// Who.
    pub source: EntityId,
    /// With the module in which of its slots, see [`slot_number`].
    pub slot: u8,
    /// The beat from which it is over.
    pub until: Tick,
    /// What.
    pub deed: Deed,
}

/// Something done to a ship that lasts.
#[derive(Clone, PartialEq, Debug)]
pub enum Deed {
    /// Some of its values change.
    Change(Vec<ExternalModifier>),
    /// Its warp core is held.
    Disrupt {
        /// How strongly, points.
        strength: f64,
        /// Its microwarp drives stop.
        scrambles: bool,
    },
    /// It cannot lock anybody but the jammer.
    Jam,
    /// Somebody repairs a layer at this rate, hit points per second: for the diminishing returns.
    Repair {
        /// The layer, an index.
        layer: u8,
        /// [`crate::repair::rate`].
        rate: f64,
    },
}

/// A missile on its way. It is a deed that is due, no thing in space: it cannot be shot at, and is
/// lost with its launcher.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Flight {
    /// To whom.
    pub target: EntityId,
    /// From which slot, see [`slot_number`].
    pub slot: u8,
    /// When it arrives.
    pub arrives: Tick,
    /// Its damage.
    pub volley: [f64; 4],
    /// How much of it a target takes.
    pub warhead: Warhead,
}

/// Somebody who hurt a ship.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Participant {
    /// Who.
    pub character: CharacterId,
    /// In what.
    pub hull: TypeId,
    /// How much, hit points.
    pub damage: f64,
    /// When last.
    pub last: Tick,
}

/// Who does something to another ship.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The pilot.
    pub character: CharacterId,
    /// In what.
    pub hull: TypeId,
    /// With the module in which slot, see [`slot_number`].
    pub slot: u8,
}

/// What one ship does to another.
#[derive(Clone, PartialEq, Debug)]
pub struct Blow {
    /// Who does it.
    pub by: Actor,
    /// What.
    pub act: Act,
}

/// The kinds of [`Blow`].
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// Damage.
    Strike {
        /// By type, before resistances.
        volley: [f64; 4],
        /// What the volley was multiplied by, 0..=3; zero is a miss.
        quality: f64,
        /// A missile's: its effect depends on the target.
        warhead: Option<Warhead>,
    },
    /// Hit points for a layer.
    Repair {
        /// Which layer, an index.
        layer: u8,
        /// How many, before diminishing returns.
        amount: f64,
        /// The cycle of the repairer, s.
        cycle_s: f64,
        /// The beat in which its next cycle may land.
        until: Tick,
    },
    /// Capacitor given, GJ.
    Charge(f64),
    /// Capacitor destroyed.
    Drain {
        /// How much, GJ, after the factor of the range.
        amount: f64,
        /// The signature that suffers all of it, m.
        resolution_m: f64,
    },
    /// Something that lasts until a beat; an attempt to jam is rolled by whom it is aimed at.
    Last {
        /// Until when.
        until: Tick,
        /// What.
        deed: Deed,
        /// It is an act of war.
        is_hostile: bool,
    },
    /// An attempt to jam.
    Jam {
        /// Strength against each kind of sensor.
        strengths: [f64; 4],
        /// Of the range, 0..=1.
        factor: f64,
        /// Until when, if it succeeds.
        until: Tick,
    },
}

impl Act {
    /// It is an act of war.
    #[must_use]
    pub const fn is_hostile(&self) -> bool {
        match self {
            Self::Strike { .. } | Self::Drain { .. } | Self::Jam { .. } => true,
            Self::Last { is_hostile, .. } => *is_hostile,
            Self::Repair { .. } | Self::Charge(_) => false,
        }
    }
}

/// What a ship can do: of its fit alone, and under what others do to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Derived {
    /// By its fit.
    pub base: Arc<ShipStats>,
    /// With what others do to it.
    pub stats: Arc<ShipStats>,
}

/// A ship that can fight.
#[derive(Clone, PartialEq, Debug)]
pub struct Fighter {
    /// What is in its slots.
    pub fit: Arc<Fit>,
    /// What follows from it; `None` only on the way between grids.
    pub derived: Option<Derived>,
    /// Capacitor, GJ.
    pub capacitor: Pool,
    /// Shield, hit points.
    pub shield: Pool,
    /// Armour left, hit points.
    pub armour_hp: f64,
    /// Hull left, hit points; zero: it is lost.
    pub hull_hp: f64,
    /// Targets.
    pub locks: Vec<Lock>,
    /// Modules, in the order of the fit.
    pub modules: Vec<Work>,
    /// What others do to it.
    pub externals: Vec<External>,
    /// Its missiles.
    pub flights: Vec<Flight>,
    /// What its pilot did a moment ago.
    pub timers: Timers,
    /// Who hurt it.
    pub participants: Vec<Participant>,
    /// Whose blow was the last.
    pub final_blow: CharacterId,
}

/// The number of a slot: rack (0 high, 1 mid, 2 low, 3 rig) times eight, and the index in it.
#[must_use]
pub const fn slot_number(slot: Slot) -> u8 {
    slot.rack as u8 * RACK_SLOTS_MAX + slot.index
}

/// How many 255ths of `whole` are `left`: none if nothing is left, at least one otherwise.
fn part_of_255(left: f64, whole: f64) -> u8 {
    if left <= 0.0 {
        return 0;
    }
    let share = crate::bound::share(crate::bound::ratio(left, whole));
    // 0..=255, so it fits.
    ((share * 255.0) as u8).max(1)
}

/// From hull to hull, metres, ≥ 0.
#[must_use]
pub fn distance_m(own_cm: [i32; 3], own_radius_cm: i32, sight: &Sight) -> f64 {
    let between = orrery_base::math::distance(own_cm, sight.position_cm);
    let gap = between - i64::from(own_radius_cm) - i64::from(sight.radius_cm);
    gap.max(0) as f64 / 100.0
}

/// Seconds as whole beats, to the nearest, at least one.
fn beats(seconds: f64) -> u64 {
    let beats = crate::bound::at_least_zero(seconds) * f64::from(BEATS_PER_SECOND) + 0.5;
    (beats as u64).max(1)
}

#[cfg(test)]
mod tests;
