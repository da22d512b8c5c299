use orrery_base::{GridId, ShardIndex, Tick};
use proptest::prelude::*;

use super::{Balancer, BalancerConfig, Change, GridCost, loads, maximum};

const MS: u64 = 1_000_000;
const BEAT_NS: u64 = 33 * MS;

fn balancer() -> Balancer {
    Balancer::new(BalancerConfig::new(BEAT_NS))
}

fn cost(grid: u32, home: u16, members: u16, cost_ns: u64) -> GridCost {
    GridCost {
        grid: GridId(grid),
        home: ShardIndex(home),
        members,
        cost_ns,
        entities: 1000,
    }
}

/// What the costs are after the changes.
fn carry_out(costs: &mut [GridCost], changes: &[Change]) {
    for change in changes {
        let of_grid = costs.iter_mut().find(|cost| cost.grid == change.grid());
        let Some(cost) = of_grid else {
            panic!("{change:?} is of no grid");
        };
        match *change {
            Change::Move { to, .. } => {
                assert!(cost.members == 1 && cost.home != to, "{change:?}");
                cost.home = to;
            }
            Change::Spread { members, .. } => {
                assert!(cost.members == 1 && members > 1, "{change:?}");
                cost.members = members;
            }
            Change::GatherIn { .. } => {
                assert!(cost.members > 1, "{change:?}");
                cost.members = 1;
            }
        }
    }
}

#[test]
fn a_full_shard_gives_grids_away() {
    let costs: Vec<GridCost> = (0..8).map(|grid| cost(grid, 0, 1, 2 * MS)).collect();
    let mut after = costs.clone();
    let changes = balancer().balance(Tick(1), 4, &costs);
    carry_out(&mut after, &changes);
    assert_eq!(loads(4, &after), [u128::from(4 * MS); 4]);
    assert_eq!(changes.len(), 6, "no more than has to be");
}

#[test]
fn what_is_not_worth_it_is_left() {
    // 10 against 9: a move cannot lower the maximum by 15 %.
    let mut costs: Vec<GridCost> = (0..19)
        .map(|grid| cost(grid, u16::from(grid >= 10), 1, MS))
        .collect();
    assert!(balancer().balance(Tick(1), 2, &costs).is_empty());
    costs[10].home = ShardIndex(0);
    costs[11].home = ShardIndex(0);
    assert_eq!(balancer().balance(Tick(1), 2, &costs).len(), 2);
}

#[test]
fn a_large_grid_is_spread_and_gathered_in() {
    let mut balancer = balancer();
    let grid = GridId(7);
    let mut costs = [cost(7, 1, 1, 30 * MS)];
    let changes = balancer.balance(Tick(1), 4, &costs);
    assert_eq!(changes, [Change::Spread { grid, members: 3 }]);
    carry_out(&mut costs, &changes);
    costs[0].cost_ns = 2 * MS;
    assert!(
        balancer.balance(Tick(300), 4, &costs).is_empty(),
        "it rests"
    );
    costs[0].cost_ns = 7 * MS;
    assert!(balancer.balance(Tick(301), 4, &costs).is_empty());
    costs[0].cost_ns = 6 * MS;
    let changes = balancer.balance(Tick(302), 4, &costs);
    assert_eq!(changes, [Change::GatherIn { grid }]);
}

#[test]
fn there_must_be_a_second_shard_and_a_crowd() {
    let mut costs = [cost(7, 0, 1, 30 * MS)];
    assert!(balancer().balance(Tick(1), 1, &costs).is_empty());
    costs[0].entities = 3;
    assert!(balancer().balance(Tick(1), 2, &costs).is_empty());
}

prop_compose! {
    fn some_costs()(shards in 1..6_u16)(
        shards in Just(shards),
        costs in prop::collection::btree_map(0..60_u32, (0..shards, 1..=shards, 0..40 * MS, 0..2000_u32), 0..40),
    ) -> (u16, Vec<GridCost>) {
        let costs = costs.into_iter().map(|(grid, (home, members, cost_ns, entities))| GridCost {
            entities, ..cost(grid, home, members, cost_ns) });
        (shards, costs.collect())
    }
}

proptest! {
    #[test]
    fn the_maximum_is_never_worsened((shards, costs) in some_costs()) {
        let changes = balancer().balance(Tick(5), shards, &costs);
        // Gathering in is for small grids and counts as given.
        let mut before = costs.clone();
        let is_gathered = |change: &&Change| matches!(change, Change::GatherIn { .. });
        let gathered: Vec<Change> = changes.iter().filter(is_gathered).copied().collect();
        carry_out(&mut before, &gathered);
        let mut after = costs;
        carry_out(&mut after, &changes);
        prop_assert!(maximum(&loads(shards, &after)) <= maximum(&loads(shards, &before)));
    }

    #[test]
    fn constant_costs_come_to_rest((shards, mut costs) in some_costs()) {
        let mut balancer = balancer();
        for round in 0..40 {
            let changes = balancer.balance(Tick(round * 300), shards, &costs);
            carry_out(&mut costs, &changes);
        }
        for round in 40..50 {
            prop_assert_eq!(balancer.balance(Tick(round * 300), shards, &costs), []);
        }
    }

    #[test]
    fn the_order_of_the_costs_does_not_matter((shards, mut costs) in some_costs()) {
        let expected = balancer().balance(Tick(5), shards, &costs);
        costs.reverse();
        prop_assert_eq!(balancer().balance(Tick(5), shards, &costs), expected);
    }

    #[test]
    fn a_grid_that_was_changed_is_left_alone(
        (shards, costs) in some_costs(),
        (_, others) in some_costs(),
    ) {
        let mut balancer = balancer();
        let first = balancer.balance(Tick(5), shards, &costs);
        let others: Vec<_> = others.into_iter().map(|mut cost| {
            cost.home.0 %= shards;
            cost.members = cost.members.min(shards);
            cost
        }).collect();
        let second = balancer.balance(Tick(200), shards, &others);
        for change in second {
            prop_assert!(first.iter().all(|former| former.grid() != change.grid()));
        }
    }
}
