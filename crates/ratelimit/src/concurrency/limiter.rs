use super::waiters::Waiters;
use super::{AcquireError, AtLimit, Fixed, LimitAlgorithm, Outcome, OwnedPermit, Permit, Sample};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::{Clock, ConfigError, Instant, SystemClock, Timer};
use alloc::sync::Arc;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::TryLockError;

/// How many may wait for a permit, unless told otherwise.
const DEFAULT_MAX_WAITING: u32 = 1024;

/// Admits calls up to a limit that an algorithm may move, and queues the rest in order of arrival.
///
/// # Permits
///
/// A permit is given back exactly once, however it ends. What the algorithm learns is up to you:
///
/// * [`success()`](Permit::success): it ran its course.
/// * [`dropped()`](Permit::dropped): it ended by overload.
/// * Dropping it in any other way, so by `?`, by a panic or by cancellation: nothing. A call that
///   was cut short says nothing about what one takes.
///
/// # Concurrency
///
/// Admission and release are one atomic step each. The algorithm sits behind a lock that nobody
/// waits for: a call that ends while another's sample is taken is not measured, which
/// [`stats`](Self::stats) counts. With [`Fixed`] there is neither lock nor clock.
///
/// # Waiting
///
/// [`acquire`](Self::acquire) works under any executor and needs no runtime. Who came first is
/// admitted first, and while anybody waits nobody is admitted past them, by `try_acquire` neither.
/// A wait can be cancelled by dropping it at any point: it leaves the queue, or passes on the
/// permit it was given. The queue is bounded, by 1024 unless told otherwise.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::ManualClock;
/// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Vegas};
///
/// let vegas = Vegas::builder().initial(10).max(100).build()?;
/// let clock = ManualClock::new();
/// let limiter = ConcurrencyLimiter::with_clock(vegas, clock.clone());
///
/// for _ in 0..2 {
///     let permits: Vec<_> = (0..10).map_while(|_| limiter.try_acquire().ok()).collect();
///     assert_eq!(limiter.in_flight(), 10);
///     clock.advance(Duration::from_millis(20)); // the calls
///     permits.into_iter().for_each(|permit| permit.success());
/// }
/// assert_eq!(limiter.in_flight(), 0);
/// assert!(limiter.limit() > 10); // all took the same time: nothing queued
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct ConcurrencyLimiter<A = Fixed, C = SystemClock> {
    waiters: Waiters,
    clock: C,
    /// Whether calls are measured at all; the algorithm's own answer is behind the lock.
    is_adaptive: bool,
    algorithm: Mutex<A>,
    skipped_samples: AtomicU64,
}

/// A [`ConcurrencyLimiter`] at one moment. The fields are read one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyStats {
    /// How many may be in flight.
    pub limit: u32,
    /// How many are.
    pub in_flight: u32,
    /// How many wait for a permit.
    pub waiting: usize,
    /// Calls that were not measured because another was at that moment, since the beginning.
    pub skipped_samples: u64,
}

/// What a permit remembers of its admission.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    pub(super) started: Instant,
    pub(super) in_flight: u32,
}

impl<A: LimitAlgorithm> ConcurrencyLimiter<A> {
    /// A limiter on the system's clock.
    #[must_use]
    pub fn new(algorithm: A) -> Self {
        Self::with_clock(algorithm, SystemClock::new())
    }
}

impl<C: Clock> ConcurrencyLimiter<Fixed, C> {
    /// Changes the limit. Lowering it takes nothing back; raising it admits who waits.
    ///
    /// # Errors
    ///
    /// As [`Fixed::new`]; the limit is then as it was.
    pub fn set_limit(&self, limit: u32) -> Result<(), ConfigError> {
        self.waiters.set_limit(Fixed::new(limit)?.limit());
        Ok(())
    }
}

impl<A: LimitAlgorithm, C: Clock> ConcurrencyLimiter<A, C> {
    /// A limiter on a clock of your own.
    #[must_use]
    pub fn with_clock(algorithm: A, clock: C) -> Self {
        Self {
            waiters: Waiters::new(at_least_one(algorithm.limit()), DEFAULT_MAX_WAITING),
            clock,
            is_adaptive: algorithm.is_adaptive(),
            algorithm: Mutex::new(algorithm),
            skipped_samples: AtomicU64::new(0),
        }
    }

