//! Where ships are, for the suites that ask who is near whom.

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

/// The radius of sight: 15 km. Not a power of two, as radii are in life.
pub const RADIUS_CM: u32 = 1_500_000;
/// Observers whose questions make up a run.
pub const OBSERVERS: usize = 2_000;

/// A generator for a workload; the same numbers every time.
#[must_use]
pub const fn random(purpose: u32) -> Rng {
    Rng::new(7, Tick(1), EntityId(1), purpose)
}

/// A number in −range..range.
pub fn about(rng: &mut Rng, range: i32) -> i32 {
    rng.below(2 * range as u32) as i32 - range
}

/// Positions, and who looks around.
#[derive(Clone, Debug)]
pub struct Field {
    /// Centimetres.
    pub x: Vec<i32>,
    /// Centimetres.
    pub y: Vec<i32>,
    /// Centimetres.
    pub z: Vec<i32>,
    /// Rows of observers, in no order.
    pub observers: Vec<u32>,
}

impl Field {
    /// Ships strewn evenly over a square of such a size that an observer far from its border has
    /// `visible` of them within [`RADIUS_CM`]; some 1 km above and below the plane.
    #[must_use]
    pub fn plane(ships: usize, visible: u32) -> Self {
        let radius = f64::from(RADIUS_CM);
        let area = ships as f64 * std::f64::consts::PI * radius * radius / f64::from(visible);
        let half = (area.sqrt() / 2.0) as i32;
        Self::strewn(ships, [half, half, 100_000])
    }

    /// Ships in a cube of 60 km: a battle, in which everybody is in everybody's sight.
    #[must_use]
    pub fn battle(ships: usize) -> Self {
        Self::strewn(ships, [3_000_000; 3])
    }

    fn strewn(ships: usize, [x, y, z]: [i32; 3]) -> Self {
        let mut rng = random(1);
        let mut column = |range: i32| (0..ships).map(|_| about(&mut rng, range)).collect();
        let (x, y, z) = (column(x), column(y), column(z));
        let observers = (0..OBSERVERS).map(|_| rng.below(ships as u32)).collect();
        Self { x, y, z, observers }
    }

    /// The same ships, each up to 10 m further: about one beat later.
    #[must_use]
    pub fn moved(&self) -> Self {
        let mut rng = random(2);
        let mut moved = |column: &[i32]| {
            let step = |&position: &i32| position + about(&mut rng, 1_000);
            column.iter().map(step).collect()
        };
        Self {
            x: moved(&self.x),
            y: moved(&self.y),
            z: moved(&self.z),
            observers: self.observers.clone(),
        }
    }

    /// How many ships there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Where a ship is.
    #[inline]
    #[must_use]
    pub fn place(&self, row: u32) -> [i32; 3] {
        let row = row as usize;
        [self.x[row], self.y[row], self.z[row]]
    }

    /// The places as libraries with floats want them.
    #[must_use]
    pub fn points(&self) -> Vec<[f32; 3]> {
        (0..self.len() as u32)
            .map(|row| self.place(row).map(|p| p as f32))
            .collect()
    }

    /// Slots that have nothing to do with the rows' order.
    #[must_use]
    pub fn slots(&self) -> Vec<u32> {
        let mut rng = random(3);
        let mut slots: Vec<u32> = (0..self.len() as u32).collect();
        for i in (1..slots.len()).rev() {
            slots.swap(i, rng.below(i as u32 + 1) as usize);
        }
        slots
    }
}
