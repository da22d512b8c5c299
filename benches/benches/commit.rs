//! The beat commit: from the shards' batches to the disk, and back as "durable".
//!
//! What is timed is one whole beat of two shards with so many rows of 200 bytes: handed over,
//! merged, written as one atomic batch, synced, and published. The disk is the greater part.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orrery_storage::{Batch, CommitOptions, Committer, Domain, Store, StoreOptions};

const ROW_BYTES: usize = 200;
const SHARDS: usize = 2;

fn beat(shard: usize, rows: usize) -> Batch {
    let mut batch = Batch::new();
    for row in 0..rows / SHARDS {
        let key = ((shard * rows + row) as u64).to_be_bytes();
        batch.put(Domain::Ship, key, [row as u8; ROW_BYTES]);
    }
    batch
}

fn suite(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(20);
    for rows in [0, 100, 1_000] {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let store = Store::open(folder.path().join("store"), &StoreOptions::default())
            .expect("a fresh store opens");
        let (committer, mut ports, _control) =
            Committer::start(&store, SHARDS, CommitOptions::default())
                .expect("a fresh store commits");
        let durable = committer.durable();
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("synced", rows), |bencher| {
            bencher.iter(|| {
                let tick = ports[0].next_beat();
                for (shard, port) in ports.iter_mut().enumerate() {
                    let submitted = port.submit(tick, black_box(beat(shard, rows)).into());
                    submitted.expect("one beat at a time finds room");
                }
                let waited = durable.wait(tick, Duration::from_secs(10));
                assert_eq!(
                    waited.ok(),
                    Some(true),
                    "the disk takes a beat in ten seconds"
                );
            });
        });
        drop(ports);
        committer.finish().expect("the store closes");
    }
    group.finish();
}

criterion_group!(benches, suite);
criterion_main!(benches);
