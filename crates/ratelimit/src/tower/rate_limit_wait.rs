use super::ServiceError;
use crate::limiter::Limiter;
use crate::rate_limiter::{AcquireOwned, RateLimiter};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use purlin_core::time::Timer;
use tower_layer::Layer;
use tower_service::Service;

/// Holds requests back until a rate allows them, in the order in which they came; refuses at once
/// those that would have to wait longer than `max_wait`.
///
/// A service behind it is always ready: requests wait in the futures of their calls, and `max_wait`
/// bounds how many do, at `rate * max_wait`. A request that waits holds nothing of the service
/// below: a clone of it is made ready when the request's slot has come.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # fn main() -> Result<(), purlin_ratelimit::ConfigError> {
/// use core::time::Duration;
/// use purlin_ratelimit::tower::RateLimitWaitLayer;
/// use purlin_ratelimit::{Quota, RateLimiter, TokioTimer};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # let _runtime = runtime.enter();
/// let limiter = RateLimiter::with_clock(Quota::per_second(100)?, TokioTimer::new())?;
/// let layer = RateLimitWaitLayer::new(limiter, Duration::from_secs(1));
/// # let _ = layer;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct RateLimitWaitLayer<L, C> {
    limiter: Arc<RateLimiter<L, C>>,
    max_wait: Duration,
}

/// A service behind a [`RateLimitWaitLayer`].
#[derive(Debug)]
pub struct RateLimitWait<S, L, C> {
    inner: S,
    limit: RateLimitWaitLayer<L, C>,
}

/// A call that waits for its slot, then for the service, then for the answer.
///
/// Dropped while it waits for its slot, it gives that back.
#[must_use = "futures do nothing unless polled"]
pub struct RateLimitWaitFuture<S: Service<R>, R, L: Limiter, C: Timer> {
    stage: Stage<S, R, L, C>,
}

enum Stage<S: Service<R>, R, L: Limiter, C: Timer> {
    Waiting(AcquireOwned<L, C>, Option<(S, R)>),
    Readying(S, Option<R>),
    Calling(Pin<Box<S::Future>>),
}

/// Nothing in it is pinned but what is in boxes.
impl<S: Service<R>, R, L: Limiter, C: Timer> Unpin for RateLimitWaitFuture<S, R, L, C> {}

impl<L: Limiter, C: Timer> RateLimitWaitLayer<L, C> {
    /// By one limiter for all requests, of which each costs one. It may be an [`Arc`] of which you
    /// keep a clone.
    #[must_use]
    pub fn new(limiter: impl Into<Arc<RateLimiter<L, C>>>, max_wait: Duration) -> Self {
        let limiter = limiter.into();
        Self { limiter, max_wait }
    }
}

impl<S, L, C> Layer<S> for RateLimitWaitLayer<L, C> {
    type Service = RateLimitWait<S, L, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let limit = self.clone();
        RateLimitWait { inner, limit }
    }
}

impl<S, L, C, Request> Service<Request> for RateLimitWait<S, L, C>
where
    S: Service<Request> + Clone,
    L: Limiter,
    C: Timer,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = RateLimitWaitFuture<S, Request, L, C>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let limiter = self.limit.limiter.clone();
        let acquire = limiter.acquire_owned(1, self.limit.max_wait);
        let stage = Stage::Waiting(acquire, Some((self.inner.clone(), request)));
        RateLimitWaitFuture { stage }
    }
}

impl<S: Service<R>, R, L: Limiter, C: Timer> Future for RateLimitWaitFuture<S, R, L, C> {
    type Output = Result<S::Response, ServiceError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = &mut self.get_mut().stage;
        loop {
            *stage = match stage {
                Stage::Waiting(acquire, parts) => {
                    ready!(Pin::new(acquire).poll(cx))
                        .map_err(|denied| ServiceError::Rejected(denied.into()))?;
                    let Some((service, request)) = parts.take() else {
                        return Poll::Pending;
                    };
                    Stage::Readying(service, Some(request))
                }
                Stage::Readying(service, request) => {
                    ready!(service.poll_ready(cx)).map_err(ServiceError::Inner)?;
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    Stage::Calling(Box::pin(service.call(request)))
                }
                Stage::Calling(future) => {
                    return future.as_mut().poll(cx).map_err(ServiceError::Inner);
                }
            };
        }
    }
}

impl<L, C> Clone for RateLimitWaitLayer<L, C> {
    fn clone(&self) -> Self {
        Self {
            limiter: self.limiter.clone(),
            max_wait: self.max_wait,
        }
    }
}

impl<S: Clone, L, C> Clone for RateLimitWait<S, L, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limit: self.limit.clone(),
        }
    }
}

impl<S: Service<R>, R, L: Limiter, C: Timer> fmt::Debug for RateLimitWaitFuture<S, R, L, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage: &dyn fmt::Debug = match &self.stage {
            Stage::Waiting(acquire, _) => acquire,
            Stage::Readying(..) => &"waiting for the service",
            Stage::Calling(_) => &"waiting for the answer",
        };
        f.debug_tuple("RateLimitWaitFuture").field(stage).finish()
    }
}
