//! The galaxy: systems with their stars, planets, belts, stations and gates, made from a seed.
//!
//! [`generate`] is a pure function: equal parameters and equal content give equal bytes, on
//! every machine. The result is a graph whose nodes are [`System`] rows and whose edges are
//! their gates; a store keeps one row per system, under its id.
//!
//! **Invariants** of what [`generate`] returns:
//! - Ids of systems are 1..=n; system `id` is `systems[id − 1]`. Ids of objects are unique, below
//!   2³², and tell their system ([`system_of`]).
//! - Names of systems and stations are unique; a gate is named after where it leads, which is
//!   unique within its system.
//! - Every gate has its pair: `a.gates[i].to_gate` is a gate of `a.gates[i].to_system` whose
//!   `to_gate` leads back. No system has two gates to the same system, or one to itself.
//! - The graph is connected. Every system has from `gates_min` to `gates_max` gates; the
//!   exceptions are in [`Params`].
//! - Stations and gates of a system stand on its hub grid: the station at the origin, the gates
//!   20–80 km from it, each in the direction of the system that it leads to, none within 5 km of
//!   another (hull to hull).

mod astronomy;
mod generate;
mod graph;
mod hub;
pub mod map;
mod names;
mod params;
mod row;
mod scatter;
mod security;

pub use generate::generate;
pub use params::{GalaxyError, Params, Span};
pub use row::RowError;

use orrery_base::{ObjectId, SystemId, TypeId};
use rkyv::{Archive, Deserialize, Serialize};

/// Object ids of one system: a block of this many, the system's number times it.
const OBJECTS_PER_SYSTEM: u32 = 256;

/// The system that an object belongs to.
#[must_use]
pub const fn system_of(object: ObjectId) -> SystemId {
    SystemId(object.0 / OBJECTS_PER_SYSTEM)
}

/// All systems.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Galaxy {
    /// What it was made from.
    pub seed: u64,
    /// The systems by ascending id, from 1 without a hole.
    pub systems: Vec<System>,
}

impl Galaxy {
    /// A system by its id.
    #[must_use]
    pub fn system(&self, id: SystemId) -> Option<&System> {
        self.systems.get((id.0 as usize).checked_sub(1)?)
    }

    /// A gate and its system by the gate's id.
    #[must_use]
    pub fn gate(&self, id: ObjectId) -> Option<(&System, &Gate)> {
        let system = self.system(system_of(id))?;
        let gate = system.gates.iter().find(|gate| gate.object == id)?;
        Some((system, gate))
    }

    /// A station and its system by the station's id.
    #[must_use]
    pub fn station(&self, id: ObjectId) -> Option<(&System, &Station)> {
        let system = self.system(system_of(id))?;
        let station = system
            .stations
            .iter()
            .find(|station| station.object == id)?;
        Some((system, station))
    }
}

/// A star system: a node of the galaxy's graph, with its gates as edges.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct System {
    /// Its number; also its hub's, [`GridId::hub_of`](orrery_base::GridId::hub_of).
    pub id: SystemId,
    /// Its name, unique.
    pub name: String,
    /// Where it is, thousandths of a light year from the galaxy's centre.
    pub position_mly: [i32; 3],
    /// How far the law reaches, thousandths, −1000 to 1000.
    pub security_milli: i16,
    /// The empire that holds it, an [`Empire::id`](crate::content::Empire::id), or zero.
    pub empire: u8,
    /// Its star.
    pub star: Star,
    /// Its planets, from the star outward.
    pub planets: Vec<Planet>,
    /// Its asteroid belts.
    pub belts: Vec<Belt>,
    /// The stations of its hub; the first stands at the hub's origin.
    pub stations: Vec<Station>,
    /// The gates of its hub, by ascending id of the system that they lead to.
    pub gates: Vec<Gate>,
}

/// How far the law reaches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SecurityBand {
    /// 0.45 and above: police answers every crime.
    High,
    /// Above zero: only stations and gates are guarded.
    Low,
    /// Zero and below: nobody answers.
    Null,
}

impl System {
    /// Where it is, light years from the galaxy's centre.
    #[must_use]
    pub fn position_ly(&self) -> [f64; 3] {
        self.position_mly.map(|mly| f64::from(mly) / 1_000.0)
    }

    /// Its security, −1 to 1.
    #[must_use]
    pub fn security(&self) -> f64 {
        f64::from(self.security_milli) / 1_000.0
    }

