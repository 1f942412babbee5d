use super::seeds;
use crate::{Call, Schedule, Trace, Violation};
use core::fmt;
use purlin_core::time::Instant;

/// A seed that fails, and the shortest way to it that was found. Printed, it is a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<R> {
    /// The seed.
    pub seed: u64,
    /// What the check found with the seed's own schedule and clients.
    pub violation: Violation,
    /// How many incidents that schedule has.
    pub incidents: usize,
    /// How many calls the clients made with it.
    pub all_calls: usize,
    /// The shortest schedule found that still fails.
    pub schedule: Schedule,
    /// The calls that are enough for it, for [`World::set_calls`](crate::World::set_calls); `None`
    /// when it takes the world's own clients.
    pub calls: Option<Vec<Call<R>>>,
    /// The luck with which that run fails, for
    /// [`World::set_variation`](crate::World::set_variation).
    pub variation: u64,
    /// What the check finds there; `None` when it passes, which means that it depends on something
    /// beside the world.
    pub shrunk_violation: Option<Violation>,
    /// When that run failed.
    pub at: Instant,
    /// How many runs shrinking took.
    pub runs: u32,
    /// Whether shrinking ended because its effort was spent: more may be possible.
    pub effort_spent: bool,
    /// What happened in that run, shortly before it failed or when clients were last answered.
    pub timeline: Trace,
    /// A command that repeats the failure.
    pub replay: String,
}

impl<R> Failure<R> {
    /// A failure that is not shrunk, or not yet.
    pub(super) fn new(seed: u64, violation: Violation) -> Self {
        Self {
            seed,
            shrunk_violation: Some(violation.clone()),
            violation,
            incidents: 0,
            all_calls: 0,
            schedule: Schedule::new(),
            calls: None,
            variation: 0,
            at: Instant::ORIGIN,
            runs: 0,
            effort_spent: false,
            timeline: Trace::default(),
            replay: seeds::replay_command(seed),
        }
    }
}

impl<R: fmt::Debug> fmt::Display for Failure<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} fails: {}", self.seed, self.violation)?;
        writeln!(f, "replay: {}\n", self.replay)?;
        let spent = if self.effort_spent {
            " (the effort is spent; more may be possible with a larger `Runner::shrink_effort`)"
        } else {
            ""
        };
        let calls = self.calls.as_ref().map_or(self.all_calls, Vec::len);
        writeln!(
            f,
            "shortest failing run found in {} runs{spent}: {} of {} incidents, {calls} of {} calls, fails at {}",
            self.runs,
            self.schedule.len(),
            self.incidents,
            self.all_calls,
            self.at,
        )?;
        match &self.shrunk_violation {
            Some(violation) => writeln!(f, "there: {violation}\n")?,
            None => writeln!(
                f,
                "it passes when run again: the check depends on something beside the world\n"
            )?,
        }
        writeln!(f, "what happened there:\n{}", self.timeline)?;
        self.as_test(f)
    }
}

impl<R: fmt::Debug> Failure<R> {
    /// The shortest run as code, for a regression test.
    fn as_test(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "as a test, in a world built with seed {}:\n", self.seed)?;
        writeln!(
            f,
            "    world.set_faults(\"\n{}    \".parse().expect(\"a schedule\"));",
            Indented(&self.schedule)
        )?;
        if let Some(calls) = &self.calls {
            writeln!(f, "    world.set_calls([")?;
            for Call {
                at,
                client,
                node,
                request,
            } in calls
            {
                let (at, node) = (at.as_nanos(), node.0);
                writeln!(
                    f,
                    "        Call {{ at: Instant::from_nanos({at}), client: {client}, node: NodeId({node}), request: {request:?} }},"
                )?;
            }
            writeln!(f, "    ]);")?;
        }
        if self.variation > 0 {
            writeln!(
                f,
                "    world.set_variation({}); // luck: try a few hundred others when the machine has changed",
                self.variation
            )?;
        }
        Ok(())
    }
}

/// A schedule, one incident a line, further in.
struct Indented<'a>(&'a Schedule);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .incidents()
            .iter()
            .try_for_each(|incident| writeln!(f, "        {incident}"))
    }
}

impl<R: fmt::Debug> core::error::Error for Failure<R> {}