    /// Lets at most so many wait at a time. With zero nobody waits.
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: u32) -> Self {
        self.waiters.set_max_waiting(max_waiting);
        self
    }

    /// A permit, if there is one at once.
    ///
    /// # Errors
    ///
    /// At the limit, or when others wait.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_, A, C>, AtLimit> {
        let in_flight = self.waiters.try_acquire()?;
        Ok(Permit::admit(self, in_flight))
    }

    /// [`try_acquire`](Self::try_acquire) with a permit that keeps the limiter alive.
    ///
    /// # Errors
    ///
    /// At the limit, or when others wait.
    #[inline]
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit<A, C>, AtLimit> {
        let in_flight = self.waiters.try_acquire()?;
        Ok(OwnedPermit::admit(Arc::clone(self), in_flight))
    }

    /// A permit, after all who came before.
    ///
    /// # Errors
    ///
    /// At once, when as many wait as may.
    pub async fn acquire(&self) -> Result<Permit<'_, A, C>, AcquireError> {
        let in_flight = self.admission().await?;
        Ok(Permit::admit(self, in_flight))
    }

    /// [`acquire`](Self::acquire) with a permit that keeps the limiter alive, as the future does.
    ///
    /// # Errors
    ///
    /// At once, when as many wait as may.
    pub fn acquire_owned(
        self: &Arc<Self>,
    ) -> impl Future<Output = Result<OwnedPermit<A, C>, AcquireError>> + use<A, C> {
        let limiter = Arc::clone(self);
        async move {
            let in_flight = limiter.admission().await?;
            Ok(OwnedPermit::admit(limiter, in_flight))
        }
    }

    /// A permit, after all who came before, if that takes no longer than `max_wait`. With zero it
    /// is had at once or not at all.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
    /// # use purlin_core::time::TokioTimer;
    /// use core::time::Duration;
    /// use purlin_ratelimit::concurrency::{AcquireError, ConcurrencyLimiter, Fixed};
    ///
    /// let limiter = ConcurrencyLimiter::with_clock(Fixed::new(1)?, TokioTimer::new());
    /// let max_wait = Duration::from_millis(50);
    /// let first = limiter.acquire_within(max_wait).await?;
    /// let second = limiter.acquire_within(max_wait).await;
    /// assert_eq!(second.err(), Some(AcquireError::TimedOut { max_wait }));
    /// first.success();
    /// assert!(limiter.acquire_within(max_wait).await.is_ok());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// At once, when as many wait as may; or when the time is over.
    pub async fn acquire_within(&self, max_wait: Duration) -> Result<Permit<'_, A, C>, AcquireError>
    where
        C: Timer,
    {
        let in_flight = self.admission_within(max_wait).await?;
        Ok(Permit::admit(self, in_flight))
    }

    /// [`acquire_within`](Self::acquire_within) with a permit that keeps the limiter alive, as the
    /// future does.
    ///
    /// # Errors
    ///
    /// At once, when as many wait as may; or when the time is over.
    pub fn acquire_owned_within(
        self: &Arc<Self>,
        max_wait: Duration,
    ) -> impl Future<Output = Result<OwnedPermit<A, C>, AcquireError>> + use<A, C>
    where
        C: Timer,
    {
        let limiter = Arc::clone(self);
        async move {
            let in_flight = limiter.admission_within(max_wait).await?;
            Ok(OwnedPermit::admit(limiter, in_flight))
        }
    }

    /// How many may be in flight.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.waiters.limit().limit()
    }

    /// How many are in flight. A permit that was passed to a waiter which has not collected it yet
    /// counts.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.waiters.limit().in_flight()
    }

    /// What there is to see. Takes the lock of the queue.
    #[must_use]
    pub fn stats(&self) -> ConcurrencyStats {
        ConcurrencyStats {
            limit: self.limit(),
            in_flight: self.in_flight(),
            waiting: self.waiters.waiting(),
            skipped_samples: self.skipped_samples.load(Ordering::Relaxed),
        }
    }

    /// Looks into the algorithm, such as for the rtts it goes by. Calls that end meanwhile are not
    /// measured.
    pub fn inspect<T>(&self, look: impl FnOnce(&A) -> T) -> T {
        let algorithm = self.algorithm.lock();
        look(&algorithm.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Panics where the limiter contradicts itself, between any two calls. For tests.
    ///
    /// # Panics
    ///
    /// Where the queue and its mark disagree, or the queue is beyond its bound.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        self.waiters.check_invariants();
    }

    pub(super) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// When a call that was admitted just now starts, as far as anybody will ask.
    #[inline]
    pub(super) fn start(&self) -> Instant {
        if self.is_adaptive {
            self.clock.now()
        } else {
            Instant::ORIGIN
        }
    }

    /// Tells the algorithm how a call ended.
    #[inline]
    pub(super) fn finish(&self, admission: Admission, outcome: Outcome) {
        if self.is_adaptive {
            self.learn(admission, outcome);
        }
    }

    fn learn(&self, admission: Admission, outcome: Outcome) {
        let Admission { started, in_flight } = admission;
        let sample = Sample {
            started,
            rtt: self.clock.now() - started,
            in_flight,
            outcome,
        };
        let mut algorithm = match self.algorithm.try_lock() {
            Ok(algorithm) => algorithm,
            // An algorithm that panicked once is asked again: it is a plain value, not a protocol.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.skipped_samples.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        let limit = at_least_one(algorithm.update(&sample));
        // Under the lock, so that limits take effect in the order in which they were found. Who
        // waits for a raised one is admitted as this call's permit is released, just after.
        self.waiters.limit().set_limit(limit);
    }

    async fn admission(&self) -> Result<u32, AcquireError> {
        if let Ok(in_flight) = self.waiters.try_acquire() {
            return Ok(in_flight);
        }
        self.waiters.acquire().await?;
        Ok(self.in_flight())
    }

    async fn admission_within(&self, max_wait: Duration) -> Result<u32, AcquireError>
    where
        C: Timer,
    {
        if let Ok(in_flight) = self.waiters.try_acquire() {
            return Ok(in_flight);
        }
        let mut sleep = pin!(self.clock.sleep_until(self.clock.now() + max_wait));
        let mut acquire = pin!(self.waiters.acquire());
        poll_fn(|cx| {
            if let Poll::Ready(admitted) = acquire.as_mut().poll(cx) {
                return Poll::Ready(admitted);
            }
            match sleep.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) if acquire.give_up() => Poll::Ready(Ok(())),
                Poll::Ready(()) => Poll::Ready(Err(AcquireError::TimedOut { max_wait })),
            }
        })
        .await?;
        Ok(self.in_flight())
    }
}

/// With a limit of zero no call would ever end again, and so none raise it.
fn at_least_one(limit: u32) -> u32 {
    limit.max(1)
}
