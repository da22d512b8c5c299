//! The proof of trades, from the rows alone: what is in escrow belongs to a trade.

use std::collections::BTreeMap;

use orrery_base::value::TradeId;
use orrery_storage::{Domain, ReadError, Rows};

use super::{Trade, row};
use crate::custody::{Account, AccountKind, CustodyRow, PartitionIndex, home_of, kind_prefix};
use crate::rows::RowError;

/// What is wrong with the trades of a store with so many partitions, in sentences: trades away
/// from their home, with one side only or with rows that cannot be read, and escrow accounts that
/// hold something for no side of a trade.
///
/// # Errors
/// [`ReadError`] when the store itself cannot be read.
///
/// # Panics
/// When `partitions` is zero.
pub fn audit_trades(rows: &impl Rows, partitions: u16) -> Result<Vec<String>, ReadError> {
    let mut problems = Vec::new();
    for partition in (0..partitions).map(PartitionIndex) {
        let trades = match row::read_all(rows, partition) {
            Ok(trades) => trades,
            Err(RowError::Read(error)) => return Err(error),
            Err(error) => {
                // One problem, not one for each escrow account.
                problems.push(error.to_string());
                continue;
            }
        };
        let trades: BTreeMap<TradeId, Trade> =
            trades.into_iter().map(|trade| (trade.id, trade)).collect();
        for trade in trades.values() {
            if home_of(trade.id.0, partitions) != partition {
                let (id, partition) = (trade.id.0, partition.0);
                problems.push(format!(
                    "trade {id} is in partition {partition}, not at home"
                ));
            }
            if trade.sides[0] == trade.sides[1] {
                problems.push(format!("trade {} has one side only", trade.id.0));
            }
        }
        let prefix = kind_prefix(partition, AccountKind::Escrow);
        for row in rows.prefix(Domain::Custody, &prefix) {
            let row = row?;
            let account = match CustodyRow::read(&row.key, &row.value) {
                Ok(CustodyRow::Head(_, account, coins, _)) if coins > 0 => account,
                Ok(CustodyRow::Stack(_, account, _)) => account,
                // What cannot be read is found by the audit of custody.
                _ => continue,
            };
            if !is_side(&trades, &account) {
                problems.push(format!("{account} holds something for no trade"));
            }
        }
    }
    Ok(problems)
}

fn is_side(trades: &BTreeMap<TradeId, Trade>, account: &Account) -> bool {
    let trade = trades.get(&TradeId(account.owner));
    trade.is_some_and(|trade| trade.sides.iter().any(|side| side.0 == account.place))
}
