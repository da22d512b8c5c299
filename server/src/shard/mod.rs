//! A shard: one pinned core with its grids, its clients and its ends of the rings.
//!
//! ```text
//! serve   receive datagrams → sessions → inputs over the rings;  send what is due
//! beat    wait until all shards have ended the last one → gather, step, exchange → submit the batch
//! publish frames of watched grids → snapshots;  replies whose beat is durable
//! ```
//!
//! Serving goes on whenever the shard is not stepping, also while it waits for other shards.
//! The loop is the only task of its executor and never gives way to it: it waits in `ppoll`, on
//! its sockets, because glommio's park was seen to miss its timers and its yields under load, and
//! the shard then slept until a signal came (docs/architecture.md#the-shard-loop).
//!
//! **Invariant:** nothing in here decides anything about the world: it moves inputs to grids and
//! what grids put out to clients and to the commit.

mod clients;
mod commands;
mod conductor;
mod economy;
mod grid_events;
mod incidents;
mod links;
mod pacer;
mod packet;
mod parts;
mod placement;
mod publish;
mod restore;
mod session;
mod silence;
mod simulation;
mod upkeep;
mod value;
mod watch;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender};
use orrery_base::{ShardIndex, Tick};
use orrery_kernel::metronome::{Metronome, MetronomeConfig, Pulse};
use orrery_kernel::runtime::{Clock, ShardSeat};
use orrery_net::{Edge, Forward, UdpShell};
use orrery_storage::{BeatPort, Durable, Submission, SubmitError};

pub use economy::{Asker, BookQuestion, News, ShardEconomy, ValuePacket, View};
pub use links::Links;
pub use packet::{Packet, Publication, Transfer};
pub use parts::{EncodedImage, ImageJob, ImageNews, ShardParts};
pub use placement::{Change, PlacementRequest};
pub use restore::{Culprits, RestoreJob, Restorer, Ward, on_threads};
pub use simulation::{Checkpoint, Comeback, Done, Incident, Simulation};

use self::clients::Clients;
use self::conductor::BeatConductor;
use self::pacer::Pacer;
use self::publish::PublishScratch;
use crate::config::Config;
use crate::metrics::{BeatPhase, ShardMetrics};
use crate::rules::input::Event;

/// The longest that a shard with nothing to do looks away from its rings.
const LOOK_AWAY: Duration = Duration::from_millis(3);
/// Between two looks at the rings while another shard is behind.
const WAIT_STEP: Duration = Duration::from_micros(200);
/// The first beat is due so long after the shards were started.
const START_AFTER: Duration = Duration::from_millis(200);
/// When the host stops because a shard has failed, the others do not wait for it for ever.
const OTHERS_GIVEN_UP: Duration = Duration::from_secs(5);
/// Of a beat, what the grids of a shard may take before those that are dilated have to wait.
const GRID_BUDGET: Duration = Duration::from_millis(22);
/// Beats between two updates of the slow measurements.
const SHOW_BEATS: u64 = 15;
/// Beats between the call to stop and the last beat: long enough for clients to hear of it.
const DRAIN_BEATS: u64 = 30;

type ShardResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Runs a shard until the host stops; returns the last beat.
///
/// # Errors
/// If a socket cannot be bound or breaks, or the store takes no more beats.
pub async fn run(seat: ShardSeat<Packet>, parts: ShardParts) -> ShardResult<Tick> {
    let mut shard = Shard::new(seat, parts)?;
    let ended = shard.run();
    // Also after a failure: clients shall not have to find out by waiting.
    let told = shard.say_goodbye();
    let last = ended?;
    told.map(|()| last)
}

struct Shard {
    shard: ShardIndex,
    clock: Clock,
    stop: Arc<AtomicBool>,
    config: Arc<Config>,
    metronome: Metronome,
    simulation: Simulation,
    economy: ShardEconomy,
    pacer: Pacer,
    clients: Clients,
    shell: UdpShell,
    links: Links,
    port: BeatPort,
    durable: Durable,
    applied: Durable,
    /// What was durable when replies were last released.
    released: Tick,
    metrics: Arc<ShardMetrics>,
    images: Sender<ImageJob>,
    encoded: Receiver<EncodedImage>,
    /// Once stopping has begun, the last beat.
    last: Option<Tick>,
    /// Time at the sockets since the last beat.
    receiving: Duration,
    sending: Duration,
    publications: Vec<Arc<Publication>>,
    /// Events for clients, by the host's beat: they are handled when every shard has ended the beat
    /// before. So whoever hears that it has come to a grid has heard that it left the other one.
    events: BTreeMap<Tick, Vec<Event>>,
    packets: Vec<Packet>,
    forwards: Vec<Forward>,
    scratch: PublishScratch,
}

