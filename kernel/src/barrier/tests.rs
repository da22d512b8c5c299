use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

#[test]
fn nobody_goes_on_before_all_are_here() {
    const MEMBERS: u64 = 4;
    const ROUNDS: u64 = 2_000;
    let barrier = Barrier::new(MEMBERS as u32);
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..MEMBERS {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    count.fetch_add(1, Ordering::Relaxed);
                    barrier.wait(|| true).unwrap();
                    assert!(count.load(Ordering::Relaxed) >= round * MEMBERS);
                    barrier.wait(|| true).unwrap();
                    assert!(count.load(Ordering::Relaxed) <= round * MEMBERS + MEMBERS);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), MEMBERS * ROUNDS);
}

#[test]
fn who_is_told_to_give_up_breaks_it_for_all() {
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        let patient = scope.spawn(|| barrier.wait(|| true));
        let mut patience = 100;
        let gave_up = barrier.wait(|| {
            patience -= 1;
            patience > 0
        });
        assert_eq!(gave_up, Err(Broken));
        assert_eq!(patient.join().unwrap(), Err(Broken));
    });
    assert_eq!(barrier.wait(|| true), Err(Broken));
}

#[test]
fn one_member_never_waits() {
    let barrier = Barrier::new(1);
    for _ in 0..3 {
        assert_eq!(barrier.wait(|| unreachable!("nobody else")), Ok(()));
    }
}
