use super::watched::Watch;
use super::{ErrorsFail, Judge, Rejected, ServiceError, WatchedFuture};
use crate::breaker::Outcome;
use crate::concurrency::{ConcurrencyLimiter, LimitAlgorithm, OwnedPermit};
use alloc::sync::Arc;
use core::task::{Context, Poll};
use purlin_core::time::{Clock, SystemClock};
use tower_layer::Layer;
use tower_service::Service;

/// Refuses requests while too many are in flight, with
/// [`Rejected::Overloaded`].
///
/// The permit is taken by the call and given back when its future ends or is dropped. An adaptive
/// limit learns by the [`Judge`]: a failure is taken for a sign of overload. Where errors
/// are the client's doing more often than that, bring a judge that knows them apart.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::breaker::Outcome;
/// use purlin_ratelimit::concurrency::{Aimd, ConcurrencyLimiter};
/// use purlin_ratelimit::tower::ConcurrencyLimitLayer;
///
/// let limiter = ConcurrencyLimiter::new(Aimd::builder().initial(20).max(200).build()?);
/// let layer = ConcurrencyLimitLayer::new(limiter).judged_by(|answer: &Result<u16, String>| {
///     match answer {
///         Ok(503) | Err(_) => Outcome::Failure,
///         Ok(400..500) => Outcome::Ignored,
///         Ok(_) => Outcome::Success,
///     }
/// });
/// # let _ = layer;
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct ConcurrencyLimitLayer<A, C = SystemClock, J = ErrorsFail> {
    limiter: Arc<ConcurrencyLimiter<A, C>>,
    judge: Arc<J>,
}

/// A service behind a [`ConcurrencyLimitLayer`].
#[derive(Debug)]
pub struct ConcurrencyLimit<S, A, C = SystemClock, J = ErrorsFail> {
    inner: S,
    limit: ConcurrencyLimitLayer<A, C, J>,
}

impl<A: LimitAlgorithm, C: Clock> ConcurrencyLimitLayer<A, C> {
    /// By one limiter for all requests. It may be an [`Arc`] of which you keep a clone.
    #[must_use]
    pub fn new(limiter: impl Into<Arc<ConcurrencyLimiter<A, C>>>) -> Self {
        let limiter = limiter.into();
        let judge = Arc::new(ErrorsFail);
        Self { limiter, judge }
    }
}

impl<A, C, J> ConcurrencyLimitLayer<A, C, J> {
    /// The same with another judge of answers.
    #[must_use]
    pub fn judged_by<K>(self, judge: K) -> ConcurrencyLimitLayer<A, C, K> {
        let limiter = self.limiter;
        let judge = Arc::new(judge);
        ConcurrencyLimitLayer { limiter, judge }
    }
}

impl<S, A, C, J> Layer<S> for ConcurrencyLimitLayer<A, C, J> {
    type Service = ConcurrencyLimit<S, A, C, J>;

    fn layer(&self, inner: S) -> Self::Service {
        let limit = self.clone();
        ConcurrencyLimit { inner, limit }
    }
}

impl<S, A, C, J, Request> Service<Request> for ConcurrencyLimit<S, A, C, J>
where
    S: Service<Request>,
    A: LimitAlgorithm,
    C: Clock,
    J: Judge<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = WatchedFuture<S::Future, OwnedPermit<A, C>, J>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(ServiceError::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.limit.limiter.try_acquire_owned() {
            Err(at_limit) => WatchedFuture::rejected(Rejected::Overloaded(at_limit)),
            Ok(permit) => WatchedFuture::calling(permit, self.limit.judge.clone(), || {
                self.inner.call(request)
            }),
        }
    }
}

impl<A: LimitAlgorithm, C: Clock> Watch for OwnedPermit<A, C> {
    fn end(self, outcome: Outcome) {
        match outcome {
            Outcome::Success => self.success(),
            Outcome::Failure => self.dropped(),
            Outcome::Ignored => self.ignore(),
        }
    }
}

impl<A, C, J> Clone for ConcurrencyLimitLayer<A, C, J> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            judge: self.judge.clone(),
        }
    }
}

impl<S: Clone, A, C, J> Clone for ConcurrencyLimit<S, A, C, J> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limit: self.limit.clone(),
        }
    }
}
