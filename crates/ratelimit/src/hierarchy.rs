//! One limiter within another.

use crate::decision::{Decision, Denied, Reservation};
use crate::limiter::Limiter;
use core::time::Duration;
use purlin_core::time::Instant;

/// Two limiters that must both admit: the one of a tenant, which its users share, and the one of a
/// user; the one of a service and the one of an endpoint.
///
/// Both are taken by value or by reference, so that the outer one may be part of many hierarchies,
/// and a hierarchy may be the outer one of another. Where all limits are always asked together and
/// shared by nobody else, [`MultiBandwidth`](crate::MultiBandwidth) decides them in one step.
///
/// # Semantics
///
/// * Tokens are taken from both or from none. [`retry_after`](Denied::retry_after) is the longer of
///   both waits, [`remaining`](Decision::remaining) the fewer of both.
/// * The inner one is looked at first, without taking: a user above its own limit does not touch what
///   it shares with others. Then the outer one is taken, then the inner one.
/// * If another call emptied the inner one between look and take, what was taken of the outer one is
///   cancelled. Until then others may be refused by the outer one who could have been admitted. What
///   others took of the outer one meanwhile counts as built on the cancelled tokens
///   ([`cancel_at`](Limiter::cancel_at)), and as many are lost. Neither limit is ever exceeded.
/// * [`check_at`](Limiter::check_at) decides, then looks: its numbers, not its outcome, may already
///   count what others took in between.
/// * A reservation waits for the outer one only, and is taken of both for the instant at which that
///   admits: if the inner one would not by then, it is refused with the wait that it needs. (Tokens of
///   the outer one that were booked for later would keep all others waiting until then.) It can be
///   cancelled if the marks of both levels fit 64 bits each, which is so for two limiters of a word.
///   One with a wide mark (`Gcra<u128>`, or a hierarchy within a hierarchy) is kept: cancelling it
///   gives nothing back.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Gcra, Hierarchy, Instant, Level, Limiter, Quota, Shared};
///
/// let tenant = Shared::new(Gcra::new(Quota::per_second(10)?.with_burst(3)?)?);
/// let user = |quota| Gcra::new(quota).map(Shared::new);
/// let alice = Hierarchy::new(&tenant, user(Quota::per_second(2)?)?);
/// let bob = Hierarchy::new(&tenant, user(Quota::per_second(2)?)?);
///
/// let now = Instant::from_secs(1);
/// assert!(alice.try_acquire_at(now, 2).is_ok());
/// // Her own limit: the tenant loses nothing by that.
/// assert_eq!(alice.refused_by(now, 1), Some(Level::Inner));
/// assert_eq!(
///     alice.try_acquire_at(now, 1).unwrap_err().retry_after(),
///     Some(Duration::from_millis(500)),
/// );
/// assert!(bob.try_acquire_at(now, 1).is_ok());
/// assert_eq!(bob.refused_by(now, 1), Some(Level::Outer));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hierarchy<Outer, Inner> {
    outer: Outer,
    inner: Inner,
}

/// A level of a [`Hierarchy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The shared limiter.
    Outer,
    /// The limiter within it.
    Inner,
    /// Both.
    Both,
}

impl<Outer: Limiter, Inner: Limiter> Hierarchy<Outer, Inner> {
    /// The limiter `inner` within the limiter `outer`.
    #[must_use]
    pub const fn new(outer: Outer, inner: Inner) -> Self {
        Self { outer, inner }
    }

    /// The shared limiter.
    #[must_use]
    pub const fn outer(&self) -> &Outer {
        &self.outer
    }

    /// The limiter within it.
    #[must_use]
    pub const fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Which level would refuse such a request now, if any. Takes nothing.
    #[must_use]
    pub fn refused_by(&self, now: Instant, cost: u64) -> Option<Level> {
        let refuses = |limiter: &dyn Limiter| !limiter.peek_at(now, cost).is_allowed();
        match (refuses(&self.outer), refuses(&self.inner)) {
            (true, true) => Some(Level::Both),
            (true, false) => Some(Level::Outer),
            (false, true) => Some(Level::Inner),
            (false, false) => None,
        }
    }

