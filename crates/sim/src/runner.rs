//! Runs a check over many seeds, and makes a failure small and easy to repeat.

mod panics;
mod seeds;
mod shrink;

pub use seeds::SeedsError;

use crate::host::Host;
use crate::{Call, Schedule, Violation, World};
use core::fmt;
use core::ops::ControlFlow;
use purlin_core::time::Instant;
use shrink::Attempt;

/// Checks every seed: builds its world, lets `check` drive it, and panics with a report at the first violation.
///
/// `check` is plain code: it runs the world in whatever phases it likes and looks at whatever it likes. It must depend on nothing but the world.
/// A panic inside the machines, the check or `build` counts as a violation.
///
/// The report names the seed, a command that repeats the run, a shorter schedule of faults that still fails, and the last events of that run as a
/// timeline. The environment variable `PURLIN_SEED` replaces the seeds: by one (`17`, `0x11`) or by a range (`1000..2000`).
///
/// Answers how many seeds were checked.
///
/// # Panics
///
/// At the first violation, and when `PURLIN_SEED` cannot be understood.
///
/// The [crate's example](crate) shows a check.
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
    outcome.unwrap_or_else(|failure| panic!("{failure}"))
}

/// How often an attempt that passes is tried again with other luck.
const VARIATIONS: u32 = 3;

/// [`run`] with other limits, and with the failure as data instead of a panic.
#[derive(Clone, Copy, Debug)]
pub struct Runner {
    shrink_runs: u32,
    timeline: usize,
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl Runner {
    /// Up to 1,000 runs for shrinking, and a timeline of 60 events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            shrink_runs: 1_000,
            timeline: 60,
        }
    }

    /// How many runs may be spent on shrinking; 0 for none.
    #[must_use]
    pub const fn shrink_runs(mut self, runs: u32) -> Self {
        self.shrink_runs = runs;
        self
    }

    /// How many of the last events the failure's timeline shows.
    #[must_use]
    pub const fn timeline(mut self, events: usize) -> Self {
        self.timeline = events;
        self
    }

    /// Checks the seeds in turn, up to the first that fails. Answers how many were checked. Takes no notice of the environment.
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
                .map_err(|violation| Failure::of_build(seed, violation))?;
            if let Err(violation) = panics::caught(|| check(&mut world)) {
                let attempt = Attempt::of(&world);
                drop(world);
                return Err(Box::new(
                    self.explain(seed, violation, attempt, &build, &check),
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
        original: Attempt<H::Request>,
        build: impl Fn(u64) -> World<H>,
        check: impl Fn(&mut World<H>) -> Result<(), Violation>,
    ) -> Failure<H::Request> {
        let mut runs = 0;
        let mut fresh_luck = 0;
        let shrunk = shrink::shrink(original.clone(), |attempt| {
            for retry in 0..=VARIATIONS {
                if runs == self.shrink_runs {
                    return ControlFlow::Break(());
                }
                runs += 1;
                fresh_luck += u64::from(retry > 0);
                let variation = if retry == 0 {
                    attempt.variation
                } else {
                    fresh_luck
                };
                let attempt = attempt.clone().with_variation(variation);
                let mut world = attempt.applied_to(build(seed));
                if panics::caught(|| check(&mut world)).is_err() {
                    let failed = Attempt::of(&world).with_variation(variation);
                    return ControlFlow::Continue(Some(failed));
                }
            }
            ControlFlow::Continue(None)
        });
        let mut world = shrunk.applied_to(build(seed));
        world.set_trace(self.timeline);
        // Deterministic checks fail again; one that does not depends on something beside the world, which is worth saying.
        let again = panics::caught(|| check(&mut world)).err();
        Failure {
            seed,
            violation,
            incidents: original.faults.len(),
            shrunk_violation: again,
            all_calls: original.calls.len(),
            calls: shrunk.calls,
            variation: shrunk.variation,
            schedule: shrunk.faults,
            at: world.now(),
            runs,
            timeline: world.trace().to_string(),
            replay: seeds::replay_command(seed),
        }
    }
}

/// A seed that fails, and the shortest way to it that was found. Printed, it is a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<R> {
    /// The seed.
    pub seed: u64,
    /// What the check found with the seed's own schedule.
    pub violation: Violation,
    /// How many incidents that schedule has.
    pub incidents: usize,
    /// The shortest schedule found that still fails.
    pub schedule: Schedule,
    /// How many calls the clients made with that schedule.
    pub all_calls: usize,
    /// The calls that are enough for the failure; see [`World::set_calls`].
    pub calls: Vec<Call<R>>,
    /// The luck with which that run fails; see [`World::set_variation`].
    pub variation: u64,
    /// What the check finds with it; `None` when it passes there, which means that the check depends on something beside the world.
    pub shrunk_violation: Option<Violation>,
    /// When that run failed.
    pub at: Instant,
    /// How many runs shrinking took.
    pub runs: u32,
    /// The last events of the shrunk run.
    pub timeline: String,
    /// A command that repeats the failure.
    pub replay: String,
}

impl<R> Failure<R> {
    /// The world could not be built, so there is nothing to shrink.
    fn of_build(seed: u64, violation: Violation) -> Box<Self> {
        Box::new(Self {
            seed,
            shrunk_violation: Some(violation.clone()),
            violation,
            incidents: 0,
            schedule: Schedule::new(),
            all_calls: 0,
            calls: Vec::new(),
            variation: 0,
            at: Instant::ORIGIN,
            runs: 0,
            timeline: String::new(),
            replay: seeds::replay_command(seed),
        })
    }
}

impl<R: fmt::Debug> fmt::Display for Failure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} fails: {}", self.seed, self.violation)?;
        writeln!(f, "replay: {}", self.replay)?;
        writeln!(
            f,
            "shortest failing schedule found in {} runs: {} of {} incidents, {} of {} calls, fails at {}",
            self.runs,
            self.schedule.len(),
            self.incidents,
            self.calls.len(),
            self.all_calls,
            self.at,
        )?;
        write!(f, "{}", self.schedule)?;
        for call in &self.calls {
            writeln!(f, "{call}")?;
        }
        if self.variation > 0 {
            writeln!(f, "variation {}", self.variation)?;
        }
        match &self.shrunk_violation {
            Some(violation) => writeln!(f, "there: {violation}")?,
            None => writeln!(
                f,
                "it passes when run again: the check depends on something beside the world"
            )?,
        }
        write!(f, "the last events of that run:\n{}", self.timeline)
    }
}

impl<R: fmt::Debug> core::error::Error for Failure<R> {}
