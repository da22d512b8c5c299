//! Things that can be owned, stacked and carried: goods, packed hulls, packed containers, modules,
//! charges, drones, mobile bubbles.
//!
//! An [`ItemType`] is written as such (`[[item]]`), or follows from one of the others at load, under the same number: the number of a hull is also that of the hull in its crate. The
//! pack holds what was written; [`Content::items`](super::Content::items) is all of them by
//! ascending number, searched by halving: seven steps for a hundred types.

use super::{BubbleType, ChargeType, Content, DroneType, ModuleType, Pack, ShipType, check};
use orrery_base::TypeId;
use orrery_base::money::Money;
use rkyv::{Archive, Deserialize, Serialize};

/// The [`Group::key`] of packed hulls.
pub const HULL_GROUP: &str = "hull";
/// The [`Group::key`] of packed containers.
pub const CONTAINER_GROUP: &str = "container";

/// Litres in a cubic metre.
const LITRES_PER_M3: u64 = 1_000;

/// A group of items, as a market lists them.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its number, 1..=1,000: groups are listed by it.
    pub id: u16,
    /// What items call it: at most 24 small letters, digits and `_`, unique.
    pub key: String,
    /// Its name, unique.
    pub name: String,
    /// A sentence for players.
    pub description: String,
}

/// What an item's icon shows, see [`icon_svg`](super::icon_svg).
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
pub enum Shape {
    /// A lump with facets.
    Rock,
    /// Three prisms.
    Crystal,
    /// A stack of bars.
    Ingot,
    /// A box with straps.
    Crate,
    /// A tied sack.
    Sack,
    /// A bottle, more or less full.
    Flask,
    /// A barrel with hoops.
    Drum,
    /// A sheet with lines.
    Sheet,
    /// A ball with a ring.
    Orb,
    /// Windings around a core.
    Coil,
    /// A board with traces.
    Board,
    /// A toothed wheel.
    Gear,
    /// A broken plate.
    Shard,
    /// A box with a lock.
    Vault,
    /// A stack of plates.
    Plate,
    /// A ring.
    Ring,
    /// A coin with a star.
    Coin,
    /// A ship from above.
    Hull,
    /// A gun on a mount.
    Turret,
    /// Tubes in a frame.
    Launcher,
    /// A dish with waves.
    Emitter,
    /// A shield with a bow.
    Shield,
    /// A nozzle with its flame.
    Engine,
    /// A battery with its charge.
    Cell,
    /// A chip with legs.
    Chip,
    /// A bracket with bolts.
    Rig,
    /// A cartridge.
    Shell,
    /// A missile.
    Missile,
    /// A lens in a mount.
    Lens,
    /// A card with holes.
    Script,
    /// A probe with vanes.
    Probe,
    /// A drill.
    Drill,
    /// A drone with four arms.
    Drone,
    /// A bubble around a device.
    Bubble,
    /// A round bomb.
    Bomb,
    /// A hull behind lines.
    Cloak,
}

impl Shape {
    /// Every shape there is.
    pub const ALL: [Self; 36] = [
        Self::Rock,
        Self::Crystal,
        Self::Ingot,
        Self::Crate,
        Self::Sack,
        Self::Flask,
        Self::Drum,
        Self::Sheet,
        Self::Orb,
        Self::Coil,
        Self::Board,
        Self::Gear,
        Self::Shard,
        Self::Vault,
        Self::Plate,
        Self::Ring,
        Self::Coin,
        Self::Hull,
        Self::Turret,
        Self::Launcher,
        Self::Emitter,
        Self::Shield,
        Self::Engine,
        Self::Cell,
        Self::Chip,
        Self::Rig,
        Self::Shell,
        Self::Missile,
        Self::Lens,
        Self::Script,
        Self::Probe,
        Self::Drill,
        Self::Drone,
        Self::Bubble,
        Self::Bomb,
        Self::Cloak,
    ];
}

/// Something that can be owned.
#[derive(Clone, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// The group it is listed in, a [`Group::key`].
    pub group: String,
    /// A line or two for players.
    pub description: String,
    /// What one unit takes up, litres (thousandths of a cubic metre), 1..=10¹².
    pub volume_l: u64,
    /// What one unit is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// It may be traded on markets.
    pub is_marketable: bool,
    /// What its icon shows.
    pub shape: Shape,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
}

impl ItemType {
    /// What so many units take up, litres. Any number of units will do.
    #[must_use]
    pub const fn litres(&self, quantity: u64) -> u128 {
        self.volume_l as u128 * quantity as u128
    }

    fn of_hull(ship: &ShipType, colour: u32) -> Self {
        Self {
            id: ship.id,
            name: ship.name.clone(),
            group: HULL_GROUP.to_owned(),
            description: ship.description.clone(),
            volume_l: ship.packed_l(),
            base_price: ship.base_price,
            is_marketable: true,
            shape: Shape::Hull,
            hue: hue_of(colour),
        }
    }

    fn of_container(container: &ContainerType, packed: &PackedContainer) -> Self {
        Self {
            id: container.id,
            name: container.name.clone(),
            group: CONTAINER_GROUP.to_owned(),
            description: container.description.clone(),
            volume_l: packed.volume_l,
            base_price: packed.base_price,
            is_marketable: true,
            shape: Shape::Vault,
            hue: packed.hue,
        }
    }
}

impl ShipType {
    /// [`ShipType::cargo_m3`] in litres.
    #[must_use]
    pub const fn cargo_l(&self) -> u64 {
        self.cargo_m3 as u64 * LITRES_PER_M3
    }

    /// [`ShipType::packed_m3`] in litres.
    #[must_use]
    pub const fn packed_l(&self) -> u64 {
        self.packed_m3 as u64 * LITRES_PER_M3
    }
}

