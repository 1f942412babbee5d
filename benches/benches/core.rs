//! `cargo bench -p purlin-benches --bench core`: the kernels of `lab versus core` under Criterion,
//! for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::core::Core;

fn core(criterion: &mut Criterion) {
    rows::bench(criterion, &Core);
}

criterion_group!(benches, core);
criterion_main!(benches);
