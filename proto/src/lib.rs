//! The wire between a client and the server, without any I/O: bytes come in and go out as
//! arguments, and so does time.
//!
//! - [`message`]: what the reliable control stream says, and its framing.
//! - [`handshake`]: which message is legal when; eleven steps, one machine for each side.
//! - [`input`]: the datagram that goes upstream: flight inputs and acknowledgements.
//! - [`snapshot`]: the datagram that goes downstream: the state of what a client sees, as a
//!   delta after dead reckoning with the law of motion itself, exact to the bit.
//! - [`client`]: the world as a client sees it: prediction, interpolation, extrapolation.
//!
//! `docs/protocol.md` is the normative description; `tests/golden/` has the vectors that any
//! client must pass.
//!
//! **Invariant:** no decoder panics, whatever the bytes; each of them has a fuzz target.
//! **Invariant:** nothing here reads a clock, a socket or a file.

#![forbid(unsafe_code)]

pub mod bits;
pub mod bytes;
pub mod client;
#[doc(hidden)]
pub mod exercise;
pub mod handshake;
pub mod input;
pub mod message;
pub mod snapshot;
#[doc(hidden)]
pub mod workload;

/// The version of the protocol that this crate speaks: [`message::ClientMessage::Hello`] and
/// [`message::ServerMessage::Welcome`] carry it.
pub const PROTOCOL_VERSION: u16 = 1;
/// The QUIC application protocol of native clients.
pub const ALPN: &[u8] = b"orrery/1";
/// The first byte of every datagram, in both directions: the version of their layout.
pub const DATAGRAM_VERSION: u8 = 1;
/// The second byte of a datagram that goes upstream with inputs and acknowledgements.
pub const KIND_INPUT: u8 = 1;
/// The second byte of a datagram that goes downstream with a snapshot.
pub const KIND_SNAPSHOT: u8 = 2;
/// How far apart two ticks may be for one snapshot to be the baseline of another.
pub const MAX_BASELINE_AGE: u64 = 31;
