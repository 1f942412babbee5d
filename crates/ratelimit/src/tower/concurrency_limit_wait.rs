use super::{ErrorsFail, Judge, Rejected, ServiceError, WatchedFuture};
use crate::concurrency::{AcquireOwned, ConcurrencyLimiter, LimitAlgorithm, OwnedPermit};
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use pin_project_lite::pin_project;
use purlin_core::time::Timer;
use tower_layer::Layer;
use tower_service::Service;

/// Holds requests back while too many are in flight, in the order in which they came; refuses those
/// that would have to wait longer than `max_wait`, or behind more than the limiter lets
/// [wait](ConcurrencyLimiter::with_max_waiting), with [`Rejected::WaitedInVain`].
///
/// A service behind it is always ready: requests wait in the futures of their calls. A request that
/// waits holds nothing of the service below: a clone of it is made ready when the permit has come.
///
/// The permit is given back when the call's future ends or is dropped. An adaptive limit learns by
/// the [`Judge`]; the wait for the permit is no part of what it measures.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # fn main() -> Result<(), purlin_ratelimit::ConfigError> {
/// use core::time::Duration;
/// use purlin_ratelimit::TokioTimer;
/// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
/// use purlin_ratelimit::tower::ConcurrencyLimitWaitLayer;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # let _runtime = runtime.enter();
/// let limiter = ConcurrencyLimiter::with_clock(Fixed::new(20)?, TokioTimer::new());
/// let layer = ConcurrencyLimitWaitLayer::new(limiter, Duration::from_millis(100));
/// # let _ = layer;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct ConcurrencyLimitWaitLayer<A, C, J = ErrorsFail> {
    limiter: Arc<ConcurrencyLimiter<A, C>>,
    max_wait: Duration,
    judge: Arc<J>,
}

/// A service behind a [`ConcurrencyLimitWaitLayer`].
#[derive(Debug)]
pub struct ConcurrencyLimitWait<S, A, C, J = ErrorsFail> {
    inner: S,
    limit: ConcurrencyLimitWaitLayer<A, C, J>,
}

pin_project! {
    /// A call that waits for a permit, then for the service, then for the answer.
    ///
    /// Dropped at any point, it gives back what it holds.
    #[must_use = "futures do nothing unless polled"]
    pub struct ConcurrencyLimitWaitFuture<S, R, A, C, J>
    where
        S: Service<R>,
        A: LimitAlgorithm,
        C: Timer,
    {
        judge: Arc<J>,
        #[pin]
        stage: Stage<S, R, A, C, J>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, R, A, C, J>
    where
        S: Service<R>,
        A: LimitAlgorithm,
        C: Timer,
    {
        Waiting {
            acquire: AcquireOwned<A, C, C::Sleep>,
            parts: Option<(S, R)>,
        },
        Readying {
            service: S,
            parts: Option<(OwnedPermit<A, C>, R)>,
        },
        Calling {
            #[pin]
            future: WatchedFuture<S::Future, OwnedPermit<A, C>, J>,
        },
    }
}

impl<A: LimitAlgorithm, C: Timer> ConcurrencyLimitWaitLayer<A, C> {
    /// By one limiter for all requests. It may be an [`Arc`] of which you keep a clone.
    #[must_use]
    pub fn new(limiter: impl Into<Arc<ConcurrencyLimiter<A, C>>>, max_wait: Duration) -> Self {
        Self {
            limiter: limiter.into(),
            max_wait,
            judge: Arc::new(ErrorsFail),
        }
    }
}

impl<A, C, J> ConcurrencyLimitWaitLayer<A, C, J> {
    /// The same with another judge of answers.
    #[must_use]
    pub fn judged_by<K>(self, judge: K) -> ConcurrencyLimitWaitLayer<A, C, K> {
        ConcurrencyLimitWaitLayer {
            limiter: self.limiter,
            max_wait: self.max_wait,
            judge: Arc::new(judge),
        }
    }
}

impl<S, A, C, J> Layer<S> for ConcurrencyLimitWaitLayer<A, C, J> {
    type Service = ConcurrencyLimitWait<S, A, C, J>;

    fn layer(&self, inner: S) -> Self::Service {
        let limit = self.clone();
        ConcurrencyLimitWait { inner, limit }
    }
}

impl<S, A, C, J, Request> Service<Request> for ConcurrencyLimitWait<S, A, C, J>
where
    S: Service<Request> + Clone,
    A: LimitAlgorithm,
    C: Timer,
    J: Judge<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = ConcurrencyLimitWaitFuture<S, Request, A, C, J>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let limit = &self.limit;
        let acquire = limit.limiter.acquire_owned_within(limit.max_wait);
        let parts = Some((self.inner.clone(), request));
        ConcurrencyLimitWaitFuture {
            judge: limit.judge.clone(),
            stage: Stage::Waiting { acquire, parts },
        }
    }
}

impl<S, R, A, C, J> Future for ConcurrencyLimitWaitFuture<S, R, A, C, J>
where
    S: Service<R>,
    A: LimitAlgorithm,
    C: Timer,
    J: Judge<S::Response, S::Error>,
{
    type Output = Result<S::Response, ServiceError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.stage.as_mut().project() {
                StageProjection::Waiting { acquire, parts } => {
                    let permit = ready!(Pin::new(acquire).poll(cx));
                    let permit = permit.map_err(Rejected::WaitedInVain)?;
                    let Some((service, request)) = parts.take() else {
                        return Poll::Pending;
                    };
                    let parts = Some((permit, request));
                    Stage::Readying { service, parts }
                }
                StageProjection::Readying { service, parts } => {
                    ready!(service.poll_ready(cx)).map_err(ServiceError::Inner)?;
                    let Some((permit, request)) = parts.take() else {
                        return Poll::Pending;
                    };
                    let call = || service.call(request);
                    let future = WatchedFuture::calling(permit, this.judge.clone(), call);
                    Stage::Calling { future }
                }
                StageProjection::Calling { future } => return future.poll(cx),
            };
            this.stage.set(next);
        }
    }
}

impl<A, C, J> Clone for ConcurrencyLimitWaitLayer<A, C, J> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            max_wait: self.max_wait,
            judge: self.judge.clone(),
        }
    }
}

impl<S: Clone, A, C, J> Clone for ConcurrencyLimitWait<S, A, C, J> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limit: self.limit.clone(),
        }
    }
}

impl<S, R, A, C, J> fmt::Debug for ConcurrencyLimitWaitFuture<S, R, A, C, J>
where
    S: Service<R>,
    A: LimitAlgorithm,
    C: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage: &dyn fmt::Debug = match &self.stage {
            Stage::Waiting { acquire, .. } => acquire,
            Stage::Readying { .. } => &"waiting for the service",
            Stage::Calling { .. } => &"waiting for the answer",
        };
        f.debug_tuple("ConcurrencyLimitWaitFuture")
            .field(stage)
            .finish()
    }
}
