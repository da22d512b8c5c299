//! Conservation after every beat, from what the beat's batch changes: for every commodity, what
//! was minted less what was burned is in accounts or in flight.
//!
//! Cost: a look at each row of custody and of the outbox that is written; the audit of all rows
//! is for every thousand beats.

use std::collections::BTreeMap;

use orrery_storage::{Batch, Domain, KeyRange, Operation, Order, Rows};

use crate::custody::{AccountKind, Commodity, CustodyRow, OutboxRow, PartitionIndex};
use crate::economy::Shipment;
use crate::rows::MemoryRows;

type Pair = (PartitionIndex, PartitionIndex);

/// What a row adds: its commodity, and how much to which of the two sides.
type Share = (Commodity, i128);

/// The sums.
#[derive(Default)]
pub(crate) struct Tally {
    /// In accounts and in flight, less minted, plus burned.
    excess: BTreeMap<Commodity, i128>,
    rows: BTreeMap<Vec<u8>, Share>,
    parcels: BTreeMap<(Pair, u64), Vec<Share>>,
    received: BTreeMap<Pair, u64>,
}

impl Tally {
    /// The sums of rows as they are.
    pub(crate) fn new(rows: &MemoryRows) -> Self {
        let mut tally = Self::default();
        for domain in [Domain::Custody, Domain::Outbox] {
            for row in rows.scan(domain, KeyRange::all(), Order::Ascending) {
                let row = row.unwrap();
                tally.put(domain, &row.key, &row.value);
            }
        }
        tally.check();
        tally
    }

    /// Takes in a beat.
    ///
    /// # Panics
    /// When value was doubled or has vanished.
    pub(crate) fn take(&mut self, batch: &Batch) {
        for operation in batch.iter() {
            match operation {
                Operation::Put { domain, key, value } => self.put(domain, key, value),
                Operation::Delete {
                    domain: Domain::Custody,
                    key,
                } => {
                    let gone = self.rows.remove(key);
                    self.add(gone, -1);
                }
                Operation::Delete {
                    domain: Domain::Outbox,
                    key,
                } => {
                    let row = OutboxRow::read(key, &[]).unwrap();
                    let OutboxRow::Parcel { from, to, parcel } = row else {
                        panic!("only parcels are deleted");
                    };
                    let gone = self.parcels.remove(&((from, to), parcel.number));
                    self.add(gone.into_iter().flatten(), -1);
                }
                Operation::Delete { .. } => {}
                Operation::DeleteRange { .. } => panic!("a beat deletes no range"),
            }
        }
        self.check();
    }

    fn put(&mut self, domain: Domain, key: &[u8], value: &[u8]) {
        match domain {
            Domain::Custody => {
                let share = match CustodyRow::read(key, value).unwrap() {
                    CustodyRow::Head(_, _, coins, _) => (Commodity::Coin, i128::from(coins)),
                    CustodyRow::Stack(_, _, stack) => {
                        (Commodity::Type(stack.type_id), i128::from(stack.quantity))
                    }
                    CustodyRow::Total(_, account, commodity, total) => {
                        let total = total.cast_signed();
                        let is_faucet = account.kind == AccountKind::Faucet;
                        (commodity, if is_faucet { -total } else { total })
                    }
                    CustodyRow::Counters(..) => return,
                };
                let before = self.rows.insert(key.to_vec(), share);
                self.add(before, -1);
                self.add([share], 1);
            }
            Domain::Outbox => self.put_outbox(OutboxRow::read(key, value).unwrap()),
            _ => {}
        }
    }

    fn put_outbox(&mut self, row: OutboxRow) {
        match row {
            OutboxRow::Parcel { from, to, parcel } => {
                let pair = (from, to);
                if parcel.number <= self.received.get(&pair).copied().unwrap_or(0) {
                    return;
                }
                let lots = Shipment::decode(&parcel.bytes).unwrap().lots;
                let shares = lots
                    .iter()
                    .map(|lot| (lot.commodity(), i128::from(lot.quantity())));
                let shares: Vec<Share> = shares.collect();
                self.add(shares.iter().copied(), 1);
                let before = self.parcels.insert((pair, parcel.number), shares);
                assert!(before.is_none(), "a parcel was sent twice");
            }
            OutboxRow::Watermark { to, from, number } => {
                let pair = (from, to);
                self.received.insert(pair, number);
                let arrived = self.parcels.range((pair, 0)..=(pair, number));
                let arrived: Vec<_> = arrived.map(|(key, _)| *key).collect();
                for key in arrived {
                    let gone = self.parcels.remove(&key);
                    self.add(gone.into_iter().flatten(), -1);
                }
            }
            OutboxRow::Sent { .. } | OutboxRow::Claim => {}
        }
    }

    fn add(&mut self, shares: impl IntoIterator<Item = Share>, sign: i128) {
        for (commodity, amount) in shares {
            *self.excess.entry(commodity).or_default() += sign * amount;
        }
    }

    /// # Panics
    /// When value was doubled or has vanished.
    fn check(&self) {
        for (commodity, excess) in &self.excess {
            assert_eq!(*excess, 0, "{commodity:?}: so many too many");
        }
    }
}
