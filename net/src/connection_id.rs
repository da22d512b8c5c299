//! Connection ids that say which shard a packet belongs to.
//!
//! ```text
//! byte    0      1 … 4     5 … 7
//!       shard    nonce      tag        tag = the first 3 bytes of PRF(key, shard ‖ nonce)
//! ```
//!
//! The kernel spreads packets over the shards' sockets by a hash of the addresses. A client
//! whose address changes (a phone that leaves its Wi-Fi, a NAT that forgets) lands elsewhere;
//! the first byte of its packets still names its shard, and the packet is handed over.
//!
//! The tag keeps garbage out: of random packets one in 16 million passes, so that a flood of
//! them neither crosses to another shard nor draws stateless resets. PRF is AES-128 as QUIC's
//! header protection uses it, some ten nanoseconds. An observer learns the number of the
//! shard, and nothing that links two ids of one connection.

use core::time::Duration;

use orrery_base::ShardIndex;
use quinn_proto::{ConnectionId, ConnectionIdGenerator, InvalidCid};
use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::rand::{SecureRandom as _, SystemRandom};

#[cfg(test)]
mod tests;

/// Length of our connection ids.
pub(crate) const ID_BYTES: usize = 8;
const NONCE: core::ops::Range<usize> = 1..5;
const TAG: core::ops::Range<usize> = 5..8;

/// Bits of the first byte of a packet, RFC 9000 §17.
const LONG_HEADER: u8 = 0x80;
/// Offset of a long header's destination connection id: flags, four bytes of version, length.
const LONG_HEADER_ID: usize = 6;

/// Makes and recognises connection ids.
pub(crate) struct ShardIds {
    key: HeaderProtectionKey,
    shard: u8,
    shards: u16,
    /// Nonces are an encrypted counter: unique for long, and without a call to the system.
    counter: u64,
}

impl ShardIds {
    pub(crate) fn new(key: &[u8; 16], shard: ShardIndex, shards: u16) -> Self {
        let mut counter = [0; 8];
        // Without randomness the counter starts at zero: ids would then repeat those of the
        // process before, which costs a stray packet and no more.
        if SystemRandom::new().fill(&mut counter).is_err() {
            tracing::warn!("no random bytes: connection ids repeat those of the last start");
        }
        Self {
            key: HeaderProtectionKey::new(&AES_128, key).expect("an AES-128 key has 16 bytes"),
            shard: shard.0 as u8,
            shards,
            counter: u64::from_le_bytes(counter),
        }
    }

    fn prf(&self, domain: u8, input: &[u8]) -> [u8; 5] {
        let mut sample = [0; 16];
        sample[0] = domain;
        sample[1..=input.len()].copy_from_slice(input);
        self.key.new_mask(&sample).expect("the sample has 16 bytes")
    }

    fn tag(&self, shard_and_nonce: &[u8]) -> [u8; TAG.end - TAG.start] {
        let mask = self.prf(1, shard_and_nonce);
        [mask[0], mask[1], mask[2]]
    }

    fn is_ours(&self, id: &[u8]) -> bool {
        id.len() == ID_BYTES && self.tag(&id[..NONCE.end]) == id[TAG]
    }

    /// The shard that a packet belongs to, if that can be told from its connection id and the
    /// shard exists: `None` leaves the packet where it landed.
    pub(crate) fn shard_of(&self, packet: &[u8]) -> Option<ShardIndex> {
        let first = *packet.first()?;
        let id = if first & LONG_HEADER == 0 {
            packet.get(1..1 + ID_BYTES)?
        } else if usize::from(*packet.get(LONG_HEADER_ID - 1)?) == ID_BYTES {
            packet.get(LONG_HEADER_ID..LONG_HEADER_ID + ID_BYTES)?
        } else {
            return None;
        };
        let shard = ShardIndex(u16::from(id[0]));
        (shard.0 < self.shards && self.is_ours(id)).then_some(shard)
    }
}

impl ConnectionIdGenerator for ShardIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        id[0] = self.shard;
        self.counter = self.counter.wrapping_add(1);
        id[NONCE].copy_from_slice(&self.prf(2, &self.counter.to_le_bytes())[..NONCE.len()]);
        let tag = self.tag(&id[..NONCE.end]);
        id[TAG].copy_from_slice(&tag);
        ConnectionId::new(&id)
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        if self.is_ours(id) {
            Ok(())
        } else {
            Err(InvalidCid)
        }
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        // Rotating ids against observers would cost a timer and a frame per connection; clients
        // still take a fresh one whenever they change their address.
        None
    }
}
