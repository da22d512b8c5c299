//! A suite's contenders under criterion.

use std::time::Duration;

use criterion::{Criterion, Throughput};
use orrery_benches::suites;

/// Benches every contender of the suite with this name.
pub(crate) fn bench(criterion: &mut Criterion, suite: &str) {
    for group in (suites::named(suite).groups)() {
        let mut benches = criterion.benchmark_group(format!("{suite}: {}", group.name));
        benches
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for mut contender in group.contenders {
            benches.throughput(Throughput::Elements(contender.operations));
            let name = contender.name.clone();
            benches.bench_function(name, |bencher| {
                bencher.iter_custom(|runs| (0..runs).map(|_| contender.run()).sum());
            });
        }
        benches.finish();
    }
}
