//! UDP datagrams on their way in, to another shard, and out. Those that go out are batched:
//! filled in by the edge, emptied by whoever owns the sockets.

use core::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use orrery_base::ShardIndex;
use quinn_proto::{EcnCodepoint, Transmit};

/// A UDP datagram as it came from a socket.
#[derive(Debug)]
pub struct Received {
    /// The address that it was sent to, where known: the answer comes from there.
    pub local: Option<IpAddr>,
    /// The address that it came from.
    pub remote: SocketAddr,
    /// Congestion notification bits of its IP header.
    pub ecn: Option<EcnCodepoint>,
    /// Payload.
    pub bytes: BytesMut,
}

/// A datagram whose connection lives on another shard. The server passes it over its rings to
/// that shard's [`Edge::handle_forwarded`](crate::Edge::handle_forwarded); if the ring is full it drops it, as a network would.
#[derive(Debug)]
pub struct Forward {
    /// The shard that it belongs to; never the one that it came from.
    pub shard: ShardIndex,
    /// The datagram, untouched.
    pub received: Received,
}

/// One entry of a batch: one or more UDP datagrams to the same client.
#[derive(Debug)]
pub struct Outgoing {
    /// Where to.
    pub remote: SocketAddr,
    /// The local address to send from; `None` leaves it to the kernel.
    pub local: Option<IpAddr>,
    /// Congestion notification bits for the IP header.
    pub ecn: Option<EcnCodepoint>,
    /// `Some(n)`: the bytes are several datagrams of `n` bytes each, the last one possibly
    /// shorter (what the kernel calls UDP_SEGMENT).
    pub segment_bytes: Option<usize>,
    /// The payload.
    pub bytes: Vec<u8>,
}

impl Outgoing {
    /// The UDP datagrams of this entry.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // An entry is never empty, so the chunk length is at least one.
        self.bytes
            .chunks(self.segment_bytes.unwrap_or(self.bytes.len()).max(1))
    }
}

/// A bounded list of outgoing datagrams whose buffers are reused: no allocation per packet.
#[derive(Debug)]
pub struct TransmitBatch {
    entries: Vec<Outgoing>,
    used: usize,
}

impl TransmitBatch {
    /// A batch of at most `capacity` entries, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let blank = || Outgoing {
            remote: SocketAddr::from(([0, 0, 0, 0], 0)),
            local: None,
            ecn: None,
            segment_bytes: None,
            bytes: Vec::new(),
        };
        Self {
            entries: (0..capacity.max(1)).map(|_| blank()).collect(),
            used: 0,
        }
    }

    /// The filled entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Outgoing] {
        &self.entries[..self.used]
    }

    /// Number of filled entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether nothing is filled in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Whether there is no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.used == self.entries.len()
    }

    /// Forgets the entries and keeps their buffers.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Lets `fill` write the next entry into an empty buffer; keeps it if `fill` says what to
    /// do with it.
    ///
    /// # Panics
    /// If the batch is full.
    pub(crate) fn fill(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> Option<Transmit>,
    ) -> Option<&Outgoing> {
        let entry = &mut self.entries[self.used];
        entry.bytes.clear();
        let transmit = fill(&mut entry.bytes)?;
        debug_assert_eq!(transmit.size, entry.bytes.len());
        entry.remote = transmit.destination;
        entry.local = transmit.src_ip;
        entry.ecn = transmit.ecn;
        entry.segment_bytes = transmit.segment_size;
        self.used += 1;
        Some(entry)
    }
}
