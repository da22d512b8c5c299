//! Writing and reading single bits, least significant bit first.
//!
//! Bit `i` of the stream is bit `i % 8` of byte `i / 8`; a value of `n` bits has its least
//! significant bit first. The writer collects 64-bit words, so that appending a record of up
//! to 64 bits that was encoded before is one shift, two ors and at most one push.
//!
//! Cost: about 1 ns per written value of any width.

use thiserror::Error;

/// The bytes ended before the value did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the bits end at {available}, {wanted} more were wanted")]
pub struct EndOfBits {
    /// How many bits there were, in all.
    pub available: u64,
    /// How many bits the read wanted.
    pub wanted: u32,
}

/// Maps signed to unsigned so that small magnitudes stay small: 0, −1, 1, −2, 2 …
#[inline]
#[must_use]
pub const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

/// The inverse of [`zigzag`].
#[inline]
#[must_use]
pub const fn unzigzag(value: u32) -> i32 {
    ((value >> 1) as i32) ^ -((value & 1) as i32)
}

/// How many bits `value` needs: 0 for 0, 64 for `u64::MAX`.
#[inline]
#[must_use]
pub const fn width(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// A place in a [`BitWriter`] to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    words: usize,
    accumulator: u64,
    used: u32,
}

/// Collects bits.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    words: Vec<u64>,
    accumulator: u64,
    /// Bits of the accumulator that are in use: 0..=63.
    used: u32,
}

impl BitWriter {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty writer with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            words: Vec::with_capacity(bytes.div_ceil(8)),
            ..Self::default()
        }
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.words.clear();
        self.accumulator = 0;
        self.used = 0;
    }

    /// How many bits were written.
    #[inline]
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.words.len() as u64 * 64 + u64::from(self.used)
    }

    /// How many bytes the bits need.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.words.len() * 8 + self.used.div_ceil(8) as usize
    }

    /// Appends the low `count` bits of `value`, at most 64. The bits above must be zero.
    #[inline(always)]
    pub fn write(&mut self, value: u64, count: u32) {
        debug_assert!(
            count <= 64 && (count == 64 || value >> count == 0),
            "the value fits its width"
        );
        self.accumulator |= value << self.used;
        let filled = self.used + count;
        if filled >= 64 {
            self.words.push(self.accumulator);
            // With nothing in the accumulator before, `value` is spent; the shift by 64 that
            // would say so does not exist, so it is made in two.
            self.accumulator = (value >> 1) >> (63 - self.used);
            self.used = filled - 64;
        } else {
            self.used = filled;
        }
    }

    /// Appends one bit.
    #[inline]
    pub fn write_bit(&mut self, bit: bool) {
        self.write(u64::from(bit), 1);
    }

    /// Appends `count` bits that were encoded before, 64 to a word; the bits of the last word
    /// above `count` must be zero.
    ///
    /// # Panics
    /// If the words hold fewer bits than `count`.
    #[inline]
    pub fn append(&mut self, words: &[u64], count: u32) {
        let mut left = count;
        for &word in &words[..(count as usize).div_ceil(64)] {
            let part = left.min(64);
            self.write(word, part);
            left -= part;
        }
    }

    /// Appends a variable-length integer: groups of seven bits, low group first, each followed
    /// by a bit that says whether another one follows. Canonical: no group of zeros at the end.
    pub fn write_varint(&mut self, mut value: u64) {
        loop {
            let group = value & 0x7f;
            value >>= 7;
            let more = u64::from(value != 0);
            self.write(group | more << 7, 8);
            if more == 0 {
                return;
            }
        }
    }

    /// Where the writer is.
    #[inline]
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            words: self.words.len(),
            accumulator: self.accumulator,
            used: self.used,
        }
    }

    /// Takes back everything that was written after the checkpoint.
    pub fn rewind(&mut self, to: Checkpoint) {
        self.words.truncate(to.words);
        self.accumulator = to.accumulator;
        self.used = to.used;
    }

    /// Appends the bytes to `out`; the last one is filled up with zero bits.
    pub fn copy_into(&self, out: &mut Vec<u8>) {
        out.reserve(self.words.len() * 8 + 8);
        for word in &self.words {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let tail = self.used.div_ceil(8) as usize;
        out.extend_from_slice(&self.accumulator.to_le_bytes()[..tail]);
    }

    /// Writes zero bits up to the next multiple of 64, so that what follows begins a word.
    #[inline]
    pub fn pad_to_word(&mut self) {
        if self.used > 0 {
            self.words.push(self.accumulator);
            self.accumulator = 0;
            self.used = 0;
        }
    }

    /// The bits as words; the last one is filled up with zero bits.
    #[must_use]
    pub fn into_words(mut self) -> Vec<u64> {
        self.pad_to_word();
        self.words
    }
}

