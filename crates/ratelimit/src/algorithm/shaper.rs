//! The leaky bucket as a queue.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::arrival::Arrival;
use crate::decision::{Decision, Denied, Reason, Reservation};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::quota::Quota;
use crate::timeline::{Scale, Timeline as _};
use core::time::Duration;
use purlin_core::time::Instant;

/// The leaky bucket as a queue, or traffic shaper: requests leave at the rate, evenly spaced, and
/// wait in a queue of at most `burst` tokens until it is their turn.
///
/// Where a token bucket lets a burst through and then makes wait, this makes a burst smooth: two
/// requests of cost 1 are never closer than `1 / rate`, and after a request of cost `n` the next one
/// leaves `n / rate` later. So it is meant to be asked by
/// [`reserve_at`](crate::Limiter::reserve_at), which answers when the request leaves, or by
/// [`RateLimiter::acquire`](crate::RateLimiter), which waits until then;
/// [`try_acquire_at`](crate::Limiter::try_acquire_at) admits only what may leave at once, and
/// [`refund_at`](crate::Limiter::refund_at) puts nothing back. nginx's `limit_req` and uber-go's
/// `ratelimit` are of this kind.
///
/// With [slack](Self::with_slack), time in which nothing left is remembered for up to that many
/// tokens, which then may leave at once.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Instant, Limiter, Quota, Shaper, Shared};
///
/// // Ten a second, three in the queue at most.
/// let shaper = Shared::new(Shaper::new(Quota::per_second(10)?.with_burst(3)?)?);
/// let now = Instant::from_secs(4);
/// let mut leaves = || shaper.reserve_at(now, 1, Duration::MAX).map(|slot| slot.wait_from(now));
/// assert_eq!(leaves(), Ok(Duration::ZERO));
/// assert_eq!(leaves(), Ok(Duration::from_millis(100)));
/// assert_eq!(leaves(), Ok(Duration::from_millis(200)));
/// assert!(leaves().is_err(), "the queue is full");
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Shaper {
    /// The queue: how long until it is empty.
    queue: Arrival<Scale>,
    /// Units of the slack.
    slack: u64,
    quota: Quota,
}

impl Shaper {
    /// A queue of the quota's burst, served at its rate.
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
        let queue = Arrival::even(&quota, origin)?;
        let slack = 0;
        Ok(Self {
            queue,
            slack,
            quota,
        })
    }

    /// Lets up to `tokens` leave at once, before the one that pays for them, after time in which
    /// nothing did.
    ///
    /// # Errors
    ///
    /// [`ConfigError::TooLarge`] for a slack that is not less than the queue.
    pub fn with_slack(mut self, tokens: u64) -> Result<Self, ConfigError> {
        if tokens >= self.quota.burst() {
            return Err(ConfigError::TooLarge {
                field: "slack",
                value: u128::from(tokens),
                max: u128::from(self.quota.burst() - 1),
            });
        }
        self.slack = self.queue.token * tokens;
        Ok(self)
    }

    /// Its quota.
    #[must_use]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// When what is asked for after `state` leaves: `None` for at once.
    fn leaves(&self, state: u64, now: Instant) -> Option<Denied> {
        let turn = state.saturating_sub(self.slack);
        let waits = turn > self.queue.time.at(now).0;
        waits.then(|| Denied::reaching(now, self.queue.time.mark(turn)))
    }
}

impl Algorithm for Shaper {
    type State = u64;

    #[inline]
    fn decide(&self, state: &mut u64, now: Instant, cost: u64) -> Result<(), Denied> {
        let turn = self.leaves(*state, now);
        match (turn, self.queue.decide(&mut state.clone(), now, cost)) {
            (Some(turn), Err(full)) => Err(turn.and(full)),
            (Some(denied), Ok(())) | (None, Err(denied)) => Err(denied),
            (None, Ok(())) => self.queue.decide(state, now, cost),
        }
    }

    fn inspect(&self, state: &u64, now: Instant, cost: u64) -> Decision {
        let outcome = self.decide(&mut state.clone(), now, cost);
        let behind = (self.queue.time.at(now).0 + self.slack).checked_sub(*state);
        let leave_now = behind.map_or(0, |units| units / self.queue.token + 1);
        Decision {
            outcome,
            remaining: leave_now.min(self.queue.remaining(*state, now)),
            ..self.queue.inspect(*state, now, cost)
        }
    }

    fn reserve(
        &self,
        state: &mut u64,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let turn = self.leaves(*state, now);
        let mut next = *state;
        self.queue.decide(&mut next, now, cost)?;
        let ready = match turn {
            None => now,
            Some(turn) => {
                let Some(ready) = turn.retry_at() else {
                    return Err(Denied::because(now, Reason::Horizon));
                };
                if ready.saturating_duration_since(now) > max_wait {
                    return Err(turn);
                }
                ready
            }
        };
        *state = next;
        Ok(Reservation::new(ready, cost, u128::from(next)))
    }

    fn cancel(&self, state: &mut u64, now: Instant, reservation: &Reservation) -> u64 {
        self.queue.cancel(state, now, reservation)
    }

    /// Nothing: who left has left, and the places of those who wait rest on each other. A place in
    /// the queue is given back by `cancel`.
    fn refund(&self, _state: &mut u64, _now: Instant, _cost: u64) {}

    fn is_idle(&self, state: &u64, now: Instant) -> bool {
        self.queue.is_idle(*state, now)
    }

    fn rebase(&self, state: &u64, from: Instant, to: Instant) -> u64 {
        self.queue.rebase(*state, from, to)
    }

    fn limit(&self) -> u64 {
        self.quota.burst()
    }

    fn fingerprint(&self) -> u64 {
        let queue = self.queue.fingerprint().hash();
        Fingerprint::of("shaper").and(queue).and(self.slack).hash()
    }
}

impl Reconfigure for Shaper {
    fn migrate(&self, old: &Self, state: &u64, now: Instant, carry: Carry) -> u64 {
        self.queue.migrate(&old.queue, *state, now, carry)
    }
}
