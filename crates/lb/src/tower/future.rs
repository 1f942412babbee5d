use super::{Judge, Verdict};
use crate::error::Unavailable;
use crate::load_balancer::TimedLease;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use pin_project_lite::pin_project;
use purlin_core::time::Clock;
use tower_service::Service;

/// Why a balanced service did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BalanceError<E> {
    /// No endpoint may get the request; no service saw it.
    #[error("no endpoint: {0}")]
    Unavailable(Unavailable),
    /// The error of the service that was picked.
    #[error(transparent)]
    Inner(E),
}

pin_project! {
    /// A request at the endpoint that was picked for it, until its answer.
    ///
    /// Dropped before, the request was cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct BalanceFuture<T, R, C, J>
    where
        T: Service<R>,
        C: Clock,
    {
        #[pin]
        stage: Stage<T, R, C, T::Future>,
        judge: Arc<J>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<T, R, C, F>
    where
        C: Clock,
    {
        Unavailable {
            unavailable: Unavailable,
        },
        // Both are there until the service is ready.
        Readying {
            service: T,
            request: Option<R>,
            lease: Option<TimedLease<T, C>>,
        },
        Calling {
            // Dropped before the request ends.
            #[pin]
            future: F,
            lease: Option<TimedLease<T, C>>,
        },
    }
}

impl<T, R, C, J> BalanceFuture<T, R, C, J>
where
    T: Service<R> + Clone,
    C: Clock,
{
    pub(super) fn picked(lease: TimedLease<T, C>, request: R, judge: Arc<J>) -> Self {
        let stage = Stage::Readying {
            service: lease.node().clone(),
            request: Some(request),
            lease: Some(lease),
        };
        Self { stage, judge }
    }

    pub(super) const fn unavailable(unavailable: Unavailable, judge: Arc<J>) -> Self {
        let stage = Stage::Unavailable { unavailable };
        Self { stage, judge }
    }
}

impl<T, R, C, J> Future for BalanceFuture<T, R, C, J>
where
    T: Service<R>,
    C: Clock,
    J: Judge<T::Response, T::Error>,
{
    type Output = Result<T::Response, BalanceError<T::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.stage.as_mut().project() {
                StageProjection::Unavailable { unavailable } => {
                    return Poll::Ready(Err(BalanceError::Unavailable(*unavailable)));
                }
                StageProjection::Readying {
                    service,
                    request,
                    lease,
                } => {
                    // Out of the future while the service runs, here and below: a panic then ends
                    // the request while it unwinds, and not some time later when whoever caught the
                    // panic drops the future.
                    let held = lease.take();
                    let Poll::Ready(readiness) = service.poll_ready(cx) else {
                        *lease = held;
                        return Poll::Pending;
                    };
                    if let Err(error) = readiness {
                        return Poll::Ready(end(&**this.judge, held, Err(error)));
                    }
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    let future = service.call(request);
                    Stage::Calling {
                        future,
                        lease: held,
                    }
                }
                StageProjection::Calling { future, lease } => {
                    let held = lease.take();
                    let Poll::Ready(answer) = future.poll(cx) else {
                        *lease = held;
                        return Poll::Pending;
                    };
                    return Poll::Ready(end(&**this.judge, held, answer));
                }
            };
            this.stage.set(next);
        }
    }
}

/// Tells the endpoint how its request ended.
fn end<N, C, J, T, E>(
    judge: &J,
    lease: Option<TimedLease<N, C>>,
    answer: Result<T, E>,
) -> Result<T, BalanceError<E>>
where
    C: Clock,
    J: Judge<T, E>,
{
    if let Some(lease) = lease {
        match judge.judge(&answer) {
            Verdict::Success => lease.success(),
            Verdict::Failure => lease.failure(),
            // It was answered, which is not to have been given up.
            Verdict::Ignored => drop(lease.into_lease()),
        }
    }
    answer.map_err(BalanceError::Inner)
}

impl<T: Service<R>, R, C: Clock, J> fmt::Debug for BalanceFuture<T, R, C, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage: &dyn fmt::Debug = match &self.stage {
            Stage::Unavailable { unavailable } => unavailable,
            Stage::Readying { .. } => &"waiting for the service",
            Stage::Calling { .. } => &"waiting for the answer",
        };
        f.debug_tuple("BalanceFuture").field(stage).finish()
    }
}
