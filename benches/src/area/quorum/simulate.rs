//! The crate's own simulation, on any number of seeds.

use core::cell::RefCell;

use purlin_core::time::{Clock as _, SystemClock};
use purlin_sim::Runner;

use self::harness::Tally;
use crate::error::LabError;
use crate::settings::Settings;
use crate::table::{Cell, Table};

#[allow(
    dead_code,
    unused_imports,
    reason = "parts of it serve the crate's own tests only"
)]
#[path = "../../../../crates/quorum/tests/simulation/harness.rs"]
mod harness;

/// Runs so many seeds one after the other, on one thread.
///
/// # Errors
///
/// [`LabError::Violation`], with the shortest run that shows it.
pub(super) fn table(settings: &Settings, seeds: u64, first: u64) -> Result<Table, LabError> {
    let seeds = first..=first.saturating_add(seeds - 1);
    let title = format!(
        "Raft in the simulator, seeds {} to {}",
        seeds.start(),
        seeds.end()
    );
    let steps = usize::try_from(seeds.end() - seeds.start() + 1).unwrap_or(usize::MAX);
    let progress = RefCell::new(settings.progress("simulation", steps));
    let tally = RefCell::new(Tally::default());
    let clock = SystemClock::new();
    let start = clock.now();
    let searched = Runner::new().search(seeds, harness::world, |world| {
        progress.borrow_mut().step("");
        harness::check(world)?;
        tally.borrow_mut().add(&harness::tally(world));
        Ok(())
    });
    searched.map_err(|failure| LabError::Violation(failure.to_string()))?;
    let took = clock.now().saturating_duration_since(start);
    let tally = tally.into_inner();
    let mut table = Table::new(title, ["what", "how often", "in a run"]);
    for (what, count) in tally.counts() {
        table.push([
            Cell::text(what),
            Cell::count(count),
            Cell::number(count as f64 / tally.seeds as f64, ""),
        ]);
    }
    let rate = Cell::number((tally.steps as f64 / took.as_secs_f64()).round(), "");
    Ok(table.note(format!(
        "{rate} machine steps a second, one thread, building the worlds and all checks included. Every run has 2,000 steps or more. Checked at each step: election safety, log matching, \
         leader completeness, state-machine safety, durability of what is promised; at the end of each run: linearizability of all clients' reads and writes, progress, and that all \
         members are equal."
    )))
}