impl Shard {
    fn new(seat: ShardSeat<Packet>, parts: ShardParts) -> ShardResult<Self> {
        let shard = seat.shard;
        let tick = parts.world.tick();
        let edge = Edge::new(parts.edge, Instant::now())?;
        let clients = Clients::new(
            shard,
            edge,
            parts.config.edge.clone(),
            parts.content_hash,
            parts.control,
            Arc::clone(&parts.metrics),
            tick,
        );
        let interval = u64::from(parts.config.durability.checkpoint_interval_beats);
        let mut simulation = Simulation::new(
            shard,
            parts.world,
            &parts.deal,
            interval,
            restore::on_threads(),
        );
        for (grid, input) in parts.orphans {
            simulation.take_input(grid, input);
        }
        // All shards reckon from the same zero of the shared clock; the beats of a start that
        // took long are caught up or slipped like any others.
        let first_ns = START_AFTER.as_nanos() as u64;
        Ok(Self {
            shard,
            clock: seat.clock,
            stop: parts.stop,
            config: parts.config,
            metronome: Metronome::new(MetronomeConfig::default(), tick.next(), first_ns),
            simulation,
            economy: parts.economy,
            pacer: Pacer::default(),
            clients,
            shell: UdpShell::bind(&parts.listen)?,
            links: Links::new(seat.mesh, tick),
            port: parts.port,
            durable: parts.durable,
            applied: parts.applied,
            released: tick,
            metrics: parts.metrics,
            images: parts.images,
            encoded: parts.encoded,
            last: None,
            receiving: Duration::ZERO,
            sending: Duration::ZERO,
            publications: Vec::new(),
            events: BTreeMap::new(),
            packets: Vec::new(),
            forwards: Vec::new(),
            scratch: PublishScratch::default(),
        })
    }

    fn run(&mut self) -> ShardResult<Tick> {
        self.economy.resend(&mut self.links);
        loop {
            match self.metronome.poll(self.clock.now_ns()) {
                Pulse::Wait { until_ns } => {
                    let busy = self.serve()?;
                    if !busy {
                        let until = self.clock.instant(until_ns).min(Instant::now() + LOOK_AWAY);
                        self.shell.wait(until);
                    }
                }
                Pulse::Beat {
                    tick,
                    late_ns,
                    slipped_ns,
                } => {
                    self.metrics.slipped_us.add(slipped_ns / 1_000);
                    self.wait_for_others(tick.minus(1))?;
                    if self.last.is_some_and(|last| tick > last) {
                        return self.end();
                    }
                    self.beat(tick, Duration::from_nanos(late_ns))?;
                }
            }
        }
    }

    /// Serves clients until every shard has ended a beat.
    fn wait_for_others(&mut self, tick: Tick) -> ShardResult<()> {
        let since = Instant::now();
        self.drain_links();
        while !self.links.all_ended(tick) {
            if self.stop.load(Ordering::Acquire) && since.elapsed() > OTHERS_GIVEN_UP {
                return Err(format!("the other shards have not ended beat {tick}").into());
            }
            if !self.serve()? {
                self.shell.wait(Instant::now() + WAIT_STEP);
            }
        }
        self.metrics.record_phase(BeatPhase::Wait, since.elapsed());
        Ok(())
    }

