use super::{Rejected, ServiceError};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use pin_project_lite::pin_project;

pin_project! {
    /// The answer of a service, or a refusal.
    #[must_use = "futures do nothing unless polled"]
    pub struct GuardedFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Rejected { rejected: Rejected },
        Calling { #[pin] future: F },
    }
}

impl<F> GuardedFuture<F> {
    pub(super) const fn rejected(rejected: Rejected) -> Self {
        let state = State::Rejected { rejected };
        Self { state }
    }

    pub(super) const fn calling(future: F) -> Self {
        let state = State::Calling { future };
        Self { state }
    }
}

impl<F, T, E> Future for GuardedFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, ServiceError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Rejected { rejected } => Poll::Ready(Err((*rejected).into())),
            StateProjection::Calling { future } => future.poll(cx).map_err(ServiceError::Inner),
        }
    }
}

impl<F> fmt::Debug for GuardedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GuardedFuture");
        if let State::Rejected { rejected } = &self.state {
            debug.field("rejected", rejected);
        }
        debug.finish_non_exhaustive()
    }
}
