//! Real sockets on loopback. Everything runs on the test's own thread, in turns, so that
//! nothing has to be waited for but the kernel.

use std::net::UdpSocket;

use bytes::{Bytes, BytesMut};
use orrery_base::ShardIndex;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig,
    Event, StreamEvent, StreamId, TransportConfig,
};

use super::*;
use crate::fixture::{client_config, config};
use crate::{ALPN_ORRERY, ConnectionKey, EdgeConfig, EdgeEvent, Limits};

/// Longer than anything here can take on a machine that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// A quinn client on a socket of its own.
struct Client {
    socket: UdpSocket,
    endpoint: Endpoint,
    handle: ConnectionHandle,
    quic: Connection,
    stream: Option<StreamId>,
    connected: bool,
    stream_received: Vec<u8>,
    datagrams_received: Vec<Bytes>,
}

impl Client {
    fn connect(server: SocketAddr) -> Self {
        let any: SocketAddr = if server.is_ipv4() {
            "127.0.0.1:0".parse()
        } else {
            "[::1]:0".parse()
        }
        .unwrap();
        let socket = UdpSocket::bind(any).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut endpoint = Endpoint::new(EndpointConfig::default().into(), None, true, None);
        let config: ClientConfig = client_config(&[ALPN_ORRERY], TransportConfig::default());
        let (handle, quic) = endpoint
            .connect(Instant::now(), config, server, "localhost")
            .unwrap();
        Self {
            socket,
            endpoint,
            handle,
            quic,
            stream: None,
            connected: false,
            stream_received: Vec::new(),
            datagrams_received: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let stream = self
            .stream
            .unwrap_or_else(|| self.quic.streams().open(Dir::Bi).unwrap());
        self.stream = Some(stream);
        assert_eq!(self.quic.send_stream(stream).write(bytes), Ok(bytes.len()));
    }

    fn step(&mut self) {
        let now = Instant::now();
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let bytes = BytesMut::from(&buffer[..length]);
            let event = self
                .endpoint
                .handle(now, from, None, None, bytes, &mut Vec::new());
            if let Some(DatagramEvent::ConnectionEvent(_, event)) = event {
                self.quic.handle_event(event);
            }
        }
        if self.quic.poll_timeout().is_some_and(|at| at <= now) {
            self.quic.handle_timeout(now);
        }
        while let Some(event) = self.quic.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(self.handle, event) {
                self.quic.handle_event(event);
            }
        }
        while let Some(event) = self.quic.poll() {
            self.take(event);
        }
        let mut bytes = Vec::new();
        while let Some(transmit) = self.quic.poll_transmit(now, 1, &mut bytes) {
            // A full buffer loses the packet, as networks do.
            let _ = self.socket.send_to(&bytes, transmit.destination);
            bytes.clear();
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::ConnectionLost { reason } => panic!("{reason}"),
            Event::DatagramReceived => {
                self.datagrams_received
                    .extend(core::iter::from_fn(|| self.quic.datagrams().recv()));
            }
            Event::Stream(StreamEvent::Readable { id }) => {
                let mut receive = self.quic.recv_stream(id);
                let mut chunks = receive.read(true).unwrap();
                while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                    self.stream_received.extend_from_slice(&chunk.bytes);
                }
                let _ = chunks.finalize();
            }
            _ => {}
        }
    }
}

/// The shards of a host, on one thread.
struct Host {
    shards: Vec<(UdpShell, Edge)>,
    events: Vec<EdgeEvent>,
}

impl Host {
    fn new(listen: &Listen, shards: u16) -> Self {
        let shard = |shard| {
            let config = EdgeConfig {
                shard: ShardIndex(shard),
                shards,
                ..config(Limits::default())
            };
            (
                UdpShell::bind(listen).unwrap(),
                Edge::new(config, Instant::now()).unwrap(),
            )
        };
        Self {
            shards: (0..shards).map(shard).collect(),
            events: Vec::new(),
        }
    }

    fn step(&mut self) {
        let now = Instant::now();
        let mut forwards = Vec::new();
        for (shell, edge) in &mut self.shards {
            shell.receive(edge, now, &mut forwards).unwrap();
        }
        for Forward { shard, received } in forwards {
            self.shards[usize::from(shard.0)]
                .1
                .handle_forwarded(now, received);
        }
        for (shell, edge) in &mut self.shards {
            self.events
                .extend(core::iter::from_fn(|| edge.poll_event()));
            shell.transmit(edge, now).unwrap();
        }
    }

