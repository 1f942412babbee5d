//! Published facts about limiters: every case of `tests/vectors/*.json`.

#[path = "suites/concurrency.rs"]
mod concurrency;
#[path = "suites/resilience.rs"]
mod resilience;

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "ratelimit", |suite| {
        concurrency::register(suite);
        resilience::register(suite);
    });
}
