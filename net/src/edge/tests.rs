//! The edge against quinn-proto clients, on virtual time.

use core::time::Duration;

use bytes::Bytes;
use quinn_proto::{
    Connection, ConnectionError, Dir, Side, StreamId, TransportConfig, TransportErrorCode, VarInt,
};

use super::*;
use crate::{ALPN_ORRERY, EdgeKeys, fixture};

mod admission;
mod garbage;
mod pair;

use pair::{Client, LATENCY, Pair};

const SECOND: Duration = Duration::from_secs(1);

fn closed_by_server(client: &Client) -> Option<(u64, String)> {
    match &client.lost {
        Some(ConnectionError::ApplicationClosed(close)) => Some((
            close.error_code.into_inner(),
            String::from_utf8(close.reason.to_vec()).expect("UTF-8"),
        )),
        _ => None,
    }
}

#[test]
fn messages_travel_both_ways() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    pair.edges[0].send_stream(key, b"welcome").unwrap();
    pair.clients[client].write(b" again");
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].stream_received, b"welcome");
    assert_eq!(pair.take_messages(0, key), b" again");
    assert_eq!(pair.edges[0].connections(), 1);
    assert_eq!(pair.edges[0].pending_handshakes(), 0);
    let counters = *pair.edges[0].counters();
    assert_eq!(
        (counters.handshakes_started, counters.handshakes_completed),
        (1, 1)
    );
    assert_eq!(
        (counters.stream_bytes_in, counters.stream_bytes_out),
        (11, 7)
    );
    assert_eq!(
        (
            counters.malformed,
            counters.handshakes_failed,
            counters.retries
        ),
        (0, 0, 0)
    );
}

#[test]
fn what_is_said_before_the_stream_is_open_waits_for_it() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.connected();
    pair.edges[0].send_stream(key, b"first").unwrap();
    pair.run_for(SECOND);
    assert!(pair.clients[client].stream_received.is_empty());
    pair.clients[client].write(b"open");
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].stream_received, b"first");
}

#[test]
fn a_large_message_arrives_whole_in_spite_of_loss() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    // One packet in sixteen, chosen by its (encrypted) content, is lost either way.
    pair.carries = |_, bytes| bytes.last().is_none_or(|byte| byte % 16 != 0);
    let sent: Vec<u8> = (0..180_000u32).map(|i| (i % 251) as u8).collect();
    for part in sent.chunks(30_000) {
        pair.edges[0].send_stream(key, part).unwrap();
    }
    pair.run_for(20 * SECOND);
    assert!(pair.clients[client].stream_received == sent);
    let quality = pair.edges[0].quality(key).unwrap();
    assert!(quality.packets_lost > 0 && quality.packets_sent > 120);
    assert_eq!(quality.stream_backlog_bytes, 0);
    assert!(quality.rtt >= 2 * LATENCY);
}

#[test]
fn datagrams_travel_both_ways() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    assert!(pair.edges[0].datagram_bytes_max(key).unwrap() >= 1_100);
    let sent = pair.edges[0].send_datagram(key, Bytes::from_static(b"snapshot"));
    assert_eq!(sent, Ok(DatagramOutcome::Queued));
    pair.clients[client]
        .quic()
        .datagrams()
        .send(Bytes::from_static(b"input"), true)
        .unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].datagrams_received, [&b"snapshot"[..]]);
    let bytes = Bytes::from_static(b"input");
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Datagram {
            connection: key,
            bytes
        }]
    );
}

#[test]
fn a_full_queue_of_datagrams_drops_the_oldest() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    let numbered = |n: u8| Bytes::from(vec![n; 1_000]);
    let outcomes: Vec<_> = (0..40)
        .map(|n| pair.edges[0].send_datagram(key, numbered(n)).unwrap())
        .collect();
    assert_eq!(outcomes[0], DatagramOutcome::Queued);
    assert_eq!(outcomes[39], DatagramOutcome::DroppedOldest);
    pair.run_for(5 * SECOND);
    let received = &pair.clients[client].datagrams_received;
    assert!(
        received.len() < 40 && received.len() >= 10,
        "{}",
        received.len()
    );
    assert_eq!(received.last().unwrap()[0], 39);
    assert!(received.iter().all(|datagram| datagram[0] > 0));
}

#[test]
fn a_datagram_that_fits_no_packet_is_an_error() {
    let mut pair = Pair::new(Limits::default());
    let (_, key) = pair.greeted();
    let limit_bytes = pair.edges[0].datagram_bytes_max(key).unwrap();
    let sent = pair.edges[0].send_datagram(key, Bytes::from(vec![0; limit_bytes + 1]));
    assert_eq!(sent, Err(SendError::TooLarge { limit_bytes }));
    let sent = pair.edges[0].send_datagram(key, Bytes::from(vec![0; limit_bytes]));
    assert_eq!(sent, Ok(DatagramOutcome::Queued));
}

