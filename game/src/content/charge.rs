//! What goes into modules and bays: charges and drones; and skills, whose rows change all else.

use super::systems::DAMAGE;
use super::{Content, Effect, ItemType, ModifierRow, Shape, Size, check};
use crate::attribute::Attribute;
use orrery_base::TypeId;
use orrery_base::money::Money;
use rkyv::{Archive, Deserialize, Serialize};

/// How a missile or a bomb flies and bursts.
#[derive(Clone, Copy, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flight {
    /// See [`Attribute::MissileSpeed`].
    pub speed_m_per_s: f64,
    /// See [`Attribute::FlightS`].
    pub flight_s: f64,
    /// See [`Attribute::MissileHp`].
    pub hp: f64,
    /// See [`Attribute::ExplosionRadiusM`].
    pub explosion_radius_m: f64,
    /// See [`Attribute::ExplosionVelocity`].
    pub explosion_velocity_m_per_s: f64,
    /// See [`Attribute::DamageReduction`].
    pub damage_reduction: f64,
}

/// Something that a module is loaded with: ammunition, a missile, a script, a probe, a crystal.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargeType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The group by which modules take it, a [`Group::key`](super::Group::key).
    pub group: String,
    /// A line or two for players.
    pub description: String,
    /// What one takes up, litres, 1..=10¹².
    pub volume_l: u64,
    /// What one is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// What its icon shows.
    pub shape: Shape,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
    /// Its size; absent for what fits modules of any.
    pub size: Option<Size>,
    /// Using it does not use it up: scripts and crystals.
    #[serde(default)]
    pub is_kept: bool,
    /// Damage: electromagnetic, thermal, kinetic, explosive.
    #[serde(default)]
    pub damage: [f64; 4],
    /// How it flies; absent for what does not.
    pub flight: Option<Flight>,
    /// See [`Attribute::RadiusM`]: bombs and probes.
    #[serde(default)]
    pub radius_m: f64,
    /// See [`Attribute::LifeS`]: probes.
    #[serde(default)]
    pub life_s: f64,
    /// See [`Attribute::ScanStrength`]: scan probes.
    #[serde(default)]
    pub scan_strength: f64,
    /// Names of the ores that a crystal is cut for: on others its rows do not count. Empty for
    /// what is no crystal.
    #[serde(default)]
    pub ores: Vec<String>,
    /// What it changes of the module that it is in.
    #[serde(default)]
    pub loaded: Vec<ModifierRow>,
}

impl ChargeType {
    /// Shows `f` every number that is an attribute, with the field's path in TOML.
    pub(crate) fn visit(&self, f: &mut dyn FnMut(&'static str, Attribute, f64)) {
        use Attribute as A;
        for (attribute, value) in DAMAGE.into_iter().zip(self.damage) {
            f("damage", attribute, value);
        }
        f("radius_m", A::RadiusM, self.radius_m);
        f("life_s", A::LifeS, self.life_s);
        f("scan_strength", A::ScanStrength, self.scan_strength);
        let Some(flight) = self.flight else {
            return;
        };
        for (field, attribute, value) in [
            (
                "flight.speed_m_per_s",
                A::MissileSpeed,
                flight.speed_m_per_s,
            ),
            ("flight.flight_s", A::FlightS, flight.flight_s),
            ("flight.hp", A::MissileHp, flight.hp),
            (
                "flight.explosion_radius_m",
                A::ExplosionRadiusM,
                flight.explosion_radius_m,
            ),
            (
                "flight.explosion_velocity_m_per_s",
                A::ExplosionVelocity,
                flight.explosion_velocity_m_per_s,
            ),
            (
                "flight.damage_reduction",
                A::DamageReduction,
                flight.damage_reduction,
            ),
        ] {
            f(field, attribute, value);
        }
    }

    pub(super) fn item(&self) -> ItemType {
        ItemType {
            id: self.id,
            name: self.name.clone(),
            group: self.group.clone(),
            description: self.description.clone(),
            volume_l: self.volume_l,
            base_price: self.base_price,
            is_marketable: true,
            shape: self.shape,
            hue: self.hue,
        }
    }
}

/// A drone.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DroneType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The group it is listed in, a [`Group::key`](super::Group::key).
    pub group: String,
    /// A line or two for players.
    pub description: String,
    /// What one takes up, litres, 1..=10¹²: in the drone bay as in a hold.
    pub volume_l: u64,
    /// What one is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
    /// Its size.
    pub size: Size,
    /// See [`Attribute::DroneBandwidth`].
    pub bandwidth: f64,
    /// Radius, m, > 0.
    pub radius_m: f64,
    /// See [`Attribute::SignatureM`].
    pub signature_m: f64,
    /// See [`Attribute::MaxSpeed`].
    pub max_speed_m_per_s: f64,
    /// Mass, kg.
    pub mass_kg: f64,
    /// Inertia, as of ships.
    pub inertia: f64,
    /// Shield, armour and hull, hp.
    pub hp: [f64; 3],
    /// See [`Attribute::OrbitM`].
    pub orbit_m: f64,
    /// See [`Attribute::CycleS`].
    pub cycle_s: f64,
    /// See [`Attribute::OptimalM`].
    pub optimal_m: f64,
    /// See [`Attribute::FalloffM`].
    #[serde(default)]
    pub falloff_m: f64,
    /// Damage before the multiplier of its gun: electromagnetic, thermal, kinetic, explosive.
    #[serde(default)]
    pub damage: [f64; 4],
    /// What it does to what it is sent against.
    pub effect: Effect,
}

