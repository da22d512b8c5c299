//! A small galaxy and an input log for it: pilots who come, fly, jump, dock, lie and leave.
//!
//! The log is written as an edge would write it. The script hears the events and the stored rows
//! of one run, sends pilots to where they are told that their ships are, and sends them after
//! ships that have moved on, with rows that are a little old. Some inputs go astray all the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use orrery_base::command::{Command, DIRECTION_ONE};
use orrery_base::rng::Rng;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_game::content::{Content, compile};
use orrery_game::galaxy::{Params, generate};
use orrery_kernel::rules::{Stamped, Write};
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::input::{Event, EventKind, Input};
use orrery_server::rules::presence::ADMISSION_BEATS;
use orrery_services::character::{CharacterRow, Location, ShipRow, VITALS_FULL};
use orrery_storage::Domain;

/// The seed of everything.
pub(crate) const SEED: u64 = 20_261_120;
/// Clients of one pilot are so far apart.
const LIFE: u64 = 10_000;
/// The beat in which those who begin beside a gate jump.
const JUMP: u64 = 40;
/// The beat in which the first of these come again, with rows of before the jump: they are sent
/// after their ships.
const CHASE: u64 = 60;
/// The beat in which the first takes over from itself, without leaving.
const DISPLACE: u64 = 300;
/// The beat in which the first leaves.
const LEAVE: u64 = 900;
/// The beat in which the first comes back.
const RETURN: u64 = 950;

/// The content of this repository.
pub(crate) fn content() -> Content {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
    Content::new(compile(&folder).unwrap()).unwrap()
}

/// A galaxy of a few systems.
pub(crate) fn context(systems: u32) -> Arc<SpaceContext> {
    let content = content();
    let galaxy = generate(
        &Params {
            seed: SEED,
            systems,
            ..Params::default()
        },
        &content,
    )
    .unwrap();
    Arc::new(SpaceContext::new(content, galaxy))
}

/// The inputs of one beat.
pub(crate) type Inputs = Vec<(GridId, Stamped<Input>)>;

/// What an edge and the store know of a pilot.
struct Pilot {
    /// Counts the pilot's clients.
    life: u64,
    /// Where its inputs go.
    grid: GridId,
    /// Its stored row, with the beat that wrote it; newest last.
    stored: Vec<(Tick, CharacterRow)>,
    /// The row that it came with, and since when, until it has a place.
    admitted: Option<(Tick, CharacterRow)>,
    /// Where it has to enter in the next beat, being told that its ship is there.
    chase: Option<GridId>,
}

pub(crate) struct Script {
    context: Arc<SpaceContext>,
    grids: Vec<GridId>,
    pilots: BTreeMap<u64, Pilot>,
}

impl Script {
    /// Pilots are numbered from 1.
    pub(crate) fn new(context: &Arc<SpaceContext>, pilots: u64) -> Self {
        let grids: Vec<_> = context.grids().collect();
        let newcomer = |number: u64| {
            let grid = grids[number as usize % grids.len()];
            let row = birth(context, number, grid);
            Pilot {
                life: 0,
                grid,
                stored: vec![(Tick(0), row)],
                admitted: None,
                chase: None,
            }
        };
        let pilots = (1..=pilots)
            .map(|number| (number, newcomer(number)))
            .collect();
        Self {
            context: Arc::clone(context),
            grids,
            pilots,
        }
    }

    /// The inputs of a beat.
    pub(crate) fn inputs(&mut self, tick: Tick) -> Inputs {
        let mut inputs = Vec::new();
        let numbers: Vec<_> = self.pilots.keys().copied().collect();
        for number in numbers {
            let mut rng = Rng::new(SEED, tick, EntityId(number), 1);
            let Some((grid, input)) = self.input(number, tick, &mut rng) else {
                continue;
            };
            inputs.push((
                grid,
                Stamped {
                    source: number,
                    sequence: tick.0,
                    input,
                },
            ));
        }
        inputs
    }

