//! `cargo bench -p purlin-benches --bench cache`: the kernels of `lab versus cache` under
//! Criterion, for day-to-day work.

mod rows;

use criterion::{Criterion, criterion_group, criterion_main};
use purlin_benches::area::cache::Cache;

fn cache(criterion: &mut Criterion) {
    rows::bench(criterion, &Cache);
}

criterion_group!(benches, cache);
criterion_main!(benches);
