//! Schedules of faults: written by hand, generated from a seed, printed and parsed.

mod plan;
mod text;

pub use plan::{FaultKind, FaultPlan};
pub use text::ParseScheduleError;

use crate::{Fault, Incident};
use core::time::Duration;
use purlin_core::time::Instant;

/// The incidents of one run, in order of time.
///
/// | fault | in text | |
/// |---|---|---|
/// | [`Crash`](Fault::Crash), [`CrashInStep`](Fault::CrashInStep), [`Wipe`](Fault::Wipe) | `crash n1`, `crash-in-step n1`, `wipe n1` | the node is down |
/// | [`Pause`](Fault::Pause), [`Slow`](Fault::Slow) | `pause n1`, `slow n1 5ms` | it handles things late |
/// | [`Cut`](Fault::Cut), [`Split`](Fault::Split) | `cut n0,n1 -> n2`, `split n0,n1` | messages are lost one way; both ways between these and all others |
/// | [`Loss`](Fault::Loss), [`Delay`](Fault::Delay) | `loss 12.5%`, `delay 50ms` | everywhere |
/// | [`SyncErrors`](Fault::SyncErrors), [`SlowDisk`](Fault::SlowDisk) | `sync-errors n1`, `slow-disk n1 20ms` | |
/// | [`ClockStep`](Fault::ClockStep), [`WallClockStep`](Fault::WallClockStep), [`ClockDrift`](Fault::ClockDrift) | `clock n1 -2s`, `wall-clock n1 +1.5s`, `drift n1 -500ppm` | |
///
/// A line is `at TIME for DURATION FAULT`; `#` begins a comment. Three ways to a schedule:
/// [`FaultPlan`] generates it from a seed; [`Schedule::with`] builds it in code; and it parses from
/// the text in which failures are printed:
///
/// ```
/// use purlin_sim::Schedule;
///
/// let script = "
///     at 1s    for 500ms split n0   # the leader is cut off, then the others lose power
///     at 1.2s  for 1s    crash n1
///     at 1.2s  for 1s    wipe n2
///     at 3s    for 1s    cut n0,n1 -> n2
///     at 4s    for 0s    clock n1 -2s
///     at 5s    for 1s    loss 12.5%
/// ";
/// let schedule: Schedule = script.parse()?;
/// assert_eq!(schedule.len(), 6);
/// assert_eq!(schedule.to_string().parse::<Schedule>()?, schedule);
/// # Ok::<(), purlin_sim::ParseScheduleError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(Vec<Incident>);

impl Schedule {
    /// No faults.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// This schedule and one more incident.
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_core::{node::NodeId, time::Instant};
    /// use purlin_sim::{Fault, Schedule};
    ///
    /// let schedule = Schedule::new().with(Instant::from_secs(1), Duration::from_secs(2), Fault::Crash(NodeId(0)));
    /// assert_eq!(schedule.to_string(), "at 1s for 2s crash n0\n");
    /// ```
    #[must_use]
    pub fn with(mut self, at: Instant, lasts: Duration, fault: Fault) -> Self {
        let place = self.0.partition_point(|incident| incident.at <= at);
        self.0.insert(place, Incident { at, lasts, fault });
        self
    }

    /// The incidents, by their beginning.
    #[must_use]
    pub fn incidents(&self) -> &[Incident] {
        &self.0
    }

    /// How many incidents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The incidents are sorted by their beginning; those that begin together keep their order.
impl FromIterator<Incident> for Schedule {
    fn from_iter<I: IntoIterator<Item = Incident>>(incidents: I) -> Self {
        let mut incidents: Vec<Incident> = incidents.into_iter().collect();
        incidents.sort_by_key(|incident| incident.at);
        Self(incidents)
    }
}
