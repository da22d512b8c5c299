//! The last minutes, second by second, for the status page.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::metrics::{Distribution, Registry};

/// Seconds that are remembered.
const SECONDS_MAX: usize = 180;
/// Seconds of which all beats are remembered, 2 KB each, for quantiles over the whole.
const WINDOW_S: usize = 60;

/// One second of the server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Second {
    /// Seconds since the start of the server.
    at_s: u64,
    /// Beats that all shards did in it.
    beats: u64,
    /// Half of the beats took no longer, milliseconds.
    beat_p50_ms: f64,
    /// The longest beat, milliseconds.
    beat_max_ms: f64,
    /// Clients at its end.
    clients: u64,
}

/// The seconds, oldest first.
#[derive(Debug, Default)]
pub(super) struct History {
    seconds: VecDeque<Second>,
    window: VecDeque<Distribution>,
    before: Distribution,
}

impl History {
    /// Notes the second that has just passed.
    pub(super) fn note(&mut self, registry: &Registry) {
        let now = registry.beats();
        let second = now.since(&self.before);
        self.before = now;
        push(
            &mut self.seconds,
            SECONDS_MAX,
            Second {
                at_s: registry.uptime().as_secs(),
                beats: second.count(),
                beat_p50_ms: ms(second.quantile(0.5)).unwrap_or(0.0),
                beat_max_ms: ms(second.quantile(1.0)).unwrap_or(0.0),
                clients: registry.sum(|shard| shard.clients.value()),
            },
        );
        push(&mut self.window, WINDOW_S, second);
    }

    /// The last minutes, oldest first.
    pub(super) fn seconds(&self) -> Vec<Second> {
        self.seconds.iter().cloned().collect()
    }

    /// What 99 of 100 beats of the last minute did not exceed, milliseconds.
    pub(super) fn beat_p99_ms(&self) -> Option<f64> {
        let mut all = Distribution::default();
        for second in &self.window {
            all.merge(second);
        }
        ms(all.quantile(0.99))
    }
}

fn ms(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64() * 1e3)
}

fn push<T>(queue: &mut VecDeque<T>, most: usize, item: T) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use orrery_base::{ShardIndex, Tick};

    use super::*;

    #[test]
    fn each_second_has_its_own_beats_and_old_ones_are_forgotten() {
        let registry = Registry::new(1);
        let mut history = History::default();
        history.note(&registry);
        assert_eq!(history.beat_p99_ms(), None);
        let shard = registry.shard(ShardIndex(0));
        for beat in 0..200_u64 {
            shard.record_beat(Tick(beat), Duration::from_millis(beat + 1), Duration::ZERO);
            history.note(&registry);
        }
        let seconds = history.seconds();
        assert_eq!(seconds.len(), SECONDS_MAX);
        let last = &seconds[SECONDS_MAX - 1];
        assert_eq!(last.beats, 1);
        assert!((200.0..=226.0).contains(&last.beat_max_ms), "{last:?}");
        let p99 = history.beat_p99_ms().unwrap();
        assert!((190.0..=226.0).contains(&p99), "{p99}");
        assert_eq!(history.window.len(), WINDOW_S);
    }
}
