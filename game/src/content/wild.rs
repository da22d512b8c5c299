//! What is out there: asteroids, mobile bubbles, factions and the ships that they fly; and named
//! fits, for newcomers, bots and those ships.

use super::{Content, ItemType, Shape, check};
use orrery_base::TypeId;
use orrery_base::money::Money;
use rkyv::{Archive, Deserialize, Serialize};

/// A kind of asteroid.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsteroidType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The name of the item that is dug out of it.
    pub ore: String,
    /// A line or two for players.
    pub description: String,
    /// Least and largest number of units in one.
    pub quantity: [u32; 2],
    /// Radius of one with the least and one with the largest number of units, m.
    pub radius_m: [f64; 2],
    /// Least and largest security, in tenths, of the systems where it is found, -10..=10.
    pub security_tenths: [i8; 2],
    /// How common it is where it is found, 1..=10,000.
    pub weight: u32,
}

/// What comes out of ore.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refining {
    /// The name of the ore, an item.
    pub ore: String,
    /// How many units go in at once, > 0.
    pub batch: u32,
    /// What comes out of that many with a perfect plant.
    pub yields: Vec<Yield>,
}

/// So much of a mineral.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Yield {
    /// The name of the mineral, an item.
    pub mineral: String,
    /// How many units of it, > 0.
    pub quantity: u32,
}

/// A mobile bubble: anchored somewhere, it keeps ships around it out of warp.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BubbleType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The group it is listed in, a [`Group::key`](super::Group::key).
    pub group: String,
    /// A line or two for players.
    pub description: String,
    /// What one takes up, litres, 1..=10¹².
    pub volume_l: u64,
    /// What one is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
    /// Radius of the device, m, > 0.
    pub radius_m: f64,
    /// Radius of the bubble, m, > 0.
    pub bubble_m: f64,
    /// How long anchoring takes, s.
    pub anchor_s: u32,
    /// How long it works, s.
    pub lifetime_s: u32,
    /// Shield, armour and hull, hp.
    pub hp: [f64; 3],
    /// Its signature, m.
    pub signature_m: f64,
}

impl BubbleType {
    pub(super) fn item(&self) -> ItemType {
        ItemType {
            id: self.id,
            name: self.name.clone(),
            group: self.group.clone(),
            description: self.description.clone(),
            volume_l: self.volume_l,
            base_price: self.base_price,
            is_marketable: true,
            shape: Shape::Bubble,
            hue: self.hue,
        }
    }
}

/// A power that nobody plays.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faction {
    /// Its number, 1..=250, no empire's.
    pub id: u8,
    /// What ships of it call it: small letters, digits and `_`, unique.
    pub key: String,
    /// Its name, unique.
    pub name: String,
    /// How things of it are called.
    pub adjective: String,
    /// A paragraph for players.
    pub description: String,
    /// Its colour on maps, 0xRRGGBB.
    pub colour: u32,
    /// Empires in whose space it is at home, by [`Empire::id`](super::Empire::id).
    pub homes: Vec<u8>,
}

/// Where ships of a faction are met.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// Asteroid belts.
    Belt,
    /// Gates.
    Gate,
    /// Small bases.
    Hideout,
    /// Large ones.
    Stronghold,
}

/// How often a kind is met at a kind of place.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Spawn {
    /// Where.
    pub site: Site,
    /// How often, beside the others that are met there, 1..=10,000.
    pub weight: u32,
}

/// What a wreck may hold beside the fit.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loot {
    /// The name of the item.
    pub item: String,
    /// Chance, per cent, above 0 to 100.
    pub chance_percent: f64,
    /// Least and largest quantity.
    pub quantity: [u32; 2],
}

/// A ship that no player flies.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpcType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// A [`Faction::key`].
    pub faction: String,
    /// A line or two for players.
    pub description: String,
    /// The name of its fit, and with it its hull.
    pub fit: String,
    /// The level of all of its skills, 0..=5.
    pub skill_level: u8,
    /// What is paid for it, cents.
    #[serde(rename = "bounty_cents", deserialize_with = "check::cents")]
    pub bounty: Money,
    /// How near one has to come to be attacked, m, surface to surface.
    pub aggro_m: u32,
    /// The orbit that it prefers, m, surface to surface.
    pub orbit_m: u32,
    /// Least and largest security, in tenths, of the systems where it is met, -10..=10.
    pub security_tenths: [i8; 2],
    /// Where it is met.
    pub spawns: Vec<Spawn>,
    /// What its wreck may hold.
    #[serde(default)]
    pub loot: Vec<Loot>,
}

