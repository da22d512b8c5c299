//! One beat of a shard: gather, step, exchange, commit.
//!
//! **Invariants**
//! - A beat begins when every shard has ended the last one, so the messages of beat T, from
//!   wherever, are complete when T + 1 is gathered, and no order of arrival matters.
//! - Everything that changed in a beat, and the inputs that made it change, are in one batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use orrery_base::{GridId, ShardIndex, Slot, Tick};
use orrery_kernel::grid::Grid;
use orrery_kernel::journal;
use orrery_kernel::probe::{Phase, Probe};
use orrery_kernel::rules::{Envelope, Stamped, Write};
use orrery_kernel::world::{BeatOutput, World};
use orrery_proto::snapshot::GridHistory;
use orrery_spatial::{CellIndex, Positions};
use orrery_storage::{Batch, Domain, Submission, checkpoint};

use super::links::Links;
use super::packet::{Packet, Publication};
use crate::host::recovery::{Deal, pending_row};
use crate::metrics::{BeatPhase, GridStatus, ShardMetrics};
use crate::rules::Space;
use crate::rules::columns::NO_CLIENT;
use crate::rules::frame::SpaceFrame;
use crate::rules::input::{Input, Message};

/// Cells of 168 km: nine to twenty-seven of them hold what a ship can see.
const CELL_CM: u32 = 1 << 24;

/// The simulation of a shard and what has come for its next beats.
pub(super) struct Simulation {
    shard: ShardIndex,
    world: World<Space>,
    deal: Deal,
    inputs: Vec<(GridId, Stamped<Input>)>,
    /// Messages with the beat that they are due in: the next one, or the one after.
    arrivals: Vec<(Tick, Envelope<Message>)>,
    /// The recent past of every grid that somebody watches.
    histories: BTreeMap<GridId, GridHistory>,
}

/// What a beat leaves to be done by others.
pub(super) struct Done {
    /// Rows and record, for the commit.
    pub submission: Submission,
    /// Whether the state of all grids is among the rows.
    pub checkpoint: bool,
    /// Entities of the shard's grids.
    pub entities: usize,
}

impl Simulation {
    /// Takes over a world; `pending` are the messages that are due in its next beat.
    #[must_use]
    pub(super) fn new(
        shard: ShardIndex,
        world: World<Space>,
        deal: Deal,
        pending: Vec<Envelope<Message>>,
    ) -> Self {
        let due = world.tick().next();
        let arrivals = pending
            .into_iter()
            .map(|envelope| (due, envelope))
            .collect();
        Self {
            shard,
            world,
            deal,
            inputs: Vec::new(),
            arrivals,
            histories: BTreeMap::new(),
        }
    }

    /// The last beat done.
    #[must_use]
    pub(super) fn tick(&self) -> Tick {
        self.world.tick()
    }

    /// Grids that are here.
    #[must_use]
    pub(super) fn grid_count(&self) -> usize {
        self.world.grids().len()
    }

    /// The grids with what an operator wants to know of them.
    #[must_use]
    pub(super) fn grid_table(&self) -> Vec<GridStatus> {
        let status = |grid: &Grid<Space>| {
            let clients = grid.parts().map(|part| {
                let clients = part.table.columns().pilot.client.iter();
                clients.filter(|&&client| client != NO_CLIENT).count() as u32
            });
            GridStatus {
                grid: grid.id(),
                entities: grid.entity_count() as u32,
                clients: clients.sum(),
                dilation_milli: 1_000,
            }
        };
        self.world.grids().map(status).collect()
    }

    /// The shard of a grid; `None` if the galaxy has no such grid.
    #[must_use]
    pub(super) fn shard_of(&self, grid: GridId) -> Option<ShardIndex> {
        let world = self.deal.world_of(grid)?;
        u16::try_from(world).ok().map(ShardIndex)
    }

    /// An input for the next beat that is gathered.
    pub(super) fn take_input(&mut self, grid: GridId, input: Stamped<Input>) {
        self.inputs.push((grid, input));
    }

    /// A message that is due in beat `due`.
    pub(super) fn take_message(&mut self, due: Tick, envelope: Envelope<Message>) {
        self.arrivals.push((due, envelope));
    }

    /// Does beat `tick`: steps the grids, sends messages, frames and events, and returns the
    /// batch. With `checkpoint`, the batch holds the state of all grids after the beat.
    pub(super) fn beat(
        &mut self,
        tick: Tick,
        with_checkpoint: bool,
        last: Option<Tick>,
        links: &mut Links,
        metrics: &ShardMetrics,
    ) -> Done {
        let mut timer = PhaseTimer::new(metrics);
        let mut arrivals = Vec::new();
        self.arrivals.retain_mut(|(due, envelope)| {
            if *due == tick {
                arrivals.push(envelope.clone());
            }
            *due != tick
        });
        let output = self
            .world
            .beat_probed(tick, &mut self.inputs, arrivals, &mut timer);
        timer.enter(BeatPhase::Exchange);
        let mut batch = Batch::new();
        self.exchange(tick, last, &output, links);
        timer.enter(BeatPhase::Journal);
        let mut record = Vec::new();
        let records = output.grids.iter().map(|grid| &grid.record);
        journal::encode::<Space>(tick, self.shard, records, &mut record);
        for grid in &output.grids {
            for write in &grid.writes {
                put(&mut batch, write);
            }
        }
        if with_checkpoint {
            timer.enter(BeatPhase::Checkpoint);
            self.checkpoint(tick, &output.messages, &mut batch);
        }
        timer.finish();
        let entities = self.world.grids().map(Grid::entity_count).sum();
        Done {
            submission: Submission { batch, record },
            checkpoint: with_checkpoint,
            entities,
        }
    }