    /// One beat, from gathering to the last snapshot.
    fn beat(&mut self, tick: Tick, late: Duration) -> ShardResult<()> {
        let span = tracing::debug_span!("beat", shard = self.shard.0, tick = tick.0);
        let started = Instant::now();
        self.pass_on_inputs();
        // Inputs of this very shard came over its own ring: they count from this beat on.
        self.drain_links();
        if self.shard == ShardIndex(0) && self.last.is_none() && self.stop.load(Ordering::Acquire) {
            self.last = Some(tick.plus(DRAIN_BEATS));
        }
        self.begin(tick)?;
        let done = span.in_scope(|| {
            let metrics = Arc::clone(&self.metrics);
            let mut conductor = BeatConductor::new(&metrics, GRID_BUDGET, &mut self.links);
            let output = self.simulation.step(tick, &mut conductor);
            let costs = conductor.finish();
            let since = Instant::now();
            let mut done = self.simulation.conclude(tick, output, &mut self.links);
            let readable = self.applied.beat().unwrap_or(Tick(0));
            let batch = &mut done.batch;
            self.economy.forward_claims(batch, &mut self.links)?;
            self.economy
                .beat(tick, readable, batch, &mut self.links, &metrics);
            self.pacer
                .observe(&costs, &mut self.simulation, &mut self.links);
            let last = self.last;
            self.links.send_to_all(|| Packet::EndOfBeat { tick, last });
            metrics.record_phase(BeatPhase::Exchange, since.elapsed());
            ShardResult::Ok(done)
        })?;
        self.clients.note_beat(tick);
        if self.last.is_some() {
            self.clients
                .drain(DRAIN_BEATS as u32 / orrery_base::BEATS_PER_SECOND);
        }
        self.submit(tick, done)?;
        span.in_scope(|| {
            let _span = tracing::debug_span!("publish").entered();
            let publishing = Instant::now();
            self.drain_links();
            for publication in std::mem::take(&mut self.publications) {
                self.clients.publish(&publication, &mut self.scratch);
            }
            self.metrics
                .record_phase(BeatPhase::Publish, publishing.elapsed());
        });
        self.serve()?;
        let (receiving, sending) = (&mut self.receiving, &mut self.sending);
        let phases = [
            (BeatPhase::Receive, std::mem::take(receiving)),
            (BeatPhase::Send, std::mem::take(sending)),
        ];
        for (phase, spent) in phases {
            self.metrics.record_phase(phase, spent);
        }
        self.metrics.record_beat(tick, started.elapsed(), late);
        if tick.is_every(SHOW_BEATS, u64::from(self.shard.0)) {
            self.show();
        }
        Ok(())
    }

    /// What comes before a beat's work: grids that come and go, deliveries, restored grids, and
    /// images of the state after the last beat.
    fn begin(&mut self, tick: Tick) -> ShardResult<()> {
        while let Some(request) = self.clients.control.poll_placement(self.shard) {
            self.simulation.request(request);
        }
        self.exchange_grids(tick)?;
        for comeback in self.simulation.poll_restored() {
            incidents::report_comeback(&comeback, &self.metrics);
        }
        for image in self.encoded.try_iter() {
            self.simulation
                .note_image(image.grid, image.tick, image.bytes);
        }
        self.take_images(false);
        Ok(())
    }

    /// Grids that leave are sent away, and those that come are waited for.
    fn exchange_grids(&mut self, tick: Tick) -> ShardResult<()> {
        self.simulation.begin(tick, &mut self.links);
        let since = Instant::now();
        while !self.simulation.is_ready(tick) {
            if since.elapsed() > OTHERS_GIVEN_UP {
                return Err(format!("a grid that moves here by beat {tick} has not come").into());
            }
            if !self.serve()? {
                self.shell.wait(Instant::now() + WAIT_STEP);
            }
        }
        self.simulation.settle_in(tick);
        Ok(())
    }

    /// Hands the beat to the commit. A disk that is many beats behind slows the world down here,
    /// so that it never runs far ahead of what is durable; clients are served meanwhile.
    fn submit(&mut self, tick: Tick, done: Done) -> ShardResult<()> {
        let since = Instant::now();
        self.metrics.entities.set(done.entities as u64);
        for incident in &done.incidents {
            incidents::report(incident, &self.config.server.data, &self.metrics);
        }
        let mut submission = Submission {
            batch: done.batch,
            record: Arc::unwrap_or_clone(done.record),
        };
        loop {
            match self.port.submit(tick, submission) {
                Ok(()) => break,
                Err(SubmitError::Full {
                    submission: back, ..
                }) => {
                    submission = back;
                    self.metrics.commit_back_pressure.increment();
                    self.serve()?;
                    self.shell.wait(Instant::now() + LOOK_AWAY);
                }
                Err(error) => return Err(Box::new(error)),
            }
        }
        self.metrics
            .record_phase(BeatPhase::Commit, since.elapsed());
        Ok(())
    }

