#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::{Dilation, Governor, GovernorConfig};

const BEAT_NS: u64 = 33_333_333;

fn governor() -> Governor {
    Governor::new(GovernorConfig::new(BEAT_NS))
}

/// The paces after each of some beats of a cost.
fn run(governor: &mut Governor, costs: &[u64], others_ns: u64) -> Vec<u16> {
    let paces = costs.iter().map(|cost| {
        governor.observe(*cost);
        governor.pace(others_ns).per_mille()
    });
    paces.collect()
}

#[test]
fn there_is_no_dilation_while_there_is_room() {
    let mut governor = governor();
    assert_eq!(governor.pace(BEAT_NS), Dilation::NONE, "nothing is known");
    let paces = run(&mut governor, &[20_000_000; 50], 3_000_000);
    assert_eq!(paces, [1000; 50]);
}

#[test]
fn the_pace_is_what_there_is_room_for() {
    // 23.33 ms of room, at 46.67 ms per beat.
    let paces = run(&mut governor(), &[46_666_666; 40], 0);
    assert_eq!(paces[39], 500);
    // Half of the room is taken by others.
    let paces = run(&mut governor(), &[46_666_666; 40], 11_666_666);
    assert_eq!(paces[39], 250);
}

#[test]
fn it_is_fast_down_and_slow_up() {
    let mut governor = governor();
    run(&mut governor, &[10_000_000; 50], 0);
    let down = run(&mut governor, &[100_000_000; 8], 0);
    assert!(
        down.is_sorted_by(|a, b| a >= b) && down[7] < 240,
        "{down:?}"
    );
    let up = run(&mut governor, &[10_000_000; 300], 0);
    assert!(up.is_sorted(), "{up:?}");
    assert!(up[7] < 300 && up[299] == 1000, "{up:?}");
}

#[test]
fn a_cost_that_wavers_makes_no_flapping() {
    let mut governor = governor();
    let costs: Vec<u64> = (0..400).map(|n| 29_000_000 + n % 7 * 300_000).collect();
    let paces = run(&mut governor, &costs, 0);
    let changes = paces[50..].windows(2).filter(|pair| pair[0] != pair[1]);
    assert_eq!(changes.count(), 0, "{paces:?}");
}

proptest! {
    #[test]
    fn it_never_leaves_its_range(
        costs in prop::collection::vec((any::<u64>(), any::<u64>()), 1..60),
        share in 1..=1000_u16,
        floor in 1..=1000_u16,
        decay in 0..=16_u8,
    ) {
        let mut governor = Governor::new(GovernorConfig {
            share_per_mille: share,
            floor: Dilation::new(floor).unwrap(),
            decay,
            ..GovernorConfig::new(BEAT_NS)
        });
        for (cost, others) in costs {
            governor.observe(cost);
            let pace = governor.pace(others).per_mille();
            prop_assert!((floor..=1000).contains(&pace));
        }
    }

    #[test]
    fn a_constant_cost_settles_where_there_is_room(
        cost in 1..400_000_000_u64,
        former in 0..400_000_000_u64,
        others in 0..23_000_000_u64,
    ) {
        let mut governor = governor();
        run(&mut governor, &[former; 20], others);
        let paces = run(&mut governor, &[cost; 1500], others);
        let pace = paces[1499];
        prop_assert!(paces[1200..].iter().all(|p| *p == pace), "{:?}", &paces[1200..]);
        let room = BEAT_NS * 7 / 10 - others;
        let spent = cost * u64::from(pace) / 1000;
        prop_assert!(spent <= room || pace == 100);
        prop_assert!(pace == 1000 || spent >= (room * 85 / 100).saturating_sub(cost / 500));
    }
}
