//! A whole host under a seed: the real shards, rings, commit, log, checkpoints and recovery, with
//! virtual time and a disk and a network that fail.
//!
//! ```text
//! players ──network──▶ edges ─▶ shards (a stack each) ─▶ commit ─▶ log on a simulated disk
//!    ▲  loss, delay, …    │        │ rings: the real mesh     └──▶ rows in memory
//!    └────snapshots───────┘        └─ records ─▶ checker: one world that does it all again
//! ```
//!
//! One thread runs everything, one event after the other. A shard is a coroutine: it gives way
//! between the steps of its loop and while it waits at a team's barrier, and at all these points
//! the process may die. Every choice is drawn from the seed, so the same seed gives the same run.
//!
//! | module | what |
//! | --- | --- |
//! | [`plan`], [`draw`] | what a seed makes of a run |
//! | [`time`], [`happening`], [`trace`] | virtual time; what happens in it; what has happened |
//! | [`life`], [`shard`] | one life of the process; a shard's loop |
//! | [`rows`] | the store's rows |
//! | [`edge`], [`player`], [`network`] | clients |
//! | [`trouble`] | what goes wrong, and what operators want |
//! | [`swarm`] | many seeds, the command line |
//! | [`check`], [`ships`], [`calm`] | what must hold: after every beat, and at the end |

pub mod calm;
pub mod check;
pub mod draw;
pub mod edge;
pub mod happening;
pub mod life;
pub mod network;
pub mod plan;
pub mod player;
pub mod rows;
pub mod shard;
pub mod ships;
pub mod swarm;
pub mod time;
pub mod trace;
pub mod trouble;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use orrery_base::Tick;
use orrery_storage::commit::Turn;
use orrery_storage::log::simulated::SimulatedDisk;

use self::check::Checker;
use self::draw::{Draws, MS, SECOND};
pub use self::happening::Happening;
use self::life::{Ground, Life, StartFailure};
use self::plan::Plan;
use self::player::{Player, Truth};
use self::rows::MapRows;
use self::shard::{Host, Stop};
use self::time::Agenda;
use self::trace::Trace;
use self::trouble::Weather;

/// Of the draws of a run.
const PURPOSE: u32 = 0x686f_7374;

/// A host that has done no beat for so long never will.
const STANDSTILL_NS: u64 = 20 * SECOND;

/// What a run is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The seed.
    pub seed: u64,
    /// How long it lasts, in seconds of virtual time.
    pub seconds: u64,
    /// Whether to say what happens.
    pub trace: bool,
    /// A content pack ([`plan::compile`]).
    pub content: &'a [u8],
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Two runs with equal options have equal digests.
    pub digest: u64,
    /// Beats of the host that became durable.
    pub beats: u64,
    /// Beats of grids that were done again by the checker.
    pub grid_beats: u64,
    /// Messages between grids.
    pub messages: u64,
    /// Lives of the process.
    pub lives: u64,
    /// Snapshots that clients compared with the truth.
    pub snapshots: u64,
    /// Grids that moved, were spread, gathered, dilated or made to fail.
    pub requests: u64,
}

/// A run.
pub struct Run {
    host: Rc<Host>,
    agenda: Agenda<Happening>,
    plan: Plan,
    disk: SimulatedDisk,
    rows: MapRows,
    players: Vec<Player>,
    weather: Weather,
    life: Option<Life>,
    lives: u64,
    /// Shards of this life, or of the last one.
    shards: u16,
    clients: u64,
    snapshots: u64,
    requests: u64,
    /// What the clock is ahead of the agenda.
    clock_jumps_ns: u64,
    /// The life and the beat when it was last looked at.
    watched: (u64, Tick),
    /// All was well; only a last restart is left.
    is_concluded: bool,
    is_over: bool,
}

