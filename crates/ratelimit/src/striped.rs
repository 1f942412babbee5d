//! A limiter of which every thread has a few tokens at hand.

mod thread_number;

use crate::algorithm::Algorithm as _;
use crate::algorithm::gcra::Gcra;
use crate::decision::{Decision, Denied, Reservation};
use crate::error::ConfigError;
use crate::limiter::Limiter;
use crate::quota::Quota;
use crate::shared::Shared;
use crate::sync::{AtomicU64, Ordering};
use alloc::boxed::Box;
use core::time::Duration;
use purlin_core::time::Instant;
use std::thread;
use thread_number::thread_number;

/// The most tokens that a thread has at hand.
const LEASE_MAX: u64 = 64;

/// A limiter for threads that ask all the time: each takes tokens from one [`Gcra`] by the dozen, and
/// spends them one by one without an atomic operation.
///
/// A [`Shared`] limiter is one word that is changed for each admission and passed around among the
/// cores, which takes the longer the more of them ask. Here a thread *leases* tokens from the word in
/// one compare-and-swap, and keeps them in a *stripe*, a cache line which only that thread writes.
///
/// # What is admitted
///
/// Never more than `burst + rate * t` in any span of time `t`, as by every other limiter of that
/// quota. Leased tokens may be spent later than the word gave them away, so as many as all stripes
/// hold together at most are set aside: up to a quarter of the burst. Hence the price:
///
/// * What can be had at once is between three quarters of the burst and all of it, and no request
///   may cost more than three quarters: see [`limit`](Limiter::limit).
/// * What lies in the stripe of a thread that stopped asking waits for it, at most 64 tokens, and
///   others may be refused meanwhile. The less is left the less is leased; near the limit, every
///   token comes from the word.
///
/// Stripes belong to threads by number. Numbers of threads that ended are given out again, with what
/// is in their stripes; threads beyond the number of stripes take every token from the word. Only
/// [`try_acquire_at`](Limiter::try_acquire_at) and [`check_at`](Limiter::check_at) use stripes:
/// everything else goes by the word.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Instant, Limiter, Quota, Striped};
///
/// let limiter = Striped::new(Quota::per_second(1_000_000)?)?;
/// let now = Instant::from_secs(1);
/// let admitted: u64 = std::thread::scope(|scope| {
///     let threads = [(); 2].map(|()| {
///         scope.spawn(|| (0..700_000).filter(|_| limiter.try_acquire_at(now, 1).is_ok()).count())
///     });
///     threads.into_iter().map(|thread| thread.join().unwrap() as u64).sum()
/// });
/// assert!((limiter.limit() - 64..=1_000_000).contains(&admitted));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Striped {
    core: Shared<Gcra>,
    /// One a thread, and one that stays empty.
    stripes: Box<[Stripe]>,
    /// What is leased while so many units are left. The less there is, the less is leased: all
    /// threads together never take more than half of it at once.
    sizes: [(u64, u64); 2],
}

/// The tokens at hand of one thread, on two cache lines of its own: processors fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe {
    /// Written by the thread whose number the stripe has, and by no other.
    tokens: AtomicU64,
    /// Whether it belongs to a thread.
    lends: bool,
}

impl Stripe {
    fn new(lends: bool) -> Self {
        let tokens = AtomicU64::new(0);
        Self { tokens, lends }
    }
}

