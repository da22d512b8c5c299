use super::*;
use crate::testing::{golden, number};
use proptest::prelude::*;

#[test]
fn cycles_are_the_golden_ones() {
    for cells in golden::<11>(include_str!("../../tests/golden/mining.csv")) {
        let whole = |cell: usize| number::<u64>(cells[cell]);
        let cycle = Cycle {
            yield_l: whole(0),
            elapsed_beats: whole(1) as u32,
            cycle_beats: whole(2) as u32,
            unit_l: whole(3),
        };
        let want = Mined {
            units: whole(7),
            residue: whole(8),
            left: whole(9),
            is_full: whole(10) == 1,
        };
        assert_eq!(
            mine(&cycle, whole(4), whole(5), number(cells[6])),
            want,
            "{cells:?}"
        );
    }
}

#[test]
fn rocks_grow_whole() {
    assert_eq!(refilled(0, 1_000, 0.25), 250);
    assert_eq!(refilled(999, 1_000, 0.01), 1_000);
    assert_eq!(refilled(1_200, 1_000, 0.5), 1_200);
    assert_eq!(refilled(5, 1_000, f64::NAN), 5);
    assert_eq!(respawns_at(Tick(1), 432_000), Tick(432_001));
}

#[test]
fn waste_follows_its_chance() {
    let count = (0..10_000)
        .filter(|&tick| wastes(8, Tick(tick), EntityId(3), 1, 0.34))
        .count();
    // Six standard deviations.
    assert!(count.abs_diff(3_400) < 285, "{count}");
}

proptest! {
    #[test]
    fn ore_is_conserved(c in any::<(u64, u32, u32, u64)>(), rock in any::<u64>(), room in any::<u64>(), waste in any::<f64>()) {
        let cycle = Cycle { yield_l: c.0, elapsed_beats: c.1, cycle_beats: c.2, unit_l: c.3 };
        let got = mine(&cycle, rock, room, waste);
        let sum = u128::from(got.units) + u128::from(got.residue) + u128::from(got.left);
        prop_assert_eq!(sum, u128::from(rock));
        prop_assert!(u128::from(got.units) * u128::from(c.3) <= u128::from(room));
        prop_assert!(refilled(rock, room, waste) >= rock);
        prop_assert!(refilled(rock, room, waste) <= rock.max(room));
    }

    #[test]
    fn a_longer_run_yields_no_less(yield_l in 0..1_000_000_u64, cycle in 1..10_000_u32, a in 0..10_000_u32, unit in 1..1_000_u64) {
        let of = |elapsed_beats| units(&Cycle { yield_l, elapsed_beats, cycle_beats: cycle, unit_l: unit });
        prop_assert!(of(a) <= of(a + 1) && of(a + 1) <= yield_l / unit);
    }
}
