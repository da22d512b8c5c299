//! The table of connections: what happens to one after its handshake has begun.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use quinn_proto::{
    Connection, ConnectionError, Dir, Event, StreamEvent, StreamId, TransportErrorCode,
};

use super::link::{Link, closed_reason};
use super::*;

/// TLS alert `no_application_protocol`, as QUIC carries it (RFC 9001 §4.8).
const ALERT_NO_APPLICATION_PROTOCOL: u8 = 120;

/// Unreliable datagrams that are taken from one UDP datagram. A client has no reason for more
/// than a few; several hundred empty ones would fit.
const DATAGRAMS_PER_PACKET_MAX: usize = 32;

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The place is free.
    Free,
    /// The TLS handshake is under way.
    Handshaking,
    /// `Connected` was announced.
    Announced,
    /// The handshake completed and there was no room: it is being told so.
    Farewell,
    /// It has ended and lingers until stray packets can no longer arrive (three probe times).
    Ended,
}

/// What every packet and timer looks at, side by side.
#[derive(Debug)]
pub(super) struct Hot {
    pub(super) generation: u32,
    pub(super) phase: Phase,
    /// Whether it is on the list of those with something to send.
    pub(super) dirty: bool,
    /// When QUIC or the deadline below wants to be called.
    due: Due,
    /// Where its entry in the wheel is.
    armed: Due,
    /// The end of the edge's own patience: for the handshake, then for the control stream.
    deadline: Due,
    /// Bucket of its datagrams (GCRA): nanoseconds since the epoch at which it would be empty.
    empty_at_ns: u64,
}

const _: () = assert!(
    size_of::<Hot>() == 40,
    "three of these share two cache lines"
);

impl Hot {
    fn free(generation: u32) -> Self {
        Self {
            generation,
            phase: Phase::Free,
            dirty: false,
            due: Due::NEVER,
            armed: Due::NEVER,
            deadline: Due::NEVER,
            empty_at_ns: 0,
        }
    }
}

impl Edge {
    /// Notes the time, which never runs backwards.
    pub(super) fn set_time(&mut self, now: Instant) {
        if now > self.now {
            self.now = now;
            self.admission.set_time(now - self.epoch);
        }
    }

    pub(super) fn link(&self, key: ConnectionKey) -> Option<&Link> {
        let hot = self.hot.get(key.index as usize)?;
        if hot.generation != key.generation || hot.phase != Phase::Announced {
            return None;
        }
        self.links[key.index as usize].as_deref()
    }

    pub(super) fn link_mut(&mut self, key: ConnectionKey) -> Option<&mut Link> {
        let hot = self.hot.get(key.index as usize)?;
        if hot.generation != key.generation || hot.phase != Phase::Announced {
            return None;
        }
        self.links[key.index as usize].as_deref_mut()
    }

    fn key(&self, index: u32) -> ConnectionKey {
        ConnectionKey {
            index,
            generation: self.hot[index as usize].generation,
        }
    }

    /// Puts a connection, whose handshake has just begun, into quinn's place for it.
    pub(super) fn insert(&mut self, index: u32, connection: Connection) {
        let place = index as usize;
        while self.hot.len() <= place {
            self.hot.push(Hot::free(0));
            self.links.push(None);
        }
        let deadline = self
            .wheel
            .due(Some(self.now + self.config.limits.handshake_timeout));
        let hot = &mut self.hot[place];
        debug_assert_eq!(hot.phase, Phase::Free);
        hot.phase = Phase::Handshaking;
        hot.deadline = deadline;
        self.links[place] = Some(Box::new(Link {
            connection,
            stream: None,
            backlog: BytesMut::new(),
        }));
        self.handshaking += 1;
    }

    fn remove(&mut self, index: u32) {
        let hot = &mut self.hot[index as usize];
        match hot.phase {
            Phase::Handshaking => self.handshaking -= 1,
            Phase::Farewell => self.farewells -= 1,
            Phase::Announced => self.announced -= 1,
            Phase::Free | Phase::Ended => {}
        }
        *hot = Hot::free(hot.generation.wrapping_add(1));
        self.links[index as usize] = None;
    }

    pub(super) fn mark_dirty(&mut self, index: u32) {
        let hot = &mut self.hot[index as usize];
        if !hot.dirty {
            hot.dirty = true;
            self.dirty.push_back(index);
        }
    }

