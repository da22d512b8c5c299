//! Who is let in, and how the others are turned away.

use super::*;

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[test]
fn a_full_server_says_so_in_words() {
    let mut pair = Pair::new(limits(|limits| limits.connections = 2));
    pair.greeted();
    let (leaver, _) = pair.greeted();
    let third = pair.connect();
    pair.run_for(SECOND);
    let code = CloseCode::SERVER_FULL;
    assert_eq!(
        closed_by_server(&pair.clients[third]),
        Some((u64::from(code.0), code.sentence().to_owned()))
    );
    assert_eq!(pair.take_events(0), [], "the shard hears nothing of it");
    assert_eq!(pair.edges[0].counters().refused_full, 1);
    // Once somebody has left there is room again.
    pair.hang_up(leaver, 0, b"");
    pair.run_for(SECOND);
    pair.take_events(0);
    pair.greeted();
    assert_eq!(pair.edges[0].connections(), 2);
}

#[test]
fn farewells_are_bounded() {
    let mut pair = Pair::new(limits(|limits| {
        limits.connections = 1;
        limits.farewells = 3;
    }));
    pair.greeted();
    let crowd: Vec<_> = (0..10).map(|_| pair.connect()).collect();
    pair.run_for(SECOND);
    let told = crowd
        .iter()
        .filter(|&&client| closed_by_server(&pair.clients[client]).is_some())
        .count();
    assert_eq!(told, 3);
    assert!(
        crowd
            .iter()
            .all(|&client| pair.clients[client].lost.is_some())
    );
    let counters = *pair.edges[0].counters();
    assert_eq!((counters.refused_full, counters.refused_farewells), (3, 7));
    // They do not count for ever.
    pair.run_for(10 * SECOND);
    let late = pair.connect();
    pair.run_for(SECOND);
    assert!(closed_by_server(&pair.clients[late]).is_some());
}

#[test]
fn pending_handshakes_bring_retries_and_those_who_answer_come_in() {
    let mut pair = Pair::new(limits(|limits| limits.retry_from = 4));
    let crowd: Vec<_> = (0..20).map(|_| pair.connect()).collect();
    pair.run_for(2 * SECOND);
    assert!(crowd.iter().all(|&client| pair.clients[client].connected));
    let counters = *pair.edges[0].counters();
    assert_eq!(counters.retries, 16);
    assert_eq!(counters.handshakes_completed, 20);
}

#[test]
fn a_retry_works_on_another_shard_of_the_host() {
    // The address of the client is the same, so this needs a kernel that changes its mind:
    // as it does when a shard binds its socket a little later than the others.
    let mut pair = Pair::with_shards(limits(|limits| limits.retry_from = 0), 2);
    let client = pair.connect();
    pair.run_for(LATENCY + Duration::from_millis(1));
    assert_eq!(pair.edges[0].counters().retries, 1);
    pair.landing.insert(pair.clients[client].address, 1);
    pair.run_for(SECOND);
    assert!(pair.clients[client].connected);
}

#[test]
fn forged_initials_cost_neither_state_nor_the_door() {
    let mut pair = Pair::new(Limits::default());
    // 3,000 first packets from as many addresses, none of which ever answers.
    let mut flood = Pair::new(Limits::default());
    flood.connect();
    let mut packets = Vec::new();
    for number in 0..3_000u32 {
        let client = flood.connect();
        let mut bytes = Vec::new();
        let now = flood.now;
        let _ = flood.clients[client]
            .quic()
            .poll_transmit(now, 1, &mut bytes)
            .unwrap();
        packets.push((
            SocketAddr::from(([10, (number >> 8) as u8, number as u8, 1], 4_433)),
            bytes,
        ));
    }
    for (number, (from, bytes)) in packets.iter().enumerate() {
        pair.deliver_to_edge(*from, bytes);
        if number % 100 == 0 {
            pair.run_for(Duration::from_millis(10));
        }
    }
    let counters = *pair.edges[0].counters();
    assert_eq!(
        counters.handshakes_started,
        pair.edges[0].limits().retry_from as u64
    );
    assert_eq!(counters.retries + counters.handshakes_started, 3_000);
    let client = pair.connect();
    pair.run_for(SECOND);
    assert!(
        pair.clients[client].connected,
        "an honest client gets in during the flood"
    );
    pair.run_for(20 * SECOND);
    assert_eq!(
        pair.edges[0].pending_handshakes(),
        0,
        "forged handshakes are given up"
    );
    assert_eq!(pair.edges[0].counters().handshakes_timed_out, 64);
}

