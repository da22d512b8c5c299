//! The outbox: what one partition sends to another arrives exactly once and in order, also
//! through a crash.
//!
//! A parcel is stored in the batch of the beat in which it is sent, and is sent over a ring in
//! the same beat. The receiver handles it in a later beat and stores, in that beat's batch, the
//! number up to which it has received from that sender: its **watermark**. It then acknowledges,
//! and the sender deletes the parcel's row. After a restart the sender sends again whatever is not
//! acknowledged, and the receiver ignores what is below its watermark.
//!
//! What is stored above the receiver's watermark is in flight: it has left and not arrived.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | parcel | `Outbox` | `1`, sender, receiver, number | the parcel's bytes |
//! | watermark | `Outbox` | `2`, receiver, sender | number |
//! | sent | `Outbox` | `3`, sender, receiver | number of the last parcel |
//! | claim | `Outbox` | `4`, … | see [`crate::economy::Claim`] |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use orrery_storage::{Batch, Domain, KeyRange, Order, Rows};

use super::account::PartitionIndex;
use super::rows::{damaged, prefixed};
use crate::rows::RowError;

/// Parcels for one receiver that are not acknowledged: with more, senders have to wait.
pub const PAIR_PARCELS_MAX: usize = 4_096;

const PARCEL: u8 = 1;
const WATERMARK: u8 = 2;
const SENT: u8 = 3;
/// The kind of row that a grid writes for a partition: see [`crate::economy::Claim`].
pub(crate) const CLAIM: u8 = 4;
/// Bytes of such a row's key: kind, home, grid, beat, number.
pub(crate) const CLAIM_KEY_BYTES: usize = 25;

/// Where the rows of claims are.
#[must_use]
pub(crate) fn claim_prefix() -> KeyRange {
    prefixed(&[CLAIM])
}

/// A parcel on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parcel {
    /// Its number among those of the pair, from 1.
    pub number: u64,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    sent: u64,
    /// Not acknowledged, oldest first; numbers without gaps.
    waiting: VecDeque<Parcel>,
}

/// Both ends of a partition.
#[derive(Clone, Debug)]
pub struct Outbox {
    partition: PartitionIndex,
    pairs: BTreeMap<PartitionIndex, Pair>,
    received: BTreeMap<PartitionIndex, u64>,
    /// This beat's, in order of sending.
    fresh: Vec<(PartitionIndex, Parcel)>,
    acknowledged: Vec<(PartitionIndex, u64)>,
    arrived: BTreeSet<PartitionIndex>,
}

impl Outbox {
    /// Reads what was sent and received.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn load(rows: &impl Rows, partition: PartitionIndex) -> Result<Self, RowError> {
        let mut outbox = Self {
            partition,
            pairs: BTreeMap::new(),
            received: BTreeMap::new(),
            fresh: Vec::new(),
            acknowledged: Vec::new(),
            arrived: BTreeSet::new(),
        };
        for kind in [PARCEL, WATERMARK, SENT] {
            let mut prefix = vec![kind];
            prefix.extend_from_slice(&partition.0.to_be_bytes());
            for row in rows.scan(Domain::Outbox, prefixed(&prefix), Order::Ascending) {
                let row = row?;
                match OutboxRow::read(&row.key, &row.value)? {
                    OutboxRow::Parcel { to, parcel, .. } => {
                        outbox
                            .pairs
                            .entry(to)
                            .or_default()
                            .waiting
                            .push_back(parcel);
                    }
                    OutboxRow::Watermark { from, number, .. } => {
                        outbox.received.insert(from, number);
                    }
                    OutboxRow::Sent { to, number, .. } => {
                        outbox.pairs.entry(to).or_default().sent = number;
                    }
                    // Not of the kinds that are looked through.
                    OutboxRow::Claim => {}
                }
            }
        }
        Ok(outbox)
    }

    /// Whether so many more parcels may be sent to a partition now.
    #[must_use]
    pub fn has_room(&self, to: PartitionIndex, parcels: usize) -> bool {
        let waiting = self.pairs.get(&to).map_or(0, |pair| pair.waiting.len());
        waiting + parcels <= PAIR_PARCELS_MAX
    }

    /// Parcels that are not acknowledged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pairs.values().map(|pair| pair.waiting.len()).sum()
    }

    /// Sends. Whoever starts something asks [`Outbox::has_room`] first; what answers a parcel may
    /// exceed the limit, which others then wait for.
    pub fn send(&mut self, to: PartitionIndex, bytes: Vec<u8>) {
        let pair = self.pairs.entry(to).or_default();
        pair.sent += 1;
        let parcel = Parcel {
            number: pair.sent,
            bytes: bytes.into(),
        };
        pair.waiting.push_back(parcel.clone());
        self.fresh.push((to, parcel));
    }

    /// Whether an arriving parcel is to be handled now; if not, it was handled before, or is one
    /// that comes again because another one before it was lost, and will come again after that.
    pub fn receive(&mut self, from: PartitionIndex, number: u64) -> bool {
        let received = self.received.entry(from).or_default();
        // What came before is acknowledged once more.
        self.arrived.insert(from);
        if number != *received + 1 {
            return false;
        }
        *received = number;
        true
    }

    /// The receiver has everything up to this number.
    pub fn acknowledge(&mut self, to: PartitionIndex, number: u64) {
        let Some(pair) = self.pairs.get_mut(&to) else {
            return;
        };
        while let Some(oldest) = pair.waiting.front()
            && oldest.number <= number
        {
            self.acknowledged.push((to, oldest.number));
            pair.waiting.pop_front();
        }
    }

    /// What is not acknowledged: to be sent again after a restart.
    pub fn resend(&self) -> impl Iterator<Item = (PartitionIndex, Parcel)> {
        self.pairs
            .iter()
            .flat_map(|(&to, pair)| pair.waiting.iter().map(move |parcel| (to, parcel.clone())))
    }

    /// Ends a beat: writes its rows, hands out what is to be sent, and the acknowledgements.
    pub fn write(
        &mut self,
        out: &mut Batch,
        parcels: &mut Vec<(PartitionIndex, Parcel)>,
        acknowledgements: &mut Vec<(PartitionIndex, u64)>,
    ) {
        let me = self.partition;
        let mut receivers = BTreeSet::new();
        for (to, parcel) in self.fresh.drain(..) {
            receivers.insert(to);
            out.put(
                Domain::Outbox,
                parcel_key(me, to, parcel.number),
                &parcel.bytes,
            );
            parcels.push((to, parcel));
        }
        for to in receivers {
            let sent = self.pairs[&to].sent;
            out.put(Domain::Outbox, pair_key(SENT, me, to), sent.to_le_bytes());
        }
        for (to, number) in self.acknowledged.drain(..) {
            out.delete(Domain::Outbox, parcel_key(me, to, number));
        }
        for from in core::mem::take(&mut self.arrived) {
            let received = self.received[&from];
            let key = pair_key(WATERMARK, me, from);
            out.put(Domain::Outbox, key, received.to_le_bytes());
            acknowledgements.push((from, received));
        }
    }
}

