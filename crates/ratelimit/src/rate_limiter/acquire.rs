//! The futures that wait for tokens.

use super::RateLimiter;
use super::queue::Place;
use crate::decision::{Denied, Reservation};
use crate::limiter::Limiter;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use purlin_core::time::{Instant, Timer};

/// How long earlier waiters are waited for whose slots have come, when none of them comes. Above the
/// tick of every timer, and little enough to be lost once.
const PATIENCE: Duration = Duration::from_millis(10);

/// Waits for tokens. Made by [`RateLimiter::acquire`] and its kin.
///
/// It is [`Unpin`], and `Send` where the limiter is `Sync` and the timer's sleep `Send`.
///
/// # Panics
///
/// When polled again after it was ready.
#[must_use = "nothing is taken until this is polled"]
pub struct Acquire<'a, L: Limiter, C: Timer> {
    limiter: &'a RateLimiter<L, C>,
    state: State<C::Sleep>,
}

/// Waits for tokens of a limiter that it holds an [`Arc`] of. Made by
/// [`RateLimiter::acquire_owned`]; otherwise an [`Acquire`].
///
/// # Panics
///
/// When polled again after it was ready.
#[must_use = "nothing is taken until this is polled"]
pub struct AcquireOwned<L: Limiter, C: Timer> {
    limiter: Arc<RateLimiter<L, C>>,
    state: State<C::Sleep>,
}

enum State<S> {
    /// Nothing is taken yet.
    Unpolled {
        cost: u64,
        max_wait: Duration,
    },
    Waiting(Waiting<S>),
    Done,
}

/// One who has a slot.
struct Waiting<S> {
    reservation: Reservation,
    place: Place,
    /// Until the slot comes, and later until patience ends. None before the first was needed.
    sleep: Option<Pin<Box<S>>>,
    /// The slot has come, and this is the one who is waited for.
    awaited: Option<Place>,
}

impl<'a, L: Limiter, C: Timer> Acquire<'a, L, C> {
    pub(super) const fn new(limiter: &'a RateLimiter<L, C>, cost: u64, max_wait: Duration) -> Self {
        let state = State::Unpolled { cost, max_wait };
        Self { limiter, state }
    }
}

impl<L: Limiter, C: Timer> AcquireOwned<L, C> {
    pub(super) const fn new(
        limiter: Arc<RateLimiter<L, C>>,
        cost: u64,
        max_wait: Duration,
    ) -> Self {
        let state = State::Unpolled { cost, max_wait };
        Self { limiter, state }
    }
}

impl<S: Future<Output = ()>> State<S> {
    fn poll<L: Limiter, C: Timer<Sleep = S>>(
        &mut self,
        limiter: &RateLimiter<L, C>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Denied>> {
        if let Self::Unpolled { cost, max_wait } = *self {
            *self = Self::Done;
            let now = limiter.clock.now();
            let reservation = limiter.limiter.reserve_at(now, cost, max_wait)?;
            let ready = reservation.ready_at();
            if ready <= now && limiter.queue.is_empty() {
                return Poll::Ready(Ok(()));
            }
            *self = Self::Waiting(Waiting {
                place: limiter.queue.enter(ready),
                reservation,
                sleep: None,
                awaited: None,
            });
        }
        let Self::Waiting(waiting) = self else {
            panic!("`Acquire` polled after it was ready");
        };
        ready!(waiting.poll(limiter, cx));
        *self = Self::Done;
        Poll::Ready(Ok(()))
    }
}

impl<S> State<S> {
    /// Gives back what is held.
    fn cancel<L: Limiter, C: Timer>(&mut self, limiter: &RateLimiter<L, C>) {
        if let Self::Waiting(waiting) = mem::replace(self, Self::Done) {
            limiter.queue.leave(waiting.place);
            limiter.cancel(waiting.reservation);
        }
    }
}

impl<S: Future<Output = ()>> Waiting<S> {
    fn poll<L: Limiter, C: Timer<Sleep = S>>(
        &mut self,
        limiter: &RateLimiter<L, C>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let ready = self.reservation.ready_at();
        if self.sleep.is_none() && limiter.clock.now() < ready {
            self.set_sleep(&limiter.clock, ready);
        }
        loop {
            let sleep = self.sleep.as_mut();
            let over = sleep.is_none_or(|sleep| sleep.as_mut().poll(cx).is_ready());
            match self.awaited {
                None if !over => return Poll::Pending,
                Some(awaited) if over => limiter.queue.overtake(self.place, awaited),
                _ => {}
            }
            let Err(awaited) = limiter.queue.turn(self.place, cx.waker()) else {
                return Poll::Ready(());
            };
            if !over && self.awaited == Some(awaited) {
                return Poll::Pending;
            }
            // As long as others come, patience begins anew.
            self.awaited = Some(awaited);
            self.set_sleep(&limiter.clock, limiter.clock.now() + PATIENCE);
        }
    }

    fn set_sleep(&mut self, timer: &impl Timer<Sleep = S>, until: Instant) {
        let sleep = timer.sleep_until(until);
        match &mut self.sleep {
            Some(place) => place.set(sleep),
            none => *none = Some(Box::pin(sleep)),
        }
    }
}

/// What both futures are, but for how they hold the limiter.
macro_rules! future {
    ($name:literal, $future:ty) => {
        impl<L: Limiter, C: Timer> Future for $future {
            type Output = Result<(), Denied>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let this = self.get_mut();
                this.state.poll(&this.limiter, cx)
            }
        }

        impl<L: Limiter, C: Timer> Drop for $future {
            fn drop(&mut self) {
                self.state.cancel(&self.limiter);
            }
        }

        impl<L: Limiter, C: Timer> fmt::Debug for $future {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut debug = f.debug_struct($name);
                match &self.state {
                    State::Unpolled { cost, max_wait } => {
                        debug.field("cost", cost).field("max_wait", max_wait)
                    }
                    State::Waiting(waiting) => debug.field("reservation", &waiting.reservation),
                    State::Done => &mut debug,
                };
                debug.finish_non_exhaustive()
            }
        }
    };
}

future!("Acquire", Acquire<'_, L, C>);
future!("AcquireOwned", AcquireOwned<L, C>);
