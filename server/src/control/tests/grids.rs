//! What an operator may ask of grids, and what comes of it at the shards.

use orrery_base::GridId;
use orrery_kernel::dilation::Dilation;

use super::*;
use crate::metrics::{GridStatus, PlacementKind, PlacementSource};
use crate::shard::PlacementRequest;

/// A grid on one shard at full speed.
fn status(grid: u32) -> GridStatus {
    GridStatus {
        grid: GridId(grid),
        entities: 9,
        clients: 4,
        dilation_milli: 1_000,
        members: 1,
        cost_ns: 1_250_000,
    }
}

/// A server of two shards that nobody balances: grid 1 is on shard 0 and grid 2, at half speed,
/// on shard 1.
fn server(adjust: impl FnOnce(&mut Config)) -> Server {
    let server = Server::start_on(2, |config| {
        config.balance.enabled = false;
        adjust(config);
    });
    let [first, second] = [0, 1].map(|shard| server.metrics.shard(ShardIndex(shard)));
    first.publish_grids(vec![status(1)]);
    second.publish_grids(vec![GridStatus {
        dilation_milli: 500,
        ..status(2)
    }]);
    server
}

fn path(grid: impl std::fmt::Display, verb: &str) -> String {
    format!("/admin/v1/grids/{grid}/{verb}")
}

#[test]
fn grids_are_shown_with_their_systems_and_homes() {
    let server = server(|_| {});
    let grids = server
        .get("/admin/v1/grids", Some(&server.operator_key()))
        .json();
    let system = |id| {
        let system = server.context.galaxy.system(orrery_base::SystemId(id));
        system.unwrap().name.clone()
    };
    let row = |grid: u16, dilation: f64| {
        json!({
            "grid": grid, "system": system(grid.into()), "shard": grid - 1, "members": 1,
            "cost_ms": 1.25, "dilation": dilation, "entities": 9, "clients": 4,
        })
    };
    assert_eq!(grids, json!({"grids": [row(1, 1.0), row(2, 0.5)]}));
}

#[test]
fn what_an_operator_asks_comes_to_the_shard_that_has_the_grid() {
    let server = server(|config| config.server.allow_faults = true);
    let key = server.operator_key();
    let (grid, to) = (GridId(2), ShardIndex(0));
    let (members, slices) = (2, 3);
    let cases = [
        (
            "move",
            json!({"shard": 0}),
            PlacementRequest::Move { grid, to },
        ),
        (
            "split",
            json!({"members": 2, "slices": 3}),
            PlacementRequest::Split {
                grid,
                members,
                slices,
            },
        ),
        (
            "split",
            json!({"members": 2}),
            PlacementRequest::Split {
                grid,
                members,
                slices: 1,
            },
        ),
        ("merge", json!({}), PlacementRequest::Merge { grid }),
        (
            "pace",
            json!({"per_mille": 250}),
            PlacementRequest::Pace {
                grid,
                pace: Dilation::new(250),
            },
        ),
        (
            "pace",
            json!({"per_mille": null}),
            PlacementRequest::Pace { grid, pace: None },
        ),
        ("fault", json!({}), PlacementRequest::Fault { grid }),
    ];
    for (verb, body, request) in cases {
        let answer = server.post(&path(2, verb), Some(&key), &body);
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.json(), json!({"grid": 2, "shard": 1}), "{verb}");
        assert_eq!(server.handle().poll_placement(ShardIndex(1)), Some(request));
    }
    assert_eq!(server.handle().poll_placement(ShardIndex(0)), None);
    let control = server.metrics.control();
    let asked = |kind| control.placements(PlacementSource::Operator, kind);
    assert_eq!(PlacementKind::ALL.map(asked), [1, 2, 1, 2, 1]);
}