#[test]
fn a_client_without_datagrams_gets_none() {
    let mut pair = Pair::new(Limits::default());
    let mut transport = TransportConfig::default();
    transport.datagram_receive_buffer_size(None);
    pair.connect_with(&[ALPN_ORRERY], transport);
    pair.run_for(SECOND);
    let EdgeEvent::Connected { connection, .. } = pair.take_events(0)[0] else {
        panic!()
    };
    assert_eq!(pair.edges[0].datagram_bytes_max(connection), None);
    let sent = pair.edges[0].send_datagram(connection, Bytes::from_static(b"snapshot"));
    assert_eq!(sent, Err(SendError::NoDatagrams));
}

#[test]
fn the_server_closes_with_words() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    pair.edges[0].close(key, CloseCode(0x123), "You were warned.");
    pair.run_for(SECOND);
    let told = closed_by_server(&pair.clients[client]);
    assert_eq!(told, Some((0x123, "You were warned.".to_owned())));
    let reason = ClosedReason::ByServer {
        code: CloseCode(0x123),
    };
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Closed {
            connection: key,
            reason
        }]
    );
    assert_eq!(pair.edges[0].send_stream(key, b"?"), Err(SendError::Closed));
    assert_eq!(
        pair.edges[0].send_datagram(key, Bytes::new()),
        Err(SendError::Closed)
    );
    assert_eq!(pair.edges[0].quality(key), None);
    // A second close is nothing.
    pair.edges[0].close(key, CloseCode::DONE, "");
    pair.run_for(5 * SECOND);
    assert_eq!(pair.take_events(0), []);
    assert_eq!(pair.edges[0].connections(), 0);
}

#[test]
fn the_client_closes() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    pair.hang_up(client, 7, &[b'x'; 300]);
    pair.run_for(SECOND);
    let reason = ClosedReason::ByClient {
        code: 7,
        reason: "x".repeat(crate::CLIENT_REASON_BYTES_MAX),
    };
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Closed {
            connection: key,
            reason
        }]
    );
}

#[test]
fn a_place_is_reused_under_another_key() {
    let mut pair = Pair::new(Limits::default());
    let (client, first) = pair.greeted();
    pair.hang_up(client, 0, b"");
    pair.run_for(10 * SECOND);
    pair.take_events(0);
    let (_, second) = pair.greeted();
    assert_eq!(second.index, first.index);
    assert_eq!(second.generation, first.generation + 1);
    assert_eq!(
        pair.edges[0].send_stream(first, b"?"),
        Err(SendError::Closed)
    );
    assert!(pair.edges[0].remote(first).is_none());
    assert_eq!(pair.edges[0].remote(second), Some(pair.clients[1].address));
}

#[test]
fn silence_ends_a_connection() {
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    // Keep-alives hold a quiet connection.
    pair.run_for(60 * SECOND);
    assert_eq!(pair.take_events(0), []);
    pair.unplug(client);
    pair.run_for(14 * SECOND);
    assert_eq!(pair.take_events(0), []);
    pair.run_for(6 * SECOND);
    let reason = ClosedReason::TimedOut;
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Closed {
            connection: key,
            reason
        }]
    );
    assert_eq!(pair.edges[0].counters().closed_timed_out, 1);
    assert_eq!(pair.edges[0].next_timeout(), None);
}

