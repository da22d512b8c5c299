use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(number))
}

#[test]
fn mistyping_costs_nothing_and_guessing_does() {
    let mut throttle = Throttle::default();
    let mut now = WallTime(1_000_000);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let Admission::After(wait) = throttle.admit(now, "ada", HOME) else {
            panic!("one after the other is never refused");
        };
        waits.push(wait);
        now = now.plus_ms(wait);
        throttle.failed(now, "ada", HOME);
    }
    assert_eq!(
        waits,
        [
            0, 0, 0, 250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000
        ]
    );
}

#[test]
fn parallel_attempts_queue_and_then_are_sent_away() {
    let mut throttle = Throttle::default();
    let now = WallTime(1_000_000);
    for _ in 0..6 {
        throttle.failed(now, "ada", HOME);
    }
    // Two seconds each: five fit into ten seconds.
    let answers: Vec<_> = (0..6).map(|_| throttle.admit(now, "Ada", HOME)).collect();
    assert_eq!(
        answers,
        [
            Admission::After(2_000),
            Admission::After(4_000),
            Admission::After(6_000),
            Admission::After(8_000),
            Admission::After(10_000),
            Admission::TryAgainAfter(10_000),
        ]
    );
}

#[test]
fn the_owner_elsewhere_is_never_locked_out() {
    let mut throttle = Throttle::default();
    let now = WallTime(1_000_000);
    for attacker in 0..5_000 {
        throttle.failed(now, "ada", address(attacker));
    }
    assert_eq!(
        throttle.admit(now, "ada", HOME),
        Admission::After(SHARED_DELAY_MS_MAX)
    );
    assert_eq!(throttle.admit(now, "grace", HOME), Admission::After(0));
}

#[test]
fn success_and_time_forgive() {
    let mut throttle = Throttle::default();
    let now = WallTime(1_000_000);
    for _ in 0..9 {
        throttle.failed(now, "ada", HOME);
    }
    throttle.succeeded("ADA", HOME);
    assert_eq!(
        throttle.admit(now, "ada", HOME),
        Admission::After(SHARED_DELAY_MS_MAX)
    );
    let later = now.plus_ms(MEMORY_MS + 1);
    assert_eq!(throttle.admit(later, "ada", HOME), Admission::After(0));
    assert!(throttle.is_empty());
}

#[test]
fn memory_is_bounded() {
    let mut throttle = Throttle::default();
    let most = u32::try_from(ENTRIES_MAX).expect("fits");
    for number in 0..most {
        throttle.failed(WallTime(u64::from(number)), &format!("name {number}"), HOME);
    }
    assert_eq!(throttle.len(), ENTRIES_MAX);
    assert_eq!(throttle.by_age.len(), ENTRIES_MAX);
}

#[test]
fn one_person_is_one_network() {
    let a: Ipv6Addr = "2001:db8:1:2::1".parse().expect("an address");
    let b: Ipv6Addr = "2001:db8:1:2:ffff::9".parse().expect("an address");
    let c: Ipv6Addr = "2001:db8:1:3::1".parse().expect("an address");
    assert_eq!(Network::of(a.into()), Network::of(b.into()));
    assert_ne!(Network::of(a.into()), Network::of(c.into()));
    let mapped = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
    assert_eq!(Network::of(mapped.into()), Network::of(HOME));
}

proptest! {
    #[test]
    fn waits_are_bounded(
        steps in proptest::collection::vec((0u8..4, 0u64..5_000, 0u32..3, 0u8..3), 0..200),
    ) {
        let mut throttle = Throttle::default();
        let mut now = WallTime(0);
        for (what, ms, from, name) in steps {
            now = now.plus_ms(ms);
            let name = format!("name{name}");
            match what {
                0 | 1 => match throttle.admit(now, &name, address(from)) {
                    Admission::After(ms) => prop_assert!(ms <= WAIT_MS_MAX),
                    Admission::TryAgainAfter(ms) => prop_assert!((1..=WAIT_MS_MAX).contains(&ms)),
                },
                2 => throttle.failed(now, &name, address(from)),
                _ => throttle.succeeded(&name, address(from)),
            }
            prop_assert_eq!(throttle.entries.len(), throttle.by_age.len());
        }
    }
}
