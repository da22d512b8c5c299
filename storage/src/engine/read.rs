//! Reads through RocksDB, with or without a snapshot.

use rocksdb::{IteratorMode, ReadOptions, Snapshot};

use super::Engine;
use crate::Domain;
use crate::rows::{KeyRange, Order, ReadError, Row, Rows, Scan};

/// One read of one domain.
pub(crate) struct Reader<'a> {
    engine: &'a Engine,
    domain: Domain,
    options: ReadOptions,
}

impl<'a> Reader<'a> {
    /// Of the rows as they are.
    fn now(engine: &'a Engine, domain: Domain) -> Self {
        Self {
            engine,
            domain,
            options: ReadOptions::default(),
        }
    }

    /// Of the rows as they were at the snapshot, which a scan keeps borrowed.
    pub(crate) fn at(engine: &'a Engine, domain: Domain, snapshot: &'a Snapshot<'a>) -> Self {
        let mut reader = Self::now(engine, domain);
        reader.options.set_snapshot(snapshot);
        reader
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let family = self.engine.family(self.domain);
        let row = self.engine.db.get_cf_opt(family, key, &self.options);
        row.map_err(|error| read_error(self.domain, error))
    }

    pub(crate) fn multi_get<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        let family = self.engine.family(self.domain);
        self.engine
            .db
            .batched_multi_get_cf_opt(family, keys, false, &self.options)
            .into_iter()
            .map(|row| {
                row.map(|value| value.map(|bytes| bytes.to_vec()))
                    .map_err(|error| read_error(self.domain, error))
            })
            .collect()
    }

    pub(crate) fn scan(mut self, range: KeyRange, order: Order) -> Scan<'a> {
        if range.is_empty() {
            return Scan::new(std::iter::empty());
        }
        let mode = match order {
            Order::Ascending => IteratorMode::Start,
            Order::Descending => IteratorMode::End,
        };
        self.options.set_iterate_lower_bound(range.from);
        if let Some(to) = range.to {
            self.options.set_iterate_upper_bound(to);
        }
        let domain = self.domain;
        let family = self.engine.family(domain);
        let rows = self.engine.db.iterator_cf_opt(family, self.options, mode);
        Scan::new(rows.map(move |row| match row {
            Ok((key, value)) => Ok(Row {
                key: key.into_vec(),
                value: value.into_vec(),
            }),
            Err(error) => Err(read_error(domain, error)),
        }))
    }
}

impl Rows for Engine {
    fn get(&self, domain: Domain, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        Reader::now(self, domain).get(key)
    }

    fn multi_get<K: AsRef<[u8]>>(
        &self,
        domain: Domain,
        keys: &[K],
    ) -> Result<Vec<Option<Vec<u8>>>, ReadError> {
        Reader::now(self, domain).multi_get(keys)
    }

    fn scan(&self, domain: Domain, range: KeyRange, order: Order) -> Scan<'_> {
        Reader::now(self, domain).scan(range, order)
    }
}

fn read_error(domain: Domain, error: rocksdb::Error) -> ReadError {
    ReadError {
        domain,
        detail: error.into_string(),
    }
}
