//! The limiter with a clock.

mod acquire;
mod keyed;
mod queue;

pub use acquire::{Acquire, AcquireOwned};
pub use keyed::KeyedRateLimiter;

use crate::algorithm::gcra::Gcra;
use crate::decision::{Decision, Denied, Reservation};
use crate::error::ConfigError;
use crate::limiter::Limiter;
use crate::quota::Quota;
use crate::shared::Shared;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;
use purlin_core::time::{Clock, SystemClock, Timer};
use queue::Queue;

/// How many may wait, unless told otherwise.
const DEFAULT_MAX_WAITING: u32 = 1 << 16;

/// A [`Limiter`] that reads a clock itself, and waits for tokens where the clock can.
///
/// The one to begin with. `RateLimiter` without parameters is a [`Gcra`] in one atomic word under
/// the system's clock; any other limiter comes in by [`from_limiter`](Self::from_limiter), also as
/// `Arc<dyn Limiter + Send + Sync>`. All methods take `&self` and may be called from all threads: put
/// it in a struct, a `static`, an [`Arc`].
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::RateLimiter;
///
/// let limiter = RateLimiter::per_minute(2)?;
/// assert!(limiter.try_acquire().is_ok());
/// assert!(limiter.try_acquire().is_ok());
/// let denied = limiter.try_acquire().unwrap_err();
/// assert!(denied.retry_after().unwrap().as_secs() <= 30);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
///
/// # Waiting
///
/// [`acquire`](Self::acquire) and its kin wait, where the clock is a [`Timer`]: `TokioTimer`
/// (feature `tokio`), [`ManualClock`](crate::ManualClock), or one for the runtime you have. A waiter
/// has its slot from its first poll on, so that whoever comes first is served first, whatever the
/// costs: a large request cannot starve. It sets one timer and is woken for nothing else while
/// everybody comes in time.
///
/// Timers are coarse and wake those of one tick in any order. Waiters go in the order of their slots
/// all the same: who wakes early lets the earlier ones go first. A waiter that is not polled when its
/// slot has come (forgotten in a `select!`, its task stuck) holds up the others once, for ten
/// milliseconds; then it loses its place, though not its tokens.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
/// use core::time::Duration;
/// use purlin_ratelimit::{Quota, RateLimiter, TokioTimer};
///
/// // 10 a second, one at a time.
/// let quota = Quota::per_second(10)?.with_burst(1)?;
/// let limiter = RateLimiter::with_clock(quota, TokioTimer::new())?;
/// let start = tokio::time::Instant::now();
/// for _ in 0..11 {
///     limiter.acquire().await?;
/// }
/// assert_eq!(start.elapsed(), Duration::from_secs(1));
///
/// // Known at once to take too long: refused at once.
/// let denied = limiter.acquire_within(1, Duration::from_millis(99)).await.unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_millis(100)));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
///
/// The queue of those who wait takes one entry of a map for each, and holds 65,536 unless told
/// otherwise by [`with_max_waiting`](Self::with_max_waiting): who comes then is refused at once. In
/// time it is bounded by [`acquire_within`](Self::acquire_within): by a `max_wait` of `t` no more
/// than `rate * t` tokens are ever waited for.
pub struct RateLimiter<L = Shared<Gcra>, C = SystemClock> {
    limiter: L,
    clock: C,
    queue: Queue,
}

impl RateLimiter {
    /// `count` tokens a second, all of which may come at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a count of zero, or of more than a word counts.
    pub fn per_second(count: u64) -> Result<Self, ConfigError> {
        Self::new(Quota::per_second(count)?)
    }

    /// `count` tokens a minute, all of which may come at once.
    ///
    /// # Errors
    ///
    /// Those of [`per_second`](Self::per_second).
    pub fn per_minute(count: u64) -> Result<Self, ConfigError> {
        Self::new(Quota::per_minute(count)?)
    }

    /// `count` tokens an hour, all of which may come at once.
    ///
    /// # Errors
    ///
    /// Those of [`per_second`](Self::per_second).
    pub fn per_hour(count: u64) -> Result<Self, ConfigError> {
        Self::new(Quota::per_hour(count)?)
    }

