//! The plainest way to drive a grid on several cores: a [`Team`] on threads of the standard
//! library, one per part, with nothing else to do. For tests and measurements; a host drives its
//! teams from its shards.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use orrery_base::Tick;

use super::{Delivery, Grid, GridBeat, Order};
use crate::dilation::Dilation;
use crate::probe::{Conductor, NoProbe};
use crate::rules::Rules;
use crate::team::{Team, Turn};

/// Runs beats with one thread per part, of which the caller's is the first, until `feed` gives
/// `None`; `sink` has the output of each beat before `feed` is asked for the next. Returns the
/// grid.
///
/// # Panics
/// With the panic of a stage, of `feed` or of `sink`, after all threads have stopped.
pub fn run<R: Rules>(
    grid: Grid<R>,
    feed: impl FnMut(Tick) -> Option<Delivery<R>>,
    sink: impl FnMut(GridBeat<R>),
) -> Grid<R> {
    run_with(grid, feed, sink, &mut NoProbe)
}

/// As [`run`], showing a conductor what the first thread does.
///
/// # Panics
/// As [`run`].
pub fn run_with<R: Rules>(
    grid: Grid<R>,
    mut feed: impl FnMut(Tick) -> Option<Delivery<R>>,
    mut sink: impl FnMut(GridBeat<R>),
    conductor: &mut impl Conductor,
) -> Grid<R> {
    let members = grid.parts().len() as u16;
    let mut tick = grid.tick();
    let team = Team::new(grid, members, 1);
    let ended: Result<(), Box<dyn Any + Send>> = thread::scope(|scope| {
        for member in 1..members {
            let team = &team;
            // Ends with the turn of rest that the leader takes when all is over.
            scope.spawn(move || while team.follow(member, &mut NoProbe) == Ok(true) {});
        }
        let worked = catch_unwind(AssertUnwindSafe(|| {
            while let Some(delivery) = feed(tick.next()) {
                tick = tick.next();
                let order = Order {
                    tick,
                    wall: tick,
                    dilation: Dilation::NONE,
                    delivery,
                };
                match team.lead(Some(order), conductor, false) {
                    Ok(Turn::Done(beat)) => sink(beat),
                    Ok(Turn::Failed(failure)) => resume_unwind(Box::new(failure.message)),
                    Ok(Turn::Rested | Turn::Paused) | Err(_) => {
                        unreachable!("nobody pauses or leaves")
                    }
                }
            }
        }));
        if worked.is_ok() {
            // Cannot fail: the members come to this last turn.
            let _ = team.lead(None, &mut NoProbe, false);
        } else {
            team.break_up();
        }
        worked
    });
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
    team.dissolve().expect("the last beat is done")
}
