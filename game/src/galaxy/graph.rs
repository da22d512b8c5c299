//! The graph of gates: connected, planar where it can be, every degree within bounds.
//!
//! 1. Candidates are the edges of the Gabriel graph (no third point in the circle over an edge),
//!    so they do not cross on a map and contain the shortest spanning tree.
//! 2. Kruskal's algorithm takes the shortest candidates that join two parts and keep the bound;
//!    what is left in parts is joined by the shortest edges between points with room. A part
//!    that is a tree of m points has 2m − 2 edge ends and room for at least 2m, so there is
//!    always such a point.
//! 3. Points with too few edges get more: candidates first, then the nearest point with room.
//!    Where no such point is left, an edge elsewhere is taken apart and both of its ends are
//!    joined to the points in need, which keeps the degrees of the ends and the connection.
//! 4. Some short candidates are added where there is room, for loops to fly around.

use orrery_base::rng::Rng;
use orrery_base::{EntityId, Tick};

const PURPOSE_EXTRA: u32 = 0x6578_7472;
/// Nearest points that are looked at for candidates.
const NEAREST: usize = 16;
/// Of the short candidates that fit, one in so many becomes an extra edge.
const EXTRA_ONE_IN: u32 = 3;

/// A graph over points, as sorted lists of neighbours.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) neighbours: Vec<Vec<u32>>,
}

impl Graph {
    fn new(points: usize) -> Self {
        Self {
            neighbours: vec![Vec::new(); points],
        }
    }

    fn degree(&self, a: u32) -> usize {
        self.neighbours[a as usize].len()
    }

    fn has(&self, a: u32, b: u32) -> bool {
        self.neighbours[a as usize].binary_search(&b).is_ok()
    }

    fn add(&mut self, a: u32, b: u32) {
        for (from, to) in [(a, b), (b, a)] {
            let list = &mut self.neighbours[from as usize];
            if let Err(at) = list.binary_search(&to) {
                list.insert(at, to);
            }
        }
    }

    fn remove(&mut self, a: u32, b: u32) {
        for (from, to) in [(a, b), (b, a)] {
            self.neighbours[from as usize].retain(|&it| it != to);
        }
    }

    /// Every edge once, the smaller end first.
    pub(super) fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.neighbours.iter().enumerate().flat_map(|(a, list)| {
            let a = a as u32;
            list.iter().filter(move |&&b| a < b).map(move |&b| (a, b))
        })
    }
}

/// Least and most edges of a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) min: usize,
    pub(super) max: usize,
}

/// An edge that could be, ordered by length, then by its ends.
type Edge = (i64, u32, u32);

fn distance2(points: &[[i32; 2]], a: u32, b: u32) -> i64 {
    let (a, b) = (points[a as usize], points[b as usize]);
    let [dx, dy] = [0, 1].map(|axis| i64::from(a[axis]) - i64::from(b[axis]));
    dx * dx + dy * dy
}

/// Joins points, which must all differ. `bounds.max` ≥ 2, unless there are at most two points;
/// for the cases in which `bounds.min` cannot be kept see [`super::Params`].
pub(super) fn connect(points: &[[i32; 2]], bounds: Bounds, seed: u64) -> Graph {
    let count = points.len() as u32;
    let bounds = Bounds {
        min: bounds.min.min(points.len().saturating_sub(1)),
        max: bounds.max,
    };
    let mut graph = Graph::new(points.len());
    let candidates = gabriel(points);
    let mut parts = Parts::new(count);
    for &(_, a, b) in &candidates {
        if graph.degree(a) < bounds.max && graph.degree(b) < bounds.max && parts.join(a, b) {
            graph.add(a, b);
        }
    }
    join_parts(points, bounds, &mut graph, &mut parts);
    raise_by_candidates(&candidates, bounds, &mut graph);
    for a in 0..count {
        while graph.degree(a) < bounds.min && raise(points, bounds, &mut graph, a) {}
    }
    add_extras(&candidates, bounds, seed, &mut graph);
    graph
}

