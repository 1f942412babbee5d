//! Runs a check over many seeds, and makes a failure small and easy to repeat.

mod failure;
mod panics;
mod seeds;
mod shrink;
mod trial;

pub use failure::Failure;

use crate::host::Host;
use crate::{Violation, World};
use shrink::Attempt;
use trial::Trial;

/// Checks every seed: builds its world, lets `check` drive it, and panics with a report at the
/// first violation.
///
/// `check` is plain code: it runs the world in whatever phases it likes and looks at whatever it
/// likes. It must depend on nothing but the world. A panic inside the machines, the check or
/// `build` counts as a violation.
///
/// The report names the seed, a command that repeats the run, a shorter schedule of faults and
/// calls that still fails in the same way, what happened in that run, and the code to keep it as a
/// test. The environment variable `PURLIN_SEED` replaces the seeds: by one (`17`, `0x11`) or by a
/// range (`1000..2000`).
///
/// Answers how many seeds were checked.
///
/// # Panics
///
/// At the first violation, and when `PURLIN_SEED` cannot be understood.
///
/// The [crate's example](crate) shows a check.
#[track_caller]
pub fn run<H: Host>(
    seeds: impl IntoIterator<Item = u64>,
    build: impl Fn(u64) -> World<H>,
    check: impl Fn(&mut World<H>) -> Result<(), Violation>,
) -> u64 {
    let outcome = match seeds::from_environment() {
        Ok(Some(seeds)) => Runner::new().search(seeds, build, check),
        Ok(None) => Runner::new().search(seeds, build, check),
        Err(error) => panic!("{error}"),
    };
    match outcome {
        Ok(checked) => checked,
        Err(failure) => panic!("{failure}"),
    }
}

/// A run of fewer steps counts as one of so many where the effort of shrinking is set: time is not
/// what is short then.
const SMALL_RUN: u64 = 20_000;

/// [`run`] with other limits, and with the failure as data instead of a panic.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    shrink_effort: u32,
    timeline: usize,
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Runner {
    /// Shrinks with the work of up to 1,000 runs, and shows 60 events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            shrink_effort: 1_000,
            timeline: 60,
        }
    }

    /// How much work shrinking may take, in multiples of the failing run's (or of 20,000 steps,
    /// where that is more); 0 for no shrinking. Smaller runs cost less, so there may be many
    /// more of them.
    #[must_use]
    pub const fn shrink_effort(mut self, failing_runs: u32) -> Self {
        self.shrink_effort = failing_runs;
        self
    }

    /// How many events the failure's timeline shows.
    #[must_use]
    pub const fn timeline(mut self, events: usize) -> Self {
        self.timeline = events;
        self
    }

    /// Checks the seeds in turn, up to the first that fails. Answers how many were checked. Takes
    /// no notice of the environment.
    ///
    /// # Errors
    ///
    /// The first failure, shrunk.
    pub fn search<H: Host>(
        &self,
        seeds: impl IntoIterator<Item = u64>,
        build: impl Fn(u64) -> World<H>,
        check: impl Fn(&mut World<H>) -> Result<(), Violation>,
    ) -> Result<u64, Box<Failure<H::Request>>> {
        let mut checked = 0;
        for seed in seeds {
            let mut world = panics::caught(|| Ok(build(seed)))
                .map_err(|violation| Box::new(Failure::new(seed, violation)))?;
            if let Err(violation) = panics::caught(|| check(&mut world)) {
                return Err(Box::new(
                    self.explain(seed, violation, &world, &build, &check),
                ));
            }
            checked += 1;
        }
        Ok(checked)
    }

    /// Shrinks a failure and runs it once more with a trace.
    fn explain<H: Host>(
        &self,
        seed: u64,
        violation: Violation,
        failed: &World<H>,
        build: impl Fn(u64) -> World<H>,
        check: impl Fn(&mut World<H>) -> Result<(), Violation>,
    ) -> Failure<H::Request> {
        let original = Attempt::original(failed);
        let budget =
            u64::from(self.shrink_effort).saturating_mul(trial::cost(failed).max(SMALL_RUN));
        let mut trial = Trial::new(seed, &violation, build, check, budget);
        trial.gauge(&original);
        let (shrunk, effort_spent) = shrink::shrink(original, |attempt| trial.fails(attempt));
        // A check that depends on the world alone fails again; that another does not is worth
        // saying.
        let (shrunk_violation, timeline) = trial.traced(&shrunk, self.timeline);
        Failure {
            incidents: failed.faults().len(),
            all_calls: failed.calls().len(),
            schedule: shrunk.faults,
            calls: shrunk.calls,
            variation: shrunk.variation,
            shrunk_violation,
            at: shrunk.failed_at,
            runs: trial.runs,
            effort_spent,
            timeline,
            ..Failure::new(seed, violation.clone())
        }
    }
}
