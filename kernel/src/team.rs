//! One grid at work on several shards: its seats are dealt to **members**, one per shard, which
//! meet at a barrier between any two stages. Member 0 leads: it has the desk, decides what is
//! done in a turn, and has the outcome.
//!
//! ```text
//! leader     begin ─┐                                                       ┌─ finish
//! members           ├─ gather ┆ motion ┆ interact ┆ apply ┆ settle ─────────┤
//!                   ┆ barrier ┆        ┆          ┆       ┆                 ┆
//! ```
//!
//! All members take one **turn** per beat of the host, also when there is nothing to do: the
//! leader says so at the first barrier. Under dilation a turn may end in the middle of the
//! grid's beat; the next one goes on there. So that there is somewhere to stop, every member may
//! have several seats, its **slices**.
//!
//! A panic in a stage is caught where it happens. The members go on meeting, do nothing more, and
//! the leader reports it: the grid's state is lost, nobody else's is.
//!
//! **Invariant:** a seat is worked at by one member only, between two barriers; the mutexes
//! around the seats are never waited for, and are what makes that safe to express.
//!
//! Cost: six barriers per beat, with what the slowest member takes for each stage.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use crossbeam::utils::CachePadded;
use orrery_base::{GridId, Tick};

use crate::barrier::{Barrier, Broken};
use crate::exchange::lock;
use crate::grid::{Delivery, Desk, Grid, GridBeat, GridImage, Order};
use crate::part::Part;
use crate::probe::{Conductor, Phase};
use crate::rules::{Envelope, Rules};
use crate::seat::Seat;

/// A beat that came to a bad end. The grid's state is lost, to be restored from a checkpoint and
/// the journal; everything that the beat was begun with is here.
pub struct Failure<R: Rules> {
    /// The grid.
    pub grid: GridId,
    /// The grid's own time of the beat: the one that comes next after the restore.
    pub tick: Tick,
    /// The host's beat in which it was begun.
    pub wall: Tick,
    /// What the panic said, or that the team is broken.
    pub message: String,
    /// What had come for the beat, in canonical order. Arrivals may carry value. It is nothing if
    /// no beat had been begun.
    pub delivery: Delivery<R>,
}

impl<R: Rules> fmt::Debug for Failure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (grid, tick, message) = (self.grid, self.tick, &self.message);
        write!(f, "beat {tick} of grid {grid}: {message}")
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| String::from("a value that is not a string"))
}

/// What became of a turn, for the leader.
pub enum Turn<R: Rules> {
    /// There was nothing to do.
    Rested,
    /// There was no time to end the beat.
    Paused,
    /// The beat is done.
    Done(GridBeat<R>),
    /// A stage panicked: the grid is lost. The team must not be used again.
    Failed(Failure<R>),
}

/// What all members do in a turn; written by the leader before the first barrier.
#[derive(Clone, Copy)]
struct Plan {
    is_rest: bool,
    is_sliced: bool,
    tick: Tick,
    wall: Tick,
    /// Slices of stages done in earlier turns.
    progress: usize,
}

