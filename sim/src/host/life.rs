//! One life of the host's process: from the recovery of the last durable beat to the moment when
//! it dies or stops.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam::channel::{Receiver, unbounded};
use generator::{Gn, LocalGenerator};
use orrery_base::{ShardIndex, Tick};
use orrery_kernel::metronome::{Metronome, MetronomeConfig};
use orrery_kernel::ring;
use orrery_kernel::world::World;
use orrery_server::host::checkpoints::{CheckpointWriter, Prepared};
use orrery_server::host::orphans;
use orrery_server::host::recovery::{Deal, Recorded, Replay, Start};
use orrery_server::rules::Space;
use orrery_server::shard::{ImageJob, Links, RestoreJob, Restorer, Simulation};
use orrery_storage::commit::{Pipeline, Recovered, recover};
use orrery_storage::log::simulated::SimulatedDisk;
use orrery_storage::meta::LAST_BEAT_KEY;
use orrery_storage::{
    BeatPort, CommitOptions, ControlPort, Domain, Durable, FinishReport, Rows, journal,
};

use super::draw::MS;
use super::edge::Edge;
use super::plan::Plan;
use super::rows::MapRows;
use super::shard::{Handle, Host, Parts, Stop, Yielded, run};

/// A shard's stack, bytes.
const STACK_WORDS: usize = 1 << 17;
/// From the end of the recovery to the first beat.
const START_AFTER_NS: u64 = 200 * MS;

/// A running process.
pub struct Life {
    /// By shard.
    pub handles: Vec<Handle>,
    fibers: Vec<LocalGenerator<'static, (), Yielded>>,
    /// By shard, how it has ended.
    pub stops: Vec<Option<Stop>>,
    /// The commit.
    pub pipeline: Pipeline<SimulatedDisk, MapRows>,
    /// What is durable.
    pub durable: Durable,
    /// The checkpoint thread.
    pub checkpoints: CheckpointWriter<MapRows>,
    images: Receiver<ImageJob>,
    prepared: Option<Prepared>,
    jobs: Arc<Mutex<Vec<RestoreJob>>>,
}

/// Why a start did not succeed.
#[derive(Debug)]
pub enum StartFailure {
    /// As it may with a disk like this: to be tried again.
    Disk(String),
    /// As it must not.
    Wrong(anyhow::Error),
}

/// What a start needs.
pub struct Ground<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The disk.
    pub disk: &'a SimulatedDisk,
    /// The rows.
    pub rows: &'a MapRows,
    /// Whether the disk is set to fail.
    pub may_fail: bool,
    /// Shards of the life before.
    pub former_shards: u16,
}

impl Life {
    /// Recovers the last durable beat and starts `shards` shards.
    ///
    /// # Errors
    /// See [`StartFailure`].
    pub fn start(host: &Rc<Host>, ground: &Ground<'_>, shards: u16) -> Result<Self, StartFailure> {
        let opened = recover(ground.disk.clone(), ground.plan.log, ground.rows);
        let opened = opened.map_err(|error| {
            let may_fail = ground.may_fail;
            let error = anyhow::Error::new(error).context("open the beat log");
            if may_fail {
                StartFailure::Disk(format!("{error:#}"))
            } else {
                StartFailure::Wrong(error)
            }
        })?;
        let deal = Deal::new(&ground.plan.galaxy.context, usize::from(shards));
        let (last, worlds) = replay(ground, &opened, &deal).map_err(StartFailure::Wrong)?;
        host.trace.note(|| {
            let (replayed, torn) = (opened.replayed, opened.torn.is_some());
            format!("recovered beat {last}; frames for the rows: {replayed}; torn: {torn}")
        });
        if last > Tick(0) {
            let mut checker = host.checker.borrow_mut();
            let checked = checker.recovered(last, &worlds, ground.rows, ground.former_shards);
            checked.map_err(StartFailure::Wrong)?;
        }
        Self::begin(host, ground, opened, &deal, last, worlds).map_err(StartFailure::Wrong)
    }

    fn begin(
        host: &Rc<Host>,
        ground: &Ground<'_>,
        opened: Recovered<SimulatedDisk>,
        deal: &Deal,
        last: Tick,
        worlds: Vec<World<Space>>,
    ) -> anyhow::Result<Self> {
        let plan = ground.plan;
        let (pipeline, ports, control) = start_commit(ground, opened, last, worlds.len())?;
        let durable = pipeline.durable();
        let orphans = orphans(&worlds);
        let shards = worlds.len() as u16;
        let meshes = ring::mesh(shards, plan.ring_capacity);
        let (images_in, images) = unbounded();
        let (encoded_in, encoded): (Vec<_>, Vec<_>) = (0..shards).map(|_| unbounded()).unzip();
        let jobs: Arc<Mutex<Vec<RestoreJob>>> = Arc::default();
        let (mut handles, mut fibers) = (Vec::new(), Vec::new());
        let first_ns = host.clock_ns.get() + START_AFTER_NS;
        let dealt = worlds.into_iter().zip(ports).zip(meshes).zip(encoded);
        for (index, (((world, port), mesh), encoded)) in (0..).map(ShardIndex).zip(dealt) {
            let mut simulation =
                Simulation::new(index, world, deal, plan.image_interval, restorer(&jobs));
            for (grid, input) in &orphans {
                if deal.world_of(*grid) == Some(usize::from(index.0)) {
                    simulation.take_input(*grid, input.clone());
                }
            }
            let handle = handle(simulation, index, last);
            let config = MetronomeConfig::default();
            let parts = Parts {
                index,
                simulation: Rc::clone(&handle.simulation),
                edge: Rc::clone(&handle.edge),
                requests: Rc::clone(&handle.requests),
                links: Links::new(mesh, last),
                port,
                durable: durable.clone(),
                metronome: Metronome::new(config, last.next(), first_ns),
                images: images_in.clone(),
                encoded,
                doing: Rc::clone(&handle.doing),
            };
            let host = Rc::clone(host);
            handles.push(handle);
            fibers.push(Gn::new_scoped_opt_local(STACK_WORDS, move |mut scope| {
                run(&host, parts, &mut |yielded| scope.yield_with(yielded))
            }));
        }
        let stops = handles.iter().map(|_| None).collect();
        let (grids, keep) = (deal.grids().len(), plan.keep_beats);
        let rows = ground.rows.clone();
        let checkpoints = CheckpointWriter::new(rows, control, encoded_in, grids, keep);
        Ok(Self {
            handles,
            fibers,
            stops,
            pipeline,
            durable,
            checkpoints,
            images,
            prepared: None,
            jobs,
        })
    }

