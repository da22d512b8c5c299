//! Two sides of fifty ships with their fits on one grid: the same bits on any number of parts, and
//! from a checkpoint in the middle of it.

use std::sync::Arc;

use orrery_base::command::Command;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, ShardIndex, Tick, TypeId};
use orrery_game::fight::slot_number;
use orrery_kernel::lockstep::Lockstep;
use orrery_kernel::rules::{Stamped, Write};
use orrery_kernel::world::WorldConfig;
use orrery_proto::message::ServerMessage;
use orrery_server::rules::Space;
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::input::{Event, EventKind, Input};
use orrery_services::character::{CharacterRow, Location, ShipRow, VITALS_FULL};

use crate::script::{Inputs, SEED, context};

const CONFIG: WorldConfig = WorldConfig { seed: SEED };
const SIDE: u64 = 50;
/// Sixty seconds.
const BEATS: u64 = 1_800;
/// The beat of the checkpoint.
const MIDDLE: u64 = 800;
/// How long a side fires at a target before it takes the next.
const SALVO: u64 = 240;

/// A side, and the hulls that it flies.
struct Battle {
    context: Arc<SpaceContext>,
    grid: GridId,
    hulls: Vec<TypeId>,
    side: u64,
}

impl Battle {
    fn new(side: u64) -> Self {
        let context = context(1);
        let armed = |hull: &TypeId| {
            let stats = context.loadouts.stats(*hull).unwrap();
            stats.modules.iter().any(|it| it.volley() > 0.0)
        };
        let hulls = context.content.ships().iter().map(|it| it.id);
        let hulls: Vec<_> = hulls.filter(armed).collect();
        assert!(hulls.len() > 10, "{} hulls are armed", hulls.len());
        let grid = context.grids().next().unwrap();
        Self {
            context,
            grid,
            hulls,
            side,
        }
    }

    fn fresh(&self, worlds: usize, parts: u16) -> Lockstep<Space> {
        let mut lockstep = Lockstep::new(CONFIG, &self.context, worlds, Tick(0));
        lockstep.add_grid(self.grid, parts, 0);
        lockstep
    }

    fn hull(&self, number: u64) -> TypeId {
        self.hulls[number as usize % self.hulls.len()]
    }

    /// Sides face each other, four kilometres apart, in rows of ten.
    fn row(&self, number: u64) -> CharacterRow {
        let (side, place) = (number / self.side, (number % self.side) as i32);
        let position_cm = [
            5_000_000 + side as i32 * 400_000,
            place % 10 * 60_000,
            place / 10 * 60_000,
        ];
        CharacterRow {
            id: CharacterId(number + 1),
            account: AccountId(number + 1),
            name: format!("Pilot {number}"),
            ship: ShipRow {
                entity: ship(number),
                type_id: self.hull(number),
                vitals: VITALS_FULL,
            },
            location: Location::InSpace {
                grid: self.grid,
                position_cm,
                velocity: [0; 3],
            },
            version: 1,
        }
    }

    /// Five at a time fire at one ship of the other side, and take the next after a while.
    fn target(&self, number: u64, tick: Tick) -> EntityId {
        let other = (1 - number / self.side) * self.side;
        let turn = number % self.side / 5 + tick.0 / SALVO;
        ship(other + turn % self.side)
    }

    fn commands(&self, number: u64, tick: Tick) -> Vec<Command> {
        let target = self.target(number, tick);
        match tick.0 % SALVO {
            5 => vec![
                Command::Lock { target },
                Command::Orbit {
                    target,
                    range_m: 1_500,
                },
            ],
            // Locks take their time; whoever has none yet tries again.
            60 | 120 | 180 => {
                let stats = self.context.loadouts.stats(self.hull(number)).unwrap();
                let modules = stats.modules.iter();
                let target = Some(target);
                let on = |slot| Command::Activate { slot, target };
                modules.map(|it| on(slot_number(it.slot))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn inputs(&self, tick: Tick) -> Inputs {
        let mut inputs = Vec::new();
        for number in 0..2 * self.side {
            let (client, edge) = (ClientId(number + 1), ShardIndex((number % 2) as u16));
            let mut put = |sequence, input| {
                let source = client.0;
                let stamped = Stamped {
                    source,
                    sequence,
                    input,
                };
                inputs.push((self.grid, stamped));
            };
            if tick == Tick(1) {
                let row = self.row(number);
                put(1, Input::Enter { client, edge, row });
            }
            for (at, command) in (1..).zip(self.commands(number, tick)) {
                let sequence = (tick.0 * 64 + at) as u32;
                let command = Input::Command {
                    client,
                    edge,
                    ship: ship(number),
                    sequence,
                    request: u128::from(sequence),
                    command,
                };
                put(u64::from(sequence), command);
            }
        }
        inputs
    }
}

const fn ship(number: u64) -> EntityId {
    EntityId::minted(number + 1)
}

/// What a beat has shown.
#[derive(PartialEq, Debug)]
struct Shown {
    digest: u64,
    events: Vec<Event>,
    writes: Vec<Write>,
}

fn show(lockstep: &mut Lockstep<Space>, inputs: &Inputs) -> Shown {
    let output = lockstep.beat(inputs.clone());
    let mut shown = Shown {
        digest: lockstep.digest(),
        events: Vec::new(),
        writes: Vec::new(),
    };
    for grid in output.grids {
        shown.events.extend(grid.events);
        shown.writes.extend(grid.writes);
    }
    shown
}

/// The reports among the rows of a beat.
fn kills(shown: &Shown) -> impl Iterator<Item = &Write> {
    let is_kill = |it: &&Write| it.key.starts_with(&[0xff, 0xff, b'K']);
    shown.writes.iter().filter(is_kill)
}

fn fight(side: u64, beats: u64) -> usize {
    let battle = Battle::new(side);
    let layouts = [(1, 1), (2, 2), (1, 3), (2, 8)];
    let mut runs: Vec<_> = layouts
        .iter()
        .map(|&(worlds, parts)| battle.fresh(worlds, parts))
        .collect();
    let (mut lost, mut volleys) = (0, 0);
    for tick in (1..=beats).map(Tick) {
        let inputs = battle.inputs(tick);
        let shown: Vec<_> = runs.iter_mut().map(|run| show(run, &inputs)).collect();
        for other in &shown[1..] {
            assert_eq!(shown[0].digest, other.digest, "beat {tick}: another state");
            assert_eq!(shown[0], *other, "beat {tick} differs");
        }
        lost += kills(&shown[0]).count();
        let told = shown[0].events.iter().filter(|it| match &it.kind {
            EventKind::Tell(message) => matches!(**message, ServerMessage::Damage { .. }),
            _ => false,
        });
        volleys += told.count();
        if tick.0 == MIDDLE {
            let checkpoint = runs[0].checkpoint();
            let place = |_| (3, 0);
            let restored = Lockstep::restore(CONFIG, &battle.context, 2, &checkpoint, place);
            let restored = restored.unwrap();
            assert_eq!(restored.checkpoint(), checkpoint);
            runs.push(restored);
        }
    }
    assert_eq!(runs.len(), 5, "one of them goes on from the checkpoint");
    assert!(volleys > 500, "{volleys} volleys were told of");
    println!("{lost} ships lost, {volleys} messages about volleys");
    lost
}

#[test]
fn a_battle_is_the_same_on_one_two_three_and_eight_parts() {
    let lost = fight(SIDE, BEATS);
    assert!(lost >= 5, "only {lost} ships were lost");
}
