//! Rows in memory that a crash sets back, for simulators and tests.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::apply::{RowSink, SinkError};
use crate::rows::{KeyRange, Order, ReadError, Row, Rows, Scan};
use crate::{Batch, Domain, Operation};

/// The rows of a store as a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapRows {
    applied: u64,
    domains: BTreeMap<Domain, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MapRows {
    /// Number of the last frame in it; 0 if there was none.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    fn apply(&mut self, frame: u64, rows: &Batch) {
        for operation in rows.iter() {
            match operation {
                Operation::Put { domain, key, value } => {
                    let rows = self.domains.entry(domain).or_default();
                    rows.insert(key.into(), value.into());
                }
                Operation::Delete { domain, key } => {
                    self.domains.entry(domain).or_default().remove(key);
                }
                Operation::DeleteRange { domain, from, to } => {
                    let rows = self.domains.entry(domain).or_default();
                    rows.retain(|key, _| key.as_slice() < from || to <= key.as_slice());
                }
            }
        }
        self.applied = frame;
    }
}

impl Rows for MapRows {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let rows = self.domains.get(&domain);
        Ok(rows.and_then(|rows| rows.get(key)).cloned())
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        keys.iter()
            .map(|key| self.get(domain, key.as_ref()))
            .collect()
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        let Some(rows) = self.domains.get(&domain).filter(|_| !range.is_empty()) else {
            return Scan::new(std::iter::empty());
        };
        let rows = rows
            .range(range.from..)
            .take_while(move |(key, _)| range.to.as_ref().is_none_or(|to| *key < to))
            .map(|(key, value)| {
                Ok(Row {
                    key: key.clone(),
                    value: value.clone(),
                })
            });
        match order {
            Order::Ascending => Scan::new(rows),
            Order::Descending => Scan::new(rows.collect::<Vec<_>>().into_iter().rev()),
        }
    }
}

/// A [`RowSink`] over [`MapRows`]. What is not flushed is lost in a crash, from the end, frame by
/// frame, as many as the simulation chooses.
#[derive(Debug, Default)]
pub struct MapSink {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: MapRows,
    /// As of the last flush, and every frame applied since.
    flushed: MapRows,
    since: Vec<(u64, Batch)>,
    failure: Option<String>,
}

impl MapSink {
    /// Without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rows as they are now.
    #[must_use]
    pub fn rows(&self) -> MapRows {
        self.lock().rows.clone()
    }

    /// From now on every change fails with these words; none: works again.
    pub fn fail(&self, words: Option<String>) {
        self.lock().failure = words;
    }

    /// The process or the machine dies: of the frames applied since the last flush, the first
    /// `survivors` are still there.
    pub fn crash(&self, survivors: usize) {
        let mut state = self.lock();
        let mut rows = std::mem::take(&mut state.flushed);
        for (frame, batch) in state.since.drain(..).take(survivors) {
            rows.apply(frame, &batch);
        }
        state.rows = rows.clone();
        state.flushed = rows;
        state.failure = None;
    }

    /// Frames applied since the last flush.
    #[must_use]
    pub fn unflushed(&self) -> usize {
        self.lock().since.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowSink for MapSink {
    fn applied(&self) -> Result<u64, SinkError> {
        Ok(self.lock().rows.applied)
    }

    fn apply(&self, frames: RangeInclusive<u64>, rows: &Batch) -> Result<(), SinkError> {
        let mut state = self.lock();
        if let Some(words) = &state.failure {
            return Err(words.clone().into());
        }
        let (first, frame) = frames.into_inner();
        let before = state.rows.applied;
        if first != before + 1 || frame < first {
            return Err(format!("frames {first} to {frame} come after frame {before}").into());
        }
        state.rows.apply(frame, rows);
        state.since.push((frame, rows.clone()));
        Ok(())
    }

    fn flush(&self) -> Result<(), SinkError> {
        let mut state = self.lock();
        if let Some(words) = &state.failure {
            return Err(words.clone().into());
        }
        state.flushed = state.rows.clone();
        state.since.clear();
        Ok(())
    }
}
