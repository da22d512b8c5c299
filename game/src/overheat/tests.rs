use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn heat_is_the_golden_one() {
    for cells in golden::<5>(include_str!("../../tests/golden/overheat.csv")) {
        let [start, rate, t_s, hot, cold] = cells.map(number::<f64>);
        close(heated(start, rate, t_s), hot, 1e-9);
        close(cooled(start, rate, t_s), cold, 1e-9);
    }
    for cells in golden::<6>(include_str!("../../tests/golden/overheat_chance.csv")) {
        let [attenuation, heat, chance] = [0, 2, 5].map(|cell| number::<f64>(cells[cell]));
        let [distance, occupied, slots] = [1, 3, 4].map(|cell| number::<u32>(cells[cell]));
        let got = damage_chance(attenuation, distance, heat, occupied, slots);
        close(got, chance, 1e-9);
    }
}

#[test]
fn a_minute_is_a_minute_however_it_is_asked() {
    let mut rack = RackHeat::cold(Tick(3));
    rack.heat(Tick(3), 0.02);
    let asked = |step: usize| {
        let beats = (0..=1_800_u64).step_by(step);
        beats.map(|beat| rack.at(Tick(3 + beat))).last().unwrap()
    };
    assert_eq!(asked(1).to_bits(), asked(1_800).to_bits());
    close(asked(1), 1.0 - math::exp(-1.2), 1e-12);
    let hot = rack.at(Tick(1_803));
    rack.cool(Tick(1_803), 0.01);
    assert_eq!(rack.at(Tick(1_803)), hot);
    close(rack.at(Tick(4_803)), hot * math::exp(-1.0), 1e-12);
}

#[test]
fn neighbours_are_hurt_less_often_and_empty_slots_never() {
    let rack = Rack {
        attenuation: 0.5,
        heat: 0.8,
        occupied: 0b1011_1111,
        slots: 8,
        index: 1,
    };
    let mut counts = [0_u32; 8];
    for tick in 0..20_000 {
        let bits = hurt(&rack, 2, 9, Tick(tick), EntityId(4));
        for (slot, count) in counts.iter_mut().enumerate() {
            *count += u32::from(bits >> slot & 1);
        }
    }
    for (slot, &count) in counts.iter().enumerate() {
        let chance = damage_chance(0.5, 2_u32.abs_diff(slot as u32), 0.8, 7, 8);
        let want = if slot == 6 { 0.0 } else { 20_000.0 * chance };
        // Six standard deviations.
        let bound = 6.0 * (want * (1.0 - chance)).sqrt() + 0.5;
        assert!(
            (f64::from(count) - want).abs() < bound,
            "{slot}: {counts:?}"
        );
    }
    // A module that is taken out does not change what happens to the others.
    let fewer = Rack {
        occupied: 0b0011_1111,
        heat: 0.8 * 7.0 / 6.0,
        ..rack
    };
    for tick in 0..200 {
        let (a, b) = [&rack, &fewer]
            .map(|rack| hurt(rack, 2, 9, Tick(tick), EntityId(4)))
            .into();
        assert_eq!(a & 0b0111_1111, b);
    }
}

proptest! {
    #[test]
    fn any_numbers_give_a_share(a in any::<f64>(), b in any::<f64>(), c in any::<f64>(), d in any::<u32>(), o in any::<u8>()) {
        prop_assert!((0.0..=1.0).contains(&heated(a, b, c)));
        prop_assert!((0.0..=1.0).contains(&cooled(a, b, c)));
        prop_assert!((0.0..=1.0).contains(&damage_chance(a, d, b, u32::from(o), d)));
        let rack = Rack { attenuation: a, heat: b, occupied: o, slots: o, index: o };
        let bits = hurt(&rack, o, 1, Tick(2), EntityId(3));
        prop_assert_eq!(bits & !o, 0);
    }

    #[test]
    fn heat_only_grows_while_heating(start in 0.0..1.0_f64, rate in 0.0..1.0_f64, t in 0.0..1e4_f64, more in 0.0..1e4_f64) {
        prop_assert!(heated(start, rate, t + more) >= heated(start, rate, t) - 1e-15);
        prop_assert!(cooled(start, rate, t + more) <= cooled(start, rate, t));
    }
}