    /// Takes one datagram out of the connection's bucket; false if it is empty.
    pub(super) fn take_rate(&mut self, index: u32) -> bool {
        let limits = &self.config.limits;
        let interval_ns = 1_000_000_000 / u64::from(limits.datagrams_per_second);
        let depth_ns = interval_ns * u64::from(limits.datagrams_burst);
        let now_ns = (self.now - self.epoch).as_nanos() as u64;
        let Some(hot) = self.hot.get_mut(index as usize) else {
            return false;
        };
        if hot.empty_at_ns >= now_ns + depth_ns {
            return false;
        }
        hot.empty_at_ns = hot.empty_at_ns.max(now_ns) + interval_ns;
        true
    }

    pub(super) fn rearm(&mut self, index: u32, quic_due: Due) {
        let hot = &mut self.hot[index as usize];
        hot.due = quic_due.min(hot.deadline);
        hot.armed = self.wheel.arm(index, hot.due, hot.armed);
    }

    /// An entry of the wheel has come round.
    pub(super) fn fire(&mut self, index: u32, slot: Due) {
        let passed = self.wheel.passed();
        let hot = &mut self.hot[index as usize];
        if hot.armed != slot {
            return;
        }
        hot.armed = Due::NEVER;
        if hot.due > passed {
            // It has moved its deadline since, or lies beyond the horizon.
            hot.armed = self.wheel.arm(index, hot.due, Due::NEVER);
            return;
        }
        self.counters.timers_fired += 1;
        if hot.deadline <= passed {
            hot.deadline = Due::NEVER;
            match hot.phase {
                Phase::Handshaking => {
                    // Without a word: its address may never have asked for anything.
                    self.counters.handshakes_timed_out += 1;
                    self.endpoint
                        .handle_event(handle(index), quinn_proto::EndpointEvent::drained());
                    self.remove(index);
                    return;
                }
                Phase::Announced => {
                    self.counters.closed_control_stream += 1;
                    self.end_by_server(index, CloseCode::NO_CONTROL_STREAM, None);
                }
                Phase::Free | Phase::Farewell | Phase::Ended => {}
            }
        }
        if let Some(link) = &mut self.links[index as usize] {
            link.connection.handle_timeout(self.now);
        }
        self.settle(index);
    }

    /// After something happened to a connection: takes its events, and puts it on the list.
    pub(super) fn settle(&mut self, index: u32) {
        self.mark_dirty(index);
        self.drain_events(index);
    }

    /// Takes what a connection has to say, to the shard and to the endpoint.
    pub(super) fn drain_events(&mut self, index: u32) {
        loop {
            let Some(link) = &mut self.links[index as usize] else {
                return;
            };
            let Some(event) = link.connection.poll() else {
                break;
            };
            self.handle_event(index, event);
        }
        let mut drained = false;
        while let Some(link) = &mut self.links[index as usize]
            && let Some(event) = link.connection.poll_endpoint_events()
        {
            drained |= event.is_drained();
            if let Some(event) = self.endpoint.handle_event(handle(index), event) {
                link.connection.handle_event(event);
                self.mark_dirty(index);
            }
        }
        if drained {
            self.remove(index);
        }
    }

    fn handle_event(&mut self, index: u32, event: Event) {
        match event {
            Event::Connected => self.announce(index),
            Event::ConnectionLost { reason } => self.lose(index, reason),
            Event::Stream(StreamEvent::Opened { dir: Dir::Bi }) => {
                let Some(link) = &mut self.links[index as usize] else {
                    return;
                };
                // QUIC grants one stream at a time, and losing it ends the connection: this is
                // the first one, or the connection is at its end.
                if let Some(stream) = link.connection.streams().accept(Dir::Bi)
                    && link.stream.is_none()
                {
                    link.stream = Some(stream);
                    self.hot[index as usize].deadline = Due::NEVER;
                    self.read_stream(index, stream);
                    self.flush(index);
                }
            }
            Event::Stream(StreamEvent::Readable { id }) => self.read_stream(index, id),
            Event::Stream(StreamEvent::Writable { .. }) => self.flush(index),
            Event::Stream(StreamEvent::Stopped { .. } | StreamEvent::Finished { .. }) => {
                self.lose_stream(index);
            }
            Event::DatagramReceived => self.read_datagrams(index),
            Event::HandshakeDataReady
            | Event::DatagramsUnblocked
            | Event::Stream(
                StreamEvent::Available { .. } | StreamEvent::Opened { dir: Dir::Uni },
            ) => {}
        }
    }

