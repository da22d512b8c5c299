//! A small galaxy and an input log for it: pilots who come, fly, jump, dock, lie and leave.

use std::path::Path;
use std::sync::Arc;

use orrery_base::command::{Command, DIRECTION_ONE};
use orrery_base::rng::Rng;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_game::content::{Content, compile};
use orrery_game::galaxy::{Params, generate};
use orrery_kernel::rules::Stamped;
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::input::Input;
use orrery_services::character::{CharacterRow, Location, ShipRow, VITALS_FULL};

/// The seed of everything.
pub const SEED: u64 = 20_261_120;

/// The content of this repository.
pub fn content() -> Content {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../content");
    Content::new(compile(&folder).unwrap()).unwrap()
}

/// A galaxy of a few systems.
pub fn context(systems: u32) -> Arc<SpaceContext> {
    let content = content();
    let galaxy = generate(&Params { seed: SEED, systems, ..Params::default() }, &content).unwrap();
    Arc::new(SpaceContext::new(content, galaxy))
}

/// What a pilot of the script knows of itself: not where it is, since the log is fixed beforehand
/// and many of its commands are meant to be refused.
pub struct Script {
    context: Arc<SpaceContext>,
    pilots: u64,
    grids: Vec<GridId>,
}

impl Script {
    pub fn new(context: &Arc<SpaceContext>, pilots: u64) -> Self {
        Self { context: Arc::clone(context), pilots, grids: context.grids().collect() }
    }

    /// The inputs of a beat: the same for equal beats, whoever asks.
    pub fn inputs(&self, tick: Tick) -> Vec<(GridId, Stamped<Input>)> {
        let mut inputs = Vec::new();
        for pilot in 1..=self.pilots {
            let mut rng = Rng::new(SEED, tick, EntityId(pilot), 1);
            let input = match tick.0 {
                t if t == 1 + pilot % 7 => self.enter(pilot, 0),
                t if t == 900 + pilot % 50 => Input::Leave { client: client(pilot, 0), ship: ship(pilot) },
                // Some come back while their ship still lingers, some when only its trace is left.
                t if t == 950 + pilot % 900 => self.enter(pilot, 1),
                _ if rng.below(12) == 0 => self.command(pilot, tick, &mut rng),
                _ => continue,
            };
            // Most inputs go where the pilot was born; some follow a guess, as a late edge would.
            let home = self.home(pilot);
            let grid = if rng.below(4) == 0 { self.grids[rng.below(self.grids.len() as u32) as usize] } else { home };
            inputs.push((grid, Stamped { source: client(pilot, 0).0, sequence: tick.0, input }));
        }
        inputs
    }

    fn home(&self, pilot: u64) -> GridId {
        self.grids[pilot as usize % self.grids.len()]
    }

    fn enter(&self, pilot: u64, life: u64) -> Input {
        let grid = self.home(pilot);
        let station = self.context.fixtures_of(grid).next().unwrap();
        let hulls = self.context.content.ships();
        let location = if pilot.is_multiple_of(3) {
            Location::Docked { grid, station: station.entity }
        } else {
            let away = 2_000_000 + 10_000 * pilot as i32;
            Location::InSpace { grid, position_cm: [away, -away, 1_000], velocity: [0; 3] }
        };
        let row = CharacterRow {
            id: CharacterId(pilot),
            account: AccountId(pilot),
            name: format!("Pilot {pilot}"),
            ship: ShipRow {
                entity: ship(pilot),
                type_id: hulls[pilot as usize % hulls.len()].id,
                vitals: VITALS_FULL,
            },
            location,
            version: 1,
        };
        Input::Enter { client: client(pilot, life), edge: ShardIndex((pilot % 2) as u16), row }
    }

    fn command(&self, pilot: u64, tick: Tick, rng: &mut Rng) -> Input {
        let fixtures: Vec<_> = self.context.fixtures_of(self.home(pilot)).collect();
        let fixture = fixtures[rng.below(fixtures.len() as u32) as usize].entity;
        let other = ship(1 + u64::from(rng.below(self.pilots as u32)));
        let target = if rng.below(2) == 0 { fixture } else { other };
        let range_m = rng.below(20_000);
        let command = match rng.below(11) {
            0 => Command::Undock,
            1 => Command::Approach { target },
            2 => Command::Orbit { target, range_m },
            3 => Command::KeepAtRange { target, range_m },
            4 => Command::Align { target },
            5 => Command::Stop,
            6 => Command::Afterburner { on: rng.below(2) == 0 },
            7 => Command::Jump { gate: fixture },
            8 => Command::Dock { station: fixture },
            _ => Command::Fly { direction: direction(rng), throttle: rng.below(1_100) as u16 },
        };
        let life = u64::from(tick.0 > 1_400);
        // Every ninth claims a ship that is not its own.
        let claimed = if rng.below(9) == 0 { other } else { ship(pilot) };
        Input::Command {
            client: client(pilot, life),
            edge: ShardIndex((pilot % 2) as u16),
            ship: claimed,
            sequence: tick.0 as u32,
            request: u128::from(rng.below(3)),
            command,
        }
    }
}

fn direction(rng: &mut Rng) -> [i16; 3] {
    let one = DIRECTION_ONE;
    [[one, 0, 0], [0, -one, 0], [0, 0, one], [11_585, 11_585, 0], [one, one, one]][rng.below(5) as usize]
}

pub fn client(pilot: u64, life: u64) -> ClientId {
    ClientId(pilot + 10_000 * (life + 1))
}

pub fn ship(pilot: u64) -> EntityId {
    EntityId::minted(pilot)
}
