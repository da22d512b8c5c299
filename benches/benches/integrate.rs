//! One beat of motion.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};

fn suite(criterion: &mut Criterion) {
    support::bench(criterion, "integrate");
}

criterion_group!(benches, suite);
criterion_main!(benches);
