//! Ships in columns, for the suites that move them.

use orrery_base::Tick;
use orrery_base::motion::{response, step_axis};

use crate::field::{about, random};
use crate::limits::has_avx512;

/// Positions and velocities.
pub struct Columns {
    position: [Vec<i32>; 3],
    velocity: [Vec<i32>; 3],
}

impl Columns {
    /// Ships with random velocities.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut rng = random(4);
        let mut column = |range| (0..count).map(|_| about(&mut rng, range)).collect();
        Self {
            position: [column(1 << 24), column(1 << 24), column(1 << 24)],
            velocity: [column(1_000), column(1_000), column(1_000)],
        }
    }

    /// position += velocity, with the widest vectors that the processor has.
    pub fn integrate(&mut self) {
        for (position, velocity) in self.position.iter_mut().zip(&self.velocity) {
            #[cfg(target_arch = "x86_64")]
            if has_avx512() {
                // SAFETY: the processor has AVX-512.
                unsafe { add_avx512(position, velocity) };
                continue;
            }
            add(position, velocity);
        }
    }
}

#[inline(always)]
fn add(position: &mut [i32], velocity: &[i32]) {
    for (position, velocity) in position.iter_mut().zip(velocity) {
        *position = position.wrapping_add(*velocity);
    }
}

/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn add_avx512(position: &mut [i32], velocity: &[i32]) {
    add(position, velocity);
}

/// All columns that the law of motion needs.
pub struct Law {
    tick: Tick,
    position: [Vec<i32>; 3],
    velocity: [Vec<i32>; 3],
    target: [Vec<i32>; 3],
    response: Vec<u32>,
}

impl Law {
    /// Ships on their way to random velocities.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut rng = random(5);
        let mut column = |range| (0..count).map(|_| about(&mut rng, range)).collect();
        Self {
            tick: Tick(1),
            position: [column(1 << 24), column(1 << 24), column(1 << 24)],
            velocity: [column(1 << 24), column(1 << 24), column(1 << 24)],
            target: [column(1 << 24), column(1 << 24), column(1 << 24)],
            response: vec![response(6.0); count],
        }
    }

    /// A beat.
    pub fn step(&mut self) {
        self.tick = self.tick.next();
        for axis in 0..3 {
            step_axis(
                self.tick,
                &mut self.position[axis],
                &mut self.velocity[axis],
                &self.target[axis],
                &self.response,
            );
        }
    }
}
