//! Raft under every fault the simulator knows.
//!
//! `PURLIN_SEED=1000..21000 cargo test --profile sim -p purlin-quorum --test sim_raft -- --nocapture`
//! runs more seeds and prints what happened in them.

extern crate alloc;

mod mutants;
#[path = "../simulation/harness.rs"]
mod simulation;

use core::cell::RefCell;
use core::ops::Range;
use purlin_sim::World;
use simulation::{RaftHost, Tally};

/// Runs seeds, counts what happened, and says so.
#[expect(
    clippy::print_stdout,
    reason = "the counts are half of what the test shows"
)]
fn run(seeds: Range<u64>, world: impl Fn(u64) -> World<RaftHost>) -> Tally {
    let tally = RefCell::new(Tally::default());
    purlin_sim::run(seeds, world, |world| {
        simulation::check(world)?;
        tally.borrow_mut().add(&simulation::tally(world));
        Ok(())
    });
    let tally = tally.into_inner();
    println!("{tally}");
    tally
}

/// Nothing breaks, and the test means something: every fault and every transition occurs.
#[test]
fn all_promises_hold_under_all_faults() {
    const SEEDS: u64 = 600;
    let tally = run(0..SEEDS, simulation::world);
    if tally.seeds >= SEEDS {
        for (what, count) in tally.counts() {
            let is_elsewhere = what.contains("lost disk");
            assert!(count > 0 || is_elsewhere, "no {what} in {SEEDS} seeds");
        }
    }
}

/// A node that comes back with an empty disk is neither counted nor heard, and the others go on.
#[test]
fn a_lost_disk_is_fenced() {
    const SEEDS: u64 = 60;
    let tally = run(0..SEEDS, simulation::world_of_lost_disks);
    assert!(
        tally.seeds < SEEDS || tally.fenced > SEEDS / 4,
        "fenced {} times in {SEEDS} worlds with a lost disk each",
        tally.fenced
    );
}
