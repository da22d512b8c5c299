//! Bytes in and out, for what stays inside the host: checkpoints and the journal.
//!
//! Integers are little-endian; a count or a length is a LEB128 varint. Bytes from a disk are
//! never trusted: every read is checked and a count is held against the bytes that are left
//! before anything is reserved for it, so no input makes a decoder panic or allocate more than a
//! small multiple of its length. (Clients' bytes are another crate's business.)

#[cfg(test)]
mod tests;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("{needed} more bytes expected, {left} left")]
    Truncated {
        /// Bytes that the next value needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// Bytes are left over after the last value.
    #[error("{0} bytes left over")]
    Trailing(usize),
    /// Written by another version of the format.
    #[error("format version {found}, this build reads {known}")]
    Version {
        /// The version in the bytes.
        found: u32,
        /// The version that this build reads.
        known: u32,
    },
    /// The checksum does not match: the bytes were damaged.
    #[error("the checksum does not match")]
    Checksum,
    /// A value that the writer never writes.
    #[error("invalid {0}")]
    Invalid(&'static str),
}

/// Reads values from the front of a slice.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident: $int:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`DecodeError::Truncated`] if too few bytes are left.
        pub fn $name(&mut self) -> Result<$int, DecodeError> {
            Ok(<$int>::from_le_bytes(self.array()?))
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if fewer are left.
    pub const fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        if let Some((head, tail)) = self.rest.split_at_checked(count) {
            self.rest = tail;
            Ok(head)
        } else {
            Err(DecodeError::Truncated {
                needed: count,
                left: self.rest.len(),
            })
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    reads! {
        /// An unsigned byte.
        u8: u8;
        /// 16 bits.
        u16: u16;
        /// 32 bits.
        u32: u32;
        /// 64 bits.
        u64: u64;
        /// 32 bits, signed.
        i32: i32;
        /// 64 bits, signed.
        i64: i64;
    }

    /// A flag: one byte, 0 or 1.
    ///
    /// # Errors
    /// If no byte is left or it is neither 0 nor 1.
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(DecodeError::Invalid("flag")),
        }
    }

    /// A LEB128 number, in its shortest form only.
    ///
    /// # Errors
    /// If the bytes end within it, it exceeds 64 bits or is longer than it need be.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                return Err(DecodeError::Invalid("varint"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Invalid("varint"))
    }

    /// How many values follow, each of which takes at least `bytes_each` (≥ 1) bytes: so the
    /// result is a safe capacity.
    ///
    /// # Errors
    /// As [`Reader::varint`]; [`DecodeError::Truncated`] if so many cannot follow.
    pub fn count(&mut self, bytes_each: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        let needed = count.saturating_mul(bytes_each.max(1));
        if needed > self.rest.len() {
            return Err(DecodeError::Truncated {
                needed,
                left: self.rest.len(),
            });
        }
        Ok(count)
    }

    /// A length and as many bytes, as a reader of their own.
    ///
    /// # Errors
    /// As [`Reader::count`].
    pub fn section(&mut self) -> Result<Self, DecodeError> {
        let length = self.count(1)?;
        Ok(Self::new(self.bytes(length)?))
    }

    /// Reads the number of a format's version, which must be the known one.
    ///
    /// # Errors
    /// [`DecodeError::Version`] if it is another.
    pub fn version<T: Into<u32>>(
        &mut self,
        known: u32,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<(), DecodeError> {
        let found = read(self)?.into();
        if found == known {
            Ok(())
        } else {
            Err(DecodeError::Version { found, known })
        }
    }

    /// Everything that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if anything is left.
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing(self.rest.len()))
        }
    }
}

macro_rules! puts {
    ($($(#[$doc:meta])* $name:ident: $int:ty;)*) => {$(
        $(#[$doc])*
        fn $name(&mut self, value: $int);
    )*};
}

macro_rules! put_impls {
    ($($name:ident: $int:ty;)*) => {$(
        fn $name(&mut self, value: $int) {
            self.extend_from_slice(&value.to_le_bytes());
        }
    )*};
}

/// Appends values to a byte vector; the counterpart of [`Reader`].
pub trait Put {
    puts! {
        /// A byte.
        put_u8: u8;
        /// 16 bits.
        put_u16: u16;
        /// 32 bits.
        put_u32: u32;
        /// 64 bits.
        put_u64: u64;
        /// 32 bits, signed.
        put_i32: i32;
        /// 64 bits, signed.
        put_i64: i64;
        /// A LEB128 number.
        put_varint: u64;
        /// A flag: one byte, 0 or 1.
        put_flag: bool;
    }

    /// What `write` appends, preceded by its length: the counterpart of [`Reader::section`].
    fn put_section(&mut self, write: impl FnOnce(&mut Self));
}

impl Put for Vec<u8> {
    put_impls! {
        put_u8: u8;
        put_u16: u16;
        put_u32: u32;
        put_u64: u64;
        put_i32: i32;
        put_i64: i64;
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_flag(&mut self, value: bool) {
        self.push(u8::from(value));
    }

    fn put_section(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.len();
        // Nearly every section is shorter than 128 bytes, so its length is one byte; a longer
        // one is moved up.
        self.push(0);
        write(self);
        let length = self.len() - start - 1;
        if length < 0x80 {
            self[start] = length as u8;
            return;
        }
        let mut prefix = Self::with_capacity(10);
        prefix.put_varint(length as u64);
        self.splice(start..=start, prefix);
    }
}

/// Ends what has been written to `bytes` since `start` with its checksum.
pub(crate) fn seal(bytes: &mut Vec<u8>, start: usize) {
    let checksum = crc32c::crc32c(&bytes[start..]);
    bytes.put_u32(checksum);
}

/// A reader over what was sealed, if its checksum is right.
pub(crate) fn checked(bytes: &[u8]) -> Result<Reader<'_>, DecodeError> {
    let Some((body, checksum)) = bytes.split_last_chunk::<4>() else {
        let left = bytes.len();
        return Err(DecodeError::Truncated { needed: 4, left });
    };
    if crc32c::crc32c(body) == u32::from_le_bytes(*checksum) {
        Ok(Reader::new(body))
    } else {
        Err(DecodeError::Checksum)
    }
}
