//! A limiter that is reconfigured while it is used.

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Decision, Denied, Reservation};
use crate::limiter::Limiter;
use crate::locked::Locked;
#[cfg(target_has_atomic = "64")]
use crate::shared::Shared;
use crate::sync::{RwLock, RwLockReadGuard};
use core::fmt;
use core::time::Duration;
use purlin_core::time::Instant;
use std::sync::PoisonError;

/// A limiter whose configuration changes while others use it: limits that an operator, a customer's
/// plan or a controller sets.
///
/// Around a [`Shared`] or a [`Locked`], behind a lock for many readers: callers exclude each other no
/// more than they do without it, and wait only while the configuration changes.
///
/// What becomes of the tokens is said by [`Carry`]. With [`Carry::AsIs`] nobody gains by a change,
/// however often it is made. Debts stay: who holds a reservation may act at its instant. To cancel one
/// that was made before a change gives nothing back, nor one whose mark takes more than 96 bits
/// (a `Gcra<u128>` of billions a second).
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Adjustable, Carry, Gcra, Instant, Limiter, Quota, Shared};
///
/// let limiter = Adjustable::new(Shared::new(Gcra::new(Quota::per_second(10)?)?));
/// let now = Instant::from_secs(1);
/// assert!(limiter.try_acquire_at(now, 8).is_ok());
///
/// // A larger plan: the two that are left, and ten more.
/// let plan = Gcra::new(Quota::per_second(20)?)?;
/// limiter.reconfigure(now, plan, Carry::Additive);
/// assert_eq!(limiter.peek_at(now, 1).remaining, 12);
/// assert_eq!(limiter.limit(), 20);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Adjustable<H> {
    inner: RwLock<Inner<H>>,
}

struct Inner<H> {
    holder: H,
    /// Counts configurations: reservations of older ones have marks in other units.
    generation: u32,
}

/// A limiter that holds the state of a rule, and can go on by another configuration of it.
pub trait Holder: Limiter {
    /// The rule.
    type Algorithm: Algorithm;

    /// The rule as it is configured.
    fn algorithm(&self) -> &Self::Algorithm;

    /// Goes on by another configuration.
    fn reconfigure(&mut self, now: Instant, algorithm: Self::Algorithm, carry: Carry);
}

macro_rules! holders {
    ($($(#[$when:meta])* impl [$($bounds:tt)*] $holder:ident;)*) => {$(
        $(#[$when])*
        impl<A: $($bounds)*> Holder for $holder<A> {
            type Algorithm = A;

            fn algorithm(&self) -> &A {
                Self::algorithm(self)
            }

            fn reconfigure(&mut self, now: Instant, algorithm: A, carry: Carry) {
                Self::reconfigure(self, now, algorithm, carry);
            }
        }
    )*};
}

holders! {
    #[cfg(target_has_atomic = "64")]
    impl [Reconfigure + Algorithm<State = u64>] Shared;
    impl [Reconfigure] Locked;
}

impl<H: Holder> Adjustable<H> {
    /// Makes a limiter adjustable.
    #[must_use]
    pub fn new(holder: H) -> Self {
        let generation = 0;
        let inner = RwLock::new(Inner { holder, generation });
        Self { inner }
    }

    /// Goes on by another configuration, from `now` on.
    pub fn reconfigure(&self, now: Instant, algorithm: H::Algorithm, carry: Carry) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.holder.reconfigure(now, algorithm, carry);
        inner.generation = inner.generation.wrapping_add(1);
    }

    /// The configuration as it is at this moment.
    #[must_use]
    pub fn algorithm(&self) -> H::Algorithm
    where
        H::Algorithm: Clone,
    {
        self.read().holder.algorithm().clone()
    }

    /// A panic while writing left the old configuration or the new one.
    fn read(&self) -> RwLockReadGuard<'_, Inner<H>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bits of a mark that are the holder's; the generation stands above.
const MARK_BITS: u32 = 96;
/// Of a reservation whose mark does not fit.
const KEPT: u128 = u128::MAX;

impl<H: Holder> Limiter for Adjustable<H> {
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.read().holder.try_acquire_at(now, cost)
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        self.read().holder.check_at(now, cost)
    }

    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        self.read().holder.peek_at(now, cost)
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let inner = self.read();
        let taken = inner.holder.reserve_at(now, cost, max_wait)?;
        let mark = match taken.mark() >> MARK_BITS {
            0 => (u128::from(inner.generation) << MARK_BITS) | taken.mark(),
            _ => KEPT,
        };
        Ok(Reservation::new(taken.ready_at(), taken.cost(), mark))
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        let inner = self.read();
        let (ready, cost, mark) = (
            reservation.ready_at(),
            reservation.cost(),
            reservation.mark(),
        );
        if mark == KEPT || mark >> MARK_BITS != u128::from(inner.generation) {
            return 0;
        }
        let mark = mark & ((1 << MARK_BITS) - 1);
        inner
            .holder
            .cancel_at(now, Reservation::new(ready, cost, mark))
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        self.read().holder.refund_at(now, cost);
    }

    fn limit(&self) -> u64 {
        self.read().holder.limit()
    }
}

impl<H: Holder + fmt::Debug> fmt::Debug for Adjustable<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.read();
        f.debug_struct("Adjustable")
            .field("holder", &inner.holder)
            .field("generation", &inner.generation)
            .finish()
    }
}