    /// Steps until `done`.
    fn run(&mut self, clients: &mut [Client], mut done: impl FnMut(&Self, &[Client]) -> bool) {
        let start = Instant::now();
        while !done(self, clients) {
            self.step();
            clients.iter_mut().for_each(Client::step);
            assert!(
                start.elapsed() < PATIENCE,
                "nothing more happens: {:?}",
                self.events
            );
        }
    }

    fn messages(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for event in &self.events {
            if let EdgeEvent::Message { bytes, .. } = event {
                all.extend_from_slice(bytes);
            }
        }
        all
    }

    fn connected(&self) -> Vec<(ConnectionKey, SocketAddr)> {
        let connected = |event: &EdgeEvent| match *event {
            EdgeEvent::Connected { connection, remote } => Some((connection, remote)),
            _ => None,
        };
        self.events.iter().filter_map(connected).collect()
    }
}

fn talk(listen: &Listen, server: SocketAddr) {
    let mut host = Host::new(listen, 1);
    let mut clients = [Client::connect(server)];
    host.run(&mut clients, |_, clients| clients[0].connected);
    clients[0].write(b"hello");
    clients[0]
        .quic
        .datagrams()
        .send(Bytes::from_static(b"input"), true)
        .unwrap();
    host.run(&mut clients, |host, _| {
        host.messages() == b"hello"
            && host
                .events
                .iter()
                .any(|event| matches!(event, EdgeEvent::Datagram { bytes, .. } if bytes == "input"))
    });
    let (key, remote) = host.connected()[0];
    assert_eq!(remote, clients[0].socket.local_addr().unwrap());
    let edge = &mut host.shards[0].1;
    edge.send_datagram(key, Bytes::from_static(b"snapshot"))
        .unwrap();
    // Enough for several packets at once, that is for segmentation.
    let large: Vec<u8> = (0..150_000u32).map(|i| (i % 251) as u8).collect();
    edge.send_stream(key, &large).unwrap();
    host.run(&mut clients, |_, clients| {
        clients[0].stream_received.len() == large.len() && !clients[0].datagrams_received.is_empty()
    });
    assert!(clients[0].stream_received == large);
    assert_eq!(clients[0].datagrams_received, ["snapshot"]);
    let (shell, edge) = &host.shards[0];
    let sockets = *shell.counters();
    assert_eq!(sockets.received, edge.counters().datagrams_in);
    assert_eq!(
        sockets.sent + sockets.send_failed,
        edge.counters().datagrams_out
    );
    assert!(sockets.send_calls < sockets.sent / 2, "{sockets:?}");
    assert_eq!(edge.counters().malformed, 0);
}

#[test]
fn a_client_talks_over_ipv4() {
    let listen = Listen::loopback(0).claim().unwrap();
    talk(
        &listen,
        SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port)),
    );
}

#[test]
fn a_client_talks_over_ipv6() {
    let listen = Listen::loopback(0).claim().unwrap();
    if listen.ipv6.is_none() {
        eprintln!("this host has no IPv6");
        return;
    }
    talk(
        &listen,
        SocketAddr::from((Ipv6Addr::LOCALHOST, listen.port)),
    );
}

#[test]
fn sockets_on_all_addresses_answer_from_the_one_that_was_asked() {
    let listen = Listen::everywhere(0).claim().unwrap();
    // The whole of 127/8 is this host; an answer from 127.0.0.1 would not be taken.
    talk(&listen, SocketAddr::from(([127, 0, 0, 9], listen.port)));
}

#[test]
fn a_route_without_segmentation_gets_single_datagrams() {
    let listen = Listen::loopback(0).claim().unwrap();
    let mut host = Host::new(&listen, 1);
    for socket in &host.shards[0].0.sockets {
        socket.without_segments();
    }
    let mut clients = [Client::connect(SocketAddr::from((
        Ipv4Addr::LOCALHOST,
        listen.port,
    )))];
    host.run(&mut clients, |_, clients| clients[0].connected);
    clients[0].write(b"hello");
    host.run(&mut clients, |host, _| host.messages() == b"hello");
    let (key, _) = host.connected()[0];
    host.shards[0].1.send_stream(key, &[5; 100_000]).unwrap();
    host.run(&mut clients, |_, clients| {
        clients[0].stream_received.len() == 100_000
    });
    assert_eq!(host.shards[0].0.counters().send_failed, 0);
}

