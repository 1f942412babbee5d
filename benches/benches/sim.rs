//! `cargo bench -p purlin-benches --bench sim`: the kernels of `lab versus sim` under Criterion,
//! for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::sim::Sim;

fn sim(criterion: &mut Criterion) {
    rows::bench(criterion, &Sim);
}

criterion_group!(benches, sim);
criterion_main!(benches);
