//! Looking at the grids of a world, whole or led.

use orrery_base::{GridId, Tick};

use super::World;
use super::place::{Home, Place};
use crate::grid::{Delivery, Grid};
use crate::part::Part;
use crate::rules::Rules;

impl<R: Rules> World<R> {
    /// A grid that is here and whole. Its own tick is behind the world's while it is asleep.
    #[must_use]
    pub fn grid(&self, grid: GridId) -> Option<&Grid<R>> {
        match &self.places.get(&grid)?.home {
            Home::Whole(whole) => Some(whole),
            Home::Led(_) | Home::Lost => None,
        }
    }

    /// The ids of the grids that are here: whole, led by this world, or lost; ascending.
    pub fn grids(&self) -> impl ExactSizeIterator<Item = GridId> {
        self.places.keys().copied()
    }

    /// How many shards work at a grid that is here: 0 if it is lost.
    #[must_use]
    pub fn members(&self, grid: GridId) -> Option<u16> {
        Some(match &self.places.get(&grid)?.home {
            Home::Whole(_) => 1,
            Home::Led(team) => team.members(),
            Home::Lost => 0,
        })
    }

    /// Shows every part of a grid that is here.
    pub fn each_part(&self, grid: GridId, look: impl FnMut(&Part<R>)) {
        match self.places.get(&grid).map(|place| &place.home) {
            Some(Home::Whole(whole)) => whole.parts().for_each(look),
            Some(Home::Led(team)) => team.each_part(look),
            Some(Home::Lost) | None => {}
        }
    }

    /// Number of entities on a grid; 0 if it is not here.
    #[must_use]
    pub fn entity_count(&self, grid: GridId) -> usize {
        let mut count = 0;
        self.each_part(grid, |part| count += part.table.len());
        count
    }

    /// The digest of a grid after its last beat, if it is here and not lost.
    #[must_use]
    pub fn digest(&self, grid: GridId) -> Option<u64> {
        self.places.get(&grid)?.status().map(|status| status.1)
    }

    /// A grid's own time, if it is here and not lost. It stands still while the grid sleeps.
    #[must_use]
    pub fn tick_of(&self, grid: GridId) -> Option<Tick> {
        self.places.get(&grid)?.status().map(|status| status.0)
    }

    /// Whether a grid sleeps: nothing is done for it until something comes.
    #[must_use]
    pub fn is_asleep(&self, grid: GridId) -> bool {
        !self.awake.contains(&grid)
    }

    /// Whether a grid is in the middle of one of its beats.
    #[must_use]
    pub fn is_under_way(&self, grid: GridId) -> bool {
        self.places.get(&grid).is_some_and(Place::is_under_way)
    }

    /// What waits for a grid, if it is here.
    #[must_use]
    pub fn waiting(&self, grid: GridId) -> Option<&Delivery<R>> {
        self.places.get(&grid).map(|place| &place.waiting)
    }
}