    /// Reserves in both, for one instant, or in none.
    fn take(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<(Reservation, Reservation), Denied> {
        let turn = match self.outer_turn(now, cost, max_wait) {
            Ok(turn) => turn,
            Err(denied) => return Err(refused_also_by(&self.inner, denied, cost)),
        };
        // Looked at, so that what is shared with others is not touched in vain.
        if let Err(denied) = self.inner.peek_at(turn, cost).outcome {
            return Err(refused_also_by(&self.outer, denied.asked_at(now), cost));
        }
        let outer = match self.outer.reserve_at(now, cost, max_wait) {
            Ok(reservation) => reservation,
            Err(denied) => return Err(refused_also_by(&self.inner, denied, cost)),
        };
        let turn = outer.ready_at();
        match self.inner.reserve_at(turn, cost, Duration::ZERO) {
            Ok(inner) => Ok((outer, inner)),
            Err(denied) => {
                self.outer.cancel_at(now, outer);
                Err(refused_also_by(&self.outer, denied.asked_at(now), cost))
            }
        }
    }

    /// When the outer one would admit.
    fn outer_turn(&self, now: Instant, cost: u64, max_wait: Duration) -> Result<Instant, Denied> {
        if max_wait.is_zero() {
            return Ok(now);
        }
        let Err(denied) = self.outer.peek_at(now, cost).outcome else {
            return Ok(now);
        };
        match denied.retry_at() {
            Some(turn) if turn.saturating_duration_since(now) <= max_wait => Ok(turn),
            _ => Err(denied),
        }
    }
}

/// The refusal with the longer wait, if the other limiter refuses too.
fn refused_also_by(other: &impl Limiter, denied: Denied, cost: u64) -> Denied {
    match other.peek_at(denied.now(), cost).outcome {
        Ok(()) => denied,
        Err(theirs) => denied.and(theirs),
    }
}

/// The mark of a reservation of which the marks of both levels do not fit.
const KEPT: u128 = u128::MAX;

/// Both marks in one.
fn pack(outer: &Reservation, inner: &Reservation) -> u128 {
    match (u64::try_from(outer.mark()), u64::try_from(inner.mark())) {
        (Ok(outer), Ok(inner)) => (u128::from(outer) << 64) | u128::from(inner),
        _ => KEPT,
    }
}

impl<Outer: Limiter, Inner: Limiter> Limiter for Hierarchy<Outer, Inner> {
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        // Reserved and not acquired: a refund could not tell what others took in between.
        self.take(now, cost, Duration::ZERO).map(drop)
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let outcome = self.try_acquire_at(now, cost);
        let mut decision = self.peek_at(now, 0);
        decision.outcome = outcome;
        decision
    }

    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let outer = self.outer.peek_at(now, cost);
        outer.and(self.inner.peek_at(now, cost))
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let (outer, inner) = self.take(now, cost, max_wait)?;
        Ok(Reservation::new(
            outer.ready_at(),
            cost,
            pack(&outer, &inner),
        ))
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        let (ready, cost) = (reservation.ready_at(), reservation.cost());
        if reservation.mark() == KEPT {
            return 0;
        }
        let part = |mark| Reservation::new(ready, cost, mark);
        let outer = part(reservation.mark() >> 64);
        let inner = part(reservation.mark() & u128::from(u64::MAX));
        let back = self.outer.cancel_at(now, outer);
        self.inner.cancel_at(now, inner).min(back)
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        self.inner.refund_at(now, cost);
        self.outer.refund_at(now, cost);
    }

    fn limit(&self) -> u64 {
        self.outer.limit().min(self.inner.limit())
    }
}

impl Decision {
    /// The answer of two limiters that must both admit. Limit and window are those of the one with the
    /// smaller limit, so that they do not change from answer to answer.
    pub(crate) fn and(self, other: Self) -> Self {
        let outcome = match (self.outcome, other.outcome) {
            (Err(mine), Err(theirs)) => Err(mine.and(theirs)),
            (mine, theirs) => mine.and(theirs),
        };
        let smaller = if other.limit < self.limit {
            other
        } else {
            self
        };
        Self {
            outcome,
            limit: smaller.limit,
            remaining: self.remaining.min(other.remaining),
            reset_after: self.reset_after.max(other.reset_after),
            window: smaller.window,
        }
    }
}