/// Reads bits from bytes that may be anything.
#[derive(Clone, Copy, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: u64,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bits were read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.at
    }

    /// How many bits are left.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.bytes.len() as u64 * 8 - self.at
    }

    /// Reads `count` bits, at most 64.
    ///
    /// # Errors
    /// [`EndOfBits`] if fewer are left; nothing is consumed then.
    ///
    /// # Panics
    /// Never for `count` ≤ 64.
    #[inline]
    pub fn read(&mut self, count: u32) -> Result<u64, EndOfBits> {
        debug_assert!(count <= 64, "at most one word at a time");
        if u64::from(count) > self.remaining() {
            return Err(EndOfBits {
                available: self.bytes.len() as u64 * 8,
                wanted: count,
            });
        }
        if count == 0 {
            return Ok(0);
        }
        let byte = (self.at >> 3) as usize;
        let shift = (self.at & 7) as u32;
        self.at += u64::from(count);
        let mut value = self.word(byte) >> shift;
        if shift + count > 64 {
            // The ninth byte: there is one, because the count was checked.
            value |= u64::from(self.bytes[byte + 8]) << (64 - shift);
        }
        Ok(value & (u64::MAX >> (64 - count)))
    }

    /// The eight bytes from `byte` on, with zeros behind the end.
    #[inline]
    fn word(&self, byte: usize) -> u64 {
        let rest = &self.bytes[byte..];
        if let Some(word) = rest.first_chunk::<8>() {
            u64::from_le_bytes(*word)
        } else {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(word)
        }
    }

    /// Reads up to 32 bits.
    ///
    /// # Errors
    /// [`EndOfBits`] if fewer are left.
    #[inline]
    pub fn read_u32(&mut self, count: u32) -> Result<u32, EndOfBits> {
        debug_assert!(count <= 32, "fits a u32");
        self.read(count).map(|value| value as u32)
    }

    /// Reads one bit.
    ///
    /// # Errors
    /// [`EndOfBits`] if none is left.
    #[inline]
    pub fn read_bit(&mut self) -> Result<bool, EndOfBits> {
        self.read(1).map(|bit| bit != 0)
    }

    /// Reads what [`BitWriter::write_varint`] wrote; `None` for an encoding that is longer than
    /// it needs to be or has more than 64 bits.
    ///
    /// # Errors
    /// [`EndOfBits`] if the bits end within the value.
    pub fn read_varint(&mut self) -> Result<Option<u64>, EndOfBits> {
        let mut value = 0_u64;
        for group in 0..10 {
            let byte = self.read(8)?;
            let bits = byte & 0x7f;
            // The tenth group has room for one bit.
            if group == 9 && bits > 1 {
                return Ok(None);
            }
            value |= bits << (7 * group);
            if byte & 0x80 == 0 {
                let canonical = group == 0 || bits != 0;
                return Ok(canonical.then_some(value));
            }
        }
        Ok(None)
    }

    /// Whether only the zero bits that fill up the last byte are left.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let mut rest = *self;
        let left = self.remaining();
        left < 8 && rest.read(left as u32) == Ok(0)
    }
}

#[cfg(test)]
mod tests;
