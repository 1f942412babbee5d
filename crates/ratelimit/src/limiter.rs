//! Who answers: a rule together with its state.

use crate::decision::{Decision, Denied, Reservation};
use core::time::Duration;
use purlin_core::time::Instant;

/// A limiter: asked at an instant whether a request of some cost may pass.
///
/// All take `&self` and change what they remember in one step, so that callers on several threads
/// see one order of events where the limiter is `Sync`. It never waits; see
/// [`RateLimiter`](crate::RateLimiter) for that, and for one that reads a clock itself.
///
/// # Implementing
///
/// Do answer by what was recorded and the arguments. Do change nothing when you refuse. Do not
/// admit more when `now` goes backwards than if it had stood still. Do record nothing, not even the
/// instant, for a cost of zero. Do not read a clock. Do run
/// `conformance::all` (feature `conformance`) on it.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// fn admitted(limiter: &dyn Limiter, requests: u64) -> usize {
///     (0..requests)
///         .filter(|&ms| limiter.try_acquire_at(Instant::from_millis(ms), 1).is_ok())
///         .count()
/// }
///
/// let limiter = Shared::new(Gcra::new(Quota::per_second(100)?.with_burst(5)?)?);
/// assert_eq!(admitted(&limiter, 1000), 5 + 99);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub trait Limiter {
    /// Takes `cost` tokens. A cost of zero records nothing.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied>;

    /// Takes `cost` tokens if there are as many, and tells how the limiter stands afterwards: in one
    /// step, so that no other caller comes between.
    fn check_at(&self, now: Instant, cost: u64) -> Decision;

    /// What [`check_at`](Self::check_at) would decide, and how the limiter stands now. Takes nothing.
    fn peek_at(&self, now: Instant, cost: u64) -> Decision;

    /// Takes `cost` tokens, from the future if they come within `max_wait`. Who reserves first is
    /// first to act, whatever the costs, and nobody who comes later can take away what is reserved.
    ///
    /// # Errors
    ///
    /// [`Denied`] at once where the wait would be longer, and nothing was taken.
    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied>;

    /// Gives the tokens of a reservation back that is not used, as far as nobody was promised anything
    /// after it, and answers how many: for rules of one word all of them or none. None once
    /// [`ready_at`](Reservation::ready_at) is over.
    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64;

    /// Puts up to `cost` tokens back, of requests that were admitted and not carried out. Never more
    /// than fit, and nothing while reservations wait for their time. Only put back what was taken,
    /// and at once: this is trusted. After a while other tokens have come for it, which a clock that
    /// went back in between does not tell.
    fn refund_at(&self, now: Instant, cost: u64);

    /// The most tokens there are at once.
    fn limit(&self) -> u64;
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Limiter + ?Sized> Limiter for $pointer {
            #[inline]
            fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
                (**self).try_acquire_at(now, cost)
            }

            fn check_at(&self, now: Instant, cost: u64) -> Decision {
                (**self).check_at(now, cost)
            }

            fn peek_at(&self, now: Instant, cost: u64) -> Decision {
                (**self).peek_at(now, cost)
            }

            fn reserve_at(
                &self,
                now: Instant,
                cost: u64,
                max_wait: Duration,
            ) -> Result<Reservation, Denied> {
                (**self).reserve_at(now, cost, max_wait)
            }

            fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
                (**self).cancel_at(now, reservation)
            }

            fn refund_at(&self, now: Instant, cost: u64) {
                (**self).refund_at(now, cost);
            }

            fn limit(&self) -> u64 {
                (**self).limit()
            }
        }
    )*};
}

through_pointer!(
    &T,
    #[cfg(feature = "alloc")]
    alloc::boxed::Box<T>,
    #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
    alloc::sync::Arc<T>
);

/// Implements [`Limiter`] for a holder of a state, by its `update` and `look`.
macro_rules! limiter_by_update {
    ($(#[$when:meta])* impl [$($generics:tt)*] $holder:ty where { $($bounds:tt)* }) => {
        $(#[$when])*
        impl<$($generics)*> $crate::Limiter for $holder where $($bounds)* {
            #[inline]
            fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), $crate::Denied> {
                self.decide(now, cost)
            }

            fn check_at(&self, now: Instant, cost: u64) -> $crate::Decision {
                self.update(|algorithm, state| {
                    let outcome = algorithm.decide(state, now, cost);
                    let mut decision = algorithm.inspect(state, now, 0);
                    decision.outcome = outcome;
                    decision
                })
            }

            fn peek_at(&self, now: Instant, cost: u64) -> $crate::Decision {
                self.look(|algorithm, state| algorithm.inspect(state, now, cost))
            }

            fn reserve_at(
                &self,
                now: Instant,
                cost: u64,
                max_wait: core::time::Duration,
            ) -> Result<$crate::Reservation, $crate::Denied> {
                self.update(|algorithm, state| algorithm.reserve(state, now, cost, max_wait))
            }

            fn cancel_at(&self, now: Instant, reservation: $crate::Reservation) -> u64 {
                self.update(|algorithm, state| algorithm.cancel(state, now, &reservation))
            }

            fn refund_at(&self, now: Instant, cost: u64) {
                self.update(|algorithm, state| algorithm.refund(state, now, cost));
            }

            fn limit(&self) -> u64 {
                self.algorithm().limit()
            }
        }
    };
}

pub(crate) use limiter_by_update;
