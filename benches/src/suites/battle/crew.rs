//! The seats of a grid on threads that spin at the barriers, with a clock at every stage: what
//! the stages cost by themselves, and what the waiting for each other adds.
//!
//! The caller's thread is the desk's and the first seat's, so that there is one thread per part
//! and no more. Needs as many idle cores as the grid has parts.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orrery_base::Tick;
use orrery_kernel::grid::{Grid, GridOutput, parallel};
use orrery_kernel::rules::Rules;
use orrery_kernel::seat::Seat;

const STAGES: usize = 5;
/// Tells the threads that there is no further beat.
const STOP: u64 = u64::MAX;

/// The times of one stage of one beat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StageTime {
    /// From barrier to barrier.
    pub(super) wall: Duration,
    /// The seat that took longest.
    pub(super) most: Duration,
    /// The mean of the seats.
    pub(super) mean: Duration,
}

/// The times of one beat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StageTimes {
    /// All of it.
    pub(super) beat: Duration,
    /// `Desk::begin`.
    pub(super) begin: Duration,
    /// In order: gather, motion, interact, apply, settle.
    pub(super) stages: [StageTime; STAGES],
    /// `Desk::finish`.
    pub(super) finish: Duration,
}

/// Plays beats.
///
/// # Panics
/// If a stage does.
pub(super) fn run<R: Rules>(
    grid: &mut Grid<R>,
    beats: u64,
    mut feed: impl FnMut(Tick) -> parallel::Feed<R>,
    mut sink: impl FnMut(GridOutput<R>),
) -> Vec<StageTimes> {
    let (desk, seats) = grid.split_mut();
    let gate = Gate::new(seats.len());
    let next = AtomicU64::new(STOP);
    let Some((first, others)) = seats.split_first_mut() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let gate = &gate;
        let next = &next;
        let mates = others.iter_mut();
        let mates: Vec<_> = mates
            .map(|seat| scope.spawn(move || work(seat, gate, next)))
            .collect();
        let _alarm = Alarm(gate);
        let mut times = Vec::with_capacity(beats as usize);
        for _ in 0..beats {
            let tick = desk.tick().next();
            let (inputs, arrivals) = feed(tick);
            let start = Instant::now();
            desk.begin(tick, inputs, arrivals);
            let mut beat = StageTimes {
                begin: start.elapsed(),
                ..StageTimes::default()
            };
            next.store(tick.0, Ordering::Release);
            gate.wait();
            for (stage, time) in beat.stages.iter_mut().enumerate() {
                let start = Instant::now();
                do_stage(first, stage, tick);
                time.most = start.elapsed();
                time.mean = time.most;
                gate.wait();
                time.wall = start.elapsed();
            }
            let finish = Instant::now();
            let output = desk.finish();
            beat.finish = finish.elapsed();
            beat.beat = start.elapsed();
            sink(output);
            times.push(beat);
        }
        next.store(STOP, Ordering::Release);
        gate.wait();
        let parts = mates.len() as u32 + 1;
        for mate in mates {
            let theirs = mate.join().expect("a panic has come out at the gate");
            for (beat, theirs) in times.iter_mut().zip(theirs) {
                for (time, took) in beat.stages.iter_mut().zip(theirs) {
                    time.most = time.most.max(took);
                    time.mean += took;
                }
            }
        }
        for time in times.iter_mut().flat_map(|beat| &mut beat.stages) {
            time.mean /= parts;
        }
        times
    })
}

/// One seat on its thread; the times of its stages by beat.
fn work<R: Rules>(seat: &mut Seat<R>, gate: &Gate, next: &AtomicU64) -> Vec<[Duration; STAGES]> {
    let _alarm = Alarm(gate);
    let mut times = Vec::new();
    loop {
        gate.wait();
        let tick = next.load(Ordering::Acquire);
        if tick == STOP {
            return times;
        }
        let mut beat = [Duration::ZERO; STAGES];
        for (stage, time) in beat.iter_mut().enumerate() {
            let start = Instant::now();
            do_stage(seat, stage, Tick(tick));
            *time = start.elapsed();
            gate.wait();
        }
        times.push(beat);
    }
}

fn do_stage<R: Rules>(seat: &mut Seat<R>, stage: usize, tick: Tick) {
    match stage {
        0 => seat.gather(tick),
        1 => seat.motion(),
        2 => seat.interact(),
        3 => seat.apply(),
        _ => seat.settle(),
    }
}

/// A barrier at which threads spin.
struct Gate {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicU64,
    has_failed: AtomicBool,
}

impl Gate {
    const fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Waits for all the others.
    ///
    /// # Panics
    /// If one of them has panicked.
    fn wait(&self) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round + 1, Ordering::Release);
            return;
        }
        let mut spins = 0_u32;
        while self.round.load(Ordering::Acquire) == round {
            assert!(
                !self.has_failed.load(Ordering::Relaxed),
                "another thread of the crew has panicked"
            );
            spins += 1;
            if spins.is_multiple_of(1 << 14) {
                // Nobody else has the core, unless the machine is busy.
                thread::yield_now();
            }
            spin_loop();
        }
    }
}

/// Tells the others if its thread panics.
struct Alarm<'a>(&'a Gate);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.has_failed.store(true, Ordering::Relaxed);
        }
    }
}
