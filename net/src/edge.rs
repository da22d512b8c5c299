//! The edge of one shard, sans-IO: UDP datagrams and the time go in, events and UDP datagrams
//! come out. It owns all QUIC connections that landed on the shard.
//!
//! **Invariants:** a turn touches only connections that something happened to (`dirty`, in
//! order of their becoming so) and those whose deadline has come (the wheel); nothing walks
//! all connections, except [`Edge::close_all`]. A connection that is dirty is on that list.
//! Events of a connection are `Connected`, then `Message`s and `Datagram`s, then one `Closed`,
//! and nothing before or after.
//!
//! **Bounds:** the queue of events is bounded by what one turn feeds in (each datagram yields
//! at most a few dozen), so the shard must poll it empty every turn. Answers without a
//! connection: [`ANSWERS_MAX`]. Waiting handshakes: `Limits::handshakes`. Per connection: see
//! `transport.rs` and `Limits::stream_queue_bytes`.

use core::fmt;
use core::net::SocketAddr;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use orrery_base::ShardIndex;
use quinn_proto::{
    ConnectionHandle, DatagramEvent, Endpoint, Incoming, SendDatagramError, Transmit, VarInt,
};

use crate::admission::Admission;
use crate::batch::{Forward, Received, TransmitBatch};
use crate::close::CloseCode;
use crate::config::{ConfigError, EdgeConfig, Limits};
use crate::connection_id::ShardIds;
use crate::counters::Counters;
use crate::event::{ClosedReason, ConnectionKey, DatagramOutcome, EdgeEvent, Quality, SendError};
use crate::timers::{Due, Wheel};
use crate::tls::Tls;
use crate::transport::{self, SEND_WINDOW_BYTES};

mod connections;
mod handshakes;
mod link;
#[cfg(test)]
mod tests;

use connections::{Hot, Phase};
use link::Link;

/// Answers to datagrams that belong to no connection (retries, refusals, resets) that may wait
/// for [`Edge::transmit`]; more are dropped and counted.
pub const ANSWERS_MAX: usize = 1_024;
/// Datagrams to one client that are joined into one entry of a batch.
const SEGMENTS_MAX: usize = 8;
/// Entries that one connection may fill before the next one has its turn.
const ENTRIES_PER_VISIT: usize = 4;

struct Answer {
    transmit: Transmit,
    bytes: Vec<u8>,
}

/// All QUIC connections of one shard.
///
/// A turn of the shard's loop:
///
/// 1. [`Edge::handle_datagram`] for what the sockets hold, [`Edge::handle_forwarded`] for what
///    other shards passed on, [`Edge::admit`] to begin some of the waiting handshakes,
///    [`Edge::handle_timeouts`];
/// 2. [`Edge::poll_event`] until there is none;
/// 3. [`Edge::send_stream`], [`Edge::send_datagram`], [`Edge::close`] as the game wants;
/// 4. [`Edge::transmit`] until there is nothing more to send;
/// 5. sleep until [`Edge::next_timeout`] at most.
///
/// [`UdpShell`](crate::UdpShell) does 1 and 4 with real sockets.
pub struct Edge {
    config: EdgeConfig,
    endpoint: Endpoint,
    router: ShardIds,
    epoch: Instant,
    /// The latest time that the edge was told.
    now: Instant,
    /// What every turn looks at, and what it only looks at when something happened: by index.
    hot: Vec<Hot>,
    links: Vec<Option<Box<Link>>>,
    dirty: VecDeque<u32>,
    wheel: Wheel,
    fired: Vec<(u32, Due)>,
    events: VecDeque<EdgeEvent>,
    answers: VecDeque<Answer>,
    /// Empty buffers of answers that were sent.
    spare: Vec<Vec<u8>>,
    waiting: VecDeque<Incoming>,
    admission: Admission,
    handshaking: usize,
    announced: usize,
    farewells: usize,
    counters: Counters,
}

