//! The QUIC edge of a shard: connections, admission, sockets.
//!
//! Two layers. [`Edge`] is sans-IO: it is fed UDP datagrams and the time, and yields events and
//! UDP datagrams, so that tests and the simulator drive it on virtual time. [`UdpShell`] puts it
//! on real sockets, called from the shard's own loop: no tasks per connection, no
//! channels, no locks; quinn-proto runs where the session runs.
//!
//! What a client gets: the ALPN `orrery/1`, one bidirectional control stream that it opens
//! itself and that lives as long as the connection, and unreliable datagrams both ways.
//! Everything else is refused. What the bytes mean is none of this crate's business.
//!
//! **Invariant:** bytes from the network never panic; every queue has a bound, and its overflow
//! is a counter or a closed connection.

#![deny(unsafe_op_in_unsafe_fn)]

mod admission;
mod batch;
mod certificate;
mod close;
mod config;
mod connection_id;
mod counters;
mod edge;
mod event;
#[cfg(test)]
mod fixture;
mod keys;
mod shell;
mod timers;
mod tls;
mod transport;

pub use batch::{Forward, Outgoing, Received, TransmitBatch};
pub use certificate::{Certificate, CertificateError, DEVELOPMENT_FILE};
pub use close::CloseCode;
pub use config::{ConfigError, EdgeConfig, Limits};
pub use counters::{Counters, SocketCounters};
pub use edge::{ANSWERS_MAX, Edge};
pub use event::{
    CLIENT_REASON_BYTES_MAX, ClosedReason, ConnectionKey, DatagramOutcome, EdgeEvent, Quality,
    SendError,
};
pub use keys::{EdgeKeys, KEYS_FILE, KeysError};
pub use quinn_proto::EcnCodepoint;
pub use shell::{BindError, Listen, ReceiveTurn, TransmitTurn, UdpShell};
pub use tls::{ALPN_ORRERY, Tls, TlsError};
