//! Times the phases of a beat, and says when there is no time for another slice. The clock is
//! read here, outside of the simulation, which cannot see it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use orrery_base::GridId;
use orrery_kernel::probe::{Conductor, Phase, Probe};

use super::links::Links;
use crate::metrics::{BeatPhase, ShardMetrics};

/// A shard's watch on one beat.
pub(super) struct BeatConductor<'a> {
    metrics: &'a ShardMetrics,
    links: &'a mut Links,
    /// Slices begin before this only.
    deadline: Instant,
    since: Instant,
    phase: Option<BeatPhase>,
    grid: Option<GridId>,
    spent: [Duration; BeatPhase::ALL.len()],
    /// By grid, what its turn has taken.
    costs: BTreeMap<GridId, Duration>,
}

impl<'a> BeatConductor<'a> {
    /// A beat begins.
    #[must_use]
    pub(super) fn new(metrics: &'a ShardMetrics, budget: Duration, links: &'a mut Links) -> Self {
        let since = Instant::now();
        Self {
            metrics,
            links,
            deadline: since + budget,
            since,
            phase: None,
            grid: None,
            spent: Default::default(),
            costs: BTreeMap::new(),
        }
    }

    fn enter(&mut self, phase: BeatPhase) {
        self.leave();
        self.phase = Some(phase);
    }

    fn leave(&mut self) {
        let now = Instant::now();
        if let Some(phase) = self.phase.take() {
            let spent = now - self.since;
            self.spent[phase as usize] += spent;
            if let Some(grid) = self.grid {
                *self.costs.entry(grid).or_default() += spent;
            }
        }
        self.since = now;
    }

    /// The beat is over: its phases are counted. Returns what each grid's turn has taken.
    pub(super) fn finish(mut self) -> BTreeMap<GridId, Duration> {
        self.leave();
        for (phase, spent) in BeatPhase::ALL.iter().zip(self.spent) {
            if !spent.is_zero() {
                self.metrics.record_phase(*phase, spent);
            }
        }
        self.costs
    }
}

impl Probe for BeatConductor<'_> {
    fn phase(&mut self, grid: GridId, phase: Phase) {
        match phase {
            Phase::Gather => self.enter(BeatPhase::Gather),
            Phase::Motion => self.enter(BeatPhase::Motion),
            Phase::Interact => self.enter(BeatPhase::Interact),
            Phase::Apply => self.enter(BeatPhase::Apply),
            Phase::Settle => self.enter(BeatPhase::Settle),
            Phase::Done => self.leave(),
        }
        self.grid = (phase != Phase::Done).then_some(grid);
    }
}

impl Conductor for BeatConductor<'_> {
    fn go_on(&mut self, _: GridId) -> bool {
        Instant::now() < self.deadline
    }

    fn keep_waiting(&mut self) -> bool {
        self.links.pump();
        true
    }
}
