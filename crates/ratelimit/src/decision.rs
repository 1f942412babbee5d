//! What a limiter answers.

use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;
use purlin_core::time::Instant;

use crate::timeline::{Mark, Shift};

/// A refusal: nothing was taken.
///
/// It holds what is needed to compute when to come back, and computes only when asked: a service
/// that drops what it refuses pays for no division.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// let limiter = Shared::new(Gcra::new(Quota::per_second(10)?.with_burst(1)?)?);
/// let now = Instant::from_secs(5);
/// assert!(limiter.try_acquire_at(now, 1).is_ok());
///
/// let denied = limiter.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_millis(100)));
/// // More than the limiter ever holds at once: waiting does not help.
/// assert_eq!(limiter.try_acquire_at(now, 2).unwrap_err().retry_after(), None);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Denied {
    now: Instant,
    // The parts of a `Mark`.
    origin: Instant,
    units: u64,
    multiplier: u64,
    /// A [`Shift`], [`NO_TIME`] and a reason above that, or [`FULL_UNTIL`]: never zero, which is `Ok`.
    code: NonZeroU64,
}

/// Above all shifts.
const NO_TIME: u64 = 128;

/// Above all reasons: there is no room until the origin.
const FULL_UNTIL: NonZeroU64 = NonZeroU64::MIN.saturating_add(2 * NO_TIME);

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Too many have been admitted lately. Come back later.
    Exhausted = 0,
    /// The request costs more than the limiter ever holds at once. It never can be admitted.
    TooLarge = 1,
    /// There is no room: in a keyed limiter for another key, or in a queue for another who waits.
    Full = 2,
    /// The instant lies beyond what the limiter can count: see the algorithm's horizon.
    Horizon = 3,
    /// The store in which the state lies did not answer, or others always came first.
    Store = 4,
}

impl Denied {
    /// Exhausted until `retry_at`.
    #[must_use]
    pub const fn until(now: Instant, retry_at: Instant) -> Self {
        Self::reaching(now, Mark::known(retry_at))
    }

    /// Refused, and no instant is known at which the request would be admitted.
    #[must_use]
    pub const fn because(now: Instant, reason: Reason) -> Self {
        Self {
            now,
            origin: now,
            units: 0,
            multiplier: 0,
            code: NonZeroU64::MIN.saturating_add(NO_TIME + reason as u64),
        }
    }

    /// No room for another key until `retry_at`.
    #[cfg(all(feature = "std", target_has_atomic = "64"))]
    pub(crate) const fn full_until(now: Instant, retry_at: Instant) -> Self {
        Self {
            origin: retry_at,
            code: FULL_UNTIL,
            ..Self::because(now, Reason::Full)
        }
    }

    /// Exhausted until time reaches the mark.
    #[inline]
    pub(crate) const fn reaching(now: Instant, due: Mark) -> Self {
        Self {
            now,
            origin: due.origin,
            units: due.units,
            multiplier: due.multiplier,
            code: due.shift.code(),
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Reason {
        if self.code == FULL_UNTIL {
            return Reason::Full;
        }
        match self.code.get().checked_sub(NO_TIME + 1) {
            Some(1) => Reason::TooLarge,
            Some(2) => Reason::Full,
            Some(3) => Reason::Horizon,
            Some(4) => Reason::Store,
            // No instant at which tokens come: they would after the last one that is counted.
            _ if self.retry_at().is_none() => Reason::Horizon,
            _ => Reason::Exhausted,
        }
    }

    /// The instant of the refused call.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// The refusal of a question about a later instant, as of that at which it was put.
    pub(crate) const fn asked_at(self, now: Instant) -> Self {
        Self { now, ..self }
    }

    /// The first instant at which the same request would be admitted if nothing else happened until
    /// then. `None` when no instant is known at which it would.
    ///
    /// Costs a division.
    #[must_use]
    pub fn retry_at(&self) -> Option<Instant> {
        if self.code == FULL_UNTIL {
            return Some(self.origin);
        }
        let mark = Mark {
            origin: self.origin,
            units: self.units,
            multiplier: self.multiplier,
            shift: Shift::of(self.code)?,
        };
        // Beyond the horizon, tokens would have come when nobody counted any more.
        mark.instant().filter(|at| *at > self.now)
    }

    /// How long after the refused call that is: the least that is not too early, to the nanosecond.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let at = self.retry_at()?;
        Some(at.saturating_duration_since(self.now))
    }

    /// The same refusal with the later of both instants, for a request that needs two admissions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.retry_at(), other.retry_at()) {
            (Some(mine), Some(theirs)) if mine < theirs => other,
            (Some(_), None) => other,
            (None, None) if self.reason() == Reason::Exhausted => other,
            _ => self,
        }
    }
}

