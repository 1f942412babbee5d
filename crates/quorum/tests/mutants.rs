//! The simulator finds every deliberate bug.

extern crate alloc;

#[path = "simulation/harness.rs"]
mod simulation;

use core::time::Duration;
use purlin_core::time::{Clock as _, SystemClock};
use purlin_quorum::raft::mutants::Mutant;
use purlin_sim::Runner;

/// How many seeds a bug may hide for.
const SEEDS: u64 = 100_000;

/// Runs seeds until the bug shows: how many, for how long, and as what.
fn hunt(mutant: Mutant) -> (u64, Duration, String) {
    let clock = SystemClock::default();
    let began = clock.now();
    let found = Runner::new().shrink_effort(0).search(
        0..SEEDS,
        |seed| simulation::world_of(seed, move |raft| raft.set_mutant(mutant)),
        simulation::check,
    );
    match found {
        Err(failure) => (
            failure.seed + 1,
            clock.now() - began,
            failure.violation.to_string(),
        ),
        Ok(_) => (SEEDS, clock.now() - began, "nothing".to_owned()),
    }
}

#[test]
fn every_mutant_is_found() {
    let only = std::env::var("MUTANT").unwrap_or_default();
    for (mutant, what) in Mutant::ALL {
        if !format!("{mutant:?}").contains(&only) {
            continue;
        }
        let (seeds, took, as_what) = hunt(*mutant);
        let first: String = as_what.chars().take(130).collect();
        println!(
            "{seeds:>7} {took:>10.1?}  {mutant:?} ({what}): {}",
            first.replace('\n', " ")
        );
    }
}
