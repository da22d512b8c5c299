//! Edges and quinn clients on virtual time, joined by a network that delays and may lose.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use orrery_base::ShardIndex;
use quinn_proto::{
    Connection, ConnectionError, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig,
    Event, StreamEvent, StreamId, TransportConfig, VarInt,
};

use crate::fixture::{client_config, config};
use crate::*;

pub(super) const SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 7777);
pub(super) const LATENCY: Duration = Duration::from_millis(20);

/// A client with one connection.
pub(super) struct Client {
    pub(super) address: SocketAddr,
    endpoint: Endpoint,
    pub(super) connection: Option<(ConnectionHandle, Connection)>,
    pub(super) stream: Option<StreamId>,
    pub(super) connected: bool,
    pub(super) lost: Option<ConnectionError>,
    pub(super) stream_received: Vec<u8>,
    pub(super) datagrams_received: Vec<Bytes>,
    /// Whether it reads its control stream at all.
    pub(super) reads: bool,
}

impl Client {
    fn new(number: u16) -> Self {
        Self {
            address: SocketAddr::from(([198, 51, 100, 1], 10_000 + number)),
            endpoint: Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None),
            connection: None,
            stream: None,
            connected: false,
            lost: None,
            stream_received: Vec::new(),
            datagrams_received: Vec::new(),
            reads: true,
        }
    }

    pub(super) fn quic(&mut self) -> &mut Connection {
        &mut self.connection.as_mut().expect("a connection").1
    }

    /// Opens the control stream and writes to it; everything must fit its windows.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        let stream = match self.stream {
            Some(stream) => stream,
            None => self.quic().streams().open(Dir::Bi).expect("a stream"),
        };
        self.stream = Some(stream);
        let written = self.quic().send_stream(stream).write(bytes).expect("room");
        assert_eq!(written, bytes.len());
    }

    fn drain(&mut self) {
        let Some((handle, connection)) = &mut self.connection else {
            return;
        };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        while let Some(event) = connection.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::ConnectionLost { reason } => self.lost = Some(reason),
                Event::DatagramReceived => {
                    while let Some(bytes) = connection.datagrams().recv() {
                        self.datagrams_received.push(bytes);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) if self.reads => {
                    let mut receive = connection.recv_stream(id);
                    let mut chunks = receive.read(true).expect("an open stream");
                    while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                        self.stream_received.extend_from_slice(&chunk.bytes);
                    }
                    let _ = chunks.finalize();
                }
                _ => {}
            }
        }
    }
}

struct Flight {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// The world of a test: the edges of one host and their clients.
pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) edges: Vec<Edge>,
    /// What the edges said.
    pub(super) events: Vec<Vec<EdgeEvent>>,
    pub(super) clients: Vec<Client>,
    flights: VecDeque<Flight>,
    /// To which edge the "kernel" gives packets of a client's address; 0 unless said otherwise.
    pub(super) landing: BTreeMap<SocketAddr, usize>,
    /// What the network does to a packet; `false` loses it.
    pub(super) carries: fn(from: SocketAddr, bytes: &[u8]) -> bool,
    /// Handshakes that an edge may begin per step.
    pub(super) admit: usize,
}

impl Pair {
    pub(super) fn new(limits: Limits) -> Self {
        Self::with_shards(limits, 1)
    }

    pub(super) fn with_shards(limits: Limits, shards: u16) -> Self {
        let now = Instant::now();
        let edges: Vec<_> = (0..shards)
            .map(|shard| {
                let config = EdgeConfig {
                    shard: ShardIndex(shard),
                    shards,
                    ..config(limits.clone())
                };
                Edge::new(config, now).expect("a valid configuration")
            })
            .collect();
        Self {
            now,
            events: edges.iter().map(|_| Vec::new()).collect(),
            edges,
            clients: Vec::new(),
            flights: VecDeque::new(),
            landing: BTreeMap::new(),
            carries: |_, _| true,
            admit: usize::MAX,
        }
    }

    /// A client that begins to connect; returns its index.
    pub(super) fn connect(&mut self) -> usize {
        self.connect_with(&[ALPN_ORRERY], TransportConfig::default())
    }

    pub(super) fn connect_with(&mut self, alpn: &[&[u8]], transport: TransportConfig) -> usize {
        let mut client = Client::new(self.clients.len() as u16);
        let config = client_config(alpn, transport);
        let begun = client
            .endpoint
            .connect(self.now, config, SERVER, "localhost")
            .expect("a connection");
        client.connection = Some(begun);
        self.clients.push(client);
        self.clients.len() - 1
    }

    /// A client that is through its handshake, and the edge's key for it.
    pub(super) fn connected(&mut self) -> (usize, ConnectionKey) {
        let client = self.connect();
        self.run_for(Duration::from_millis(500));
        assert!(
            self.clients[client].connected,
            "{:?}",
            self.clients[client].lost
        );
        let edge = self
            .landing
            .get(&self.clients[client].address)
            .copied()
            .unwrap_or(0);
        let key = self
            .take_events(edge)
            .into_iter()
            .rev()
            .find_map(|event| match event {
                EdgeEvent::Connected { connection, remote }
                    if remote == self.clients[client].address =>
                {
                    Some(connection)
                }
                _ => None,
            });
        (client, key.expect("a Connected event"))
    }

