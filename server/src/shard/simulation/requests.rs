//! What operators and the balancer ask of a shard's grids: moves, splits, merges, paces, faults.

use std::sync::Arc;

use orrery_base::{GridId, Tick};
use orrery_kernel::balance::members_of;
use orrery_kernel::dilation::Dilation;
use orrery_kernel::rules::Stamped;

use super::Simulation;
use crate::rules::input::Input;
use crate::shard::links::Links;
use crate::shard::packet::Packet;
use crate::shard::placement::PlacementRequest;

/// Beats after which a request that could not be carried out is given up: a grid in the middle of
/// a long, dilated beat cannot be split.
const REQUEST_BEATS: u64 = 300;

impl Simulation {
    /// Announces the pace of a grid's time to the edges that have clients there: from the grid's
    /// beat after next on.
    pub fn announce_pace(&self, grid: GridId, pace: Dilation, links: &mut Links) {
        let Some(own) = self.world.tick_of(grid) else {
            return;
        };
        let from = own.plus(2);
        links.send_to_all(|| Packet::Pace { grid, pace, from });
    }

    /// Whether an operator has fixed the pace of a grid.
    #[must_use]
    pub fn is_pace_fixed(&self, grid: GridId) -> bool {
        self.fixed_paces.contains(&grid)
    }

    /// Whether a grid has one part only.
    #[must_use]
    pub fn is_in_one_piece(&self, grid: GridId) -> bool {
        let mut parts = 0;
        self.world.each_part(grid, |_| parts += 1);
        parts == 1
    }

    /// Moves, splits and merges grids as asked; what cannot be done yet is tried again.
    pub(super) fn carry_out_requests(&mut self, tick: Tick, links: &mut Links) {
        for (asked, request) in std::mem::take(&mut self.requests) {
            if self.carry_out(tick, request, links) {
                continue;
            }
            if tick.since(asked) < REQUEST_BEATS {
                self.requests.push_back((asked, request));
            } else {
                tracing::warn!(?request, "given up: the grid was never between two beats");
            }
        }
    }

    /// Whether a request is done with.
    fn carry_out(&mut self, tick: Tick, request: PlacementRequest, links: &mut Links) -> bool {
        let grid = request.grid();
        let Some(members) = self.world.members(grid) else {
            tracing::warn!(?request, "the grid is not here");
            return true;
        };
        if self.leaving.contains(&grid) {
            return false;
        }
        match request {
            PlacementRequest::Move { to, .. } => {
                if to.0 >= links.shards() || to == self.shard {
                    return true;
                }
                if members > 1 && !self.merge(grid, links) {
                    return false;
                }
                self.leaving.insert(grid);
                links.send_to_all(|| Packet::Moving { grid, to });
                true
            }
            PlacementRequest::Split {
                members, slices, ..
            } => self.split(grid, members, slices, links),
            PlacementRequest::Merge { .. } => members <= 1 || self.merge(grid, links),
            PlacementRequest::Pace { pace, .. } => {
                if pace.is_some() {
                    self.fixed_paces.insert(grid);
                } else {
                    self.fixed_paces.remove(&grid);
                }
                let pace = pace.unwrap_or_default();
                self.world.set_pace(grid, pace);
                self.announce_pace(grid, pace, links);
                true
            }
            PlacementRequest::Fault { .. } => {
                let input = Input::Fault;
                let (source, sequence) = (u64::MAX, tick.0);
                let stamped = Stamped {
                    source,
                    sequence,
                    input,
                };
                self.take_input(grid, stamped);
                true
            }
        }
    }

    fn split(&mut self, grid: GridId, members: u16, slices: u16, links: &mut Links) -> bool {
        let members = members.clamp(1, links.shards());
        let slices = slices.max(1);
        if self.world.members(grid) > Some(1) && !self.merge(grid, links) {
            return false;
        }
        if members == 1 {
            return self.world.repartition(grid, slices).is_some();
        }
        let Some(team) = self.world.spread(grid, members, slices) else {
            return false;
        };
        // The same shards as the balancer reckons with.
        for (member, shard) in (0..)
            .zip(members_of(self.shard, members, links.shards()))
            .skip(1)
        {
            let team = Arc::clone(&team);
            links.send(shard, Packet::Join { team, member });
        }
        true
    }

    fn merge(&mut self, grid: GridId, links: &mut Links) -> bool {
        if self.world.gather_in(grid).is_none() {
            return false;
        }
        links.send_to_all(|| Packet::Leave(grid));
        true
    }
}
