//! The rows that a read-only opening finds in the beat log and not yet in the engine: kept in
//! memory, in front of the engine's own. Their number is bounded by what the log holds between
//! two flushes, a segment or two.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::rows::{KeyRange, Order, ReadError, Row, Scan};
use crate::{Batch, Domain, Operation};

/// Changes over the rows of an engine.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    domains: BTreeMap<Domain, Changes>,
}

#[derive(Debug, Default)]
struct Changes {
    /// Rows that are there, and rows that are gone.
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Ranges of the engine's rows that are gone, `from` to `to`; they may overlap.
    cuts: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Changes {
    fn is_cut(&self, key: &[u8]) -> bool {
        self.cuts
            .iter()
            .any(|(from, to)| from.as_slice() <= key && key < to.as_slice())
    }
}

impl Overlay {
    /// Puts a batch over what is there.
    pub(super) fn apply(&mut self, batch: &Batch) {
        for operation in batch.iter() {
            match operation {
                Operation::Put { domain, key, value } => {
                    let changes = self.domains.entry(domain).or_default();
                    changes.rows.insert(key.into(), Some(value.into()));
                }
                Operation::Delete { domain, key } => {
                    let changes = self.domains.entry(domain).or_default();
                    changes.rows.insert(key.into(), None);
                }
                Operation::DeleteRange { domain, from, to } => {
                    let changes = self.domains.entry(domain).or_default();
                    changes
                        .rows
                        .retain(|key, _| key.as_slice() < from || to <= key.as_slice());
                    changes.cuts.push((from.into(), to.into()));
                }
            }
        }
    }

    /// What is known of a row: none if the engine has to be asked, some none if it is gone.
    pub(super) fn get(&self, domain: Domain, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let changes = self.domains.get(&domain)?;
        match changes.rows.get(key) {
            Some(row) => Some(row.clone()),
            None => changes.is_cut(key).then_some(None),
        }
    }

    /// Replaces what the engine has for these keys by what is known of them.
    pub(super) fn cover<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
        rows: &mut [Option<Vec<u8>>],
    ) {
        if !self.domains.contains_key(&domain) {
            return;
        }
        for (key, row) in keys.iter().zip(rows) {
            if let Some(known) = self.get(domain, key.as_ref()) {
                *row = known;
            }
        }
    }

    /// The rows of a range, the engine's (`below`, of the same range and order) and the changes
    /// over them.
    pub(super) fn scan<'a>(
        &'a self,
        domain: Domain,
        range: KeyRange,
        order: Order,
        below: Scan<'a>,
    ) -> Scan<'a> {
        let Some(changes) = self.domains.get(&domain).filter(|_| !range.is_empty()) else {
            return below;
        };
        let to = range.to.map_or(Bound::Unbounded, Bound::Excluded);
        let above = changes
            .rows
            .range::<Vec<u8>, _>((Bound::Included(range.from), to));
        let above: Above<'a> = match order {
            Order::Ascending => Box::new(above),
            Order::Descending => Box::new(above.rev()),
        };
        let below = below.filter(move |row| match row {
            Ok(row) => !changes.is_cut(&row.key),
            Err(_) => true,
        });
        Scan::new(merge(above.peekable(), below.peekable(), order))
    }
}

/// The changes of a range, in either order.
type Above<'a> = Box<dyn Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)> + 'a>;

/// Two sorted sequences as one; `above` wins where both have a key.
fn merge<'a>(
    mut above: std::iter::Peekable<impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>>,
    mut below: std::iter::Peekable<impl Iterator<Item = Result<Row, ReadError>>>,
    order: Order,
) -> impl Iterator<Item = Result<Row, ReadError>> {
    std::iter::from_fn(move || {
        loop {
            let (above_key, below_key) = match (above.peek(), below.peek()) {
                (None, _) | (_, Some(Err(_))) => return below.next(),
                (Some(_), None) => (None, None),
                (Some((above, _)), Some(Ok(below))) => (Some(*above), Some(&below.key)),
            };
            if let (Some(above_key), Some(below_key)) = (above_key, below_key) {
                let is_below_first = match order {
                    Order::Ascending => below_key < above_key,
                    Order::Descending => below_key > above_key,
                };
                if is_below_first {
                    return below.next();
                }
                if below_key == above_key {
                    below.next();
                }
            }
            let (key, row) = above.next()?;
            if let Some(value) = row {
                return Some(Ok(Row {
                    key: key.clone(),
                    value: value.clone(),
                }));
            }
        }
    })
}

#[cfg(test)]
mod tests;