    /// By that quota, under the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`].
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        Self::with_clock(quota, SystemClock::new())
    }
}

impl<C: Clock> RateLimiter<Shared<Gcra>, C> {
    /// By that quota, under a clock of your choice.
    ///
    /// The rule counts from the present instant of the clock, so that it may be one that counts from
    /// 1970.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_ratelimit::{ManualClock, Quota, RateLimiter};
    ///
    /// let clock = ManualClock::new();
    /// let limiter = RateLimiter::with_clock(Quota::per_second(1)?, clock.clone())?;
    /// assert!(limiter.try_acquire().is_ok());
    /// assert!(limiter.try_acquire().is_err());
    /// clock.advance(Duration::from_secs(1));
    /// assert!(limiter.try_acquire().is_ok());
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    pub fn with_clock(quota: Quota, clock: C) -> Result<Self, ConfigError> {
        let rule = Gcra::starting_at(quota, clock.now())?;
        Ok(Self::from_limiter(Shared::new(rule), clock))
    }
}

impl<L: Limiter, C: Clock> RateLimiter<L, C> {
    /// Any limiter, under a clock that counts from about where the limiter's rule does.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_ratelimit::{Gcra, Locked, Quota, RateLimiter, SystemClock};
    ///
    /// let rule = Gcra::wide(Quota::per_hour(1_000_000_007)?.with_burst(5)?)?;
    /// let limiter = RateLimiter::from_limiter(Locked::new(rule), SystemClock::new());
    /// assert!(limiter.try_acquire_n(5).is_ok());
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    #[must_use]
    pub fn from_limiter(limiter: L, clock: C) -> Self {
        let queue = Queue::new(DEFAULT_MAX_WAITING);
        Self {
            limiter,
            clock,
            queue,
        }
    }

    /// Lets at most so many wait at a time; others are refused with [`Reason::Full`]. With zero nobody
    /// waits.
    ///
    /// [`Reason::Full`]: crate::Reason::Full
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::future::Future;
    /// # use core::pin::pin;
    /// # use core::task::{Context, Poll, Waker};
    /// use purlin_ratelimit::{ManualClock, Quota, RateLimiter, Reason};
    ///
    /// let limiter = RateLimiter::with_clock(Quota::per_second(1)?, ManualClock::new())?;
    /// let limiter = limiter.with_max_waiting(1);
    /// limiter.try_acquire().expect("nobody else is here");
    /// # let mut cx = Context::from_waker(Waker::noop());
    ///
    /// let mut waits = pin!(limiter.acquire());
    /// assert!(waits.as_mut().poll(&mut cx).is_pending());
    /// let Poll::Ready(Err(denied)) = pin!(limiter.acquire()).poll(&mut cx) else {
    ///     panic!("two wait");
    /// };
    /// assert_eq!(denied.reason(), Reason::Full);
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: u32) -> Self {
        self.queue.set_max_waiting(max_waiting);
        self
    }

    /// Takes a token.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Denied> {
        self.try_acquire_n(1)
    }

    /// Takes `cost` tokens, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    #[inline]
    pub fn try_acquire_n(&self, cost: u64) -> Result<(), Denied> {
        self.limiter.try_acquire_at(self.clock.now(), cost)
    }

    /// Takes a token if there is one, and tells how the limiter stands afterwards.
    pub fn check(&self) -> Decision {
        self.check_n(1)
    }

    /// Takes `cost` tokens if there are as many, and tells how the limiter stands afterwards.
    pub fn check_n(&self, cost: u64) -> Decision {
        self.limiter.check_at(self.clock.now(), cost)
    }

    /// What [`check`](Self::check) would decide, and how the limiter stands now. Takes nothing.
    #[must_use]
    pub fn peek(&self) -> Decision {
        self.peek_n(1)
    }

    /// What [`check_n`](Self::check_n) would decide, and how the limiter stands now. Takes nothing.
    #[must_use]
    pub fn peek_n(&self, cost: u64) -> Decision {
        self.limiter.peek_at(self.clock.now(), cost)
    }

    /// Takes `cost` tokens, from the future if they come within `max_wait`: for those who wait by
    /// their own means, such as a scheduler. Others [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// [`Denied`] where the wait would be longer, and nothing was taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_ratelimit::{Clock, ManualClock, Quota, RateLimiter};
    ///
    /// let clock = ManualClock::new();
    /// let quota = Quota::per_second(10)?.with_burst(1)?;
    /// let limiter = RateLimiter::with_clock(quota, clock.clone())?;
    /// let first = limiter.reserve_n(1, Duration::ZERO)?;
    /// let second = limiter.reserve_n(1, Duration::from_secs(1))?;
    /// assert_eq!(first.wait_from(clock.now()), Duration::ZERO);
    /// assert_eq!(second.wait_from(clock.now()), Duration::from_millis(100));
    ///
    /// // Not needed after all.
    /// assert_eq!(limiter.cancel(second), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn reserve_n(&self, cost: u64, max_wait: Duration) -> Result<Reservation, Denied> {
        self.limiter.reserve_at(self.clock.now(), cost, max_wait)
    }

    /// Gives back what a reservation holds, but for what later ones were built on; answers how many
    /// tokens. None when its instant is over.
    pub fn cancel(&self, reservation: Reservation) -> u64 {
        self.limiter.cancel_at(self.clock.now(), reservation)
    }

    /// Puts up to `cost` tokens back, of requests that were admitted and not carried out. Never more
    /// than fit. Only put back what was taken: this is trusted.
    pub fn refund(&self, cost: u64) {
        self.limiter.refund_at(self.clock.now(), cost);
    }

    /// The most tokens there are at once, and the most that one request may cost.
    pub fn limit(&self) -> u64 {
        self.limiter.limit()
    }

    /// The limiter.
    pub const fn limiter(&self) -> &L {
        &self.limiter
    }

    /// How many wait.
    pub fn waiting(&self) -> u64 {
        self.queue.waiting()
    }

    /// Asserts what must hold of those who wait while no call is under way; panics where it does not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        self.queue.check_invariants();
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}

