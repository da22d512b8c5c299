//! The cell index: rebuilding it, asking it, and telling who entered and left.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};

fn suite(criterion: &mut Criterion) {
    support::bench(criterion, "interest");
    support::bench(criterion, "difference");
}

criterion_group!(benches, suite);
criterion_main!(benches);
