//! Frames: where one message ends and the next begins.

use thiserror::Error;

use super::MAX_MESSAGE_BYTES;
use crate::bytes::{put_varint, split_varint};

/// Why the bytes of a control stream are not frames. The stream cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FrameError {
    /// A frame announces more than [`MAX_MESSAGE_BYTES`].
    #[error("a frame of {0} bytes, at most {MAX_MESSAGE_BYTES} are allowed")]
    Oversize(u64),
    /// A length is not a varint in its shortest form.
    #[error("a frame's length is not a varint in its shortest form")]
    Length,
}

/// Appends what `body` appends, with its length before it.
pub(super) fn put_frame(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    body(out);
    let length = out.len() - start;
    debug_assert!(
        length <= MAX_MESSAGE_BYTES,
        "the limits of the fields add up to less than a frame"
    );
    // The length goes behind the body and is then turned to the front: no second buffer.
    put_varint(out, length as u64);
    let prefix = out.len() - start - length;
    out[start..].rotate_right(prefix);
}

/// Cuts a stream into frames: push bytes as they come, poll frames until there is none.
///
/// It holds what was pushed and not yet polled: a caller that polls after each push holds less
/// than one frame and one push.
#[derive(Clone, Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Where the first frame that was not yielded begins.
    start: usize,
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the stream's next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Yields the next whole frame: kind and fields, for `ClientMessage::decode` or
    /// `ServerMessage::decode`.
    ///
    /// # Errors
    /// [`FrameError`], from then on always the same.
    pub fn poll(&mut self) -> Result<Option<&[u8]>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match Self::split(&self.buffer[self.start..]) {
            Ok(None) => Ok(None),
            Ok(Some((prefix, length))) => {
                let from = self.start + prefix;
                self.start = from + length;
                Ok(Some(&self.buffer[from..self.start]))
            }
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
                self.start = 0;
                Err(error)
            }
        }
    }

    /// How many bytes wait for the rest of their frame.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// The lengths of the prefix and of the frame at the front, if it is whole.
    fn split(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
        let announced = split_varint(bytes).map_err(|_| FrameError::Length)?;
        let Some((length, prefix)) = announced else {
            return Ok(None);
        };
        match usize::try_from(length) {
            Ok(length) if length <= MAX_MESSAGE_BYTES => {
                Ok((bytes.len() - prefix >= length).then_some((prefix, length)))
            }
            _ => Err(FrameError::Oversize(length)),
        }
    }
}
