//! What the edge tells the shard, and the answers of its calls.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::close::CloseCode;

/// Names one connection of one [`Edge`](crate::Edge). The index is dense and reused, so that
/// the shard can keep its sessions in a vector; the generation tells the tenants apart, so
/// that a key of a connection that has ended is never taken for its successor's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionKey {
    /// Place in the edge's table, reused after the connection has drained.
    pub index: u32,
    /// How many connections had this place before.
    pub generation: u32,
}

impl fmt::Debug for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}.{}", self.index, self.generation)
    }
}

/// Something that happened on a connection. For every connection, in this order: one
/// `Connected`, any number of `Message` and `Datagram`, one `Closed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeEvent {
    /// The TLS handshake is complete and there is room: the client may speak.
    Connected {
        /// The new connection.
        connection: ConnectionKey,
        /// The client's address. It may change later: see [`Edge::remote`](crate::Edge::remote).
        remote: SocketAddr,
    },
    /// The next bytes of the control stream, in order and without gaps, cut anywhere.
    /// They are a slice of the packet that brought them: copy what is kept for long.
    Message {
        /// The connection that they came from.
        connection: ConnectionKey,
        /// At least one byte.
        bytes: Bytes,
    },
    /// One whole unreliable datagram. Slices the packet that brought it, as above.
    Datagram {
        /// The connection that it came from.
        connection: ConnectionKey,
        /// The datagram; may be empty.
        bytes: Bytes,
    },
    /// The connection has ended: its key is void from here on. Also follows the shard's own
    /// [`Edge::close`](crate::Edge::close).
    Closed {
        /// The connection that has ended.
        connection: ConnectionKey,
        /// Why.
        reason: ClosedReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedReason {
    /// The client closed it. The code and the words are the client's: not to be trusted.
    ByClient {
        /// The client's application code.
        code: u64,
        /// The client's words, at most [`CLIENT_REASON_BYTES_MAX`] of them.
        reason: String,
    },
    /// The server closed it: the shard through [`Edge::close`](crate::Edge::close), or the
    /// edge because of a limit.
    ByServer {
        /// What the client was told.
        code: CloseCode,
    },
    /// Nothing was heard for the idle timeout.
    TimedOut,
    /// The client has lost the connection's state and said so by a stateless reset.
    Reset,
    /// The client broke the transport protocol, or said that the server did.
    Transport {
        /// Transport error code of RFC 9000 §20.1.
        code: u64,
        /// What went wrong, for the log.
        reason: String,
    },
}

/// How much of a client's own closing words is kept.
pub const CLIENT_REASON_BYTES_MAX: usize = 128;

impl fmt::Display for ClosedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByClient { code, reason } => {
                write!(f, "closed by the client ({code}: {reason:?})")
            }
            Self::ByServer { code } => write!(f, "closed by the server ({code})"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Reset => f.write_str("reset by the client"),
            Self::Transport { code, reason } => write!(f, "transport error {code:#x}: {reason}"),
        }
    }
}

/// Why something could not be sent. Whatever the cause, nothing was queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The key names no connection: it has ended, or is ending.
    #[error("the connection has ended")]
    Closed,
    /// The control stream already holds as much as it may. The connection has been closed with
    /// [`CloseCode::TOO_SLOW`], and a [`EdgeEvent::Closed`] follows.
    #[error("the client reads too slowly: {queued_bytes} bytes of the control stream wait for it")]
    Overflow {
        /// What waits, bytes.
        queued_bytes: usize,
    },
    /// The datagram does not fit a packet of this connection.
    #[error("the datagram exceeds {limit_bytes} bytes")]
    TooLarge {
        /// The most that fits at present, bytes.
        limit_bytes: usize,
    },
    /// The client has not enabled datagrams in its transport parameters.
    #[error("the client takes no datagrams")]
    NoDatagrams,
}

/// What became of a datagram that was accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramOutcome {
    /// It waits to be sent, behind those before it.
    Queued,
    /// The queue was full (congestion or pacing holds the connection back): the oldest ones
    /// were dropped to make room for it.
    DroppedOldest,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Smallest round-trip time seen.
    pub rtt_min: Duration,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets declared lost.
    pub packets_lost: u64,
    /// Times that the congestion window was cut.
    pub congestion_events: u64,
    /// Congestion window, bytes.
    pub congestion_window_bytes: u64,
    /// Largest UDP payload that the path carries, bytes.
    pub mtu_bytes: u16,
    /// UDP payload bytes sent.
    pub bytes_out: u64,
    /// UDP payload bytes received.
    pub bytes_in: u64,
    /// Bytes of the control stream that wait for the client's flow control, this side of the
    /// transport's own send window.
    pub stream_backlog_bytes: usize,
}