/// Who is given a fit.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Archive,
    Serialize,
    Deserialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// New characters, and whoever is lent a ship.
    Newcomer,
    /// Bots.
    Bot,
    /// Ships that no player flies.
    Npc,
}

/// Some modules of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitLine {
    /// The name of the module.
    pub module: String,
    /// The name of what it is loaded with, as much as it takes.
    pub charge: Option<String>,
    /// How many of them, 1..=8.
    #[serde(default = "one")]
    pub count: u8,
}

const fn one() -> u8 {
    1
}

/// Some drones of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitDrones {
    /// The name of the drone.
    pub drone: String,
    /// How many of them, > 0.
    pub count: u16,
}

/// A ship as it is fitted, under a name. It is checked to fit when content is compiled.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFit {
    /// Its name, unique.
    pub name: String,
    /// The name of the hull.
    pub hull: String,
    /// Who is given it.
    pub purposes: Vec<Purpose>,
    /// The least level of all skills with which it fits, 0..=5.
    #[serde(default)]
    pub skill_level: u8,
    /// High slots from the first.
    #[serde(default)]
    pub high: Vec<FitLine>,
    /// Mid slots from the first.
    #[serde(default)]
    pub mid: Vec<FitLine>,
    /// Low slots from the first.
    #[serde(default)]
    pub low: Vec<FitLine>,
    /// Rigs from the first.
    #[serde(default)]
    pub rig: Vec<FitLine>,
    /// What is in the drone bay.
    #[serde(default)]
    pub drones: Vec<FitDrones>,
}

impl Content {
    /// Every kind of asteroid, by ascending number.
    #[must_use]
    pub fn asteroids(&self) -> &[AsteroidType] {
        &self.pack.asteroids
    }

    /// A kind of asteroid.
    #[must_use]
    pub fn asteroid(&self, id: TypeId) -> Option<&AsteroidType> {
        let at = self
            .asteroids()
            .binary_search_by_key(&id, |it| it.id)
            .ok()?;
        self.asteroids().get(at)
    }

    /// What comes out of ores, by their names.
    #[must_use]
    pub fn refinings(&self) -> &[Refining] {
        &self.pack.refinings
    }

    /// Every kind of mobile bubble, by ascending number.
    #[must_use]
    pub fn bubbles(&self) -> &[BubbleType] {
        &self.pack.bubbles
    }

    /// A kind of mobile bubble.
    #[must_use]
    pub fn bubble(&self, id: TypeId) -> Option<&BubbleType> {
        let at = self.bubbles().binary_search_by_key(&id, |it| it.id).ok()?;
        self.bubbles().get(at)
    }

    /// Every faction, by ascending number.
    #[must_use]
    pub fn factions(&self) -> &[Faction] {
        &self.pack.factions
    }

    /// Every ship that no player flies, by ascending number.
    #[must_use]
    pub fn npcs(&self) -> &[NpcType] {
        &self.pack.npcs
    }

    /// A ship that no player flies.
    #[must_use]
    pub fn npc(&self, id: TypeId) -> Option<&NpcType> {
        let at = self.npcs().binary_search_by_key(&id, |it| it.id).ok()?;
        self.npcs().get(at)
    }

    /// Every named fit, by name.
    #[must_use]
    pub fn fits(&self) -> &[NamedFit] {
        &self.pack.fits
    }

    /// The capsule of an empire: what is left to a pilot whose ship is lost.
    #[must_use]
    pub fn capsule(&self, empire: u8) -> Option<TypeId> {
        let mut capsules = self.ships().iter().filter(|it| it.systems.is_capsule);
        capsules.find(|it| it.empire == empire).map(|it| it.id)
    }
}
