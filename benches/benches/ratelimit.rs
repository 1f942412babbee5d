//! `cargo bench -p purlin-benches --bench ratelimit`: the kernels of `lab versus ratelimit` under
//! Criterion, for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::ratelimit::RateLimit;

fn ratelimit(criterion: &mut Criterion) {
    rows::bench(criterion, &RateLimit);
}

criterion_group!(benches, ratelimit);
criterion_main!(benches);
