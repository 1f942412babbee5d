//! Published facts about load balancing: every case of `tests/vectors/*.json`.

#[path = "suites/adaptive.rs"]
mod adaptive;
#[path = "suites/autoscale.rs"]
mod autoscale;
#[path = "suites/groups.rs"]
mod groups;
#[path = "suites/hashed.rs"]
mod hashed;
#[path = "suites/health.rs"]
mod health;
#[path = "suites/weighted.rs"]
mod weighted;

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "lb", |suite| {
        adaptive::register(suite);
        autoscale::register(suite);
        groups::register(suite);
        hashed::register(suite);
        health::register(suite);
        weighted::register(suite);
    });
}
