use super::watched::Watch;
use super::{ErrorsFail, Judge, Rejected, ServiceError, WatchedFuture};
use crate::breaker::{Breaker, Call, Outcome};
use alloc::sync::Arc;
use core::task::{Context, Poll};
use purlin_core::time::{Clock, SystemClock};
use tower_layer::Layer;
use tower_service::Service;

/// Refuses requests while a circuit is open, with
/// [`Rejected::CircuitOpen`].
///
/// A call that panics is a failure, one whose future is dropped counts for nothing. A service that
/// fails to become ready was not called, and is not the circuit's business.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::SystemClock;
/// use purlin_ratelimit::breaker::{Breaker, BreakerConfig};
/// use purlin_ratelimit::tower::CircuitBreakerLayer;
///
/// let config = BreakerConfig::new().consecutive_failures(5).open_for(Duration::from_secs(10));
/// let layer = CircuitBreakerLayer::new(Breaker::new(config, SystemClock::new())?);
/// # let _ = layer;
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct CircuitBreakerLayer<C = SystemClock, J = ErrorsFail> {
    breaker: Arc<Breaker<C>>,
    judge: Arc<J>,
}

/// A service behind a [`CircuitBreakerLayer`].
#[derive(Debug)]
pub struct CircuitBreakerService<S, C = SystemClock, J = ErrorsFail> {
    inner: S,
    circuit: CircuitBreakerLayer<C, J>,
}

/// A call on its way through the circuit.
#[derive(Debug)]
pub struct WatchedCall<C: Clock> {
    breaker: Arc<Breaker<C>>,
    /// None once it was reported.
    call: Option<Call>,
}

impl<C: Clock> CircuitBreakerLayer<C> {
    /// By one circuit for all requests. It may be an [`Arc`] of which you keep a clone.
    #[must_use]
    pub fn new(breaker: impl Into<Arc<Breaker<C>>>) -> Self {
        let breaker = breaker.into();
        let judge = Arc::new(ErrorsFail);
        Self { breaker, judge }
    }
}

impl<C, J> CircuitBreakerLayer<C, J> {
    /// The same with another judge of answers.
    #[must_use]
    pub fn judged_by<K>(self, judge: K) -> CircuitBreakerLayer<C, K> {
        let breaker = self.breaker;
        let judge = Arc::new(judge);
        CircuitBreakerLayer { breaker, judge }
    }
}

impl<S, C, J> Layer<S> for CircuitBreakerLayer<C, J> {
    type Service = CircuitBreakerService<S, C, J>;

    fn layer(&self, inner: S) -> Self::Service {
        let circuit = self.clone();
        CircuitBreakerService { inner, circuit }
    }
}

impl<S, C, J, Request> Service<Request> for CircuitBreakerService<S, C, J>
where
    S: Service<Request>,
    C: Clock,
    J: Judge<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = WatchedFuture<S::Future, WatchedCall<C>, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(ServiceError::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let breaker = self.circuit.breaker.clone();
        let call = match breaker.core().try_acquire_at(breaker.clock().now()) {
            Err(open) => return WatchedFuture::rejected(Rejected::CircuitOpen(open)),
            Ok(call) => Some(call),
        };
        let watch = WatchedCall { breaker, call };
        let judge = self.circuit.judge.clone();
        WatchedFuture::calling(watch, judge, || self.inner.call(request))
    }
}

impl<C: Clock> WatchedCall<C> {
    fn report(&mut self, outcome: Outcome) {
        let Some(call) = self.call.take() else {
            return;
        };
        let core = self.breaker.core();
        match outcome {
            Outcome::Ignored => core.ignore(call),
            Outcome::Success => _ = core.success_at(call, self.breaker.clock().now()),
            Outcome::Failure => _ = core.failure_at(call, self.breaker.clock().now()),
        }
    }
}

impl<C: Clock> Watch for WatchedCall<C> {
    fn end(mut self, outcome: Outcome) {
        self.report(outcome);
    }
}

impl<C: Clock> Drop for WatchedCall<C> {
    fn drop(&mut self) {
        self.report(if std::thread::panicking() {
            Outcome::Failure
        } else {
            Outcome::Ignored
        });
    }
}

impl<C, J> Clone for CircuitBreakerLayer<C, J> {
    fn clone(&self) -> Self {
        Self {
            breaker: self.breaker.clone(),
            judge: self.judge.clone(),
        }
    }
}

impl<S: Clone, C, J> Clone for CircuitBreakerService<S, C, J> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            circuit: self.circuit.clone(),
        }
    }
}