/// One grid at work on several shards.
pub struct Team<R: Rules> {
    grid: GridId,
    members: u16,
    slices: u16,
    desk: Mutex<Option<Desk<R>>>,
    /// Those of member `m` are `m * slices..(m + 1) * slices`.
    /// Each in cache lines of its own: a line that two cores write goes to and fro.
    seats: Vec<CachePadded<Mutex<Option<Seat<R>>>>>,
    barrier: Barrier,
    /// For turns whose first barrier is an even and an odd meeting: the leader may write the next
    /// one while a member has yet to read that of a turn of rest.
    plans: [Mutex<Plan>; 2],
    /// Whether a beat is under way, and how many slices of stages of it are done. The leader's.
    is_under_way: AtomicBool,
    progress: AtomicUsize,
    /// Whether the turn ends at a barrier, for barriers with even and with odd numbers: the
    /// leader may be one barrier ahead of a member that has not looked yet, but not two.
    ends: [AtomicBool; 2],
    has_failed: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl<R: Rules> Team<R> {
    /// Spreads a grid over `members` (≥ 1) shards with `slices` (≥ 1) seats each.
    ///
    /// # Panics
    /// If there is to be no member or no slice, or a beat of the grid is under way.
    #[must_use]
    pub fn new(grid: Grid<R>, members: u16, slices: u16) -> Self {
        assert!(members > 0 && slices > 0, "a team has members with seats");
        let parts = members.checked_mul(slices).expect("parts fit 16 bits");
        let grid = if grid.parts().len() == usize::from(parts) {
            grid
        } else {
            grid.repartition(parts)
        };
        let id = grid.id();
        let (desk, seats) = grid.into_pieces();
        let plan = Plan {
            is_rest: true,
            is_sliced: false,
            tick: desk.tick(),
            wall: desk.tick(),
            progress: 0,
        };
        Self {
            grid: id,
            members,
            slices,
            desk: Mutex::new(Some(desk)),
            seats: seats
                .into_iter()
                .map(|s| CachePadded::new(Mutex::new(Some(s))))
                .collect(),
            barrier: Barrier::new(u32::from(members)),
            plans: [Mutex::new(plan), Mutex::new(plan)],
            is_under_way: AtomicBool::new(false),
            progress: AtomicUsize::new(0),
            ends: [AtomicBool::new(false), AtomicBool::new(false)],
            has_failed: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// The grid.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        self.grid
    }

    /// How many shards work at it.
    #[must_use]
    pub const fn members(&self) -> u16 {
        self.members
    }

    /// How many seats each of them has.
    #[must_use]
    pub const fn slices(&self) -> u16 {
        self.slices
    }

    /// The leader's turn: begins a beat with an order, or goes on with the one under way, or,
    /// with neither, rests. With `sliced` the conductor is asked at every slice whether there is
    /// time for more.
    ///
    /// # Errors
    /// If a member will not come any more. The grid is lost then; [`Team::give_up`] says with
    /// what.
    ///
    /// # Panics
    /// If a beat is under way and there is an order.
    pub fn lead(
        &self,
        order: Option<Order<R>>,
        conductor: &mut impl Conductor,
        sliced: bool,
    ) -> Result<Turn<R>, Broken> {
        let is_rest = order.is_none() && !self.is_under_way();
        if let Some(order) = order {
            assert!(!self.is_under_way(), "a beat is under way");
            self.is_under_way.store(true, Ordering::Release);
            self.guard(|| self.with_desk(|desk| desk.begin(order)));
        }
        let (tick, wall) = self.with_desk(|desk| (desk.tick(), desk.wall()));
        *self.next_plan() = Plan {
            is_rest,
            is_sliced: sliced,
            tick,
            wall,
            progress: self.progress.load(Ordering::Acquire),
        };
        let Some(progress) = self.take_turn(0, conductor)? else {
            return Ok(Turn::Rested);
        };
        self.progress.store(progress, Ordering::Release);
        if progress < self.all() && !self.has_failed() {
            return Ok(Turn::Paused);
        }
        let beat = if self.has_failed() {
            None
        } else {
            self.guard(|| self.with_desk(Desk::finish))
        };
        let Some(beat) = beat else {
            return Ok(Turn::Failed(self.failure()));
        };
        self.progress.store(0, Ordering::Release);
        self.is_under_way.store(false, Ordering::Release);
        Ok(Turn::Done(beat))
    }

    /// The plan of the turn that is to come. Only a member that has not come to its first
    /// barrier may ask.
    fn next_plan(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plans[self.barrier.meetings() as usize & 1])
    }

    /// Breaks the team, as [`Team::break_up`], and tells what is lost. For the leader, after an
    /// error.
    #[must_use]
    pub fn give_up(&self) -> Failure<R> {
        self.break_up();
        self.failure()
    }

    /// What is lost, with the first panic, if there was one.
    fn failure(&self) -> Failure<R> {
        let message = lock(&self.failure).take();
        let (tick, wall) = self.with_desk(|desk| (desk.tick(), desk.wall()));
        Failure {
            grid: self.grid,
            tick: if self.is_under_way() {
                tick
            } else {
                tick.next()
            },
            wall,
            message: message.unwrap_or_else(|| Broken.to_string()),
            delivery: self.with_desk(Desk::take_delivery),
        }
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Does something for the beat; `None` after a panic, which the beat then ends with.
    fn guard<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => Some(result),
            Err(panic) => {
                lock(&self.failure).get_or_insert_with(|| panic_message(&*panic));
                self.has_failed.store(true, Ordering::Release);
                None
            }
        }
    }

    /// Another member's turn; whether there was anything to do.
    ///
    /// # Errors
    /// As [`Team::lead`].
    ///
    /// # Panics
    /// If there is no such member, or it is the leader.
    pub fn follow(&self, member: u16, conductor: &mut impl Conductor) -> Result<bool, Broken> {
        assert!(
            member > 0 && member < self.members,
            "member {member} of {}",
            self.members
        );
        Ok(self.take_turn(member, conductor)?.is_some())
    }

