//! Which shard works at which grid: from measured costs to a list of changes.
//!
//! A shard's **load** is what its grids cost per beat of the host; a grid that is spread costs
//! its members an equal share each, from its home on, so member `m` of a grid at home on shard
//! `h` is shard `(h + m) mod shards`. The balancer is greedy: it spreads what is too large for
//! one shard, gathers in what has become small, and moves one whole grid at a time off the
//! fullest shard as long as that lowers the maximum.
//!
//! **Invariants:** equal inputs give equal changes; a list of changes never raises the maximum
//! load, except that of a grid gathered in, which is small by definition; a grid that was
//! changed is left alone for a while; a constant cost is followed by no more changes.
//!
//! Measured costs are real time, and no part of the simulation: nothing about a grid depends on
//! where it is.
//!
//! Cost: O(moves · grids · shards), with at most one change per grid; for a few hundred grids
//! some tens of microseconds, every few seconds.

use std::collections::BTreeMap;

use orrery_base::{GridId, ShardIndex, Tick};

/// What one grid costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GridCost {
    /// The grid.
    pub grid: GridId,
    /// Its shard, or its leader's.
    pub home: ShardIndex,
    /// How many shards work at it, ≥ 1.
    pub members: u16,
    /// What it costs per beat of the host, all members together, in ns.
    pub cost_ns: u64,
    /// How many entities are on it.
    pub entities: u32,
}

/// What is to be done with a grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Moves a whole grid to another shard.
    Move {
        /// The grid.
        grid: GridId,
        /// Where to.
        to: ShardIndex,
    },
    /// Spreads a whole grid over several shards, from its home on.
    Spread {
        /// The grid.
        grid: GridId,
        /// How many, ≥ 2.
        members: u16,
    },
    /// Makes a grid whole again, on its home.
    GatherIn {
        /// The grid.
        grid: GridId,
    },
}

impl Change {
    /// The grid that it is about.
    #[must_use]
    pub const fn grid(&self) -> GridId {
        match self {
            Self::Move { grid, .. } | Self::Spread { grid, .. } | Self::GatherIn { grid } => *grid,
        }
    }
}

/// What a [`Balancer`] is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BalancerConfig {
    /// The length of the host's beat, in nanoseconds, ≥ 1.
    pub beat_ns: u64,
    /// The share of a beat above which a grid is spread, in per mille of it, ≥ 1. It is gathered
    /// in below half of that.
    pub spread_per_mille: u16,
    /// By how much a list of moves must lower the maximum load, in per mille of it, 0..=1000.
    pub gain_per_mille: u16,
    /// For how many beats of the host a grid is left alone after a change.
    pub rest_beats: u64,
    /// Spreading is for crowds: a grid with fewer entities is not spread, whatever it costs.
    pub spread_entities: u32,
}

impl BalancerConfig {
    /// 400 ‰ of a beat, a gain of 150 ‰, ten seconds of rest, 256 entities.
    #[must_use]
    pub const fn new(beat_ns: u64) -> Self {
        Self {
            beat_ns,
            spread_per_mille: 400,
            gain_per_mille: 150,
            rest_beats: 300,
            spread_entities: 256,
        }
    }
}

/// Says which shard works at which grid.
#[derive(Clone, Debug)]
pub struct Balancer {
    config: BalancerConfig,
    /// When a grid was last changed; only those that still rest.
    changed: BTreeMap<GridId, Tick>,
}

impl Balancer {
    /// One that has changed nothing yet.
    ///
    /// # Panics
    /// If the configuration is out of its ranges.
    #[must_use]
    pub fn new(config: BalancerConfig) -> Self {
        assert!(
            config.beat_ns > 0 && config.spread_per_mille > 0 && config.gain_per_mille <= 1000,
            "{config:?}"
        );
        Self {
            config,
            changed: BTreeMap::new(),
        }
    }

    /// What is to be done in the host's beat `now`, in this order, at most one thing per grid.
    /// It counts as done.
    ///
    /// # Panics
    /// If there is no shard (`shards` ≥ 1), or a home is not among them.
    pub fn balance(&mut self, now: Tick, shards: u16, costs: &[GridCost]) -> Vec<Change> {
        assert!(shards > 0, "there is a shard");
        assert!(
            costs.iter().all(|cost| cost.home.0 < shards),
            "every grid is at home on a shard"
        );
        let rest = self.config.rest_beats;
        self.changed.retain(|_, at| now.since(*at) < rest);
        let mut grids: Vec<GridCost> = costs.to_vec();
        grids.sort_unstable_by_key(|cost| cost.grid);
        let mut changes = self.resize(shards, &mut grids);
        for change in &changes {
            self.changed.insert(change.grid(), now);
        }
        let moves = self.moves(shards, &grids);
        for change in &moves {
            self.changed.insert(change.grid(), now);
        }
        changes.extend(moves);
        changes
    }

