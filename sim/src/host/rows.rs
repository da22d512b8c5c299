//! The store's rows in memory, in place of RocksDB: what was applied and not flushed may be lost
//! when the process dies, from some frame on.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orrery_storage::commit::{RowSink, SinkError};
use orrery_storage::meta::{SCHEMA, SCHEMA_KEY};
use orrery_storage::{Batch, Domain, KeyRange, Operation, Order, ReadError, Row, Rows, Scan};

/// Rows by domain and key.
pub type Content = BTreeMap<Domain, BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Debug, Default)]
struct State {
    /// What a reader sees.
    content: Content,
    /// The last frame in it.
    applied: u64,
    /// What survives whatever happens, and its last frame.
    flushed: Content,
    flushed_frame: u64,
    /// Frames applied since.
    unflushed: VecDeque<(u64, Batch)>,
}

/// The rows. Clones are the same rows.
#[derive(Clone, Debug, Default)]
pub struct MapRows {
    state: Arc<Mutex<State>>,
}

/// Carries out a batch.
pub fn change(content: &mut Content, batch: &Batch) {
    for operation in batch.iter() {
        match operation {
            Operation::Put { domain, key, value } => {
                let rows = content.entry(domain).or_default();
                rows.insert(key.to_vec(), value.to_vec());
            }
            Operation::Delete { domain, key } => {
                content.entry(domain).or_default().remove(key);
            }
            Operation::DeleteRange { domain, from, to } => {
                let rows = content.entry(domain).or_default();
                rows.retain(|key, _| key.as_slice() < from || to <= key.as_slice());
            }
        }
    }
}

impl MapRows {
    /// Rows with what a store has when it is made, and `first`.
    #[must_use]
    pub fn new(first: &Batch) -> Self {
        let mut content = Content::new();
        let mut schema = Batch::new();
        schema.put(Domain::Meta, SCHEMA_KEY, SCHEMA.to_be_bytes());
        change(&mut content, &schema);
        change(&mut content, first);
        let state = State {
            flushed: content.clone(),
            content,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames that a crash may take back.
    #[must_use]
    pub fn unflushed(&self) -> usize {
        self.lock().unflushed.len()
    }

    /// The process dies: the last frames but `kept` of the unflushed ones are gone.
    pub fn lose(&self, kept: usize) {
        let mut state = self.lock();
        let State {
            flushed,
            unflushed,
            flushed_frame,
            ..
        } = &mut *state;
        for (frame, batch) in unflushed.drain(..).take(kept) {
            change(flushed, &batch);
            *flushed_frame = frame;
        }
        state.content = state.flushed.clone();
        state.applied = state.flushed_frame;
    }

    /// The rows of a domain.
    #[must_use]
    pub fn domain(&self, domain: Domain) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let state = self.lock();
        state.content.get(&domain).cloned().unwrap_or_default()
    }
}

impl RowSink for MapRows {
    fn applied(&self) -> Result<u64, SinkError> {
        Ok(self.lock().applied)
    }

    fn apply(&self, frames: RangeInclusive<u64>, rows: &Batch) -> Result<(), SinkError> {
        let mut state = self.lock();
        let (first, frame) = frames.into_inner();
        if first != state.applied + 1 {
            let applied = state.applied;
            return Err(format!("frame {first} is applied after frame {applied}").into());
        }
        change(&mut state.content, rows);
        state.applied = frame;
        let mut copy = Batch::new();
        copy.append(rows);
        state.unflushed.push_back((frame, copy));
        Ok(())
    }

    fn flush(&self) -> Result<(), SinkError> {
        let mut state = self.lock();
        let State {
            flushed,
            unflushed,
            flushed_frame,
            ..
        } = &mut *state;
        for (frame, batch) in unflushed.drain(..) {
            change(flushed, &batch);
            *flushed_frame = frame;
        }
        Ok(())
    }
}

impl Rows for MapRows {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let state = self.lock();
        Ok(state
            .content
            .get(&domain)
            .and_then(|rows| rows.get(key))
            .cloned())
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
        let mut found = Vec::new();
        if !range.is_empty() {
            let state = self.lock();
            let to = match &range.to {
                Some(to) => Bound::Excluded(to.clone()),
                None => Bound::Unbounded,
            };
            if let Some(rows) = state.content.get(&domain) {
                let rows = rows.range((Bound::Included(range.from), to));
                found.extend(rows.map(|(key, value)| Row {
                    key: key.clone(),
                    value: value.clone(),
                }));
            }
        }
        if order == Order::Descending {
            found.reverse();
        }
        Scan::new(found.into_iter().map(Ok))
    }
}
