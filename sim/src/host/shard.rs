//! A simulated shard: the server's own [`Simulation`] and [`Links`], driven by a loop that does
//! what `server/src/shard/mod.rs` does, on a stack of its own. Between any two steps it gives
//! way, and only there and while it waits at a team's barrier may time pass or the host die.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crossbeam::channel::{Receiver, Sender};
use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::metronome::{Metronome, Pulse};
use orrery_kernel::probe::{Conductor, Phase, Probe};
use orrery_server::rules::input::Event;
use orrery_server::shard::{
    EncodedImage, ImageJob, Links, Packet, PlacementRequest, Publication, Simulation,
};
use orrery_storage::{BeatPort, Durable, Submission, SubmitError};

use super::check::Checker;
use super::draw::{Draws, MS};
use super::edge::Edge;
use super::player::Truth;
use super::trace::Trace;

/// Images that may wait to be encoded.
const IMAGES_WAITING_MAX: usize = 64;
/// Beats between the call to stop and the last beat.
const DRAIN_BEATS: u64 = 30;

/// What all of a host share.
pub struct Host {
    /// Every choice.
    pub draws: Draws,
    /// What has happened.
    pub trace: Trace,
    /// The host's monotonic clock.
    pub clock_ns: Cell<u64>,
    /// The process has died.
    pub is_dead: Cell<bool>,
    /// The host has been asked to drain and stop.
    pub is_stopping: Cell<bool>,
    /// No more trouble.
    pub is_calm: Cell<bool>,
    /// The checkers.
    pub checker: RefCell<Checker>,
    /// What grids have shown.
    pub truth: RefCell<Truth>,
}

/// Why a shard does not go on.
#[derive(Debug)]
pub enum Stop {
    /// The process has died.
    Died,
    /// It has failed, as the disk told it to.
    Failed(String),
    /// It has done the last beat.
    Ended,
}

/// What a fiber says when it gives way.
#[derive(Debug)]
pub enum Yielded {
    /// Nothing for so many nanoseconds.
    Pause(u64),
    /// The last word.
    Stopped(Stop),
}

/// A shard's own stack, seen from on it.
struct Fiber<'f> {
    yield_with: RefCell<&'f mut dyn FnMut(Yielded)>,
    host: Rc<Host>,
}

impl Fiber<'_> {
    fn pause(&self, ns: u64) -> Result<(), Stop> {
        (self.yield_with.borrow_mut())(Yielded::Pause(ns));
        if self.host.is_dead.get() {
            Err(Stop::Died)
        } else {
            Ok(())
        }
    }

    /// Something else may happen here; mostly little, seldom much.
    fn give_way(&self) -> Result<(), Stop> {
        let draws = &self.host.draws;
        let most = if draws.one_in(200) { 20 * MS } else { MS / 5 };
        self.pause(draws.within(0..most))
    }
}

/// What is asked of a shard from outside, and looked at.
pub struct Handle {
    /// Its simulation. Not to be touched while its fiber is in the middle of a beat.
    pub simulation: Rc<RefCell<Simulation>>,
    /// Its edge.
    pub edge: Rc<RefCell<Edge>>,
    /// Requests that it has not seen yet.
    pub requests: Rc<RefCell<VecDeque<PlacementRequest>>>,
    /// It does not run before this moment.
    pub stalled_until_ns: Cell<u64>,
    /// What it is at.
    pub doing: Rc<Cell<Doing>>,
}

/// What a shard is at, for whoever has to find out why it does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Doing {
    /// The beat.
    pub beat: Tick,
    /// The step of its loop.
    pub step: &'static str,
    /// The grid whose turn it is, in a beat.
    pub grid: Option<GridId>,
}

/// What a shard is made of.
pub struct Parts {
    /// Which.
    pub index: ShardIndex,
    /// See [`Handle`].
    pub simulation: Rc<RefCell<Simulation>>,
    /// See [`Handle`].
    pub edge: Rc<RefCell<Edge>>,
    /// See [`Handle`].
    pub requests: Rc<RefCell<VecDeque<PlacementRequest>>>,
    /// Its ends of the rings.
    pub links: Links,
    /// Its way to the disk.
    pub port: BeatPort,
    /// What is durable.
    pub durable: Durable,
    /// When its beats are due.
    pub metronome: Metronome,
    /// Where its images go.
    pub images: Sender<ImageJob>,
    /// Its images as bytes.
    pub encoded: Receiver<EncodedImage>,
    /// See [`Handle`].
    pub doing: Rc<Cell<Doing>>,
}

/// A shard at work.
struct Shard<'f> {
    fiber: Fiber<'f>,
    host: Rc<Host>,
    parts: Parts,
    released: Tick,
    last: Option<Tick>,
    publications: Vec<Arc<Publication>>,
    packets: Vec<Packet>,
    events: BTreeMap<Tick, Vec<Event>>,
}

