//! One grid of 10,000 ships, everyone in range of everyone (`orrery_sim::battle`), on one part and
//! on two.
//!
//! The contenders play the same beats of the same battle, in turns. A beat's time is that from
//! `Desk::begin` to the end of `Desk::finish`; making up the orders and dropping what the beat has
//! put out are outside of it. The phases are timed in separate runs with the kernel's probe; on
//! two threads they are the leader's, its waiting at the barriers included.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orrery_base::{GridId, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::{Delivery, Grid, GridBeat, GridConfig, Order, parallel};
use orrery_kernel::probe::{Conductor, NoProbe, Phase, Probe};
use orrery_kernel::rules::Envelope;
use orrery_sim::battle::script::Script;
use orrery_sim::battle::{Battle, BattleContext, BattleFrame, Crossing};

use super::Suite;
use crate::measure::{Contender, Effort, Group, Measured, Role, Series};

pub(super) const SUITE: Suite = Suite {
    name: "battle",
    area: "kernel",
    about: "One grid of 10,000 ships, all in range of all, on one core and on two",
    groups: || vec![group()],
    more: Some(more),
    figures,
};

const SHIPS: u32 = 10_000;
const ONE: &str = "one part";
const TWO: &str = "two parts, two threads";
/// Beats of a turn.
const BEATS: u64 = 240;
/// Beats before them that are played and not counted: by then fresh threads have a core each, as
/// a shard's thread has from the start.
const SETTLING: u64 = 60;
/// Beats before anything is measured: by then the fleets have met.
const WARM_UP: u64 = 120;
/// Beats of which the phases are timed.
const PHASE_BEATS: u64 = 600;
/// A beat in nanoseconds.
const BEAT_NS: f64 = 1e9 / 30.0;
const HOME: GridId = GridId(1);

fn figures(measured: &[Measured]) -> Vec<(&'static str, f64)> {
    let p99 = measured[1].series(TWO).quantile(0.99);
    vec![
        ("kernel.two_shard_speedup", measured[0].ratio(ONE, TWO)),
        ("kernel.battle_10k_dilation", (BEAT_NS / p99).min(1.0)),
    ]
}

fn group() -> Group {
    let beats = BEATS as usize;
    let (mut one, mut two) = (Arena::new(1), Arena::new(2));
    Group::new("10,000 ships", "beat")
        .with(Contender::timed(ONE, Role::Ours, beats, move || {
            counted(&one.play(SETTLING + BEATS))
        }))
        .with(Contender::timed(TWO, Role::Ours, beats, move || {
            counted(&two.play_in_parallel(SETTLING + BEATS, &mut NoProbe))
        }))
}

fn counted(beats: &[Duration]) -> Duration {
    beats[SETTLING as usize..].iter().sum()
}

/// The phases on one part and on two, and the beats of both.
fn more(_: Effort) -> Vec<Measured> {
    let [mut lap, mut both, mut leader] = [Lap::default(), Lap::default(), Lap::default()];
    let one = Arena::new(1).play_probed(PHASE_BEATS, &mut lap);
    // What dividing the work costs, without anything that comes of a second core.
    let divided = Arena::new(2).play_probed(PHASE_BEATS, &mut both);
    let two = Arena::new(2).play_in_parallel(PHASE_BEATS, &mut leader);
    let beats = vec![
        series(ONE, one),
        series("two parts, one thread", divided),
        series(TWO, two),
    ];
    let names = ["gather", "motion", "interact", "apply", "settle"];
    let mut phases: Vec<Series> = Vec::new();
    for (stage, name) in names.iter().enumerate() {
        for (lap, on) in [
            (&lap, "one part"),
            (&both, "two parts, one thread"),
            (&leader, "two parts, leader"),
        ] {
            let times = lap.beats.iter().map(|beat| beat[stage]);
            phases.push(series(format!("{name}, {on}"), times));
        }
    }
    let measured = |name: &str, series| Measured {
        name: name.to_owned(),
        unit: "ns per beat".to_owned(),
        series,
    };
    vec![
        measured("beats of one run", beats),
        measured("phases of a beat", phases),
    ]
}

