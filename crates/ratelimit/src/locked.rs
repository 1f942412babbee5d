//! A state behind a lock.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::Denied;
use crate::limiter::limiter_by_update;
use crate::sync::{Mutex, MutexGuard};
use core::fmt;
use purlin_core::time::Instant;
use std::sync::PoisonError;

/// A limiter for all threads whose state is wider than a word: behind a mutex.
///
/// For [`SlidingWindowLog`](crate::SlidingWindowLog), [`MultiBandwidth`](crate::MultiBandwidth),
/// `Gcra<u128>` and rules of your own; [`Shared`](crate::Shared) is faster where it can be had. The
/// lock is held for one decision, never across a wait.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Locked, Quota};
///
/// // Exact, though 4,000,000,007 a minute are no whole number of anything.
/// let quota = Quota::per_minute(4_000_000_007)?.with_burst(10)?;
/// let limiter = Locked::new(Gcra::wide(quota)?);
/// assert!(limiter.try_acquire_at(Instant::from_secs(1), 10).is_ok());
/// assert!(limiter.try_acquire_at(Instant::from_secs(1), 1).is_err());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Locked<A: Algorithm> {
    state: Mutex<A::State>,
    algorithm: A,
}

impl<A: Algorithm> Locked<A> {
    /// A limiter that nobody used yet.
    #[must_use]
    pub fn new(algorithm: A) -> Self {
        Self::with_state(algorithm, A::State::default())
    }

    /// A limiter that continues where another [was](Self::state), under the same rule.
    #[must_use]
    pub fn with_state(algorithm: A, state: A::State) -> Self {
        let state = Mutex::new(state);
        Self { state, algorithm }
    }

    /// The state as it is at this moment.
    #[must_use]
    pub fn state(&self) -> A::State {
        self.lock().clone()
    }

    /// Its rule.
    #[must_use]
    pub const fn algorithm(&self) -> &A {
        &self.algorithm
    }

    /// Goes on by another configuration of the rule.
    pub fn reconfigure(&mut self, now: Instant, algorithm: A, carry: Carry)
    where
        A: Reconfigure,
    {
        let state = algorithm.migrate(&self.algorithm, &self.state(), now, carry);
        *self = Self::with_state(algorithm, state);
    }

    #[inline]
    fn decide(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.update(|algorithm, state| algorithm.decide(state, now, cost))
    }

    fn look<R>(&self, look: impl FnOnce(&A, &A::State) -> R) -> R {
        look(&self.algorithm, &self.lock())
    }

    fn update<R>(&self, update: impl FnOnce(&A, &mut A::State) -> R) -> R {
        update(&self.algorithm, &mut self.lock())
    }

    /// A rule that panicked left the state as it was, or is a rule of the user's own.
    fn lock(&self) -> MutexGuard<'_, A::State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

limiter_by_update! {
    impl [A] Locked<A> where { A: Algorithm }
}

impl<A: Algorithm<State: fmt::Debug> + fmt::Debug> fmt::Debug for Locked<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked")
            .field("algorithm", &self.algorithm)
            .field("state", &*self.lock())
            .finish()
    }
}
