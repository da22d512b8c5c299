//! Where the systems are: a disc with a dense core and two spiral arms.
//!
//! Darts are thrown at that density; one that lands too close to a system is thrown again, and
//! if that happens often the distance that systems keep is made a little smaller. The distance
//! grows outward, so that the core is dense and its names can still be read on a map.

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, math};

const PURPOSE_SCATTER: u32 = 0x7363_6174;
/// Mean distance between neighbouring systems, thousandths of a light year.
const SPACING_MLY: f64 = 4_200.0;
/// How often a dart may miss before systems move closer together.
const MISSES: u32 = 24;
/// How many radians an arm turns from the core to the rim.
const ARM_TURN: f64 = 4.4;
/// Half of the disc's thickness, of its radius.
const THICKNESS: f64 = 0.05;
const PI: f64 = core::f64::consts::PI;

/// Positions of `count` systems, thousandths of a light year, no two with equal x and y.
pub(super) fn scatter(count: u32, seed: u64) -> Vec<[i32; 3]> {
    let radius = SPACING_MLY * math::sqrt(f64::from(count) / PI);
    let mut rng = Rng::new(seed, Tick(0), EntityId::NONE, PURPOSE_SCATTER);
    let mut keep = Keep::new(radius);
    let mut places: Vec<[i32; 3]> = Vec::with_capacity(count as usize);
    let mut apart = SPACING_MLY * 0.8;
    let mut misses = 0;
    while places.len() < count as usize {
        let (place, share) = dart(&mut rng, radius);
        let distance = apart * (0.62 + 0.6 * share);
        if keep.is_free(&places, place, distance) {
            keep.add(place, places.len() as u32);
            places.push(place);
            misses = 0;
        } else {
            misses += 1;
            if misses > MISSES {
                misses = 0;
                apart *= 0.985;
            }
        }
    }
    places
}

/// One dart, and how far out it landed: 0 at the centre, 1 at the rim.
fn dart(rng: &mut Rng, radius: f64) -> ([i32; 3], f64) {
    let lot = rng.unit_f64();
    let (share, angle) = if lot < 0.22 {
        // The core: the mean of two draws is dense in the middle.
        (
            (rng.unit_f64() + rng.unit_f64()) * 0.17,
            rng.unit_f64() * 2.0 * PI,
        )
    } else if lot < 0.40 {
        // The disc between the arms.
        (math::sqrt(rng.unit_f64()), rng.unit_f64() * 2.0 * PI)
    } else {
        let share = 0.1 + 0.9 * math::pow(rng.unit_f64(), 0.7);
        let arm = f64::from(rng.below(2)) * PI;
        // The mean of three draws: dense on the arm's middle line.
        let off = (rng.unit_f64() + rng.unit_f64() + rng.unit_f64()) / 1.5 - 1.0;
        (share, arm + ARM_TURN * share + off * 0.5)
    };
    let off = rng.unit_f64() + rng.unit_f64() - 1.0;
    let height = off * THICKNESS * radius * (1.2 - share);
    let distance = share * radius;
    let place = [
        distance * math::cos(angle),
        distance * math::sin(angle),
        height,
    ];
    (place.map(|mly| mly as i32), share)
}

/// Finds what is near a place: square cells as wide as the largest distance that is asked for.
struct Keep {
    cell: f64,
    half: i64,
    cells: Vec<Vec<u32>>,
}

impl Keep {
    fn new(radius: f64) -> Self {
        let cell = SPACING_MLY * 1.2;
        let half = (radius / cell) as i64 + 1;
        let side = (2 * half + 1) as usize;
        Self {
            cell,
            half,
            cells: vec![Vec::new(); side * side],
        }
    }

    fn cell_of(&self, place: [i32; 3]) -> [i64; 2] {
        [0, 1].map(|axis| {
            let index = (f64::from(place[axis]) + (self.half as f64 + 0.5) * self.cell) / self.cell;
            (index as i64).clamp(0, 2 * self.half)
        })
    }

    fn add(&mut self, place: [i32; 3], index: u32) {
        let [x, y] = self.cell_of(place);
        self.cells[(y * (2 * self.half + 1) + x) as usize].push(index);
    }

    fn is_free(&self, places: &[[i32; 3]], place: [i32; 3], distance: f64) -> bool {
        let [cx, cy] = self.cell_of(place);
        let side = 2 * self.half + 1;
        for y in (cy - 1).max(0)..=(cy + 1).min(side - 1) {
            for x in (cx - 1).max(0)..=(cx + 1).min(side - 1) {
                for &other in &self.cells[(y * side + x) as usize] {
                    let other = places[other as usize];
                    let [dx, dy] =
                        [0, 1].map(|axis| f64::from(other[axis]) - f64::from(place[axis]));
                    let distance2 = dx * dx + dy * dy;
                    // Equal places are never free, however close systems may have to move.
                    if distance2 < distance * distance || distance2 < 1.0 {
                        return false;
                    }
                }
            }
        }
        true
    }
}