impl<L: Limiter, C: Timer> RateLimiter<L, C> {
    /// Waits for a token, however long: see [`acquire_within`](Self::acquire_within).
    pub fn acquire(&self) -> Acquire<'_, L, C> {
        self.acquire_n(1)
    }

    /// Waits for `cost` tokens, however long: see [`acquire_within`](Self::acquire_within).
    pub fn acquire_n(&self, cost: u64) -> Acquire<'_, L, C> {
        self.acquire_within(cost, Duration::MAX)
    }

    /// Waits for `cost` tokens, if they come within `max_wait`.
    ///
    /// The first poll reserves them; a future that nobody polls holds nothing. Those who poll first
    /// are first to be served. When nobody waits and there are enough tokens, the first poll is also
    /// the last and allocates nothing.
    ///
    /// A future that is dropped while it waits gives its tokens back, as
    /// [`cancel`](Self::cancel) would: but for those that later waiters count on, and for none once
    /// its slot has come.
    ///
    /// # Errors
    ///
    /// [`Denied`] at once, with nothing taken, when the wait would be longer than `max_wait`, when
    /// `cost` is more than [`limit`](Self::limit), or when [as many](Self::with_max_waiting) wait as
    /// may.
    pub fn acquire_within(&self, cost: u64, max_wait: Duration) -> Acquire<'_, L, C> {
        Acquire::new(self, cost, max_wait)
    }

    /// The same for a future that must not borrow, such as one that a service returns.
    pub fn acquire_owned(self: Arc<Self>, cost: u64, max_wait: Duration) -> AcquireOwned<L, C> {
        AcquireOwned::new(self, cost, max_wait)
    }
}

impl<L: fmt::Debug, C: fmt::Debug> fmt::Debug for RateLimiter<L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("limiter", &self.limiter)
            .field("clock", &self.clock)
            .field("queue", &self.queue)
            .finish()
    }
}
