//! What never changes while the server runs: the content pack and the fixed things of the
//! galaxy, prepared for lookups by entity and by grid.

use std::collections::BTreeMap;

use orrery_base::{EntityId, GridId, ObjectId, TypeId};
use orrery_game::columns::Kind;
use orrery_game::content::Content;
use orrery_game::fight::Loadouts;
use orrery_game::galaxy::Galaxy;
use orrery_game::steer::Contact;

/// A station or a gate.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Its entity.
    pub entity: EntityId,
    /// What it is.
    pub kind: Kind,
    /// Its type in the content pack.
    pub type_id: TypeId,
    /// The grid that it stands on.
    pub grid: GridId,
    /// Where, centimetres from the grid's origin.
    pub position_cm: [i32; 3],
    /// Its name.
    pub name: Box<str>,
}

/// Where a gate leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The grid on the other side.
    pub grid: GridId,
    /// The gate on the other side.
    pub gate: ObjectId,
}

/// The galaxy has something that the content pack does not know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the galaxy does not fit the content pack: {name} (grid {grid}) is of type {type_id}, and the \
     pack has no such {kind}; compile the content that the galaxy was made with, or generate the \
     galaxy anew"
)]
pub struct Misfit {
    /// What the thing is.
    pub kind: &'static str,
    /// Its type.
    pub type_id: TypeId,
    /// Its name.
    pub name: Box<str>,
    /// Where it is.
    pub grid: GridId,
}

/// What the rules of space read besides the grid's own state.
pub struct SpaceContext {
    /// The content pack.
    pub content: Content,
    /// The galaxy.
    pub galaxy: Galaxy,
    /// What is fitted to the hulls.
    pub loadouts: Loadouts,
    fixtures: BTreeMap<EntityId, Fixture>,
    links: BTreeMap<EntityId, Link>,
    by_grid: BTreeMap<GridId, Vec<EntityId>>,
}

impl SpaceContext {
    /// Prepares a galaxy. Every system has a hub grid, and the galaxy's own validation has made
    /// sure that gates come in pairs.
    #[must_use]
    pub fn new(content: Content, galaxy: Galaxy) -> Self {
        let mut fixtures = BTreeMap::new();
        let mut links = BTreeMap::new();
        let mut by_grid: BTreeMap<GridId, Vec<EntityId>> = BTreeMap::new();
        for system in &galaxy.systems {
            let grid = GridId::hub_of(system.id);
            let on_grid = by_grid.entry(grid).or_default();
            for station in &system.stations {
                let entity = EntityId::of_object(station.object);
                on_grid.push(entity);
                let fixture = Fixture {
                    entity,
                    kind: Kind::Station,
                    type_id: station.type_id,
                    grid,
                    position_cm: station.position_cm,
                    name: station.name.as_str().into(),
                };
                fixtures.insert(entity, fixture);
            }
            for gate in &system.gates {
                let entity = EntityId::of_object(gate.object);
                on_grid.push(entity);
                links.insert(
                    entity,
                    Link {
                        grid: GridId::hub_of(gate.to_system),
                        gate: gate.to_gate,
                    },
                );
                let fixture = Fixture {
                    entity,
                    kind: Kind::Gate,
                    type_id: gate.type_id,
                    grid,
                    position_cm: gate.position_cm,
                    name: gate.name.as_str().into(),
                };
                fixtures.insert(entity, fixture);
            }
        }
        Self {
            loadouts: Loadouts::of(&content),
            content,
            galaxy,
            fixtures,
            links,
            by_grid,
        }
    }

    /// Whether the content pack knows every station and gate of the galaxy: the rules rely on it.
    ///
    /// # Errors
    /// The first that it does not know.
    pub fn check(&self) -> Result<(), Misfit> {
        for fixture in self.fixtures.values() {
            let (kind, is_known) = match fixture.kind {
                Kind::Gate => ("gate", self.content.gate(fixture.type_id).is_some()),
                _ => ("station", self.content.station(fixture.type_id).is_some()),
            };
            if !is_known {
                let Fixture { type_id, grid, .. } = *fixture;
                return Err(Misfit {
                    kind,
                    type_id,
                    name: fixture.name.clone(),
                    grid,
                });
            }
        }
        Ok(())
    }

    /// The grids of the galaxy, ascending.
    pub fn grids(&self) -> impl Iterator<Item = GridId> + '_ {
        self.by_grid.keys().copied()
    }

    /// Whether the galaxy has this grid.
    #[must_use]
    pub fn has_grid(&self, grid: GridId) -> bool {
        self.by_grid.contains_key(&grid)
    }

    /// A station or a gate.
    #[must_use]
    pub fn fixture(&self, entity: EntityId) -> Option<&Fixture> {
        self.fixtures.get(&entity)
    }

    /// The stations and gates of a grid.
    pub fn fixtures_of(&self, grid: GridId) -> impl Iterator<Item = &Fixture> + '_ {
        self.by_grid
            .get(&grid)
            .into_iter()
            .flatten()
            .filter_map(|entity| self.fixtures.get(entity))
    }

    /// Where a gate leads.
    #[must_use]
    pub fn link(&self, gate: EntityId) -> Option<Link> {
        self.links.get(&gate).copied()
    }

    /// The first station of the galaxy's systems, in order: where new characters begin.
    pub fn starting_stations(&self) -> impl Iterator<Item = &Fixture> + '_ {
        self.galaxy.systems.iter().filter_map(|system| {
            let station = system.stations.first()?;
            self.fixture(EntityId::of_object(station.object))
        })
    }
}

impl Fixture {
    /// The fixture as steering and commands see it.
    #[must_use]
    pub fn contact(&self, content: &Content) -> Contact {
        Contact {
            kind: self.kind,
            type_id: self.type_id,
            position_cm: self.position_cm,
            velocity: [0; 3],
            radius_cm: content.radius_cm(self.type_id),
        }
    }
}
