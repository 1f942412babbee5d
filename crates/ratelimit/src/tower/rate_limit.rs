use super::{GuardedFuture, ServiceError};
use crate::decision::Denied;
use crate::limiter::Limiter;
use crate::rate_limiter::RateLimiter;
use alloc::sync::Arc;
use core::task::{Context, Poll};
use purlin_core::time::Clock;
use tower_layer::Layer;
use tower_service::Service;

/// Refuses requests beyond a rate, with [`Rejected::RateLimited`](super::Rejected::RateLimited).
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::RateLimiter;
/// use purlin_ratelimit::tower::RateLimitLayer;
///
/// // All requests together.
/// let layer = RateLimitLayer::new(RateLimiter::per_second(1000)?);
/// # let _ = layer;
///
/// // By what a request costs. A limiter a key comes in the same way.
/// struct Upload {
///     bytes: u64,
/// }
/// let bandwidth = RateLimiter::per_second(10_000_000)?;
/// let layer = RateLimitLayer::by(move |upload: &Upload| bandwidth.try_acquire_n(upload.bytes));
/// # let _ = layer;
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct RateLimitLayer<A> {
    admission: Arc<A>,
}

/// A service behind a [`RateLimitLayer`].
#[derive(Debug)]
pub struct RateLimit<S, A> {
    inner: S,
    admission: Arc<A>,
}

/// Decides on requests: every `Fn(&Request) -> Result<(), Denied>` does.
pub trait Admit<Request> {
    /// Takes what the request costs.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    fn admit(&self, request: &Request) -> Result<(), Denied>;
}

impl<Request, F> Admit<Request> for F
where
    F: Fn(&Request) -> Result<(), Denied>,
{
    fn admit(&self, request: &Request) -> Result<(), Denied> {
        self(request)
    }
}

/// One limit for all requests, of which each costs one.
#[derive(Debug)]
pub struct OneLimit<L, C>(Arc<RateLimiter<L, C>>);

impl<Request, L: Limiter, C: Clock> Admit<Request> for OneLimit<L, C> {
    fn admit(&self, _: &Request) -> Result<(), Denied> {
        self.0.try_acquire()
    }
}

impl<L: Limiter, C: Clock> RateLimitLayer<OneLimit<L, C>> {
    /// By one limiter for all requests, of which each costs one. It may be an [`Arc`] of which you
    /// keep a clone.
    #[must_use]
    pub fn new(limiter: impl Into<Arc<RateLimiter<L, C>>>) -> Self {
        Self::by(OneLimit(limiter.into()))
    }
}

impl<A> RateLimitLayer<A> {
    /// By a function of the request.
    #[must_use]
    pub fn by(admission: A) -> Self {
        let admission = Arc::new(admission);
        Self { admission }
    }
}

impl<S, A> Layer<S> for RateLimitLayer<A> {
    type Service = RateLimit<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        let admission = self.admission.clone();
        RateLimit { inner, admission }
    }
}

impl<S, A, Request> Service<Request> for RateLimit<S, A>
where
    S: Service<Request>,
    A: Admit<Request>,
{
    type Response = S::Response;
    type Error = ServiceError<S::Error>;
    type Future = GuardedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(ServiceError::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.admission.admit(&request) {
            // The readiness of the service stays, for the next request.
            Err(denied) => GuardedFuture::rejected(denied.into()),
            Ok(()) => GuardedFuture::calling(self.inner.call(request)),
        }
    }
}

impl<A> Clone for RateLimitLayer<A> {
    fn clone(&self) -> Self {
        let admission = self.admission.clone();
        Self { admission }
    }
}

impl<S: Clone, A> Clone for RateLimit<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            admission: self.admission.clone(),
        }
    }
}