/// Adds the shortest edges between parts until there is one part.
fn join_parts(points: &[[i32; 2]], bounds: Bounds, graph: &mut Graph, parts: &mut Parts) {
    let count = points.len() as u32;
    while parts.count > 1 {
        let room: Vec<u32> = (0..count)
            .filter(|&a| graph.degree(a) < bounds.max)
            .collect();
        let smallest = parts.smallest();
        let inside: Vec<u32> = room
            .iter()
            .copied()
            .filter(|&a| parts.root(a) == smallest)
            .collect();
        let outside: Vec<u32> = room
            .iter()
            .copied()
            .filter(|&a| parts.root(a) != smallest)
            .collect();
        let pairs = inside
            .iter()
            .flat_map(|&a| outside.iter().map(move |&b| (a, b)));
        let (_, a, b) = pairs
            .map(|(a, b)| (distance2(points, a, b), a, b))
            .min()
            .expect("every part is a tree, which has room at its leaves since max >= 2");
        graph.add(a, b);
        parts.join(a, b);
    }
}

/// Adds candidates at points with too few edges: first those that help both ends.
fn raise_by_candidates(candidates: &[Edge], bounds: Bounds, graph: &mut Graph) {
    for ends_in_need in [2, 1] {
        for &(_, a, b) in candidates {
            let degrees = [graph.degree(a), graph.degree(b)];
            let in_need = degrees
                .iter()
                .filter(|&&degree| degree < bounds.min)
                .count();
            let room = degrees.iter().all(|&degree| degree < bounds.max);
            if in_need >= ends_in_need && room && !graph.has(a, b) {
                graph.add(a, b);
            }
        }
    }
}

/// Gives the point at least one more edge. Returns whether that was possible.
fn raise(points: &[[i32; 2]], bounds: Bounds, graph: &mut Graph, a: u32) -> bool {
    let count = points.len() as u32;
    let others = || (0..count).filter(|&b| b != a);
    let nearest = others()
        .filter(|&b| graph.degree(b) < bounds.max && !graph.has(a, b))
        .min_by_key(|&b| (graph.degree(b) >= bounds.min, distance2(points, a, b), b));
    if let Some(b) = nearest {
        graph.add(a, b);
        return true;
    }
    // The second point in need: the point itself if it may have two more edges, else a neighbour
    // with room (all points with room are neighbours here).
    let second = if graph.degree(a) + 2 <= bounds.max {
        Some(a)
    } else {
        others()
            .filter(|&b| graph.degree(b) < bounds.max)
            .min_by_key(|&b| (graph.degree(b), b))
    };
    second.is_some_and(|second| take_apart(points, graph, a, second))
}

/// Replaces an edge c–d by a–c and b–d, the one that costs the least length. `a` and `b` are one
/// point or neighbours, so they stay on one side if c–d was a bridge, and the new edges join the
/// sides again.
fn take_apart(points: &[[i32; 2]], graph: &mut Graph, a: u32, b: u32) -> bool {
    let both = graph.edges().flat_map(|(c, d)| [(c, d), (d, c)]);
    let best = both
        .filter(|&(c, d)| {
            ![a, b].contains(&c) && ![a, b].contains(&d) && !graph.has(a, c) && !graph.has(b, d)
        })
        .map(|(c, d)| (distance2(points, a, c) + distance2(points, b, d), c, d))
        .min();
    let Some((_, c, d)) = best else {
        return false;
    };
    graph.remove(c, d);
    graph.add(a, c);
    graph.add(b, d);
    true
}

/// Adds short candidates where there is room, some of them, by lot.
fn add_extras(candidates: &[Edge], bounds: Bounds, seed: u64, graph: &mut Graph) {
    let Some(&(median, _, _)) = candidates.get(candidates.len() / 2) else {
        return;
    };
    for &(length, a, b) in candidates {
        let room = graph.degree(a) < bounds.max && graph.degree(b) < bounds.max;
        if length > 2 * median || !room || graph.has(a, b) {
            continue;
        }
        let pair = (u64::from(a) << 32) | u64::from(b);
        let mut lot = Rng::new(seed, Tick(0), EntityId(pair), PURPOSE_EXTRA);
        if lot.below(EXTRA_ONE_IN) == 0 {
            graph.add(a, b);
        }
    }
}

