//! Makes a failing run smaller: fewer incidents, fewer calls of clients, shorter incidents.

use crate::host::Host;
use crate::{Call, Incident, Schedule, World};
use core::ops::ControlFlow;
use core::time::Duration;
use purlin_core::time::Instant;

/// What shrinking varies of a run, and how the run failed.
#[derive(Clone, Debug)]
pub(super) struct Attempt<R> {
    pub(super) faults: Schedule,
    /// A script instead of the world's own clients.
    pub(super) calls: Option<Vec<Call<R>>>,
    pub(super) variation: u64,
    pub(super) failed_at: Instant,
    /// What clients asked in the run that failed.
    made: Vec<Call<R>>,
}

impl<R: Clone> Attempt<R> {
    /// That of the first run, which has just failed.
    pub(super) fn original<H: Host<Request = R>>(world: &World<H>) -> Self {
        Self {
            faults: world.faults().clone(),
            calls: None,
            variation: 0,
            failed_at: world.now(),
            made: world.calls().to_vec(),
        }
    }

    /// That of a run of `attempt` that has just failed.
    pub(super) fn of<H: Host<Request = R>>(world: &World<H>, attempt: &Self) -> Self {
        let made = world.calls().to_vec();
        Self {
            faults: attempt.faults.clone(),
            // A run that failed early did not need the calls that were still to come.
            calls: attempt.calls.is_some().then(|| made.clone()),
            variation: attempt.variation,
            failed_at: world.now(),
            made,
        }
    }

    pub(super) fn apply_to<H: Host<Request = R>>(&self, world: &mut World<H>) {
        world.set_faults(self.faults.clone());
        if let Some(calls) = &self.calls {
            world.set_calls(calls.iter().cloned());
        }
        world.set_variation(self.variation);
    }

    pub(super) fn with_variation(&self, variation: u64) -> Self {
        Self {
            variation,
            ..self.clone()
        }
    }

    fn with_incidents(&self, incidents: Vec<Incident>) -> Self {
        Self {
            faults: incidents.into_iter().collect(),
            ..self.clone()
        }
    }

    fn with_calls(&self, calls: Vec<Call<R>>) -> Self {
        Self {
            calls: Some(calls),
            ..self.clone()
        }
    }

    fn size(&self) -> (Schedule, usize) {
        (
            self.faults.clone(),
            self.calls.as_ref().map_or(usize::MAX, Vec::len),
        )
    }
}

/// Runs an attempt: how it failed, `None` when it did not, or a break when there is no budget left.
pub(super) type Outcome<R> = ControlFlow<(), Option<Attempt<R>>>;

/// The smallest failing attempt that is found before the budget of `fails` ends, and whether it did
/// end. Deterministic.
pub(super) fn shrink<R: Clone>(
    failing: Attempt<R>,
    mut fails: impl FnMut(&Attempt<R>) -> Outcome<R>,
) -> (Attempt<R>, bool) {
    let mut best = failing;
    let spent = to_fixpoint(&mut best, &mut fails).is_break();
    (best, spent)
}

/// Each pass may open the way for the others, so they take turns until none gets further.
fn to_fixpoint<R: Clone>(
    best: &mut Attempt<R>,
    fails: &mut impl FnMut(&Attempt<R>) -> Outcome<R>,
) -> ControlFlow<()> {
    // Calls at fixed times stay where they are whatever else is left out; clients would not.
    let script = best.with_calls(best.made.clone());
    adopt(best, script, fails)?;
    loop {
        let before = best.size();
        drop_later_incidents(best, fails)?;
        let incidents = |attempt: &Attempt<R>| attempt.faults.incidents().to_vec();
        fewer(best, fails, incidents, Attempt::with_incidents)?;
        if best.calls.is_some() {
            fewer(
                best,
                fails,
                |attempt| attempt.made.clone(),
                Attempt::with_calls,
            )?;
        }
        shorter_incidents(best, fails)?;
        if before == best.size() {
            return ControlFlow::Continue(());
        }
    }
}

/// Takes the candidate if it still fails.
fn adopt<R: Clone>(
    best: &mut Attempt<R>,
    candidate: Attempt<R>,
    fails: &mut impl FnMut(&Attempt<R>) -> Outcome<R>,
) -> ControlFlow<(), bool> {
    let failed = fails(&candidate)?;
    let adopted = failed.is_some();
    if let Some(failed) = failed {
        *best = failed;
    }
    ControlFlow::Continue(adopted)
}

/// What begins after the failure has no part in it.
fn drop_later_incidents<R: Clone>(
    best: &mut Attempt<R>,
    fails: &mut impl FnMut(&Attempt<R>) -> Outcome<R>,
) -> ControlFlow<()> {
    let incidents = best.faults.incidents();
    let earlier = incidents.partition_point(|incident| incident.at <= best.failed_at);
    if earlier < incidents.len() {
        let candidate = best.with_incidents(incidents[..earlier].to_vec());
        adopt(best, candidate, fails)?;
    }
    ControlFlow::Continue(())
}

/// Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input",
/// 2002): halves, then quarters, and so on down to single items, are tried alone, then left out.
fn fewer<R: Clone, T: Clone>(
    best: &mut Attempt<R>,
    fails: &mut impl FnMut(&Attempt<R>) -> Outcome<R>,
    items_of: impl Fn(&Attempt<R>) -> Vec<T>,
    with: impl Fn(&Attempt<R>, Vec<T>) -> Attempt<R>,
) -> ControlFlow<()> {
    let mut chunk = items_of(best).len();
    while chunk > 0 {
        // Alone: what fails in few of many is found in few steps. Of small parts it is cheaper to
        // leave one out.
        let items = items_of(best);
        if chunk * 8 >= items.len() && chunk < items.len() {
            for alone in items.chunks(chunk) {
                if adopt(best, with(best, alone.to_vec()), fails)? {
                    break;
                }
            }
        }
        let mut from = 0;
        loop {
            let mut items = items_of(best);
            if from >= items.len() {
                break;
            }
            let until = (from + chunk).min(items.len());
            items.drain(from..until);
            if !adopt(best, with(best, items), fails)? {
                from = until;
            }
        }
        chunk = (chunk / 2).min(items_of(best).len());
    }
    ControlFlow::Continue(())
}

/// Halves each incident's length, a few times over.
fn shorter_incidents<R: Clone>(
    best: &mut Attempt<R>,
    fails: &mut impl FnMut(&Attempt<R>) -> Outcome<R>,
) -> ControlFlow<()> {
    for index in 0..best.faults.len() {
        for _ in 0..4 {
            let mut incidents = best.faults.incidents().to_vec();
            let lasts = &mut incidents[index].lasts;
            *lasts = Duration::from_millis(u64::try_from(lasts.as_millis() / 2).unwrap_or(0));
            let candidate = best.with_incidents(incidents);
            if candidate.faults == best.faults || !adopt(best, candidate, fails)? {
                break;
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::{Attempt, shrink};
    use crate::{Call, Fault, FaultKind, FaultPlan};
    use core::ops::ControlFlow;
    use core::time::Duration;
    use purlin_core::node::NodeId;
    use purlin_core::time::Instant;

    fn call(number: u64) -> Call<u64> {
        Call {
            at: Instant::from_secs(number),
            client: 3,
            node: NodeId(0),
            request: number,
        }
    }

    /// As a run would: what is asked is what the script says.
    fn failed(attempt: &Attempt<u64>) -> Attempt<u64> {
        let made = attempt
            .calls
            .clone()
            .unwrap_or_else(|| attempt.made.clone());
        Attempt {
            made,
            ..attempt.clone()
        }
    }

    fn hundred_crashes() -> Attempt<u64> {
        let plan = FaultPlan::new(10, Duration::from_secs(100)).kinds(&[FaultKind::Crash]);
        let faults = plan.max_down(10).schedule(3);
        assert!(faults.len() > 60);
        Attempt {
            faults,
            calls: None,
            made: (0..100).map(call).collect(),
            variation: 0,
            failed_at: Instant::from_secs(90),
        }
    }

    /// A failure that needs a crash of n1, one of n2 and the calls 17 and 71 shrinks to exactly
    /// that.
    #[test]
    fn only_what_is_needed_remains() {
        let crashes = |attempt: &Attempt<u64>, node| {
            let wanted = Fault::Crash(NodeId(node));
            attempt
                .faults
                .incidents()
                .iter()
                .any(|incident| incident.fault == wanted)
        };
        let (shrunk, _) = shrink(hundred_crashes(), |attempt| {
            let asked = [17, 71].iter().all(|number| {
                attempt
                    .calls
                    .iter()
                    .flatten()
                    .any(|made| *made == call(*number))
            });
            let fails = crashes(attempt, 1) && crashes(attempt, 2) && asked;
            ControlFlow::Continue(fails.then(|| failed(attempt)))
        });
        assert_eq!(shrunk.faults.len(), 2);
        assert!(crashes(&shrunk, 1) && crashes(&shrunk, 2));
        assert_eq!(shrunk.calls, Some([17, 71].map(call).to_vec()));
    }

    #[test]
    fn a_failure_that_needs_nothing_shrinks_to_nothing() {
        let (shrunk, _) = shrink(hundred_crashes(), |attempt| {
            ControlFlow::Continue(Some(failed(attempt)))
        });
        assert!(shrunk.faults.is_empty());
        assert!(shrunk.calls.is_some_and(|calls| calls.is_empty()));
    }

    #[test]
    fn it_stops_with_its_budget_and_keeps_the_best() {
        let mut runs = 0;
        let (shrunk, _) = shrink(hundred_crashes(), |attempt| {
            runs += 1;
            if runs > 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue((attempt.faults.len() > 5).then(|| failed(attempt)))
            }
        });
        assert_eq!(runs, 4);
        assert!(shrunk.faults.len() > 5 && shrunk.faults.len() < hundred_crashes().faults.len());
    }
}
