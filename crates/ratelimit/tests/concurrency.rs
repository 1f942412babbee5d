//! Concurrency limits as their users meet them: against naive models, in closed loops, when things
//! go wrong.
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

#[path = "concurrency/adaptive.rs"]
mod adaptive;
#[path = "concurrency/configuration.rs"]
mod configuration;
#[path = "concurrency/model.rs"]
mod model;
#[path = "concurrency/partitions.rs"]
mod partitions;
#[path = "concurrency/permits.rs"]
mod permits;
#[path = "concurrency/waiting.rs"]
mod waiting;
