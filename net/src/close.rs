//! The application close codes that the edge itself uses.

use core::fmt;

/// An application error code of QUIC's CONNECTION_CLOSE: 0 ..= 2³² − 1. Those below 0x100 are
/// the edge's own and named here; the session layer takes its own from 0x100 up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// All is well: the client leaves, or was told goodbye.
    pub const DONE: Self = Self(0x00);
    /// The shard has as many connections as it may have.
    pub const SERVER_FULL: Self = Self(0x01);
    /// The server is stopping.
    pub const SERVER_STOPPING: Self = Self(0x02);
    /// The client does not read its control stream as fast as things happen.
    pub const TOO_SLOW: Self = Self(0x03);
    /// The client ended, reset or refused the control stream, which lives as long as the
    /// connection.
    pub const CONTROL_STREAM_LOST: Self = Self(0x04);
    /// No control stream was opened within the time for handshakes.
    pub const NO_CONTROL_STREAM: Self = Self(0x05);
    /// The first code that is the session layer's to give.
    pub const FIRST_OF_SESSION: Self = Self(0x100);

    /// The words that go with the edge's own codes, as a player may be shown them.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::DONE => "Goodbye.",
            Self::SERVER_FULL => "The server is full. Please try again in a few minutes.",
            Self::SERVER_STOPPING => "The server is shutting down.",
            Self::TOO_SLOW => "Your connection is too slow to keep up with the game.",
            Self::CONTROL_STREAM_LOST => "The client ended the control stream.",
            Self::NO_CONTROL_STREAM => "The client opened no control stream in time.",
            _ => "The session has ended.",
        }
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({:#x})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
