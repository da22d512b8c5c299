//! The simulation of a shard: its grids, what comes for them, what becomes of it. No socket, no
//! clock: the shard's loop drives it, and so does the simulator.
//!
//! ```text
//! take     packets of other shards, whenever they come
//! begin    changes of placement; what has come is delivered; images for checkpoints are taken
//! is_ready whether the grids that move here have come
//! beat     step, exchange, journal, batch; requests to move, split and merge grids
//! ```
//!
//! **Invariants**
//! - A beat begins when every shard has ended the last one, so the messages of beat T, from
//!   wherever, are complete when T + 1 begins, and no order of arrival matters.
//! - Everything that changed in a beat, and the inputs that made it change, are handed over
//!   together, to become durable together.

mod pumping;
mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::grid::GridImage;
use orrery_kernel::journal;
use orrery_kernel::probe::Conductor;
use orrery_kernel::rules::{Envelope, Stamped, Write};
use orrery_kernel::team::Failure;
use orrery_kernel::world::{BeatOutput, Strays, World};
use orrery_storage::{Batch, Domain};

use self::pumping::Pumping;
use super::ImageNews;
use super::links::Links;
use super::packet::{Packet, Transfer};
use super::placement::{Change, Placement, PlacementRequest};
use super::restore::{self, Restored, Restorer, Ward};
use super::watch::Watch;
use crate::host::recovery::Deal;
use crate::metrics::GridStatus;
use crate::rules::Space;
use crate::rules::columns::NO_CLIENT;
use crate::rules::input::{Input, Message};

/// A grid that does not change is saved again after so many turns all the same: a recovery reads
/// the journal from the oldest of all newest checkpoints on, without a gap, and so it is bounded.
const UNCHANGED_IMAGES: u64 = 8;

/// The simulation of a shard and what has come for its next beats.
pub struct Simulation {
    shard: ShardIndex,
    world: World<Space>,
    placement: Placement,
    /// Inputs and messages for the next beat; the latter with the beat that they are due in: the
    /// next one, or the one after.
    inputs: Vec<(GridId, Stamped<Input>)>,
    arrivals: Vec<(Tick, Envelope<Message>)>,
    /// Grids that move here: from when on they are needed.
    awaited: BTreeMap<GridId, Tick>,
    transfers: BTreeMap<GridId, Box<Transfer>>,
    /// Grids whose move from here has been announced.
    leaving: BTreeSet<GridId>,
    /// Grids whose pace an operator has fixed.
    fixed_paces: BTreeSet<GridId>,
    requests: VecDeque<(Tick, PlacementRequest)>,
    watch: Watch,
    wards: BTreeMap<GridId, Ward>,
    /// Grids that stay lost: nobody would ever take in what players send them.
    given_up: BTreeSet<GridId>,
    restorer: Restorer,
    /// Beats between two images of a grid.
    image_interval: u64,
}

/// What a beat leaves to be done by others.
pub struct Done {
    /// The rows that have changed.
    pub batch: Batch,
    /// The beat's record for the journal.
    pub record: Arc<Vec<u8>>,
    /// Entities of the shard's grids.
    pub entities: usize,
    /// Grids that were lost in this beat, with the bytes that repeat it.
    pub incidents: Vec<Incident>,
}

/// A grid was lost.
#[derive(Debug)]
pub struct Incident {
    /// Which grid, in which of its beats.
    pub grid: GridId,
    /// The grid's own time.
    pub tick: Tick,
    /// The host's beat.
    pub beat: Tick,
    /// What the panic said.
    pub message: String,
    /// A record that repeats the beat.
    pub record: Vec<u8>,
}

/// A grid is back.
#[derive(Debug)]
pub struct Comeback {
    /// Which grid.
    pub grid: GridId,
    /// What was set aside, or why the grid stays lost.
    pub outcome: Result<restore::Culprits, String>,
}

/// A state to be written as a checkpoint.
pub struct Checkpoint {
    /// The host's beat after which it was taken.
    pub tick: Tick,
    /// The state.
    pub image: GridImage<Space>,
}