#[test]
fn an_unknown_protocol_is_refused_by_tls() {
    let mut pair = Pair::new(Limits::default());
    let alpn: [&[&[u8]]; 3] = [&[b"h3"], &[b"orrery/2", b"orrery/0"], &[]];
    for (number, names) in alpn.into_iter().enumerate() {
        let client = pair.connect_with(names, TransportConfig::default());
        pair.run_for(SECOND);
        let alert = TransportErrorCode::crypto(120);
        assert!(
            matches!(&pair.clients[client].lost,
                Some(ConnectionError::ConnectionClosed(close)) if close.error_code == alert),
            "{names:?}: {:?}",
            pair.clients[client].lost
        );
        assert_eq!(pair.edges[0].counters().refused_alpn, number as u64 + 1);
    }
    assert_eq!(pair.take_events(0), []);
    assert_eq!(pair.edges[0].pending_handshakes(), 0);
    // One among several is enough.
    pair.connect_with(&[b"h3", ALPN_ORRERY], TransportConfig::default());
    pair.run_for(SECOND);
    assert_eq!(pair.edges[0].connections(), 1);
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let mut pair = Pair::new(Limits::default());
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(10_000));
    let client = pair.connect_with(&[ALPN_ORRERY], transport);
    pair.clients[client].reads = false;
    pair.run_for(SECOND);
    pair.clients[client].write(b"hello");
    pair.run_for(SECOND);
    let EdgeEvent::Connected { connection, .. } = pair.take_events(0)[0] else {
        panic!()
    };
    let mut accepted = 0;
    let overflow = loop {
        match pair.edges[0].send_stream(connection, &[7; 5_000]) {
            Ok(()) => accepted += 5_000,
            Err(error) => break error,
        }
        pair.run_for(Duration::from_millis(100));
        assert!(accepted < 1 << 20, "the queue has no bound");
    };
    // What the client's window took, and then the backlog.
    assert!((200_000..=210_000).contains(&accepted), "{accepted}");
    assert!(matches!(overflow, SendError::Overflow { queued_bytes } if queued_bytes > 190_000));
    pair.run_for(SECOND);
    let told = closed_by_server(&pair.clients[client]).unwrap();
    assert_eq!(told.0, u64::from(CloseCode::TOO_SLOW.0));
    let reason = ClosedReason::ByServer {
        code: CloseCode::TOO_SLOW,
    };
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Closed { connection, reason }]
    );
    assert_eq!(pair.edges[0].counters().closed_too_slow, 1);
}

#[test]
fn one_message_beyond_the_queue_is_an_overflow() {
    let mut pair = Pair::new(Limits::default());
    let (_, key) = pair.greeted();
    let sent = pair.edges[0].send_stream(key, &vec![0; 256 * 1024]);
    assert_eq!(sent, Err(SendError::Overflow { queued_bytes: 0 }));
    assert_eq!(pair.edges[0].send_stream(key, b"?"), Err(SendError::Closed));
}

#[test]
fn the_control_stream_is_the_only_one_and_its_end_is_the_end() {
    // A second stream: QUIC grants no credit for one.
    let mut pair = Pair::new(Limits::default());
    let (client, key) = pair.greeted();
    assert!(
        pair.clients[client]
            .quic()
            .streams()
            .open(Dir::Bi)
            .is_none()
    );
    assert!(
        pair.clients[client]
            .quic()
            .streams()
            .open(Dir::Uni)
            .is_none()
    );
    // The end of the first.
    type End = fn(&mut Connection, StreamId);
    let ends: [End; 3] = [
        |quic, stream| quic.send_stream(stream).finish().unwrap(),
        |quic, stream| quic.send_stream(stream).reset(VarInt::from_u32(1)).unwrap(),
        |quic, stream| quic.recv_stream(stream).stop(VarInt::from_u32(1)).unwrap(),
    ];
    let mut greeted = Some((client, key));
    for (count, end) in ends.into_iter().enumerate() {
        let (client, connection) = greeted.take().unwrap_or_else(|| pair.greeted());
        end(
            pair.clients[client].quic(),
            StreamId::new(Side::Client, Dir::Bi, 0),
        );
        pair.run_for(SECOND);
        let reason = ClosedReason::ByServer {
            code: CloseCode::CONTROL_STREAM_LOST,
        };
        assert_eq!(
            pair.take_events(0),
            [EdgeEvent::Closed { connection, reason }],
            "{count}"
        );
        assert_eq!(
            pair.edges[0].counters().closed_control_stream,
            count as u64 + 1
        );
    }
}

#[test]
fn a_client_that_opens_no_stream_is_closed() {
    let mut pair = Pair::new(Limits::default());
    let (client, connection) = pair.connected();
    pair.run_for(9 * SECOND);
    assert_eq!(pair.take_events(0), []);
    pair.run_for(2 * SECOND);
    let code = CloseCode::NO_CONTROL_STREAM;
    let reason = ClosedReason::ByServer { code };
    assert_eq!(
        pair.take_events(0),
        [EdgeEvent::Closed { connection, reason }]
    );
    assert_eq!(
        closed_by_server(&pair.clients[client]),
        Some((u64::from(code.0), code.sentence().to_owned()))
    );
}

