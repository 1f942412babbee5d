//! Layers that watch the calls they let through.

use super::{Doubler, HANG, Odd, PANIC, ask};
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use purlin_ratelimit::breaker::{Breaker, BreakerConfig, Outcome, State};
use purlin_ratelimit::concurrency::{Aimd, ConcurrencyLimiter, Fixed};
use purlin_ratelimit::tower::{CircuitBreakerLayer, ConcurrencyLimitLayer, Rejected, ServiceError};
use purlin_ratelimit::{HeaderValue, ManualClock};
use tower_layer::Layer;
use tower_service::Service;

/// Polls a call once.
async fn begin<F: Future + Unpin>(call: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(core::pin::Pin::new(&mut *call).poll(cx).is_pending())).await
}

fn rejected<T: core::fmt::Debug>(answer: Result<T, ServiceError<Odd>>) -> Rejected {
    match answer {
        Err(ServiceError::Rejected(rejected)) => rejected,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_permit_is_held_by_the_call_and_by_nothing_else() {
    let limiter = Arc::new(ConcurrencyLimiter::new(Fixed::new(2).unwrap()));
    let layer = ConcurrencyLimitLayer::new(limiter.clone());
    let doubler = Doubler::default();
    let mut service = layer.layer(doubler.clone());
    let mut clone = service.clone();
    for _ in 0..5 {
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    }
    assert_eq!(limiter.in_flight(), 0);

    let mut hanging = [service.call(HANG), clone.call(HANG)];
    for call in &mut hanging {
        assert!(begin(call).await);
    }
    assert_eq!(limiter.in_flight(), 2);
    let refused = rejected(ask(&mut clone, 2).await);
    assert!(matches!(refused, Rejected::Overloaded(_)));
    assert_eq!((refused.status(), refused.retry_after()), (503, None));
    assert_eq!(fields(refused), []);
    assert_eq!(doubler.called(), 2);

    drop(hanging);
    assert_eq!(limiter.in_flight(), 0);
    assert_eq!(ask(&mut clone, 2).await.unwrap(), 4);
    assert!(matches!(
        ask(&mut clone, 3).await,
        Err(ServiceError::Inner(Odd))
    ));
    assert_eq!(limiter.in_flight(), 0);

    let task = tokio::spawn(async move { ask(&mut service, PANIC).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(limiter.in_flight(), 0);
}

#[tokio::test]
async fn a_failure_by_the_judge_lowers_an_adaptive_limit_and_an_ignored_one_does_not() {
    let limiter = || {
        let aimd = Aimd::builder().initial(20).max(40).build().unwrap();
        Arc::new(ConcurrencyLimiter::with_clock(aimd, ManualClock::new()))
    };
    let strict = limiter();
    let mut service = ConcurrencyLimitLayer::new(strict.clone()).layer(Doubler::default());
    assert!(ask(&mut service, 3).await.is_err());
    assert!(strict.limit() < 20);

    let lenient = limiter();
    let layer = ConcurrencyLimitLayer::new(lenient.clone());
    let layer = layer.judged_by(|_: &Result<u64, Odd>| Outcome::Ignored);
    let mut service = layer.layer(Doubler::default());
    assert!(ask(&mut service, 3).await.is_err());
    assert_eq!(lenient.limit(), 20);
}

/// The fields of a refusal but for the name of a policy, which stands in none of them.
fn fields(rejected: Rejected) -> Vec<(&'static str, String)> {
    let fields = rejected.headers("name").unwrap();
    let text = |(name, value): (_, HeaderValue<'_>)| (name, value.to_string());
    fields.map(text).collect()
}

fn breaker(failures: u32) -> (Arc<Breaker<ManualClock>>, ManualClock) {
    let clock = ManualClock::new();
    let config = BreakerConfig::new()
        .consecutive_failures(failures)
        .open_for(Duration::from_millis(1500));
    (
        Arc::new(Breaker::new(config, clock.clone()).unwrap()),
        clock,
    )
}

#[tokio::test]
async fn an_open_circuit_refuses_and_probes_again() {
    let (breaker, clock) = breaker(2);
    let doubler = Doubler::default();
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(doubler.clone());
    for _ in 0..2 {
        assert!(matches!(
            ask(&mut service, 1).await,
            Err(ServiceError::Inner(Odd))
        ));
    }
    assert_eq!(breaker.state(), State::Open);
    let refused = rejected(ask(&mut service, 2).await);
    assert_eq!(
        (refused.status(), refused.retry_after_secs()),
        (503, Some(2))
    );
    assert_eq!(fields(refused), [("retry-after", "2".to_owned())]);
    assert_eq!(doubler.called(), 2);

    clock.advance(refused.retry_after().unwrap());
    assert_eq!(ask(&mut service, 2).await.unwrap(), 4);
    assert_eq!(breaker.state(), State::Closed);
    let _ = breaker.core().force_open();
    let forced = rejected(ask(&mut service, 2).await);
    assert_eq!((forced.retry_after(), fields(forced)), (None, vec![]));
}

#[tokio::test]
async fn a_probe_whose_future_is_dropped_gives_its_place_back() {
    let (breaker, clock) = breaker(1);
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(Doubler::default());
    assert!(ask(&mut service, 1).await.is_err());
    clock.advance(Duration::from_millis(1500));

    // Ready, and no probe is out.
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let mut probe = service.call(HANG);
    assert!(begin(&mut probe).await);
    let refused = rejected(ask(&mut service, 2).await);
    assert!(matches!(refused, Rejected::CircuitOpen(_)));
    // The probe may be back at any moment, though it may also be lost for a minute.
    assert_eq!((refused.status(), refused.retry_after()), (503, None));
    drop(probe);
    assert_eq!(ask(&mut service, 2).await.unwrap(), 4);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_call_that_panics_is_a_failure_at_once() {
    let (breaker, _) = breaker(1);
    let mut service = CircuitBreakerLayer::new(breaker.clone()).layer(Doubler::default());
    let task = tokio::spawn(async move { ask(&mut service, PANIC).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn the_judge_may_see_a_failure_in_an_answer() {
    let (breaker, _) = breaker(1);
    let layer = CircuitBreakerLayer::new(breaker.clone());
    let layer = layer.judged_by(|answer: &Result<u64, Odd>| match answer {
        Ok(8) => Outcome::Failure,
        _ => Outcome::Ignored,
    });
    let mut service = layer.layer(Doubler::default());
    assert!(ask(&mut service, 1).await.is_err());
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(ask(&mut service, 4).await.unwrap(), 8);
    assert_eq!(breaker.state(), State::Open);
}