fn pair_key(kind: u8, of: PartitionIndex, with: PartitionIndex) -> [u8; 5] {
    let (of, with) = (of.0.to_be_bytes(), with.0.to_be_bytes());
    [kind, of[0], of[1], with[0], with[1]]
}

fn parcel_key(from: PartitionIndex, to: PartitionIndex, number: u64) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&pair_key(PARCEL, from, to));
    key[5..].copy_from_slice(&number.to_be_bytes());
    key
}

/// A row of the domain `Outbox`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OutboxRow {
    /// A parcel that is not acknowledged.
    Parcel {
        /// Who sent it.
        from: PartitionIndex,
        /// Whom to.
        to: PartitionIndex,
        /// What.
        parcel: Parcel,
    },
    /// What was received.
    Watermark {
        /// By whom.
        to: PartitionIndex,
        /// Whose.
        from: PartitionIndex,
        /// Up to which number.
        number: u64,
    },
    /// What was sent.
    Sent {
        /// By whom.
        from: PartitionIndex,
        /// Whom to.
        to: PartitionIndex,
        /// Up to which number.
        number: u64,
    },
    /// What a grid has claimed and nobody has carried out.
    Claim,
}

impl OutboxRow {
    /// Reads any row of the domain.
    ///
    /// # Errors
    /// [`RowError`] when key or value are not those of such a row.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let bad = || {
            let error = orrery_proto::bytes::FieldError::Range(key.len() as u64);
            damaged(Domain::Outbox, key, error)
        };
        if key.first() == Some(&CLAIM) {
            return Ok(Self::Claim);
        }
        let (pair, rest) = key.split_first_chunk::<5>().ok_or_else(bad)?;
        let &[kind, a, b, c, d] = pair;
        let of = PartitionIndex(u16::from_be_bytes([a, b]));
        let with = PartitionIndex(u16::from_be_bytes([c, d]));
        let number = || value.try_into().map(u64::from_le_bytes).map_err(|_| bad());
        match (kind, rest.len()) {
            (PARCEL, 8) => Ok(Self::Parcel {
                from: of,
                to: with,
                parcel: Parcel {
                    number: u64::from_be_bytes(rest.try_into().map_err(|_| bad())?),
                    bytes: value.into(),
                },
            }),
            (WATERMARK, 0) => Ok(Self::Watermark {
                to: of,
                from: with,
                number: number()?,
            }),
            (SENT, 0) => Ok(Self::Sent {
                from: of,
                to: with,
                number: number()?,
            }),
            _ => Err(bad()),
        }
    }
}
