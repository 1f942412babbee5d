use super::limiter::Admission;
use super::{ConcurrencyLimiter, LimitAlgorithm, Outcome};
use crate::{Clock, Instant, SystemClock};
use alloc::sync::Arc;

/// Both kinds of permit: they differ in how they hold the limiter.
macro_rules! permit {
    ($(#[$doc:meta])* $permit:ident<$($lifetime:lifetime)?>, <$($elided:lifetime)?>, $limiter:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "a permit that is dropped is given back at once"]
        pub struct $permit<$($lifetime,)? A: LimitAlgorithm, C: Clock = SystemClock> {
            limiter: $limiter,
            admission: Admission,
        }

        impl<$($lifetime,)? A: LimitAlgorithm, C: Clock> $permit<$($lifetime,)? A, C> {
            #[inline]
            pub(super) fn admit(limiter: $limiter, in_flight: u32) -> Self {
                let started = Instant::ORIGIN;
                let admission = Admission { started, in_flight };
                let mut permit = Self { limiter, admission };
                // The permit comes first: should the clock panic, it is given back.
                permit.admission.started = permit.limiter.start();
                permit
            }

            /// The call ran its course; its time is a measure of the load.
            #[inline]
            pub fn success(self) {
                self.limiter.finish(self.admission, Outcome::Success);
            }

            /// The call ended by overload: it timed out, or was refused by the other side.
            #[inline]
            pub fn dropped(self) {
                self.limiter.finish(self.admission, Outcome::Dropped);
            }

            /// The call says nothing about the load. The same as dropping the permit, in writing.
            #[inline]
            pub fn ignore(self) {}
        }

        /// Gives the place back, after the sample if there is one.
        impl<A: LimitAlgorithm, C: Clock> Drop for $permit<$($elided,)? A, C> {
            #[inline]
            fn drop(&mut self) {
                self.limiter.waiters().release();
            }
        }
    };
}

permit! {
    /// The right to be in flight, of a [`ConcurrencyLimiter`]. Given back when dropped.
    ///
    /// Dropping it without an outcome, as `?`, a panic or a cancelled future do, teaches the
    /// limiter nothing.
    ///
    /// ```
    /// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
    ///
    /// let limiter = ConcurrencyLimiter::new(Fixed::new(1)?);
    /// let permit = limiter.try_acquire().expect("nothing is in flight");
    /// assert!(limiter.try_acquire().is_err());
    /// permit.success();
    /// assert!(limiter.try_acquire().is_ok());
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    Permit<'a>, <'_>, &'a ConcurrencyLimiter<A, C>
}

permit! {
    /// A [`Permit`] that keeps its limiter alive, to be sent to another task or thread.
    ///
    /// ```
    /// use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed};
    /// use std::sync::Arc;
    ///
    /// let limiter = Arc::new(ConcurrencyLimiter::new(Fixed::new(1)?));
    /// let permit = limiter.try_acquire_owned().expect("nothing is in flight");
    /// std::thread::spawn(move || permit.success()).join().expect("it did not panic");
    /// assert_eq!(limiter.in_flight(), 0);
    /// # Ok::<(), purlin_ratelimit::ConfigError>(())
    /// ```
    OwnedPermit<>, <>, Arc<ConcurrencyLimiter<A, C>>
}
