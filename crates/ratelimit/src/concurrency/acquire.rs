//! The futures that wait for permits.

use super::{AcquireError, ConcurrencyLimiter, LimitAlgorithm, OwnedPermit, Permit};
use crate::{Clock, SystemClock, Timer};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::{Future, Pending, pending};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

/// Waits for a permit. Made by [`ConcurrencyLimiter::acquire`], and by
/// [`acquire_within`](ConcurrencyLimiter::acquire_within), where `S` is the timer's
/// [`Sleep`](Timer::Sleep).
///
/// Nothing is taken before the first poll. Dropped while it waits, it leaves the queue, or passes on
/// the place that it was given and did not collect.
///
/// # Panics
///
/// When polled again after it was ready.
#[must_use = "nothing is waited for until this is polled"]
pub struct Acquire<'a, A: LimitAlgorithm, C: Clock = SystemClock, S = Pending<()>> {
    limiter: &'a ConcurrencyLimiter<A, C>,
    wait: Wait<C, S>,
}

/// Waits for a permit of a limiter that it keeps alive, as the permit does. Made by
/// [`ConcurrencyLimiter::acquire_owned`], and by
/// [`acquire_owned_within`](ConcurrencyLimiter::acquire_owned_within); otherwise an [`Acquire`].
///
/// # Panics
///
/// When polled again after it was ready.
#[must_use = "nothing is waited for until this is polled"]
pub struct AcquireOwned<A: LimitAlgorithm, C: Clock = SystemClock, S = Pending<()>> {
    limiter: Arc<ConcurrencyLimiter<A, C>>,
    wait: Wait<C, S>,
}

/// A wait, and for how long.
pub(super) struct Wait<C, S> {
    state: State,
    max_wait: Duration,
    /// Begins the sleep that ends the wait.
    start: fn(&C, Duration) -> S,
    sleep: Option<Pin<Box<S>>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Unpolled,
    /// With this ticket.
    Waiting(u64),
    Done,
}

impl<C> Wait<C, Pending<()>> {
    pub(super) fn forever() -> Self {
        Self {
            state: State::Unpolled,
            max_wait: Duration::MAX,
            start: |_, _| pending(),
            sleep: None,
        }
    }
}

impl<C: Timer> Wait<C, C::Sleep> {
    pub(super) fn within(max_wait: Duration) -> Self {
        Self {
            state: State::Unpolled,
            max_wait,
            start: |timer, max_wait| timer.sleep_until(timer.now() + max_wait),
            sleep: None,
        }
    }
}

impl<C: Clock, S> Wait<C, S> {
    /// Ready with how many are in flight.
    fn poll<A: LimitAlgorithm>(
        &mut self,
        limiter: &ConcurrencyLimiter<A, C>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<u32, AcquireError>>
    where
        S: Future<Output = ()>,
    {
        if self.poll_queue(limiter, cx)?.is_ready() {
            self.state = State::Done;
            return Poll::Ready(Ok(limiter.in_flight()));
        }
        let Self {
            start, max_wait, ..
        } = *self;
        let sleep = self.sleep.get_or_insert_with(|| {
            // Of no size where the wait has no end: nothing is allocated then.
            Box::pin(start(limiter.clock(), max_wait))
        });
        ready!(sleep.as_mut().poll(cx));
        // The place may have come at the last moment.
        Poll::Ready(if self.give_up(limiter) {
            Ok(limiter.in_flight())
        } else {
            Err(AcquireError::TimedOut { max_wait })
        })
    }

    /// Ready with a place.
    fn poll_queue<A: LimitAlgorithm>(
        &mut self,
        limiter: &ConcurrencyLimiter<A, C>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AcquireError>> {
        let waiters = limiter.waiters();
        match self.state {
            State::Unpolled => {
                self.state = State::Done;
                let max_wait = self.max_wait;
                if waiters.try_acquire().is_ok() {
                    return Poll::Ready(Ok(()));
                }
                if max_wait.is_zero() {
                    return Poll::Ready(Err(AcquireError::TimedOut { max_wait }));
                }
                let Some(ticket) = waiters.join(cx.waker().clone())? else {
                    return Poll::Ready(Ok(()));
                };
                self.state = State::Waiting(ticket);
                Poll::Pending
            }
            State::Waiting(ticket) if waiters.keep_waiting(ticket, cx.waker().clone()) => {
                Poll::Pending
            }
            State::Waiting(_) => Poll::Ready(Ok(())),
            State::Done => panic!("polled after it was ready"),
        }
    }

    /// Stops waiting; whether a place had come.
    fn give_up<A: LimitAlgorithm>(&mut self, limiter: &ConcurrencyLimiter<A, C>) -> bool {
        let state = core::mem::replace(&mut self.state, State::Done);
        matches!(state, State::Waiting(ticket) if !limiter.waiters().leave(ticket))
    }

    fn cancel<A: LimitAlgorithm>(&mut self, limiter: &ConcurrencyLimiter<A, C>) {
        if self.give_up(limiter) {
            limiter.waiters().release();
        }
    }
}

impl<'a, A: LimitAlgorithm, C: Clock, S> Acquire<'a, A, C, S> {
    pub(super) fn new(limiter: &'a ConcurrencyLimiter<A, C>, wait: Wait<C, S>) -> Self {
        Self { limiter, wait }
    }
}

impl<A: LimitAlgorithm, C: Clock, S> AcquireOwned<A, C, S> {
    pub(super) fn new(limiter: Arc<ConcurrencyLimiter<A, C>>, wait: Wait<C, S>) -> Self {
        Self { limiter, wait }
    }
}

impl<'a, A: LimitAlgorithm, C: Clock, S: Future<Output = ()>> Future for Acquire<'a, A, C, S> {
    type Output = Result<Permit<'a, A, C>, AcquireError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { limiter, wait } = self.get_mut();
        let in_flight = ready!(wait.poll(limiter, cx))?;
        Poll::Ready(Ok(Permit::admit(limiter, in_flight)))
    }
}

impl<A: LimitAlgorithm, C: Clock, S: Future<Output = ()>> Future for AcquireOwned<A, C, S> {
    type Output = Result<OwnedPermit<A, C>, AcquireError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { limiter, wait } = self.get_mut();
        let in_flight = ready!(wait.poll(limiter, cx))?;
        Poll::Ready(Ok(OwnedPermit::admit(Arc::clone(limiter), in_flight)))
    }
}

impl<A: LimitAlgorithm, C: Clock, S> Drop for Acquire<'_, A, C, S> {
    fn drop(&mut self) {
        self.wait.cancel(self.limiter);
    }
}

impl<A: LimitAlgorithm, C: Clock, S> Drop for AcquireOwned<A, C, S> {
    fn drop(&mut self) {
        self.wait.cancel(&self.limiter);
    }
}

impl<A: LimitAlgorithm, C: Clock, S> fmt::Debug for Acquire<'_, A, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Acquire").field(&self.wait).finish()
    }
}

impl<A: LimitAlgorithm, C: Clock, S> fmt::Debug for AcquireOwned<A, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireOwned").field(&self.wait).finish()
    }
}

impl<C, S> fmt::Debug for Wait<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("state", &self.state)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}
