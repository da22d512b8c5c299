//! Admission on its own: addresses that the pair of the edge's tests cannot have.

use super::*;

fn admission(change: impl FnOnce(&mut Limits)) -> Admission {
    let mut limits = Limits {
        address_handshakes_per_second: 1,
        address_handshakes_burst: 2,
        ..Limits::default()
    };
    change(&mut limits);
    Admission::new(&limits)
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn a_forged_address_cannot_lock_its_owner_out() {
    let admission = admission(|_| {});
    let owner = address("198.51.100.7");
    let verdicts: Vec<_> = (0..4).map(|_| admission.judge(owner, false, 0)).collect();
    assert_eq!(
        verdicts,
        [
            Verdict::Admit,
            Verdict::Admit,
            Verdict::Retry,
            Verdict::Retry
        ]
    );
    assert_eq!(admission.judge(owner, true, 0), Verdict::Admit);
    assert_eq!(admission.judge(owner, true, 0), Verdict::Admit);
    assert_eq!(admission.judge(owner, true, 0), Verdict::RefuseAddress);
}

#[test]
fn buckets_fill_again_with_time() {
    let mut admission = admission(|_| {});
    let client = address("198.51.100.7");
    admission.judge(client, true, 0);
    admission.judge(client, true, 0);
    assert_eq!(admission.judge(client, true, 0), Verdict::RefuseAddress);
    admission.set_time(Duration::from_millis(1_100));
    assert_eq!(admission.judge(client, true, 0), Verdict::Admit);
    assert_eq!(admission.judge(client, true, 0), Verdict::RefuseAddress);
}

#[test]
fn an_ipv6_household_is_one_address_and_two_are_two() {
    let admission = admission(|_| {});
    for host in ["2001:db8:0:1::1", "2001:db8:0:1::2"] {
        assert_eq!(admission.judge(address(host), true, 0), Verdict::Admit);
    }
    assert_eq!(
        admission.judge(address("2001:db8:0:1::3"), true, 0),
        Verdict::RefuseAddress
    );
    assert_eq!(
        admission.judge(address("2001:db8:0:2::3"), true, 0),
        Verdict::Admit
    );
    // An IPv4 address is the same one inside IPv6.
    for host in ["192.0.2.1", "::ffff:192.0.2.1"] {
        assert_eq!(admission.judge(address(host), true, 0), Verdict::Admit);
    }
    assert_eq!(
        admission.judge(address("192.0.2.1"), true, 0),
        Verdict::RefuseAddress
    );
    assert_eq!(
        admission.judge(address("192.0.2.2"), true, 0),
        Verdict::Admit
    );
}

#[test]
fn loopback_is_free_if_so_configured() {
    for free in [true, false] {
        let admission = admission(|limits| limits.loopback_is_free = free);
        for host in ["127.0.0.1", "::1", "127.3.2.1"] {
            let admitted = (0..50)
                .filter(|_| admission.judge(address(host), true, 0) == Verdict::Admit)
                .count();
            assert_eq!(admitted, if free { 50 } else { 2 }, "{host}");
        }
    }
}

#[test]
fn the_rate_of_all_asks_the_unproved_and_defers_the_proved() {
    let admission = admission(|limits| {
        limits.handshakes_per_second = 3;
        limits.handshakes_burst = 3;
    });
    for host in 1..=3 {
        let host = IpAddr::from([10, 0, 0, host]);
        assert_eq!(admission.judge(host, false, 0), Verdict::Admit);
    }
    assert_eq!(
        admission.judge(address("10.0.0.4"), false, 0),
        Verdict::Retry
    );
    assert_eq!(
        admission.judge(address("10.0.0.5"), true, 0),
        Verdict::Defer
    );
}

#[test]
fn a_crowd_of_addresses_takes_bounded_memory() {
    let mut admission = admission(|limits| limits.handshakes_burst = 100_000);
    let nobody = |number: u32| IpAddr::from((0x0a00_0000 + number).to_be_bytes());
    let crowd = 2 * ADDRESSES_MAX as u32;
    let admitted = (0..crowd)
        .filter(|&number| admission.judge(nobody(number), false, 0) == Verdict::Admit)
        .count();
    assert!(admitted <= ADDRESSES_MAX);
    assert_eq!(admission.unproved.len(), ADDRESSES_MAX);
    // Those who prove themselves are not held up by it.
    assert_eq!(admission.judge(nobody(crowd), true, 0), Verdict::Admit);
    admission.set_time(Duration::from_secs(10));
    assert_eq!(admission.unproved.len(), 0);
}
