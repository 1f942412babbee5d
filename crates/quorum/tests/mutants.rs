//! The simulator finds every deliberate bug: one that cannot find known ones proves nothing.
//!
//! `MUTANT=Lease cargo test --release -p purlin-quorum --test mutants -- --nocapture` hunts those
//! whose names contain it.

extern crate alloc;

#[path = "simulation/harness.rs"]
mod simulation;

use core::time::Duration;
use purlin_core::time::{Clock as _, SystemClock};
use purlin_quorum::raft::mutants::Mutant;
use purlin_sim::Runner;

/// How many seeds a bug may hide for.
const SEEDS: u64 = 30_000;

/// Runs seeds until the bug shows: how many, for how long, and as what, if it does.
fn hunt(mutant: Mutant) -> (u64, Duration, Option<String>) {
    let clock = SystemClock::default();
    let began = clock.now();
    let found = Runner::new().shrink_effort(0).search(
        0..SEEDS,
        |seed| simulation::world_of(seed, move |raft| raft.set_mutant(mutant)),
        simulation::check,
    );
    let took = clock.now() - began;
    match found {
        Err(failure) => (failure.seed + 1, took, Some(failure.violation.to_string())),
        Ok(_) => (SEEDS, took, None),
    }
}

#[test]
fn every_mutant_is_found() {
    let only = std::env::var("MUTANT").unwrap_or_default();
    let mut missed = Vec::new();
    for &(mutant, what) in Mutant::ALL {
        if !format!("{mutant:?}").contains(&only) {
            continue;
        }
        let (seeds, took, found) = hunt(mutant);
        let found_as: String = found
            .iter()
            .flat_map(|text| text.chars())
            .take(100)
            .collect();
        let found_as = found_as.replace('\n', " ");
        println!("{seeds:>6} seeds {took:>9.1?}  {mutant:?} ({what}): {found_as}");
        if found.is_none() {
            missed.push(mutant);
        }
    }
    assert!(missed.is_empty(), "not found in {SEEDS} seeds: {missed:?}");
}
