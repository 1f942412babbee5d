//! The other crates' limiters, each in its cheapest configuration that does the work of a row.
//!
//! governor's check is generic code without a hint to inline it, and so is its clock for tests. A
//! program that calls it in one place gets it inlined; one that calls the same instance in ten rows
//! pays for a call and for a closure in memory, five nanoseconds that are the lab's and not
//! governor's. So every row has an instance of its own, by a type of instants of its own.

use alloc::rc::Rc;
use alloc::sync::Arc;
use core::cell::Cell;
use core::hash::BuildHasher;
use core::num::NonZeroU32;
use core::ops::Add;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};

use super::single::{DAY, LARGE_BURST, LARGE_RATE, nanoseconds};

/// An instant of the clock of one row: nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick<const ROW: usize>(u64);

impl<const ROW: usize> Add<Nanos> for Tick<ROW> {
    type Output = Self;

    #[inline]
    fn add(self, nanos: Nanos) -> Self {
        Self(self.0 + nanos.as_u64())
    }
}

impl<const ROW: usize> Reference for Tick<ROW> {
    #[inline]
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    #[inline]
    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.as_u64()).unwrap_or(self.0))
    }
}

/// What governor's `FakeRelativeClock` is: an atomic that is loaded.
#[derive(Debug, Clone)]
pub(super) struct Fake<const ROW: usize>(Arc<AtomicU64>);

impl<const ROW: usize> Fake<ROW> {
    /// Its limiters' state zero is the past: away from the start, as after some time of service.
    fn a_day_old() -> Self {
        Self(Arc::new(AtomicU64::new(nanoseconds(DAY))))
    }

    #[inline]
    pub(super) fn advance(&self, by: Duration) {
        self.0.fetch_add(nanoseconds(by), Ordering::Relaxed);
    }
}

impl<const ROW: usize> Clock for Fake<ROW> {
    type Instant = Tick<ROW>;

    #[inline]
    fn now(&self) -> Tick<ROW> {
        Tick(self.0.load(Ordering::Relaxed))
    }
}

/// governor's limiter in that row.
pub(super) type Governor<const ROW: usize> =
    governor::RateLimiter<NotKeyed, InMemoryState, Fake<ROW>, NoOpMiddleware<Tick<ROW>>>;

/// What it refuses with.
pub(super) type Refused<const ROW: usize> = governor::NotUntil<Tick<ROW>>;

/// One a key, in its default map.
pub(super) type GovernorKeyed<const ROW: usize, S> =
    governor::RateLimiter<u64, DashMapStateStore<u64, S>, Fake<ROW>, NoOpMiddleware<Tick<ROW>>>;

/// So many a second, and so many at once.
pub(super) fn quota(rate: u32, burst: u32) -> governor::Quota {
    governor::Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// A quota that is never exhausted while a row is measured.
pub(super) fn large() -> governor::Quota {
    quota(LARGE_RATE, LARGE_BURST)
}

/// One each such period.
pub(super) fn one_each(period: Duration) -> governor::Quota {
    governor::Quota::with_period(period)
        .unwrap_or_else(|| unreachable!("no period is zero"))
        .allow_burst(NonZeroU32::MIN)
}

/// With its clock, which the caller moves.
pub(super) fn governor<const ROW: usize>(quota: governor::Quota) -> (Governor<ROW>, Fake<ROW>) {
    let clock = Fake::a_day_old();
    let limiter = governor::RateLimiter::direct_with_clock(quota, clock.clone());
    (limiter, clock)
}

/// On std's clock.
pub(super) fn governor_on_std() -> governor::RateLimiter<
    NotKeyed,
    InMemoryState,
    governor::clock::MonotonicClock,
    NoOpMiddleware<std::time::Instant>,
> {
    governor::RateLimiter::direct_with_clock(large(), governor::clock::MonotonicClock)
}

/// Keyed.
pub(super) fn governor_keyed<const ROW: usize, S: BuildHasher + Default + Clone>(
    quota: governor::Quota,
) -> (GovernorKeyed<ROW, S>, Fake<ROW>) {
    let clock = Fake::a_day_old();
    let hasher = S::default();
    let limiter =
        governor::RateLimiter::dashmap_with_clock_and_hasher(quota, clock.clone(), hasher);
    (limiter, clock)
}

/// A clock that costs nothing to move: a cell, for one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Given<const ROW: usize>(pub(super) Rc<Cell<u64>>);

impl<const ROW: usize> Clock for Given<ROW> {
    type Instant = Tick<ROW>;

    #[inline]
    fn now(&self) -> Tick<ROW> {
        Tick(self.0.get())
    }
}

/// On std's clock, which is what its `new` takes.
pub(super) fn ratelimit() -> ratelimit::Ratelimiter {
    let builder = ratelimit::Ratelimiter::builder(u64::from(LARGE_RATE))
        .max_tokens(u64::from(LARGE_BURST))
        .initial_available(u64::from(LARGE_BURST));
    builder
        .build()
        .unwrap_or_else(|_| unreachable!("no more at first than at most"))
}

/// On tokio's clock, which is std's. A fair one, its default, takes a lock each time; an unfair one
/// takes tokens that are there without looking at a clock.
pub(super) fn leaky_bucket(fair: bool) -> leaky_bucket::RateLimiter {
    let most = usize::try_from(LARGE_BURST / 2).unwrap_or(usize::MAX);
    leaky_bucket::RateLimiter::builder()
        .max(most)
        .initial(most)
        .refill(1_000_000)
        .interval(Duration::from_millis(1))
        .fair(fair)
        .build()
}
