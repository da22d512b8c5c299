//! What the edge counts. Plain numbers: one thread owns them, the metrics copy them.

/// Totals since the edge was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// UDP datagrams handed to [`Edge::handle_datagram`](crate::Edge::handle_datagram).
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// UDP datagrams given out for sending.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Datagrams that belong to a connection of another shard and were handed back.
    pub forwarded_out: u64,
    /// Datagrams that another shard handed to this one.
    pub forwarded_in: u64,
    /// Datagrams that neither belong to a connection nor open one: garbage, stray packets of
    /// connections that have ended, and those cut off by the receive buffer.
    pub malformed: u64,
    /// UDP datagrams dropped unread because their connection sent more than it may in a second,
    /// and unreliable datagrams dropped because one packet brought more than a few dozen.
    pub refused_rate: u64,
    /// Answers that were dropped because too many of them were waiting to be sent.
    pub answers_dropped: u64,
    /// Version negotiation packets sent.
    pub version_negotiations: u64,
    /// Stateless resets sent, to clients of a former life of this server.
    pub stateless_resets: u64,
    /// Handshakes begun.
    pub handshakes_started: u64,
    /// Handshakes completed, those that were then told that the server is full included.
    pub handshakes_completed: u64,
    /// Handshakes that failed for a reason that has no counter of its own.
    pub handshakes_failed: u64,
    /// Handshakes that did not complete in time.
    pub handshakes_timed_out: u64,
    /// Retry packets sent: the client has to prove its address first.
    pub retries: u64,
    /// Handshakes refused by TLS because the client does not speak our protocol (ALPN).
    pub refused_alpn: u64,
    /// Clients told that the server is full.
    pub refused_full: u64,
    /// Initials refused because too many clients were already being told the same.
    pub refused_farewells: u64,
    /// Initials refused because too many handshakes are pending.
    pub refused_pending: u64,
    /// Initials left unanswered because the shard begins enough handshakes a second; the
    /// client's own retransmission asks again.
    pub deferred_global_rate: u64,
    /// Initials refused because their address began too many handshakes.
    pub refused_address_rate: u64,
    /// Initials that quinn refused as they were malformed.
    pub refused_malformed: u64,
    /// Connections that were announced by a `Connected`.
    pub connected: u64,
    /// Connections whose end was announced by a `Closed`.
    pub closed: u64,
    /// Of those, closed for a slow reader of the control stream.
    pub closed_too_slow: u64,
    /// Of those, closed for want of a control stream or for ending it.
    pub closed_control_stream: u64,
    /// Of those, timed out.
    pub closed_timed_out: u64,
    /// Unreliable datagrams accepted for sending.
    pub unreliable_out: u64,
    /// Calls that had to drop older datagrams to accept a new one.
    pub unreliable_dropped_oldest: u64,
    /// Unreliable datagrams received.
    pub unreliable_in: u64,
    /// Bytes of control streams received.
    pub stream_bytes_in: u64,
    /// Bytes of control streams accepted for sending.
    pub stream_bytes_out: u64,
    /// Timers that fired.
    pub timers_fired: u64,
}

/// Totals of the sockets of one [`UdpShell`](crate::UdpShell).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketCounters {
    /// Calls of `recvmmsg`.
    pub receive_calls: u64,
    /// Datagrams received.
    pub received: u64,
    /// Datagrams that the kernel dropped because the shard was too late to take them.
    pub receive_overflows: u64,
    /// Calls of `sendmmsg`.
    pub send_calls: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Times that the socket's send buffer was full.
    pub send_blocked: u64,
    /// Datagrams that the kernel refused to send, an unreachable network or a datagram that
    /// exceeds the path's MTU among the causes.
    pub send_failed: u64,
}
