//! A player at the other end of the network: a script that docks, undocks, flies, jumps and logs
//! off, and a replica of what it sees, compared with the truth at every snapshot.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use orrery_base::command::{Command, DIRECTION_ONE, RejectCode, THROTTLE_FULL};
use orrery_base::{CharacterId, ClientId, EntityId, GridId, ShardIndex, Tick};
use orrery_proto::input::{FlyInput, InputDatagram};
use orrery_proto::snapshot::{Replica, ReplicaEntity, SlotState};
use orrery_server::rules::context::SpaceContext;
use orrery_server::rules::frame::SpaceFrame;
use orrery_server::shard::Publication;

use super::draw::Draws;
use super::edge::{Said, Told};

/// Beats of frames that snapshots are compared with: the network delays none for longer.
const TRUTH_BEATS: usize = 400;

/// Where a player is, as far as it was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Not connected.
    Offline,
    /// On the way in, or between two grids.
    Nowhere,
    /// In a station.
    Docked(GridId),
    /// In space.
    InSpace(GridId),
}

/// What a player in space is after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aim {
    None,
    Jump(EntityId),
    Dock(EntityId),
}

/// One player.
pub struct Player {
    /// Whom it plays.
    pub character: CharacterId,
    /// Its connection, and the edge that holds it.
    pub connection: Option<(ClientId, ShardIndex)>,
    /// Where it is.
    pub place: Place,
    aim: Aim,
    /// What it sees.
    pub replica: Replica,
    datagrams: u32,
    flights: u32,
    commands: u32,
    requests: u128,
    /// Requests that were not answered yet, on this connection.
    pub unanswered: BTreeSet<u128>,
    /// The network is cut until then.
    pub cut_until_ns: u64,
    /// Reliable messages arrive in order: nothing before this, here and there.
    pub reliable_ns: [u64; 2],
}

impl Player {
    /// Offline.
    #[must_use]
    pub fn new(character: CharacterId) -> Self {
        Self {
            character,
            connection: None,
            place: Place::Offline,
            aim: Aim::None,
            replica: Replica::new(),
            datagrams: 0,
            flights: 0,
            commands: 0,
            requests: u128::from(character.0) << 64,
            unanswered: BTreeSet::new(),
            cut_until_ns: 0,
            reliable_ns: [0; 2],
        }
    }

    /// Begins a connection.
    pub fn connect(&mut self, client: ClientId, edge: ShardIndex) {
        let fresh = Self::new(self.character);
        let (requests, cut_until_ns) = (self.requests, self.cut_until_ns);
        *self = Self {
            connection: Some((client, edge)),
            place: Place::Nowhere,
            requests,
            cut_until_ns,
            ..fresh
        };
    }

    /// The connection is gone.
    pub fn disconnect(&mut self) {
        self.connection = None;
        self.place = Place::Offline;
    }

    /// Hears something; compares what it sees with `truth`.
    ///
    /// # Errors
    /// What must not be.
    pub fn hear(&mut self, told: Told, truth: &Truth) -> anyhow::Result<Option<Said>> {
        match told {
            Told::Admitted => return Ok(Some(Said::Subscribe)),
            Told::InSpace(grid) => {
                self.place = Place::InSpace(grid);
                self.aim = Aim::None;
            }
            Told::Docked(grid, _) => self.place = Place::Docked(grid),
            Told::Jumped => self.place = Place::Nowhere,
            Told::Answer(request, reject) => {
                ensure!(
                    self.unanswered.remove(&request),
                    "request {request:x} was answered twice, now with {reject:?}"
                );
                if matches!(reject, Some(RejectCode::Docked | RejectCode::NotDocked)) {
                    self.aim = Aim::None;
                }
            }
            Told::Refused(_) => self.disconnect(),
            Told::Snapshot(bytes) => self.see(&bytes, truth)?,
        }
        Ok(None)
    }

    fn see(&mut self, bytes: &[u8], truth: &Truth) -> anyhow::Result<()> {
        let applied = match self.replica.decode(bytes) {
            Ok(applied) => applied,
            Err(error) if error.is_harmless() => return Ok(()),
            Err(error) => return Err(error).context("decode a snapshot"),
        };
        let frames = truth.frames(applied.grid, applied.tick);
        let frames = frames.with_context(|| {
            let (grid, tick) = (applied.grid, applied.tick);
            format!("a snapshot shows beat {tick} of grid {grid}, which was not published")
        })?;
        for entity in self.replica.entities() {
            if self.replica.is_exact(entity) {
                compare(entity, frames)
                    .with_context(|| format!("beat {} of grid {}", applied.tick, applied.grid))?;
            }
        }
        Ok(())
    }

