//! Which configurations are refused.

use std::time::Instant;

use super::*;
use crate::{Edge, fixture};

fn refused(change: impl FnOnce(&mut EdgeConfig)) -> Option<ConfigError> {
    let mut config = fixture::config(Limits::default());
    change(&mut config);
    Edge::new(config, Instant::now()).err()
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(refused(|_| {}), None);
    assert_eq!(
        refused(|config| (config.shards, config.shard) = (256, ShardIndex(255))),
        None
    );
}

#[test]
fn impossible_shards_are_refused() {
    assert_eq!(
        refused(|config| config.shards = 0),
        Some(ConfigError::Shards(0))
    );
    assert_eq!(
        refused(|config| config.shards = 257),
        Some(ConfigError::Shards(257))
    );
    let error = refused(|config| (config.shards, config.shard) = (4, ShardIndex(4)));
    assert_eq!(
        error,
        Some(ConfigError::Shard {
            shard: ShardIndex(4),
            shards: 4
        })
    );
    assert_eq!(
        error.map(|error| error.to_string()).as_deref(),
        Some("shard 4 of 4")
    );
}

#[test]
fn impossible_limits_are_refused_by_name() {
    type Change = fn(&mut Limits);
    let cases: [(&str, Change); 8] = [
        ("connections", |limits| limits.connections = 0),
        ("handshakes", |limits| limits.handshakes = 0),
        ("handshake_timeout", |limits| {
            limits.handshake_timeout = Duration::ZERO;
        }),
        ("handshakes_per_second", |limits| {
            limits.handshakes_per_second = 0;
        }),
        ("datagrams_per_second", |limits| {
            limits.datagrams_per_second = u32::MAX;
        }),
        ("stream_queue_bytes", |limits| {
            limits.stream_queue_bytes = 1_000;
        }),
        ("idle_timeout", |limits| {
            limits.idle_timeout = Duration::from_millis(1);
        }),
        ("keep_alive", |limits| {
            limits.keep_alive = limits.idle_timeout;
        }),
    ];
    for (name, change) in cases {
        assert_eq!(
            refused(|config| change(&mut config.limits)),
            Some(ConfigError::Limit(name))
        );
    }
}
