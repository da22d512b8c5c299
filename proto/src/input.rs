//! The datagram that goes upstream: flight inputs and the acknowledgement of snapshots.
//!
//! Whole bytes, integers little endian:
//!
//! | bytes | field |
//! | --- | --- |
//! | 1 | [`DATAGRAM_VERSION`] |
//! | 1 | [`KIND_INPUT`] |
//! | 4 | `sequence` of this datagram |
//! | 1 | bits 0–1: count of inputs, 0–3; bit 2: an acknowledgement follows; the rest zero |
//! | 1 + 8 + 4 | only with bit 2: `epoch`, `tick`, `mask` |
//! | 4 + 6 + 2 each | inputs, newest first: `sequence`, `direction`, `throttle` |
//!
//! A datagram may be lost, so each carries the last inputs again: one that gets through brings
//! what up to two lost ones before it had. Bytes behind the last field are ignored: a later
//! version may append there.

use orrery_base::Tick;
use orrery_base::command::{DIRECTION_ONE, THROTTLE_FULL};
use thiserror::Error;

use crate::{DATAGRAM_VERSION, KIND_INPUT};

/// The most inputs in one datagram.
pub const MAX_INPUTS: usize = 3;
/// The longest datagram of this version.
pub const MAX_INPUT_BYTES: usize = 7 + 13 + 12 * MAX_INPUTS;
const HAS_ACKNOWLEDGEMENT: u8 = 1 << 2;

/// One flight input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FlyInput {
    /// Counts this client's inputs up from 1.
    pub sequence: u32,
    /// Unit vector, [`DIRECTION_ONE`] long.
    pub direction: [i16; 3],
    /// 0..=[`THROTTLE_FULL`].
    pub throttle: u16,
}

impl FlyInput {
    /// Whether the direction is a unit vector within 1 % and the throttle in its range. What a
    /// client sends may be anything: the rules judge it, the decoder does not.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let square: i64 = self
            .direction
            .iter()
            .map(|&axis| i64::from(axis) * i64::from(axis))
            .sum();
        let one = i64::from(DIRECTION_ONE) * i64::from(DIRECTION_ONE);
        // 1 % of the length is 2 % of the square.
        (square - one).abs() <= one / 50 && self.throttle <= THROTTLE_FULL
    }
}

/// Which snapshots the client has applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SnapshotAck {
    /// The epoch of these snapshots (see [`crate::snapshot`]).
    pub epoch: u8,
    /// The newest one.
    pub tick: Tick,
    /// Bit `i`: the one of `tick − 1 − i`.
    pub mask: u32,
}

impl SnapshotAck {
    /// Whether the snapshot of `tick` is acknowledged.
    #[must_use]
    pub fn contains(&self, tick: Tick) -> bool {
        if tick == self.tick {
            return true;
        }
        match self.tick.0.checked_sub(tick.0) {
            Some(age @ 1..=32) => self.mask >> (age - 1) & 1 != 0,
            _ => false,
        }
    }
}

/// A datagram that goes upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InputDatagram {
    /// Counts this client's input datagrams up from 1; a lower one than the newest is stale.
    pub sequence: u32,
    /// The snapshots that the client has; `None` before the first.
    pub acknowledgement: Option<SnapshotAck>,
    inputs: [FlyInput; MAX_INPUTS],
    count: u8,
}

/// Why bytes are not an input datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InputError {
    /// Another layout.
    #[error("datagram version {0}, this side speaks {DATAGRAM_VERSION}")]
    Version(u8),
    /// Not an input datagram.
    #[error("datagram kind {0} is not an input")]
    Kind(u8),
    /// The bytes end before the fields.
    #[error("the datagram ends within a field")]
    Truncated,
    /// A bit is set that this version does not define.
    #[error("flags {0:#04x} have undefined bits")]
    Flags(u8),
}

impl InputDatagram {
    /// A datagram with the newest [`MAX_INPUTS`] of `newest_first`.
    #[must_use]
    pub fn new(
        sequence: u32,
        acknowledgement: Option<SnapshotAck>,
        newest_first: &[FlyInput],
    ) -> Self {
        let mut inputs = [FlyInput::default(); MAX_INPUTS];
        let count = newest_first.len().min(MAX_INPUTS);
        inputs[..count].copy_from_slice(&newest_first[..count]);
        Self {
            sequence,
            acknowledgement,
            inputs,
            count: count as u8,
        }
    }

    /// The inputs, newest first.
    #[must_use]
    pub fn inputs(&self) -> &[FlyInput] {
        &self.inputs[..usize::from(self.count)]
    }

    /// Appends the datagram's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[DATAGRAM_VERSION, KIND_INPUT]);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        let flag = if self.acknowledgement.is_some() {
            HAS_ACKNOWLEDGEMENT
        } else {
            0
        };
        out.push(self.count | flag);
        if let Some(ack) = &self.acknowledgement {
            out.push(ack.epoch);
            out.extend_from_slice(&ack.tick.0.to_le_bytes());
            out.extend_from_slice(&ack.mask.to_le_bytes());
        }
        for input in self.inputs() {
            out.extend_from_slice(&input.sequence.to_le_bytes());
            for axis in input.direction {
                out.extend_from_slice(&axis.to_le_bytes());
            }
            out.extend_from_slice(&input.throttle.to_le_bytes());
        }
    }

    /// Reads a datagram.
    ///
    /// # Errors
    /// [`InputError`] for anything that is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, InputError> {
        let mut rest = bytes;
        let [version] = split(&mut rest)?;
        if version != DATAGRAM_VERSION {
            return Err(InputError::Version(version));
        }
        let [kind] = split(&mut rest)?;
        if kind != KIND_INPUT {
            return Err(InputError::Kind(kind));
        }
        let sequence = u32::from_le_bytes(split(&mut rest)?);
        let [flags] = split(&mut rest)?;
        if flags & !(HAS_ACKNOWLEDGEMENT | 3) != 0 {
            return Err(InputError::Flags(flags));
        }
        let mut datagram = Self {
            sequence,
            acknowledgement: None,
            inputs: [FlyInput::default(); MAX_INPUTS],
            count: flags & 3,
        };
        if flags & HAS_ACKNOWLEDGEMENT != 0 {
            let [epoch] = split(&mut rest)?;
            datagram.acknowledgement = Some(SnapshotAck {
                epoch,
                tick: Tick(u64::from_le_bytes(split(&mut rest)?)),
                mask: u32::from_le_bytes(split(&mut rest)?),
            });
        }
        for input in &mut datagram.inputs[..usize::from(flags & 3)] {
            input.sequence = u32::from_le_bytes(split(&mut rest)?);
            for axis in &mut input.direction {
                *axis = i16::from_le_bytes(split(&mut rest)?);
            }
            input.throttle = u16::from_le_bytes(split(&mut rest)?);
        }
        Ok(datagram)
    }
}

fn split<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InputError> {
    let (head, tail) = rest.split_first_chunk().ok_or(InputError::Truncated)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests;
