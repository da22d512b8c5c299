//! RocksDB: options per domain, translation of batches, errors as text. The only file that
//! names its types, with `store` and `store::backup` holding what is made here.
//!
//! **Durability** is the beat log's. RocksDB's own write-ahead log is off: rows are in memory
//! until a flush, which takes all column families together and becomes visible in the manifest as
//! a whole. With every frame of the log the row of its number is written, so the files always
//! hold the rows of all frames up to the one that they name, and of none after it.

use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, Env,
    FlushOptions, Options, WriteBatch, WriteOptions,
};

use crate::meta::APPLIED_KEY;
use crate::{Batch, Domain, Operation};

mod read;

pub(crate) use read::Reader;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A writer of large files hands them to the disk in portions of this size: one big sync at
/// the end of a compaction would delay the commits that share the disk.
const WRITE_BACK_BYTES: u64 = MIB as u64;

pub(crate) struct Engine {
    db: DB,
}

/// How the files are opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Create,
    ReadWrite,
    ReadOnly,
}

impl Engine {
    pub(crate) fn open(
        path: &Path,
        access: Access,
        cache_bytes: usize,
    ) -> Result<Self, rocksdb::Error> {
        let options = database_options(access);
        let cache = Cache::new_lru_cache(cache_bytes);
        let families = Domain::ALL.map(|domain| {
            ColumnFamilyDescriptor::new(domain.name(), family_options(domain, &cache))
        });
        let db = if access == Access::ReadOnly {
            DB::open_cf_descriptors_read_only(&options, path, families, false)?
        } else {
            DB::open_cf_descriptors(&options, path, families)?
        };
        Ok(Self { db })
    }

    /// The column families on disk that are no domain of this build.
    pub(crate) fn foreign_families(path: &Path) -> Result<Vec<String>, rocksdb::Error> {
        let mut names = DB::list_cf(&Options::default(), path)?;
        names.retain(|name| name != "default" && Domain::ALL.iter().all(|d| d.name() != name));
        Ok(names)
    }

    /// Reads one row of `domain` without knowing the other column families.
    pub(crate) fn peek(
        path: &Path,
        domain: Domain,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, rocksdb::Error> {
        let families = [domain.name()];
        let db = DB::open_cf_for_read_only(&Options::default(), path, families, false)?;
        match db.cf_handle(domain.name()) {
            Some(family) => db.get_cf(family, key),
            None => Ok(None),
        }
    }

    pub(crate) fn db(&self) -> &DB {
        &self.db
    }

    pub(crate) fn family(&self, domain: Domain) -> &ColumnFamily {
        self.db
            .cf_handle(domain.name())
            .expect("`open` fails unless every domain is opened")
    }

    /// Changes the rows, all or none, and notes the number of their frame. Durable after the next
    /// [`Self::flush`].
    pub(crate) fn apply(&self, frame: u64, batch: &Batch) -> Result<(), rocksdb::Error> {
        let families = Domain::ALL.map(|domain| self.family(domain));
        let family = |wanted: Domain| {
            let place = Domain::ALL.binary_search(&wanted);
            families[place.expect("every domain is in the list, which is sorted")]
        };
        // A record takes at most 15 bytes beside its key and value.
        let mut out = WriteBatch::with_capacity_bytes(batch.bytes() + 15 * batch.len() + 64);
        for operation in batch.iter() {
            match operation {
                Operation::Put { domain, key, value } => out.put_cf(family(domain), key, value),
                Operation::Delete { domain, key } => out.delete_cf(family(domain), key),
                Operation::DeleteRange { domain, from, to } => {
                    out.delete_range_cf(family(domain), from, to);
                }
            }
        }
        out.put_cf(family(Domain::Meta), APPLIED_KEY, frame.to_be_bytes());
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.db.write_opt(out, &options)
    }

    /// Moves all rows from memory into files, all domains at once. Waits for the disk.
    pub(crate) fn flush(&self) -> Result<(), rocksdb::Error> {
        let families = Domain::ALL.map(|domain| self.family(domain));
        let families: Vec<&&ColumnFamily> = families.iter().collect();
        self.db.flush_cfs_opt(&families, &FlushOptions::default())
    }
}

fn database_options(access: Access) -> Options {
    let mut options = Options::default();
    options.create_if_missing(access == Access::Create);
    // A crash in the middle of a creation leaves some of them out.
    options.create_missing_column_families(access != Access::ReadOnly);
    options.set_atomic_flush(true);
    options.set_bytes_per_sync(WRITE_BACK_BYTES);
    // Files are deleted by the background threads, never by the one that applies rows.
    options.set_avoid_unnecessary_blocking_io(true);
    // One flush and one compaction: the shards need the other cores.
    options.set_max_background_jobs(2);
    if let Ok(mut env) = Env::new() {
        // And they come first, and the commit does, also on the cores that they share.
        env.lower_thread_pool_cpu_priority();
        env.lower_high_priority_thread_pool_cpu_priority();
        env.lower_thread_pool_io_priority();
        options.set_env(&env);
    }
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 * MIB);
    options
}

fn family_options(domain: Domain, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_format_version(6);
    let mut options = Options::default();
    options.set_level_compaction_dynamic_level_bytes(true);
    match domain {
        // Looked up one by one, often in vain (is this name free?): filters answer most of
        // that without the disk. Small rows, light compression.
        Domain::Meta
        | Domain::Account
        | Domain::Token
        | Domain::Character
        | Domain::Name
        | Domain::Ship => {
            blocks.set_bloom_filter(10.0, false);
            blocks.set_block_size(8 * KIB);
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(if domain == Domain::Ship { 32 } else { 8 } * MIB);
        }
        // Written once, read as a whole when the server starts.
        Domain::Galaxy => {
            blocks.set_block_size(32 * KIB);
            options.set_compression_type(DBCompressionType::Zstd);
            options.set_write_buffer_size(16 * MIB);
        }
        // What players own, looked up by item, scanned by account. A beat rewrites some of it: a
        // large memtable takes hot rows many times before they are flushed once.
        Domain::Custody | Domain::Item | Domain::Outbox | Domain::Market => {
            blocks.set_bloom_filter(10.0, false);
            blocks.set_block_size(16 * KIB);
            options.set_compression_type(DBCompressionType::Lz4);
            options.set_write_buffer_size(32 * MIB);
        }
        // Appended for ever in the order of keys of 32 partitions, seldom read: by pages.
        Domain::Entry => {
            blocks.set_block_size(32 * KIB);
            options.set_compression_type(DBCompressionType::Zstd);
            options.set_write_buffer_size(64 * MIB);
            options.set_target_file_size_base(64 * MIB as u64);
        }
        // Few, large, short-lived rows, compressed already, read only after a crash.
        Domain::Checkpoint => {
            blocks.set_block_size(64 * KIB);
            options.set_compression_type(DBCompressionType::None);
            options.set_write_buffer_size(64 * MIB);
            options.set_target_file_size_base(64 * MIB as u64);
        }
    }
    options.set_block_based_table_factory(&blocks);
    options
}