/// The whole life of a shard, on its own stack, which `yield_with` leaves for a while.
pub fn run(host: &Rc<Host>, parts: Parts, yield_with: &mut dyn FnMut(Yielded)) -> Yielded {
    let fiber = Fiber {
        yield_with: RefCell::new(yield_with),
        host: Rc::clone(host),
    };
    let released = parts.simulation.borrow().tick();
    let mut shard = Shard {
        fiber,
        host: Rc::clone(host),
        parts,
        released,
        last: None,
        publications: Vec::new(),
        packets: Vec::new(),
        events: BTreeMap::new(),
    };
    let stop = shard.run();
    // As when a shard's thread ends: nobody waits for it any more.
    shard.parts.simulation.borrow().world().break_up();
    Yielded::Stopped(stop)
}

struct BatonConductor<'a, 'f> {
    fiber: &'a Fiber<'f>,
    links: &'a mut Links,
    doing: &'a Cell<Doing>,
}

impl Probe for BatonConductor<'_, '_> {
    fn phase(&mut self, grid: GridId, phase: Phase) {
        let grid = (phase != Phase::Done).then_some(grid);
        self.doing.set(Doing {
            grid,
            ..self.doing.get()
        });
    }
}

impl Conductor for BatonConductor<'_, '_> {
    fn go_on(&mut self, _: GridId) -> bool {
        !self.fiber.host.draws.one_in(3)
    }

    fn keep_waiting(&mut self) -> bool {
        self.links.pump();
        self.fiber.give_way().is_ok()
    }
}