    fn announce(&mut self, index: u32) {
        let connection = self.key(index);
        let (hot, link) = (
            &mut self.hot[index as usize],
            &mut self.links[index as usize],
        );
        let Some(link) = link.as_mut().filter(|_| hot.phase == Phase::Handshaking) else {
            return;
        };
        self.handshaking -= 1;
        self.counters.handshakes_completed += 1;
        if self.announced >= self.config.limits.connections {
            hot.phase = Phase::Farewell;
            hot.deadline = Due::NEVER;
            self.farewells += 1;
            self.counters.refused_full += 1;
            let code = CloseCode::SERVER_FULL;
            link.connection.close(
                self.now,
                var_int(code),
                Bytes::from_static(code.sentence().as_bytes()),
            );
            return;
        }
        hot.phase = Phase::Announced;
        hot.deadline = self
            .wheel
            .due(Some(self.now + self.config.limits.handshake_timeout));
        self.announced += 1;
        self.counters.connected += 1;
        let remote = link.connection.remote_address();
        self.events
            .push_back(EdgeEvent::Connected { connection, remote });
    }

    fn read_stream(&mut self, index: u32, stream: StreamId) {
        let connection = self.key(index);
        let Some(link) = &mut self.links[index as usize] else {
            return;
        };
        let (bytes, alive) = link.read(stream);
        if !bytes.is_empty() && self.hot[index as usize].phase == Phase::Announced {
            self.counters.stream_bytes_in += bytes.len() as u64;
            self.events
                .push_back(EdgeEvent::Message { connection, bytes });
        }
        if !alive {
            self.lose_stream(index);
        }
    }

    fn read_datagrams(&mut self, index: u32) {
        let connection = self.key(index);
        let announced = self.hot[index as usize].phase == Phase::Announced;
        let Some(link) = &mut self.links[index as usize] else {
            return;
        };
        let mut left = DATAGRAMS_PER_PACKET_MAX;
        while let Some(bytes) = link.connection.datagrams().recv() {
            if left == 0 {
                self.counters.refused_rate += 1;
            } else if announced {
                left -= 1;
                self.counters.unreliable_in += 1;
                self.events
                    .push_back(EdgeEvent::Datagram { connection, bytes });
            }
        }
    }

    fn flush(&mut self, index: u32) {
        let Some(link) = &mut self.links[index as usize] else {
            return;
        };
        let flushed = link.flush();
        self.mark_dirty(index);
        if flushed.is_err() {
            self.lose_stream(index);
        }
    }

    fn lose_stream(&mut self, index: u32) {
        if self.hot[index as usize].phase == Phase::Announced {
            self.counters.closed_control_stream += 1;
            self.end_by_server(index, CloseCode::CONTROL_STREAM_LOST, None);
        }
    }

    /// Ends an announced connection from our side. Without words it gets those of the code.
    pub(super) fn end_by_server(&mut self, index: u32, code: CloseCode, words: Option<&str>) {
        let words = match words {
            Some(words) => Bytes::copy_from_slice(words.as_bytes()),
            None => Bytes::from_static(code.sentence().as_bytes()),
        };
        if let Some(link) = &mut self.links[index as usize] {
            link.connection.close(self.now, var_int(code), words);
            link.backlog = BytesMut::new();
        }
        self.mark_dirty(index);
        self.end(index, ClosedReason::ByServer { code });
    }

    /// Announces the end of a connection, once.
    fn end(&mut self, index: u32, reason: ClosedReason) {
        let connection = self.key(index);
        let hot = &mut self.hot[index as usize];
        if hot.phase == Phase::Announced {
            hot.phase = Phase::Ended;
            hot.deadline = Due::NEVER;
            self.announced -= 1;
            self.counters.closed += 1;
            self.events
                .push_back(EdgeEvent::Closed { connection, reason });
        }
    }

    /// QUIC has given the connection up, or the client has.
    fn lose(&mut self, index: u32, reason: ConnectionError) {
        let hot = &mut self.hot[index as usize];
        match hot.phase {
            Phase::Handshaking => {
                hot.phase = Phase::Ended;
                hot.deadline = Due::NEVER;
                self.handshaking -= 1;
                self.count_failed_handshake(&reason);
            }
            Phase::Announced => {
                if reason == ConnectionError::TimedOut {
                    self.counters.closed_timed_out += 1;
                }
                self.end(index, closed_reason(reason));
            }
            Phase::Free | Phase::Farewell | Phase::Ended => {}
        }
    }

    pub(super) fn count_failed_handshake(&mut self, reason: &ConnectionError) {
        let alpn = TransportErrorCode::crypto(ALERT_NO_APPLICATION_PROTOCOL);
        match reason {
            ConnectionError::TransportError(error) if error.code == alpn => {
                self.counters.refused_alpn += 1;
            }
            ConnectionError::TimedOut => self.counters.handshakes_timed_out += 1,
            _ => self.counters.handshakes_failed += 1,
        }
    }
}
