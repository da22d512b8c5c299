//! How fast the time of each grid runs: from what its beats cost to the pace of its next ones.

use std::collections::BTreeMap;
use std::time::Duration;

use orrery_base::GridId;
use orrery_kernel::dilation::{Dilation, Governor, GovernorConfig};

use super::links::Links;
use super::placement::PlacementRequest;
use super::simulation::Simulation;
use crate::metrics::{GridStatus, ShardMetrics};

/// A beat of the host.
const BEAT_NS: u64 = 1_000_000_000 / orrery_base::BEATS_PER_SECOND as u64;
/// Parts of a grid whose beats are sliced: a slice is a stage of one of them.
const SLICES: u16 = 8;

/// What is known of the cost of a grid.
struct Cost {
    governor: Governor,
    /// What the beat under way has cost so far.
    spent: Duration,
    /// What the last beats cost, the newest first: the least of them counts, so that a thread
    /// that was not run for a while slows nobody's time down.
    last: [Duration; 3],
    /// Fixed by an operator, or announced and not in force yet.
    next: Option<Dilation>,
}

/// The paces of a shard's grids.
#[derive(Default)]
pub(super) struct Pacer {
    costs: BTreeMap<GridId, Cost>,
}

impl Pacer {
    /// Takes in what the turns of a beat have taken. A new pace is announced to the clients now
    /// and in force with the next beat of the host.
    pub(super) fn observe(
        &mut self,
        turns: &BTreeMap<GridId, Duration>,
        simulation: &mut Simulation,
        links: &mut Links,
    ) {
        let total: Duration = turns.values().sum();
        for (&grid, &turn) in turns {
            let Some(pace) = simulation.world().pace(grid) else {
                // A guest: its leader measures.
                continue;
            };
            let cost = self.costs.entry(grid).or_insert_with(|| Cost {
                governor: Governor::new(GovernorConfig::new(BEAT_NS)),
                spent: Duration::ZERO,
                last: [Duration::ZERO; 3],
                next: None,
            });
            if let Some(pace) = cost.next.take() {
                simulation.world_mut().set_pace(grid, pace);
            }
            cost.spent += turn;
            if simulation.world().is_under_way(grid) {
                continue;
            }
            let spent = std::mem::take(&mut cost.spent);
            if simulation.world().members(grid) == Some(0) {
                // The beat was not done.
                continue;
            }
            cost.last.rotate_right(1);
            cost.last[0] = spent;
            let least = cost.last.iter().min().copied().unwrap_or_default();
            cost.governor.observe(least.as_nanos() as u64);
            let others = (total - turn).as_nanos() as u64;
            let wanted = cost.governor.pace(others);
            if wanted != pace && !simulation.is_pace_fixed(grid) {
                if wanted < pace && simulation.is_in_one_piece(grid) {
                    // So that its beats can be sliced where its neighbours need the time.
                    simulation.request(PlacementRequest::Split {
                        grid,
                        members: 1,
                        slices: SLICES,
                    });
                }
                simulation.announce_pace(grid, wanted, links);
                cost.next = Some(wanted);
            }
        }
    }

    /// Completes what operators see.
    pub(super) fn show(&mut self, table: &mut [GridStatus], metrics: &ShardMetrics) {
        self.costs
            .retain(|grid, _| table.iter().any(|status| status.grid == *grid));
        for status in &mut *table {
            if let Some(cost) = self.costs.get(&status.grid) {
                status.cost_ns = cost.last[0].as_nanos() as u64;
            }
        }
        let slowest = table.iter().map(|status| status.dilation_milli).min();
        metrics
            .dilation_milli
            .set(u64::from(slowest.unwrap_or(1_000)));
    }
}
