//! A trade, and its row.

use orrery_base::value::TradeId;
use orrery_base::{CharacterId, EntityId};
use orrery_proto::bytes::{FieldError, FieldReader, put_varint};
use orrery_storage::{Batch, Domain, KeyRange, Order as ScanOrder, Rows};

use crate::WallTime;
use crate::custody::PartitionIndex;
use crate::record::RecordError;
use crate::rows::{RowError, fixed_key};

const TAG: u8 = 17;
const VERSION: u8 = 1;
const OPEN: u8 = 1;
/// Shifted by the number of the side.
const ACCEPTED: u8 = 1 << 1;

/// A trade window, without what its escrow accounts hold.
///
/// Its row: version byte; flags (bit 0 open, 1 accepted by the host, 2 by the guest); varints:
/// station, host, guest, version, time of the last change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// Which.
    pub id: TradeId,
    /// Where both are docked.
    pub station: EntityId,
    /// The host, who has offered to trade, and the guest.
    pub sides: [CharacterId; 2],
    /// Whether the guest has agreed to trade.
    pub is_open: bool,
    /// Grows by one with every change of what is offered, and when the guest agrees.
    pub version: u32,
    /// Who has accepted this version.
    pub accepted: [bool; 2],
    /// When somebody did something last.
    pub changed: WallTime,
}

impl Trade {
    /// Which side a character is on: 0 the host, 1 the guest.
    #[must_use]
    pub fn side_of(&self, character: CharacterId) -> Option<usize> {
        self.sides.iter().position(|side| *side == character)
    }
}

fn key(partition: PartitionIndex, id: TradeId) -> [u8; 11] {
    let mut key = [0; 11];
    key[0] = TAG;
    key[1..3].copy_from_slice(&partition.0.to_be_bytes());
    key[3..].copy_from_slice(&id.0.to_be_bytes());
    key
}

fn encode(trade: &Trade) -> Vec<u8> {
    let mut flags = if trade.is_open { OPEN } else { 0 };
    for (side, has_accepted) in trade.accepted.into_iter().enumerate() {
        flags |= u8::from(has_accepted) * (ACCEPTED << side);
    }
    let mut bytes = vec![VERSION, flags];
    for number in [
        trade.station.0,
        trade.sides[0].0,
        trade.sides[1].0,
        u64::from(trade.version),
        trade.changed.0,
    ] {
        put_varint(&mut bytes, number);
    }
    bytes
}

fn decode(id: TradeId, bytes: &[u8]) -> Result<Trade, RecordError> {
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

fn take(id: TradeId, fields: &mut FieldReader<'_>) -> Result<Trade, FieldError> {
    let flags = fields.u8()?;
    Ok(Trade {
        id,
        station: EntityId(fields.varint()?),
        sides: [CharacterId(fields.varint()?), CharacterId(fields.varint()?)],
        is_open: flags & OPEN != 0,
        version: fields.int()?,
        accepted: [flags & ACCEPTED != 0, flags & ACCEPTED << 1 != 0],
        changed: WallTime(fields.varint()?),
    })
}

/// Writes the row of a trade; none: it has ended.
pub(super) fn write(
    partition: PartitionIndex,
    id: TradeId,
    trade: Option<&Trade>,
    out: &mut Batch,
) {
    match trade {
        Some(trade) => out.put(Domain::Market, key(partition, id), encode(trade)),
        None => out.delete(Domain::Market, key(partition, id)),
    }
}

/// Reads a trade; none: there is none, or it has ended.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub(in crate::economy) fn read(
    rows: &impl Rows,
    partition: PartitionIndex,
    id: TradeId,
) -> Result<Option<Trade>, RowError> {
    let key = key(partition, id);
    let Some(bytes) = rows.get(Domain::Market, &key)? else {
        return Ok(None);
    };
    let trade = decode(id, &bytes);
    trade
        .map(Some)
        .map_err(|reason| RowError::damaged(Domain::Market, &key, reason))
}

/// Reads all trades of a partition.
///
/// # Errors
/// [`RowError`] when the store is bad.
pub(in crate::economy) fn read_all(
    rows: &impl Rows,
    partition: PartitionIndex,
) -> Result<Vec<Trade>, RowError> {
    let range = KeyRange::prefix(&key(partition, TradeId(0))[..3]);
    rows.scan(Domain::Market, range, ScanOrder::Ascending)
        .map(|row| {
            let row = row?;
            let [_, _, _, id @ ..] = fixed_key::<11>(Domain::Market, &row.key)?;
            decode(TradeId(u64::from_be_bytes(id)), &row.value)
                .map_err(|reason| RowError::damaged(Domain::Market, &row.key, reason))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::MemoryRows;

    const HOME: PartitionIndex = PartitionIndex(3);

    fn trade() -> Trade {
        Trade {
            id: TradeId(77),
            station: EntityId(u64::MAX),
            sides: [CharacterId(1), CharacterId(300)],
            is_open: true,
            version: u32::MAX,
            accepted: [false, true],
            changed: WallTime(1_800_000_000_000),
        }
    }

    #[test]
    fn a_trade_is_read_as_it_was_written() {
        let mut rows = MemoryRows::default();
        let other = Trade {
            id: TradeId(78),
            is_open: false,
            accepted: [true, false],
            ..trade()
        };
        let mut batch = Batch::new();
        write(HOME, trade().id, Some(&trade()), &mut batch);
        write(HOME, other.id, Some(&other), &mut batch);
        rows.apply(&batch);
        assert_eq!(read(&rows, HOME, trade().id), Ok(Some(trade())));
        assert_eq!(read_all(&rows, HOME), Ok(vec![trade(), other]));
        assert_eq!(read_all(&rows, PartitionIndex(4)), Ok(Vec::new()));
        let mut batch = Batch::new();
        write(HOME, trade().id, None, &mut batch);
        rows.apply(&batch);
        assert_eq!(read(&rows, HOME, trade().id), Ok(None));
    }

    #[test]
    fn damage_is_an_error() {
        let good = encode(&trade());
        assert_eq!(decode(TradeId(77), &good), Ok(trade()));
        let longer = [&good[..], &[0]].concat();
        let mut flags = good.clone();
        flags[1] |= 8;
        let mut version = good.clone();
        version[0] = 2;
        for bad in [&[][..], &good[..good.len() - 1], &longer, &flags, &version] {
            assert!(decode(TradeId(77), bad).is_err(), "{bad:?}");
        }
    }
}
