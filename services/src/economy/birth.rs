//! What is fixed when a store is born: how many partitions value is divided into.
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | partitions | `Meta` | `partitions` | version byte, u16 little endian |
//!
//! **Invariant:** the number never changes while there is anything in custody, because the home
//! of every account follows from it.

use orrery_storage::{Batch, Domain, Rows};

use super::PARTITIONS;
use crate::custody::PARTITIONS_MAX;
use crate::record::RecordError;
use crate::rows::RowError;

const KEY: &[u8] = b"economy/partitions";
const VERSION: u8 = 1;

/// How many partitions a store has: at least 1, [`PARTITIONS`] if it does not say.
///
/// # Errors
/// [`RowError`] when the store is bad, or the row is damaged.
pub fn partitions(rows: &impl Rows) -> Result<u16, RowError> {
    let Some(bytes) = rows.get(Domain::Meta, KEY)? else {
        return Ok(PARTITIONS);
    };
    decode(&bytes).map_err(|reason| RowError::damaged(Domain::Meta, KEY, reason))
}

/// Writes how many partitions a new store has.
///
/// # Panics
/// When it is none, or more than [`PARTITIONS_MAX`].
pub fn put_partitions(batch: &mut Batch, partitions: u16) {
    assert!(
        (1..=PARTITIONS_MAX).contains(&partitions),
        "{partitions} partitions"
    );
    let [low, high] = partitions.to_le_bytes();
    batch.put(Domain::Meta, KEY, [VERSION, low, high]);
}

fn decode(bytes: &[u8]) -> Result<u16, RecordError> {
    match *bytes {
        [] => Err(RecordError::Empty),
        [VERSION, low, high] => {
            let partitions = u16::from_le_bytes([low, high]);
            if (1..=PARTITIONS_MAX).contains(&partitions) {
                Ok(partitions)
            } else {
                Err(RecordError::Damaged(format!("{partitions} partitions")))
            }
        }
        [VERSION, ..] => Err(RecordError::Damaged("it has a wrong length".to_owned())),
        [found, ..] => Err(RecordError::Version {
            found,
            expected: VERSION,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::MemoryRows;

    #[test]
    fn the_number_is_written_once_and_read_again() {
        let mut rows = MemoryRows::default();
        assert_eq!(partitions(&rows), Ok(PARTITIONS));
        let mut batch = Batch::new();
        put_partitions(&mut batch, 300);
        rows.apply(&batch);
        assert_eq!(partitions(&rows), Ok(300));
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [
            &[][..],
            &[1],
            &[1, 0, 0],
            &[1, 1, 4],
            &[1, 1, 0, 0],
            &[2, 1, 0],
        ] {
            let mut rows = MemoryRows::default();
            let mut batch = Batch::new();
            batch.put(Domain::Meta, KEY, bytes);
            rows.apply(&batch);
            assert!(partitions(&rows).is_err(), "{bytes:?}");
        }
    }
}
