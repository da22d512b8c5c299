//! What ends a player's connection, or keeps it from being made.

use orrery_proto::message::RefusalCode;

use crate::connection::ConnectError;

/// Why a player is not, or no longer, connected.
#[derive(Debug, thiserror::Error)]
pub enum PlayerError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused, in its own words.
    #[error("refused: {sentence} ({code:?})")]
    Refused {
        /// Why.
        code: RefusalCode,
        /// The same for the player.
        sentence: String,
    },
    /// The connection was lost, or closed.
    #[error("the connection has ended")]
    Connection(#[source] quinn::ConnectionError),
    /// The control stream could not be read.
    #[error("read the control stream")]
    Read(#[source] quinn::ReadError),
    /// The control stream could not be written.
    #[error("write the control stream")]
    Write(#[source] quinn::WriteError),
    /// The server ended the control stream.
    #[error("the server ended the control stream")]
    StreamEnded,
    /// The server said something that is no message, or not at the right time.
    #[error("understand the server: {0}")]
    Protocol(String),
}

/// The close code of a server that is full: its edge has no room for a session to say so.
const CLOSE_SERVER_FULL: u64 = 0x01;
/// From this close code on it is a [`RefusalCode`], counted from here.
const CLOSE_REFUSED: u64 = 0x100;

/// A server that refuses says why in a message and again in the close of the connection. The
/// close overtakes the message more often than not, and means the same.
impl From<quinn::ConnectionError> for PlayerError {
    fn from(error: quinn::ConnectionError) -> Self {
        let quinn::ConnectionError::ApplicationClosed(close) = &error else {
            return Self::Connection(error);
        };
        let code = match close.error_code.into_inner() {
            CLOSE_SERVER_FULL => RefusalCode::ServerFull,
            code if code >= CLOSE_REFUSED => RefusalCode::from_number(code - CLOSE_REFUSED),
            _ => return Self::Connection(error),
        };
        Self::Refused {
            code,
            sentence: String::from_utf8_lossy(&close.reason).into_owned(),
        }
    }
}

impl From<quinn::ReadError> for PlayerError {
    fn from(error: quinn::ReadError) -> Self {
        match error {
            quinn::ReadError::ConnectionLost(error) => error.into(),
            error => Self::Read(error),
        }
    }
}

impl From<quinn::WriteError> for PlayerError {
    fn from(error: quinn::WriteError) -> Self {
        match error {
            quinn::WriteError::ConnectionLost(error) => error.into(),
            error => Self::Write(error),
        }
    }
}
