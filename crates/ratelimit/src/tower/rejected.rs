use crate::breaker::Open;
use crate::concurrency::AtLimit;
use crate::decision::{Denied, Reason};
use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

/// Why a guarded service did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError<E> {
    /// The guard refused; the service never saw the request.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The service's own error.
    #[error(transparent)]
    Inner(E),
}

/// A request that was not passed on.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::tower::Rejected;
/// use purlin_ratelimit::{Denied, Instant};
///
/// let now = Instant::from_secs(1);
/// let denied = Denied::until(now, now + Duration::from_millis(1001));
/// let rejected = Rejected::RateLimited(denied);
/// assert_eq!(rejected.status(), 429);
/// assert_eq!(rejected.retry_after_secs(), Some(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// Beyond the rate.
    #[error(transparent)]
    RateLimited(#[from] Denied),
    /// Too many are in flight.
    #[error(transparent)]
    Overloaded(#[from] AtLimit),
    /// The service was in trouble lately.
    #[error(transparent)]
    CircuitOpen(#[from] Open),
}

impl Rejected {
    /// The status of an HTTP response: 429 (Too Many Requests, RFC 6585) where the client asked too
    /// much, 503 (Service Unavailable) where the trouble is on this side.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::RateLimited(denied) => match denied.reason() {
                Reason::Exhausted | Reason::TooLarge => 429,
                Reason::Full | Reason::Horizon | Reason::Store => 503,
            },
            Self::Overloaded(_) | Self::CircuitOpen(_) => 503,
        }
    }

    /// How long after the request it makes sense to ask again. `None` where that is not known, or
    /// never.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(denied) => denied.retry_after(),
            Self::Overloaded(_) => None,
            // Forced open, for as long as somebody wants it.
            Self::CircuitOpen(open) if open.retry_after == Duration::MAX => None,
            Self::CircuitOpen(open) => Some(open.retry_after),
        }
    }

    /// The same in whole seconds, as the header `Retry-After` has it: rounded up, so that nobody
    /// comes back too early.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        let after = self.retry_after()?;
        let begun = u64::from(after.subsec_nanos() > 0);
        Some(after.as_secs().saturating_add(begun))
    }
}

/// The answer of a service, or a refusal.
#[must_use = "futures do nothing unless polled"]
pub struct GuardedFuture<F> {
    state: State<F>,
}

enum State<F> {
    Rejected(Rejected),
    Calling(Pin<Box<F>>),
}

impl<F> GuardedFuture<F> {
    pub(super) const fn rejected(rejected: Rejected) -> Self {
        let state = State::Rejected(rejected);
        Self { state }
    }

    pub(super) fn calling(future: F) -> Self {
        let state = State::Calling(Box::pin(future));
        Self { state }
    }
}

impl<F, T, E> Future for GuardedFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, ServiceError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().state {
            State::Rejected(rejected) => Poll::Ready(Err((*rejected).into())),
            State::Calling(future) => future.as_mut().poll(cx).map_err(ServiceError::Inner),
        }
    }
}

impl<F> fmt::Debug for GuardedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GuardedFuture");
        if let State::Rejected(rejected) = &self.state {
            debug.field("rejected", rejected);
        }
        debug.finish_non_exhaustive()
    }
}
