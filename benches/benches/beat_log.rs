//! One durable write: the beat log on its two disks, beside RocksDB's synced write-ahead log.
//!
//! What is timed is one append of a frame of so many bytes until it is durable. Criterion gives
//! the mean; the line after each gives p50, p99 and the slowest, because a beat waits for the
//! slow ones. The first segment of each size is prepared beforehand; the making of later ones is
//! in the slowest. Set `TMPDIR` to the
//! disk that is meant.

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use hdrhistogram::Histogram;
use orrery_base::{ShardIndex, Tick};
use orrery_storage::log::{
    BeatLog, Disk, FrameOut, LogOptions, Needs, PlainDisk, Record, UringDisk,
};
use orrery_storage::{Batch, Domain};

const SIZES: [usize; 3] = [4 << 10, 64 << 10, 1 << 20];
const ROW_BYTES: usize = 200;
/// Left for the frame's head and the lengths of its rows.
const OVERHEAD: usize = 300;

fn rows(bytes: usize) -> Batch {
    let mut batch = Batch::new();
    while batch.bytes() + batch.len() * 4 + ROW_BYTES + OVERHEAD < bytes {
        let key = (batch.len() as u64).to_be_bytes();
        batch.put(Domain::Ship, key, [batch.len() as u8; ROW_BYTES]);
    }
    batch
}

/// Times every call of `append` and says how the slow ones were.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    bytes: usize,
    mut append: impl FnMut(),
) {
    let mut nanos = Histogram::<u64>::new(3).expect("three digits are allowed");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function(BenchmarkId::new(name, bytes), |bencher| {
        bencher.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let start = Instant::now();
                append();
                let taken = start.elapsed();
                nanos.saturating_record(taken.as_nanos() as u64);
                total += taken;
            }
            total
        });
    });
    let millis = |value: u64| value as f64 / 1e6;
    println!(
        "{name}/{bytes}: p50 {:.3} ms, p99 {:.3} ms, slowest {:.3} ms of {}",
        millis(nanos.value_at_quantile(0.5)),
        millis(nanos.value_at_quantile(0.99)),
        millis(nanos.max()),
        nanos.len(),
    );
}

fn beat_log<D: Disk>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, disk: D) {
    let (mut log, _) = BeatLog::open(disk, LogOptions::default()).expect("a fresh log opens");
    for bytes in SIZES {
        let batch = rows(bytes);
        let mut beat = 0;
        log.prepare_spare().expect("there is room for a segment");
        measure(group, name, bytes, || {
            beat += 1;
            let record = Record {
                beat: Tick(beat),
                shard: ShardIndex(0),
                bytes: b"record",
            };
            let frame = FrameOut {
                through: Some(Tick(beat)),
                rows: &batch,
                records: &[record],
            };
            log.append(&frame).expect("the disk takes a frame");
        });
        let nothing = Tick(u64::MAX);
        let needs = Needs {
            applied: u64::MAX,
            recovery_from: nothing,
            keep_from: nothing,
        };
        log.release(needs).expect("segments can be removed");
    }
}

/// One column family, every write synced: what the store did before it had a log of its own.
fn synced_wal(group: &mut BenchmarkGroup<'_, WallTime>, folder: &Path) {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    let db = rocksdb::DB::open(&options, folder).expect("a fresh store opens");
    let mut synced = rocksdb::WriteOptions::default();
    synced.set_sync(true);
    for bytes in SIZES {
        let batch = rows(bytes);
        measure(group, "rocksdb-synced", bytes, || {
            let mut write = rocksdb::WriteBatch::default();
            for row in batch.iter() {
                if let orrery_storage::Operation::Put { key, value, .. } = row {
                    write.put(key, value);
                }
            }
            db.write_opt(write, &synced)
                .expect("the disk takes a batch");
        });
    }
}

fn suite(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("beat_log");
    group.sample_size(20);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    match UringDisk::open(&folder.path().join("uring")) {
        Ok(disk) => beat_log(&mut group, "uring", disk),
        Err(error) => println!("uring: not measured: {error}"),
    }
    let plain = PlainDisk::open(&folder.path().join("plain")).expect("a folder can be made");
    beat_log(&mut group, "plain", plain);
    synced_wal(&mut group, &folder.path().join("rocksdb"));
    group.finish();
}

criterion_group!(benches, suite);
criterion_main!(benches);
