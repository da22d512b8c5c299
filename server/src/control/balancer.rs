//! Moves, splits and merges grids as their costs demand.
//!
//! Looks twice a second at what the shards show of their grids, and every
//! `balance.interval_ms` hands the costs to [`orrery_kernel::balance`], which decides. What it
//! decides is asked of the shards like an operator's wish, logged with the figures that it was
//! decided by, and counted.
//!
//! The cost of a grid is the median of the last looks, so that a beat that the machine was busy
//! with something else in moves nothing. It is what a whole beat of the grid takes, also where
//! time runs slower: dilation is what is to be ended.
//!
//! A shard with little to do is not relieved (`balance.move_per_mille`): its loads are noise.
//! While a grid is on its way and no shard shows it, nothing is decided; a grid that is lost is
//! left out until it is back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use orrery_base::{BEATS_PER_SECOND, GridId, ShardIndex, Tick};
use orrery_kernel::balance::{Balancer, BalancerConfig, Change, GridCost, loads};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::desk::Desk;
use crate::config::BalanceConfig;
use crate::metrics::{GridStatus, PlacementSource};
use crate::shard::PlacementRequest;

/// Between two looks at the grids: as often as shards show them.
const LOOK: Duration = Duration::from_millis(500);
/// Looks of which the median counts.
const LOOKS: usize = 5;
/// Parts of each shard that steps a grid together with others: should its time have to run slower
/// all the same, its beats are done part by part.
const SLICES: u16 = 8;

/// What is known of the costs of grids.
#[derive(Debug, Default)]
struct Costs {
    /// By grid, the last looks, newest last.
    looks: BTreeMap<GridId, VecDeque<u64>>,
}

impl Costs {
    /// Takes in a look at the grids.
    fn note(&mut self, grids: &BTreeMap<GridId, (ShardIndex, GridStatus)>) {
        self.looks.retain(|grid, _| grids.contains_key(grid));
        for (grid, (_, status)) in grids {
            let looks = self.looks.entry(*grid).or_default();
            if looks.len() == LOOKS {
                looks.pop_front();
            }
            // The home shard's part, which the other members have as well.
            looks.push_back(status.cost_ns * u64::from(status.members));
        }
    }

    /// What a grid costs: the median of the last looks, the lower one of two.
    fn of(&self, grid: GridId) -> u64 {
        let mut looks: Vec<_> = self.looks.get(&grid).into_iter().flatten().collect();
        looks.sort_unstable();
        let middle = looks.len().saturating_sub(1) / 2;
        looks.get(middle).map_or(0, |cost| **cost)
    }

    /// What the balancer is to know of the grids that are there.
    fn list(&self, grids: &BTreeMap<GridId, (ShardIndex, GridStatus)>) -> Vec<GridCost> {
        let there = grids.iter().filter(|(_, (_, status))| status.members > 0);
        there
            .map(|(grid, (home, status))| GridCost {
                grid: *grid,
                home: *home,
                members: status.members,
                cost_ns: self.of(*grid),
                entities: status.entities,
            })
            .collect()
    }
}

/// A beat of the host.
const BEAT_NS: u64 = 1_000_000_000 / BEATS_PER_SECOND as u64;

fn balancer(config: &BalanceConfig) -> Balancer {
    Balancer::new(BalancerConfig {
        beat_ns: BEAT_NS,
        spread_per_mille: config.split_per_mille,
        gain_per_mille: config.gain_per_mille,
        rest_beats: config.rest_beats.into(),
        spread_entities: config.split_entities,
    })
}

/// Balances until `ended` is true.
pub(super) async fn serve(desk: Arc<Desk>, mut ended: watch::Receiver<bool>) {
    let config = &desk.config.balance;
    let shards = desk.metrics.shards().len();
    if !config.enabled || shards < 2 {
        return;
    }
    let shards = u16::try_from(shards).unwrap_or(u16::MAX);
    let all = desk.context.grids().count();
    let mut balancer = balancer(config);
    let mut costs = Costs::default();
    let interval = Duration::from_millis(config.interval_ms.into());
    let mut due = Instant::now() + interval;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = ended.wait_for(|ended| *ended) => return,
        }
        let grids = desk.metrics.grids();
        costs.note(&grids);
        if Instant::now() < due || grids.len() < all || desk.is_draining() {
            continue;
        }
        due = Instant::now() + interval;
        let list = costs.list(&grids);
        let now: Tick = desk.metrics.tick();
        for change in decide(&mut balancer, config, now, shards, &list) {
            carry_out(&desk, shards, &list, change);
        }
    }
}

