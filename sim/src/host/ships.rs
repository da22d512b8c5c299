//! Conservation: every ship is in one place, and its character's row says so.
//!
//! A ship is a row that is no trace, or a message. It may only vanish where the rules put it away:
//! its pilot logged off in space, or has been gone for long from a station. Its row then says
//! where it will be again.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use orrery_base::{CharacterId, EntityId, GridId, Tick};
use orrery_kernel::rules::Envelope;
use orrery_kernel::world::World;
use orrery_server::rules::Space;
use orrery_server::rules::columns::{NO_CLIENT, Presence};
use orrery_server::rules::input::Message;
use orrery_server::rules::presence::is_ship;
use orrery_services::character::{CharacterRow, Location};

/// Where a ship is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whereabouts {
    InSpace(GridId),
    Docked(GridId, EntityId),
    UnderWay(GridId),
}

/// What is known of a ship that is somewhere.
#[derive(Clone, Copy, Debug)]
struct Known {
    place: Whereabouts,
    character: CharacterId,
    version: u32,
    has_client: bool,
    until: u64,
}

/// The ships as of the last beat.
#[derive(Debug, Default)]
pub struct Ships {
    known: BTreeMap<EntityId, Known>,
    /// Ships that have logged off in space, whose trace is still there.
    logged_off: BTreeMap<EntityId, GridId>,
}

impl Ships {
    /// Looks at all ships after beat `tick`.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check<'a>(
        &mut self,
        tick: Tick,
        world: &World<Space>,
        on_their_way: impl Iterator<Item = &'a Envelope<Message>>,
        rows: Option<&BTreeMap<Vec<u8>, Vec<u8>>>,
    ) -> anyhow::Result<()> {
        let former = std::mem::take(&mut self.known);
        self.logged_off.clear();
        for grid in world.grids() {
            self.look(world, grid)?;
        }
        for envelope in on_their_way {
            let Message::Arrive { ship, row, .. } = &envelope.message;
            let known = Known {
                place: Whereabouts::UnderWay(envelope.to),
                character: row.ship.owner,
                version: row.pilot.version,
                has_client: row.pilot.client != NO_CLIENT,
                until: 0,
            };
            self.note(*ship, known)?;
        }
        for (ship, before) in &former {
            if !self.known.contains_key(ship) {
                self.may_vanish(tick, *ship, before)?;
            }
        }
        for (ship, known) in &self.known {
            let key = CharacterRow::key(known.character);
            let row = rows.and_then(|rows| rows.get(key.as_slice()));
            let row = row.with_context(|| format!("ship {ship} has no character"))?;
            compare(*ship, known, &CharacterRow::decode(row)?)?;
        }
        Ok(())
    }

    fn look(&mut self, world: &World<Space>, grid: GridId) -> anyhow::Result<()> {
        let mut problem = Ok(());
        world.each_part(grid, |part| {
            let columns = part.table.columns();
            for (row, &ship) in part.table.ids().iter().enumerate() {
                if !is_ship(columns, row) {
                    continue;
                }
                let place = match columns.presence(row) {
                    Presence::InSpace => Whereabouts::InSpace(grid),
                    Presence::Docked => {
                        Whereabouts::Docked(grid, EntityId(columns.pilot.place[row]))
                    }
                    Presence::Trace => {
                        if columns.pilot.place[row] == 0 {
                            self.logged_off.insert(ship, grid);
                        }
                        continue;
                    }
                };
                let known = Known {
                    place,
                    character: columns.ship.owner[row],
                    version: columns.pilot.version[row],
                    has_client: columns.pilot.client[row] != NO_CLIENT,
                    until: columns.pilot.until[row],
                };
                if problem.is_ok() {
                    problem = self.note(ship, known);
                }
            }
        });
        problem
    }

    fn note(&mut self, ship: EntityId, known: Known) -> anyhow::Result<()> {
        let place = known.place;
        match self.known.insert(ship, known) {
            None => Ok(()),
            Some(other) => bail!(
                "ship {ship} is in two places: {:?} and {place:?}",
                other.place
            ),
        }
    }

    fn may_vanish(&self, tick: Tick, ship: EntityId, before: &Known) -> anyhow::Result<()> {
        let is_due = before.until != 0 && before.until <= tick.0;
        let is_allowed = match before.place {
            Whereabouts::InSpace(grid) => is_due && self.logged_off.get(&ship) == Some(&grid),
            Whereabouts::Docked(..) => is_due,
            Whereabouts::UnderWay(_) => false,
        };
        ensure!(
            is_allowed && !before.has_client,
            "ship {ship} is lost: it was {before:?}"
        );
        Ok(())
    }
}

/// Whether a character's row says where its ship is.
fn compare(ship: EntityId, known: &Known, row: &CharacterRow) -> anyhow::Result<()> {
    let fits = match (known.place, row.location) {
        (Whereabouts::UnderWay(_), _) => true,
        (Whereabouts::InSpace(grid), Location::InSpace { grid: stored, .. }) => grid == stored,
        (Whereabouts::Docked(grid, station), stored) => {
            stored == (Location::Docked { grid, station })
        }
        (Whereabouts::InSpace(_), Location::Docked { .. }) => false,
    };
    ensure!(
        fits && row.version == known.version && row.ship.entity == ship,
        "ship {ship} is {known:?}, but its character's row says {row:?}"
    );
    Ok(())
}