    /// Its security as players see it, in tenths: rounded, except that what is above zero is
    /// shown as at least 0.1.
    #[must_use]
    pub const fn security_tenths(&self) -> i8 {
        let milli = self.security_milli;
        if milli > 0 && milli < 50 {
            return 1;
        }
        // Half away from zero.
        let half = if milli < 0 { -50 } else { 50 };
        ((milli + half) / 100) as i8
    }

    /// Which law holds there.
    #[must_use]
    pub const fn band(&self) -> SecurityBand {
        if self.security_milli >= 450 {
            SecurityBand::High
        } else if self.security_milli > 0 {
            SecurityBand::Low
        } else {
            SecurityBand::Null
        }
    }

    /// The gate to a neighbour.
    #[must_use]
    pub fn gate_to(&self, system: SystemId) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.to_system == system)
    }

    /// The systems that its gates lead to, ascending.
    pub fn neighbours(&self) -> impl Iterator<Item = SystemId> + '_ {
        self.gates.iter().map(|gate| gate.to_system)
    }
}

/// Spectral classes, hottest first. The numbers are stored: they never change their meaning.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Archive, Serialize, Deserialize,
)]
#[repr(u8)]
pub enum StarClass {
    /// Blue, 30,000 K and more.
    O = 0,
    /// Blue-white.
    B = 1,
    /// White.
    A = 2,
    /// Yellow-white.
    F = 3,
    /// Yellow.
    G = 4,
    /// Orange.
    K = 5,
    /// Red, below 3,700 K.
    M = 6,
}

/// A star.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Star {
    /// Its id.
    pub object: ObjectId,
    /// Its spectral class.
    pub class: StarClass,
    /// Its place in the class, 0 (hottest) to 9.
    pub subclass: u8,
    /// Whether it has left the main sequence and swollen.
    pub giant: bool,
    /// Temperature of its surface, K.
    pub temperature_k: u32,
    /// Radius, km.
    pub radius_km: u32,
}

/// Kinds of planet. The numbers are stored: they never change their meaning.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Archive, Serialize, Deserialize,
)]
#[repr(u8)]
pub enum PlanetKind {
    /// Molten rock, close to the star.
    Lava = 0,
    /// Rock without air.
    Barren = 1,
    /// Rock under clouds and storms.
    Storm = 2,
    /// Land, water and air.
    Temperate = 3,
    /// Water all over.
    Ocean = 4,
    /// A giant of gas.
    Gas = 5,
    /// Frozen.
    Ice = 6,
}

/// A planet. Where it is, is fixed: orbits are slower than any player.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Planet {
    /// Its id.
    pub object: ObjectId,
    /// The system's name and its number from the star outward.
    pub name: String,
    /// What it is like.
    pub kind: PlanetKind,
    /// Metres from the star.
    pub position_m: [i64; 3],
    /// Radius of its orbit, m.
    pub orbit_m: i64,
    /// Radius, km.
    pub radius_km: u32,
}

/// An asteroid belt: a site whose grid a warp may open.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Belt {
    /// Its id.
    pub object: ObjectId,
    /// The name of the planet whose orbit it shares, or of the system, and its number.
    pub name: String,
    /// Metres from the star.
    pub position_m: [i64; 3],
    /// Radius of its orbit, m.
    pub orbit_m: i64,
}

/// A station of a system's hub.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Station {
    /// Its id; [`EntityId::of_object`](orrery_base::EntityId::of_object) is the entity.
    pub object: ObjectId,
    /// Its type, a [`StationType`](crate::content::StationType).
    pub type_id: TypeId,
    /// Its name, unique.
    pub name: String,
    /// Centimetres from the hub's origin.
    pub position_cm: [i32; 3],
}

/// A gate of a system's hub: an edge of the graph, one of the two ends.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
pub struct Gate {
    /// Its id; [`EntityId::of_object`](orrery_base::EntityId::of_object) is the entity.
    pub object: ObjectId,
    /// Its type, a [`GateType`](crate::content::GateType).
    pub type_id: TypeId,
    /// Its name, after where it leads: unique within the system.
    pub name: String,
    /// Centimetres from the hub's origin.
    pub position_cm: [i32; 3],
    /// The system that it leads to.
    pub to_system: SystemId,
    /// The gate that it is paired with.
    pub to_gate: ObjectId,
}

#[cfg(test)]
mod tests;
