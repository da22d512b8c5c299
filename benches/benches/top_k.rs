//! The nearest of a battle.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};

fn suite(criterion: &mut Criterion) {
    support::bench(criterion, "top_k");
}

criterion_group!(benches, suite);
criterion_main!(benches);
