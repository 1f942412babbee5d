//! Probation: endpoints of which nothing was heard for long get a request, now and then.

use crate::estimator::Estimator;
use crate::pool::Pool;
use crate::request::Request;
use crate::sampling::draws::Counter;
use crate::state::State;
use crate::sync::{AtomicU64, Ordering};
use core::time::Duration;
use purlin_core::time::Instant;

/// Goes around a pool, one endpoint after the other, and around all of it once an interval at most.
///
/// No endpoint gets a second request before three quarters of the interval have passed.
///
/// The pace is kept in two words, however many endpoints there are, and by no timer: picks move it.
#[derive(Debug)]
pub(super) struct Probation {
    interval: Duration,
    turn: Counter,
    /// When the next endpoint may be looked at.
    due: AtomicU64,
}

/// Endpoints that one pick looks at.
const LOOKS: u32 = 8;

impl Probation {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            turn: Counter::new(0),
            due: AtomicU64::new(0),
        }
    }

    /// The next endpoint that is to have a request, if one is due.
    #[cold]
    pub(super) fn next(
        &self,
        pool: Pool<'_>,
        request: &Request<'_>,
        now: Instant,
        estimator: &Estimator,
    ) -> Option<usize> {
        let len = u32::try_from(pool.len()).ok().filter(|len| *len > 0)?;
        let gap = self.interval / len;
        // A part of the round, or the same endpoint could be at the end of one look and at the
        // beginning of the next.
        let looks = (len / 4).clamp(1, LOOKS);
        let after = |looked: u32| now.saturating_add(gap.saturating_mul(looked)).as_nanos();
        let taken = self.take(now, after(looks))?;
        for looked in 1..=looks {
            let turn = self.turn.next(1) % u64::from(len);
            let at = usize::try_from(turn).ok()?;
            let state = pool.state(at);
            let due = self.is_due(state, now) && !estimator.avoids(state, now);
            if due && pool.accepts(at, request, now) {
                // Those it did not look at cost no time.
                self.advance(taken, after(looked));
                return Some(at);
            }
        }
        None
    }

    /// Puts off the next look if one is due, and answers until when; for one thread.
    fn take(&self, now: Instant, until: u64) -> Option<u64> {
        let due = Instant::from_nanos(self.due.load(Ordering::Relaxed));
        // Never an interval ahead, unless the clock went back.
        let ahead = due.saturating_duration_since(now);
        let is_due = ahead.is_zero() || ahead > self.interval;
        (is_due && self.advance(due.as_nanos(), until)).then_some(until)
    }

    // ORDERING: a pace, on the strength of which no other memory is read.
    fn advance(&self, from: u64, to: u64) -> bool {
        let relaxed = Ordering::Relaxed;
        let swap = self.due.compare_exchange(from, to, relaxed, relaxed);
        swap.is_ok()
    }

    fn is_due(&self, state: &State, now: Instant) -> bool {
        // Not all of it: the request before took some time, and its turn comes once an interval.
        let silent = now.saturating_duration_since(state.latency_at());
        // What was heard of it is not of the future, unless the clock went back.
        let ahead = state.latency_at().saturating_duration_since(now);
        state.in_flight() == 0
            && (state.latency_nanos().is_none()
                || silent >= self.interval / 4 * 3
                || ahead > self.interval)
    }
}

impl Clone for Probation {
    fn clone(&self) -> Self {
        Self {
            interval: self.interval,
            turn: self.turn.clone(),
            due: AtomicU64::new(self.due.load(Ordering::Relaxed)),
        }
    }
}
