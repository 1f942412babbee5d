//! The simulator finds every deliberate bug: otherwise it would prove nothing by finding no other.
//!
//! `cargo test --profile sim -p purlin-quorum --test sim_raft -- mutants --include-ignored
//! --nocapture` shows how long each could hide, and as what it came out.

use super::simulation;
use core::time::Duration;
use purlin_core::time::{Clock as _, SystemClock};
use purlin_quorum::raft::mutants::Mutant;
use purlin_sim::Runner;

/// Those that it takes thousands of seeds to find.
const RARE: [Mutant; 7] = [
    Mutant::VoteByLength,
    Mutant::CommitBeyondAppend,
    Mutant::InstallOlder,
    Mutant::ReadByEarlierRound,
    Mutant::RoundsOfLearners,
    Mutant::LeaseFromAnswer,
    Mutant::LeaseInTransfer,
];

/// Runs seeds until the bug shows.
///
/// # Panics
///
/// When it does not.
#[expect(
    clippy::print_stdout,
    reason = "the times are half of what the test shows"
)]
fn hunt(mutant: Mutant, what: &str, seeds: u64) -> Duration {
    let clock = SystemClock::default();
    let began = clock.now();
    let found = Runner::new().shrink_effort(0).search(
        0..seeds,
        |seed| simulation::world_of(seed, move |raft| raft.set_mutant(mutant)),
        simulation::check,
    );
    let took = clock.now() - began;
    let Err(failure) = found else {
        panic!("{mutant:?} ({what}) hides for {seeds} seeds, {took:.1?}");
    };
    let violation = failure.violation.to_string();
    let violation = violation.lines().next().unwrap_or_default();
    let (message, seed) = (violation.get(..120).unwrap_or(violation), failure.seed);
    println!(
        "{took:>10.1?}  seed {seed:>5}  {mutant:?}: {what}\n{:>26}{message}",
        ""
    );
    took
}

#[expect(
    clippy::print_stdout,
    reason = "the times are half of what the test shows"
)]
fn hunt_all(seeds: u64, is_wanted: impl Fn(Mutant) -> bool) {
    let wanted = Mutant::ALL.iter().filter(|(mutant, _)| is_wanted(*mutant));
    let times: Vec<Duration> = wanted
        .map(|(mutant, what)| hunt(*mutant, what, seeds))
        .collect();
    let total: Duration = times.iter().sum();
    println!("{} found in {total:.1?}", times.len());
}

#[test]
fn most_mutants_are_found_soon() {
    assert!(Mutant::ALL.len() >= 30 + RARE.len());
    hunt_all(5_000, |mutant| !RARE.contains(&mutant));
}

#[test]
#[ignore = "a minute with optimisation"]
fn rare_mutants_are_found() {
    hunt_all(60_000, |mutant| RARE.contains(&mutant));
}
