//! Published facts about quorums: every case of `tests/vectors/*.json`.

#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

#[path = "suites/commit.rs"]
mod commit;
#[path = "suites/confchange.rs"]
mod confchange;
#[path = "suites/vote.rs"]
mod vote;

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "quorum", |suite| {
        commit::register(suite);
        vote::register(suite);
        confchange::register(suite);
    });
}
