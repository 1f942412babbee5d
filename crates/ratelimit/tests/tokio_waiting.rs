//! Waiting for tokens under tokio.
#![cfg(all(feature = "tokio", target_has_atomic = "64", not(purlin_loom)))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

extern crate alloc;

use alloc::rc::Rc;
use core::cell::RefCell;
use core::time::Duration;
use purlin_ratelimit::{Gcra, Quota, RateLimiter, Shared, TokioTimer};
use tokio::task::LocalSet;
use tokio::time::Instant;

type Waits = RateLimiter<Shared<Gcra>, TokioTimer>;

fn limiter(per_second: u64, burst: u64) -> Rc<Waits> {
    let quota = Quota::per_second(per_second).unwrap();
    let quota = quota.with_burst(burst).unwrap();
    Rc::new(RateLimiter::with_clock(quota, TokioTimer::new()).unwrap())
}

/// The order in which tasks of their own come through that call in the order of their numbers.
async fn order_of(waiters: usize, limiter: Rc<Waits>) -> Vec<usize> {
    let came = Rc::new(RefCell::new(Vec::new()));
    let tasks = LocalSet::new();
    for number in 0..waiters {
        let (limiter, came) = (limiter.clone(), came.clone());
        tasks.spawn_local(async move {
            limiter.acquire().await.unwrap();
            came.borrow_mut().push(number);
        });
    }
    tasks.await;
    limiter.check_invariants();
    Rc::try_unwrap(came).unwrap().into_inner()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_waiters_come_in_the_order_of_their_calls() {
    for rate in [1_000, 1_000_000] {
        let start = Instant::now();
        let came = order_of(500, limiter(rate, 1)).await;
        assert_eq!(came, (0..500).collect::<Vec<_>>(), "at {rate} a second");
        // The first needs no wait, and the timer rounds up to its millisecond.
        let ideal = Duration::from_secs(1) * 499 / u32::try_from(rate).unwrap();
        let taken = start.elapsed();
        assert!(
            (ideal..=ideal + Duration::from_millis(1)).contains(&taken),
            "{taken:?}"
        );
    }
}

#[tokio::test]
async fn in_real_time_too() {
    for rate in [5_000, 1_000_000] {
        let came = order_of(500, limiter(rate, 1)).await;
        assert_eq!(came, (0..500).collect::<Vec<_>>(), "at {rate} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_heavy_request_waits_for_what_was_there_before_it_and_no_longer() {
    let limiter = limiter(1_000, 10);
    let tasks = LocalSet::new();
    for _ in 0..8 {
        let limiter = limiter.clone();
        tasks.spawn_local(async move {
            loop {
                limiter.acquire().await.unwrap();
            }
        });
    }
    tasks
        .run_until(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for _ in 0..20 {
                let ideal = limiter.peek_n(10).retry_after().unwrap();
                // Eight light ones and its own ten, at one a millisecond.
                assert!(ideal <= Duration::from_millis(18), "{ideal:?}");
                let start = Instant::now();
                limiter.acquire_n(10).await.unwrap();
                let waited = start.elapsed();
                assert!(waited <= ideal * 5 / 4, "{waited:?} for {ideal:?}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_wait_gives_the_slot_back() {
    let limiter = limiter(10, 1);
    limiter.acquire().await.unwrap();
    let wait = tokio::time::timeout(Duration::from_millis(50), limiter.acquire());
    assert!(wait.await.is_err());
    // As if nobody had waited: the first token's successor is half-way here.
    assert_eq!(
        limiter.peek().retry_after(),
        Some(Duration::from_millis(50))
    );
}

#[tokio::test(start_paused = true)]
async fn one_who_forgets_to_poll_does_not_stop_the_others() {
    let limiter = limiter(1_000, 1);
    limiter.acquire().await.unwrap();
    let mut forgotten = Box::pin(limiter.acquire());
    let never = core::future::poll_fn(|cx| {
        assert!(forgotten.as_mut().poll(cx).is_pending());
        core::task::Poll::Ready(())
    });
    never.await;
    let start = Instant::now();
    for _ in 0..20 {
        limiter.acquire().await.unwrap();
    }
    // Twenty of its slots behind the forgotten one's, and at most one time of patience.
    let taken = start.elapsed();
    assert!(taken <= Duration::from_millis(21 + 11), "{taken:?}");
    drop(forgotten);
    limiter.check_invariants();
}