    /// Spreads what is large and gathers in what is small.
    fn resize(&self, shards: u16, grids: &mut [GridCost]) -> Vec<Change> {
        let share = self
            .config
            .beat_ns
            .saturating_mul(u64::from(self.config.spread_per_mille));
        let limit = (share / 1000).max(1);
        let mut changes = Vec::new();
        let rests = |grid: GridId| self.changed.contains_key(&grid);
        for cost in grids.iter_mut() {
            if cost.members > 1 && cost.cost_ns < limit / 2 && !rests(cost.grid) {
                cost.members = 1;
                changes.push(Change::GatherIn { grid: cost.grid });
            }
        }
        for at in 0..grids.len() {
            let GridCost {
                grid,
                members,
                cost_ns,
                entities,
                ..
            } = grids[at];
            let is_large = cost_ns > limit && entities >= self.config.spread_entities;
            if members <= 1 && is_large && !rests(grid) {
                let wanted = cost_ns.div_ceil(limit).min(u64::from(shards)) as u16;
                if let Some(members) = best_spread(shards, grids, at, wanted) {
                    grids[at].members = members;
                    changes.push(Change::Spread { grid, members });
                }
            }
        }
        changes
    }

    /// Moves whole grids off the fullest shard while that lowers the maximum; nothing at all if
    /// it is not worth it.
    fn moves(&self, shards: u16, grids: &[GridCost]) -> Vec<Change> {
        let mut grids = grids.to_vec();
        let mut loads = loads(shards, &grids);
        let before = maximum(&loads);
        let mut moved: BTreeMap<GridId, ShardIndex> = BTreeMap::new();
        while let Some((at, to)) = self.best_move(&grids, &loads, &moved) {
            let GridCost {
                grid,
                home,
                cost_ns,
                ..
            } = grids[at];
            loads[usize::from(home.0)] -= u128::from(cost_ns);
            loads[usize::from(to.0)] += u128::from(cost_ns);
            grids[at].home = to;
            moved.insert(grid, to);
        }
        let gain = (before - maximum(&loads)) * 1000;
        if gain == 0 || gain < before * u128::from(self.config.gain_per_mille) {
            return Vec::new();
        }
        let moved = moved.into_iter();
        moved.map(|(grid, to)| Change::Move { grid, to }).collect()
    }

    /// The grid of the fullest shard, and the emptiest shard, whose two loads are lowest after
    /// the move; of equal ones that with the lowest id. `None` if none lowers the maximum of the
    /// two.
    fn best_move(
        &self,
        grids: &[GridCost],
        loads: &[u128],
        moved: &BTreeMap<GridId, ShardIndex>,
    ) -> Option<(usize, ShardIndex)> {
        let shards = || (0..).map(ShardIndex).zip(loads);
        let (from, full) =
            shards().max_by_key(|(shard, load)| (**load, std::cmp::Reverse(shard.0)))?;
        let (to, empty) = shards().min_by_key(|(shard, load)| (**load, shard.0))?;
        let candidates = grids.iter().enumerate().filter(|(_, cost)| {
            let is_free = !self.changed.contains_key(&cost.grid) && !moved.contains_key(&cost.grid);
            cost.home == from && cost.members == 1 && cost.cost_ns > 0 && is_free
        });
        let (after, _, at) = candidates
            .map(|(at, cost)| {
                let own = u128::from(cost.cost_ns);
                ((full - own).max(empty + own), cost.grid, at)
            })
            .min()?;
        (after < *full).then_some((at, to))
    }
}

/// As many members as wanted, or fewer, so that the maximum is lowest; `None` if it is not to be
/// lowered, or there is no other shard.
fn best_spread(shards: u16, grids: &mut [GridCost], at: usize, wanted: u16) -> Option<u16> {
    let mut best = (maximum_near(shards, grids, at, wanted), 1);
    for members in 2..=wanted {
        grids[at].members = members;
        best = best.min((maximum_near(shards, grids, at, wanted), members));
    }
    grids[at].members = 1;
    (best.1 > 1).then_some(best.1)
}

/// The maximum load of the shards that a grid may be spread over.
fn maximum_near(shards: u16, grids: &[GridCost], at: usize, wanted: u16) -> u128 {
    let loads = loads(shards, grids);
    let near = members_of(grids[at].home, wanted, shards);
    near.map(|shard| loads[usize::from(shard.0)])
        .max()
        .unwrap_or(0)
}

/// The shards that work at a grid of so many `members` (≥ 1), the leader first.
pub fn members_of(
    home: ShardIndex,
    members: u16,
    shards: u16,
) -> impl Iterator<Item = ShardIndex> + Clone {
    let members = u32::from(members.min(shards));
    (0..members).map(move |m| ShardIndex(((u32::from(home.0) + m) % u32::from(shards)) as u16))
}

/// What every shard spends per beat, in ns, if the grids are as said.
#[must_use]
pub fn loads(shards: u16, grids: &[GridCost]) -> Vec<u128> {
    let mut loads = vec![0; usize::from(shards)];
    for cost in grids {
        let members = cost.members.clamp(1, shards);
        let share = u128::from(cost.cost_ns).div_ceil(u128::from(members));
        for shard in members_of(cost.home, members, shards) {
            loads[usize::from(shard.0)] += share;
        }
    }
    loads
}

fn maximum(loads: &[u128]) -> u128 {
    loads.iter().copied().max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
