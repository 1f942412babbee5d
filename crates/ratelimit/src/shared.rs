//! A state in one atomic word.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::Denied;
use crate::limiter::limiter_by_update;
use crate::sync::{AtomicU64, Ordering, try_update, update};
use core::fmt;
use purlin_core::time::Instant;

/// A limiter for all threads: a rule, and its state in one `AtomicU64`.
///
/// Lock-free: every call is one compare-and-swap, tried again when another thread was faster; a
/// refusal writes nothing. One word has one order of changes, so that calls are linearizable and what
/// is admitted together never exceeds what the rule admits one after the other.
///
/// `Shared` owns no heap memory. Put it in a `static`, a struct, an `Arc`. Where many cores ask for
/// the same limiter all the time, [`Striped`](crate::Striped) shares the word less often; where
/// the state needs more than a word, [`Locked`](crate::Locked) holds it.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// let limiter = Shared::new(Gcra::new(Quota::per_second(1000)?)?);
/// let now = Instant::from_secs(3);
/// let admitted: usize = std::thread::scope(|scope| {
///     let threads = [(); 4].map(|()| {
///         scope.spawn(|| (0..500).filter(|_| limiter.try_acquire_at(now, 1).is_ok()).count())
///     });
///     threads.into_iter().map(|thread| thread.join().unwrap()).sum()
/// });
/// assert_eq!(admitted, 1000);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Shared<A> {
    word: AtomicU64,
    algorithm: A,
}

impl<A: Algorithm<State = u64>> Shared<A> {
    /// A limiter that nobody used yet.
    #[must_use]
    pub fn new(algorithm: A) -> Self {
        Self::with_state(algorithm, u64::default())
    }

    /// A limiter that continues where another [was](Self::state), under the same rule.
    #[must_use]
    pub fn with_state(algorithm: A, state: u64) -> Self {
        Self {
            word: AtomicU64::new(state),
            algorithm,
        }
    }

    /// The state as it is at this moment.
    #[must_use]
    pub fn state(&self) -> u64 {
        // ORDERING: the word is all there is, nothing else is read because of it.
        self.word.load(Ordering::Relaxed)
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

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "calls and returns cost a third of all"
    )]
    fn decide(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        try_update(&self.word, |state| self.algorithm.decide(state, now, cost))
    }

    /// Sets the word if it still is what it was, and answers what it is if not.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn swap(&self, seen: u64, next: u64) -> Result<(), u64> {
        // ORDERING: as in `state`.
        self.word
            .compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed)
            .map(drop)
    }

    #[inline]
    pub(crate) fn look<R>(&self, look: impl FnOnce(&A, &u64) -> R) -> R {
        look(&self.algorithm, &self.state())
    }

    #[inline]
    pub(crate) fn update<R>(&self, mut change: impl FnMut(&A, &mut u64) -> R) -> R {
        update(&self.word, |state| change(&self.algorithm, state))
    }
}

limiter_by_update! {
    impl [A] Shared<A> where { A: Algorithm<State = u64> }
}

impl<A: fmt::Debug> fmt::Debug for Shared<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("algorithm", &self.algorithm)
            .field("word", &self.word)
            .finish()
    }
}