/// Runs a host.
///
/// # Errors
/// What did not hold.
pub fn run(options: Options<'_>) -> anyhow::Result<Report> {
    let mut run = Run::new(options)?;
    run.go_through()
        .with_context(|| format!("after {:.6} s", run.agenda.now_ns() as f64 / 1e9))?;
    let checker = run.host.checker.borrow();
    Ok(Report {
        digest: run.host.trace.digest(),
        beats: checker.tick().0,
        grid_beats: checker.grid_beats,
        messages: checker.messages,
        lives: run.lives,
        snapshots: run.snapshots,
        requests: run.requests,
    })
}

impl Run {
    fn new(options: Options<'_>) -> anyhow::Result<Self> {
        let plan = Plan::new(options.seed, options.content)?;
        let host = Host {
            draws: Draws::new(options.seed, PURPOSE),
            trace: Trace::new(options.trace),
            clock_ns: Cell::new(0),
            is_dead: Cell::new(false),
            is_stopping: Cell::new(false),
            is_calm: Cell::new(false),
            checker: RefCell::new(Checker::new(&plan)),
            truth: RefCell::new(Truth::default()),
        };
        let mut agenda = Agenda::default();
        agenda.after(0, Happening::Start);
        agenda.after(options.seconds * SECOND, Happening::CalmDown);
        agenda.after(STANDSTILL_NS, Happening::Watch);
        agenda.after(SECOND, Happening::Operate);
        agenda.after(SECOND, Happening::Hinder);
        agenda.after(SECOND, Happening::Harm);
        for player in 0..plan.characters.len() {
            agenda.after(host.draws.within(0..3 * SECOND), Happening::Act(player));
            agenda.after(host.draws.within(0..SECOND), Happening::Send(player));
        }
        let characters = plan.characters.iter();
        Ok(Self {
            players: characters.map(|row| Player::new(row.id)).collect(),
            disk: SimulatedDisk::new(options.seed),
            rows: MapRows::new(&plan.first_rows()),
            host: Rc::new(host),
            agenda,
            plan,
            weather: Weather::default(),
            life: None,
            lives: 0,
            shards: 0,
            clients: 0,
            snapshots: 0,
            requests: 0,
            clock_jumps_ns: 0,
            watched: (0, Tick(0)),
            is_concluded: false,
            is_over: false,
        })
    }

