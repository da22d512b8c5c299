//! The content of the game: hulls, stations, gates, empires, goods, the economy and the numbers
//! that designers retune, written as TOML, compiled to one pack, loaded once.
//!
//! ```text
//! content/*.toml ──compile──▶ Pack ──write──▶ file ──Content::open──▶ tables by TypeId
//!                  (file, line, reason)              (magic, version, hash, checked archive)
//! ```
//!
//! The pack is an rkyv archive behind a header with a magic number, the format's version and a
//! hash of the content, which client and server compare when they meet. [`Content::open`] maps
//! the file, checks it and copies it into owned tables: whatever happens to the file later, a
//! running server keeps what it has checked, and no lookup touches an archive again.
//!
//! What the systems need in every beat (radius, response, largest speed) stands in arrays that
//! are indexed by the number of the type, computed once at load.

mod charge;
mod check;
mod compile;
mod economy;
mod effect;
mod icon;
mod index;
mod item;
mod module;
mod pack;
mod systems;
mod wild;

pub use charge::{ChargeType, DroneType, Flight, SkillType};
pub use compile::{ContentError, compile};
pub use economy::{Economy, Faucet, Grant, MarketRules, PriceRule, Sink, Tap};
pub use effect::{Aim, Effect, Landing};
pub use icon::icon_svg;
pub(crate) use index::{Index, Target, Wired};
pub use item::{
    CONTAINER_GROUP, Clock, ContainerRole, ContainerType, Group, HULL_GROUP, ItemType,
    PackedContainer, Shape,
};
pub use module::{Hardpoint, ModifierRow, ModuleType, Rack, Size};
pub use pack::{FORMAT_VERSION, MAGIC, Pack, PackError};
pub(crate) use systems::{ARMOUR, DAMAGE, HEAT, HULL, SENSORS, SHIELD};
pub use systems::{HullSystems, Resonances};
pub use wild::{
    AsteroidType, BubbleType, Faction, FitDrones, FitLine, Loot, NamedFit, NpcType, Purpose,
    Refining, Site, Spawn, Yield,
};

use crate::afterburner::boosted_speed;
use crate::columns::Kind;
use orrery_base::TypeId;
use orrery_base::money::Money;
use orrery_base::motion::{response, velocity_from_m_per_s};
use rkyv::{Archive, Deserialize, Serialize};
use std::path::Path;

/// The largest number of a type: the tables are arrays indexed by it.
pub const TYPE_ID_MAX: u32 = 65_535;

/// A power of the known worlds.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empire {
    /// Its number, 1..=250; zero means nobody.
    pub id: u8,
    /// Its name, unique.
    pub name: String,
    /// How things of it are called: "a … cruiser".
    pub adjective: String,
    /// A paragraph for players.
    pub description: String,
    /// Its colour on maps, 0xRRGGBB.
    pub colour: u32,
}

/// An afterburner or drive as a hull carries it. Mass and thrust share a unit.
#[derive(Clone, Copy, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterburnerType {
    /// What it adds to the speed for a thrust equal to the mass, percent, > 0.
    pub speed_factor_percent: f64,
    /// Thrust, kg, > 0.
    pub thrust: f64,
    /// Mass that it adds while it burns, kg, ≥ 0.
    pub mass_addition_kg: f64,
}

/// A hull.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShipType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`].
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The empire that builds it, an [`Empire::id`].
    pub empire: u8,
    /// What it is for: "frigate", "freighter".
    pub role: String,
    /// A paragraph for players.
    pub description: String,
    /// Mass, kg, > 0.
    pub mass_kg: f64,
    /// Inertia, > 0: the time constant is mass · inertia / 10⁶ s.
    pub inertia: f64,
    /// The largest speed without an afterburner, m/s, > 0.
    pub max_speed_m_per_s: f64,
    /// Radius, m, > 0.
    pub radius_m: f64,
    /// Shield, hit points, > 0.
    pub shield_hp: u32,
    /// Armour, hit points, > 0.
    pub armour_hp: u32,
    /// Hull, hit points, > 0.
    pub hull_hp: u32,
    /// What its hold takes, m³.
    pub cargo_m3: u32,
    /// What it takes up itself while it is packed, m³, > 0.
    pub packed_m3: u32,
    /// What it is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// The afterburner, if the hull carries one.
    pub afterburner: Option<AfterburnerType>,
    /// Slots, sensors, capacitor and the like; a bare hull if it is absent.
    #[serde(default)]
    pub systems: HullSystems,
    /// What flying it changes: with a skill for each level of it, without one in any case.
    #[serde(default)]
    pub bonuses: Vec<ModifierRow>,
}

