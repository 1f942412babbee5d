//! Waiting on a runtime of several threads: nothing is lost, nobody is forgotten, no bound is passed.
#![cfg(all(feature = "tokio", target_has_atomic = "64", not(purlin_loom)))]

extern crate alloc;

use alloc::sync::Arc;
use core::future::Future;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use purlin_core::random::{RandomExt, SplitMix64};
use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
use purlin_ratelimit::{Clock, Gcra, Quota, RateLimiter, Reason, Shared, TokioTimer};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Far above what any of these takes, and reached when somebody waits for ever.
const TOO_LONG: Duration = Duration::from_secs(60);
const TASKS: u64 = 200;
const ROUNDS: u64 = 20;

/// Runs a task for each number, some of which are aborted at some point, and waits for all.
async fn run<F: Future<Output = ()> + Send + 'static>(task: impl Fn(u64) -> F) {
    let mut random = SplitMix64::new(7);
    let mut tasks = JoinSet::new();
    let mut aborted = Vec::new();
    for number in 0..TASKS {
        let handle = tasks.spawn(task(number));
        if random.below(4) == 0 {
            aborted.push(handle);
        }
    }
    for handle in aborted {
        sleep(Duration::from_micros(random.below(1_000))).await;
        handle.abort();
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
        }
    };
    timeout(TOO_LONG, all).await.expect("somebody is forgotten");
}

const RATE: u64 = 10_000;
const BURST: u64 = 5;
const MAX_WAITING: u32 = 100;

struct Rate {
    limiter: RateLimiter<Shared<Gcra>, TokioTimer>,
    admitted: AtomicU64,
    full: AtomicU64,
}

/// Tokens of some cost, waited for in one way or another, and perhaps not for long.
async fn use_tokens(rate: Arc<Rate>, seed: u64) {
    let mut random = SplitMix64::new(seed);
    for _ in 0..ROUNDS {
        let cost = 1 + random.below(3);
        let wait = Duration::from_micros(random.below(50_000));
        let outcome = match random.below(3) {
            0 => rate.limiter.acquire_n(cost).await,
            1 => rate.limiter.acquire_within(cost, wait).await,
            _ => match timeout(wait / 10, rate.limiter.acquire_n(cost)).await {
                Ok(outcome) => outcome,
                Err(_) => continue,
            },
        };
        match outcome {
            Ok(()) => _ = rate.admitted.fetch_add(cost, Ordering::Relaxed),
            Err(denied) if denied.reason() == Reason::Full => {
                rate.full.fetch_add(1, Ordering::Relaxed);
                sleep(wait / 10).await;
            }
            Err(_) => {}
        }
        assert!(rate.limiter.waiting() <= u64::from(MAX_WAITING));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_come_at_their_rate_and_every_wait_ends() {
    let quota = Quota::per_second(RATE).unwrap().with_burst(BURST).unwrap();
    let limiter = RateLimiter::with_clock(quota, TokioTimer::new()).unwrap();
    let rate = Arc::new(Rate {
        limiter: limiter.with_max_waiting(MAX_WAITING),
        admitted: AtomicU64::new(0),
        full: AtomicU64::new(0),
    });
    let start = rate.limiter.clock().now();
    run(|number| use_tokens(rate.clone(), number)).await;

    let elapsed = u64::try_from((rate.limiter.clock().now() - start).as_nanos()).unwrap();
    let most = BURST + RATE * elapsed / 1_000_000_000;
    let admitted = rate.admitted.load(Ordering::Relaxed);
    assert!((1..=most).contains(&admitted), "{admitted} of {most}");
    assert!(rate.full.load(Ordering::Relaxed) > 0, "no bound was met");
    assert_eq!(rate.limiter.waiting(), 0);
    rate.limiter.check_invariants();
    sleep(rate.limiter.peek().reset_after).await;
    assert_eq!(rate.limiter.peek().remaining, BURST);
}

const LIMIT: u32 = 3;

struct Places {
    limiter: Arc<ConcurrencyLimiter<Fixed, TokioTimer>>,
    inside: AtomicU32,
    admitted: AtomicU64,
}

/// One who is inside until dropped, however that comes.
struct Inside<'a>(&'a Places);

impl<'a> Inside<'a> {
    fn enter(places: &'a Places) -> Self {
        assert!(places.inside.fetch_add(1, Ordering::SeqCst) < LIMIT);
        places.admitted.fetch_add(1, Ordering::Relaxed);
        Self(places)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn use_places(places: Arc<Places>, seed: u64) {
    let mut random = SplitMix64::new(seed);
    let limiter = &places.limiter;
    for _ in 0..ROUNDS {
        let wait = Duration::from_micros(random.below(5_000));
        let permit = match random.below(5) {
            0 => limiter.try_acquire_owned().ok(),
            1 => limiter.acquire_owned().await.ok(),
            2 => limiter.acquire_owned_within(wait).await.ok(),
            3 => limiter.acquire_owned_within(Duration::ZERO).await.ok(),
            _ => {
                let waited = timeout(wait, limiter.acquire_owned()).await;
                waited.ok().and_then(Result::ok)
            }
        };
        assert!(limiter.stats().waiting <= MAX_WAITING as usize);
        if let Some(permit) = permit {
            // Gone before the permit is.
            let inside = Inside::enter(&places);
            match random.below(3) {
                0 => tokio::task::yield_now().await,
                1 => sleep(wait / 50).await,
                _ => {}
            }
            drop(inside);
            permit.success();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn places_are_handed_on_and_none_is_lost() {
    let limiter = ConcurrencyLimiter::with_clock(Fixed::new(LIMIT).unwrap(), TokioTimer::new());
    let places = Arc::new(Places {
        limiter: Arc::new(limiter.with_max_waiting(MAX_WAITING)),
        inside: AtomicU32::new(0),
        admitted: AtomicU64::new(0),
    });
    run(|number| use_places(places.clone(), number)).await;

    assert!(places.admitted.load(Ordering::Relaxed) > TASKS);
    assert_eq!(places.inside.load(Ordering::SeqCst), 0);
    let stats = places.limiter.stats();
    assert_eq!((stats.in_flight, stats.waiting), (0, 0));
    places.limiter.check_invariants();
    let all: Vec<_> = (0..LIMIT).map(|_| places.limiter.try_acquire()).collect();
    assert!(all.iter().all(Result::is_ok));
    assert!(places.limiter.try_acquire().is_err());
}
