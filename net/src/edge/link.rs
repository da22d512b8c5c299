//! One connection and its control stream.

use bytes::{Buf as _, Bytes, BytesMut};
use quinn_proto::{Connection, ConnectionError, ReadError, ReadableError, StreamId, WriteError};

use crate::event::{CLIENT_REASON_BYTES_MAX, ClosedReason};

/// The control stream cannot be used any more.
#[derive(Debug)]
pub(super) struct StreamLost;

/// The rest of a connection.
pub(super) struct Link {
    pub(super) connection: Connection,
    /// The control stream, once the client has opened it.
    pub(super) stream: Option<StreamId>,
    /// Bytes of the control stream that QUIC does not take yet.
    pub(super) backlog: BytesMut,
}

impl Link {
    /// Queues bytes behind the backlog.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StreamLost> {
        let written = if self.backlog.is_empty() {
            self.push(bytes)?
        } else {
            0
        };
        self.backlog.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Gives QUIC as much of the backlog as it takes.
    pub(super) fn flush(&mut self) -> Result<(), StreamLost> {
        if !self.backlog.is_empty() {
            let backlog = core::mem::take(&mut self.backlog);
            let written = self.push(&backlog)?;
            self.backlog = backlog;
            self.backlog.advance(written);
            if self.backlog.is_empty() {
                // The peak of a slow moment is not kept for the life of the connection.
                self.backlog = BytesMut::new();
            }
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<usize, StreamLost> {
        let Some(stream) = self.stream else {
            return Ok(0);
        };
        let mut written = 0;
        while written < bytes.len() {
            match self.connection.send_stream(stream).write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(WriteError::Blocked) => break,
                Err(WriteError::Stopped(_) | WriteError::ClosedStream) => return Err(StreamLost),
            }
        }
        Ok(written)
    }

    /// Reads all that is there. The bool says whether the stream can still bring more.
    pub(super) fn read(&mut self, stream: StreamId) -> (Bytes, bool) {
        let mut receive = self.connection.recv_stream(stream);
        let mut chunks = match receive.read(true) {
            Ok(chunks) => chunks,
            Err(ReadableError::ClosedStream | ReadableError::IllegalOrderedRead) => {
                return (Bytes::new(), false);
            }
        };
        let mut first = Bytes::new();
        // Several chunks are joined, so that a client that cuts its bytes into many frames does
        // not make many events of them.
        let mut joined = BytesMut::new();
        let alive = loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) if first.is_empty() => first = chunk.bytes,
                Ok(Some(chunk)) => {
                    if joined.is_empty() {
                        joined.extend_from_slice(&first);
                    }
                    joined.extend_from_slice(&chunk.bytes);
                }
                Ok(None) | Err(ReadError::Reset(_)) => break false,
                Err(ReadError::Blocked) => break true,
            }
        };
        // Whether flow control has something to say: every caller marks the connection dirty.
        let _ = chunks.finalize();
        (
            if joined.is_empty() {
                first
            } else {
                joined.freeze()
            },
            alive,
        )
    }
}

pub(super) fn closed_reason(error: ConnectionError) -> ClosedReason {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let kept = &close.reason[..close.reason.len().min(CLIENT_REASON_BYTES_MAX)];
            ClosedReason::ByClient {
                code: close.error_code.into_inner(),
                reason: String::from_utf8_lossy(kept).into_owned(),
            }
        }
        ConnectionError::ConnectionClosed(close) => ClosedReason::Transport {
            code: close.error_code.into(),
            reason: close.to_string(),
        },
        ConnectionError::TransportError(error) => ClosedReason::Transport {
            code: error.code.into(),
            reason: error.to_string(),
        },
        ConnectionError::TimedOut => ClosedReason::TimedOut,
        ConnectionError::Reset => ClosedReason::Reset,
        // These three happen to clients, or before a connection exists.
        ConnectionError::VersionMismatch
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ClosedReason::Transport {
            code: 0,
            reason: error.to_string(),
        },
    }
}