/// A kind of station.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StationType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`].
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The empire that builds it, or zero.
    pub empire: u8,
    /// A paragraph for players.
    pub description: String,
    /// Radius, m, > 0.
    pub radius_m: f64,
    /// How near a ship must be to dock, surface to surface, m.
    pub dock_range_m: u32,
    /// How far off the surface a ship is when it undocks, hull to hull, m.
    pub undock_clearance_m: u32,
    /// How fast it is then, percent of its largest speed, 0..=100.
    pub undock_speed_percent: u8,
}

/// A kind of gate.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`].
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// A paragraph for players.
    pub description: String,
    /// Radius, m, > 0.
    pub radius_m: f64,
    /// How near a ship must be to jump, surface to surface, m.
    pub activation_range_m: u32,
    /// How far off the gate's surface a ship arrives, m.
    pub arrival_range_m: u32,
}

/// What the navigation computer can hold.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Navigation {
    /// Where an approach ends, surface to surface, m.
    pub approach_range_m: u32,
    /// Least and largest range that can be kept, surface to surface, m.
    pub keep_range_m: [u32; 2],
    /// Least and largest range of an orbit, surface to surface, m.
    pub orbit_range_m: [u32; 2],
}

impl StationType {
    /// [`StationType::dock_range_m`] in centimetres.
    #[must_use]
    pub const fn dock_range_cm(&self) -> i32 {
        centimetres(self.dock_range_m)
    }

    /// [`StationType::undock_clearance_m`] in centimetres.
    #[must_use]
    pub const fn undock_clearance_cm(&self) -> i32 {
        centimetres(self.undock_clearance_m)
    }
}

impl GateType {
    /// [`GateType::activation_range_m`] in centimetres.
    #[must_use]
    pub const fn activation_range_cm(&self) -> i32 {
        centimetres(self.activation_range_m)
    }

    /// [`GateType::arrival_range_m`] in centimetres.
    #[must_use]
    pub const fn arrival_range_cm(&self) -> i32 {
        centimetres(self.arrival_range_m)
    }
}

impl Navigation {
    /// [`Navigation::approach_range_m`] in centimetres.
    #[must_use]
    pub const fn approach_range_cm(&self) -> i32 {
        centimetres(self.approach_range_m)
    }
}

/// Metres in centimetres. Every range of a checked pack is at most [`check::RANGE_M_MAX`], which
/// fits; what is larger saturates.
const fn centimetres(m: u32) -> i32 {
    let cm = m as u64 * 100;
    if cm > i32::MAX as u64 {
        i32::MAX
    } else {
        cm as i32
    }
}

/// A radius in centimetres, rounded to the nearest; that of a checked pack fits.
fn centimetres_of(radius_m: f64) -> i32 {
    (radius_m * 100.0 + 0.5) as i32
}

/// A hull's law of motion, with its afterburner off or on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Law {
    /// Time constant τ, s.
    pub tau_s: f64,
    /// The share of the way to the target velocity per beat, 2⁻³².
    pub response: u32,
    /// The largest speed, 2⁻¹⁴ centimetres per beat.
    pub max_speed: i32,
    /// Mass, kg.
    pub mass_kg: f64,
}

