//! `cargo bench -p purlin-benches --bench quorum`: the kernels of `lab versus quorum` under
//! Criterion, for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::quorum::Quorum;

fn quorum(criterion: &mut Criterion) {
    rows::bench(criterion, &Quorum);
}

criterion_group!(benches, quorum);
criterion_main!(benches);