/// Which time a lifetime is counted in.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The own time of the grid that the thing is on: slower under dilation.
    Simulation,
    /// The time of day.
    Wall,
}

/// What a container is for.
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
pub enum ContainerRole {
    /// What is thrown out of a hold floats in it. There is exactly one.
    Jettison,
    /// What is left of a ship. There is exactly one.
    Wreck,
    /// A box that players set out, with a password. Packed, it is an item.
    Secure,
}

/// A container as an item.
#[derive(
    Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize, serde::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct PackedContainer {
    /// What it takes up, litres, 1..=10¹²; less than what it holds.
    pub volume_l: u64,
    /// What it is worth before a market has an opinion, cents, > 0.
    #[serde(rename = "base_price_cents", deserialize_with = "check::cents")]
    pub base_price: Money,
    /// Its icon's hue, degrees, 0..=359.
    pub hue: u16,
}

/// A kind of container in space.
#[derive(Clone, PartialEq, Debug, Archive, Serialize, Deserialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerType {
    /// Its number, unique among all types, 1..=[`TYPE_ID_MAX`](super::TYPE_ID_MAX).
    #[serde(deserialize_with = "check::type_id")]
    pub id: TypeId,
    /// Its name, unique among all types.
    pub name: String,
    /// What it is for.
    pub role: ContainerRole,
    /// A line or two for players.
    pub description: String,
    /// What fits in, m³, > 0.
    pub capacity_m3: u32,
    /// Radius, m, > 0.
    pub radius_m: f64,
    /// How long it is there, seconds of its clock, at most 10 years; zero for ever.
    pub lifetime_s: u64,
    /// Which time that is.
    pub clock: Clock,
    /// The lifetime begins again whenever somebody opens it.
    pub is_renewed_by_use: bool,
    /// It vanishes once it is empty.
    pub vanishes_empty: bool,
    /// Its owner may lock it with a password. Only those with [`ContainerRole::Secure`].
    pub has_password: bool,
    /// How it is packed: present with [`ContainerRole::Secure`], absent otherwise.
    pub packed: Option<PackedContainer>,
}

impl ContainerType {
    /// [`ContainerType::capacity_m3`] in litres.
    #[must_use]
    pub const fn capacity_l(&self) -> u64 {
        self.capacity_m3 as u64 * LITRES_PER_M3
    }
}

/// Everything in a pack that can be owned, by ascending number.
pub(super) fn of_pack(pack: &Pack) -> Vec<ItemType> {
    let colour = |id: u8| {
        let empire = pack.empires.iter().find(|empire| empire.id == id);
        empire.map_or(0, |empire| empire.colour)
    };
    let hulls = pack
        .ships
        .iter()
        .map(|ship| ItemType::of_hull(ship, colour(ship.empire)));
    let containers = pack.containers.iter().filter_map(|container| {
        let packed = container.packed.as_ref()?;
        Some(ItemType::of_container(container, packed))
    });
    let mut items: Vec<ItemType> = pack.items.clone();
    items.extend(hulls);
    items.extend(containers);
    items.extend(pack.modules.iter().map(ModuleType::item));
    items.extend(pack.charges.iter().map(ChargeType::item));
    items.extend(pack.drones.iter().map(DroneType::item));
    items.extend(pack.bubbles.iter().map(BubbleType::item));
    items.sort_by_key(|it| it.id);
    items
}

/// The hue of a colour 0xRRGGBB, degrees, 0..=359; zero for greys.
fn hue_of(colour: u32) -> u16 {
    let [red, green, blue] = [16, 8, 0].map(|shift| (colour >> shift & 0xff) as i32);
    let most = red.max(green).max(blue);
    let span = most - red.min(green).min(blue);
    if span == 0 {
        return 0;
    }
    let degrees = if most == red {
        60 * (green - blue) / span
    } else if most == green {
        120 + 60 * (blue - red) / span
    } else {
        240 + 60 * (red - green) / span
    };
    // The remainder of a division by 360, never negative.
    degrees.rem_euclid(360) as u16
}

impl Content {
    /// Something that can be owned: a good, a packed hull, a packed container.
    #[must_use]
    pub fn item(&self, id: TypeId) -> Option<&ItemType> {
        let at = self.items.binary_search_by_key(&id, |it| it.id).ok()?;
        self.items.get(at)
    }

    /// Everything that can be owned, by ascending number.
    #[must_use]
    pub fn items(&self) -> &[ItemType] {
        &self.items
    }

    /// A group by its key.
    #[must_use]
    pub fn group(&self, key: &str) -> Option<&Group> {
        self.groups().iter().find(|group| group.key == key)
    }

    /// Every group, by ascending number.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.pack.groups
    }

    /// A kind of container in space.
    #[must_use]
    pub fn container(&self, id: TypeId) -> Option<&ContainerType> {
        let containers = self.containers();
        let at = containers.binary_search_by_key(&id, |it| it.id).ok()?;
        containers.get(at)
    }

    /// Every kind of container, by ascending number.
    #[must_use]
    pub fn containers(&self) -> &[ContainerType] {
        &self.pack.containers
    }

    /// What jettisoned goods float in.
    #[must_use]
    pub fn jettison(&self) -> &ContainerType {
        self.only(ContainerRole::Jettison)
    }

    /// What is left of a ship.
    #[must_use]
    pub fn wreck(&self) -> &ContainerType {
        self.only(ContainerRole::Wreck)
    }

    fn only(&self, role: ContainerRole) -> &ContainerType {
        let mut found = self.containers().iter().filter(|it| it.role == role);
        found
            .next()
            .expect("no content is made without this container (check::economy)")
    }
}