/// The content, checked and ready to be asked.
#[derive(Clone, Debug)]
pub struct Content {
    pack: Pack,
    hash: u64,
    /// By number of the type: what it is and where in the pack.
    entries: Vec<Option<(Kind, u16)>>,
    /// By number of the type: radius, or zero where there is no type.
    radius_cm: Vec<i32>,
    /// By number of the type: the laws with the afterburner off and on.
    laws: Vec<[Option<Law>; 2]>,
    /// All that can be owned, by ascending number.
    items: Vec<ItemType>,
    /// What new characters are given, by ascending number.
    grant: Vec<(TypeId, u64)>,
    /// Names and rows resolved, for fitting.
    index: Index,
}

impl Content {
    /// Maps a pack's file, checks it and copies it into tables.
    ///
    /// # Errors
    /// See [`PackError`]: whatever the file holds, this does not panic.
    pub fn open(path: &Path) -> Result<Self, PackError> {
        pack::map(path, Self::from_bytes)
    }

    /// Checks a pack's bytes and copies them into tables. The bytes need no alignment.
    ///
    /// # Errors
    /// See [`PackError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        Self::new(Pack::from_bytes(bytes)?)
    }

    /// Prepares the tables of a pack.
    ///
    /// # Errors
    /// [`PackError::Invalid`] if a value is out of its range.
    pub fn new(mut pack: Pack) -> Result<Self, PackError> {
        let invalid = |(row, fault): (check::Row, check::Fault)| PackError::Invalid {
            row: row.to_string(),
            reason: fault.to_string(),
        };
        pack.sort();
        check::pack(&pack).map_err(invalid)?;
        let content = Self::of_checked(pack);
        check::fits(&content, &content.pack.fits).map_err(invalid)?;
        Ok(content)
    }

    /// The tables of a pack whose rows have been checked, except for its fits.
    fn of_checked(mut pack: Pack) -> Self {
        pack.sort();
        let hash = pack.hash();
        let ids = pack.type_ids();
        let len = ids.iter().map(|id| id.0 as usize + 1).max().unwrap_or(0);
        let mut content = Self {
            entries: vec![None; len],
            radius_cm: vec![0; len],
            laws: vec![[None; 2]; len],
            items: item::of_pack(&pack),
            grant: Vec::new(),
            index: Index::of(&pack),
            pack: Pack::default(),
            hash,
        };
        for (index, ship) in pack.ships.iter().enumerate() {
            content.enter(ship.id, Kind::Ship, index, ship.radius_m);
            content.laws[ship.id.0 as usize] = [
                Some(law(ship, false)),
                ship.afterburner.map(|_| law(ship, true)),
            ];
        }
        for (index, station) in pack.stations.iter().enumerate() {
            content.enter(station.id, Kind::Station, index, station.radius_m);
        }
        for (index, gate) in pack.gates.iter().enumerate() {
            content.enter(gate.id, Kind::Gate, index, gate.radius_m);
        }
        for (index, container) in pack.containers.iter().enumerate() {
            content.radius_cm[container.id.0 as usize] = centimetres_of(container.radius_m);
            if container.role == ContainerRole::Wreck {
                content.enter(container.id, Kind::Wreck, index, container.radius_m);
            }
        }
        for drone in &pack.drones {
            content.radius_cm[drone.id.0 as usize] = centimetres_of(drone.radius_m);
        }
        for bubble in &pack.bubbles {
            content.radius_cm[bubble.id.0 as usize] = centimetres_of(bubble.radius_m);
        }
        for rock in &pack.asteroids {
            content.radius_cm[rock.id.0 as usize] = centimetres_of(rock.radius_m[1]);
        }
        content.pack = pack;
        content.resolve_grant();
        content
    }

    fn enter(&mut self, id: TypeId, kind: Kind, index: usize, radius_m: f64) {
        // Fewer than 2¹⁶ types have numbers below 2¹⁶, so the index fits.
        self.entries[id.0 as usize] = Some((kind, index as u16));
        self.radius_cm[id.0 as usize] = centimetres_of(radius_m);
    }

    /// The hash of the content: equal for equal content on every machine.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    fn entry(&self, id: TypeId, kind: Kind) -> Option<usize> {
        match self.entries.get(id.0 as usize) {
            Some(Some((found, index))) if *found == kind => Some(*index as usize),
            _ => None,
        }
    }

    /// What kind of thing in space a type is; `None` for goods.
    #[must_use]
    pub fn kind(&self, id: TypeId) -> Option<Kind> {
        self.entries
            .get(id.0 as usize)
            .copied()
            .flatten()
            .map(|(kind, _)| kind)
    }

    /// A hull.
    #[must_use]
    pub fn ship(&self, id: TypeId) -> Option<&ShipType> {
        self.pack.ships.get(self.entry(id, Kind::Ship)?)
    }

    /// A kind of station.
    #[must_use]
    pub fn station(&self, id: TypeId) -> Option<&StationType> {
        self.pack.stations.get(self.entry(id, Kind::Station)?)
    }

    /// A kind of gate.
    #[must_use]
    pub fn gate(&self, id: TypeId) -> Option<&GateType> {
        self.pack.gates.get(self.entry(id, Kind::Gate)?)
    }

    /// The name of a type.
    #[must_use]
    pub fn name(&self, id: TypeId) -> Option<&str> {
        match self.kind(id) {
            Some(Kind::Ship) => self.ship(id).map(|t| t.name.as_str()),
            Some(Kind::Station) => self.station(id).map(|t| t.name.as_str()),
            Some(Kind::Gate) => self.gate(id).map(|t| t.name.as_str()),
            Some(Kind::Wreck) | None => {
                let item = self.item(id).map(|t| t.name.as_str());
                item.or_else(|| self.container(id).map(|t| t.name.as_str()))
                    .or_else(|| self.skill(id).map(|t| t.name.as_str()))
                    .or_else(|| self.asteroid(id).map(|t| t.name.as_str()))
                    .or_else(|| self.npc(id).map(|t| t.name.as_str()))
            }
        }
    }

    /// The radius of a type, centimetres; zero for one that the pack does not have.
    #[must_use]
    pub fn radius_cm(&self, id: TypeId) -> i32 {
        self.radius_cm.get(id.0 as usize).copied().unwrap_or(0)
    }

    /// The law of motion of a hull, with its afterburner off or on. `None` if there is no such
    /// hull, or if it has no afterburner and that is asked for.
    #[must_use]
    pub fn law(&self, id: TypeId, afterburner: bool) -> Option<Law> {
        self.laws.get(id.0 as usize)?[usize::from(afterburner)]
    }

    /// An empire by its number.
    #[must_use]
    pub fn empire(&self, id: u8) -> Option<&Empire> {
        self.pack.empires.iter().find(|empire| empire.id == id)
    }

    /// Every empire, by ascending number.
    #[must_use]
    pub fn empires(&self) -> &[Empire] {
        &self.pack.empires
    }

    /// Every hull, by ascending number.
    #[must_use]
    pub fn ships(&self) -> &[ShipType] {
        &self.pack.ships
    }

    /// Every kind of station, by ascending number.
    #[must_use]
    pub fn stations(&self) -> &[StationType] {
        &self.pack.stations
    }

    /// Every kind of gate, by ascending number.
    #[must_use]
    pub fn gates(&self) -> &[GateType] {
        &self.pack.gates
    }

    /// The limits of orders.
    #[must_use]
    pub const fn navigation(&self) -> &Navigation {
        &self.pack.navigation
    }
}

/// The law of motion of a hull, with its afterburner (if it has one) off or on.
fn law(ship: &ShipType, burning: bool) -> Law {
    let (mass_kg, speed) = match ship.afterburner {
        Some(burner) if burning => (
            ship.mass_kg + burner.mass_addition_kg,
            boosted_speed(
                ship.max_speed_m_per_s,
                ship.mass_kg,
                burner.mass_addition_kg,
                burner.thrust,
                burner.speed_factor_percent,
            ),
        ),
        _ => (ship.mass_kg, ship.max_speed_m_per_s),
    };
    let tau_s = mass_kg * ship.inertia / 1e6;
    Law {
        tau_s,
        response: response(tau_s),
        max_speed: velocity_from_m_per_s(speed),
        mass_kg,
    }
}

#[cfg(test)]
mod tests;