#[test]
fn impossible_requests_are_refused_and_reach_no_shard() {
    let server = server(|_| {});
    let key = server.operator_key();
    for (at, body, expected) in [
        (path(2, "move"), json!({"shard": 2}), (422, "invalid")),
        (path(2, "move"), json!({"shard": 1}), (422, "invalid")),
        (path(2, "move"), json!({}), (422, "json_data")),
        (
            path(2, "move"),
            json!({"shard": 0, "x": 1}),
            (422, "json_data"),
        ),
        (path(2, "move"), json!({"shard": -1}), (422, "json_data")),
        (path(2, "split"), json!({"members": 0}), (422, "invalid")),
        (path(2, "split"), json!({"members": 3}), (422, "invalid")),
        (
            path(2, "split"),
            json!({"members": 2, "slices": 0}),
            (422, "invalid"),
        ),
        (
            path(2, "split"),
            json!({"members": 2, "slices": 65}),
            (422, "invalid"),
        ),
        (path(2, "pace"), json!({"per_mille": 99}), (422, "invalid")),
        (
            path(2, "pace"),
            json!({"per_mille": 1_001}),
            (422, "invalid"),
        ),
        (path(2, "pace"), json!({}), (422, "json_data")),
        (path(2, "fault"), json!({}), (403, "faults_off")),
        (path(999_999, "merge"), json!({}), (404, "grid_unknown")),
        (path("two", "merge"), json!({}), (400, "path")),
        // The galaxy has it, and no shard shows it.
        (path(3, "merge"), json!({}), (409, "grid_moving")),
    ] {
        let (status, code) = server.post(&at, Some(&key), &body).problem();
        assert_eq!((status, code.as_str()), expected, "{at} {body}");
    }
    let lost = GridStatus {
        members: 0,
        ..status(1)
    };
    server
        .metrics
        .shard(ShardIndex(0))
        .publish_grids(vec![lost]);
    let (status, code) = server
        .post(&path(1, "merge"), Some(&key), &json!({}))
        .problem();
    assert_eq!((status, code.as_str()), (409, "grid_lost"));
    for shard in [0, 1] {
        assert_eq!(server.handle().poll_placement(ShardIndex(shard)), None);
    }
}

#[test]
fn only_the_operator_asks() {
    let server = server(|config| config.server.allow_faults = true);
    let session = server.sign_up("Ada");
    for bearer in [None, Some("rubbish"), Some(session.as_str())] {
        for (verb, body) in [
            ("move", json!({"shard": 0})),
            ("split", json!({"members": 2})),
            ("merge", json!({})),
            ("pace", json!({"per_mille": 500})),
            ("fault", json!({})),
        ] {
            let answer = server.post(&path(2, verb), bearer, &body);
            assert_eq!(answer.problem(), (401, "operator_key_required".to_owned()));
        }
        // Whoever has no key does not learn which grids there are.
        let unknown = server.post(&path(999_999, "merge"), bearer, &json!({}));
        assert_eq!(unknown.problem().0, 401);
    }
    assert_eq!(server.handle().poll_placement(ShardIndex(1)), None);
}

#[test]
fn a_shard_that_takes_no_more_is_busy() {
    let server = server(|_| {});
    let key = server.operator_key();
    let statuses: Vec<_> = (0..300)
        .map(|_| {
            server
                .post(&path(1, "merge"), Some(&key), &json!({}))
                .status
        })
        .collect();
    let taken = statuses.iter().take_while(|&&status| status == 202).count();
    assert!((1..300).contains(&taken), "{taken}");
    assert!(statuses[taken..].iter().all(|&status| status == 503));
    assert!(server.handle().poll_placement(ShardIndex(0)).is_some());
    let answer = server.post(&path(1, "merge"), Some(&key), &json!({}));
    assert_eq!(answer.status, 202, "there is room again");
}

#[test]
fn a_full_shard_is_relieved() {
    let server = Server::start_on(2, |config| config.balance.interval_ms = 500);
    let all: Vec<_> = server.context.grids().collect();
    let of = |grid: GridId, cost_ms: u64| GridStatus {
        cost_ns: cost_ms * 1_000_000,
        ..status(grid.0)
    };
    let [first, second] = [0, 1].map(|shard| server.metrics.shard(ShardIndex(shard)));
    first.publish_grids(vec![of(all[0], 12), of(all[1], 9)]);
    second.publish_grids(all[2..].iter().map(|grid| of(*grid, 1)).collect());
    let control = server.metrics.control();
    let moves = || control.placements(PlacementSource::Balancer, PlacementKind::Move);
    let asked = eventually(|| server.handle().poll_placement(ShardIndex(0)));
    let grid = asked.grid();
    assert!(all[..2].contains(&grid), "{asked:?}");
    let to = ShardIndex(1);
    assert_eq!(asked, PlacementRequest::Move { grid, to });
    assert_eq!(moves(), 1);
    assert_eq!(server.handle().poll_placement(ShardIndex(1)), None);
}
