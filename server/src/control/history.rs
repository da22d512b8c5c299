//! The last minutes, second by second, for the status page.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::{Distribution, Registry};

/// Seconds that are remembered.
pub const SECONDS_MAX: usize = 180;

/// One second of the server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Second {
    /// Seconds since the start of the server.
    pub(super) at_s: u64,
    /// Beats that all shards did in it.
    pub(super) beats: u64,
    /// Half of the beats took no longer, milliseconds.
    pub(super) beat_p50_ms: f64,
    /// 99 of 100 beats took no longer, milliseconds.
    pub(super) beat_p99_ms: f64,
    /// The longest beat, milliseconds.
    pub(super) beat_max_ms: f64,
    /// Clients at its end.
    pub(super) clients: u64,
}

/// The seconds, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    seconds: VecDeque<Second>,
    before: Distribution,
}

impl History {
    /// Notes the second that has just passed.
    pub(super) fn note(&mut self, registry: &Registry) {
        let now = registry.beats();
        let second = now.since(&self.before);
        self.before = now;
        if self.seconds.len() == SECONDS_MAX {
            self.seconds.pop_front();
        }
        let ms = |quantile| {
            second.quantile(quantile).map_or(0.0, |took: Duration| took.as_secs_f64() * 1e3)
        };
        self.seconds.push_back(Second {
            at_s: registry.uptime().as_secs(),
            beats: second.count(),
            beat_p50_ms: ms(0.5),
            beat_p99_ms: ms(0.99),
            beat_max_ms: ms(1.0),
            clients: registry.sum(|shard| shard.clients.value()),
        });
    }

    pub(super) fn seconds(&self) -> Vec<Second> {
        self.seconds.iter().cloned().collect()
    }
}
