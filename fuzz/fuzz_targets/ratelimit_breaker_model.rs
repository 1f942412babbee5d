//! A circuit breaker against the model of the property tests, which keeps every call in a list.
#![no_main]

#[path = "../../crates/ratelimit/tests/models/breaker.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|history: &[u8]| model::play(history));