    fn go_through(&mut self) -> anyhow::Result<()> {
        while !self.is_over {
            let Some(happening) = self.agenda.take() else {
                bail!("nothing happens any more");
            };
            let now_ns = self.agenda.now_ns();
            self.host.clock_ns.set(now_ns + self.clock_jumps_ns);
            self.host.trace.set_time(now_ns);
            self.happen(happening)?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> anyhow::Result<()> {
        match happening {
            Happening::Shard(life, shard) => self.shard(life, shard),
            Happening::Write(life) => self.write(life),
            Happening::Apply(life) => self.upkeep(life, true),
            Happening::Keep(life) => self.upkeep(life, false),
            Happening::Checkpoint(life) => {
                if let Some(running) = self.alive(life) {
                    let was_busy = running.checkpoint_turn();
                    let most = if was_busy { 5 } else { 60 };
                    let delay = self.host.draws.within(0..most * MS);
                    self.agenda.after(delay, Happening::Checkpoint(life));
                }
                Ok(())
            }
            Happening::Restore(life, job) => {
                if self.alive(life).is_some() {
                    job();
                }
                Ok(())
            }
            Happening::Heard(life, edge, client, said) => {
                if let Some(running) = self.alive(life) {
                    let handle = running.handles.get(usize::from(edge.0));
                    let handle = handle.context("clients know the edges")?;
                    handle.edge.borrow_mut().inbox.push_back((client, said));
                }
                Ok(())
            }
            Happening::Told(player, client, told) => self.told(player, client, told),
            Happening::Act(player) => {
                self.act(player);
                Ok(())
            }
            Happening::Send(player) => {
                self.send(player);
                Ok(())
            }
            Happening::Operate => {
                self.operate();
                Ok(())
            }
            Happening::Hinder => {
                self.hinder();
                Ok(())
            }
            Happening::Harm => self.harm(),
            Happening::MakeRoom => {
                self.make_room();
                Ok(())
            }
            Happening::Die(life) => {
                if self.alive(life).is_some() {
                    self.die("a shard has failed", false);
                }
                Ok(())
            }
            Happening::Start => self.start(),
            Happening::Watch => self.watch(),
            Happening::CalmDown => {
                self.calm_down();
                Ok(())
            }
            Happening::Conclude => self.conclude(),
        }
    }

    /// The life of this number, if it is the present one.
    fn alive(&mut self, life: u64) -> Option<&mut Life> {
        if life == self.lives {
            self.life.as_mut()
        } else {
            None
        }
    }

    fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.life.is_none(), "the host is started twice");
        let shards = self.host.draws.within(1..5) as u16;
        let ground = Ground {
            plan: &self.plan,
            disk: &self.disk,
            rows: &self.rows,
            may_fail: self.weather.disk_may_fail(&self.disk),
            former_shards: self.shards,
        };
        self.host.is_dead.set(false);
        self.host.is_stopping.set(false);
        *self.host.truth.borrow_mut() = Truth::default();
        match Life::start(&self.host, &ground, shards) {
            Ok(life) => self.life = Some(life),
            Err(StartFailure::Wrong(error)) => return Err(error),
            Err(StartFailure::Disk(why)) => {
                self.host.trace.note(|| format!("no start: {why}"));
                self.disk.power_on();
                let delay = self.host.draws.within(100 * MS..SECOND);
                self.agenda.after(delay, Happening::Start);
                return Ok(());
            }
        }
        self.lives += 1;
        self.shards = shards;
        let (life, trace) = (self.lives, &self.host.trace);
        trace.note(|| format!("life {life} begins with {shards} shards"));
        for shard in 0..usize::from(shards) {
            self.agenda.after(0, Happening::Shard(life, shard));
        }
        self.agenda.after(0, Happening::Write(life));
        self.agenda.after(0, Happening::Apply(life));
        self.agenda.after(0, Happening::Keep(life));
        self.agenda.after(0, Happening::Checkpoint(life));
        Ok(())
    }

    fn shard(&mut self, life: u64, shard: usize) -> anyhow::Result<()> {
        let now_ns = self.agenda.now_ns();
        let Some(running) = self.alive(life) else {
            return Ok(());
        };
        let stalled_until_ns = running.handles[shard].stalled_until_ns.get();
        if stalled_until_ns > now_ns {
            let delay = stalled_until_ns - now_ns;
            self.agenda.after(delay, Happening::Shard(life, shard));
            return Ok(());
        }
        let pause = running.resume(shard);
        let jobs = running.take_jobs();
        let stop = running.stops[shard]
            .as_ref()
            .map(|stop| format!("{stop:?}"));
        let is_failure = matches!(running.stops[shard], Some(Stop::Failed(_)));
        let have_ended = running
            .stops
            .iter()
            .all(|it| matches!(it, Some(Stop::Ended)));
        for job in jobs {
            let delay = self.host.draws.within(MS..300 * MS);
            self.agenda.after(delay, Happening::Restore(life, job));
        }
        self.carry_away(shard);
        if let Some(ns) = pause {
            self.agenda.after(ns, Happening::Shard(life, shard));
            return Ok(());
        }
        self.host
            .trace
            .note(|| format!("shard {shard} has stopped: {stop:?}"));
        if is_failure {
            let delay = self.host.draws.within(0..500 * MS);
            self.agenda.after(delay, Happening::Die(life));
        }
        if have_ended {
            self.stop_in_order()?;
        }
        Ok(())
    }