impl Simulation {
    /// Takes over a world; it is between two beats. `image_interval` is in beats, at least 1;
    /// lost grids are restored by `restorer`.
    #[must_use]
    pub fn new(
        shard: ShardIndex,
        world: World<Space>,
        deal: &Deal,
        image_interval: u64,
        restorer: Restorer,
    ) -> Self {
        let mut wards = BTreeMap::new();
        let tick = world.tick();
        for grid in world.grids() {
            if let Some(image) = world.image(grid) {
                wards.insert(grid, Ward::new(tick, image.encode()));
            }
        }
        Self {
            shard,
            world,
            placement: Placement::new(deal),
            inputs: Vec::new(),
            arrivals: Vec::new(),
            awaited: BTreeMap::new(),
            transfers: BTreeMap::new(),
            leaving: BTreeSet::new(),
            fixed_paces: BTreeSet::new(),
            requests: VecDeque::new(),
            watch: Watch::default(),
            wards,
            given_up: BTreeSet::new(),
            restorer,
            image_interval: image_interval.max(1),
        }
    }

    /// The last beat done.
    #[must_use]
    pub fn tick(&self) -> Tick {
        self.world.tick()
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World<Space> {
        &self.world
    }

    /// The world, to set the pace of grids.
    pub const fn world_mut(&mut self) -> &mut World<Space> {
        &mut self.world
    }

    /// The grids with what an operator wants to know of them.
    #[must_use]
    pub fn grid_table(&self) -> Vec<GridStatus> {
        let status = |grid: GridId| {
            let (mut entities, mut clients) = (0, 0);
            self.world.each_part(grid, |part| {
                let watching = part.table.columns().pilot.client.iter();
                clients += watching.filter(|&&client| client != NO_CLIENT).count() as u32;
                entities += part.table.len() as u32;
            });
            let pace = self.world.pace(grid).unwrap_or_default();
            GridStatus {
                grid,
                entities,
                clients,
                dilation_milli: pace.per_mille(),
                members: self.world.members(grid).unwrap_or(0),
                cost_ns: 0,
            }
        };
        self.world.grids().map(status).collect()
    }

    /// The shard that what is for a grid is sent to; `None` if the galaxy has no such grid.
    #[must_use]
    pub fn shard_of(&self, grid: GridId) -> Option<ShardIndex> {
        self.placement.shard_of(grid)
    }

    /// An input for the next beat that begins.
    pub fn take_input(&mut self, grid: GridId, input: Stamped<Input>) {
        self.inputs.push((grid, input));
    }

    /// A message that is due in beat `due`.
    pub fn take_message(&mut self, due: Tick, envelope: Envelope<Message>) {
        self.arrivals.push((due, envelope));
    }

    /// Something that an operator or the balancer wants; done at the end of a beat.
    pub fn request(&mut self, request: PlacementRequest) {
        self.requests.push_back((self.tick(), request));
    }

    /// Takes what another shard, which is in beat `beat`, has sent about grids; gives back what
    /// is not for the simulation.
    pub fn take(&mut self, from: ShardIndex, beat: Tick, packet: Packet) -> Option<Packet> {
        match packet {
            Packet::Input(grid, input) => self.take_input(grid, *input),
            Packet::Message(envelope) => self.take_message(beat.next(), *envelope),
            Packet::Moving { grid, to } => {
                self.placement.note_move(beat, grid, from, to);
                if to == self.shard {
                    self.awaited.insert(grid, beat.plus(2));
                }
            }
            Packet::Grid(transfer) => {
                self.transfers.insert(transfer.grid(), transfer);
            }
            Packet::Join { team, member } => {
                self.placement
                    .note(beat.next(), Change::Join { team, member });
            }
            Packet::Leave(grid) => self.placement.note(beat.next(), Change::Leave { grid }),
            other => return Some(other),
        }
        None
    }

    /// Whether every grid that this shard has in beat `tick` has come.
    #[must_use]
    pub fn is_ready(&self, tick: Tick) -> bool {
        let due = self.awaited.iter().filter(|(_, due)| **due <= tick);
        due.into_iter()
            .all(|(grid, _)| self.transfers.contains_key(grid))
    }

    /// First half of the beginning of beat `tick`, when every shard has ended the last one:
    /// delivers what has come and sends away the grids that leave.
    pub fn begin(&mut self, tick: Tick, links: &mut Links) {
        let changes = self.placement.take_due(tick);
        self.deliver(tick);
        for change in changes {
            match change {
                Change::Carry { grid, from, to } if from == self.shard => {
                    let transfer = Transfer {
                        cargo: self.world.take_any(grid).expect("who moves a grid has it"),
                        history: self.watch.take(grid),
                        ward: self.wards.remove(&grid).unwrap_or_default(),
                    };
                    self.leaving.remove(&grid);
                    links.send(to, Packet::Grid(Box::new(transfer)));
                }
                Change::Join { team, member } => self.world.join(team, member),
                Change::Leave { grid } => self.world.leave(grid),
                Change::Route { .. } | Change::Carry { .. } => {}
            }
        }
    }

    /// Second half, when [`Simulation::is_ready`]: takes in the grids that have come, and what
    /// has waited for them.
    pub fn settle_in(&mut self, tick: Tick) {
        if self.awaited.is_empty() {
            return;
        }
        let due: Vec<GridId> = self
            .awaited
            .iter()
            .filter(|(_, due)| **due <= tick)
            .map(|(grid, _)| *grid)
            .collect();
        for grid in due {
            self.awaited.remove(&grid);
            let transfer = self.transfers.remove(&grid).expect("is_ready says so");
            self.world.insert_any(transfer.cargo);
            self.watch.insert(grid, transfer.history);
            self.wards.insert(grid, transfer.ward);
        }
        self.deliver(tick);
    }

    /// Brings to the grids what is for beat `tick`.
    fn deliver(&mut self, tick: Tick) {
        let mut arrivals = Vec::new();
        self.arrivals.retain_mut(|(due, envelope)| {
            if *due <= tick {
                arrivals.push(envelope.clone());
            }
            *due > tick
        });
        let given_up = &self.given_up;
        self.inputs.retain(|(grid, _)| !given_up.contains(grid));
        let Strays { inputs, messages } = self.world.deliver(self.inputs.drain(..), arrivals);
        // For grids that are on their way here.
        for (grid, input) in inputs {
            if self.awaited.contains_key(&grid) {
                self.inputs.push((grid, input));
            } else {
                tracing::warn!(grid = grid.0, "input for a grid that is not here");
            }
        }
        for envelope in messages {
            assert!(
                self.awaited.contains_key(&envelope.to),
                "messages are sent to the shard that has the grid"
            );
            self.arrivals.push((tick, envelope));
        }
    }

    /// The grids whose turn it is to be saved, as of the end of the last beat; to be called when
    /// the next one has begun. With `all`, all of them.
    pub fn images(&mut self, all: bool) -> Vec<ImageNews> {
        let tick = self.world.tick();
        let mut images = Vec::new();
        for (&grid, ward) in &self.wards {
            if !all && !tick.is_every(self.image_interval, u64::from(grid.0)) {
                continue;
            }
            let waiting = self.world.waiting(grid);
            let is_alone = waiting.is_some_and(|waiting| waiting.arrivals.is_empty());
            let is_recent =
                |saved: Tick| tick.since(saved) < UNCHANGED_IMAGES * self.image_interval;
            let saved = ward.unchanged_since().filter(|saved| is_recent(*saved));
            if saved.is_some_and(|_| is_alone) {
                images.push(ImageNews::Unchanged { tick });
            } else if let Some(image) = self.world.image(grid) {
                images.push(ImageNews::Changed(Checkpoint { tick, image }));
            }
        }
        images
    }

    /// An image that was taken here has been encoded.
    pub fn note_image(&mut self, grid: GridId, tick: Tick, bytes: Arc<Vec<u8>>) {
        if let Some(ward) = self.wards.get_mut(&grid) {
            ward.set_image(tick, bytes);
        }
    }

    /// Does beat `tick`: [`Simulation::step`] and [`Simulation::conclude`].
    pub fn beat(&mut self, tick: Tick, links: &mut Links, conductor: &mut impl Conductor) -> Done {
        let output = self.step(tick, &mut Pumping { conductor, links });
        self.conclude(tick, output, links)
    }

    /// First half of beat `tick`: steps the grids. Where a team has to be waited for, the
    /// conductor is asked, and has to keep the links moving meanwhile ([`Links::pump`]).
    pub fn step(&mut self, tick: Tick, conductor: &mut impl Conductor) -> BeatOutput<Space> {
        self.world.beat_with(tick, conductor)
    }

    /// Second half: sends messages, frames and events, does what was asked for, and returns what
    /// has to become durable.
    pub fn conclude(&mut self, tick: Tick, output: BeatOutput<Space>, links: &mut Links) -> Done {
        self.exchange(tick, &output, links);
        self.carry_out_requests(tick, links);
        let mut record = Vec::new();
        let records = output.grids.iter().map(|grid| &grid.record);
        journal::encode::<Space>(tick, self.shard, records, &mut record);
        let record = Arc::new(record);
        let mut batch = Batch::new();
        for grid in &output.grids {
            self.wards
                .entry(grid.record.grid)
                .or_default()
                .note(tick, &record);
            for write in &grid.writes {
                put(&mut batch, write);
            }
        }
        let incidents = output.failures.into_iter();
        let incidents = incidents.map(|failure| self.contain(tick, failure, links));
        let incidents = incidents.collect();
        let entities = self.world.grids().map(|grid| self.world.entity_count(grid));
        Done {
            batch,
            record,
            entities: entities.sum(),
            incidents,
        }
    }

    /// Sends what the beat has put out to whom it concerns.
    fn exchange(&mut self, tick: Tick, output: &BeatOutput<Space>, links: &mut Links) {
        for envelope in &output.messages {
            let to = self
                .shard_of(envelope.to)
                .expect("gates lead to grids of the galaxy");
            links.send(to, Packet::Message(Box::new(envelope.clone())));
        }
        for grid in &output.grids {
            self.watch.publish(grid.record.grid, &grid.frames, links);
            for event in &grid.events {
                if event.edge.0 < links.shards() {
                    links.send(event.edge, Packet::Event(tick, Box::new(event.clone())));
                }
            }
        }
    }

    /// A grid is lost: its restoration begins, its members leave.
    fn contain(&mut self, tick: Tick, failure: Failure<Space>, links: &mut Links) -> Incident {
        let grid = failure.grid;
        links.send_to_all(|| Packet::Leave(grid));
        let incident = Incident {
            grid,
            tick: failure.tick,
            beat: tick,
            message: failure.message.clone(),
            record: restore::incident_record(&failure, self.shard),
        };
        let ward = self.wards.entry(grid).or_default();
        if let Err(error) = ward.restore(self.world.context(), failure, &mut self.restorer) {
            tracing::error!(
                grid = grid.0,
                error = format!("{error:#}"),
                "the grid stays lost"
            );
        }
        incident
    }

    /// Takes in the grids that are restored. To be called between two beats.
    pub fn poll_restored(&mut self) -> Vec<Comeback> {
        let mut comebacks = Vec::new();
        for (&grid, ward) in &mut self.wards {
            let Some(restored) = ward.poll() else {
                continue;
            };
            let outcome = match restored {
                Ok(Restored {
                    grid: restored,
                    rest,
                    culprits,
                }) => {
                    self.world.resume(restored);
                    let inputs = rest.inputs.into_iter().map(|input| (grid, input));
                    self.world.deliver(inputs, rest.arrivals);
                    Ok(culprits)
                }
                Err(error) => {
                    self.given_up.insert(grid);
                    Err(format!("{error:#}"))
                }
            };
            comebacks.push(Comeback { grid, outcome });
        }
        comebacks
    }
}

impl Drop for Simulation {
    /// However it ends: nobody may wait for this shard.
    fn drop(&mut self) {
        self.world.break_up();
    }
}

impl Transfer {
    fn grid(&self) -> GridId {
        self.cargo.grid()
    }
}

/// A row that the rules have written, as an operation of the batch.
fn put(batch: &mut Batch, write: &Write) {
    let domain = Domain::try_from(write.domain).expect("the rules name domains of the store");
    match &write.value {
        Some(value) => batch.put(domain, &write.key, value),
        None => batch.delete(domain, &write.key),
    }
}