/// An edge may be made on one thread and driven on another, and datagrams cross between shards.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Edge>();
    is_send::<Forward>();
};

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("shard", &self.config.shard)
            .field("announced", &self.announced)
            .field("handshaking", &self.handshaking)
            .finish_non_exhaustive()
    }
}

impl Edge {
    /// An edge without connections. `now` is the start of its time.
    ///
    /// # Errors
    /// If the configuration names impossible shards or limits.
    pub fn new(config: EdgeConfig, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        let endpoint = Endpoint::new(
            Arc::new(transport::endpoint(&config)),
            Some(Arc::new(transport::server(&config))),
            // The shell forbids fragmentation, so that probes for the MTU mean something.
            true,
            None,
        );
        Ok(Self {
            router: ShardIds::new(&config.keys.connection_id, config.shard, config.shards),
            admission: Admission::new(&config.limits),
            config,
            endpoint,
            epoch: now,
            now,
            hot: Vec::new(),
            links: Vec::new(),
            dirty: VecDeque::new(),
            wheel: Wheel::new(now),
            fired: Vec::new(),
            events: VecDeque::new(),
            answers: VecDeque::new(),
            spare: Vec::new(),
            waiting: VecDeque::new(),
            handshaking: 0,
            announced: 0,
            farewells: 0,
            counters: Counters::default(),
        })
    }

    /// Takes a datagram from a socket. Gives it back if it belongs to another shard.
    pub fn handle_datagram(&mut self, now: Instant, received: Received) -> Option<Forward> {
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += received.bytes.len() as u64;
        match self.router.shard_of(&received.bytes) {
            Some(shard) if shard != self.config.shard => {
                self.counters.forwarded_out += 1;
                Some(Forward { shard, received })
            }
            _ => {
                self.handle_own(now, received);
                None
            }
        }
    }

    /// Takes a datagram that landed on another shard and belongs to this one. (It is never
    /// passed on again: two shards that disagree must not play ball.)
    pub fn handle_forwarded(&mut self, now: Instant, received: Received) {
        self.counters.forwarded_in += 1;
        self.handle_own(now, received);
    }

