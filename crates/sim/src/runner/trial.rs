//! Runs of a failing seed's world with less in it, under a budget of work.

use super::panics::caught;
use super::shrink::{Attempt, Outcome};
use crate::host::Host;
use crate::{Trace, Violation, World};
use core::ops::ControlFlow;

/// Of so many runs with other luck the chance of a failure is estimated.
const GAUGE: u32 = 20;

/// The most runs of one attempt: a failure that luck brings about much less often than once in a
/// hundred runs is not pursued further.
const TRIES_MAX: u32 = 300;

/// More events than that a report is not cut from.
const TRACE_MAX: usize = 1 << 18;

/// How the runs of one failing seed are made, and what they have cost.
pub(super) struct Trial<'a, B, C> {
    seed: u64,
    /// What counts as failing: this, not something else.
    violation: &'a Violation,
    build: B,
    check: C,
    /// How often an attempt is tried before it counts as passing, each time with other luck.
    tries: u32,
    /// The next luck that nobody has tried.
    fresh_luck: u64,
    /// Steps that may still be spent.
    budget: u64,
    pub(super) runs: u32,
}

impl<'a, H: Host, B: Fn(u64) -> World<H>, C: Fn(&mut World<H>) -> Result<(), Violation>>
    Trial<'a, B, C>
{
    pub(super) fn new(
        seed: u64,
        violation: &'a Violation,
        build: B,
        check: C,
        budget: u64,
    ) -> Self {
        Self {
            seed,
            violation,
            build,
            check,
            tries: 1,
            fresh_luck: 1,
            budget,
            runs: 0,
        }
    }

    /// Finds out how often the failure shows with other luck, and so how often an attempt must be
    /// tried before it may be given up.
    pub(super) fn gauge(&mut self, original: &Attempt<H::Request>) {
        let failures = (0..GAUGE).filter(|_| {
            matches!(
                self.once_with_fresh_luck(original),
                ControlFlow::Continue(Some(_))
            )
        });
        let failures = u32::try_from(failures.count()).unwrap_or(GAUGE);
        // Six times the expected number of tries: what is left of a failing run often fails more
        // rarely than the whole.
        self.tries = (6 * GAUGE)
            .checked_div(failures)
            .map_or(TRIES_MAX, |tries| tries.clamp(3, TRIES_MAX));
    }

    /// Tries an attempt with the luck it comes with, then with others.
    pub(super) fn fails(&mut self, attempt: &Attempt<H::Request>) -> Outcome<H::Request> {
        let mut failed = self.once(attempt)?;
        for _ in 1..self.tries {
            if failed.is_some() {
                break;
            }
            failed = self.once_with_fresh_luck(attempt)?;
        }
        ControlFlow::Continue(failed)
    }

    fn once_with_fresh_luck(&mut self, attempt: &Attempt<H::Request>) -> Outcome<H::Request> {
        let variation = self.fresh_luck;
        self.fresh_luck += 1;
        self.once(&attempt.with_variation(variation))
    }

    /// One run: how it failed, `None` when it did not, or a break when the budget is spent.
    fn once(&mut self, attempt: &Attempt<H::Request>) -> Outcome<H::Request> {
        if self.budget == 0 {
            return ControlFlow::Break(());
        }
        self.runs += 1;
        let mut world = (self.build)(self.seed);
        let violation = self.check(attempt, &mut world);
        self.budget = self.budget.saturating_sub(cost(&world));
        let failed = violation.is_some_and(|violation| violation.is_of_kind(self.violation));
        ControlFlow::Continue(failed.then(|| Attempt::of(&world, attempt)))
    }

    fn check(&self, attempt: &Attempt<H::Request>, world: &mut World<H>) -> Option<Violation> {
        let checked = caught(|| {
            attempt.apply_to(world);
            (self.check)(world)
        });
        checked.err()
    }

    /// Runs an attempt once more and keeps what happened.
    pub(super) fn traced(
        &self,
        attempt: &Attempt<H::Request>,
        events: usize,
    ) -> (Option<Violation>, Trace) {
        let mut world = (self.build)(self.seed);
        world.set_trace(TRACE_MAX);
        let violation = self.check(attempt, &mut world);
        let trace = world.trace().clone().excerpt(events, world.now());
        (violation, trace)
    }
}

/// What a run costs, in steps; building a world costs something too.
pub(super) fn cost<H: Host>(world: &World<H>) -> u64 {
    world.stats().steps + world.len() as u64 + 100
}
