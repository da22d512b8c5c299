//! Names resolved: which rows change what, which groups go with which, computed once at load.
//!
//! Every list stands beside the table of the pack that it belongs to, by the same index. A name
//! that resolves to nothing leaves its row out; the checks refuse such content before.

use super::{Content, Group, ModifierRow, Pack, Size};
use crate::attribute::{Attribute, Modifier};
use orrery_base::TypeId;
use std::collections::BTreeMap;

/// What a row changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// The ship.
    Ship,
    /// The module itself, or that which the charge is in.
    Own,
    /// Every drone.
    Drones,
    /// Everything of a group, by its number.
    Group(u16),
}

/// A [`ModifierRow`] with its names resolved.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Wired {
    pub target: Target,
    pub size: Option<Size>,
    pub attribute: Attribute,
    pub modifier: Modifier,
    /// By the level of which skill the value is multiplied.
    pub skill: Option<TypeId>,
    pub is_bonus: bool,
}

/// Lists beside the tables of a pack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Of each hull: what it changes.
    pub hulls: Vec<Vec<Wired>>,
    /// Of each module: what it changes online, active, overheated.
    pub modules: Vec<[Vec<Wired>; 3]>,
    /// Of each module: its group.
    pub module_groups: Vec<u16>,
    /// Of each module: the groups of charges that it takes.
    pub module_charges: Vec<Vec<u16>>,
    /// Of each charge: what it changes.
    pub charges: Vec<Vec<Wired>>,
    /// Of each charge: its group.
    pub charge_groups: Vec<u16>,
    /// Of each drone: its group.
    pub drone_groups: Vec<u16>,
    /// Of each skill: what each level changes.
    pub skills: Vec<Vec<Wired>>,
    /// By name: every hull, module, charge, drone and good.
    names: BTreeMap<String, TypeId>,
}

/// The numbers of groups and skills by their keys.
struct Keys<'a> {
    groups: BTreeMap<&'a str, u16>,
    skills: BTreeMap<&'a str, TypeId>,
}

impl Keys<'_> {
    fn group(&self, key: &str) -> u16 {
        self.groups.get(key).copied().unwrap_or(0)
    }

    fn wire(&self, rows: &[ModifierRow]) -> Vec<Wired> {
        rows.iter().filter_map(|row| self.wired(row)).collect()
    }

    fn wired(&self, row: &ModifierRow) -> Option<Wired> {
        let target = match row.on.as_str() {
            "ship" => Target::Ship,
            "self" => Target::Own,
            "drones" => Target::Drones,
            key => Target::Group(*self.groups.get(key)?),
        };
        let skill = match &row.skill {
            Some(key) => Some(*self.skills.get(key.as_str())?),
            None => None,
        };
        Some(Wired {
            target,
            size: row.size,
            attribute: row.attribute,
            modifier: Modifier {
                operation: row.op,
                penalty: row.penalty,
                value: row.value,
            },
            skill,
            is_bonus: row.is_bonus,
        })
    }
}

impl Index {
    /// The lists of a pack whose rows stand by ascending number.
    pub(crate) fn of(pack: &Pack) -> Self {
        let keys = Keys {
            groups: pack
                .groups
                .iter()
                .map(|it| (it.key.as_str(), it.id))
                .collect(),
            skills: pack
                .skills
                .iter()
                .map(|it| (it.key.as_str(), it.id))
                .collect(),
        };
        let named = |id: TypeId, name: &str| (name.to_owned(), id);
        let ships = pack.ships.iter().map(|it| named(it.id, &it.name));
        let modules = pack.modules.iter().map(|it| named(it.id, &it.name));
        let charges = pack.charges.iter().map(|it| named(it.id, &it.name));
        let drones = pack.drones.iter().map(|it| named(it.id, &it.name));
        let items = pack.items.iter().map(|it| named(it.id, &it.name));
        Self {
            hulls: pack.ships.iter().map(|it| keys.wire(&it.bonuses)).collect(),
            modules: pack
                .modules
                .iter()
                .map(|it| [&it.passive, &it.active, &it.overheated].map(|rows| keys.wire(rows)))
                .collect(),
            module_groups: pack
                .modules
                .iter()
                .map(|it| keys.group(&it.group))
                .collect(),
            module_charges: pack
                .modules
                .iter()
                .map(|it| it.charge_groups.iter().map(|key| keys.group(key)).collect())
                .collect(),
            charges: pack
                .charges
                .iter()
                .map(|it| keys.wire(&it.loaded))
                .collect(),
            charge_groups: pack
                .charges
                .iter()
                .map(|it| keys.group(&it.group))
                .collect(),
            drone_groups: pack.drones.iter().map(|it| keys.group(&it.group)).collect(),
            skills: pack
                .skills
                .iter()
                .map(|it| keys.wire(&it.per_level))
                .collect(),
            names: ships
                .chain(modules)
                .chain(charges)
                .chain(drones)
                .chain(items)
                .collect(),
        }
    }
}

impl Content {
    /// The lists beside the tables.
    pub(crate) const fn index(&self) -> &Index {
        &self.index
    }

    /// The number of a hull, module, charge, drone or good by its exact name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<TypeId> {
        self.index.names.get(name).copied()
    }

    /// A group by its number.
    #[must_use]
    pub fn group_by_id(&self, id: u16) -> Option<&Group> {
        self.groups().iter().find(|it| it.id == id)
    }

    /// Where a hull stands in its table.
    pub(crate) fn ship_at(&self, id: TypeId) -> Option<usize> {
        self.ships().binary_search_by_key(&id, |it| it.id).ok()
    }

    /// Where a module stands in its table.
    pub(crate) fn module_at(&self, id: TypeId) -> Option<usize> {
        self.modules().binary_search_by_key(&id, |it| it.id).ok()
    }

    /// Where a charge stands in its table.
    pub(crate) fn charge_at(&self, id: TypeId) -> Option<usize> {
        self.charges().binary_search_by_key(&id, |it| it.id).ok()
    }

    /// Where a drone stands in its table.
    pub(crate) fn drone_at(&self, id: TypeId) -> Option<usize> {
        self.drones().binary_search_by_key(&id, |it| it.id).ok()
    }

    /// Where a skill stands in its table.
    pub(crate) fn skill_at(&self, id: TypeId) -> Option<usize> {
        self.skills().binary_search_by_key(&id, |it| it.id).ok()
    }
}
