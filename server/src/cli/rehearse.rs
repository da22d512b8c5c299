//! `orrery rehearse`, a tool for measurements: writes a past into a fresh store, of as many ships
//! as no swarm on the same machine could fly, and ends as if the power had been cut.
//!
//! All ships enter in the first beat, dealt to the grids in turn, and each is flown: a new
//! direction twice a second. The checkpoints are of the beat [`SETTLED`]; the rest is journal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use orrery_base::command::{Command, DIRECTION_ONE, THROTTLE_FULL};
use orrery_base::rng::Rng;
use orrery_base::{AccountId, CharacterId, ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_kernel::journal;
use orrery_kernel::rules::{Stamped, Write};
use orrery_kernel::world::World;
use orrery_services::character::{CharacterRow, Location, ShipRow, VITALS_FULL};
use orrery_storage::{
    Batch, BeatPort, CommitOptions, Committer, Domain, Store, StoreOptions, Submission, checkpoint,
};

use super::progress;
use crate::config::Config;
use crate::host::recovery::{Deal, Galaxy, Replay, Start};
use crate::host::{folder, load_galaxy};
use crate::rules::Space;
use crate::rules::context::SpaceContext;
use crate::rules::input::Input;

/// The beat of the checkpoints.
const SETTLED: u64 = 30;
/// Beats between two commands of a ship.
const COMMAND_BEATS: u64 = 15;
/// Largest distance from the middle of a grid along an axis, centimetres.
const SPREAD_CM: u32 = 20_000_000;
/// What [`Rng`] draws are for.
const PLACE: u32 = 1;
const DIRECTION: u32 = 2;
/// How long the disk may take for a beat.
const DURABLE_WITHIN: Duration = Duration::from_secs(30);

/// The past to be.
#[derive(Args)]
pub(super) struct RehearseArgs {
    /// The data folder; it has a content pack and a galaxy and has never been served.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Ships in space.
    #[arg(long, default_value_t = 10_000)]
    ships: u64,
    /// Beats of journal after the checkpoints.
    #[arg(long, default_value_t = 300)]
    beats: u64,
}

pub(super) fn run(config: &Config, args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    ensure!(
        store.at_open().last_beat.is_none(),
        "this store has a past already"
    );
    let stored = load_galaxy(&store)?;
    let context = Arc::new(SpaceContext::new(
        folder::open_content(data)?,
        stored.galaxy,
    ));
    let seed = stored.params.seed;
    let deal = Deal::new(&context, 1);
    let galaxy = Galaxy {
        context: Arc::clone(&context),
        seed,
    };
    let born = Replay::begin(&store, &galaxy, deal.grids(), Start::Newest, Tick(0), 1)?;
    let mut worlds = born.into_worlds(&deal, Tick(0))?;
    let mut world = worlds.pop().context("there is one world")?;
    let fleet = Fleet {
        context,
        grids: deal.grids().to_vec(),
        ships: args.ships,
        seed,
    };
    let (committer, mut ports, _control) = Committer::start(&store, 1, CommitOptions::default())?;
    let port = ports.first_mut().context("there is one shard")?;
    let durable = committer.durable();
    let bar = progress::bar("rehearse");
    let last = Tick(SETTLED + args.beats);
    for beat in (1..=last.0).map(Tick) {
        fleet.beat(&mut world, port, beat)?;
        ensure!(
            durable.wait(beat, DURABLE_WITHIN)?,
            "the disk takes too long"
        );
        bar.update(beat.0, last.0);
    }
    bar.finish();
    let entities: usize = world.grids().map(|grid| world.entity_count(grid)).sum();
    println!(
        "{entities} entities on {} grids, {} beats after the checkpoints, not closed",
        fleet.grids.len(),
        args.beats
    );
    // Nothing is closed: the next start has to recover.
    std::process::exit(0)
}

/// The ships.
struct Fleet {
    context: Arc<SpaceContext>,
    grids: Vec<GridId>,
    ships: u64,
    seed: u64,
}

impl Fleet {
    /// Does a beat and hands it over, with the checkpoints if it is their turn.
    fn beat(
        &self,
        world: &mut World<Space>,
        port: &mut BeatPort,
        beat: Tick,
    ) -> anyhow::Result<()> {
        let strays = world.deliver(self.inputs(beat), []);
        ensure!(strays.inputs.is_empty(), "a ship is on no grid");
        let output = world.beat(beat);
        ensure!(output.failures.is_empty(), "a grid was lost");
        world.deliver([], output.messages);
        let mut record = Vec::new();
        let records = output.grids.iter().map(|grid| &grid.record);
        journal::encode::<Space>(beat, ShardIndex(0), records, &mut record);
        let mut batch = Batch::new();
        for write in output.grids.iter().flat_map(|grid| &grid.writes) {
            put(&mut batch, write)?;
        }
        if beat == Tick(SETTLED) {
            for &grid in &self.grids {
                let image = world.image(grid).context("the grid is between two beats")?;
                checkpoint::put(&mut batch, grid, beat, &image.encode());
            }
        }
        port.submit(beat, Submission { batch, record })?;
        Ok(())
    }

    fn inputs(&self, beat: Tick) -> Vec<(GridId, Stamped<Input>)> {
        let ships = (1..=self.ships).filter(|ship| {
            beat == Tick(1) || beat > Tick(2) && beat.is_every(COMMAND_BEATS, *ship)
        });
        let inputs = ships.map(|ship| {
            let grid = self.grids[ship as usize % self.grids.len()];
            let input = if beat == Tick(1) {
                self.enter(ship, grid)
            } else {
                self.fly(ship, beat)
            };
            let (source, sequence) = (ship, beat.0);
            let stamped = Stamped {
                source,
                sequence,
                input,
            };
            (grid, stamped)
        });
        inputs.collect()
    }

    fn enter(&self, ship: u64, grid: GridId) -> Input {
        let mut rng = Rng::new(self.seed, Tick(0), EntityId(ship), PLACE);
        let mut axis = || rng.below(2 * SPREAD_CM) as i32 - SPREAD_CM as i32;
        let position_cm = [axis(), axis(), axis() / 8];
        let hulls = self.context.content.ships();
        Input::Enter {
            client: ClientId(ship),
            edge: ShardIndex(0),
            row: CharacterRow {
                id: CharacterId(ship),
                account: AccountId(ship),
                name: format!("Rehearsal {ship}"),
                ship: ShipRow {
                    entity: EntityId::minted(ship),
                    type_id: hulls[ship as usize % hulls.len()].id,
                    vitals: VITALS_FULL,
                },
                location: Location::InSpace {
                    grid,
                    position_cm,
                    velocity: [0; 3],
                },
                version: 1,
            },
        }
    }

    fn fly(&self, ship: u64, beat: Tick) -> Input {
        let mut rng = Rng::new(self.seed, beat, EntityId(ship), DIRECTION);
        let one = DIRECTION_ONE;
        let directions = [
            [one, 0, 0],
            [-one, 0, 0],
            [0, one, 0],
            [0, -one, 0],
            [0, 0, one],
        ];
        Input::Command {
            client: ClientId(ship),
            edge: ShardIndex(0),
            ship: EntityId::minted(ship),
            sequence: beat.0 as u32,
            request: 0,
            command: Command::Fly {
                direction: directions[rng.below(5) as usize],
                throttle: THROTTLE_FULL,
            },
        }
    }
}

fn put(batch: &mut Batch, write: &Write) -> anyhow::Result<()> {
    let domain = Domain::try_from(write.domain).ok();
    let domain = domain.context("the rules name domains of the store")?;
    match &write.value {
        Some(value) => batch.put(domain, &write.key, value),
        None => batch.delete(domain, &write.key),
    }
    Ok(())
}