    fn handle_own(&mut self, now: Instant, received: Received) {
        self.set_time(now);
        let Received {
            local,
            remote,
            ecn,
            bytes,
        } = received;
        let waiting_bytes = self.endpoint.incoming_buffer_bytes();
        let mut answer = self.blank_answer();
        match self
            .endpoint
            .handle(self.now, remote, local, ecn, bytes, &mut answer)
        {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                self.spare.push(answer);
                let index = handle.0 as u32;
                if self.take_rate(index) {
                    if let Some(link) = &mut self.links[index as usize] {
                        link.connection.handle_event(event);
                    }
                    self.settle(index);
                } else {
                    self.counters.refused_rate += 1;
                }
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                self.spare.push(answer);
                self.judge(incoming);
            }
            Some(DatagramEvent::Response(transmit)) => self.answer_stray(transmit, answer),
            None => {
                self.spare.push(answer);
                if self.endpoint.incoming_buffer_bytes() == waiting_bytes {
                    self.counters.malformed += 1;
                }
            }
        }
    }

    /// Fires the timers that have become due.
    pub fn handle_timeouts(&mut self, now: Instant) {
        self.set_time(now);
        let mut fired = core::mem::take(&mut self.fired);
        self.wheel.advance(self.now, &mut fired);
        for (index, slot) in fired.drain(..) {
            self.fire(index, slot);
        }
        self.fired = fired;
    }

    /// When [`Self::handle_timeouts`] or [`Self::transmit`] wants to be called next: at once if
    /// there is something to send. May be a little early (a deadline was moved), never late by
    /// more than a millisecond.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        if self.wants_transmit() || !self.waiting.is_empty() {
            return Some(self.now);
        }
        self.wheel.next()
    }

    /// Whether [`Self::transmit`] has work.
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        !self.dirty.is_empty() || !self.answers.is_empty()
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<EdgeEvent> {
        self.events.pop_front()
    }

    /// Fills `batch` with what is to be sent, until it is full or there is nothing more.
    /// Returns whether there may be more: send the batch, clear it, call again.
    pub fn transmit(&mut self, now: Instant, batch: &mut TransmitBatch) -> bool {
        self.set_time(now);
        while !batch.is_full()
            && let Some(Answer {
                transmit,
                mut bytes,
            }) = self.answers.pop_front()
        {
            self.counters.datagrams_out += 1;
            self.counters.bytes_out += bytes.len() as u64;
            batch.fill(|buffer| {
                core::mem::swap(buffer, &mut bytes);
                Some(transmit)
            });
            self.spare.push(bytes);
        }
        // One round over those that are dirty now; whoever has more goes to the end.
        for _ in 0..self.dirty.len() {
            if batch.is_full() {
                break;
            }
            let Some(index) = self.dirty.pop_front() else {
                break;
            };
            self.transmit_one(index, batch);
        }
        self.wants_transmit()
    }

    fn transmit_one(&mut self, index: u32, batch: &mut TransmitBatch) {
        let (hot, link) = (
            &mut self.hot[index as usize],
            &mut self.links[index as usize],
        );
        let Some(link) = link.as_mut().filter(|_| hot.dirty) else {
            // It has drained since it was put on the list.
            return;
        };
        for _ in 0..ENTRIES_PER_VISIT {
            if batch.is_full() {
                self.dirty.push_front(index);
                return;
            }
            let Some(entry) = batch.fill(|buffer| {
                link.connection
                    .poll_transmit(self.now, SEGMENTS_MAX, buffer)
            }) else {
                hot.dirty = false;
                break;
            };
            self.counters.datagrams_out += entry.datagrams().len() as u64;
            self.counters.bytes_out += entry.bytes.len() as u64;
        }
        if hot.dirty {
            self.dirty.push_back(index);
            return;
        }
        let due = self.wheel.due(link.connection.poll_timeout());
        self.rearm(index, due);
        self.drain_events(index);
    }

    /// Queues bytes on the control stream, after those before them. They leave at the next
    /// [`Self::transmit`]; before the client has opened the stream they wait for it.
    ///
    /// # Errors
    /// [`SendError::Closed`]; [`SendError::Overflow`] if the client has left too much unread:
    /// then it is closed.
    pub fn send_stream(
        &mut self,
        connection: ConnectionKey,
        bytes: &[u8],
    ) -> Result<(), SendError> {
        let backlog_max = self.config.limits.stream_queue_bytes - SEND_WINDOW_BYTES;
        let link = self.link_mut(connection).ok_or(SendError::Closed)?;
        let waiting = link.backlog.len() + bytes.len();
        if waiting > backlog_max {
            let queued_bytes = link.backlog.len();
            self.counters.closed_too_slow += 1;
            self.end_by_server(connection.index, CloseCode::TOO_SLOW, None);
            return Err(SendError::Overflow { queued_bytes });
        }
        let flushed = link.write(bytes);
        self.counters.stream_bytes_out += bytes.len() as u64;
        self.mark_dirty(connection.index);
        if flushed.is_err() {
            self.counters.closed_control_stream += 1;
            self.end_by_server(connection.index, CloseCode::CONTROL_STREAM_LOST, None);
            return Err(SendError::Closed);
        }
        Ok(())
    }

    /// Queues an unreliable datagram; when the queue is full, the oldest ones make room.
    ///
    /// # Errors
    /// If the connection has ended, takes no datagrams, or the datagram does not fit a packet.
    pub fn send_datagram(
        &mut self,
        connection: ConnectionKey,
        bytes: Bytes,
    ) -> Result<DatagramOutcome, SendError> {
        let link = self.link_mut(connection).ok_or(SendError::Closed)?;
        let mut datagrams = link.connection.datagrams();
        let fits = datagrams.send_buffer_space() >= bytes.len();
        let sent = datagrams.send(bytes, true);
        let limit_bytes = datagrams.max_size().unwrap_or(0);
        match sent {
            Ok(()) => {}
            Err(SendDatagramError::TooLarge) => return Err(SendError::TooLarge { limit_bytes }),
            // `Blocked` only happens to those who ask not to drop.
            Err(
                SendDatagramError::UnsupportedByPeer
                | SendDatagramError::Disabled
                | SendDatagramError::Blocked(_),
            ) => return Err(SendError::NoDatagrams),
        }
        self.counters.unreliable_out += 1;
        self.mark_dirty(connection.index);
        if fits {
            return Ok(DatagramOutcome::Queued);
        }
        self.counters.unreliable_dropped_oldest += 1;
        Ok(DatagramOutcome::DroppedOldest)
    }

    /// The largest datagram that fits a packet of this connection at present, bytes; `None` if
    /// it has ended or takes none. At least 1,100 for clients that set no lower limit, and more
    /// once the path's MTU is known.
    pub fn datagram_bytes_max(&mut self, connection: ConnectionKey) -> Option<usize> {
        self.link_mut(connection)?.connection.datagrams().max_size()
    }

    /// Ends a connection: the client is told `code` and `reason` (for a player's eyes; cut at
    /// what fits a packet). What is still queued for it is lost. A `Closed` event follows.
    /// Does nothing if the connection has already ended.
    pub fn close(&mut self, connection: ConnectionKey, code: CloseCode, reason: &str) {
        if self.link_mut(connection).is_some() {
            self.end_by_server(connection.index, code, Some(reason));
        }
    }

    /// Ends every connection and turns away those that wait: the server stops.
    pub fn close_all(&mut self, code: CloseCode, reason: &str) {
        for index in 0..self.hot.len() as u32 {
            if self.hot[index as usize].phase == Phase::Announced {
                self.end_by_server(index, code, Some(reason));
            }
        }
        self.turn_away_waiting();
    }

    /// How a connection is doing; `None` if it has ended.
    #[must_use]
    pub fn quality(&self, connection: ConnectionKey) -> Option<Quality> {
        let link = self.link(connection)?;
        let stats = link.connection.stats();
        Some(Quality {
            rtt: stats.path.rtt,
            rtt_min: stats.path.min_rtt,
            packets_sent: stats.path.sent_packets,
            packets_lost: stats.path.lost_packets,
            congestion_events: stats.path.congestion_events,
            congestion_window_bytes: stats.path.cwnd,
            mtu_bytes: stats.path.current_mtu,
            bytes_out: stats.udp_tx.bytes,
            bytes_in: stats.udp_rx.bytes,
            stream_backlog_bytes: link.backlog.len(),
        })
    }

    /// The client's present address; `None` if the connection has ended.
    #[must_use]
    pub fn remote(&self, connection: ConnectionKey) -> Option<SocketAddr> {
        Some(self.link(connection)?.connection.remote_address())
    }

    /// Number of announced connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.announced
    }

    /// Number of handshakes under way, those waiting for their turn included.
    #[must_use]
    pub fn pending_handshakes(&self) -> usize {
        self.handshaking + self.waiting.len()
    }

    /// The shard that drives this edge.
    #[must_use]
    pub fn shard(&self) -> ShardIndex {
        self.config.shard
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.config.limits
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// SHA-256 of the certificate, DER-encoded: what clients pin.
    #[must_use]
    pub fn certificate_sha256(&self) -> [u8; 32] {
        self.config.tls.certificate_sha256()
    }

    /// Uses another certificate from the next handshake on; connections stay as they are.
    pub fn set_tls(&mut self, tls: Tls) {
        self.config.tls = tls;
        self.endpoint
            .set_server_config(Some(Arc::new(transport::server(&self.config))));
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        // quinn warns about connection attempts that are dropped unanswered.
        for incoming in self.waiting.drain(..) {
            self.endpoint.ignore(incoming);
        }
    }
}

/// A close code as QUIC writes it.
fn var_int(code: CloseCode) -> VarInt {
    VarInt::from_u32(code.0)
}

/// quinn's name of a connection: the same index.
fn handle(index: u32) -> ConnectionHandle {
    ConnectionHandle(index as usize)
}