    /// Every slice of every stage.
    fn all(&self) -> usize {
        usize::from(self.slices) * Phase::STAGES.len()
    }

    fn take_turn(
        &self,
        member: u16,
        conductor: &mut impl Conductor,
    ) -> Result<Option<usize>, Broken> {
        let meeting = self.barrier.meetings();
        self.barrier.wait(|| conductor.keep_waiting())?;
        let plan = *lock(&self.plans[meeting as usize & 1]);
        if plan.is_rest {
            return Ok(None);
        }
        let slices = usize::from(self.slices);
        let mut progress = plan.progress;
        let mut barriers = 0;
        while progress < self.all() {
            let phase = Phase::STAGES[progress / slices];
            if progress == plan.progress || progress.is_multiple_of(slices) {
                conductor.phase(self.grid, phase);
            }
            let seat = usize::from(member) * slices + progress % slices;
            self.work(seat, phase, &plan);
            progress += 1;
            if !plan.is_sliced && !progress.is_multiple_of(slices) {
                continue;
            }
            let end = &self.ends[barriers & 1];
            if member == 0 {
                let is_end = self.has_failed()
                    || plan.is_sliced && progress < self.all() && !conductor.go_on(self.grid);
                end.store(is_end, Ordering::Release);
            }
            self.barrier.wait(|| conductor.keep_waiting())?;
            if end.load(Ordering::Acquire) {
                break;
            }
            barriers += 1;
        }
        conductor.phase(self.grid, Phase::Done);
        Ok(Some(progress))
    }

    /// One stage of one seat, unless the beat has come to a bad end already.
    fn work(&self, seat: usize, phase: Phase, plan: &Plan) {
        if self.has_failed() {
            return;
        }
        let mut seat = lock(&self.seats[seat]);
        let seat = seat.as_mut().expect("a team that is at work has its seats");
        self.guard(|| seat.stage(phase, plan.tick, plan.wall));
    }

    fn with_desk<T>(&self, work: impl FnOnce(&mut Desk<R>) -> T) -> T {
        let mut desk = lock(&self.desk);
        work(desk.as_mut().expect("a team that is at work has its desk"))
    }

    /// Whether the grid is in the middle of one of its beats. For the leader.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.is_under_way.load(Ordering::Acquire)
    }

    /// The grid's own time, the digest after its last beat and whether it may sleep. For the
    /// leader, between two turns.
    #[must_use]
    pub(crate) fn status(&self) -> (Tick, u64, bool) {
        self.with_desk(|desk| (desk.tick(), desk.digest(), desk.is_asleep()))
    }

    /// As [`Grid::skip`]. For the leader, between two turns.
    pub(crate) fn skip(&self, tick: Tick) {
        self.with_desk(|desk| desk.skip(tick));
    }

    /// Shows every part. For the leader, between two turns.
    pub fn each_part(&self, mut look: impl FnMut(&Part<R>)) {
        for seat in &self.seats {
            if let Some(seat) = &*lock(seat) {
                look(seat.part());
            }
        }
    }

    /// As [`Grid::image`]. For the leader, between two turns.
    ///
    /// # Panics
    /// If a beat is under way.
    #[must_use]
    pub fn image(&self, inbox: Vec<Envelope<R::Message>>) -> GridImage<R> {
        assert!(!self.is_under_way(), "a beat is under way");
        let seats: Vec<_> = self.seats.iter().map(|seat| lock(seat)).collect();
        let seats = seats
            .iter()
            .map(|seat| seat.as_ref().expect("a team that is at work has its seats"));
        self.with_desk(|desk| GridImage::new(desk, seats, inbox))
    }

    /// The grid in one piece again: no member may take a turn afterwards. For the leader, between
    /// two turns; `None` while a beat is under way, or if that was done already.
    #[must_use]
    pub fn dissolve(&self) -> Option<Grid<R>> {
        if self.is_under_way() || self.has_failed() {
            return None;
        }
        let desk = lock(&self.desk).take()?;
        let seats: Option<Vec<_>> = self.seats.iter().map(|seat| lock(seat).take()).collect();
        Some(Grid::from_pieces(desk, seats?))
    }

    /// Breaks the team: members that wait for this one are told that it will not come.
    pub fn break_up(&self) {
        self.barrier.give_up();
    }

    /// Whether a member will not come any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.barrier.is_broken()
    }
}

impl<R: Rules> fmt::Debug for Team<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (grid, members, slices) = (self.grid, self.members, self.slices);
        write!(f, "grid {grid} on {members} shards, {slices} slices each")
    }
}