impl Striped {
    /// By that quota, with four stripes for each core of the machine.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`].
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_stripes(quota, cores.saturating_mul(4).min(1024), Instant::default())
    }

    /// The same with that many stripes, for a clock that counts from about `origin`.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`], and [`ConfigError::OutOfRange`] for more than 1,024 stripes, or none.
    pub fn with_stripes(
        quota: Quota,
        stripes: usize,
        origin: Instant,
    ) -> Result<Self, ConfigError> {
        if !(1..=1024).contains(&stripes) {
            return Err(ConfigError::OutOfRange {
                field: "stripes",
                expected: "between 1 and 1,024",
            });
        }
        let threads = stripes as u64;
        let lease = (quota.burst() / 4 / threads).min(LEASE_MAX);
        let aside = lease * threads;
        let gcra = Gcra::starting_at(quota.with_burst(quota.burst() - aside)?, origin)?;
        let token = gcra.arrival().token;
        // Of a size above zero that is at most half of the burst, which fits a word.
        let plenty = |size: u64| match size {
            0 => u64::MAX,
            size => 2 * threads * size * token,
        };
        Ok(Self {
            core: Shared::new(gcra),
            stripes: (0..=stripes).map(|i| Stripe::new(i < stripes)).collect(),
            sizes: [lease, lease / 8].map(|size| (size, plenty(size))),
        })
    }

    /// The number of stripes.
    #[must_use]
    pub fn stripes(&self) -> usize {
        self.stripes.len() - 1
    }

    /// The stripe of this thread, or the last one, which stays empty, for all threads too many: so
    /// that both go the same way.
    #[inline]
    fn own(&self) -> &Stripe {
        &self.stripes[thread_number().min(self.stripes.len() - 1)]
    }

    /// Takes `cost` tokens from the word, and more for the stripe if there are plenty. False if there
    /// are not even as many.
    #[inline(never)]
    fn lease(&self, stripe: &Stripe, now: Instant, cost: u64) -> bool {
        let gcra = self.core.algorithm();
        let mut seen = self.core.state();
        loop {
            let mut next = seen;
            if gcra.decide(&mut next, now, cost).is_err() {
                return false;
            }
            let held = stripe.tokens.load(Ordering::Relaxed);
            let more = if stripe.lends {
                let size = gcra.arrival().lease_size(next, now, self.sizes);
                size.saturating_sub(held)
            } else {
                0
            };
            match self.core.swap(seen, next + gcra.arrival().token * more) {
                Ok(()) => {
                    if more > 0 {
                        // With what is left of an older lease, which was less than the cost.
                        stripe.tokens.store(held + more, Ordering::Relaxed);
                    }
                    return true;
                }
                Err(actual) => seen = actual,
            }
        }
    }

    /// Checks what must hold between calls.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        for stripe in &self.stripes {
            let held = stripe.tokens.load(Ordering::Relaxed);
            assert!(held <= self.sizes[0].0, "a stripe holds {held}");
        }
    }
}

impl Limiter for Striped {
    #[inline(always)]
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        let stripe = self.own();
        // ORDERING: nobody else writes it. A thread that takes the number over comes after this one
        // ended, by the lock under which numbers are handed over.
        let held = stripe.tokens.load(Ordering::Relaxed);
        if cost <= held {
            stripe.tokens.store(held - cost, Ordering::Relaxed);
            return Ok(());
        }
        loop {
            // Refused here, where it costs no call; or there is enough, unless others are faster.
            let mut word = self.core.state();
            self.core.algorithm().decide(&mut word, now, cost)?;
            if self.lease(stripe, now, cost) {
                return Ok(());
            }
        }
    }

    /// Not one step: the tokens that remain are those of a moment later.
    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let outcome = self.try_acquire_at(now, cost);
        let decision = self.peek_at(now, 0);
        Decision {
            outcome,
            ..decision
        }
    }

    /// `remaining` is what this thread could take at once: of the word, or of its own stripe.
    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let mut decision = self.core.peek_at(now, cost);
        let held = self.own().tokens.load(Ordering::Relaxed);
        if cost <= held {
            decision.outcome = Ok(());
        }
        decision.remaining = decision.remaining.max(held);
        decision
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        self.core.reserve_at(now, cost, max_wait)
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        self.core.cancel_at(now, reservation)
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        self.core.refund_at(now, cost);
    }

    fn limit(&self) -> u64 {
        self.core.limit()
    }
}
