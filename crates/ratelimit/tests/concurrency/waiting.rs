//! Waiting: in order, in time, and without losing anything.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_core::time::TokioTimer;
use purlin_ratelimit::concurrency::{AcquireError, ConcurrencyLimiter, Fixed, Vegas};
use purlin_ratelimit::{Clock, ManualClock};
use std::sync::{Arc, Mutex};

fn limiter<C: Clock>(limit: u32, clock: C) -> Arc<ConcurrencyLimiter<Fixed, C>> {
    let fixed = Fixed::new(limit).expect("a limit");
    Arc::new(ConcurrencyLimiter::with_clock(fixed, clock))
}

#[tokio::test(start_paused = true)]
async fn who_came_first_is_admitted_first() {
    let limiter = limiter(2, TokioTimer::new());
    let order = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..500_u64)
        .map(|nth| {
            let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(nth)).await;
                let permit = limiter.acquire().await.expect("the queue is long enough");
                order.lock().expect("no panic").push(nth);
                tokio::time::sleep(Duration::from_millis(7 + nth * 31 % 13)).await;
                permit.success();
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let order = order.lock().expect("no panic");
    assert!(order.is_sorted() && order.len() == 500);
    assert_eq!(limiter.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time() {
    let timer = TokioTimer::new();
    let limiter = limiter(1, timer);
    let held = limiter.acquire().await.expect("room");
    let max_wait = Duration::from_millis(40);
    let began = timer.now();
    let late = limiter.acquire_within(max_wait).await.err();
    assert_eq!(late, Some(AcquireError::TimedOut { max_wait }));
    assert!(timer.now() - began >= max_wait);
    assert_eq!(limiter.stats().waiting, 0);

    let soon = limiter.acquire_owned_within(max_wait);
    let (permit, ()) = tokio::join!(soon, async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        held.success();
    });
    assert!(permit.is_ok());
    assert_eq!(limiter.in_flight(), 1);
}

#[test]
fn no_time_to_wait_is_now_or_never() {
    let limiter = limiter(1, ManualClock::new());
    let mut cx = Context::from_waker(Waker::noop());
    let max_wait = Duration::ZERO;
    let first = pin!(limiter.acquire_within(max_wait)).poll(&mut cx);
    assert!(matches!(first, Poll::Ready(Ok(_))));
    let Poll::Ready(second) = pin!(limiter.acquire_within(max_wait)).poll(&mut cx) else {
        panic!("it waits");
    };
    assert_eq!(second.err(), Some(AcquireError::TimedOut { max_wait }));
    drop(first);
    assert_eq!(limiter.in_flight(), 0);
}

/// The permit comes and the time is over before the waiter has looked: it has the permit.
#[test]
fn a_permit_that_came_in_time_is_not_lost_to_the_timeout() {
    let clock = ManualClock::new();
    let limiter = limiter(1, clock.clone());
    let held = limiter.try_acquire().expect("room");
    let mut cx = Context::from_waker(Waker::noop());
    let mut wait = pin!(limiter.acquire_within(Duration::from_secs(1)));
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    drop(held);
    clock.advance(Duration::from_secs(2));
    assert!(matches!(wait.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
}

#[test]
fn a_full_queue_refuses_at_once() {
    let fixed = Fixed::new(1).expect("a limit");
    let limiter = ConcurrencyLimiter::with_clock(fixed, ManualClock::new()).with_max_waiting(1);
    let held = limiter.try_acquire().expect("room");
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = pin!(limiter.acquire());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    let Poll::Ready(Err(refused)) = pin!(limiter.acquire()).poll(&mut cx) else {
        panic!("it waits");
    };
    assert_eq!(refused, AcquireError::QueueFull { max_waiting: 1 });
    drop(held);
    assert!(limiter.try_acquire().is_err(), "the first has it");
    assert!(first.as_mut().poll(&mut cx).is_ready());
}

/// A future dropped in each of its states: new, waiting, admitted, done.
#[test]
fn a_dropped_future_leaks_nothing() {
    for polls in 0..3 {
        let limiter = limiter(1, ManualClock::new());
        let held = limiter.try_acquire_owned().expect("room");
        let mut wait = Box::pin(limiter.acquire_owned_within(Duration::from_secs(9)));
        let mut cx = Context::from_waker(Waker::noop());
        match polls {
            0 => drop(held),
            1 => {
                assert!(wait.as_mut().poll(&mut cx).is_pending());
                drop(held);
            }
            _ => {
                assert!(wait.as_mut().poll(&mut cx).is_pending());
                drop(held);
                assert!(wait.as_mut().poll(&mut cx).is_ready());
            }
        }
        drop(wait);
        assert_eq!((limiter.in_flight(), limiter.stats().waiting), (0, 0));
        limiter.check_invariants();
        assert!(limiter.try_acquire().is_ok());
    }
}

#[test]
fn a_limit_that_the_algorithm_raises_admits_who_waits() {
    let clock = ManualClock::new();
    let vegas = Vegas::builder().initial(2).build().expect("valid");
    let limiter = ConcurrencyLimiter::with_clock(vegas, clock.clone());
    let permits = [limiter.try_acquire(), limiter.try_acquire()];
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits: Vec<_> = (0..4).map(|_| Box::pin(limiter.acquire())).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }
    clock.advance(Duration::from_millis(10));
    let [first, second] = permits.map(|permit| permit.expect("room"));
    first.success(); // sets the no-load rtt, and hands its place on
    assert_eq!((limiter.limit(), limiter.stats().waiting), (2, 3));
    second.success(); // nothing queued: room for six more
    assert_eq!((limiter.limit(), limiter.stats().waiting), (8, 0));
    assert_eq!(limiter.in_flight(), 4);
}

/// Futures of owned permits can be sent to and kept by any task.
#[test]
fn what_is_owned_can_be_sent() {
    fn check<T: Send + 'static>(_: T) {}
    let limiter = limiter(1, ManualClock::new());
    check(limiter.acquire_owned());
    check(limiter.try_acquire_owned());
}
