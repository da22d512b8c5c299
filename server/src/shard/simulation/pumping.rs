//! Keeps a shard's rings moving while it waits in the middle of a beat.

use orrery_base::GridId;
use orrery_kernel::probe::{Conductor, Phase, Probe};

use crate::shard::links::Links;

/// While a shard waits for others at a team's barrier, what they need of it to come there must not
/// wait for room in a ring: the end of the last beat may be behind it.
pub(super) struct Pumping<'a, C> {
    pub(super) conductor: &'a mut C,
    pub(super) links: &'a mut Links,
}

impl<C: Conductor> Probe for Pumping<'_, C> {
    fn phase(&mut self, grid: GridId, phase: Phase) {
        self.conductor.phase(grid, phase);
    }
}

impl<C: Conductor> Conductor for Pumping<'_, C> {
    fn go_on(&mut self, grid: GridId) -> bool {
        self.conductor.go_on(grid)
    }

    fn keep_waiting(&mut self) -> bool {
        self.links.pump();
        self.conductor.keep_waiting()
    }
}
