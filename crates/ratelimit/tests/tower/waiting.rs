//! The layer that waits for permits.

use super::{Doubler, HANG, PANIC, ask};
use alloc::sync::Arc;
use core::time::Duration;
use purlin_ratelimit::TokioTimer;
use purlin_ratelimit::concurrency::{AcquireError, Aimd, ConcurrencyLimiter, Fixed};
use purlin_ratelimit::tower::{
    ConcurrencyLimitWait, ConcurrencyLimitWaitLayer, Rejected, ServiceError,
};
use tokio::time::{sleep, timeout};
use tower_layer::Layer;
use tower_service::Service;

const MS: Duration = Duration::from_millis(1);

type Waits = ConcurrencyLimitWait<Doubler, Fixed, TokioTimer>;

/// Of that many places, behind which at most two wait, for at most 100 ms.
fn service(limit: u32) -> (Waits, Doubler, Arc<ConcurrencyLimiter<Fixed, TokioTimer>>) {
    let limiter = ConcurrencyLimiter::with_clock(Fixed::new(limit).unwrap(), TokioTimer::new());
    let limiter = Arc::new(limiter.with_max_waiting(2));
    let doubler = Doubler::default();
    let layer = ConcurrencyLimitWaitLayer::new(limiter.clone(), 100 * MS);
    (layer.layer(doubler.clone()), doubler, limiter)
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_places_in_order_within_both_bounds() {
    let (mut service, doubler, limiter) = service(1);
    let held = limiter.try_acquire_owned().unwrap();
    let mut calls = Vec::new();
    for number in [2, 4, 6] {
        calls.push(tokio::spawn(service.call(number)));
        sleep(10 * MS).await;
    }
    // The service below has not been touched, and the third had no place in the queue.
    assert_eq!((doubler.readied(), doubler.called()), (0, 0));
    assert_eq!(limiter.stats().waiting, 2);
    let third = calls.pop().unwrap().await.unwrap().unwrap_err();
    let full = AcquireError::QueueFull { max_waiting: 2 };
    assert_eq!(third, ServiceError::Rejected(Rejected::WaitedInVain(full)));

    drop(held);
    for (call, doubled) in calls.into_iter().zip([4, 8]) {
        assert_eq!(call.await.unwrap().unwrap(), doubled);
    }
    assert_eq!((limiter.in_flight(), limiter.stats().waiting), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_refused() {
    let (mut service, doubler, limiter) = service(1);
    let hanging = tokio::spawn(service.call(HANG));
    sleep(MS).await;
    let start = tokio::time::Instant::now();
    let Err(ServiceError::Rejected(refused)) = ask(&mut service, 2).await else {
        panic!("it was let through")
    };
    assert_eq!(start.elapsed(), 100 * MS);
    let late = AcquireError::TimedOut { max_wait: 100 * MS };
    assert_eq!(refused, Rejected::WaitedInVain(late));
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers("name").unwrap().count(), 0);
    assert_eq!(doubler.called(), 1);

    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    assert_eq!(ask(&mut service, 2).await.unwrap(), 4);
    assert_eq!(limiter.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_gives_its_place_back_however_it_ends() {
    let (mut service, _, limiter) = service(1);
    assert!(ask(&mut service, 3).await.is_err());
    assert!(timeout(MS, ask(&mut service, HANG)).await.is_err());
    let panics = tokio::spawn(service.call(PANIC));
    assert!(panics.await.unwrap_err().is_panic());
    assert_eq!(limiter.in_flight(), 0);

    // Given up while it waits, too.
    let held = limiter.try_acquire_owned().unwrap();
    assert!(timeout(MS, ask(&mut service, 2)).await.is_err());
    assert_eq!(limiter.stats().waiting, 0);
    drop(held);
    limiter.check_invariants();
    assert_eq!(ask(&mut service, 2).await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_no_part_of_what_is_measured() {
    // A call of 10 ms or longer counts as a failure.
    let aimd = Aimd::builder().initial(1).min(1).max(9).timeout(10 * MS);
    let limiter = ConcurrencyLimiter::with_clock(aimd.build().unwrap(), TokioTimer::new());
    let limiter = Arc::new(limiter);
    let layer = ConcurrencyLimitWaitLayer::new(limiter.clone(), 100 * MS);
    let mut service = layer.layer(Doubler::default());
    let held = limiter.try_acquire_owned().unwrap();
    let call = tokio::spawn(service.call(2));
    sleep(50 * MS).await;
    drop(held);
    assert_eq!(call.await.unwrap().unwrap(), 4);
    assert_eq!(limiter.limit(), 2);
}
