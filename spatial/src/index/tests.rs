use super::*;
use crate::Nearness;
use proptest::prelude::*;

type Places = Vec<[i32; 3]>;

fn columns(places: &[[i32; 3]]) -> [Vec<i32>; 3] {
    [0, 1, 2].map(|axis| places.iter().map(|p| p[axis]).collect())
}

fn index(places: &[[i32; 3]], cell_size_cm: u32, path: Path) -> CellIndex {
    let [x, y, z] = columns(places);
    let mut index = CellIndex::with_path(cell_size_cm, path);
    index.rebuild(&x, &y, &z);
    index
}

/// Without clamping or wrapping: 128 bits hold every difference of coordinates, squared.
fn squared(a: [i32; 3], b: [i32; 3]) -> i128 {
    (0..3)
        .map(|axis| i128::from(a[axis]) - i128::from(b[axis]))
        .map(|difference| difference * difference)
        .sum()
}

fn canonical(places: &[[i32; 3]], shift: u32, rows: &mut [u32]) {
    rows.sort_by_key(|&row| {
        let [x, y, z] = places[row as usize].map(|p| p >> shift);
        (z, y, x, row)
    });
}

fn brute_within(places: &[[i32; 3]], shift: u32, centre: [i32; 3], radius: u32) -> Vec<u32> {
    let limit = i128::from(radius.min(RADIUS_MAX_CM)).pow(2);
    let mut rows: Vec<u32> = (0..places.len() as u32)
        .filter(|&row| squared(places[row as usize], centre) <= limit)
        .collect();
    canonical(places, shift, &mut rows);
    rows
}

fn brute_nearest(
    places: &[[i32; 3]],
    shift: u32,
    centre: [i32; 3],
    radius: u32,
    count: usize,
) -> Vec<u32> {
    let mut rows = brute_within(places, shift, centre, radius);
    rows.sort_by_key(|&row| (squared(places[row as usize], centre), row));
    rows.truncate(count);
    canonical(places, shift, &mut rows);
    rows
}

/// A coordinate: mostly of a neighbourhood, sometimes on a cell's border, sometimes at the end of
/// the axis.
fn coordinate(spread: i32) -> impl Strategy<Value = i32> {
    prop_oneof![
        12 => -spread..=spread,
        3 => (-4i32..4).prop_map(|cell| cell << 12),
        1 => (0i32..3000).prop_map(|d| i32::MIN + d),
        1 => (0i32..3000).prop_map(|d| i32::MAX - d),
        1 => any::<i32>(),
    ]
}

fn place(spread: i32) -> impl Strategy<Value = [i32; 3]> {
    [coordinate(spread), coordinate(spread), coordinate(spread)]
}

/// Everything near, in a plane, or strewn over all coordinates.
fn places(most: usize) -> impl Strategy<Value = Places> {
    prop_oneof![
        prop::collection::vec([-20_000..20_000, -20_000..20_000, -20_000..20_000], 0..most),
        prop::collection::vec([-50_000..50_000, -50_000..50_000, 0..1], 0..most),
        prop::collection::vec(place(9_000), 0..most),
        prop::collection::vec([-3..3, -3..3, -3..3], 0..most),
    ]
}