    /// A turn of the writer, which takes the time that the disk takes. What it has found durable
    /// is checked.
    fn write(&mut self, life: u64) -> anyhow::Result<()> {
        let now = Duration::from_nanos(self.agenda.now_ns());
        let latency_ns = self.weather.sync_ns(&self.host.draws, self.agenda.now_ns());
        let Some(running) = self.alive(life) else {
            return Ok(());
        };
        let delay = match running.pipeline.commit_turn(now) {
            Ok(Turn::Wrote) => latency_ns,
            Ok(Turn::Idle(_)) => latency_ns.max(2 * MS),
            Ok(Turn::Ended(_)) => bail!("the commit has ended by itself"),
            Err(failure) => {
                self.host.trace.note(|| failure.to_string());
                if self.disk.is_off() {
                    self.die("the power has failed", true);
                }
                return Ok(());
            }
        };
        if let Some(durable) = running.durable.beat() {
            let shards = self.shards;
            self.host.checker.borrow_mut().advance(durable, shards)?;
        }
        self.agenda.after(delay, Happening::Write(life));
        Ok(())
    }

    fn upkeep(&mut self, life: u64, is_apply: bool) -> anyhow::Result<()> {
        let Some(running) = self.alive(life) else {
            return Ok(());
        };
        let turn = if is_apply {
            running.pipeline.apply_turn()
        } else {
            running.pipeline.keep_turn()
        };
        if self.disk.is_off() {
            self.die("the power has failed", true);
            return Ok(());
        }
        let Ok(was_busy) = turn else {
            return Ok(());
        };
        let most = match (is_apply, was_busy) {
            (true, true) => 2,
            (true, false) => 5,
            (false, _) => 40,
        };
        let delay = self.host.draws.within(0..most * MS);
        let next = if is_apply {
            Happening::Apply(life)
        } else {
            Happening::Keep(life)
        };
        self.agenda.after(delay, next);
        Ok(())
    }

    /// The process dies: what was in memory is gone.
    fn die(&mut self, why: &str, is_power: bool) {
        let Some(mut life) = self.life.take() else {
            return;
        };
        self.host
            .trace
            .note(|| format!("the process dies: {why}; power lost: {is_power}"));
        self.host.is_dead.set(true);
        life.unwind();
        drop(life);
        let kept = self.rows.unflushed();
        self.rows.lose(self.host.draws.index(kept + 1));
        if is_power {
            if !self.disk.is_off() {
                self.disk.lose_power();
            }
            self.disk.power_on();
        }
        self.weather.forget(&self.disk);
        for player in &mut self.players {
            player.disconnect();
        }
        let delay = self.host.draws.within(50 * MS..3 * SECOND);
        self.agenda.after(delay, Happening::Start);
    }

    /// All shards have ended after the same beat.
    fn stop_in_order(&mut self) -> anyhow::Result<()> {
        let Some(life) = self.life.take() else {
            return Ok(());
        };
        let now = Duration::from_nanos(self.agenda.now_ns());
        let report = life.finish(now);
        for player in &mut self.players {
            player.disconnect();
        }
        let kept = self.rows.unflushed();
        match report {
            Ok(report) => {
                let trace = &self.host.trace;
                trace.note(|| format!("the host has stopped in order: {report:?}"));
                ensure!(report.clean, "the host stopped in order, but {report:?}");
                ensure!(
                    kept == 0,
                    "rows of {kept} frames were not flushed at the end"
                );
                let durable = report.last_beat.unwrap_or_default();
                let mut checker = self.host.checker.borrow_mut();
                checker.advance(durable, self.shards)?;
            }
            Err(error) => {
                // The disk may fail at the very end, too.
                self.host
                    .trace
                    .note(|| format!("no orderly end: {error:#}"));
                ensure!(
                    self.weather.disk_may_fail(&self.disk) || self.disk.is_off(),
                    "the commit did not end in order: {error:#}"
                );
                self.rows.lose(self.host.draws.index(kept + 1));
                self.disk.power_on();
                self.weather.forget(&self.disk);
            }
        }
        let delay = self.host.draws.within(50 * MS..SECOND);
        self.agenda.after(delay, Happening::Start);
        Ok(())
    }
}