    /// Everything that is not a beat: datagrams in, sessions, inputs out, replies, datagrams
    /// out. Never waits. Says whether there was anything to do.
    fn serve(&mut self) -> ShardResult<bool> {
        let now = Instant::now();
        let turn = self
            .shell
            .receive(&mut self.clients.edge, now, &mut self.forwards)?;
        let received = Instant::now();
        for forward in self.forwards.drain(..) {
            self.links
                .send(forward.shard, Packet::Forward(Box::new(forward.received)));
        }
        self.drain_links();
        for view in self.economy.take_read()? {
            self.clients.show(view);
        }
        self.clients.handle_events();
        self.pass_on_inputs();
        self.links.flush();
        if let Some(failure) = self.durable.failed() {
            return Err(Box::new(failure));
        }
        if let Some(durable) = self
            .durable
            .beat()
            .filter(|&durable| durable > self.released)
        {
            self.released = durable;
            self.clients.release(durable);
        }
        let since = Instant::now();
        let sent = self.shell.transmit(&mut self.clients.edge, since)?;
        self.receiving += received - now;
        self.sending += since.elapsed();
        Ok(turn.datagrams > 0 || turn.more || sent.datagrams > 0)
    }

    /// Sends the inputs of this shard's clients to the shards of their grids.
    fn pass_on_inputs(&mut self) {
        for (grid, input) in self.clients.drain_inputs() {
            let to = self.simulation.shard_of(grid).unwrap_or(self.shard);
            self.links.send(to, Packet::Input(grid, Box::new(input)));
        }
        let links = &mut self.links;
        self.clients.pass_on_asked(&self.economy, |to, packet| {
            links.send(to, Packet::Value(Box::new(packet)));
        });
    }

    /// Takes in what the shards have sent.
    fn drain_links(&mut self) {
        let mut packets = std::mem::take(&mut self.packets);
        for from in (0..self.links.shards()).map(ShardIndex) {
            self.links.receive(from, &mut packets);
            for packet in packets.drain(..) {
                let beat = self.links.beat_of(from);
                let Some(packet) = self.simulation.take(from, beat, packet) else {
                    continue;
                };
                match packet {
                    Packet::Publication(publication) => self.publications.push(publication),
                    Packet::Event(done, event) => {
                        self.events.entry(done).or_default().push(*event);
                    }
                    Packet::Value(packet) => match self.economy.take(beat, *packet) {
                        Some(ValuePacket::News(news)) => self.clients.hear(&news),
                        Some(ValuePacket::View(view)) => self.clients.show(view),
                        _ => {}
                    },
                    Packet::Pace { grid, pace, from } => self.clients.tell_pace(grid, pace, from),
                    Packet::EndOfBeat { tick, last } => {
                        self.links.note_end(from, tick);
                        self.last = self.last.or(last);
                    }
                    Packet::Forward(received) => {
                        self.clients
                            .edge
                            .handle_forwarded(Instant::now(), *received);
                    }
                    other => unreachable!("the simulation takes {other:?}"),
                }
            }
        }
        self.packets = packets;
        while let Some(entry) = self.events.first_entry()
            && self.links.all_ended(entry.key().minus(1))
        {
            let (done, events) = entry.remove_entry();
            for event in events {
                self.clients.handle_grid_event(done, event);
            }
        }
    }

    /// The last beat is done: waits until it is durable.
    fn end(&mut self) -> ShardResult<Tick> {
        let last = self.simulation.tick();
        self.exchange_grids(last.next())?;
        self.links.close(last.next());
        self.take_images(true);
        let since = Instant::now();
        let is_done =
            |shard: &Self| shard.durable.beat() >= Some(last) && shard.links.is_done(last.next());
        while !is_done(self) && since.elapsed() < OTHERS_GIVEN_UP {
            self.serve()?;
            self.shell.wait(Instant::now() + LOOK_AWAY);
        }
        Ok(last)
    }

    /// Closes all connections.
    fn say_goodbye(&mut self) -> ShardResult<()> {
        self.clients.close_all();
        for _ in 0..3 {
            self.shell
                .transmit(&mut self.clients.edge, Instant::now())?;
            self.shell.wait(Instant::now() + LOOK_AWAY);
        }
        Ok(())
    }
}
