//! The vectors of circuit breaker, backoff and retry budget.

#[path = "suites/resilience.rs"]
mod resilience;

#[test]
fn every_vector_holds() {
    purlin_vectors::run(
        env!("CARGO_MANIFEST_DIR"),
        "ratelimit",
        resilience::register,
    );
}
