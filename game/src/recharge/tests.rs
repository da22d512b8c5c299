use super::*;
use crate::testing::{close, golden, number};
use proptest::prelude::*;

#[test]
fn values_are_the_golden_ones() {
    for cells in golden::<6>(include_str!("../../tests/golden/recharge.csv")) {
        let [capacity, time_s, start, t_s, value, rate] = cells.map(number::<f64>);
        let pool = Pool::new(Tick(7), start, capacity, time_s);
        let at = Tick(7).plus((t_s * f64::from(BEATS_PER_SECOND)) as u64);
        close(pool.value_at(at), value, 1e-6);
        close(pool.rate_at(at), rate, 1e-6);
    }
}

#[test]
fn stable_points_are_the_golden_ones() {
    for cells in golden::<5>(include_str!("../../tests/golden/recharge_stable.csv")) {
        let [capacity, time_s, drain, peak] = [0, 1, 2, 3].map(|cell| number::<f64>(cells[cell]));
        close(peak_rate(capacity, time_s), peak, 1e-9);
        let share = stable_share(capacity, time_s, drain);
        match cells[4] {
            "-" => assert_eq!(share, None),
            cell => {
                let share = share.unwrap();
                close(share, number(cell), 1e-9);
                // What is stable is where recharge equals the drain.
                close(rate(capacity, time_s / 5.0, share * capacity), drain, 1e-6);
            }
        }
    }
}

#[test]
fn a_minute_is_a_minute_however_it_is_asked() {
    let pool = Pool::new(Tick(11), 2_500.0, 5_000.0, 1_000.0);
    let asked = |step: u64| {
        let mut last = 0.0;
        for beat in (0..=1_800).step_by(step as usize) {
            last = pool.value_at(Tick(11).plus(beat));
        }
        last.to_bits()
    };
    assert_eq!(asked(1), asked(1_800));
    assert_eq!(asked(30), asked(1_800));
    close(f64::from_bits(asked(1)), 3_065.596_644, 1e-6);
}

#[test]
fn spending_all_of_it_is_allowed_and_more_is_not() {
    let mut pool = Pool::full(Tick(0), 100.1, 10.0);
    assert_eq!(pool.spend(Tick(5), 100.1), Ok(()));
    assert_eq!(pool.value_at(Tick(5)).to_bits(), 0);
    assert!(pool.value_at(Tick(6)) > 0.0, "an empty pool recharges");
    let before = pool;
    let refused = pool.spend(Tick(6), 50.0).unwrap_err();
    assert_eq!((refused.needs, pool), (50.0, before));
    assert_eq!(pool.spend(Tick(6), f64::NAN), Ok(()));
    assert_eq!(pool, before, "nothing was taken, so nothing is anchored");
}

#[test]
fn armour_does_not_recharge() {
    let mut armour = Pool::full(Tick(0), 700.0, 0.0);
    assert_eq!(armour.drain(Tick(3), 200.0), 200.0);
    assert_eq!(armour.value_at(Tick(u64::MAX)), 500.0);
    assert_eq!(
        (armour.reached_at(600.0), armour.rate_at(Tick(9))),
        (None, 0.0)
    );
    assert_eq!(armour.add(Tick(9), 1e9), 200.0);
    armour.refit(Tick(10), 650.0, -1.0);
    assert_eq!(armour.value_at(Tick(99)), 650.0);
}

proptest! {
    #[test]
    fn any_numbers_give_a_share(
        amount in any::<f64>(), capacity in any::<f64>(), time in any::<f64>(),
        spent in any::<f64>(), tick in any::<u64>(), later in any::<u64>(),
    ) {
        let mut pool = Pool::new(Tick(tick), amount, capacity, time);
        let _ = pool.spend(Tick(later), spent);
        pool.add(Tick(later), amount);
        pool.drain(Tick(later), spent);
        pool.refit(Tick(later), spent, time);
        let _ = pool.reached_at(amount);
        let share = pool.share_at(Tick(later));
        prop_assert!((0.0..=1.0).contains(&share), "{share}");
        prop_assert!(pool.rate_at(Tick(later)) >= 0.0);
        let _ = stable_share(capacity, time, spent);
    }

    #[test]
    fn it_only_grows_and_never_overflows(
        capacity in 1.0..1e7_f64, start in 0.0..=1.0_f64, time in 1.0..1e5_f64, beats in 0..1_000_000_u64,
    ) {
        let pool = Pool::new(Tick(0), start * capacity, capacity, time);
        let (now, next) = (pool.value_at(Tick(beats)), pool.value_at(Tick(beats + 1)));
        prop_assert!(pool.value_at(Tick(0)) <= now && next <= capacity);
        // Neighbouring beats may round against each other by a few bits, no more.
        prop_assert!(next >= now * (1.0 - 1e-14), "{now} then {next}");
    }

    #[test]
    fn what_is_taken_and_added_is_conserved(
        capacity in 1.0..1e6_f64, moves in prop::collection::vec((any::<bool>(), 0.0..1e6_f64), 1..20),
    ) {
        // In one beat nothing recharges: the sum of what moved is the change.
        let mut pool = Pool::new(Tick(5), capacity / 2.0, capacity, 100.0);
        let mut moved = 0.0;
        for (out, amount) in moves {
            moved += if out { -pool.drain(Tick(5), amount) } else { pool.add(Tick(5), amount) };
        }
        let now = pool.value_at(Tick(5));
        prop_assert!((now - (capacity / 2.0 + moved)).abs() < 1e-6);
    }

    #[test]
    fn the_wait_for_an_amount_is_exact(
        capacity in 10.0..1e6_f64, start in 0.0..0.9_f64, target in 0.0..0.99_f64, time in 5.0..2e4_f64,
    ) {
        let pool = Pool::new(Tick(100), start * capacity, capacity, time);
        let value = target * capacity;
        let tick = pool.reached_at(value).unwrap();
        prop_assert!(pool.value_at(tick) >= value);
        prop_assert!(tick == Tick(100) || pool.value_at(tick.minus(1)) < value);
    }
}