fn radius() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => 0u32..20_000,
        1 => Just(0u32),
        1 => Just(u32::MAX),
        1 => any::<u32>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn scans_agree_with_brute_force(
        places in places(300),
        centres in prop::collection::vec(place(9_000), 1..8),
        radius in radius(),
        cell in 1u32..40_000,
    ) {
        for path in Path::ALL {
            let index = index(&places, cell, path);
            let shift = index.cell_size_cm().ilog2();
            for &centre in &centres {
                let mut rows = vec![7];
                index.scan(centre, radius, &mut rows);
                prop_assert_eq!(rows[0], 7);
                let mut expected = brute_within(&places, shift, centre, radius);
                prop_assert_eq!(&rows[1..], &expected);
                rows.truncate(1);
                index.within(centre, radius, &mut rows);
                expected.sort_unstable();
                prop_assert_eq!(&rows[1..], &expected);
            }
        }
    }

    #[test]
    fn rings_are_the_difference_of_balls(
        places in places(300),
        centre in place(9_000),
        radii in [radius(), radius()],
        cell in 1u32..40_000,
    ) {
        for path in Path::ALL {
            let index = index(&places, cell, path);
            let shift = index.cell_size_cm().ilog2();
            let (mut inside, mut between) = (vec![3], vec![4]);
            index.scan_ring(centre, radii, &mut inside, &mut between);
            let outer = brute_within(&places, shift, centre, radii[1]);
            let inner = brute_within(&places, shift, centre, radii[0].min(radii[1]));
            let ring: Vec<u32> = outer.iter().copied().filter(|r| !inner.contains(r)).collect();
            prop_assert_eq!(&inside[1..], &inner);
            prop_assert_eq!(&between[1..], &ring);
        }
    }

    #[test]
    fn the_nearest_agree_with_brute_force(
        places in places(600),
        centre in place(9_000),
        radius in radius(),
        ranks in [0usize..80, 0usize..700],
        cell in 1u32..40_000,
    ) {
        for path in Path::ALL {
            let index = index(&places, cell, path);
            let shift = index.cell_size_cm().ilog2();
            let mut rows = vec![];
            index.nearest(centre, radius, ranks[0], &mut rows);
            prop_assert_eq!(&rows, &brute_nearest(&places, shift, centre, radius, ranks[0]));
            let (mut inside, mut between) = (vec![3], vec![4]);
            index.nearest_ring(centre, radius, ranks, &mut inside, &mut between);
            let outer = brute_nearest(&places, shift, centre, radius, ranks[1]);
            let inner = brute_nearest(&places, shift, centre, radius, ranks[0].min(ranks[1]));
            let ring: Vec<u32> = outer.iter().copied().filter(|r| !inner.contains(r)).collect();
            prop_assert_eq!(&inside[1..], &inner);
            prop_assert_eq!(&between[1..], &ring);
        }
    }

    #[test]
    fn what_the_last_search_found_decides_nothing(
        places in places(600),
        centre in place(9_000),
        radius in radius(),
        ranks in [0usize..80, 0usize..700],
        known in prop_oneof![Just(0.0f32), 1.0f32..1e9, Just(f32::MAX)],
    ) {
        for path in Path::ALL {
            let index = index(&places, 4_000, path);
            let (mut inside, mut between) = (vec![], vec![]);
            index.nearest_ring(centre, radius, ranks, &mut inside, &mut between);
            let mut nearness = Nearness { square: known };
            for _ in 0..2 {
                // The second time with what the first found.
                let (mut close, mut far) = (vec![], vec![]);
                let lists = [&mut close, &mut far];
                index.nearest_ring_again(centre, radius, ranks, &mut nearness, lists);
                prop_assert_eq!(&close, &inside);
                prop_assert_eq!(&far, &between);
            }
        }
    }

    #[test]
    fn boxes_agree_with_brute_force(
        places in places(300),
        low in place(9_000),
        high in place(9_000),
        cell in 1u32..40_000,
    ) {
        let index = index(&places, cell, Path::Portable);
        let mut seen = vec![];
        index.for_each_in_box(low, high, |row, position| {
            assert_eq!(position, places[row as usize]);
            seen.push(row);
        });
        let mut expected: Vec<u32> = (0..places.len() as u32)
            .filter(|&row| {
                (0..3).all(|a| (low[a]..=high[a]).contains(&places[row as usize][a]))
            })
            .collect();
        canonical(&places, index.cell_size_cm().ilog2(), &mut expected);
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn parts_are_numbered_through(
        places in places(300),
        cut in 0usize..300,
        centre in place(9_000),
        radius in radius(),
    ) {
        let [x, y, z] = columns(&places);
        let cut = cut.min(places.len());
        let part = |from: usize, to: usize| Positions {
            x: &x[from..to],
            y: &y[from..to],
            z: &z[from..to],
        };
        let mut parted = CellIndex::new(5_000);
        // Left-overs of an earlier rebuild must not show.
        parted.rebuild(&[1; 900], &[2; 900], &[3; 900]);
        parted.rebuild_parts(&[part(0, cut), part(cut, places.len())]);
        let (mut rows, mut expected) = (vec![], vec![]);
        parted.scan(centre, radius, &mut rows);
        index(&places, 5_000, Path::Portable).scan(centre, radius, &mut expected);
        prop_assert_eq!(rows, expected);
    }
}

