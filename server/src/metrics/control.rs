//! What the control thread measures: HTTP, passwords, log-ins, what it asks of grids.

use super::cell::{Counter, Gauge, Histogram};

/// HTTP answers by the first digit of their status.
pub(super) const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What became of an attempt to log in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum LogInOutcome {
    /// The password was right.
    Succeeded,
    /// It was wrong, or there is no such account.
    Failed,
    /// Too many attempts: sent away without a look at the password.
    Throttled,
}

impl LogInOutcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Throttled];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Throttled => "throttled",
        }
    }
}

/// What is asked of a grid's shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum PlacementKind {
    /// To another shard.
    Move,
    /// Over several shards.
    Split,
    /// To one shard again.
    Merge,
    /// The pace of its time.
    Pace,
    /// A fault, to see it restored.
    Fault,
}

impl PlacementKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Move,
        Self::Split,
        Self::Merge,
        Self::Pace,
        Self::Fault,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Pace => "pace",
            Self::Fault => "fault",
        }
    }
}

/// Who asks it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum PlacementSource {
    /// An operator.
    Operator,
    /// The balancer.
    Balancer,
}

impl PlacementSource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Operator, Self::Balancer];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Balancer => "balancer",
        }
    }
}

/// What the control thread measures.
#[derive(Debug, Default)]
pub struct ControlMetrics {
    pub(super) answers: [Counter; STATUS_CLASSES.len()],
    /// From the head of a request to the end of its answer.
    pub request: Histogram,
    /// HTTP connections that are open.
    pub connections: Gauge,
    /// Requests refused because of a rate limit.
    pub rate_limited: Counter,
    pub(super) log_ins: [Counter; LogInOutcome::ALL.len()],
    placements: [[Counter; PlacementKind::ALL.len()]; PlacementSource::ALL.len()],
    /// Accounts made.
    pub sign_ups: Counter,
    /// Characters made.
    pub characters: Counter,
    /// Game tokens issued.
    pub tokens_issued: Counter,
    /// Game tokens redeemed.
    pub tokens_redeemed: Counter,
    /// Game tokens refused.
    pub tokens_refused: Counter,
    /// Spent tokens that are remembered.
    pub tokens_remembered: Gauge,
    /// Time to compute or verify a password's hash, waiting not counted.
    pub password_hash: Histogram,
    /// Password hashes that wait for a thread.
    pub password_queue: Gauge,
    /// Password hashes refused because too many were waiting.
    pub password_queue_full: Counter,
    /// The audits of all value.
    pub audit: AuditMetrics,
}

/// What the audits of the running store have found.
#[derive(Debug, Default)]
pub struct AuditMetrics {
    /// Audits that came to an end.
    pub ended: Counter,
    /// Audits that could not read the store.
    pub failed: Counter,
    /// What did not fit in the last one.
    pub problems: Gauge,
    /// Cents in accounts and in flight in the last one.
    pub cents: Gauge,
    /// Time that one takes.
    pub duration: Histogram,
}

impl ControlMetrics {
    /// A request was answered with this status.
    pub fn answered(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, STATUS_CLASSES.len());
        self.answers[class - 1].increment();
    }

    /// Somebody tried to log in.
    pub fn log_in(&self, outcome: LogInOutcome) {
        self.log_ins[outcome as usize].increment();
    }

    /// A grid's shard was asked something.
    pub fn placement(&self, source: PlacementSource, kind: PlacementKind) {
        self.placements[source as usize][kind as usize].increment();
    }

    /// How often grids' shards were asked this.
    #[must_use]
    pub fn placements(&self, source: PlacementSource, kind: PlacementKind) -> u64 {
        self.placements[source as usize][kind as usize].value()
    }

    /// How many attempts to log in came to this.
    #[must_use]
    pub fn log_ins(&self, outcome: LogInOutcome) -> u64 {
        self.log_ins[outcome as usize].value()
    }
}
