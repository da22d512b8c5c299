//! What an edge is made from: its place among the shards, its limits and its secrets.

use core::time::Duration;

use orrery_base::ShardIndex;

use crate::keys::EdgeKeys;
use crate::tls::Tls;

/// Everything an [`Edge`](crate::Edge) needs to know. Cheap to clone: every shard takes one
/// with its own `shard`.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// The shard that drives this edge; less than `shards`.
    pub shard: ShardIndex,
    /// Number of shards of this host, 1 ..= 256: the index is one byte of a connection id.
    pub shards: u16,
    /// What clients may ask of this edge.
    pub limits: Limits,
    /// Certificate and protocol names.
    pub tls: Tls,
    /// Secrets shared by all shards of the host.
    pub keys: EdgeKeys,
}

/// What clients may ask of one edge, that is of one shard: multiply by the number of shards.
/// Rates and bursts are 1 ..= 1,000,000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Announced connections. One more is accepted only to be told that the server is full.
    pub connections: usize,
    /// Connections at a time that are being told so; further ones get a bare refusal.
    pub farewells: usize,
    /// Handshakes at a time, those waiting for their turn included. Each may hold some ten
    /// kilobytes.
    pub handshakes: usize,
    /// From this many pending handshakes on, a client must prove its address by a Retry before
    /// it costs us any state. Zero asks everybody, always.
    pub retry_from: usize,
    /// Time for the TLS handshake, and again for opening the control stream after it.
    pub handshake_timeout: Duration,
    /// Handshakes begun per second. Each costs some 250 µs of this core.
    pub handshakes_per_second: u32,
    /// Handshakes begun at once after a quiet time.
    pub handshakes_burst: u32,
    /// Handshakes per second from one address (IPv4) or one /64 (IPv6).
    pub address_handshakes_per_second: u32,
    /// The same at once after a quiet time.
    pub address_handshakes_burst: u32,
    /// Whether loopback addresses are free of the limit per address: only this host can have
    /// them, and a swarm of test clients has a single one.
    pub loopback_is_free: bool,
    /// UDP datagrams per second from one connection; more are dropped unread.
    pub datagrams_per_second: u32,
    /// The same at once after a quiet time.
    pub datagrams_burst: u32,
    /// Bytes of the control stream that may wait for a client (those sent and not yet
    /// acknowledged included) before it is closed as too slow. At least 128 KiB.
    pub stream_queue_bytes: usize,
    /// Silence after which a connection is given up.
    pub idle_timeout: Duration,
    /// Silence after which the server asks for a sign of life; less than `idle_timeout`.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8_192,
            farewells: 64,
            handshakes: 512,
            retry_from: 64,
            handshake_timeout: Duration::from_secs(10),
            handshakes_per_second: 1_000,
            handshakes_burst: 500,
            address_handshakes_per_second: 20,
            address_handshakes_burst: 100,
            loopback_is_free: true,
            datagrams_per_second: 400,
            datagrams_burst: 800,
            stream_queue_bytes: 256 * 1024,
            idle_timeout: Duration::from_secs(15),
            keep_alive: Duration::from_secs(5),
        }
    }
}

/// A configuration that no edge can be made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The number of shards is not in 1 ..= 256.
    #[error("{0} shards: connection ids have room for 1 to 256")]
    Shards(u16),
    /// The shard is not among the shards.
    #[error("shard {shard} of {shards}")]
    Shard {
        /// The shard given.
        shard: ShardIndex,
        /// Number of shards given.
        shards: u16,
    },
    /// A limit is outside its range.
    #[error("limit `{0}` is out of range")]
    Limit(&'static str),
}

impl EdgeConfig {
    /// # Errors
    /// Names the first value that is outside its documented range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=256).contains(&self.shards) {
            return Err(ConfigError::Shards(self.shards));
        }
        if self.shard.0 >= self.shards {
            return Err(ConfigError::Shard {
                shard: self.shard,
                shards: self.shards,
            });
        }
        self.limits.validate()
    }
}

impl Limits {
    /// # Errors
    /// Names the first limit that is outside its documented range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let day = Duration::from_secs(86_400);
        let rate = 1..=1_000_000;
        let checks = [
            (
                "connections",
                self.connections >= 1 && self.connections <= 1 << 20,
            ),
            (
                "handshakes",
                self.handshakes >= 1 && self.handshakes <= 1 << 16,
            ),
            (
                "handshake_timeout",
                !self.handshake_timeout.is_zero() && self.handshake_timeout <= day,
            ),
            (
                "handshakes_per_second",
                rate.contains(&self.handshakes_per_second),
            ),
            ("handshakes_burst", rate.contains(&self.handshakes_burst)),
            (
                "address_handshakes_per_second",
                rate.contains(&self.address_handshakes_per_second),
            ),
            (
                "address_handshakes_burst",
                rate.contains(&self.address_handshakes_burst),
            ),
            (
                "datagrams_per_second",
                rate.contains(&self.datagrams_per_second),
            ),
            ("datagrams_burst", rate.contains(&self.datagrams_burst)),
            ("stream_queue_bytes", self.stream_queue_bytes >= 128 * 1024),
            (
                "idle_timeout",
                self.idle_timeout >= Duration::from_secs(1) && self.idle_timeout <= day,
            ),
            (
                "keep_alive",
                !self.keep_alive.is_zero() && self.keep_alive < self.idle_timeout,
            ),
        ];
        match checks.iter().find(|(_, holds)| !holds) {
            Some((name, _)) => Err(ConfigError::Limit(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
