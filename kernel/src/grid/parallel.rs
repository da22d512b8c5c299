//! The plainest way to drive the seats of a grid on a core each: threads of the standard
//! library and its barrier. For tests and measurements; it proves the split-phase contract.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use orrery_base::Tick;

use super::{Grid, GridOutput};
use crate::exchange::lock;
use crate::rules::{Envelope, Rules, Stamped};
use crate::seat::Seat;

/// What goes into a beat: inputs and arrivals, in any order.
pub type Feed<R> = (
    Vec<Stamped<<R as Rules>::Input>>,
    Vec<Envelope<<R as Rules>::Message>>,
);

/// Tells the threads that there is no further beat: ticks do not get there.
const STOP: u64 = u64::MAX;

/// Runs beats with one thread per part, and the caller's for the desk, until `feed` gives
/// `None`; `sink` has the output of each beat before `feed` is asked for the next.
///
/// # Panics
/// With the panic of a stage, after all threads have stopped.
pub fn run<R: Rules>(
    grid: &mut Grid<R>,
    mut feed: impl FnMut(Tick) -> Option<Feed<R>>,
    mut sink: impl FnMut(GridOutput<R>),
) {
    let (desk, seats) = grid.split_mut();
    let crew = Crew {
        barrier: Barrier::new(seats.len() + 1),
        tick: AtomicU64::new(STOP),
        has_failed: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    thread::scope(|scope| {
        for seat in seats {
            let crew = &crew;
            scope.spawn(move || crew.work(seat));
        }
        // Whatever happens here, the threads must hear of it, or they wait for ever.
        let stage = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let tick = desk.tick().next();
                let Some((inputs, arrivals)) = feed(tick) else {
                    return;
                };
                desk.begin(tick, inputs, arrivals);
                crew.tick.store(tick.0, Ordering::Release);
                crew.barrier.wait();
                for _ in 0..STAGES {
                    crew.barrier.wait();
                }
                if crew.has_failed.load(Ordering::Acquire) {
                    return;
                }
                sink(desk.finish());
            }
        }));
        crew.tick.store(STOP, Ordering::Release);
        crew.barrier.wait();
        if let Err(panic) = stage {
            resume_unwind(panic);
        }
    });
    if let Some(panic) = lock(&crew.failure).take() {
        resume_unwind(panic);
    }
}

/// As many as [`Crew::work`] calls.
const STAGES: usize = 5;

struct Crew {
    barrier: Barrier,
    tick: AtomicU64,
    has_failed: AtomicBool,
    failure: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

impl Crew {
    fn work<R: Rules>(&self, seat: &mut Seat<R>) {
        loop {
            self.barrier.wait();
            let tick = self.tick.load(Ordering::Acquire);
            if tick == STOP {
                return;
            }
            self.stage(|| seat.gather(Tick(tick)));
            self.stage(|| seat.motion());
            self.stage(|| seat.interact());
            self.stage(|| seat.apply());
            self.stage(|| seat.settle());
        }
    }

    /// One stage and the barrier behind it. After a failure the others still come to every
    /// barrier, and do nothing.
    fn stage(&self, work: impl FnOnce()) {
        if !self.has_failed.load(Ordering::Acquire) {
            let result = catch_unwind(AssertUnwindSafe(work));
            if let Err(panic) = result {
                *lock(&self.failure) = Some(panic);
                self.has_failed.store(true, Ordering::Release);
            }
        }
        self.barrier.wait();
    }
}
