//! `cargo bench -p purlin-benches --bench hashring`: the kernels of `lab versus hashring` under
//! Criterion, for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::hashring::HashRing;

fn hashring(criterion: &mut Criterion) {
    rows::bench(criterion, &HashRing);
}

criterion_group!(benches, hashring);
criterion_main!(benches);
