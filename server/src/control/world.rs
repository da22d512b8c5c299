//! What the control thread knows of the world: where characters begin, and what places and ships
//! are called.

use orrery_base::TypeId;
use orrery_game::content::ShipType;
use orrery_services::accounts::{Start, Station};
use orrery_services::character::Location;
use serde::Serialize;
use utoipa::ToSchema;

use crate::rules::context::SpaceContext;

/// Roles of hulls that a career begins with, the most fitting first.
const STARTER_ROLES: [&str; 3] = ["frigate", "corvette", "shuttle"];

/// How new characters begin: at the stations of the context, in a small ship of the empire that
/// holds the place.
pub(super) fn start(context: &SpaceContext) -> Start {
    let stations = context.starting_stations().filter_map(|fixture| {
        let empire = context
            .galaxy
            .system(fixture.grid.system())
            .map_or(0, |system| system.empire);
        Some(Station {
            grid: fixture.grid,
            station: fixture.entity,
            ship_type: starter(context.content.ships(), empire)?,
        })
    });
    Start {
        stations: stations.collect(),
    }
}

/// A fitting role counts most, then the empire, then the lowest id.
fn starter(ships: &[ShipType], empire: u8) -> Option<TypeId> {
    let rank = |ship: &&ShipType| {
        let role = STARTER_ROLES.iter().position(|role| *role == ship.role);
        (
            role.unwrap_or(STARTER_ROLES.len()),
            ship.empire != empire,
            ship.id,
        )
    };
    ships.iter().min_by_key(rank).map(|ship| ship.id)
}

/// A place, for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(super) struct Place {
    /// The star system.
    pub(super) system: String,
    /// The station, if the character is docked.
    pub(super) station: Option<String>,
}

/// What a location is called.
pub(super) fn place(context: &SpaceContext, location: &Location) -> Place {
    let system = context.galaxy.system(location.grid().system());
    let station = match location {
        Location::Docked { station, .. } => context.fixture(*station).map(|it| it.name.to_string()),
        Location::InSpace { .. } => None,
    };
    Place {
        system: system.map_or_else(String::new, |system| system.name.clone()),
        station,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orrery_game::content::compile;

    fn ship(id: u32, empire: u8, role: &str) -> ShipType {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
        let pack = compile(&folder).expect("the project's content compiles");
        ShipType {
            id: TypeId(id),
            empire,
            role: role.to_owned(),
            ..pack.ships[0].clone()
        }
    }

    #[test]
    fn newcomers_get_a_small_ship_of_the_place() {
        let ships = [
            ship(1, 1, "battleship"),
            ship(2, 1, "frigate"),
            ship(3, 2, "frigate"),
            ship(4, 2, "frigate"),
            ship(5, 3, "shuttle"),
        ];
        assert_eq!(starter(&ships, 2), Some(TypeId(3)));
        assert_eq!(starter(&ships, 1), Some(TypeId(2)));
        assert_eq!(
            starter(&ships, 9),
            Some(TypeId(2)),
            "nobody's land: the first frigate"
        );
        assert_eq!(starter(&ships[..1], 2), Some(TypeId(1)), "better than none");
        assert_eq!(starter(&[], 2), None);
    }
}
