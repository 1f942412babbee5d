//! `cargo bench -p purlin-benches --bench lb`: the kernels of `lab versus lb` under
//! Criterion, for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::lb::Lb;

fn lb(criterion: &mut Criterion) {
    rows::bench(criterion, &Lb);
}

criterion_group!(benches, lb);
criterion_main!(benches);
