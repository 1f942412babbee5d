//! The other crates' limiters, each in its cheapest configuration that does the work of a row.

use core::num::NonZeroU32;
use core::time::Duration;

use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};

use super::single::{DAY, LARGE_BURST, LARGE_RATE};

/// governor's limiter with its clock for tests: an atomic that it loads.
pub(super) type Governor =
    governor::RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>;

/// One a key, in its default map.
pub(super) type GovernorKeyed =
    governor::RateLimiter<u64, DashMapStateStore<u64>, FakeRelativeClock, NoOpMiddleware<Nanos>>;

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
pub(super) fn governor(quota: governor::Quota) -> (Governor, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    // Its state zero is the past: away from the start, as after some time of service.
    clock.advance(DAY);
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

/// Keyed, by SipHash as the map's default is.
pub(super) fn governor_keyed(quota: governor::Quota) -> (GovernorKeyed, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    clock.advance(DAY);
    let limiter = governor::RateLimiter::dashmap_with_clock(quota, clock.clone());
    (limiter, clock)
}

/// A clock that costs nothing to move: a cell, for one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(pub(super) alloc::rc::Rc<core::cell::Cell<u64>>);

impl Clock for Given {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.get().into()
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
