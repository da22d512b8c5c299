//! Bytes of a stored row: one version byte, then the row in rkyv's archived form.
//!
//! Reading is always checked: a row that the disk has damaged, or that a newer server has
//! written, is an error and never a panic. The archived bytes are copied once to an aligned
//! buffer (rows are 20 to 300 bytes); in exchange the store may hand them over at any address.

use rkyv::Archive;
use rkyv::api::high::{HighDeserializer, HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor;
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;

/// Why the bytes of a row could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordError {
    /// Not even a version byte.
    #[error("the row is empty")]
    Empty,
    /// A version that this server does not know.
    #[error("the row has version {found}, this server reads version {expected}")]
    Version {
        /// The row's version byte.
        found: u8,
        /// The version that this server writes.
        expected: u8,
    },
    /// The bytes are not such a row.
    #[error("the row is damaged: {0}")]
    Damaged(String),
}

/// The bytes of `row`, headed by `version`.
pub(crate) fn encode<T>(version: u8, row: &T) -> Vec<u8>
where
    T: for<'a> rkyv::Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, rancor::Error>>,
{
    let archived = rkyv::to_bytes::<rancor::Error>(row)
        .expect("integers and strings are archived into memory, where nothing can fail");
    let mut bytes = Vec::with_capacity(1 + archived.len());
    bytes.push(version);
    bytes.extend_from_slice(&archived);
    bytes
}

/// The row in `bytes`, which must have this version.
pub(crate) fn decode<T>(version: u8, bytes: &[u8]) -> Result<T, RecordError>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, rancor::Error>>
        + rkyv::Deserialize<T, HighDeserializer<rancor::Error>>,
{
    let (&found, archived) = bytes.split_first().ok_or(RecordError::Empty)?;
    if found != version {
        return Err(RecordError::Version {
            found,
            expected: version,
        });
    }
    let mut aligned = AlignedVec::<16>::with_capacity(archived.len());
    aligned.extend_from_slice(archived);
    rkyv::from_bytes::<T, rancor::Error>(&aligned)
        .map_err(|error| RecordError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests;
