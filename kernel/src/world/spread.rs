//! Dividing grids and putting them together: parts of a whole grid, and teams of several shards.

use std::sync::Arc;

use orrery_base::GridId;

use super::World;
use super::place::Home;
use crate::rules::Rules;
use crate::team::Team;

impl<R: Rules> World<R> {
    /// Spreads a whole grid over `members` shards with `slices` seats each; this world leads.
    /// The other members join, with the team, before the next beat. `None` if the grid is not
    /// here, is not whole, or is in the middle of a beat.
    ///
    /// # Panics
    /// If `members` or `slices` is zero.
    pub fn spread(&mut self, grid: GridId, members: u16, slices: u16) -> Option<Arc<Team<R>>> {
        let tick = self.tick;
        let place = self.places.get_mut(&grid)?;
        if place.is_under_way() {
            return None;
        }
        place.catch_up(tick);
        let whole = place.take_whole()?;
        let team = Arc::new(Team::new(*whole, members, slices));
        place.home = Home::Led(Arc::clone(&team));
        self.awake.insert(grid);
        Some(team)
    }

    /// Makes a grid that this world leads whole again, in one part per slice of one member. The
    /// other members leave before the next beat, or find the team broken in it. `None` if this
    /// world does not lead the grid, or it is in the middle of a beat.
    pub fn gather_in(&mut self, grid: GridId) -> Option<()> {
        let place = self.places.get_mut(&grid)?;
        let Home::Led(team) = &place.home else {
            return None;
        };
        let slices = team.slices();
        let whole = team.dissolve()?.repartition(slices);
        team.break_up();
        place.home = Home::Whole(Box::new(whole));
        Some(())
    }

    /// Divides a whole grid into as many parts, so that its beats can be sliced finer. `None` if
    /// it is not here, is not whole, or is in the middle of a beat.
    ///
    /// # Panics
    /// If `parts` is zero.
    pub fn repartition(&mut self, grid: GridId, parts: u16) -> Option<()> {
        let place = self.places.get_mut(&grid)?;
        if place.is_under_way() {
            return None;
        }
        let whole = place.take_whole()?;
        place.home = Home::Whole(Box::new(whole.repartition(parts)));
        Some(())
    }

    /// Joins a team that another world leads, from the next beat on, as one of the members from 1.
    ///
    /// # Panics
    /// If there is no such member, or this world is in a team of that grid already that is not
    /// broken.
    pub fn join(&mut self, team: Arc<Team<R>>, member: u16) {
        assert!(
            (1..team.members()).contains(&member),
            "member {member} of {team:?}"
        );
        let former = self.guests.insert(team.grid(), (team, member));
        assert!(
            former.is_none_or(|(team, _)| team.is_broken()),
            "a shard is one member of a team"
        );
    }

    /// Leaves a team, from the next beat on.
    pub fn leave(&mut self, grid: GridId) {
        self.guests.remove(&grid);
    }

    /// Breaks all teams, so that no other shard waits for this one.
    pub fn break_up(&self) {
        for (team, _) in self.guests.values() {
            team.break_up();
        }
        for place in self.places.values() {
            if let Home::Led(team) = &place.home {
                team.break_up();
            }
        }
    }
}
