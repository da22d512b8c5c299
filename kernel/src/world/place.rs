//! Where a grid is at home in a world, what waits for it there, and its pace.

use std::fmt;
use std::sync::Arc;

use orrery_base::{GridId, Tick};

use crate::dilation::Dilation;
use crate::grid::{Delivery, Grid, Order};
use crate::rules::Rules;
use crate::team::Team;

/// A grid and all that belongs to it, on its way from one world to another.
pub struct Parcel<R: Rules> {
    /// The grid; it may be in the middle of a beat.
    pub grid: Grid<R>,
    /// What has come for it and is not taken in yet.
    pub waiting: Delivery<R>,
    /// The pace of its time.
    pub pace: Dilation,
    /// The host's beat up to which its time has been accounted for.
    pub done: Tick,
    credit: u16,
}

impl<R: Rules> Parcel<R> {
    /// A grid at full pace that nothing waits for, as of the end of the host's beat `done`.
    #[must_use]
    pub fn new(grid: Grid<R>, done: Tick) -> Self {
        Self {
            grid,
            waiting: Delivery::default(),
            pace: Dilation::NONE,
            done,
            credit: 0,
        }
    }
}

impl<R: Rules> fmt::Debug for Parcel<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.grid, self.waiting)
    }
}

/// What a world gives away of a grid.
#[derive(Debug)]
pub enum Cargo<R: Rules> {
    /// The grid with all that belongs to it.
    Whole(Parcel<R>),
    /// The grid is lost, to be restored where it goes; this is what waits for it.
    Lost {
        /// Which grid.
        grid: GridId,
        /// What has come for it.
        waiting: Delivery<R>,
    },
}

impl<R: Rules> Cargo<R> {
    /// The grid.
    #[must_use]
    pub fn grid(&self) -> GridId {
        match self {
            Self::Whole(parcel) => parcel.grid.id(),
            Self::Lost { grid, .. } => *grid,
        }
    }
}

/// Where a grid is.
pub(super) enum Home<R: Rules> {
    /// Here, in one piece.
    Whole(Box<Grid<R>>),
    /// Spread over several shards, of which this one leads.
    Led(Arc<Team<R>>),
    /// Nowhere, after a panic, until it is restored.
    Lost,
}

/// A grid's place in a world.
pub(super) struct Place<R: Rules> {
    pub(super) home: Home<R>,
    pub(super) waiting: Delivery<R>,
    pub(super) pace: Dilation,
    /// The host's beat up to which the grid's time has been accounted for: the last that it
    /// ended a beat in, or slept through.
    pub(super) done: Tick,
    /// Simulated time that it may spend, in per mille of a beat, under [`WHOLE_BEAT`] between
    /// two of the host's beats.
    credit: u16,
}

/// A beat of simulated time, in per mille.
const WHOLE_BEAT: u16 = 1000;

impl<R: Rules> Place<R> {
    pub(super) fn new(parcel: Parcel<R>) -> Self {
        Self {
            home: Home::Whole(Box::new(parcel.grid)),
            waiting: parcel.waiting,
            pace: parcel.pace,
            done: parcel.done,
            credit: parcel.credit,
        }
    }

    /// The place of a grid that is lost.
    pub(super) const fn lost(waiting: Delivery<R>, done: Tick) -> Self {
        Self {
            home: Home::Lost,
            waiting,
            pace: Dilation::NONE,
            done,
            credit: 0,
        }
    }

    pub(super) fn into_parcel(self) -> Option<Parcel<R>> {
        let Home::Whole(grid) = self.home else {
            return None;
        };
        Some(Parcel {
            grid: *grid,
            waiting: self.waiting,
            pace: self.pace,
            done: self.done,
            credit: self.credit,
        })
    }

    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.home, Home::Whole(_))
    }

    /// The grid, if it is whole; the place is without one until another is put there.
    pub(super) fn take_whole(&mut self) -> Option<Box<Grid<R>>> {
        if !self.is_whole() {
            return None;
        }
        match std::mem::replace(&mut self.home, Home::Lost) {
            Home::Whole(grid) => Some(grid),
            Home::Led(_) | Home::Lost => None,
        }
    }

    /// The grid's own time, its digest and whether it may sleep; `None` if it is lost.
    pub(super) fn status(&self) -> Option<(Tick, u64, bool)> {
        match &self.home {
            Home::Whole(grid) => Some((grid.tick(), grid.digest(), grid.is_asleep())),
            Home::Led(team) => Some(team.status()),
            Home::Lost => None,
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        match &self.home {
            Home::Whole(grid) => grid.is_under_way(),
            Home::Led(team) => team.is_under_way(),
            Home::Lost => false,
        }
    }

    /// Whether there may be something to do in the next beat.
    pub(super) fn is_awake(&self) -> bool {
        let sleeps = self.status().is_none_or(|(_, _, is_asleep)| is_asleep);
        self.is_under_way() || !sleeps || self.status().is_some() && !self.waiting.is_empty()
    }

    /// Whether the beats of the grid are done slice by slice.
    pub(super) fn is_sliced(&self) -> bool {
        self.pace < Dilation::NONE
    }

    /// Accounts for the time that a sleeping grid has slept, up to the host's beat `tick`.
    pub(super) fn catch_up(&mut self, tick: Tick) {
        let Some((own, _, is_asleep)) = self.status() else {
            return;
        };
        if !is_asleep || self.is_under_way() {
            return;
        }
        let own = own.plus(tick.since(self.done));
        match &mut self.home {
            Home::Whole(grid) => grid.skip(own),
            Home::Led(team) => team.skip(own),
            Home::Lost => {}
        }
        self.done = tick;
    }

    /// The beat that is to be begun in the host's beat `wall`, the one after `former`, if any is:
    /// time is spent as its pace allows, and not saved up while it could not be.
    pub(super) fn next_order(&mut self, former: Tick, wall: Tick) -> Option<Order<R>> {
        let credit = self.credit + self.pace.per_mille();
        let (_, _, is_asleep) = self.status()?;
        let must_wait = self.is_under_way() || is_asleep && self.waiting.is_empty();
        if must_wait || credit < WHOLE_BEAT {
            self.credit = credit.min(WHOLE_BEAT - 1);
            return None;
        }
        if is_asleep {
            self.catch_up(former);
        }
        // What is left is less than the pace, so that on average the pace is kept.
        self.credit = if self.is_sliced() {
            credit - WHOLE_BEAT
        } else {
            0
        };
        let (own, _, _) = self.status()?;
        Some(Order {
            tick: own.next(),
            wall,
            dilation: self.pace,
            delivery: std::mem::take(&mut self.waiting),
        })
    }
}
