//! What a seed makes of a run: the galaxy, the number of shards and players, how bad the disk and
//! the network are.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use orrery_base::{AccountId, CharacterId, EntityId, TypeId};
use orrery_game::content::{self, Content};
use orrery_game::galaxy::{self, Params};
use orrery_server::host::recovery::Galaxy;
use orrery_server::rules::context::SpaceContext;
use orrery_services::character::{CharacterRow, Location, ShipRow, VITALS_FULL};
use orrery_storage::log::LogOptions;
use orrery_storage::{Batch, Domain};

use super::draw::Draws;

/// Hulls fly so many times faster than the content says, so that a minute sees many jumps.
const SPEED_FACTOR: u32 = 4;
/// Gates stand so many times nearer to their station.
const NEARER: i32 = 4;

/// What is the same for all of a run.
pub struct Plan {
    /// The galaxy.
    pub galaxy: Galaxy,
    /// A character for every player.
    pub characters: Vec<CharacterRow>,
    /// Beats between two checkpoints of a grid.
    pub image_interval: u64,
    /// Beats of which checkpoints and journal are kept.
    pub keep_beats: u64,
    /// The log.
    pub log: LogOptions,
    /// Beats that may wait for the disk.
    pub beats_waiting_max: usize,
    /// Room of each ring.
    pub ring_capacity: usize,
    /// One datagram in so many is lost.
    pub loss_one_in: u32,
    /// A crash, a full disk and the like come so often, on average, in seconds.
    pub trouble_s: u64,
    /// Placement requests and pauses come so often, on average, in milliseconds.
    pub operator_ms: u64,
}

/// The content of a folder, compiled, with faster ships.
///
/// # Errors
/// If it cannot be compiled.
pub fn compile(folder: &Path) -> anyhow::Result<Vec<u8>> {
    let mut pack = content::compile(folder).context("compile the content")?;
    for ship in &mut pack.ships {
        ship.max_speed_m_per_s *= f64::from(SPEED_FACTOR);
    }
    Ok(pack.to_bytes())
}

impl Plan {
    /// The plan of a seed.
    ///
    /// # Errors
    /// If there can be no galaxy with this content.
    pub fn new(seed: u64, content: &[u8]) -> anyhow::Result<Self> {
        let draws = Draws::new(seed, PURPOSE);
        let content = Content::from_bytes(content).context("read the content")?;
        let params = Params {
            seed,
            systems: draws.within(4..9) as u32,
            ..Params::default()
        };
        let mut galaxy = galaxy::generate(&params, &content)?;
        for gate in galaxy.systems.iter_mut().flat_map(|it| &mut it.gates) {
            gate.position_cm = gate.position_cm.map(|cm| cm / NEARER);
        }
        let context = SpaceContext::new(content, galaxy);
        context.check()?;
        let players = draws.within(10..if draws.one_in(4) { 61 } else { 31 });
        let characters = (1..=players).map(|number| character(number, &context, &draws));
        let characters = characters.collect();
        Ok(Self {
            galaxy: Galaxy {
                context: Arc::new(context),
                seed,
            },
            characters,
            image_interval: draws.within(30..400),
            keep_beats: draws.within(400..4_000),
            log: LogOptions {
                segment_bytes: *draws.pick(&[64 << 10, 128 << 10, 512 << 10]),
                keep_bytes: *draws.pick(&[256 << 10, 8 << 20]),
                spares: 2,
                compression: 1,
            },
            beats_waiting_max: *draws.pick(&[2, 8, 64]),
            ring_capacity: *draws.pick(&[4, 32, 4_096]),
            loss_one_in: *draws.pick(&[3, 10, 50, 1_000]),
            trouble_s: draws.within(8..40),
            operator_ms: draws.within(200..4_000),
        })
    }

    /// The rows that the store has before the first beat.
    #[must_use]
    pub fn first_rows(&self) -> Batch {
        let mut batch = Batch::new();
        for row in &self.characters {
            batch.put(Domain::Character, CharacterRow::key(row.id), row.encode());
        }
        batch
    }
}

/// Of the draws of the plan.
const PURPOSE: u32 = 0x706c_616e;

/// A character in a station, or in space beside a gate.
fn character(number: u64, context: &SpaceContext, draws: &Draws) -> CharacterRow {
    let grids: Vec<_> = context.grids().collect();
    let grid = *draws.pick(&grids);
    let hulls: Vec<TypeId> = context.content.ships().iter().map(|it| it.id).collect();
    let fixtures: Vec<_> = context.fixtures_of(grid).collect();
    let beside = draws.pick(&fixtures);
    let location = if context.link(beside.entity).is_some() {
        let mut position_cm = beside.position_cm;
        position_cm[draws.index(3)] += context.content.radius_cm(beside.type_id) + 200_000;
        Location::InSpace {
            grid,
            position_cm,
            velocity: [0; 3],
        }
    } else {
        Location::Docked {
            grid,
            station: beside.entity,
        }
    };
    CharacterRow {
        id: CharacterId(number),
        account: AccountId(number),
        name: format!("Pilot {number}"),
        ship: ShipRow {
            entity: EntityId::minted(number),
            type_id: *draws.pick(&hulls),
            vitals: VITALS_FULL,
        },
        location,
        version: 1,
    }
}