/// What is to be changed. Nothing is moved while every shard has little to do.
fn decide(
    balancer: &mut Balancer,
    config: &BalanceConfig,
    now: Tick,
    shards: u16,
    costs: &[GridCost],
) -> Vec<Change> {
    let fullest = loads(shards, costs).into_iter().max().unwrap_or(0);
    let is_calm = fullest < u128::from(BEAT_NS) * u128::from(config.move_per_mille) / 1_000;
    if is_calm && costs.iter().all(|cost| cost.members <= 1) {
        return Vec::new();
    }
    let mut changes = balancer.balance(now, shards, costs);
    changes.retain(|change| !is_calm || !matches!(change, Change::Move { .. }));
    changes
}

/// Asks a grid's shard for a change, and says why.
fn carry_out(desk: &Desk, shards: u16, costs: &[GridCost], change: Change) {
    let Some(cost) = costs.iter().find(|cost| cost.grid == change.grid()) else {
        return;
    };
    let ms = |ns: u128| (ns as f64 / 1e4).round() / 1e2;
    let (grid, shard, cost_ms) = (cost.grid.0, cost.home.0, ms(cost.cost_ns.into()));
    let loads_ms: Vec<_> = loads(shards, costs).into_iter().map(ms).collect();
    let is_asked = desk.ask_placement(cost.home, request(change), PlacementSource::Balancer);
    if !is_asked {
        tracing::warn!(?change, "the shard takes no more requests about grids");
        return;
    }
    match change {
        Change::Move { to, .. } => {
            let to = to.0;
            tracing::info!(
                grid,
                shard,
                to,
                cost_ms,
                ?loads_ms,
                "a grid moves: its shard is full"
            );
        }
        Change::Spread { members, .. } => {
            tracing::info!(
                grid,
                shard,
                members,
                cost_ms,
                ?loads_ms,
                "a grid is split: it is large for one shard"
            );
        }
        Change::GatherIn { .. } => {
            tracing::info!(
                grid,
                shard,
                cost_ms,
                ?loads_ms,
                "a grid is merged: one shard is enough"
            );
        }
    }
}

const fn request(change: Change) -> PlacementRequest {
    match change {
        Change::Move { grid, to } => PlacementRequest::Move { grid, to },
        Change::Spread { grid, members } => PlacementRequest::Split {
            grid,
            members,
            slices: SLICES,
        },
        Change::GatherIn { grid } => PlacementRequest::Merge { grid },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(shard: u16, members: u16, cost_ns: u64) -> BTreeMap<GridId, (ShardIndex, GridStatus)> {
        let status = GridStatus {
            grid: GridId(1),
            entities: 40,
            clients: 3,
            dilation_milli: 1_000,
            members,
            cost_ns,
        };
        BTreeMap::from([(GridId(1), (ShardIndex(shard), status))])
    }

    #[test]
    fn one_long_beat_is_no_cost() {
        let mut costs = Costs::default();
        for cost in [100, 90_000, 110, 120] {
            costs.note(&look(0, 1, cost));
        }
        assert_eq!(costs.of(GridId(1)), 110);
        assert_eq!(costs.of(GridId(2)), 0, "nobody has seen it");
    }

    #[test]
    fn old_looks_are_forgotten_and_so_are_grids() {
        let mut costs = Costs::default();
        for cost in 0..100 {
            costs.note(&look(0, 1, cost));
        }
        assert_eq!(costs.of(GridId(1)), 97, "the median of 95 to 99");
        costs.note(&BTreeMap::new());
        assert_eq!(costs.of(GridId(1)), 0);
    }

    #[test]
    fn a_grid_of_several_members_costs_all_of_them() {
        let mut costs = Costs::default();
        let grids = look(1, 2, 500);
        costs.note(&grids);
        let [cost] = costs.list(&grids)[..] else {
            panic!("one grid");
        };
        assert_eq!((cost.cost_ns, cost.members), (1_000, 2));
        assert_eq!((cost.home, cost.entities), (ShardIndex(1), 40));
    }

    #[test]
    fn who_has_little_to_do_is_not_relieved_and_still_merged() {
        let config = BalanceConfig::default();
        let cost = |grid, members, cost_ns| GridCost {
            grid: GridId(grid),
            home: ShardIndex(0),
            members,
            cost_ns,
            entities: 500,
        };
        let decide =
            |costs: &[GridCost]| decide(&mut balancer(&config), &config, Tick(1_000), 2, costs);
        // 2 ms of 33 are less than a tenth, 6 ms are more.
        assert_eq!(decide(&[cost(1, 1, 1_000_000), cost(2, 1, 1_000_000)]), []);
        let moved = decide(&[cost(1, 1, 3_000_000), cost(2, 1, 3_000_000)]);
        assert!(matches!(moved[..], [Change::Move { .. }]), "{moved:?}");
        let merged = decide(&[cost(1, 2, 1_000_000), cost(2, 1, 500_000)]);
        let grid = GridId(1);
        assert_eq!(merged, [Change::GatherIn { grid }]);
    }

    #[test]
    fn a_lost_grid_is_left_out() {
        let mut costs = Costs::default();
        let grids = look(1, 0, 500);
        costs.note(&grids);
        assert_eq!(costs.list(&grids), []);
    }
}
