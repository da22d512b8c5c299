//! Other people's libraries, each used as its documentation tells.

use bevy_ecs::prelude::{Component, QueryState, World};
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use rstar::RTree;
use rstar::primitives::GeomWithData;
use std::collections::HashMap;

use crate::field::{Field, RADIUS_CM};

/// A place, for the entity-component systems.
#[derive(Component, Clone, Copy, Debug)]
pub struct Position(pub [f32; 3]);

/// A velocity, for the entity-component systems.
#[derive(Component, Clone, Copy, Debug)]
pub struct Velocity(pub [f32; 3]);

/// position += velocity · dt.
#[inline(always)]
fn advance(position: &mut Position, velocity: &Velocity, dt: f32) {
    position.0[0] += velocity.0[0] * dt;
    position.0[1] += velocity.0[1] * dt;
    position.0[2] += velocity.0[2] * dt;
}

/// bevy_ecs with a query that is prepared once, as a system's is.
pub struct Bevy {
    world: World,
    query: QueryState<(&'static mut Position, &'static Velocity)>,
}

impl Bevy {
    /// A world of so many entities with these two components.
    #[must_use]
    pub fn new(entities: usize) -> Self {
        let mut world = World::new();
        world.spawn_batch((0..entities).map(|i| (Position([i as f32; 3]), Velocity([1.0; 3]))));
        let query = world.query();
        Self { world, query }
    }

    /// position += velocity · dt, entity by entity.
    pub fn integrate(&mut self, dt: f32) {
        for (mut position, velocity) in self.query.iter_mut(&mut self.world) {
            // Taken out once: every access through the guard notes that it changed.
            advance(&mut position, velocity, dt);
        }
    }

    /// The same over the slices that its tables hand out.
    ///
    /// # Panics
    /// If the components are not stored densely: they are.
    pub fn integrate_contiguous(&mut self, dt: f32) {
        let mut query = self.query.query_mut(&mut self.world);
        let slices = query.contiguous_iter_mut().expect("table components");
        for (mut positions, velocities) in slices {
            let positions: &mut [Position] = &mut positions;
            for (position, velocity) in positions.iter_mut().zip(velocities) {
                advance(position, velocity, dt);
            }
        }
    }
}

/// hecs.
pub struct Hecs(hecs::World);

impl Hecs {
    /// A world of so many entities with these two components.
    #[must_use]
    pub fn new(entities: usize) -> Self {
        let mut world = hecs::World::new();
        let ships = (0..entities).map(|i| (Position([i as f32; 3]), Velocity([1.0; 3])));
        world.spawn_batch(ships).for_each(drop);
        Self(world)
    }

    /// position += velocity · dt.
    pub fn integrate(&mut self, dt: f32) {
        for (position, velocity) in self.0.query_mut::<(&mut Position, &Velocity)>() {
            advance(position, velocity, dt);
        }
    }
}

/// A ship as one would write it without columns: 64 bytes.
#[derive(Clone, Debug)]
pub struct Ship {
    position: [f32; 3],
    velocity: [f32; 3],
    /// What else a ship has; a beat of motion does not need it, but loads it.
    pub rest: [u32; 10],
}

/// An array of such ships.
#[must_use]
pub fn ships(count: usize) -> Vec<Ship> {
    let ship = |i: usize| Ship {
        position: [i as f32; 3],
        velocity: [1.0; 3],
        rest: [i as u32; 10],
    };
    (0..count).map(ship).collect()
}

/// position += velocity · dt.
pub fn integrate_ships(ships: &mut [Ship], dt: f32) {
    for ship in ships {
        for axis in 0..3 {
            ship.position[axis] += ship.velocity[axis] * dt;
        }
    }
}

/// A place with its row, for rstar.
pub type StarPoint = GeomWithData<[f32; 3], u32>;

/// rstar's tree, built in bulk.
#[must_use]
pub fn star(points: &[[f32; 3]]) -> RTree<StarPoint> {
    let rows = points.iter().zip(0..);
    RTree::bulk_load(
        rows.map(|(&point, row)| StarPoint::new(point, row))
            .collect(),
    )
}

/// The rows within sight.
pub fn star_visible(tree: &RTree<StarPoint>, centre: [f32; 3], out: &mut Vec<u32>) {
    let radius = RADIUS_CM as f32;
    out.clear();
    out.extend(
        tree.locate_within_distance(centre, radius * radius)
            .map(|point| point.data),
    );
}

/// kiddo's tree for points that are known up front.
///
/// # Panics
/// If it cannot be built: only for more points than fit its indices.
#[must_use]
pub fn kd(points: &[[f32; 3]]) -> ImmutableKdTree<f32, 3> {
    ImmutableKdTree::new_from_slice(points).expect("few enough points")
}

/// The rows within sight.
pub fn kd_visible(tree: &ImmutableKdTree<f32, 3>, centre: [f32; 3], out: &mut Vec<u32>) {
    let radius = RADIUS_CM as f32;
    out.clear();
    let found = tree
        .query(&centre)
        .within::<SquaredEuclidean<f32>>(radius * radius)
        .unsorted()
        .execute();
    out.extend(found.iter().map(|item| item.item));
}

/// A map from cell to rows, as game servers have it: cells as large as the radius.
#[derive(Debug, Default)]
pub struct CellMap {
    cells: HashMap<[i32; 2], Vec<u32>>,
}

impl CellMap {
    /// Empties the cells and fills them again.
    pub fn rebuild(&mut self, field: &Field) {
        self.cells.values_mut().for_each(Vec::clear);
        for (row, (&x, &y)) in (0..).zip(field.x.iter().zip(&field.y)) {
            self.cells.entry(cell(x, y)).or_default().push(row);
        }
    }

    /// The rows within sight: nine cells.
    pub fn visible(&self, field: &Field, centre: [i32; 3], out: &mut Vec<u32>) {
        let radius = i64::from(RADIUS_CM);
        let [cx, cy] = cell(centre[0], centre[1]);
        out.clear();
        for y in cy - 1..=cy + 1 {
            for x in cx - 1..=cx + 1 {
                let Some(rows) = self.cells.get(&[x, y]) else {
                    continue;
                };
                out.extend(rows.iter().copied().filter(|&row| {
                    let place = field.place(row);
                    let squared: i64 = (0..3)
                        .map(|axis| i64::from(place[axis]) - i64::from(centre[axis]))
                        .map(|difference| difference * difference)
                        .sum();
                    squared <= radius * radius
                }));
            }
        }
    }
}

fn cell(x: i32, y: i32) -> [i32; 2] {
    let edge = RADIUS_CM as i32;
    [x.div_euclid(edge), y.div_euclid(edge)]
}

#[cfg(test)]
mod tests;
