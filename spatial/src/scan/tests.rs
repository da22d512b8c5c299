use super::*;
use crate::select::{Nearest, Nearness};
use proptest::prelude::*;

type Lists = [Vec<u32>; 2];

/// The answers of plain Rust, which this processor would never be asked for.
fn plain(index: &CellIndex, centre: [i32; 3], radius_cm: u32) -> [(Order, Lists); 3] {
    [0, 1, 2].map(|which| {
        let [mut inside, mut between] = Lists::default();
        let (out, rest) = (&mut inside, &mut between);
        // SAFETY: plain Rust needs no instructions.
        let order = unsafe {
            match which {
                0 => answer_plain(index, centre, radius_cm, &mut Rows { out }),
                1 => {
                    let mut ring = Ring {
                        radius_cm: radius_cm / 2,
                        inside: out,
                        between: rest,
                    };
                    answer_plain(index, centre, radius_cm, &mut ring)
                }
                _ => {
                    let mut nearest = Nearest {
                        ranks: [9, 30],
                        nearness: &mut Nearness::new(),
                        inside: out,
                        between: rest,
                    };
                    answer_plain(index, centre, radius_cm, &mut nearest)
                }
            }
        };
        (order, [inside, between])
    })
}

proptest! {
    #[test]
    fn plain_rust_gives_the_same(
        places in prop::collection::vec((-30_000..30_000, -30_000..30_000, any::<i32>()), 0..200),
        flat in any::<bool>(),
        centre in [-30_000..30_000, -30_000..30_000, -30_000..30_000],
        radius in 0u32..60_000,
        cell in 1u32..40_000,
    ) {
        let column = |axis: usize| -> Vec<i32> {
            let height = |z: i32| if flat { z % 9_000 } else { z };
            places.iter().map(|&(x, y, z)| [x, y, height(z)][axis]).collect()
        };
        let mut index = CellIndex::with_path(cell, Path::Portable);
        index.rebuild(&column(0), &column(1), &column(2));
        let plain = plain(&index, centre, radius);
        prop_assume!(plain[0].0 == Order::Canonical);
        let mut rows = vec![];
        index.scan(centre, radius, &mut rows);
        prop_assert_eq!(&plain[0].1[0], &rows);
        let mut ring = Lists::default();
        let [inside, between] = &mut ring;
        index.scan_ring(centre, [radius / 2, radius], inside, between);
        prop_assert_eq!(&plain[1].1, &ring);
        let mut nearest = Lists::default();
        let [inside, between] = &mut nearest;
        index.nearest_ring(centre, radius, [9, 30], inside, between);
        prop_assert_eq!(&plain[2].1, &nearest);
    }
}
