//! What the control thread needs from the rest of the server.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use orrery_storage::{ControlPort, Store};

use crate::config::Config;
use crate::metrics::Registry;
use crate::rules::context::SpaceContext;

/// Everything that [`super::start`] takes.
pub struct Setup {
    /// The configuration; of interest are `server.http`, `server.data`, `accounts` and
    /// `server.ipv4`, `server.ipv6`.
    pub config: Arc<Config>,
    /// For reading.
    pub store: Store,
    /// For writing.
    pub port: ControlPort,
    /// The content and the galaxy: what things are called, where characters begin.
    pub context: Arc<SpaceContext>,
    /// What is measured.
    pub metrics: Arc<Registry>,
    /// SHA-256 of the certificate that QUIC clients will see.
    pub certificate_sha256: [u8; 32],
    /// The UDP port for QUIC.
    pub quic_port: u16,
    /// How many shards there are.
    pub shards: u16,
    /// Set when the server is asked to drain and stop.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}
