use super::*;
use crate::testing::{golden, number};
use proptest::prelude::*;

fn threat(id: u64, distance_m: f64, role_weight: f64, damage_share: f64) -> Threat {
    Threat {
        id: EntityId(id),
        distance_m,
        role_weight,
        damage_share,
    }
}

#[test]
fn bounties_are_the_golden_ones() {
    for cells in golden::<9>(include_str!("../../tests/golden/npc_bounty.csv")) {
        let bounty = Money(number(cells[0]));
        let damage = [1, 2, 3].map(|cell| (CharacterId(cell as u64), number::<u64>(cells[cell])));
        let sum = damage_sum(&damage);
        for (index, (_, done)) in damage.iter().enumerate() {
            let part: i64 = number(cells[4 + index]);
            assert_eq!(bounty_part(bounty, *done, sum).0, part, "{cells:?}");
        }
        let rest = leftover(bounty, &damage).unwrap();
        assert_eq!(
            (rest.0.0, rest.1.0),
            (number(cells[7]), number(cells[8])),
            "{cells:?}"
        );
    }
    assert_eq!(leftover(Money(5_00), &[(CharacterId(1), 0)]), None);
}

#[test]
fn the_heaviest_is_chosen_and_kept() {
    let choose = |threats: &[Threat], current| {
        choose(threats.iter().copied(), EntityId(current), 50_000.0, 1.5).map(|id| id.0)
    };
    let near = threat(1, 1_000.0, 1.0, 0.0);
    let far = threat(2, 49_000.0, 1.0, 0.0);
    let jammer = threat(3, 20_000.0, 3.0, 0.0);
    assert_eq!(choose(&[], 0), None);
    assert_eq!(
        choose(&[threat(4, 50_001.0, 9.0, 1.0)], 4),
        None,
        "out of sight"
    );
    assert_eq!(choose(&[far, near], 0), Some(1));
    assert_eq!(choose(&[far, near], 2), Some(1), "twice as heavy");
    assert_eq!(choose(&[near, far, jammer], 1), Some(3));
    assert_eq!(
        choose(&[near, threat(9, 1_000.0, 1.2, 0.0)], 1),
        Some(1),
        "kept"
    );
    assert_eq!(
        choose(&[threat(8, 5.0, 1.0, 0.0), threat(7, 5.0, 1.0, 0.0)], 0),
        Some(7)
    );
}

#[test]
fn pirates_circle_and_flee() {
    assert_eq!(orbit_m(7_500.0, 6_000.0, 500.0), 6_000.0);
    assert_eq!(orbit_m(100.0, 6_000.0, 500.0), 500.0);
    assert!(flees(true, false, 0.19, 0.2) && !flees(true, false, 0.2, 0.2));
    assert!(!flees(false, false, 0.0, 0.2) && !flees(true, true, 0.0, 0.2));
}

proptest! {
    #[test]
    fn every_cent_is_paid_once(bounty in 0..i64::MAX, done in prop::collection::vec(any::<u32>(), 1..40)) {
        let damage: Vec<_> = (1..).zip(done).map(|(id, done)| (CharacterId(id), u64::from(done))).collect();
        let sum = damage_sum(&damage);
        let parts: i128 = damage.iter().map(|(_, done)| i128::from(bounty_part(Money(bounty), *done, sum).0)).sum();
        match leftover(Money(bounty), &damage) {
            None => prop_assert_eq!((sum, parts), (0, 0)),
            Some((_, rest)) => {
                prop_assert_eq!(parts + i128::from(rest.0), i128::from(bounty));
                prop_assert!((0..damage.len() as i64).contains(&rest.0));
            }
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        mut all in prop::collection::vec((0..20_u64, 0..4_u8, 0..3_u8), 0..12), current in 0..20_u64, by in any::<prop::sample::Index>(),
    ) {
        all.sort_unstable();
        all.dedup_by_key(|row| row.0);
        let threats: Vec<_> = all.iter().map(|row| threat(row.0, f64::from(row.1) * 1e4, f64::from(row.2), 0.0)).collect();
        let mut turned = threats.clone();
        if !turned.is_empty() {
            let by = by.index(turned.len());
            turned.rotate_left(by);
        }
        let pick = |rows: Vec<Threat>| choose(rows, EntityId(current), 25_000.0, 1.5);
        prop_assert_eq!(pick(threats), pick(turned));
    }

    #[test]
    fn any_numbers_do(a in any::<[f64; 5]>(), bounty in any::<i64>(), done in any::<[u64; 3]>()) {
        let one = threat(1, a[0], a[1], a[2]);
        prop_assert!(weight(&one, a[3]) >= 0.0);
        let _ = choose([one, one], EntityId(1), a[3], a[4]);
        prop_assert!(orbit_m(a[0], a[1], a[2]) >= 0.0);
        let damage = [1, 2, 3].map(|id| (CharacterId(id), done[id as usize - 1]));
        for (_, done) in damage {
            let part = bounty_part(Money(bounty), done, damage_sum(&damage)).0;
            prop_assert!(part >= 0 && part <= bounty.max(0));
        }
        if let Some((_, rest)) = leftover(Money(bounty), &damage[..1]) {
            prop_assert!(rest.0 >= 0);
        }
    }
}
