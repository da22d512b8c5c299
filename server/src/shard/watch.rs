//! What the edges are shown of a shard's grids: a history of the recent beats of every grid that
//! somebody watches, from which the snapshots are encoded.

use std::collections::BTreeMap;
use std::sync::Arc;

use orrery_base::{GridId, ShardIndex, Slot, Tick};
use orrery_proto::snapshot::GridHistory;
use orrery_spatial::{CellIndex, Positions};

use super::links::Links;
use super::packet::{Packet, Publication};
use crate::rules::frame::SpaceFrame;

/// Cells of 168 km: nine to twenty-seven of them hold what a ship can see.
const CELL_CM: u32 = 1 << 24;

/// The recent past of the grids that are watched.
#[derive(Default)]
pub(super) struct Watch {
    histories: BTreeMap<GridId, GridHistory>,
}

impl Watch {
    /// Adds a beat to a grid's history and hands it to the edges whose clients are there. The
    /// history of a grid that nobody watches is dropped: it begins anew when somebody comes.
    pub(super) fn publish(&mut self, grid: GridId, frames: &[Arc<SpaceFrame>], links: &mut Links) {
        let watched = |edge| {
            frames
                .iter()
                .any(|frame| frame.watchers.iter().any(|w| w.edge == edge))
        };
        let edges: Vec<_> = (0..links.shards())
            .map(ShardIndex)
            .filter(|&edge| watched(edge))
            .collect();
        if edges.is_empty() {
            self.histories.remove(&grid);
            return;
        }
        let tick = frames.first().map_or(Tick(0), |frame| frame.tick);
        let history = self
            .histories
            .entry(grid)
            .or_insert_with(|| GridHistory::new(grid));
        let mut slots = history.begin(tick);
        for frame in frames {
            for (&slot, state) in frame.slots.iter().zip(&frame.states) {
                slots.insert(Slot(slot), state);
            }
        }
        history.push(slots);
        let mut index = CellIndex::new(CELL_CM);
        let positions: Vec<_> = frames
            .iter()
            .map(|frame| {
                let [x, y, z] = &frame.position_cm;
                Positions { x, y, z }
            })
            .collect();
        index.rebuild_parts(&positions);
        let slots = frames
            .iter()
            .flat_map(|frame| frame.slots.iter().copied())
            .collect();
        let history = history.clone();
        let publication = Arc::new(Publication {
            grid,
            history,
            frames: frames.to_vec(),
            index,
            slots,
        });
        for edge in edges {
            links.send(edge, Packet::Publication(Arc::clone(&publication)));
        }
    }

    /// Hands a grid's history over, to the shard that the grid moves to.
    pub(super) fn take(&mut self, grid: GridId) -> Option<GridHistory> {
        self.histories.remove(&grid)
    }

    /// Takes over the history of a grid that has moved here.
    pub(super) fn insert(&mut self, grid: GridId, history: Option<GridHistory>) {
        if let Some(history) = history {
            self.histories.insert(grid, history);
        }
    }
}
