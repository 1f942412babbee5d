//! The layer that makes requests again.

use super::ask;
use alloc::sync::Arc;
use core::future::{Ready, ready};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use purlin_ratelimit::TokioTimer;
use purlin_ratelimit::backoff::Backoff;
use purlin_ratelimit::retry_budget::RetryBudget;
use purlin_ratelimit::tower::{Retry, RetryLayer, RetryPolicy, ReturnRejections, Verdict};
use std::sync::Mutex;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// Fails so often, then answers; notes when it was called. Insists on being made ready.
#[derive(Default)]
struct Flaky {
    log: Arc<Log>,
    is_ready: bool,
}

#[derive(Default)]
struct Log {
    failures: AtomicUsize,
    calls: Mutex<Vec<Instant>>,
}

/// What a failed call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("busy")]
struct Busy;

impl Clone for Flaky {
    fn clone(&self) -> Self {
        let log = self.log.clone();
        let is_ready = false;
        Self { log, is_ready }
    }
}

impl Service<u64> for Flaky {
    type Response = u64;
    type Error = Busy;
    type Future = Ready<Result<u64, Busy>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Busy>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, number: u64) -> Self::Future {
        assert!(self.is_ready, "called without being made ready");
        self.is_ready = false;
        self.log.calls.lock().unwrap().push(Instant::now());
        let one_less = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        let failed = self.log.failures.fetch_update(order, order, one_less);
        ready(failed.map_or(Ok(number), |_| Err(Busy)))
    }
}

/// Retries what fails, but not the number zero; waits as long as it is told.
struct Policy {
    retry_after: Option<Duration>,
}

impl RetryPolicy<u64, u64, Busy> for Policy {
    fn again(&self, request: &u64) -> Option<u64> {
        Some(*request).filter(|&number| number > 0)
    }

    fn judge(&self, answer: &Result<u64, Busy>) -> Verdict {
        match (answer, self.retry_after) {
            (Ok(_), _) => Verdict::Return,
            (Err(Busy), None) => Verdict::Retry,
            (Err(Busy), Some(after)) => Verdict::RetryAfter(after),
        }
    }
}

const DELAY: Duration = Duration::from_millis(100);

/// Two retries, so long apart, on a budget of `percent` and `per_second`.
fn layer(
    retry_after: Option<Duration>,
    percent: u32,
    per_second: u32,
) -> RetryLayer<ReturnRejections<Policy>, TokioTimer> {
    let backoff = Backoff::fixed(DELAY).unwrap().with_max_retries(2);
    let budget = RetryBudget::new(Duration::from_secs(10), percent, per_second).unwrap();
    RetryLayer::new(Policy { retry_after }, backoff, budget, TokioTimer::new())
}

fn flaky(
    layer: &RetryLayer<ReturnRejections<Policy>, TokioTimer>,
    failures: usize,
) -> (Retry<Flaky, ReturnRejections<Policy>, TokioTimer>, Arc<Log>) {
    let flaky = Flaky::default();
    flaky.log.failures.store(failures, Ordering::Relaxed);
    let log = flaky.log.clone();
    (layer.layer(flaky), log)
}

/// The time between the calls.
fn pauses(log: &Log) -> Vec<Duration> {
    let calls = log.calls.lock().unwrap();
    calls.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_after_the_backoff() {
    let (mut service, log) = flaky(&layer(None, 100, 10), 2);
    assert_eq!(ask(&mut service, 7).await, Ok(7));
    assert_eq!(pauses(&log), [DELAY, DELAY]);
    // And is ready for the next request.
    assert_eq!(ask(&mut service, 8).await, Ok(8));
}

#[tokio::test(start_paused = true)]
async fn the_last_failure_is_the_callers() {
    let (mut service, log) = flaky(&layer(None, 100, 10), 3);
    assert_eq!(ask(&mut service, 7).await, Err(Busy));
    assert_eq!(pauses(&log), [DELAY, DELAY]);
}

#[tokio::test(start_paused = true)]
async fn the_server_says_when_to_come_back() {
    let after = Duration::from_secs(3);
    let (mut service, log) = flaky(&layer(Some(after), 100, 10), 1);
    assert_eq!(ask(&mut service, 7).await, Ok(7));
    assert_eq!(pauses(&log), [after]);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_made_twice_is_not() {
    let (mut service, log) = flaky(&layer(None, 100, 10), 1);
    assert_eq!(ask(&mut service, 0).await, Err(Busy));
    assert_eq!(log.calls.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn clones_share_a_budget_that_bounds_retries_by_requests() {
    let layer = layer(None, 20, 0);
    let (mut first, log) = flaky(&layer, usize::MAX);
    let (mut second, other) = flaky(&layer.clone(), usize::MAX);
    for _ in 0..10 {
        assert_eq!(ask(&mut first, 1).await, Err(Busy));
        assert_eq!(ask(&mut second, 1).await, Err(Busy));
    }
    let calls = log.calls.lock().unwrap().len() + other.calls.lock().unwrap().len();
    assert_eq!(calls, 20 + 4);
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides_the_delays() {
    let delays = async |seed| {
        let backoff = Backoff::exponential(DELAY, 10 * DELAY).unwrap();
        let backoff = backoff.with_max_retries(4);
        let budget = RetryBudget::new(Duration::from_secs(10), 0, 10).unwrap();
        let policy = Policy { retry_after: None };
        let layer = RetryLayer::new(policy, backoff, budget, TokioTimer::new());
        let (mut service, log) = flaky(&layer.with_seed(seed), 4);
        assert_eq!(ask(&mut service, 7).await, Ok(7));
        pauses(&log)
    };
    let first = delays(1).await;
    assert_eq!(delays(1).await, first);
    assert_ne!(delays(2).await, first);
}
