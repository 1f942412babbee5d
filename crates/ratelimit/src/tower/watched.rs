use super::{MaybeRejected, Rejected, ServiceError};
use crate::breaker::Outcome;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use pin_project_lite::pin_project;

/// Says what an answer means for the service that gave it: every `Fn(&Result<T, E>) -> Outcome`
/// does.
pub trait Judge<T, E> {
    /// What it means.
    fn judge(&self, answer: &Result<T, E>) -> Outcome;
}

impl<T, E, F> Judge<T, E> for F
where
    F: Fn(&Result<T, E>) -> Outcome,
{
    fn judge(&self, answer: &Result<T, E>) -> Outcome {
        self(answer)
    }
}

/// The judge unless you bring one: an answer is a success, an error a failure. The refusal of a
/// guard below is neither, for the service never saw the request; [`MaybeRejected`] says where it is
/// found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorsFail;

impl<T, E: MaybeRejected> Judge<T, E> for ErrorsFail {
    fn judge(&self, answer: &Result<T, E>) -> Outcome {
        match answer {
            Ok(_) => Outcome::Success,
            Err(error) if error.rejected().is_some() => Outcome::Ignored,
            Err(_) => Outcome::Failure,
        }
    }
}

/// What a call holds until it ends. Dropped before, it counts as the limiter says.
pub trait Watch {
    /// The call ended so.
    fn end(self, outcome: Outcome);
}

pin_project! {
    /// The answer of a service, of which a guard learns; or a refusal.
    ///
    /// Dropped before the end, or when the call panics, it gives back what the call held.
    #[must_use = "futures do nothing unless polled"]
    pub struct WatchedFuture<F, W, J> {
        #[pin]
        state: State<F, W, J>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, W, J> {
        Rejected {
            rejected: Rejected,
        },
        Calling {
            // Dropped before what the call holds.
            #[pin]
            future: F,
            held: Option<W>,
            judge: Arc<J>,
        },
    }
}

impl<F, W, J> WatchedFuture<F, W, J> {
    pub(super) const fn rejected(rejected: Rejected) -> Self {
        let state = State::Rejected { rejected };
        Self { state }
    }

    /// Makes the call; `watch` is given up should it panic.
    pub(super) fn calling(watch: W, judge: Arc<J>, call: impl FnOnce() -> F) -> Self {
        let future = call();
        let held = Some(watch);
        let state = State::Calling {
            future,
            held,
            judge,
        };
        Self { state }
    }
}

impl<F, W, J, T, E> Future for WatchedFuture<F, W, J>
where
    F: Future<Output = Result<T, E>>,
    W: Watch,
    J: Judge<T, E>,
{
    type Output = Result<T, ServiceError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Rejected { rejected } => Poll::Ready(Err((*rejected).into())),
            StateProjection::Calling {
                future,
                held,
                judge,
            } => {
                // Out of the future while it runs: a panic then drops it while it unwinds, and not
                // some time later when whoever caught the panic drops the future.
                let watch = held.take();
                let Poll::Ready(answer) = future.poll(cx) else {
                    *held = watch;
                    return Poll::Pending;
                };
                if let Some(watch) = watch {
                    watch.end(judge.judge(&answer));
                }
                Poll::Ready(answer.map_err(ServiceError::Inner))
            }
        }
    }
}

impl<F, W, J> fmt::Debug for WatchedFuture<F, W, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WatchedFuture");
        if let State::Rejected { rejected } = &self.state {
            debug.field("rejected", rejected);
        }
        debug.finish_non_exhaustive()
    }
}
