//! A limiter of which every thread has a few tokens at hand.

mod stripe;

use crate::algorithm::gcra::Gcra;
use crate::decision::{Decision, Denied, Reservation};
use crate::error::ConfigError;
use crate::limiter::Limiter;
use crate::quota::Quota;
use crate::shared::Shared;
use alloc::boxed::Box;
use core::cell::Cell;
use core::time::Duration;
use purlin_core::time::Instant;
use std::thread;
use stripe::Stripe;

/// The most tokens that a stripe holds.
const LEASE_MAX: u64 = 64;

/// A limiter for many threads that ask all the time: threads take tokens from one [`Gcra`] by the
/// dozen, and spend them from a cache line of their own.
///
/// A [`Shared`] limiter is one word, which the cores pass around: on two cores that is three times as
/// slow as on one, and the more cores the worse. Here most admissions touch the word not at all. Each
/// thread belongs to a *stripe*; a stripe without tokens *leases* some from the word, in one
/// compare-and-swap, and then spends them one by one.
///
/// # What is admitted
///
/// Never more than `burst + rate * t` in any span of time `t`, as with every other limiter of the
/// same quota. Tokens count as taken when they are leased, and may be spent later: so as many as all
/// stripes may hold together are set aside from the burst, at most a quarter of it. Hence the
/// price:
///
/// * The burst that can be had at once is between three quarters of the quota's and all of it:
///   [`limit`](Limiter::limit) says how much for sure.
/// * Tokens in the stripe of a thread that stopped asking wait for it, at most 64, and the less is
///   left the fewer are leased: near the limit, one by one. Other threads may be refused meanwhile.
/// * The order of two threads' admissions is not that of one word.
///
/// Everything but [`try_acquire_at`](Limiter::try_acquire_at) and
/// [`check_at`](Limiter::check_at) goes by the word, without the stripes. Costs of more than a lease
/// do so too.
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
/// assert!(admitted <= 1_000_000);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Striped {
    core: Shared<Gcra>,
    /// A power of two of them.
    stripes: Box<[Stripe]>,
    /// The most that a stripe may hold; zero for a burst too small to share.
    lease: u64,
    /// What is leased while so many units are left: the less there is, the less is leased, so that
    /// all stripes together never take more than half of it at once.
    sizes: [(u64, u64); 2],
}

impl Striped {
    /// By that quota, with a stripe for each core of the machine.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`].
    pub fn new(quota: Quota) -> Result<Self, ConfigError> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_stripes(quota, cores.next_power_of_two(), Instant::default())
    }

    /// The same with that many stripes, for a clock that counts from about `origin`.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`], and [`ConfigError::OutOfRange`] for a number of stripes that is no
    /// power of two up to 1,024.
    pub fn with_stripes(
        quota: Quota,
        stripes: usize,
        origin: Instant,
    ) -> Result<Self, ConfigError> {
        if !stripes.is_power_of_two() || stripes > 1024 {
            return Err(ConfigError::OutOfRange {
                field: "stripes",
                expected: "a power of two, up to 1,024",
            });
        }
        let lease = (quota.burst() / 4 / stripes as u64).min(LEASE_MAX);
        // One would be a detour.
        let lease = if lease < 2 { 0 } else { lease };
        let aside = lease * stripes as u64;
        let gcra = Gcra::starting_at(quota.with_burst(quota.burst() - aside)?, origin)?;
        let share = 2 * stripes as u64 * gcra.arrival().token;
        Ok(Self {
            sizes: [lease, lease / 8].map(|size| (size, size * share)),
            core: Shared::new(gcra),
            stripes: (0..stripes).map(|_| Stripe::default()).collect(),
            lease,
        })
    }

    /// [`try_acquire_at`](Limiter::try_acquire_at) by a stripe that the caller chose: where it knows
    /// better which core it runs on. Numbers from the number of stripes on wrap around.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    #[inline]
    pub fn try_acquire_on(&self, stripe: usize, now: Instant, cost: u64) -> Result<(), Denied> {
        // A power of two: the mask is in range, and the compiler sees it.
        let stripe = &self.stripes[stripe & (self.stripes.len() - 1)];
        if cost <= self.lease && stripe.take(cost) {
            return Ok(());
        }
        self.lease(stripe, now, cost)
    }

    /// The number of stripes.
    #[must_use]
    pub fn stripes(&self) -> usize {
        self.stripes.len()
    }

    /// Takes `cost` tokens from the word, and more for the stripe if there are plenty.
    #[inline]
    fn lease(&self, stripe: &Stripe, now: Instant, cost: u64) -> Result<(), Denied> {
        let (leased, mark) = self.core.update(|gcra, state| {
            let leased = gcra.arrival().lease(state, now, cost, self.sizes)?;
            Ok((leased, *state))
        })?;
        if leased > cost {
            self.keep(stripe, leased - cost, mark);
        }
        Ok(())
    }

    #[cold]
    fn keep(&self, stripe: &Stripe, tokens: u64, mark: u64) {
        let over = stripe.put(tokens, self.lease);
        if over > 0 {
            // Somebody filled the same stripe meanwhile. What does not fit goes back, unless others
            // have been at the word since: then it is lost, which is safe.
            let units = over * self.core.algorithm().arrival().token;
            self.core.swap(mark, mark - units);
        }
    }

    /// Tokens in all stripes.
    fn stock(&self) -> u64 {
        self.stripes.iter().map(Stripe::stock).sum()
    }

    /// Checks what must hold between calls.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        for stripe in &self.stripes {
            assert!(stripe.stock() <= self.lease, "a stripe holds too much");
        }
    }
}

/// The stripe of this thread: threads are numbered as they come.
#[inline]
fn own_stripe() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    #[cold]
    fn first() -> usize {
        // ORDERING: a number that nobody else gets.
        THREADS.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1)
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(first());
        }
        own.get()
    })
}

impl Limiter for Striped {
    #[inline]
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.try_acquire_on(own_stripe(), now, cost)
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let outcome = self.try_acquire_at(now, cost);
        let decision = self.peek_at(now, 0);
        Decision {
            outcome,
            ..decision
        }
    }

    /// `remaining` counts what lies in all stripes, which this thread may not reach.
    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let mut decision = self.core.peek_at(now, cost);
        let own = &self.stripes[own_stripe() & (self.stripes.len() - 1)];
        if cost <= own.stock() {
            decision.outcome = Ok(());
        }
        decision.remaining += self.stock();
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