fn series(name: impl Into<String>, times: impl IntoIterator<Item = Duration>) -> Series {
    let rounds = times.into_iter().map(|time| time.as_nanos() as f64);
    Series {
        name: name.into(),
        role: Role::Ours,
        rounds: rounds.collect(),
    }
}

/// A battle under way, with what its next beat is made of.
struct Arena {
    /// Away only while it is played.
    grid: Option<Grid<Battle>>,
    carried: Carried,
}

struct Carried {
    script: Script,
    frames: Vec<Arc<BattleFrame>>,
    arrivals: Vec<Envelope<Crossing>>,
}

impl Carried {
    /// Inputs and arrivals of a beat.
    fn feed(&mut self, tick: Tick) -> Delivery<Battle> {
        Delivery {
            inputs: self.script.inputs(tick, HOME, &self.frames),
            arrivals: std::mem::take(&mut self.arrivals),
        }
    }

    /// Keeps what the next beat needs and drops the rest.
    fn take(&mut self, beat: GridBeat<Battle>) {
        self.frames = beat.frames;
        self.arrivals = beat.record.sent;
    }
}

impl Arena {
    /// A battle whose fleets have met.
    fn new(parts: u16) -> Self {
        let config = GridConfig {
            grid: HOME,
            parts,
            seed: 1,
            context: Arc::new(BattleContext {
                ships: SHIPS,
                fleets: 4,
            }),
        };
        let script = Script {
            seed: 1,
            // Every player gives an order every ten seconds.
            orders: 2 * SHIPS / 300,
            grids: vec![HOME],
        };
        let mut arena = Self {
            grid: Some(Grid::new(config, Tick(0))),
            carried: Carried {
                script,
                frames: Vec::new(),
                arrivals: Vec::new(),
            },
        };
        arena.play(WARM_UP);
        arena
    }

    /// On this thread, all parts in turn; the time of each beat.
    fn play(&mut self, beats: u64) -> Vec<Duration> {
        self.play_probed(beats, &mut Lap::default())
    }

    fn play_probed(&mut self, beats: u64, lap: &mut Lap) -> Vec<Duration> {
        let grid = self.grid.as_mut().expect("nobody plays it now");
        let carried = &mut self.carried;
        let times = (0..beats).map(|_| {
            let tick = grid.tick().next();
            let delivery = carried.feed(tick);
            let start = Instant::now();
            grid.begin(Order {
                tick,
                wall: tick,
                dilation: Dilation::NONE,
                delivery,
            });
            grid.advance(lap, false);
            let beat = grid.finish();
            let time = start.elapsed();
            carried.take(beat);
            time
        });
        times.collect()
    }

    /// On a thread for each part: a team.
    fn play_in_parallel(&mut self, beats: u64, conductor: &mut impl Conductor) -> Vec<Duration> {
        let grid = self.grid.take().expect("nobody plays it now");
        let until = grid.tick().plus(beats);
        let mut times = Vec::with_capacity(beats as usize);
        let shared = RefCell::new((&mut self.carried, Instant::now()));
        let grid = parallel::run_with(
            grid,
            |tick| {
                let (carried, start) = &mut *shared.borrow_mut();
                let fed = (tick <= until).then(|| carried.feed(tick));
                *start = Instant::now();
                fed
            },
            |beat| {
                let (carried, start) = &mut *shared.borrow_mut();
                times.push(start.elapsed());
                carried.take(beat);
            },
            conductor,
        );
        self.grid = Some(grid);
        times
    }
}

/// Times the phases.
#[derive(Default)]
struct Lap {
    since: Option<(Phase, Instant)>,
    beats: Vec<[Duration; 5]>,
}

impl Probe for Lap {
    fn phase(&mut self, _: GridId, phase: Phase) {
        let now = Instant::now();
        if phase == Phase::Gather {
            self.beats.push([Duration::ZERO; 5]);
        }
        if let (Some((former, since)), Some(beat)) = (self.since, self.beats.last_mut())
            && phase != Phase::Gather
        {
            beat[former as usize] = now - since;
        }
        self.since = Some((phase, now));
    }
}

impl Conductor for Lap {}