impl DroneType {
    /// Shows `f` every number that is an attribute, with the field's name in TOML.
    pub(crate) fn visit(&self, f: &mut dyn FnMut(&'static str, Attribute, f64)) {
        use Attribute as A;
        for (field, attribute, value) in [
            ("bandwidth", A::DroneBandwidth, self.bandwidth),
            ("signature_m", A::SignatureM, self.signature_m),
            ("max_speed_m_per_s", A::MaxSpeed, self.max_speed_m_per_s),
            ("mass_kg", A::MassKg, self.mass_kg),
            ("inertia", A::Inertia, self.inertia),
            ("hp", A::ShieldHp, self.hp[0]),
            ("hp", A::ArmourHp, self.hp[1]),
            ("hp", A::HullHp, self.hp[2]),
            ("orbit_m", A::OrbitM, self.orbit_m),
            ("cycle_s", A::CycleS, self.cycle_s),
            ("optimal_m", A::OptimalM, self.optimal_m),
            ("falloff_m", A::FalloffM, self.falloff_m),
        ] {
            f(field, attribute, value);
        }
        for (attribute, value) in DAMAGE.into_iter().zip(self.damage) {
            f("damage", attribute, value);
        }
        let mut effect = self.effect;
        effect.visit(&mut |attribute, value| f("effect", attribute, *value));
    }

    pub(super) fn item(&self) -> ItemType {
        ItemType {
            id: self.id,
            name: self.name.clone(),
            group: self.group.clone(),
            description: self.description.clone(),
            volume_l: self.volume_l,
            base_price: self.base_price,
            is_marketable: true,
            shape: Shape::Drone,
            hue: self.hue,
        }
    }
}

/// A skill of characters.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// What rows call it: at most 24 small letters, digits and `_`, unique.
    pub key: String,
    /// Its name, unique among all types.
    pub name: String,
    /// A line or two for players.
    pub description: String,
    /// How much longer than the simplest skill it takes to learn, 1..=16.
    pub rank: u8,
    /// What each level of it changes.
    #[serde(default)]
    pub per_level: Vec<ModifierRow>,
}

impl Content {
    /// A charge.
    #[must_use]
    pub fn charge(&self, id: TypeId) -> Option<&ChargeType> {
        self.charges().get(self.charge_at(id)?)
    }

    /// Every charge, by ascending number.
    #[must_use]
    pub fn charges(&self) -> &[ChargeType] {
        &self.pack.charges
    }

    /// A drone.
    #[must_use]
    pub fn drone(&self, id: TypeId) -> Option<&DroneType> {
        self.drones().get(self.drone_at(id)?)
    }

    /// Every drone, by ascending number.
    #[must_use]
    pub fn drones(&self) -> &[DroneType] {
        &self.pack.drones
    }

    /// A skill.
    #[must_use]
    pub fn skill(&self, id: TypeId) -> Option<&SkillType> {
        self.skills().get(self.skill_at(id)?)
    }

    /// Every skill, by ascending number.
    #[must_use]
    pub fn skills(&self) -> &[SkillType] {
        &self.pack.skills
    }
}
