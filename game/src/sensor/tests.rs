use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn chances_are_the_golden_ones() {
    for cells in golden::<4>(include_str!("../../tests/golden/sensor.csv")) {
        let [jam, range, sensor, chance] = cells.map(number::<f64>);
        close(jam_chance(jam, range, sensor), chance, 1e-9);
    }
    for cells in golden::<5>(include_str!("../../tests/golden/sensor_combined.csv")) {
        let [a, b, c, d, combined] = cells.map(number::<f64>);
        close(combined_chance([a, b, c, d]), combined, 1e-9);
    }
    assert_eq!(combined_chance([]), 0.0);
}

#[test]
fn a_ship_has_its_largest_sensor() {
    assert_eq!(
        strength([0.0, 0.0, 21.0, 4.0]),
        (SensorKind::Magnetometric, 21.0)
    );
    assert_eq!(strength([9.0; 4]), (SensorKind::Gravimetric, 9.0));
    assert_eq!(
        strength([f64::NAN, -3.0, 0.0, 1.0]),
        (SensorKind::Radar, 1.0)
    );
    for (index, kind) in SENSOR_KINDS.into_iter().enumerate() {
        assert_eq!(kind as usize, index);
    }
}

#[test]
fn rolls_follow_their_chance_and_their_key() {
    let jams = |chance: f64| {
        (0..20_000)
            .filter(|&tick| roll(3, Tick(tick), EntityId(5), EntityId(9), 0, chance))
            .count()
    };
    assert_eq!((jams(0.0), jams(1.0)), (0, 20_000));
    // Standard deviation 65 of 20,000 at 0.3: six of them.
    assert!(jams(0.3).abs_diff(6_000) < 390, "{}", jams(0.3));
    let key = |seed, source, target, module| {
        (0..64).fold(0_u64, |bits, tick| {
            let hit = roll(
                seed,
                Tick(tick),
                EntityId(source),
                EntityId(target),
                module,
                0.5,
            );
            bits << 1 | u64::from(hit)
        })
    };
    let all = [
        key(3, 5, 9, 0),
        key(4, 5, 9, 0),
        key(3, 6, 9, 0),
        key(3, 5, 10, 0),
        key(3, 5, 9, 1),
    ];
    for (i, a) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|b| a != b), "{all:x?}");
    }
    assert_eq!(key(3, 5, 9, 0), key(3, 5, 9, 0));
    let bursts = (0..20_000)
        .filter(|&id| burst(3, Tick(1), EntityId(5), EntityId(id), 0.3))
        .count();
    assert!(bursts.abs_diff(6_000) < 390, "{bursts}");
}

proptest! {
    #[test]
    fn any_numbers_give_a_chance(a in any::<f64>(), b in any::<f64>(), c in any::<f64>()) {
        let one = jam_chance(a, b, c);
        prop_assert!((0.0..=1.0).contains(&one));
        let both = combined_chance([one, a]);
        prop_assert!((0.0..=1.0).contains(&both) && both >= one - 1e-15);
    }
}