impl PartialEq for Denied {
    fn eq(&self, other: &Self) -> bool {
        self.now == other.now
            && self.reason() == other.reason()
            && self.retry_at() == other.retry_at()
    }
}

impl Eq for Denied {}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied")
            .field("reason", &self.reason())
            .field("now", &self.now)
            .field("retry_at", &self.retry_at())
            .finish()
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reason(), self.retry_after()) {
            (Reason::Exhausted, Some(wait)) => write!(f, "limit exceeded, retry in {wait:?}"),
            (Reason::Exhausted | Reason::Horizon, _) => {
                f.write_str("limit exceeded, and no later time is known to the limiter")
            }
            (Reason::TooLarge, _) => f.write_str("the request costs more than the limit"),
            (Reason::Full, Some(wait)) => write!(f, "no room for another key, retry in {wait:?}"),
            (Reason::Full, None) => f.write_str("no room for another key, or another who waits"),
            (Reason::Store, _) => f.write_str("the limiter's store did not answer"),
        }
    }
}

impl core::error::Error for Denied {}

/// An answer with everything that a caller, or a caller's caller, may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the request is admitted.
    pub outcome: Result<(), Denied>,
    /// The most tokens there are at once.
    pub limit: u64,
    /// The tokens that are left: after the request was admitted, or without it.
    pub remaining: u64,
    /// How long until nothing that was admitted counts any more: the limiter is as good as new.
    pub reset_after: Duration,
    /// The time in which an empty limiter fills.
    pub window: Duration,
}

impl Decision {
    /// An answer of your own limiter.
    #[must_use]
    pub const fn new(
        outcome: Result<(), Denied>,
        limit: u64,
        remaining: u64,
        reset_after: Duration,
        window: Duration,
    ) -> Self {
        Self {
            outcome,
            limit,
            remaining,
            reset_after,
            window,
        }
    }

    /// Whether the request is admitted.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.outcome.is_ok()
    }

    /// How long to wait before the same request can be admitted: zero when it is, `None` when no
    /// time is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.outcome {
            Ok(()) => Some(Duration::ZERO),
            Err(denied) => denied.retry_after(),
        }
    }
}

/// Tokens taken from the future: they are this caller's, from [`ready_at`](Self::ready_at) on.
///
/// It is plain data and cancels nothing when dropped: give it back with
/// [`cancel_at`](crate::Limiter::cancel_at) if it is not used.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the tokens are taken; act at `ready_at`, or cancel"]
pub struct Reservation {
    pub(crate) ready: Instant,
    pub(crate) cost: u64,
    /// Where the algorithm stood after it: how it tells what was promised later.
    pub(crate) mark: u128,
}

impl Reservation {
    /// A reservation of your own algorithm; `mark` is for its
    /// [`cancel`](crate::Algorithm::cancel).
    pub const fn new(ready_at: Instant, cost: u64, mark: u128) -> Self {
        let ready = ready_at;
        Self { ready, cost, mark }
    }

    /// When the caller may act.
    #[must_use]
    pub const fn ready_at(&self) -> Instant {
        self.ready
    }

    /// How long that is from `now` on; zero when it is time.
    #[must_use]
    pub const fn wait_from(&self, now: Instant) -> Duration {
        self.ready.saturating_duration_since(now)
    }

    /// The tokens that were taken.
    #[must_use]
    pub const fn cost(&self) -> u64 {
        self.cost
    }

    /// What the algorithm noted.
    #[must_use]
    pub const fn mark(&self) -> u128 {
        self.mark
    }
}