    /// How many shards.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.handles.len() as u16
    }

    /// Lets a shard run until it gives way; for how long it then wants nothing, if it goes on.
    pub fn resume(&mut self, shard: usize) -> Option<u64> {
        let fiber = &mut self.fibers[shard];
        if self.stops[shard].is_some() {
            return None;
        }
        match fiber.resume() {
            Some(Yielded::Pause(ns)) => Some(ns),
            Some(Yielded::Stopped(stop)) => {
                self.stops[shard] = Some(stop);
                None
            }
            None => None,
        }
    }

    /// After the host has died: every shard is told so, wherever it is.
    pub fn unwind(&mut self) {
        for shard in 0..self.fibers.len() {
            while self.resume(shard).is_some() {}
        }
    }

    /// Restorations that have been asked for.
    #[must_use]
    pub fn take_jobs(&self) -> Vec<RestoreJob> {
        std::mem::take(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A step of the checkpoint thread; whether there was one.
    pub fn checkpoint_turn(&mut self) -> bool {
        if let Some(prepared) = self.prepared.take() {
            if self.durable.beat() < Some(prepared.tick) {
                self.prepared = Some(prepared);
                return false;
            }
            self.checkpoints.write(prepared);
            return true;
        }
        match self.images.try_recv() {
            Ok(job) => {
                self.prepared = self.checkpoints.prepare(job);
                true
            }
            Err(_) => false,
        }
    }

    /// The orderly end, when all shards have ended.
    ///
    /// # Errors
    /// What the commit says.
    pub fn finish(mut self, now: Duration) -> anyhow::Result<FinishReport> {
        while self.checkpoint_turn() {}
        let (report, _) = self.pipeline.finish(now)?;
        Ok(report)
    }
}

/// Restorations are put into a queue, for the simulator to choose when they are done.
fn restorer(jobs: &Arc<Mutex<Vec<RestoreJob>>>) -> Restorer {
    let queue = Arc::clone(jobs);
    Box::new(move |_, job| {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(job);
        Ok(())
    })
}

fn handle(simulation: Simulation, index: ShardIndex, last: Tick) -> Handle {
    Handle {
        simulation: Rc::new(RefCell::new(simulation)),
        edge: Rc::new(RefCell::new(Edge::new(index, last))),
        requests: Rc::new(RefCell::new(VecDeque::new())),
        stalled_until_ns: Cell::new(0),
        doing: Rc::default(),
    }
}

/// From the newest checkpoints through the journal to the last durable beat, as
/// `server/src/host/mod.rs` does it.
fn replay(
    ground: &Ground<'_>,
    opened: &Recovered<SimulatedDisk>,
    deal: &Deal,
) -> anyhow::Result<(Tick, Vec<World<Space>>)> {
    let row = ground.rows.get(Domain::Meta, LAST_BEAT_KEY)?;
    let row: Option<[u8; 8]> = row.and_then(|row| row.try_into().ok());
    let last = Tick(row.map_or(0, u64::from_be_bytes));
    let galaxy = &ground.plan.galaxy;
    let mut replay = Replay::begin(ground.rows, galaxy, deal.grids(), Start::Newest, last, 1)?;
    let from = replay.from();
    if from < last {
        let rows = journal::range(opened.log.disk(), from.next()..=last);
        for row in rows.context("open the journal")? {
            let row = row.context("read the journal")?;
            let (beat, bytes) = (row.key.beat, row.record);
            replay.take(&Recorded { beat, bytes }, |_, _, _| Ok(()))?;
        }
    }
    Ok((last, replay.into_worlds(deal, last)?))
}

/// A commit with its ports.
type Commit = (Pipeline<SimulatedDisk, MapRows>, Vec<BeatPort>, ControlPort);

/// The commit on a disk that was opened, whose next beat is the one after `last`.
fn start_commit(
    ground: &Ground<'_>,
    opened: Recovered<SimulatedDisk>,
    last: Tick,
    shards: usize,
) -> anyhow::Result<Commit> {
    let options = CommitOptions {
        first_beat: Some(last.next()),
        beats_waiting_max: ground.plan.beats_waiting_max,
        ..CommitOptions::default()
    };
    let durable = (last > Tick(0)).then_some(last);
    let rows = Arc::new(ground.rows.clone());
    Pipeline::new(opened, rows, durable, shards, options)
        .map_err(|refused| refused.0)
        .context("start the commit")
}