    /// What the run has put out in a beat.
    pub(crate) fn observe<'a>(
        &mut self,
        tick: Tick,
        events: impl IntoIterator<Item = &'a Event>,
        writes: impl IntoIterator<Item = &'a Write>,
    ) {
        let characters = Domain::Character as u8;
        for write in writes.into_iter().filter(|it| it.domain == characters) {
            let row = CharacterRow::decode(write.value.as_ref().unwrap()).unwrap();
            self.pilots
                .get_mut(&row.id.0)
                .unwrap()
                .stored
                .push((tick, row));
        }
        for event in events {
            let number = event.client.0 % LIFE;
            let pilot = self.pilots.get_mut(&number).unwrap();
            if event.client != client(number, pilot.life) {
                continue;
            }
            match event.kind {
                EventKind::InSpace { grid, .. } | EventKind::Docked { grid, .. } => {
                    pilot.grid = grid;
                    pilot.admitted = None;
                }
                EventKind::Jumped { to, .. } => pilot.grid = to,
                EventKind::NotHere { moved_to } => pilot.chase = moved_to,
                EventKind::Answer { .. }
                | EventKind::Seated { .. }
                | EventKind::Tell(_)
                | EventKind::Displaced => {}
            }
        }
    }

    fn input(&mut self, number: u64, tick: Tick, rng: &mut Rng) -> Option<(GridId, Input)> {
        let pilot = self.pilots.get_mut(&number).unwrap();
        if let Some(grid) = pilot.chase.take() {
            let (since, row) = pilot.admitted.clone()?;
            if tick.since(since) < ADMISSION_BEATS {
                return Some((grid, enter(number, pilot.life, row)));
            }
        }
        match tick.0 {
            t if t == 1 + number % 7 => Some(self.admit(number, tick, 0)),
            // Beside a gate, see `birth`.
            t if t == JUMP + number % 5 && number % 3 == 1 => {
                let gate = self.gate_of(self.pilots[&number].grid)?;
                let command = Command::Jump { gate };
                Some((
                    self.pilots[&number].grid,
                    self.command(number, tick, command, rng),
                ))
            }
            t if t == CHASE + number % 5 && number % 9 == 4 => {
                Some(self.come_again(number, tick, 40))
            }
            t if t == DISPLACE + number % 60 && number % 4 == 1 => {
                let age = u64::from(rng.below(ADMISSION_BEATS as u32 / 2));
                Some(self.come_again(number, tick, age))
            }
            t if t == LEAVE + number % 50 => {
                let pilot = &self.pilots[&number];
                let leave = Input::Leave {
                    client: client(number, pilot.life),
                    ship: ship(number),
                };
                Some((pilot.grid, leave))
            }
            // Some come back while their ship still lingers, some when only its trace is left.
            t if t == RETURN + number * 13 % 800 => {
                let age = u64::from(rng.below(ADMISSION_BEATS as u32 / 2));
                Some(self.come_again(number, tick, age))
            }
            _ if rng.below(12) == 0 => {
                let command = self.whim(number, rng);
                // Some inputs follow a guess, as those of a late edge would.
                let home = self.pilots[&number].grid;
                let guess = self.grids[rng.below(self.grids.len() as u32) as usize];
                let grid = if rng.below(6) == 0 { guess } else { home };
                Some((grid, self.command(number, tick, command, rng)))
            }
            _ => None,
        }
    }

    /// Another client of the same pilot.
    fn come_again(&mut self, number: u64, tick: Tick, age: u64) -> (GridId, Input) {
        self.pilots.get_mut(&number).unwrap().life += 1;
        self.admit(number, tick, age)
    }

    /// A client comes with the row that was the newest `age` beats ago.
    fn admit(&mut self, number: u64, tick: Tick, age: u64) -> (GridId, Input) {
        let pilot = self.pilots.get_mut(&number).unwrap();
        let known = pilot
            .stored
            .iter()
            .rev()
            .find(|(at, _)| at.plus(age) <= tick);
        let row = known.map_or_else(|| pilot.stored[0].1.clone(), |(_, row)| row.clone());
        pilot.admitted = Some((tick.minus(age), row.clone()));
        pilot.grid = row.location.grid();
        (pilot.grid, enter(number, pilot.life, row))
    }

    fn command(&self, number: u64, tick: Tick, command: Command, rng: &mut Rng) -> Input {
        // Every ninth whim claims a ship that is not the pilot's own; every ninth comes from a
        // client that was displaced or has left.
        let other = ship(1 + u64::from(rng.below(self.pilots.len() as u32)));
        let is_whim = !matches!(command, Command::Jump { .. });
        let life = self.pilots[&number].life;
        let (lies, is_late) = (is_whim && rng.below(9) == 0, is_whim && rng.below(9) == 0);
        Input::Command {
            client: client(
                number,
                if is_late {
                    life.saturating_sub(1)
                } else {
                    life
                },
            ),
            edge: edge(number),
            ship: if lies { other } else { ship(number) },
            sequence: tick.0 as u32,
            request: u128::from(rng.below(3)),
            command,
        }
    }

    fn whim(&self, number: u64, rng: &mut Rng) -> Command {
        let fixtures: Vec<_> = self
            .context
            .fixtures_of(self.pilots[&number].grid)
            .collect();
        let fixture = fixtures[rng.below(fixtures.len() as u32) as usize].entity;
        let other = ship(1 + u64::from(rng.below(self.pilots.len() as u32)));
        let target = if rng.below(2) == 0 { fixture } else { other };
        let range_m = rng.below(20_000);
        match rng.below(11) {
            0 => Command::Undock,
            1 => Command::Approach { target },
            2 => Command::Orbit { target, range_m },
            3 => Command::KeepAtRange { target, range_m },
            4 => Command::Align { target },
            5 => Command::Stop,
            6 => Command::Afterburner {
                on: rng.below(2) == 0,
            },
            7 => Command::Jump { gate: fixture },
            8 => Command::Dock { station: fixture },
            _ => Command::Fly {
                direction: direction(rng),
                throttle: rng.below(1_100) as u16,
            },
        }
    }

    fn gate_of(&self, grid: GridId) -> Option<EntityId> {
        gate(&self.context, grid).map(|(gate, _)| gate)
    }
}

