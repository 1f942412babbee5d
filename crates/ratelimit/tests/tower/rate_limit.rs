//! Layers that limit a rate.

use super::{Doubler, Odd, ask};
use alloc::sync::Arc;
use core::future::poll_fn;
use core::time::Duration;
use purlin_ratelimit::tower::{RateLimitLayer, RateLimitWaitLayer, Rejected, ServiceError};
use purlin_ratelimit::{Gcra, ManualClock, Quota, RateLimiter, Reason, Shared, TokioTimer};
use tower_layer::Layer;
use tower_service::Service;

fn manual(per_second: u64, burst: u64) -> (RateLimiter<Shared<Gcra>, ManualClock>, ManualClock) {
    let clock = ManualClock::new();
    let quota = Quota::per_second(per_second).unwrap();
    let quota = quota.with_burst(burst).unwrap();
    (
        RateLimiter::with_clock(quota, clock.clone()).unwrap(),
        clock,
    )
}

fn tokio_limiter(per_second: u64) -> Arc<RateLimiter<Shared<Gcra>, TokioTimer>> {
    let quota = Quota::per_second(per_second)
        .unwrap()
        .with_burst(1)
        .unwrap();
    Arc::new(RateLimiter::with_clock(quota, TokioTimer::new()).unwrap())
}

#[tokio::test]
async fn requests_beyond_the_rate_are_refused_and_the_service_never_sees_them() {
    let (limiter, clock) = manual(2, 1);
    let doubler = Doubler::default();
    let mut service = RateLimitLayer::new(limiter).layer(doubler.clone());
    assert_eq!(ask(&mut service, 4).await.unwrap(), 8);

    let refused = ask(&mut service, 4).await.unwrap_err();
    let ServiceError::Rejected(rejected) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(rejected.status(), 429);
    assert_eq!(rejected.retry_after(), Some(Duration::from_millis(500)));
    assert_eq!(rejected.retry_after_secs(), Some(1));
    assert_eq!(doubler.called(), 1);

    clock.advance(Duration::from_millis(500));
    assert!(matches!(
        ask(&mut service, 3).await,
        Err(ServiceError::Inner(Odd))
    ));
}

#[tokio::test]
async fn a_ready_service_that_is_never_called_takes_nothing() {
    let (limiter, _) = manual(1, 1);
    let limiter = Arc::new(limiter);
    let layer = RateLimitLayer::new(limiter.clone());
    let mut idle: Vec<_> = (0..10).map(|_| layer.layer(Doubler::default())).collect();
    for service in &mut idle {
        poll_fn(|cx| Service::<u64>::poll_ready(service, cx))
            .await
            .unwrap();
    }
    assert_eq!(limiter.peek().remaining, 1);
}

#[tokio::test]
async fn clones_share_the_limit() {
    let (limiter, _) = manual(1, 3);
    let layer = RateLimitLayer::new(limiter);
    let mut first = layer.layer(Doubler::default());
    let mut second = first.clone();
    let mut third = layer.clone().layer(Doubler::default());
    assert!(ask(&mut first, 2).await.is_ok());
    assert!(ask(&mut second, 2).await.is_ok());
    assert!(ask(&mut third, 2).await.is_ok());
    assert!(ask(&mut first, 2).await.is_err());
    assert!(ask(&mut second, 2).await.is_err());
    assert!(ask(&mut third, 2).await.is_err());
}

#[tokio::test]
async fn a_request_may_cost_what_it_says() {
    let (limiter, _) = manual(1, 10);
    let layer = RateLimitLayer::by(move |number: &u64| limiter.try_acquire_n(*number));
    let mut service = layer.layer(Doubler::default());
    assert!(ask(&mut service, 8).await.is_ok());
    assert!(ask(&mut service, 4).await.is_err());
    assert!(ask(&mut service, 2).await.is_ok());
    let refused = ask(&mut service, 12).await.unwrap_err();
    let ServiceError::Rejected(Rejected::RateLimited(denied)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(denied.reason(), Reason::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_order_and_never_longer_than_allowed() {
    let limiter = tokio_limiter(10);
    let doubler = Doubler::default();
    let layer = RateLimitWaitLayer::new(limiter.clone(), Duration::from_millis(250));
    let mut service = layer.layer(doubler.clone());
    let start = tokio::time::Instant::now();

    // A call that nobody polls is not in the queue.
    let mut calls: Vec<_> = (0..4).map(|number| service.call(2 * number)).collect();
    assert_eq!(limiter.peek().remaining, 1);
    assert_eq!(doubler.called(), 0);

    let (first, second, third, fourth) = {
        let mut next = || calls.remove(0);
        tokio::join!(next(), next(), next(), next())
    };
    assert_eq!([first, second, third].map(Result::unwrap), [0, 4, 8]);
    assert!(matches!(fourth, Err(ServiceError::Rejected(_))));
    assert_eq!(start.elapsed(), Duration::from_millis(200));
    assert_eq!(doubler.called(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_who_waits_holds_nothing_of_the_service_and_leaves_without_a_trace() {
    let limiter = tokio_limiter(10);
    let doubler = Doubler::default();
    let layer = RateLimitWaitLayer::new(limiter.clone(), Duration::from_secs(1));
    let mut service = layer.layer(doubler.clone());
    limiter.try_acquire().unwrap();
    let call = tokio::time::timeout(Duration::from_millis(50), ask(&mut service, 2));
    assert!(call.await.is_err());
    assert_eq!(doubler.readied(), 0);
    assert_eq!(
        limiter.peek().retry_after(),
        Some(Duration::from_millis(50))
    );
}