#[test]
fn handshakes_wait_for_their_turn() {
    let mut pair = Pair::new(Limits::default());
    pair.admit = 0;
    let crowd: Vec<_> = (0..10).map(|_| pair.connect()).collect();
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.edges[0].pending_handshakes(), 10);
    assert_eq!(pair.edges[0].counters().handshakes_started, 0);
    let now = pair.now;
    assert_eq!(pair.edges[0].admit(now, 4), 6);
    pair.run_for(Duration::from_millis(200));
    assert_eq!(
        crowd
            .iter()
            .filter(|&&client| pair.clients[client].connected)
            .count(),
        4
    );
    pair.admit = usize::MAX;
    pair.run_for(3 * SECOND);
    assert!(crowd.iter().all(|&client| pair.clients[client].connected));
}

#[test]
fn proved_handshakes_have_a_bound_as_well() {
    let mut pair = Pair::new(limits(|limits| {
        limits.handshakes = 5;
        limits.retry_from = 0;
    }));
    pair.admit = 0;
    let crowd: Vec<_> = (0..8).map(|_| pair.connect()).collect();
    pair.run_for(SECOND);
    assert_eq!(pair.edges[0].pending_handshakes(), 5);
    assert_eq!(pair.edges[0].counters().refused_pending, 3);
    pair.admit = usize::MAX;
    pair.run_for(SECOND);
    assert_eq!(
        crowd
            .iter()
            .filter(|&&client| pair.clients[client].connected)
            .count(),
        5
    );
}

#[test]
fn an_address_that_asks_too_often_must_prove_itself_and_is_then_refused() {
    let mut pair = Pair::new(limits(|limits| {
        limits.address_handshakes_per_second = 1;
        limits.address_handshakes_burst = 5;
    }));
    // All clients of the pair have one IP address.
    let crowd: Vec<_> = (0..12).map(|_| pair.connect()).collect();
    pair.run_for(Duration::from_millis(900));
    let counters = *pair.edges[0].counters();
    assert_eq!(counters.retries, 7, "five are let in unproved");
    assert_eq!(
        counters.refused_address_rate, 2,
        "five more are let in proved"
    );
    assert_eq!(
        crowd
            .iter()
            .filter(|&&client| pair.clients[client].connected)
            .count(),
        10
    );
    pair.run_for(10 * SECOND);
    let late = pair.connect();
    pair.run_for(SECOND);
    assert!(pair.clients[late].connected);
}

#[test]
fn beyond_the_rate_of_the_shard_clients_come_in_a_little_later() {
    let mut pair = Pair::new(limits(|limits| {
        limits.handshakes_per_second = 5;
        limits.handshakes_burst = 5;
    }));
    let crowd: Vec<_> = (0..12).map(|_| pair.connect()).collect();
    pair.run_for(SECOND / 2);
    let connected = |pair: &Pair| {
        crowd
            .iter()
            .filter(|&&client| pair.clients[client].connected)
            .count()
    };
    assert!((5..=8).contains(&connected(&pair)), "{}", connected(&pair));
    assert!(pair.edges[0].counters().deferred_global_rate > 0);
    pair.run_for(12 * SECOND);
    assert_eq!(
        connected(&pair),
        12,
        "their own retransmissions brought them in"
    );
}

#[test]
fn a_connection_that_floods_loses_datagrams() {
    let mut pair = Pair::new(limits(|limits| {
        limits.datagrams_per_second = 50;
        limits.datagrams_burst = 100;
    }));
    let (client, key) = pair.greeted();
    for _ in 0..300 {
        let _ = pair.clients[client]
            .quic()
            .datagrams()
            .send(Bytes::from_static(&[1; 900]), true);
        pair.run_for(Duration::from_millis(1));
    }
    pair.run_for(SECOND);
    assert!(pair.edges[0].counters().refused_rate > 50);
    assert!(pair.edges[0].counters().unreliable_in < 200);
    // The connection lives on.
    pair.take_events(0);
    pair.run_for(3 * SECOND);
    pair.take_events(0);
    pair.clients[client].write(b"sorry");
    pair.run_for(2 * SECOND);
    assert_eq!(pair.take_messages(0, key), b"sorry");
}

#[test]
fn a_packet_of_many_empty_datagrams_makes_few_events() {
    let mut pair = Pair::new(Limits::default());
    let (client, _) = pair.greeted();
    for _ in 0..400 {
        pair.clients[client]
            .quic()
            .datagrams()
            .send(Bytes::new(), true)
            .unwrap();
    }
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.take_events(0).len(), 32);
    assert_eq!(pair.edges[0].counters().refused_rate, 400 - 32);
}