#[test]
fn the_shards_share_the_port_and_hand_over_strays() {
    let listen = Listen::loopback(0).claim().unwrap();
    let mut host = Host::new(&listen, 4);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port));
    let mut clients: Vec<_> = (0..16).map(|_| Client::connect(server)).collect();
    host.run(&mut clients, |host, clients| {
        clients.iter().all(|client| client.connected) && host.connected().len() == 16
    });
    // Each client moves to another port, which the kernel may give to another shard.
    for client in &mut clients {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        client.socket = socket;
        client.write(b"!");
    }
    host.run(&mut clients, |host, _| host.messages().len() == 16);
    let count = |of: fn(&Edge) -> u64| host.shards.iter().map(|(_, edge)| of(edge)).sum::<u64>();
    // That all 32 addresses fall to their shards by chance is a matter of 1 in 4^16.
    assert!(count(|edge| edge.counters().forwarded_out) > 0);
    assert_eq!(count(|edge| edge.counters().closed), 0);
}

#[test]
fn a_second_server_is_refused() {
    let listen = Listen::loopback(0).claim().unwrap();
    assert_ne!(listen.port, 0);
    let first = UdpShell::bind(&listen).unwrap();
    assert_eq!(first.local_addresses(), listen.addresses());
    // The second server claims before it binds.
    let error = listen.claim().unwrap_err();
    let address = listen.addresses()[0];
    assert!(matches!(error, BindError::AddressInUse { address: taken } if taken == address));
    assert_eq!(
        error.to_string(),
        format!("{address} is in use: is another server running?")
    );
    // IPv6 alone in use is as bad, and nothing is left behind of IPv4.
    drop(first);
    let ipv6 = Listen {
        ipv4: None,
        ..Listen::loopback(listen.port)
    };
    if listen.ipv6.is_some() {
        let _first = UdpShell::bind(&ipv6).unwrap();
        assert!(
            matches!(listen.claim(), Err(BindError::AddressInUse { address }) if address.is_ipv6())
        );
    }
    assert_eq!(listen.claim().unwrap(), listen);
}

#[test]
fn somebody_without_sharing_keeps_the_shards_out() {
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let listen = Listen {
        ipv6: None,
        ..Listen::loopback(address.port())
    };
    let refused = UdpShell::bind(&listen);
    assert!(matches!(refused, Err(BindError::AddressInUse { address: taken }) if taken == address));
}

#[test]
fn nowhere_is_no_address() {
    let listen = Listen {
        ipv4: None,
        ipv6: None,
        ..Listen::loopback(0)
    };
    assert!(matches!(listen.claim(), Err(BindError::NoAddress)));
    assert!(matches!(UdpShell::bind(&listen), Err(BindError::NoAddress)));
}

#[test]
fn what_no_quic_packet_can_be_is_counted() {
    let listen = Listen {
        ipv6: None,
        ..Listen::loopback(0)
    }
    .claim()
    .unwrap();
    let mut host = Host::new(&listen, 1);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = listen.addresses()[0];
    stranger.send_to(&[0xc0; 9_000], server).unwrap();
    stranger.send_to(&[], server).unwrap();
    stranger.send_to(&[0x40; 100], server).unwrap();
    host.run(&mut [], |host, _| {
        host.shards[0].1.counters().malformed == 3
    });
    assert_eq!(host.shards[0].0.counters().received, 3);
}

#[test]
fn an_idle_shard_wakes_for_a_datagram_and_for_its_deadline() {
    let listen = Listen::loopback(0).claim().unwrap();
    let mut shell = UdpShell::bind(&listen).unwrap();
    let mut edge = Edge::new(config(Limits::default()), Instant::now()).unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, listen.port));
    let mut forwards = Vec::new();
    // Nothing comes: the deadline ends the wait.
    let deadline = Instant::now() + Duration::from_millis(20);
    shell.wait(deadline);
    assert!(Instant::now() >= deadline);
    // Something comes: the wait ends long before its deadline. Twice, and once with the
    // datagram there before the wait begins.
    for round in 1..=3u64 {
        stranger.send_to(&[0x40; 100], server).unwrap();
        let start = Instant::now();
        while shell.counters().received < round {
            shell.wait(start + PATIENCE);
            shell
                .receive(&mut edge, Instant::now(), &mut forwards)
                .unwrap();
        }
        assert!(start.elapsed() < PATIENCE);
    }
    assert_eq!(edge.counters().malformed, 3);
}