fn gate(context: &SpaceContext, grid: GridId) -> Option<(EntityId, [i32; 3])> {
    let found = context
        .fixtures_of(grid)
        .find(|it| context.link(it.entity).is_some())?;
    Some((found.entity, found.position_cm))
}

/// Where a pilot begins: docked, beside a gate, or somewhere out there.
fn birth(context: &SpaceContext, number: u64, grid: GridId) -> CharacterRow {
    let hulls = context.content.ships();
    let in_space = |position_cm| Location::InSpace {
        grid,
        position_cm,
        velocity: [0; 3],
    };
    let location = match number % 3 {
        0 => {
            let station = context
                .fixtures_of(grid)
                .find(|it| context.link(it.entity).is_none());
            Location::Docked {
                grid,
                station: station.unwrap().entity,
            }
        }
        1 => {
            let (gate, [x, y, z]) = gate(context, grid).unwrap();
            let type_id = context.fixture(gate).unwrap().type_id;
            // A kilometre from its surface, and from one another.
            let away = context.content.radius_cm(type_id) + 100_000;
            in_space([x, y, z + away])
        }
        _ => {
            let away = 2_000_000 + 10_000 * number as i32;
            in_space([away, -away, 1_000])
        }
    };
    CharacterRow {
        id: CharacterId(number),
        account: AccountId(number),
        name: format!("Pilot {number}"),
        ship: ShipRow {
            entity: ship(number),
            type_id: hulls[number as usize % hulls.len()].id,
            vitals: VITALS_FULL,
        },
        location,
        version: 1,
    }
}

fn enter(number: u64, life: u64, row: CharacterRow) -> Input {
    Input::Enter {
        client: client(number, life),
        edge: edge(number),
        row,
    }
}

fn direction(rng: &mut Rng) -> [i16; 3] {
    let one = DIRECTION_ONE;
    [
        [one, 0, 0],
        [0, -one, 0],
        [0, 0, one],
        [11_585, 11_585, 0],
        [one, one, one],
    ][rng.below(5) as usize]
}

const fn edge(number: u64) -> ShardIndex {
    ShardIndex((number % 2) as u16)
}

const fn client(number: u64, life: u64) -> ClientId {
    ClientId(number + LIFE * (life + 1))
}

const fn ship(number: u64) -> EntityId {
    EntityId::minted(number)
}
