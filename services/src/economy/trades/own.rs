//! What a character's home knows of the character's trades: which there are and how far each has
//! come. What is in them is known where they are at home.

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::value::TradeId;
use orrery_base::{CharacterId, EntityId};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};
use orrery_storage::{Batch, Domain, KeyRange, Order as ScanOrder, Rows};

use crate::custody::PartitionIndex;
use crate::record::RecordError;
use crate::rows::{RowError, fixed_key};

const TAG: u8 = 18;
const VERSION: u8 = 1;

/// How far a trade has come, for one of its sides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Stage {
    /// The own invitation is on its way.
    Asked = 1,
    /// The other one was invited.
    Waiting = 2,
    /// The other one has invited.
    Invited = 3,
    /// Both trade.
    Open = 4,
}

/// A trade as one of its sides knows it.
///
/// Its row: version byte; stage; varints: partner, station, cents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnTrade {
    /// Which.
    pub id: TradeId,
    /// With whom.
    pub with: CharacterId,
    /// Where.
    pub station: EntityId,
    /// How far it has come.
    pub stage: Stage,
    /// Cents that this side has put into it, with what is on its way.
    pub cents: u64,
}

/// The trades of the characters whose wallets are in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnTrades {
    trades: BTreeMap<CharacterId, BTreeMap<TradeId, OwnTrade>>,
    changed: BTreeSet<(CharacterId, TradeId)>,
}

impl OwnTrades {
    pub(super) fn get(&self, owner: CharacterId, id: TradeId) -> Option<&OwnTrade> {
        self.trades.get(&owner)?.get(&id)
    }

    pub(super) fn of(&self, owner: CharacterId) -> impl Iterator<Item = &OwnTrade> {
        let own = self.trades.get(&owner);
        own.into_iter().flat_map(BTreeMap::values)
    }

    /// The oldest trade with a character that fits.
    pub(super) fn with(
        &self,
        owner: CharacterId,
        with: CharacterId,
        fits: impl Fn(Stage) -> bool,
    ) -> Option<&OwnTrade> {
        self.of(owner)
            .find(|own| own.with == with && fits(own.stage))
    }

    pub(super) fn activate(&mut self, owner: CharacterId, trades: &[OwnTrade]) {
        if !trades.is_empty() {
            let trades = trades.iter().map(|trade| (trade.id, *trade));
            self.trades.insert(owner, trades.collect());
        }
    }

    pub(super) fn forget(&mut self, owner: CharacterId) {
        self.trades.remove(&owner);
    }

    pub(super) fn set(&mut self, owner: CharacterId, trade: OwnTrade) {
        let own = self.trades.entry(owner).or_default();
        if own.insert(trade.id, trade) != Some(trade) {
            self.changed.insert((owner, trade.id));
        }
    }

    pub(super) fn remove(&mut self, owner: CharacterId, id: TradeId) {
        let Some(own) = self.trades.get_mut(&owner) else {
            return;
        };
        if own.remove(&id).is_some() {
            self.changed.insert((owner, id));
        }
        if own.is_empty() {
            self.trades.remove(&owner);
        }
    }

    pub(super) fn write(&mut self, partition: PartitionIndex, out: &mut Batch) {
        for (owner, id) in core::mem::take(&mut self.changed) {
            let mut key = prefix(partition, owner).to_vec();
            key.extend_from_slice(&id.0.to_be_bytes());
            match self.get(owner, id) {
                Some(trade) => out.put(Domain::Market, key, encode(trade)),
                None => out.delete(Domain::Market, key),
            }
        }
    }
}

fn prefix(partition: PartitionIndex, owner: CharacterId) -> [u8; 11] {
    let mut key = [0; 11];
    key[0] = TAG;
    key[1..3].copy_from_slice(&partition.0.to_be_bytes());
    key[3..].copy_from_slice(&owner.0.to_be_bytes());
    key
}

fn encode(trade: &OwnTrade) -> Vec<u8> {
    let mut bytes = vec![VERSION, trade.stage as u8];
    for number in [trade.with.0, trade.station.0, trade.cents] {
        put_varint(&mut bytes, number);
    }
    bytes
}

fn decode(id: TradeId, bytes: &[u8]) -> Result<OwnTrade, RecordError> {
    let (&found, rest) = bytes.split_first().ok_or(RecordError::Empty)?;
    if found != VERSION {
        return Err(RecordError::Version {
            found,
            expected: VERSION,
        });
    }
    let mut fields = FieldReader::new(rest);
    let trade = take(id, &mut fields).map_err(|error| RecordError::Damaged(error.to_string()))?;
    if encode(&trade) != bytes {
        return Err(RecordError::Damaged(
            "it says more or less than a trade".to_owned(),
        ));
    }
    Ok(trade)
}

fn take(id: TradeId, fields: &mut FieldReader<'_>) -> Result<OwnTrade, FieldError> {
    let stage = match fields.u8()? {
        1 => Stage::Asked,
        2 => Stage::Waiting,
        3 => Stage::Invited,
        4 => Stage::Open,
        other => return Err(FieldError::Range(u64::from(other))),
    };
    Ok(OwnTrade {
        id,
        with: CharacterId(fields.varint()?),
        station: EntityId(fields.varint()?),
        stage,
        cents: fields.varint()?,
    })
}

/// Reads the trades of a character.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub(in crate::economy) fn read(
    rows: &impl Rows,
    partition: PartitionIndex,
    owner: CharacterId,
) -> Result<Vec<OwnTrade>, RowError> {
    let range = KeyRange::prefix(&prefix(partition, owner));
    rows.scan(Domain::Market, range, ScanOrder::Ascending)
        .map(|row| {
            let row = row?;
            let [.., a, b, c, d, e, f, g, h] = fixed_key::<19>(Domain::Market, &row.key)?;
            let id = TradeId(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
            decode(id, &row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::MemoryRows;

    const HOME: PartitionIndex = PartitionIndex(2);
    const OWNER: CharacterId = CharacterId(7);

    #[test]
    fn own_trades_are_read_as_they_were_written() {
        let stages = [Stage::Asked, Stage::Waiting, Stage::Invited, Stage::Open];
        let trade = |number: u64, stage| OwnTrade {
            id: TradeId(number),
            with: CharacterId(8),
            station: EntityId(9),
            stage,
            cents: number * 1_000,
        };
        let trades: Vec<_> = (1..)
            .zip(stages)
            .map(|(n, stage)| trade(n, stage))
            .collect();
        let (mut rows, mut batch) = (MemoryRows::default(), Batch::new());
        let mut own = OwnTrades::default();
        for trade in &trades {
            own.set(OWNER, *trade);
        }
        own.write(HOME, &mut batch);
        rows.apply(&batch);
        assert_eq!(read(&rows, HOME, OWNER), Ok(trades.clone()));
        assert_eq!(read(&rows, HOME, CharacterId(8)), Ok(Vec::new()));
        own.remove(OWNER, TradeId(2));
        let mut batch = Batch::new();
        own.write(HOME, &mut batch);
        rows.apply(&batch);
        assert_eq!(read(&rows, HOME, OWNER).unwrap().len(), 3);
        let good = encode(&trades[0]);
        for bad in [&[][..], &[2, 1, 1, 1, 1], &[1, 5, 1, 1, 1], &good[..3]] {
            assert!(decode(TradeId(1), bad).is_err(), "{bad:?}");
        }
        assert!(decode(TradeId(1), &[&good[..], &[0]].concat()).is_err());
    }
}