    /// A datagram with what the client has, and now and then direct flight, unless all is calm.
    #[must_use]
    pub fn datagram(&mut self, draws: &Draws, is_calm: bool) -> Said {
        self.datagrams += 1;
        let mut flight = None;
        if !is_calm && self.aim == Aim::None && draws.one_in(8) {
            self.flights += 1;
            let mut direction = [0; 3];
            direction[draws.index(3)] = DIRECTION_ONE;
            flight = Some(FlyInput {
                sequence: self.flights,
                direction,
                throttle: draws.within(0..u64::from(THROTTLE_FULL) + 1) as u16,
            });
        }
        let ack = self.replica.acknowledgement();
        let datagram = InputDatagram::new(self.datagrams, ack, flight.as_slice());
        let mut bytes = Vec::new();
        datagram.encode(&mut bytes);
        Said::Datagram(bytes)
    }

    /// What the player does next.
    #[must_use]
    pub fn act(&mut self, context: &SpaceContext, draws: &Draws) -> Option<Said> {
        match self.place {
            Place::Offline | Place::Nowhere => None,
            _ if draws.one_in(40) => Some(Said::Closed),
            Place::Docked(_) => Some(self.command(Command::Undock)),
            Place::InSpace(grid) => {
                let command = self.fly(grid, context, draws);
                Some(self.command(command))
            }
        }
    }

    fn fly(&mut self, grid: GridId, context: &SpaceContext, draws: &Draws) -> Command {
        match self.aim {
            Aim::Jump(gate) if !draws.one_in(30) => return Command::Jump { gate },
            Aim::Dock(station) if !draws.one_in(30) => return Command::Dock { station },
            _ => {}
        }
        if draws.one_in(6) {
            let others: Vec<EntityId> = self.replica.entities().map(|it| it.id).collect();
            if !others.is_empty() {
                let target = *draws.pick(&others);
                let range_m = draws.within(500..5_000) as u32;
                return Command::Orbit { target, range_m };
            }
        }
        if draws.one_in(5) {
            let on = draws.one_in(2);
            return Command::Afterburner { on };
        }
        let fixtures: Vec<_> = context.fixtures_of(grid).collect();
        let target = draws.pick(&fixtures).entity;
        self.aim = if context.link(target).is_some() {
            Aim::Jump(target)
        } else {
            Aim::Dock(target)
        };
        Command::Approach { target }
    }

    fn command(&mut self, command: Command) -> Said {
        self.commands += 1;
        self.requests += 1;
        self.unanswered.insert(self.requests);
        Said::Command {
            sequence: self.commands,
            request: self.requests,
            command,
        }
    }
}

/// Whether what a client decoded is what the grid's frame shows.
fn compare(entity: &ReplicaEntity, frames: &[Arc<SpaceFrame>]) -> anyhow::Result<()> {
    let state = state_in(frames, entity.slot.0)
        .with_context(|| format!("entity {} is not there", entity.id))?;
    let is_same = state.id == entity.id
        && state.type_id == entity.type_id
        && state.owner == entity.owner
        && state.motion == *entity.motion()
        && state.vitals == entity.vitals()
        && state.activity == entity.activity();
    ensure!(
        is_same,
        "entity {} is {entity:?} at a client, and {state:?} on its grid",
        entity.id
    );
    Ok(())
}

fn state_in(frames: &[Arc<SpaceFrame>], slot: u32) -> Option<&SlotState> {
    frames.iter().find_map(|frame| {
        let found = frame.slots.iter().position(|it| *it == slot)?;
        frame.states.get(found)
    })
}

/// Frames of grids, by the grid's own tick.
type Frames = VecDeque<(Tick, Vec<Arc<SpaceFrame>>)>;

/// The frames of the last beats, as they were published.
#[derive(Default)]
pub struct Truth(BTreeMap<GridId, Frames>);

impl Truth {
    /// Notes what a grid shows.
    pub fn note(&mut self, publication: &Publication) {
        let Some(tick) = publication.history.tick() else {
            return;
        };
        let frames = self.0.entry(publication.grid).or_default();
        // A shard may be a beat ahead of another.
        let Err(place) = frames.binary_search_by_key(&tick, |(of, _)| *of) else {
            return;
        };
        frames.insert(place, (tick, publication.frames.clone()));
        if frames.len() > TRUTH_BEATS {
            frames.pop_front();
        }
    }

    /// The frames of a grid's beat.
    #[must_use]
    pub fn frames(&self, grid: GridId, tick: Tick) -> Option<&[Arc<SpaceFrame>]> {
        let frames = self.0.get(&grid)?;
        let found = frames.binary_search_by_key(&tick, |(of, _)| *of).ok()?;
        Some(&frames[found].1)
    }

    /// The newest frames of a grid.
    #[must_use]
    pub fn newest(&self, grid: GridId) -> Option<&(Tick, Vec<Arc<SpaceFrame>>)> {
        self.0.get(&grid)?.back()
    }
}
