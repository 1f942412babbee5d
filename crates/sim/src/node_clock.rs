//! A node's own idea of the time.

use core::time::Duration;
use purlin_core::time::{Instant, UnixTime};

/// How far the nodes' clocks are off, drawn for each node from the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockModel {
    /// Each clock starts up to this far ahead of true time.
    pub skew: Duration,
    /// Each clock runs up to this many parts per million too fast or too slow.
    pub drift_ppm: u32,
}

/// Civil time when a simulation starts: the beginning of 2025.
const START: UnixTime = UnixTime::from_secs(1_735_689_600);

/// The rate of true time.
const MILLION: i64 = 1_000_000;

/// A piecewise linear map from true to local time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeClock {
    /// A true instant and the local one that belongs to it: where the present piece begins.
    since: Instant,
    local: Instant,
    /// How much faster than true time it was told to run, in parts per million. A clock that
    /// should stand still or run backwards creeps forwards, but remembers by how much it was
    /// overdone: what is added is taken away again.
    drift: i64,
    /// By how much civil time is off, in nanoseconds.
    wall_offset: i128,
}

impl NodeClock {
    pub(crate) fn new(ahead: Duration, drift_ppm: i64) -> Self {
        Self {
            since: Instant::ORIGIN,
            local: Instant::ORIGIN + ahead,
            wall_offset: 0,
            drift: drift_ppm,
        }
    }

    /// Local nanoseconds per million true ones, always positive.
    fn rate(&self) -> i64 {
        MILLION.saturating_add(self.drift).max(1)
    }

    pub(crate) fn local(&self, now: Instant) -> Instant {
        let elapsed = now - self.since;
        if self.drift == 0 {
            return self.local + elapsed;
        }
        self.local + scale(elapsed, self.rate(), MILLION)
    }

    /// The earliest true instant, not before `now`, at which the local clock shows `deadline` or
    /// later.
    pub(crate) fn when(&self, now: Instant, deadline: Instant) -> Instant {
        let left = deadline - self.local;
        let due = if self.drift == 0 {
            self.since + left
        } else {
            // One more nanosecond makes up for rounding down here and in `local`.
            self.since + scale(left, MILLION, self.rate()) + Duration::from_nanos(1)
        };
        due.max(now)
    }

    /// Steps the clock; backwards as far as its origin.
    pub(crate) fn step(&mut self, now: Instant, step: ClockStep) {
        let local = self.local(now);
        self.since = now;
        self.local = match step {
            ClockStep::Forward(by) => local + by,
            ClockStep::Back(by) => local - by,
        };
    }

    /// What civil time the node believes it is when its clock shows `local`: it follows that clock,
    /// and jumps on its own.
    pub(crate) fn unix(&self, local: Instant) -> UnixTime {
        let time = START + (local - Instant::ORIGIN);
        if self.wall_offset == 0 {
            return time; // the usual case, and this is on every step's way
        }
        let nanos = i128::from(time.as_nanos()) + self.wall_offset;
        let nanos = nanos.clamp(0, i128::from(u64::MAX));
        UnixTime::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Steps civil time.
    pub(crate) fn step_wall(&mut self, step: ClockStep) {
        let nanos = |by: Duration| i128::try_from(by.as_nanos()).unwrap_or(i128::MAX);
        self.wall_offset = match step {
            ClockStep::Forward(by) => self.wall_offset.saturating_add(nanos(by)),
            ClockStep::Back(by) => self.wall_offset.saturating_sub(nanos(by)),
        };
    }

    /// Adds to the clock's drift from now on.
    pub(crate) fn drift(&mut self, now: Instant, ppm: i64) {
        self.local = self.local(now);
        self.since = now;
        self.drift = self.drift.saturating_add(ppm);
    }
}

/// A jump of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockStep {
    /// It skips this much.
    Forward(Duration),
    /// It shows this much again.
    Back(Duration),
}

fn scale(duration: Duration, times: i64, per: i64) -> Duration {
    let nanos =
        duration.as_nanos() * u128::from(times.unsigned_abs()) / u128::from(per.unsigned_abs());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{ClockStep, NodeClock};
    use core::time::Duration;
    use proptest::prelude::*;
    use purlin_core::time::Instant;

    proptest! {
        /// A timer set by `when` never fires before the local clock shows the deadline, and at most a few local nanoseconds after.
        #[test]
        fn when_is_the_inverse_of_local(ahead in 0_u64..1 << 40, ppm in -200_000_i64..200_000, now in 0_u64..1 << 50, wait in 0_u64..1 << 45) {
            let clock = NodeClock::new(Duration::from_nanos(ahead), ppm);
            let now = Instant::from_nanos(now);
            let deadline = clock.local(now) + Duration::from_nanos(wait);
            let due = clock.when(now, deadline);
            prop_assert!(due >= now);
            prop_assert!(clock.local(due) >= deadline);
            prop_assert!(clock.local(due) - deadline <= Duration::from_nanos(3));
        }
    }

    #[test]
    fn drift_and_steps_take_effect_from_now_on() {
        let second = Duration::from_secs(1);
        let mut clock = NodeClock::new(Duration::ZERO, 0);
        clock.drift(Instant::from_secs(10), 100_000);
        assert_eq!(clock.local(Instant::from_secs(10)), Instant::from_secs(10));
        assert_eq!(clock.local(Instant::from_secs(20)), Instant::from_secs(21));
        clock.drift(Instant::from_secs(20), -100_000);
        clock.step(Instant::from_secs(20), ClockStep::Back(second * 5));
        assert_eq!(clock.local(Instant::from_secs(21)), Instant::from_secs(17));
        clock.step(Instant::from_secs(21), ClockStep::Forward(second));
        assert_eq!(clock.local(Instant::from_secs(21)), Instant::from_secs(18));
        clock.step(Instant::from_secs(21), ClockStep::Back(second * 100));
        assert_eq!(clock.local(Instant::from_secs(21)), Instant::ORIGIN);
    }

    #[test]
    fn a_deadline_in_the_past_is_due_now() {
        let clock = NodeClock::new(Duration::from_secs(3), 0);
        let now = Instant::from_secs(1);
        assert_eq!(clock.when(now, Instant::from_secs(2)), now);
    }
}
