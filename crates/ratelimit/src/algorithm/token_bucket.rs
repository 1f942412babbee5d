//! The token bucket.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::arrival::Arrival;
use crate::decision::{Decision, Denied, Reservation};
use crate::error::ConfigError;
use crate::quota::Quota;
use crate::timeline::{Scale, Steps};
use core::time::Duration;
use purlin_core::time::Instant;

/// The token bucket: it holds up to `burst` tokens, tokens come at the rate, requests take them.
///
/// With tokens that come evenly it decides exactly as [`Gcra`](crate::Gcra) does, whose notes on
/// exactness and time hold here: what a bucket holds and when it will be full are the same number,
/// and only the latter needs no clock to go on. It can also be [filled at
/// intervals](Self::filled_at_intervals), all tokens of a period at its end, as billing periods and
/// many brokers do, and start with [fewer tokens](Self::holding) than it may hold. Where reservations
/// take more than there is, the bucket is in debt, and tokens that come pay the debt first.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Instant, Limiter, Quota, Shared, TokenBucket};
///
/// // 1,000 every hour on the hour, and it starts empty.
/// let bucket = TokenBucket::filled_at_intervals(Quota::per_hour(1000)?)?;
/// let now = Instant::from_secs(0);
/// let empty = bucket.holding(now, 0);
/// let limiter = Shared::with_state(bucket, empty);
///
/// let denied = limiter.try_acquire_at(Instant::from_secs(3000), 1).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(600)));
/// assert!(limiter.try_acquire_at(Instant::from_secs(3600), 1000).is_ok());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TokenBucket {
    filling: Filling,
    quota: Quota,
}

#[derive(Clone, Debug, PartialEq)]
enum Filling {
    Evenly(Arrival<Scale>),
    AtIntervals(Arrival<Steps>),
}

/// The same expression for both ways of filling.
macro_rules! by_filling {
    ($bucket:expr, $arrival:ident => $answer:expr) => {
        match &$bucket.filling {
            Filling::Evenly($arrival) => $answer,
            Filling::AtIntervals($arrival) => $answer,
        }
    };
}

impl TokenBucket {
    /// Tokens come evenly.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] where a word cannot count that fast, or hold such a burst.
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        Self::starting_at(quota, Instant::default())
    }

    /// The same for a clock that does not count from about the time at which this limiter starts.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn starting_at(quota: Quota, origin: Instant) -> Result<Self, ConfigError> {
        let filling = Filling::Evenly(Arrival::even(&quota, origin)?);
        Ok(Self { filling, quota })
    }

    /// All of a period's tokens come at its end. Periods begin at the clock's origin.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] where a word cannot count so many tokens for four and a half years.
    pub fn filled_at_intervals(quota: Quota) -> Result<Self, ConfigError> {
        Self::filled_at_intervals_from(quota, Instant::default())
    }

    /// The same with a period that begins at `origin`: the limiter's start, or a full hour.
    ///
    /// # Errors
    ///
    /// Those of [`filled_at_intervals`](Self::filled_at_intervals).
    pub fn filled_at_intervals_from(quota: Quota, origin: Instant) -> Result<Self, ConfigError> {
        let filling = Filling::AtIntervals(Arrival::<Steps>::stepped(&quota, origin)?);
        Ok(Self { filling, quota })
    }

    /// Its quota.
    #[must_use]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The state of a bucket that holds so many tokens at `now`, or as many as fit: for the
    /// `with_state` of a holder.
    #[must_use]
    pub fn holding(&self, now: Instant, tokens: u64) -> u64 {
        by_filling!(self, arrival => arrival.holding(now, tokens))
    }
}

impl Algorithm for TokenBucket {
    type State = u64;

    #[inline]
    fn decide(&self, state: &mut u64, now: Instant, cost: u64) -> Result<(), Denied> {
        by_filling!(self, arrival => arrival.decide(state, now, cost))
    }

    fn inspect(&self, state: &u64, now: Instant, cost: u64) -> Decision {
        by_filling!(self, arrival => arrival.inspect(*state, now, cost))
    }

    fn reserve(
        &self,
        state: &mut u64,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        by_filling!(self, arrival => arrival.reserve(state, now, cost, max_wait))
    }

    fn cancel(&self, state: &mut u64, now: Instant, reservation: &Reservation) -> u64 {
        by_filling!(self, arrival => arrival.cancel(state, now, reservation))
    }

    fn refund(&self, state: &mut u64, now: Instant, cost: u64) {
        by_filling!(self, arrival => arrival.refund(state, now, cost));
    }

    fn is_idle(&self, state: &u64, now: Instant) -> bool {
        by_filling!(self, arrival => arrival.is_idle(*state, now))
    }

    fn rebase(&self, state: &u64, from: Instant, to: Instant) -> u64 {
        by_filling!(self, arrival => arrival.rebase(*state, from, to))
    }

    fn limit(&self) -> u64 {
        self.quota.burst()
    }

    fn fingerprint(&self) -> u64 {
        by_filling!(self, arrival => arrival.fingerprint().hash())
    }
}

impl Reconfigure for TokenBucket {
    fn migrate(&self, old: &Self, state: &u64, now: Instant, carry: Carry) -> u64 {
        use Filling::{AtIntervals, Evenly};
        match (&self.filling, &old.filling) {
            (Evenly(new), Evenly(old)) => new.migrate(old, *state, now, carry),
            (AtIntervals(new), Evenly(old)) => new.migrate(old, *state, now, carry),
            (Evenly(new), AtIntervals(old)) => new.migrate(old, *state, now, carry),
            (AtIntervals(new), AtIntervals(old)) => new.migrate(old, *state, now, carry),
        }
    }
}