/// The edges of the Gabriel graph among the nearest points, by length.
fn gabriel(points: &[[i32; 2]]) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut nearest = Vec::new();
    let buckets = Buckets::new(points);
    for a in 0..points.len() as u32 {
        buckets.nearest(points, a, &mut nearest);
        for (index, &(length, b)) in nearest.iter().enumerate() {
            // A point in the circle over a–b is nearer to a than b is, so it stands before b.
            let blocked = nearest[..index]
                .iter()
                .any(|&(from_a, c)| from_a + distance2(points, b, c) < length);
            if !blocked {
                edges.push((length, a.min(b), a.max(b)));
            }
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Points by square cells, four to a cell on average.
struct Buckets {
    origin: [i32; 2],
    cell: i64,
    /// Cells along x and y.
    size: [i64; 2],
    cells: Vec<Vec<u32>>,
}

impl Buckets {
    fn new(points: &[[i32; 2]]) -> Self {
        let least = |axis: usize| points.iter().map(|p| p[axis]).min().unwrap_or(0);
        let most = |axis: usize| points.iter().map(|p| p[axis]).max().unwrap_or(0);
        let origin = [least(0), least(1)];
        let extent = [0, 1].map(|axis| i64::from(most(axis)) - i64::from(origin[axis]) + 1);
        let wanted = (points.len() as i64 / 4).max(1);
        let cell = ((extent[0] * extent[1] / wanted).max(1) as u64).isqrt() as i64 + 1;
        // A long thin cloud would have more rows or columns than points.
        let cell = cell.max(extent[0].max(extent[1]) / (points.len() as i64 + 1) + 1);
        let size = extent.map(|extent| extent / cell + 1);
        let mut buckets = Self {
            origin,
            cell,
            size,
            cells: vec![Vec::new(); (size[0] * size[1]) as usize],
        };
        for (index, point) in points.iter().enumerate() {
            let [x, y] = buckets.cell_of(*point);
            buckets.cells[(y * size[0] + x) as usize].push(index as u32);
        }
        buckets
    }

    fn cell_of(&self, point: [i32; 2]) -> [i64; 2] {
        [0, 1].map(|axis| (i64::from(point[axis]) - i64::from(self.origin[axis])) / self.cell)
    }

    /// The nearest points of `a`, with their squared distance, nearest first.
    fn nearest(&self, points: &[[i32; 2]], a: u32, out: &mut Vec<(i64, u32)>) {
        let [cx, cy] = self.cell_of(points[a as usize]);
        let mut ring = 1;
        loop {
            out.clear();
            for y in (cy - ring).max(0)..=(cy + ring).min(self.size[1] - 1) {
                for x in (cx - ring).max(0)..=(cx + ring).min(self.size[0] - 1) {
                    let cell = &self.cells[(y * self.size[0] + x) as usize];
                    out.extend(cell.iter().map(|&b| (distance2(points, a, b), b)));
                }
            }
            out.retain(|&(_, b)| b != a);
            out.sort_unstable();
            let all = ring >= self.size[0].max(self.size[1]);
            // What is outside of the rings is farther than this.
            let sure = (ring * self.cell) * (ring * self.cell);
            if all
                || out
                    .get(NEAREST - 1)
                    .is_some_and(|&(length, _)| length <= sure)
            {
                out.truncate(NEAREST);
                return;
            }
            ring *= 2;
        }
    }
}

/// Which points are joined: a forest with path halving.
struct Parts {
    parent: Vec<u32>,
    size: Vec<u32>,
    count: usize,
}

impl Parts {
    fn new(points: u32) -> Self {
        Self {
            parent: (0..points).collect(),
            size: vec![1; points as usize],
            count: points as usize,
        }
    }

    fn root(&mut self, mut a: u32) -> u32 {
        while self.parent[a as usize] != a {
            let above = self.parent[self.parent[a as usize] as usize];
            self.parent[a as usize] = above;
            a = above;
        }
        a
    }

    /// Joins the parts of two points; returns whether they were apart.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return false;
        }
        let by_size = (self.size[a as usize], b) < (self.size[b as usize], a);
        let (small, large) = if by_size { (a, b) } else { (b, a) };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
        self.count -= 1;
        true
    }

    /// The root of the smallest part.
    fn smallest(&mut self) -> u32 {
        let points = self.parent.len() as u32;
        let roots = (0..points).filter(|&a| self.parent[a as usize] == a);
        roots
            .min_by_key(|&a| (self.size[a as usize], a))
            .unwrap_or(0)
    }
}
