//! What a request costs that goes through all layers and waits for nothing.

use super::Odd;
use core::future::{Future, Ready, ready};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::breaker::{Breaker, BreakerConfig};
use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
use purlin_ratelimit::retry_budget::RetryBudget;
use purlin_ratelimit::tower::{
    CircuitBreakerLayer, ConcurrencyLimitLayer, ConcurrencyLimitWaitLayer, RateLimitLayer,
    RateLimitWaitLayer, RetryLayer, RetryPolicy, ServiceError, Verdict,
};
use purlin_ratelimit::{ManualClock, Quota, RateLimiter};
use tower_layer::Layer;
use tower_service::Service;

/// Answers at once, with the number.
#[derive(Clone)]
struct Echo;

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Odd;
    type Future = Ready<Result<u64, Odd>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Odd>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, number: u64) -> Self::Future {
        ready(Ok(number))
    }
}

struct Never;

impl<E> RetryPolicy<u64, u64, E> for Never {
    fn again(&self, number: &u64) -> Option<u64> {
        Some(*number)
    }

    fn judge(&self, _: &Result<u64, E>) -> Verdict {
        Verdict::Return
    }
}

#[test]
fn a_request_that_need_not_wait_allocates_nothing() {
    let clock = ManualClock::new();
    let quota = Quota::per_second(100).unwrap();
    let rate = || RateLimiter::with_clock(quota, clock.clone()).unwrap();
    let places = || ConcurrencyLimiter::with_clock(Fixed::new(9).unwrap(), clock.clone());
    let breaker = Breaker::new(BreakerConfig::default(), clock.clone()).unwrap();
    let second = Duration::from_secs(1);
    let backoff = Backoff::fixed(second).unwrap();
    let budget = RetryBudget::new(second, 20, 1).unwrap();

    let service = CircuitBreakerLayer::new(breaker).layer(Echo);
    let service = ConcurrencyLimitLayer::new(places()).layer(service);
    let service = RetryLayer::new(Never, backoff, budget, clock.clone()).layer(service);
    let service = ConcurrencyLimitWaitLayer::new(places(), second).layer(service);
    let service = RateLimitWaitLayer::new(rate(), second).layer(service);
    let mut service = RateLimitLayer::new(rate()).layer(service);
    let mut cx = Context::from_waker(Waker::noop());
    let info = allocation_counter::measure(|| {
        assert!(service.poll_ready(&mut cx).is_ready());
        let answer = pin!(service.call(7)).poll(&mut cx);
        let answer = answer.map_err(ServiceError::flatten);
        assert!(matches!(answer, Poll::Ready(Ok(7))));
    });
    assert_eq!(info.count_total, 0);
}