/// A sphere of points at nearly the same distance: the approximate squares cannot rank them.
#[test]
fn ties_are_ranked_by_exact_distance_and_row() {
    let radius = 50_000_000;
    let mut places: Places = Vec::new();
    for step in 0..4_000i32 {
        let (a, b) = (step % 64 - 32, step / 64 - 32);
        // Points of a cap: distances differ by a few centimetres in 500 km.
        places.push([radius + step % 7 - 3, a * 10, b * 10]);
    }
    // And many at exactly one place.
    places.extend([[radius, 0, 0]; 1_000]);
    for count in [1, 5, 100, 255, 512, 513, 3_000] {
        for path in Path::ALL {
            let index = index(&places, 1 << 22, path);
            let mut rows = vec![];
            index.nearest([0; 3], 1 << 28, count, &mut rows);
            let expected = brute_nearest(&places, 22, [0; 3], 1 << 28, count);
            assert_eq!(rows, expected, "{count} on {path:?}");
        }
    }
}

/// On the radius to the centimetre, where `f32` cannot tell inside from outside.
#[test]
fn the_border_is_exact() {
    let radius = 123_456_789u32;
    let r = radius as i32;
    let places: Places = (-40..40)
        .flat_map(|d| {
            [
                [r + d, 0, 0],
                [0, -r + d, 0],
                [0, d, r],
                [r - 1, 15_000 + d, 3],
            ]
        })
        .collect();
    for path in Path::ALL {
        let index = index(&places, 1 << 26, path);
        let mut rows = vec![];
        index.scan([0; 3], radius, &mut rows);
        assert_eq!(rows, brute_within(&places, 26, [0; 3], radius), "{path:?}");
        assert!(!rows.is_empty() && rows.len() < places.len());
        let mut nearest = vec![];
        index.nearest([0; 3], radius, places.len(), &mut nearest);
        assert_eq!(nearest, rows, "{path:?}");
    }
}

/// The far end of an axis is as far as can be, not next door.
#[test]
fn coordinates_do_not_wrap_around() {
    let ends = [i32::MIN, i32::MIN + 1, 0, i32::MAX - 1, i32::MAX];
    let places: Places = ends
        .iter()
        .flat_map(|&x| ends.map(|y| [x, y, 0]))
        .flat_map(|[x, y, _]| ends.map(|z| [x, y, z]))
        .collect();
    for path in Path::ALL {
        for cell in [1 << 8, 1 << 20, 1 << 30] {
            let index = index(&places, cell, path);
            let shift = cell.ilog2();
            for &centre in &places {
                for radius in [0, 1, 2, 1 << 30, u32::MAX] {
                    let mut rows = vec![];
                    index.scan(centre, radius, &mut rows);
                    assert_eq!(rows, brute_within(&places, shift, centre, radius));
                    rows.clear();
                    index.nearest(centre, radius, 3, &mut rows);
                    assert_eq!(rows, brute_nearest(&places, shift, centre, radius, 3));
                }
            }
        }
    }
}

/// Large crowds go through several thinnings of the pool.
#[test]
fn the_nearest_of_a_large_crowd() {
    let mut state = 1u64;
    let mut random = |range: i32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as i32).rem_euclid(2 * range) - range
    };
    let places: Places = (0..20_000)
        .map(|_| [random(4_000_000), random(4_000_000), random(500_000)])
        .collect();
    for path in Path::ALL {
        for cell in [1 << 19, 1 << 22, 1 << 25] {
            let index = index(&places, cell, path);
            for (i, count) in [(0, 255), (7, 1), (90, 512), (19_999, 40)] {
                let mut rows = vec![];
                index.nearest(places[i], 10_000_000, count, &mut rows);
                let shift = cell.ilog2();
                let expected = brute_nearest(&places, shift, places[i], 10_000_000, count);
                assert_eq!(rows, expected, "{count} on {path:?}");
            }
        }
    }
}

#[test]
fn an_empty_index_answers() {
    let index = CellIndex::for_radius(1_000_000);
    assert!(index.is_empty());
    assert_eq!(index.cell_size_cm(), 524_288);
    let mut rows = vec![];
    index.scan([0; 3], u32::MAX, &mut rows);
    index.nearest([0; 3], u32::MAX, 10, &mut rows);
    index.for_each_in_box([i32::MIN; 3], [i32::MAX; 3], |row, _| rows.push(row));
    assert!(rows.is_empty());
}