    /// As above, with the control stream opened by `hello`.
    pub(super) fn greeted(&mut self) -> (usize, ConnectionKey) {
        let (client, key) = self.connected();
        self.clients[client].write(b"hello");
        self.run_for(Duration::from_millis(200));
        let messages = self.take_messages(0, key);
        assert_eq!(messages, b"hello");
        (client, key)
    }

    pub(super) fn take_events(&mut self, edge: usize) -> Vec<EdgeEvent> {
        core::mem::take(&mut self.events[edge])
    }

    /// The bytes of a connection's control stream so far, and nothing but those events.
    pub(super) fn take_messages(&mut self, edge: usize, key: ConnectionKey) -> Vec<u8> {
        let mut all = Vec::new();
        for event in self.take_events(edge) {
            match event {
                EdgeEvent::Message { connection, bytes } if connection == key => {
                    all.extend_from_slice(&bytes);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        all
    }

    /// Runs everything until `duration` has passed.
    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            self.step();
            match self.next_time() {
                Some(next) if next <= until => {
                    self.now = next.max(self.now + Duration::from_micros(1));
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn next_time(&mut self) -> Option<Instant> {
        let flights = self.flights.iter().map(|flight| flight.at);
        let edges = self.edges.iter().filter_map(Edge::next_timeout);
        let clients = self.clients.iter_mut().filter_map(|client| {
            client
                .connection
                .as_mut()
                .and_then(|(_, quic)| quic.poll_timeout())
        });
        flights.chain(edges).chain(clients).min()
    }

    /// Everything that is due now.
    pub(super) fn step(&mut self) {
        let mut due = Vec::new();
        self.flights.retain_mut(|flight| {
            if flight.at > self.now {
                return true;
            }
            due.push((flight.from, flight.to, core::mem::take(&mut flight.bytes)));
            false
        });
        for (from, to, bytes) in due {
            if to == SERVER {
                self.deliver_to_edge(from, &bytes);
            } else {
                self.deliver_to_client(to, &bytes);
            }
        }
        self.step_edges();
        self.step_clients();
    }

    pub(super) fn deliver_to_edge(&mut self, from: SocketAddr, bytes: &[u8]) {
        let landing = self.landing.get(&from).copied().unwrap_or(0);
        let received = Received {
            local: Some(SERVER.ip()),
            remote: from,
            ecn: None,
            bytes: BytesMut::from(bytes),
        };
        if let Some(Forward { shard, received }) =
            self.edges[landing].handle_datagram(self.now, received)
        {
            assert_ne!(usize::from(shard.0), landing);
            self.edges[usize::from(shard.0)].handle_forwarded(self.now, received);
        }
    }

    fn deliver_to_client(&mut self, to: SocketAddr, bytes: &[u8]) {
        let Some(client) = self.clients.iter_mut().find(|client| client.address == to) else {
            return;
        };
        let mut answer = Vec::new();
        let bytes = BytesMut::from(bytes);
        let event = client
            .endpoint
            .handle(self.now, SERVER, None, None, bytes, &mut answer);
        if let (Some(DatagramEvent::ConnectionEvent(_, event)), Some((_, quic))) =
            (event, &mut client.connection)
        {
            quic.handle_event(event);
        }
        client.drain();
    }

    fn step_edges(&mut self) {
        for (edge, events) in self.edges.iter_mut().zip(&mut self.events) {
            edge.admit(self.now, self.admit);
            edge.handle_timeouts(self.now);
            events.extend(core::iter::from_fn(|| edge.poll_event()));
            let mut batch = TransmitBatch::new(3);
            loop {
                let more = edge.transmit(self.now, &mut batch);
                for entry in batch.entries() {
                    for datagram in entry.datagrams() {
                        if (self.carries)(SERVER, datagram) {
                            self.flights.push_back(Flight {
                                at: self.now + LATENCY,
                                from: SERVER,
                                to: entry.remote,
                                bytes: datagram.to_vec(),
                            });
                        }
                    }
                }
                batch.clear();
                if !more {
                    break;
                }
            }
            events.extend(core::iter::from_fn(|| edge.poll_event()));
        }
    }

    fn step_clients(&mut self) {
        for client in &mut self.clients {
            let Some((_, connection)) = &mut client.connection else {
                continue;
            };
            if connection.poll_timeout().is_some_and(|at| at <= self.now) {
                connection.handle_timeout(self.now);
            }
            let mut bytes = Vec::new();
            while let Some(transmit) = connection.poll_transmit(self.now, 1, &mut bytes) {
                if (self.carries)(client.address, &bytes) {
                    self.flights.push_back(Flight {
                        at: self.now + LATENCY,
                        from: client.address,
                        to: transmit.destination,
                        bytes: core::mem::take(&mut bytes),
                    });
                }
                bytes.clear();
            }
            client.drain();
        }
    }

    /// The client is pulled off the network.
    pub(super) fn unplug(&mut self, client: usize) {
        self.clients[client].connection = None;
    }

    /// The client closes its connection with an application code.
    pub(super) fn hang_up(&mut self, client: usize, code: u32, reason: &'static [u8]) {
        let now = self.now;
        self.clients[client]
            .quic()
            .close(now, VarInt::from_u32(code), Bytes::from_static(reason));
    }
}
