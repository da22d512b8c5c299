//! What the pilots of a battle order: a function of a seed, the beat, the grid and what was seen
//! in the beat before.
//!
//! Ships are drawn by slot, so the orders do not depend on the number of parts.

use std::sync::Arc;

use orrery_base::rng::Rng;
use orrery_base::{EntityId, GridId, Slot, Tick};
use orrery_kernel::rules::Stamped;

use super::frame::{BattleFrame, Field};
use super::{Order, next_life, purpose};

/// Who sends the orders: so many sources.
const SOURCES: u32 = 64;

/// A source of orders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Other seeds, other orders.
    pub seed: u64,
    /// A beat and grid has fewer orders than this, and none if it is 0.
    pub orders: u32,
    /// Where ships are sent. At least one grid; may be the one that they are on.
    pub grids: Vec<GridId>,
}

impl Script {
    /// The orders for a beat of a grid, in no order, given the frames of the beat before.
    ///
    /// # Panics
    /// If there is no grid to jump to.
    #[must_use]
    pub fn inputs(
        &self,
        tick: Tick,
        grid: GridId,
        frames: &[Arc<BattleFrame>],
    ) -> Vec<Stamped<Order>> {
        let field = Field::new(frames);
        let bound = field.slot_bound();
        if bound == 0 || self.orders == 0 {
            return Vec::new();
        }
        let mut rng = Rng::new(self.seed, tick, EntityId::NONE, purpose::SCRIPT + grid.0);
        let count = rng.below(self.orders);
        let mut inputs = Vec::with_capacity(count as usize);
        for number in 0..count {
            let source = u64::from(rng.below(SOURCES));
            let Some(ship) = field.at(Slot(rng.below(bound))) else {
                continue;
            };
            let id = ship.lock.id;
            let input = match rng.below(16) {
                // One who has died and does not know it, or is not born yet.
                0 => Order::Steer(next_life(id), [127; 3]),
                1..8 => Order::Steer(id, [0; 3].map(|_: i8| rng.next_u32() as i8)),
                8..13 => match field.at(Slot(rng.below(bound))) {
                    Some(other) => Order::Lock(id, other.lock),
                    None => continue,
                },
                _ => {
                    let to = rng.below(self.grids.len() as u32) as usize;
                    Order::Jump(id, self.grids[to])
                }
            };
            inputs.push(Stamped {
                source,
                sequence: u64::from(number),
                input,
            });
        }
        inputs
    }
}
