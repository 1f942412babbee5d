//! A state in a cell.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::Denied;
use crate::limiter::limiter_by_update;
use core::cell::Cell;
use core::fmt;
use purlin_core::time::Instant;

/// A limiter for one thread at a time: a rule, and its state in a [`Cell`].
///
/// No atomic operation and no lock: for services with a thread per core, each of which has a limiter
/// of its own, and for targets without 64-bit atomics. It is `Send` and not `Sync`.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Local, Quota};
///
/// let limiter = Local::new(Gcra::new(Quota::per_second(2)?)?);
/// let now = Instant::from_secs(1);
/// assert!(limiter.try_acquire_at(now, 2).is_ok());
/// assert!(limiter.try_acquire_at(now, 1).is_err());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Local<A: Algorithm> {
    state: Cell<A::State>,
    algorithm: A,
}

impl<A: Algorithm> Local<A> {
    /// A limiter that nobody used yet.
    #[must_use]
    pub fn new(algorithm: A) -> Self {
        Self::with_state(algorithm, A::State::default())
    }

    /// A limiter that continues where another [was](Self::state), under the same rule.
    #[must_use]
    pub const fn with_state(algorithm: A, state: A::State) -> Self {
        let state = Cell::new(state);
        Self { state, algorithm }
    }

    /// The state as it is at this moment.
    #[must_use]
    pub fn state(&self) -> A::State {
        self.look(|_, state| state.clone())
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
        let state = algorithm.migrate(&self.algorithm, self.state.get_mut(), now, carry);
        *self = Self::with_state(algorithm, state);
    }

    #[inline]
    fn decide(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.update(|algorithm, state| algorithm.decide(state, now, cost))
    }

    #[inline]
    fn look<R>(&self, look: impl FnOnce(&A, &A::State) -> R) -> R {
        self.update(|algorithm, state| look(algorithm, state))
    }

    #[inline]
    fn update<R>(&self, update: impl FnOnce(&A, &mut A::State) -> R) -> R {
        // Taken out, since a rule may be somebody's code and this cell be within its reach.
        let mut state = self.state.take();
        let result = update(&self.algorithm, &mut state);
        self.state.set(state);
        result
    }
}

limiter_by_update! {
    impl [A] Local<A> where { A: Algorithm }
}

impl<A: Algorithm<State: fmt::Debug> + fmt::Debug> fmt::Debug for Local<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("algorithm", &self.algorithm)
            .field("state", &self.state())
            .finish()
    }
}
