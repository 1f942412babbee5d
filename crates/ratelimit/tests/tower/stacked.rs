//! Guards around guards: what one refuses is no failure of the service to another.

use super::{Doubler, Odd, ask};
use alloc::sync::Arc;
use core::error::Error;
use core::time::Duration;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::breaker::{Breaker, BreakerConfig, State};
use purlin_ratelimit::concurrency::{Aimd, ConcurrencyLimiter, Fixed};
use purlin_ratelimit::retry_budget::RetryBudget;
use purlin_ratelimit::tower::{
    CircuitBreakerLayer, CircuitBreakerService, ConcurrencyLimitLayer, ConcurrencyLimitWaitLayer,
    MaybeRejected, RateLimitLayer, Rejected, RetryLayer, RetryPolicy, ServiceError, Verdict,
};
use purlin_ratelimit::{Clock, ManualClock, Quota, RateLimiter, TokioTimer};
use tower_layer::Layer;

const SECOND: Duration = Duration::from_secs(1);

fn breaker() -> Arc<Breaker<ManualClock>> {
    let config = BreakerConfig::new()
        .consecutive_failures(2)
        .open_for(SECOND);
    Arc::new(Breaker::new(config, ManualClock::new()).unwrap())
}

/// Refuses everything.
fn open_circuit() -> CircuitBreakerService<Doubler, ManualClock> {
    let breaker = breaker();
    let _ = breaker.core().force_open();
    CircuitBreakerLayer::new(breaker).layer(Doubler::default())
}

fn aimd() -> Aimd {
    Aimd::builder().initial(20).max(40).build().unwrap()
}

#[tokio::test]
async fn an_open_circuit_below_does_not_lower_an_adaptive_limit() {
    let limiter = ConcurrencyLimiter::with_clock(aimd(), ManualClock::new());
    let limiter = Arc::new(limiter);
    let mut service = ConcurrencyLimitLayer::new(limiter.clone()).layer(open_circuit());
    for _ in 0..50 {
        assert!(ask(&mut service, 2).await.is_err());
    }
    assert_eq!((limiter.limit(), limiter.in_flight()), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn nor_one_that_waits() {
    let limiter = Arc::new(ConcurrencyLimiter::with_clock(aimd(), TokioTimer::new()));
    let layer = ConcurrencyLimitWaitLayer::new(limiter.clone(), SECOND);
    let mut service = layer.layer(open_circuit());
    for _ in 0..50 {
        assert!(ask(&mut service, 2).await.is_err());
    }
    assert_eq!((limiter.limit(), limiter.in_flight()), (20, 0));
}

#[tokio::test]
async fn a_rate_limit_two_guards_below_does_not_open_a_circuit_but_failures_there_do() {
    let quota = Quota::per_second(2).unwrap();
    let limiter = RateLimiter::with_clock(quota, ManualClock::new()).unwrap();
    let fixed = ConcurrencyLimiter::with_clock(Fixed::new(9).unwrap(), ManualClock::new());
    let breaker = breaker();
    let service = RateLimitLayer::new(limiter).layer(Doubler::default());
    let service = ConcurrencyLimitLayer::new(fixed).layer(service);
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(service);
    assert_eq!(ask(&mut service, 2).await.unwrap(), 4);
    assert!(ask(&mut service, 3).await.is_err());
    for _ in 0..10 {
        let refused = ask(&mut service, 2).await.unwrap_err();
        assert!(matches!(refused.rejected(), Some(Rejected::RateLimited(_))));
    }
    assert_eq!(breaker.state(), State::Closed);

    let (breaker, inner) = (self::breaker(), self::breaker());
    let mut service = CircuitBreakerLayer::new(breaker.clone())
        .layer(CircuitBreakerLayer::new(inner).layer(Doubler::default()));
    for _ in 0..2 {
        let failed = ask(&mut service, 3).await.unwrap_err();
        assert_eq!(failed.flatten(), ServiceError::Inner(Odd));
    }
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_refusal_is_found_in_a_box_and_nothing_else_is_one() {
    let limiter = ConcurrencyLimiter::with_clock(Fixed::new(1).unwrap(), ManualClock::new());
    let _permit = limiter.try_acquire().unwrap();
    let refused = Rejected::Overloaded(limiter.try_acquire().unwrap_err());
    let nested: ServiceError<ServiceError<Odd>> = ServiceError::Inner(refused.into());
    assert_eq!(nested.rejected(), Some(&refused));
    assert_eq!(refused.rejected(), Some(&refused));

    let send: Box<dyn Error + Send + Sync> = nested.into();
    assert_eq!(send.rejected(), Some(&refused));
    let plain: Box<dyn Error> = nested.into();
    assert_eq!(plain.rejected(), Some(&refused));
    // A guard around a service whose errors are boxed.
    assert_eq!(ServiceError::Inner(send).rejected(), Some(&refused));

    let other: Box<dyn Error + Send + Sync> = ServiceError::Inner(Odd).into();
    assert_eq!(other.rejected(), None);
    assert_eq!(Odd.rejected(), None);
    assert_eq!(String::from("odd").rejected(), None);
}

/// Makes again whatever fails.
struct Always;

impl<E> RetryPolicy<u64, u64, E> for Always {
    fn again(&self, request: &u64) -> Option<u64> {
        Some(*request)
    }

    fn judge(&self, answer: &Result<u64, E>) -> Verdict {
        answer.as_ref().map_or(Verdict::Retry, |_| Verdict::Return)
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_made_again_unless_the_policy_is_to_judge_it() {
    let backoff = Backoff::fixed(SECOND).unwrap().with_max_retries(2);
    // Each request pays for two retries.
    let budget = || Arc::new(RetryBudget::new(10 * SECOND, 200, 0).unwrap());
    let timer = TokioTimer::new();
    let left = |budget: &RetryBudget| budget.stats_at(timer.now()).from_deposits;
    let start = tokio::time::Instant::now();

    let untouched = budget();
    let layer = RetryLayer::new(Always, backoff, untouched.clone(), timer);
    let refused = ask(&mut layer.layer(open_circuit()), 2).await.unwrap_err();
    assert!(refused.rejected().is_some());
    assert_eq!((start.elapsed(), left(&untouched)), (Duration::ZERO, 2));

    let paid = budget();
    let layer = RetryLayer::judging_rejections(Always, backoff, paid.clone(), timer);
    let refused = ask(&mut layer.layer(open_circuit()), 2).await.unwrap_err();
    assert!(refused.rejected().is_some());
    assert_eq!((start.elapsed(), left(&paid)), (2 * SECOND, 0));

    // A failure of the server is, guard or not.
    let circuit = CircuitBreakerLayer::new(breaker()).layer(Doubler::default());
    let mut service = RetryLayer::new(Always, backoff, budget(), timer).layer(circuit);
    let last = ask(&mut service, 3).await.unwrap_err();
    assert!(matches!(
        last,
        ServiceError::Rejected(Rejected::CircuitOpen(_))
    ));
    assert_eq!(start.elapsed(), 4 * SECOND);
}