impl Shard<'_> {
    fn run(&mut self) -> Stop {
        loop {
            let done = match self.parts.metronome.poll(self.host.clock_ns.get()) {
                Pulse::Wait { until_ns } => self.wait(until_ns),
                Pulse::Beat { tick, .. } => self.turn(tick),
            };
            if let Err(stop) = done {
                return stop;
            }
        }
    }

    /// Serves clients until a beat is due.
    fn wait(&mut self, until_ns: u64) -> Result<(), Stop> {
        self.enter(self.parts.metronome.next_tick(), "wait for the beat");
        self.serve()?;
        let left = until_ns.saturating_sub(self.host.clock_ns.get());
        self.fiber.pause(left.min(15 * MS) + 1)
    }

    fn turn(&mut self, tick: Tick) -> Result<(), Stop> {
        self.enter(tick, "wait for the others");
        self.drain_links();
        while !self.parts.links.all_ended(tick.minus(1)) {
            self.serve()?;
            self.wait_a_little()?;
        }
        if self.last.is_some_and(|last| tick > last) {
            return Err(self.end());
        }
        self.beat(tick)
    }

    fn enter(&self, beat: Tick, step: &'static str) {
        let grid = None;
        self.parts.doing.set(Doing { beat, step, grid });
    }

    fn wait_a_little(&self) -> Result<(), Stop> {
        let ns = self.host.draws.within(MS / 5..3 * MS);
        self.fiber.pause(ns)
    }

    fn beat(&mut self, tick: Tick) -> Result<(), Stop> {
        self.enter(tick, "begin");
        self.pass_on_inputs();
        self.fiber.give_way()?;
        self.drain_links();
        let is_first = self.parts.index == ShardIndex(0);
        if is_first && self.last.is_none() && self.host.is_stopping.get() {
            self.last = Some(tick.plus(DRAIN_BEATS));
        }
        self.begin(tick)?;
        self.fiber.give_way()?;
        self.enter(tick, "step grids");
        let done = {
            let mut simulation = self.parts.simulation.borrow_mut();
            let mut conductor = BatonConductor {
                fiber: &self.fiber,
                links: &mut self.parts.links,
                doing: &self.parts.doing,
            };
            let output = simulation.step(tick, &mut conductor);
            simulation.conclude(tick, output, &mut self.parts.links)
        };
        if self.host.is_dead.get() {
            return Err(Stop::Died);
        }
        let last = self.last;
        self.parts
            .links
            .send_to_all(|| Packet::EndOfBeat { tick, last });
        self.host.trace.note(|| {
            let (shard, bytes) = (self.parts.index, done.record.len());
            format!("shard {shard} has done beat {tick}: a record of {bytes} bytes")
        });
        self.host.trace.fold(&done.record);
        self.parts.edge.borrow_mut().note_beat(tick);
        self.enter(tick, "submit");
        self.fiber.give_way()?;
        self.submit(
            tick,
            Submission {
                batch: done.batch,
                record: Arc::unwrap_or_clone(done.record),
            },
        )?;
        self.fiber.give_way()?;
        self.drain_links();
        for publication in std::mem::take(&mut self.publications) {
            self.parts.edge.borrow_mut().publish(&publication);
        }
        self.serve()
    }

    fn begin(&mut self, tick: Tick) -> Result<(), Stop> {
        let requests = std::mem::take(&mut *self.parts.requests.borrow_mut());
        for request in requests {
            self.parts.simulation.borrow_mut().request(request);
        }
        self.exchange_grids(tick)?;
        let mut simulation = self.parts.simulation.borrow_mut();
        for comeback in simulation.poll_restored() {
            self.host.trace.note(|| format!("{comeback:?}"));
        }
        for image in self.parts.encoded.try_iter() {
            simulation.note_image(image.grid, image.tick, image.bytes);
        }
        drop(simulation);
        self.take_images(false);
        Ok(())
    }

    fn exchange_grids(&mut self, tick: Tick) -> Result<(), Stop> {
        let simulation = Rc::clone(&self.parts.simulation);
        simulation.borrow_mut().begin(tick, &mut self.parts.links);
        self.fiber.give_way()?;
        self.enter(tick, "wait for a grid");
        while !simulation.borrow().is_ready(tick) {
            self.serve()?;
            self.wait_a_little()?;
        }
        simulation.borrow_mut().settle_in(tick);
        Ok(())
    }

    fn take_images(&self, all: bool) {
        if !all && self.parts.images.len() > IMAGES_WAITING_MAX {
            return;
        }
        for news in self.parts.simulation.borrow_mut().images(all) {
            let shard = self.parts.index;
            // The receiver outlives the shards.
            let _ = self.parts.images.send(ImageJob { shard, news });
        }
    }

    fn submit(&mut self, tick: Tick, mut submission: Submission) -> Result<(), Stop> {
        self.host.checker.borrow_mut().submit(
            tick,
            self.parts.index,
            &submission.record,
            &submission.batch,
        );
        loop {
            match self.parts.port.submit(tick, submission) {
                Ok(()) => return Ok(()),
                Err(SubmitError::Full {
                    submission: back, ..
                }) => {
                    submission = back;
                    self.serve()?;
                    self.wait_a_little()?;
                }
                Err(error) => return Err(Stop::Failed(error.to_string())),
            }
        }
    }

    /// Everything that is not a beat.
    fn serve(&mut self) -> Result<(), Stop> {
        self.drain_links();
        self.parts.edge.borrow_mut().handle_inbox();
        self.pass_on_inputs();
        self.parts.links.flush();
        if let Some(failure) = self.parts.durable.failed() {
            return Err(Stop::Failed(failure.to_string()));
        }
        let durable = self.parts.durable.beat();
        if let Some(durable) = durable.filter(|durable| *durable > self.released) {
            self.released = durable;
            let mut edge = self.parts.edge.borrow_mut();
            edge.release(durable);
            self.host.checker.borrow_mut().promise(edge.promised);
        }
        Ok(())
    }

    fn pass_on_inputs(&mut self) {
        let inputs = self.parts.edge.borrow_mut().drain_inputs();
        for (grid, input) in inputs {
            let to = self.parts.simulation.borrow().shard_of(grid);
            let to = to.unwrap_or(self.parts.index);
            let input = Box::new(input);
            self.parts.links.send(to, Packet::Input(grid, input));
        }
    }

    fn drain_links(&mut self) {
        let links = &mut self.parts.links;
        for from in (0..links.shards()).map(ShardIndex) {
            links.receive(from, &mut self.packets);
            for packet in self.packets.drain(..) {
                let beat = links.beat_of(from);
                let taken = self.parts.simulation.borrow_mut().take(from, beat, packet);
                match taken {
                    None | Some(Packet::Pace { .. }) => {}
                    Some(Packet::Publication(publication)) => {
                        self.host.truth.borrow_mut().note(&publication);
                        self.publications.push(publication);
                    }
                    Some(Packet::Event(done, event)) => {
                        self.events.entry(done).or_default().push(*event);
                    }
                    Some(Packet::EndOfBeat { tick, last }) => {
                        links.note_end(from, tick);
                        self.last = self.last.or(last);
                    }
                    Some(other) => unreachable!("the simulation takes {other:?}"),
                }
            }
        }
        while let Some(entry) = self.events.first_entry()
            && links.all_ended(entry.key().minus(1))
        {
            let (done, events) = entry.remove_entry();
            for event in events {
                let mut edge = self.parts.edge.borrow_mut();
                edge.handle_grid_event(done, &event);
            }
        }
    }

    /// After the last beat: images of everything, and goodbye when it is durable.
    fn end(&mut self) -> Stop {
        let last = self.parts.simulation.borrow().tick();
        if let Err(stop) = self.exchange_grids(last.next()) {
            return stop;
        }
        self.parts.links.close(last.next());
        self.enter(last.next(), "end");
        self.take_images(true);
        while self.parts.durable.beat() < Some(last) || !self.parts.links.is_done(last.next()) {
            if let Err(stop) = self.serve().and_then(|()| self.wait_a_little()) {
                return stop;
            }
        }
        Stop::Ended
    }
}
