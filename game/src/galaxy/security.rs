//! How far the law reaches, and whose law it is.
//!
//! A score falls from the core to the rim, with a slow noise over it; neighbours in the graph
//! even theirs out, so that security changes gradually along gates. The score only orders the
//! systems: the order is mapped to fixed shares of high, low and null security, so every galaxy
//! has all of them in proportion.

use super::graph::Graph;
use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick, math};
use std::collections::VecDeque;

const PURPOSE_NOISE: u32 = 0x6e6f_6973;
/// Waves of the noise.
const WAVES: u32 = 7;
/// How often neighbours even out.
const ROUNDS: u32 = 3;
/// Security by share of the systems, from the safest: a line through these points.
const SHARES: [(f64, f64); 5] = [
    (0.0, 1_000.0),
    (0.12, 800.0),
    (0.34, 450.0),
    (0.58, 0.0),
    (1.0, -1_000.0),
];

/// Security of every system, thousandths.
pub(super) fn security(places: &[[i32; 3]], graph: &Graph, seed: u64) -> Vec<i16> {
    let mut score = scores(places, seed);
    for _ in 0..ROUNDS {
        let even = |(a, &own): (usize, &f64)| {
            let near = &graph.neighbours[a];
            let sum = near.iter().fold(0.0, |sum, &b| sum + score[b as usize]);
            if near.is_empty() {
                own
            } else {
                (own + sum / near.len() as f64) / 2.0
            }
        };
        score = score.iter().enumerate().map(even).collect();
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]).then(a.cmp(&b)));
    let mut security = vec![0; places.len()];
    for (rank, &system) in order.iter().enumerate() {
        let share = rank as f64 / (places.len() - 1).max(1) as f64;
        security[system] = by_share(share) as i16;
    }
    security
}

fn by_share(share: f64) -> f64 {
    for pair in SHARES.windows(2) {
        let [(from, high), (to, low)] = [pair[0], pair[1]];
        if share <= to {
            return high + (low - high) * (share - from) / (to - from);
        }
    }
    -1_000.0
}

/// High in the core, low at the rim, uneven in between.
fn scores(places: &[[i32; 3]], seed: u64) -> Vec<f64> {
    let flat = |place: &[i32; 3]| [f64::from(place[0]), f64::from(place[1])];
    let distance = |[x, y]: [f64; 2]| math::sqrt(x * x + y * y);
    let radius = places
        .iter()
        .map(|it| distance(flat(it)))
        .fold(1.0, f64::max);
    let mut rng = Rng::new(seed, Tick(0), EntityId::NONE, PURPOSE_NOISE);
    let waves: Vec<[f64; 4]> = (0..WAVES)
        .map(|_| {
            let frequency = 2.0 + 5.0 * rng.unit_f64();
            let angle = rng.unit_f64() * 2.0 * core::f64::consts::PI;
            let phase = rng.unit_f64() * 2.0 * core::f64::consts::PI;
            [
                frequency * math::cos(angle),
                frequency * math::sin(angle),
                phase,
                1.0 / frequency,
            ]
        })
        .collect();
    let score = |place: &[i32; 3]| {
        let [x, y] = flat(place).map(|it| it / radius);
        let noise = waves.iter().fold(0.0, |sum, [fx, fy, phase, height]| {
            sum + height * math::sin(x * fx + y * fy + phase)
        });
        0.3 * noise - distance([x, y])
    };
    places.iter().map(score).collect()
}

/// Which of `empires` (numbers, ascending) holds every system; zero where nobody does, which is
/// all of null security. Capitals are safe systems far from each other; from there empires grow
/// along gates, always the smallest by one system, so that none is crowded out.
pub(super) fn empires(
    places: &[[i32; 3]],
    security: &[i16],
    graph: &Graph,
    empires: &[u8],
) -> Vec<u8> {
    let mut reached = vec![false; places.len()];
    let mut holder = vec![0; places.len()];
    let mut growing: Vec<Growth> = capitals(places, security, empires.len())
        .into_iter()
        .zip(empires)
        .map(|(capital, &empire)| Growth {
            empire,
            held: 0,
            frontier: VecDeque::from([capital]),
        })
        .collect();
    while let Some(smallest) = growing.iter_mut().min_by_key(|it| (it.held, it.empire)) {
        let Some(system) = smallest.frontier.pop_front() else {
            let empire = smallest.empire;
            growing.retain(|it| it.empire != empire);
            continue;
        };
        if core::mem::replace(&mut reached[system], true) {
            continue;
        }
        // Null security is nobody's, but what lies behind it is not out of reach.
        if security[system] > 0 {
            holder[system] = smallest.empire;
            smallest.held += 1;
        }
        smallest
            .frontier
            .extend(graph.neighbours[system].iter().map(|&next| next as usize));
    }
    holder
}

/// An empire that still grows.
struct Growth {
    empire: u8,
    /// Systems that it holds.
    held: usize,
    /// Systems to take next, nearest to the capital first.
    frontier: VecDeque<usize>,
}

/// Up to `count` systems of high security: the safest, then each time the farthest from those.
fn capitals(places: &[[i32; 3]], security: &[i16], count: usize) -> Vec<usize> {
    let safe: Vec<usize> = (0..places.len())
        .filter(|&it| security[it] >= 450)
        .collect();
    let mut capitals: Vec<usize> = Vec::new();
    let safest = safe
        .iter()
        .copied()
        .max_by_key(|&it| (security[it], core::cmp::Reverse(it)));
    capitals.extend(safest.filter(|_| count > 0));
    let distance2 = |a: usize, b: usize| {
        let [dx, dy] = [0, 1].map(|axis| i64::from(places[a][axis]) - i64::from(places[b][axis]));
        dx * dx + dy * dy
    };
    while capitals.len() < count.min(safe.len()) {
        let nearest = |it: usize| capitals.iter().map(|&capital| distance2(it, capital)).min();
        let free = safe.iter().copied().filter(|it| !capitals.contains(it));
        let Some(next) = free.max_by_key(|&it| (nearest(it), core::cmp::Reverse(it))) else {
            break;
        };
        capitals.push(next);
    }
    capitals
}
