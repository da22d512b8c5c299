//! One grid of 10,000 ships, everyone in range of everyone (`orrery_sim::battle`), on one part and
//! on two.
//!
//! The contenders play the same beats of the same battle, in turns. A beat's time is that from
//! `Desk::begin` to the end of `Desk::finish`; making up the orders and dropping what the beat has
//! put out are outside of it. The phases are timed in separate runs: on one part with the kernel's
//! probe, on two with the seats on two threads that meet in [`crew`].

mod crew;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orrery_base::{GridId, Tick};
use orrery_kernel::grid::{Grid, GridConfig, GridOutput, parallel};
use orrery_kernel::probe::{Phase, Probe};
use orrery_kernel::rules::Envelope;
use orrery_sim::battle::script::Script;
use orrery_sim::battle::{Battle, BattleContext, BattleFrame, Crossing};

use super::Suite;
use crate::measure::{Contender, Effort, Group, Measured, Role, Series};
use crew::StageTimes;

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
const TWO: &str = "two parts, grid::parallel";
const CREW: &str = "two parts, spinning at the barriers";
/// Beats of a turn.
const BEATS: u64 = 60;
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
    let (mut one, mut two, mut crew) = (Arena::new(1), Arena::new(2), Arena::new(2));
    Group::new("10,000 ships", "beat")
        .with(Contender::timed(ONE, Role::Ours, beats, move || {
            one.play(BEATS).iter().sum()
        }))
        .with(Contender::timed(TWO, Role::Ours, beats, move || {
            two.play_in_parallel(BEATS).iter().sum()
        }))
        .with(Contender::timed(CREW, Role::Ours, beats, move || {
            crew.play_as_crew(BEATS).iter().map(|beat| beat.beat).sum()
        }))
}

/// The phases on one part and on two, and the beats of both.
fn more(_: Effort) -> Vec<Measured> {
    let [mut lap, mut both] = [Lap::default(), Lap::default()];
    let one = Arena::new(1).play_probed(PHASE_BEATS, &mut lap);
    // What dividing the work costs, without anything that comes of a second core.
    let divided = Arena::new(2).play_probed(PHASE_BEATS, &mut both);
    let two = Arena::new(2).play_in_parallel(PHASE_BEATS);
    let crew = Arena::new(2).play_as_crew(PHASE_BEATS);
    let beats = vec![
        series(ONE, one),
        series("two parts, one thread", divided),
        series(TWO, two),
        series(CREW, crew.iter().map(|beat| beat.beat)),
    ];
    let names = ["gather", "motion", "interact", "apply", "settle"];
    let mut phases: Vec<Series> = Vec::new();
    for (stage, name) in names.iter().enumerate() {
        let times = lap.beats.iter().map(|beat| beat[stage]);
        phases.push(series(format!("{name}, one part"), times));
        let times = both.beats.iter().map(|beat| beat[stage]);
        phases.push(series(format!("{name}, two parts, one thread"), times));
        let wall = crew.iter().map(|beat| beat.stages[stage].wall);
        phases.push(series(format!("{name}, two parts, wall"), wall));
        let most = crew.iter().map(|beat| beat.stages[stage].most);
        phases.push(series(format!("{name}, two parts, slower seat"), most));
        let mean = crew.iter().map(|beat| beat.stages[stage].mean);
        phases.push(series(format!("{name}, two parts, mean seat"), mean));
    }
    let begin = crew.iter().map(|beat| beat.begin);
    phases.push(series("desk begins, two parts", begin));
    let finish = crew.iter().map(|beat| beat.finish);
    phases.push(series("desk finishes, two parts", finish));
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
    grid: Grid<Battle>,
    carried: Carried,
}

struct Carried {
    script: Script,
    frames: Vec<Arc<BattleFrame>>,
    arrivals: Vec<Envelope<Crossing>>,
}

impl Carried {
    /// Inputs and arrivals of a beat.
    fn feed(&mut self, tick: Tick) -> parallel::Feed<Battle> {
        let inputs = self.script.inputs(tick, HOME, &self.frames);
        (inputs, std::mem::take(&mut self.arrivals))
    }

    /// Keeps what the next beat needs and drops the rest.
    fn take(&mut self, output: GridOutput<Battle>) {
        self.frames = output.beat.frames;
        self.arrivals = output.messages;
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
            grid: Grid::new(config, Tick(0)),
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
        let times = (0..beats).map(|_| {
            let tick = self.grid.tick().next();
            let (inputs, arrivals) = self.carried.feed(tick);
            let start = Instant::now();
            let output = self.grid.step_probed(tick, inputs, arrivals, lap);
            let time = start.elapsed();
            self.carried.take(output);
            time
        });
        times.collect()
    }

    /// On a thread for each part, as the kernel's plainest driver does it.
    fn play_in_parallel(&mut self, beats: u64) -> Vec<Duration> {
        let until = self.grid.tick().plus(beats);
        let mut times = Vec::with_capacity(beats as usize);
        let shared = RefCell::new((&mut self.carried, Instant::now()));
        parallel::run(
            &mut self.grid,
            |tick| {
                let (carried, start) = &mut *shared.borrow_mut();
                let fed = (tick <= until).then(|| carried.feed(tick));
                *start = Instant::now();
                fed
            },
            |output| {
                let (carried, start) = &mut *shared.borrow_mut();
                times.push(start.elapsed());
                carried.take(output);
            },
        );
        times
    }

    /// On a thread for each part, the caller's among them.
    fn play_as_crew(&mut self, beats: u64) -> Vec<StageTimes> {
        let carried = RefCell::new(&mut self.carried);
        crew::run(
            &mut self.grid,
            beats,
            |tick| carried.borrow_mut().feed(tick),
            |output| carried.borrow_mut().take(output),
        )
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
