//! Published facts about limiters: every case of `tests/vectors/*.json`.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a test is never built without std, and ends where a vector makes no limiter"
)]

#[path = "suites/buckets.rs"]
mod buckets;
#[path = "suites/concurrency.rs"]
mod concurrency;
#[path = "suites/gcra.rs"]
mod gcra;
#[path = "suites/resilience.rs"]
mod resilience;
#[path = "suites/windows.rs"]
mod windows;

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "ratelimit", |suite| {
        gcra::register(suite);
        buckets::register(suite);
        concurrency::register(suite);
        resilience::register(suite);
        windows::register(suite);
    });
}
