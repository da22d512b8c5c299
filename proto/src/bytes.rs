//! Fields of whole bytes: what the control stream's messages are made of.
//!
//! Integers are little endian where fixed, otherwise varints: groups of seven bits, low group
//! first, bit 7 set where another group follows, in the shortest form only. Strings and byte
//! strings have a varint length before them.
//!
//! **Evolution.** A reader that stands at the end of the frame gives every further field its
//! default; a frame that goes on after the last known field is read as far as it is known. So
//! fields may be appended to a message for ever, and never be changed or removed. A frame that
//! ends *within* a field is an error.

use thiserror::Error;

/// Why bytes are not fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FieldError {
    /// The frame ends within a field.
    #[error("the frame ends within a field")]
    Truncated,
    /// A varint is longer than it needs to be or does not fit 64 bits.
    #[error("a varint is not in its shortest form")]
    Varint,
    /// A number is outside of what its field allows.
    #[error("{0} is outside of the field's range")]
    Range(u64),
    /// A string, byte string or list is longer than its field allows.
    #[error("{length} elements, at most {most} are allowed")]
    TooLong {
        /// How many elements or bytes the frame announces.
        length: u64,
        /// The field's limit.
        most: usize,
    },
    /// A string is not UTF-8.
    #[error("a string is not UTF-8")]
    Utf8,
    /// A number names nothing that this version knows, and what it is in means nothing without
    /// it. Decoders of commands, queries and views take it for the unknown that it is.
    #[error("{0} names nothing that this version knows")]
    Unknown(u64),
}

/// Appends a varint.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a byte string with its length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Shortens a string to at most `most` bytes, at a character boundary.
#[must_use]
pub fn clip(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Reads a varint from the front of `bytes`: the value and its length. `Ok(None)` if the bytes
/// end within it.
///
/// # Errors
/// [`FieldError::Varint`] if it is not in its shortest form or exceeds 64 bits.
pub fn split_varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, FieldError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && byte > 1 {
            return Err(FieldError::Varint);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            if index > 0 && bits == 0 {
                return Err(FieldError::Varint);
            }
            return Ok(Some((value, index + 1)));
        }
    }
    Ok(None)
}

/// Reads the fields of one frame, in order.
#[derive(Clone, Copy, Debug)]
pub struct FieldReader<'a> {
    rest: &'a [u8],
}

impl<'a> FieldReader<'a> {
    /// Starts at the first field.
    #[must_use]
    pub const fn new(frame: &'a [u8]) -> Self {
        Self { rest: frame }
    }

    /// Whether every further field has its default.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that were not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Exactly `count` bytes.
    ///
    /// # Errors
    /// [`FieldError::Truncated`] if there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FieldError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(FieldError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Exactly `N` bytes; zeros at the end of the frame.
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], FieldError> {
        if self.rest.is_empty() {
            return Ok([0; N]);
        }
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(FieldError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A varint; zero at the end of the frame.
    ///
    /// # Errors
    /// As [`split_varint`], and [`FieldError::Truncated`].
    pub fn varint(&mut self) -> Result<u64, FieldError> {
        if self.rest.is_empty() {
            return Ok(0);
        }
        let (value, length) = split_varint(self.rest)?.ok_or(FieldError::Truncated)?;
        self.rest = &self.rest[length..];
        Ok(value)
    }

    /// A varint that fits `T`.
    ///
    /// # Errors
    /// As [`FieldReader::varint`], and [`FieldError::Range`].
    pub fn int<T: TryFrom<u64>>(&mut self) -> Result<T, FieldError> {
        let value = self.varint()?;
        T::try_from(value).map_err(|_| FieldError::Range(value))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// [`FieldError::Truncated`].
    pub fn u64_fixed(&mut self) -> Result<u64, FieldError> {
        self.fixed().map(u64::from_le_bytes)
    }

    /// Sixteen bytes.
    ///
    /// # Errors
    /// [`FieldError::Truncated`].
    pub fn u128_fixed(&mut self) -> Result<u128, FieldError> {
        self.fixed().map(u128::from_le_bytes)
    }

    /// Two bytes, signed.
    ///
    /// # Errors
    /// [`FieldError::Truncated`].
    pub fn i16_fixed(&mut self) -> Result<i16, FieldError> {
        self.fixed().map(i16::from_le_bytes)
    }

    /// One byte.
    ///
    /// # Errors
    /// None in practice; the type is that of its siblings.
    pub fn u8(&mut self) -> Result<u8, FieldError> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    /// A count of elements, at most `most`.
    ///
    /// # Errors
    /// [`FieldError::TooLong`] and those of [`FieldReader::varint`].
    pub fn count(&mut self, most: usize) -> Result<usize, FieldError> {
        let length = self.varint()?;
        match usize::try_from(length) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(FieldError::TooLong { length, most }),
        }
    }

    /// A byte string of at most `most` bytes.
    ///
    /// # Errors
    /// [`FieldError::TooLong`], [`FieldError::Truncated`], [`FieldError::Varint`].
    pub fn bytes(&mut self, most: usize) -> Result<&'a [u8], FieldError> {
        let count = self.count(most)?;
        self.take(count)
    }

    /// A string of at most `most` bytes.
    ///
    /// # Errors
    /// As [`FieldReader::bytes`], and [`FieldError::Utf8`].
    pub fn text(&mut self, most: usize) -> Result<String, FieldError> {
        let bytes = self.bytes(most)?;
        core::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| FieldError::Utf8)
    }
}

#[cfg(test)]
mod tests;
