//! Which grid is at home on which shard, and how that changes while everybody plays.
//!
//! All shards hold the same table. A change is announced in beat X by the shard that has the grid
//! and takes effect at the same beat everywhere, because what is sent in beat X has come before
//! any shard begins X + 1:
//!
//! ```text
//! move    X      the old home announces it
//!         X + 1  everybody sends what is for the grid to the new home, which keeps it;
//!                the grid has its beat at the old home, which gets what was sent in X
//!         X + 2  the old home sends the grid; the new home waits for it, then has its beat
//! spread  X      the home makes a team of it and invites the members
//!         X + 1  they have their turns together
//! gather  X      the home takes it back and tells the members
//! in      X + 1  it has its beat alone
//! ```
//!
//! **Invariant:** nothing here is journalled, because no result depends on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::{GridId, ShardIndex, Tick};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::team::Team;

use crate::host::recovery::Deal;
use crate::rules::Space;

/// What an operator or the balancer asks of the shard that has a grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlacementRequest {
    /// Move the grid to another shard.
    Move {
        /// Which grid.
        grid: GridId,
        /// Where to.
        to: ShardIndex,
    },
    /// Have several shards step the grid together.
    Split {
        /// Which grid.
        grid: GridId,
        /// How many shards, this one included.
        members: u16,
        /// How many parts each of them has, at least 1: under dilation, beats are sliced there.
        slices: u16,
    },
    /// Have one shard step the grid again.
    Merge {
        /// Which grid.
        grid: GridId,
    },
    /// Fix the pace of the grid's time, or leave it to the measurement again.
    Pace {
        /// Which grid.
        grid: GridId,
        /// The pace.
        pace: Option<Dilation>,
    },
    /// Make the grid fail, to see how it comes back. Only where the configuration allows it.
    Fault {
        /// Which grid.
        grid: GridId,
    },
}

impl PlacementRequest {
    /// The grid that it is about.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        match self {
            Self::Move { grid, .. }
            | Self::Split { grid, .. }
            | Self::Merge { grid }
            | Self::Pace { grid, .. }
            | Self::Fault { grid } => *grid,
        }
    }
}

/// A change that takes effect at the beginning of a beat.
#[derive(Clone, Debug)]
pub enum Change {
    /// What is for the grid is sent to another shard from now on.
    Route {
        /// The grid.
        grid: GridId,
        /// Its home from the next beat on.
        to: ShardIndex,
    },
    /// The grid leaves this shard, or comes to it.
    Carry {
        /// The grid.
        grid: GridId,
        /// Where it comes from.
        from: ShardIndex,
        /// Where it goes.
        to: ShardIndex,
    },
    /// This shard joins a team.
    Join {
        /// The team.
        team: Arc<Team<Space>>,
        /// Which member this shard is.
        member: u16,
    },
    /// This shard leaves its team for a grid.
    Leave {
        /// The grid.
        grid: GridId,
    },
}

/// The table, and the changes to come.
#[derive(Debug)]
pub(super) struct Placement {
    routes: BTreeMap<GridId, ShardIndex>,
    changes: Vec<(Tick, Change)>,
}

impl Placement {
    /// As the grids were dealt.
    #[must_use]
    pub(super) fn new(deal: &Deal) -> Self {
        let home = |grid: GridId| {
            deal.world_of(grid)
                .and_then(|home| u16::try_from(home).ok())
        };
        let grids = deal.grids().iter();
        let routes = grids.filter_map(|grid| Some((*grid, ShardIndex(home(*grid)?))));
        Self {
            routes: routes.collect(),
            changes: Vec::new(),
        }
    }

    /// Where what is for a grid is sent; `None` if the galaxy has no such grid.
    #[must_use]
    pub(super) fn shard_of(&self, grid: GridId) -> Option<ShardIndex> {
        self.routes.get(&grid).copied()
    }

    /// Notes a change that takes effect at the beginning of beat `at`.
    pub(super) fn note(&mut self, at: Tick, change: Change) {
        self.changes.push((at, change));
    }

    /// A move that was announced in beat `tick`.
    pub(super) fn note_move(&mut self, tick: Tick, grid: GridId, from: ShardIndex, to: ShardIndex) {
        self.note(tick.plus(1), Change::Route { grid, to });
        self.note(tick.plus(2), Change::Carry { grid, from, to });
    }

    /// Takes the changes that take effect at the beginning of beat `tick`, in the order in which
    /// they were noted; routes are changed already.
    pub(super) fn take_due(&mut self, tick: Tick) -> Vec<Change> {
        let mut due = Vec::new();
        self.changes.retain(|(at, change)| {
            if *at <= tick {
                due.push(change.clone());
            }
            *at > tick
        });
        for change in &due {
            if let Change::Route { grid, to } = change {
                self.routes.insert(*grid, *to);
            }
        }
        due
    }
}