    /// Sends what the beat has put out to whom it concerns, and its end to everybody.
    fn exchange(
        &mut self,
        tick: Tick,
        last: Option<Tick>,
        output: &BeatOutput<Space>,
        links: &mut Links,
    ) {
        for (grid, stray) in &output.stray_inputs {
            // The edge knew an older place of its client: the client will be told by the grid.
            tracing::debug!(
                grid = grid.0,
                source = stray.source,
                "input for a grid that is elsewhere"
            );
        }
        assert!(
            output.stray_messages.is_empty(),
            "messages are sent to the shard that has the grid"
        );
        for envelope in &output.messages {
            let to = self
                .shard_of(envelope.to)
                .expect("gates lead to grids of the galaxy");
            links.send(to, Packet::Message(Box::new(envelope.clone())));
        }
        for grid in &output.grids {
            self.publish(grid.record.grid, &grid.frames, links);
            for event in &grid.events {
                if event.edge.0 < links.shards() {
                    links.send(event.edge, Packet::Event(Box::new(event.clone())));
                }
            }
        }
        links.send_to_all(|| Packet::EndOfBeat { tick, last });
    }

    /// Adds a beat to a grid's history and hands it to the edges whose clients are there. The
    /// history of a grid that nobody watches is dropped: it begins anew when somebody comes.
    fn publish(&mut self, grid: GridId, frames: &[Arc<SpaceFrame>], links: &mut Links) {
        let watched = |edge| {
            frames
                .iter()
                .any(|frame| frame.watchers.iter().any(|w| w.edge == edge))
        };
        let edges: Vec<_> = (0..links.shards())
            .map(ShardIndex)
            .filter(|&edge| watched(edge))
            .collect();
        if edges.is_empty() {
            self.histories.remove(&grid);
            return;
        }
        let tick = frames.first().map_or(Tick(0), |frame| frame.tick);
        let history = self
            .histories
            .entry(grid)
            .or_insert_with(|| GridHistory::new(grid));
        let mut slots = history.begin(tick);
        for frame in frames {
            for (&slot, state) in frame.slots.iter().zip(&frame.states) {
                slots.insert(Slot(slot), state);
            }
        }
        history.push(slots);
        let mut index = CellIndex::new(CELL_CM);
        let positions: Vec<_> = frames
            .iter()
            .map(|frame| {
                let [x, y, z] = &frame.position_cm;
                Positions { x, y, z }
            })
            .collect();
        index.rebuild_parts(&positions);
        let slots = frames
            .iter()
            .flat_map(|frame| frame.slots.iter().copied())
            .collect();
        let history = history.clone();
        let publication = Arc::new(Publication {
            grid,
            history,
            frames: frames.to_vec(),
            index,
            slots,
        });
        for edge in edges {
            links.send(edge, Packet::Publication(Arc::clone(&publication)));
        }
    }

    fn checkpoint(&self, tick: Tick, pending: &[Envelope<Message>], batch: &mut Batch) {
        for (grid, state) in self.world.checkpoint() {
            checkpoint::put(batch, grid, tick, &state);
        }
        let mut messages = Vec::new();
        journal::encode_messages::<Space>(pending, &mut messages);
        checkpoint::put(batch, pending_row(self.shard), tick, &messages);
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

/// Times the phases of a beat, summed over the grids. The clock is read here, outside of the
/// simulation, which cannot see it.
struct PhaseTimer<'a> {
    metrics: &'a ShardMetrics,
    since: Instant,
    phase: Option<BeatPhase>,
    spent: [std::time::Duration; BeatPhase::ALL.len()],
}

impl<'a> PhaseTimer<'a> {
    fn new(metrics: &'a ShardMetrics) -> Self {
        Self {
            metrics,
            since: Instant::now(),
            phase: None,
            spent: Default::default(),
        }
    }

    fn enter(&mut self, phase: BeatPhase) {
        self.leave();
        self.phase = Some(phase);
    }

    fn leave(&mut self) {
        let now = Instant::now();
        if let Some(phase) = self.phase.take() {
            self.spent[phase as usize] += now - self.since;
        }
        self.since = now;
    }

    fn finish(mut self) {
        self.leave();
        for (phase, spent) in BeatPhase::ALL.iter().zip(self.spent) {
            if !spent.is_zero() {
                self.metrics.record_phase(*phase, spent);
            }
        }
    }
}

impl Probe for PhaseTimer<'_> {
    fn phase(&mut self, _: GridId, phase: Phase) {
        match phase {
            Phase::Gather => self.enter(BeatPhase::Gather),
            Phase::Motion => self.enter(BeatPhase::Motion),
            Phase::Interact => self.enter(BeatPhase::Interact),
            Phase::Apply => self.enter(BeatPhase::Apply),
            Phase::Settle => self.enter(BeatPhase::Settle),
            Phase::Done => self.leave(),
        }
    }
}