#[test]
fn a_client_that_moves_stays_with_its_shard() {
    let mut pair = Pair::with_shards(Limits::default(), 4);
    let client = pair.connect();
    pair.landing.insert(pair.clients[client].address, 2);
    pair.run_for(SECOND);
    let EdgeEvent::Connected { connection, .. } = pair.take_events(2)[0] else {
        panic!()
    };
    // Another network: the kernel now gives its packets to shard 1.
    pair.clients[client].address.set_ip([203, 0, 113, 9].into());
    pair.landing.insert(pair.clients[client].address, 1);
    let moved_to = pair.clients[client].address;
    pair.clients[client].write(b"still here");
    pair.run_for(SECOND);
    assert_eq!(pair.take_messages(2, connection), b"still here");
    assert_eq!(pair.take_events(1), []);
    assert_eq!(pair.edges[2].remote(connection), Some(moved_to));
    let forwarded = pair.edges[1].counters().forwarded_out;
    assert!(forwarded > 0);
    assert_eq!(pair.edges[2].counters().forwarded_in, forwarded);
    pair.edges[2].send_stream(connection, b"welcome").unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].stream_received, b"welcome");
}

#[test]
fn every_shard_has_its_own_clients() {
    let mut pair = Pair::with_shards(Limits::default(), 3);
    for number in 0..9 {
        let client = pair.connect();
        pair.landing
            .insert(pair.clients[client].address, number % 3);
    }
    pair.run_for(SECOND);
    for edge in &pair.edges {
        assert_eq!(edge.connections(), 3);
        assert_eq!(
            (edge.counters().forwarded_in, edge.counters().forwarded_out),
            (0, 0)
        );
    }
}

#[test]
fn a_client_of_a_former_life_is_reset_at_its_next_packet() {
    let mut pair = Pair::new(Limits::default());
    let (client, _) = pair.greeted();
    pair.edges[0] = Edge::new(fixture::config(Limits::default()), pair.now).unwrap();
    pair.clients[client].write(b"are you there? I have been waiting for quite some time");
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].lost, Some(ConnectionError::Reset));
    assert_eq!(pair.edges[0].counters().stateless_resets, 1);
    // With other keys there is nothing that the client would believe.
    let (client, _) = pair.greeted();
    let config = EdgeConfig {
        keys: EdgeKeys::random().unwrap(),
        ..fixture::config(Limits::default())
    };
    pair.edges[0] = Edge::new(config, pair.now).unwrap();
    pair.clients[client].write(b"are you there? I have been waiting for quite some time");
    pair.run_for(SECOND);
    assert_eq!(pair.clients[client].lost, None);
    assert!(pair.edges[0].counters().malformed > 0);
}

#[test]
fn stopping_says_goodbye_to_all() {
    let mut pair = Pair::new(Limits::default());
    let clients = [pair.greeted().0, pair.greeted().0, pair.greeted().0];
    let late = pair.connect();
    pair.admit = 0;
    pair.run_for(Duration::from_millis(30));
    assert_eq!(pair.edges[0].pending_handshakes(), 1);
    pair.edges[0].close_all(CloseCode::SERVER_STOPPING, "Back in an hour.");
    pair.run_for(SECOND);
    for client in clients {
        let told = closed_by_server(&pair.clients[client]);
        assert_eq!(
            told,
            Some((
                u64::from(CloseCode::SERVER_STOPPING.0),
                "Back in an hour.".to_owned()
            ))
        );
    }
    assert!(pair.clients[late].lost.is_some());
    assert_eq!(pair.take_events(0).len(), 3);
    assert_eq!(
        pair.edges[0].connections() + pair.edges[0].pending_handshakes(),
        0
    );
}

#[test]
fn a_turn_touches_nobody_to_whom_nothing_happened() {
    let mut pair = Pair::new(Limits::default());
    let keys: Vec<_> = (0..20).map(|_| pair.greeted().1).collect();
    pair.run_for(2 * SECOND);
    let before: Vec<_> = keys
        .iter()
        .map(|&key| pair.edges[0].quality(key).unwrap())
        .collect();
    assert!(!pair.edges[0].wants_transmit());
    pair.edges[0]
        .send_datagram(keys[3], Bytes::from_static(b"snapshot"))
        .unwrap();
    assert!(pair.edges[0].wants_transmit());
    assert_eq!(pair.edges[0].next_timeout(), Some(pair.edges[0].now));
    let mut batch = TransmitBatch::new(8);
    let now = pair.now;
    assert!(!pair.edges[0].transmit(now, &mut batch));
    assert_eq!(batch.len(), 1);
    assert_eq!(batch.entries()[0].remote, pair.clients[3].address);
    for (index, (&key, before)) in keys.iter().zip(&before).enumerate() {
        let sent = pair.edges[0].quality(key).unwrap().packets_sent - before.packets_sent;
        assert_eq!(sent, u64::from(index == 3));
    }
}
