//! The columns of a grid: what flies, who flies it, and how it fights.
//!
//! The first group belongs to the rules of space; the second is what the host must know of a
//! ship's pilot to answer, to persist and to hand over; the third is the fight. All travel with the ship when it
//! changes grids, so no session is ever looked up on the way.

use orrery_base::columns::{Columns, columns};
use orrery_base::{AccountId, ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_game::columns::{Ship, ShipColumns};
use orrery_kernel::codec::DecodeError;
use orrery_kernel::rules::BeatContext;
use orrery_services::character::{CharacterRow, Location, ShipRow};

use super::fight::{Fight, FightColumns};

/// The client of a row that nobody is connected to.
pub const NO_CLIENT: ClientId = ClientId(0);

/// How a row is on its grid. The numbers are stored and never change their meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Presence {
    /// In space: it moves, it is seen.
    InSpace = 0,
    /// Inside the station that [`Pilot::place`] names.
    Docked = 1,
    /// Not here any more: a trace of where the ship went, kept until [`Pilot::until`], so that a
    /// client that comes with an older row of its character is sent after it instead of being
    /// given a second ship. [`Pilot::place`] is the grid, or zero if the character logged off.
    Trace = 2,
}

impl Presence {
    /// The presence of a number.
    ///
    /// # Errors
    /// If there is none of that number.
    pub const fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::InSpace),
            1 => Ok(Self::Docked),
            2 => Ok(Self::Trace),
            _ => Err(DecodeError::Invalid("presence")),
        }
    }
}

columns! {
    /// Who flies it, one `Vec` per field.
    pub struct PilotColumns;
    /// Who flies one ship. Stations and gates have the default: nobody.
    #[derive(Default)]
    pub struct Pilot {
        /// The account that the character belongs to.
        pub account: AccountId,
        /// The character's name.
        pub name: Box<str>,
        /// The version of the character's stored row that this is.
        pub version: u32,
        /// The connected client, or [`NO_CLIENT`].
        pub client: ClientId,
        /// The shard whose edge holds that client.
        pub edge: ShardIndex,
        /// Sequence of the newest direct-flight input that the ship follows.
        pub last_input: u32,
        /// How the row is on its grid, a [`Presence`] as its number.
        pub presence: u8,
        /// The station's entity while docked; the grid number plus one in a trace, or zero.
        pub place: u64,
        /// The host's beat in which a ship without a client leaves space, or a trace is
        /// forgotten; else zero.
        pub until: u64,
        /// The first tick, in the grid's own time, whose frame shows the present presence: a ship that comes out of a
        /// station is born to those who watch, one that goes in has departed.
        pub since: u64,
    }
}

/// One entity of a grid: what it is, and who flies it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceRow {
    /// What it is.
    pub ship: Ship,
    /// Who flies it.
    pub pilot: Pilot,
    /// How it fights.
    pub fight: Fight,
}

/// All entities of one part of a grid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpaceColumns {
    /// What they are.
    pub ship: ShipColumns,
    /// Who flies them.
    pub pilot: PilotColumns,
    /// How they fight.
    pub fight: FightColumns,
}

impl Columns for SpaceColumns {
    type Row = SpaceRow;

    fn len(&self) -> usize {
        self.ship.len()
    }

    fn push(&mut self, row: SpaceRow) {
        self.ship.push(row.ship);
        self.pilot.push(row.pilot);
        self.fight.push(row.fight);
    }

    fn swap_remove(&mut self, row: usize) -> SpaceRow {
        SpaceRow {
            ship: self.ship.swap_remove(row),
            pilot: self.pilot.swap_remove(row),
            fight: self.fight.swap_remove(row),
        }
    }

    fn row(&self, row: usize) -> SpaceRow {
        SpaceRow {
            ship: self.ship.row(row),
            pilot: self.pilot.row(row),
            fight: self.fight.row(row),
        }
    }

    fn set_row(&mut self, row: usize, value: SpaceRow) {
        self.ship.set_row(row, value.ship);
        self.pilot.set_row(row, value.pilot);
        self.fight.set_row(row, value.fight);
    }

    fn clear(&mut self) {
        self.ship.clear();
        self.pilot.clear();
        self.fight.clear();
    }

    fn reserve(&mut self, additional: usize) {
        self.ship.reserve(additional);
        self.pilot.reserve(additional);
        self.fight.reserve(additional);
    }
}

impl SpaceColumns {
    /// How a row is on its grid; a number that no version wrote counts as a trace, which does
    /// nothing.
    #[must_use]
    pub fn presence(&self, row: usize) -> Presence {
        Presence::from_number(self.pilot.presence[row]).unwrap_or(Presence::Trace)
    }

    /// Where the row's character is, as its stored row says it.
    #[must_use]
    pub fn location(&self, row: usize, grid: GridId) -> Location {
        match self.presence(row) {
            Presence::Docked => Location::Docked {
                grid,
                station: EntityId(self.pilot.place[row]),
            },
            Presence::InSpace | Presence::Trace => Location::InSpace {
                grid,
                position_cm: self.ship.position_cm(row),
                velocity: self.ship.velocity(row),
            },
        }
    }

    /// Counts the version of a row's stored row up and returns that row, to be written.
    #[must_use]
    pub fn next_character_row(&mut self, row: usize, ship: EntityId, grid: GridId) -> CharacterRow {
        self.pilot.version[row] += 1;
        let location = self.location(row, grid);
        self.row(row).character_row(ship, location)
    }

    /// Turns a row into the trace of a ship that goes to another grid, or leaves space, in phase
    /// C of a beat.
    pub fn leave_trace(
        &mut self,
        row: usize,
        to: Option<GridId>,
        beat: &BeatContext<'_, super::Space>,
    ) {
        self.halt(row, beat.tick);
        self.pilot.presence[row] = Presence::Trace as u8;
        self.pilot.place[row] = to.map_or(0, |grid| u64::from(grid.0) + 1);
        self.pilot.client[row] = NO_CLIENT;
        self.pilot.until[row] = beat.wall.plus(super::presence::TRACE_BEATS).0;
        self.pilot.since[row] = beat.tick.next().0;
    }

    /// Takes a ship's motion and order away: what is docked or gone does not move.
    pub fn halt(&mut self, row: usize, tick: Tick) {
        let mut ship = self.ship.row(row);
        let position_cm = ship.position_cm();
        ship.set_motion(orrery_base::motion::Motion {
            response: ship.response,
            ..orrery_base::motion::Motion::at_rest(position_cm)
        });
        ship.set_order(orrery_game::order::Order::Stop, tick);
        ship.law_tick = tick.next().0;
        self.ship.set_row(row, ship);
    }
}

impl SpaceRow {
    /// The stored row of this ship's character, at `location`.
    #[must_use]
    pub fn character_row(&self, entity: EntityId, location: Location) -> CharacterRow {
        CharacterRow {
            id: self.ship.owner,
            account: self.pilot.account,
            name: self.pilot.name.to_string(),
            ship: ShipRow {
                entity,
                type_id: self.ship.type_id,
                vitals: [self.ship.shield, self.ship.armour, self.ship.hull],
            },
            location,
            version: self.pilot.version,
        }
    }
}
