use super::{Instant, UnixTime};
use core::future::Future;

/// A source of [`Instant`]s.
///
/// # Implementing
///
/// Do give a steady monotonic reading, from one origin for the life of the clock. Do not block,
/// allocate or panic: `now` is called on hot paths. Consumers must survive a reading that goes
/// backwards (they treat it as "no time has passed"), but do not make use of that.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::{Clock, Instant, ManualClock};
///
/// fn is_due(clock: &impl Clock, deadline: Instant) -> bool {
///     clock.now() >= deadline
/// }
///
/// let clock = ManualClock::new();
/// let deadline = clock.now() + Duration::from_secs(5);
/// assert!(!is_due(&clock, deadline));
/// clock.advance(Duration::from_secs(5));
/// assert!(is_due(&clock, deadline));
/// ```
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Instant;
}

/// A source of civil time.
///
/// # Implementing
///
/// Civil time may jump in both directions; do not hide that (no clamping to the last reading):
/// consumers that need more than the operating system gives, such as hybrid logical clocks, build
/// it themselves.
pub trait WallClock {
    /// The present civil time.
    fn unix_now(&self) -> UnixTime;
}

/// A [`Clock`] that can also wait.
///
/// The future type has a name so that generic code can say `T::Sleep: Send` where it needs that;
/// the trait is therefore not object-safe. Choose the timer statically, as one chooses the runtime.
///
/// # Implementing
///
/// A sleep whose deadline is already reached completes at its first poll. Dropping a sleep cancels
/// it and releases what it holds. A sleep must not complete before [`now`](Clock::now) has reached
/// the deadline.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use core::time::Duration;
/// use purlin_core::time::{Clock, Timer, TokioTimer};
///
/// async fn nap(timer: &impl Timer) {
///     timer.sleep_until(timer.now() + Duration::from_millis(1)).await;
/// }
///
/// nap(&TokioTimer::new()).await;
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub trait Timer: Clock {
    /// The future that completes when the clock reaches a deadline.
    type Sleep: Future<Output = ()>;

    /// Completes once [`now`](Clock::now) is `deadline` or later.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;
}

macro_rules! through_pointer {
    ($($(#[$when:meta])* $pointer:ty),*) => {$(
        $(#[$when])*
        impl<T: Clock + ?Sized> Clock for $pointer {
            #[inline]
            fn now(&self) -> Instant {
                (**self).now()
            }
        }

        $(#[$when])*
        impl<T: WallClock + ?Sized> WallClock for $pointer {
            #[inline]
            fn unix_now(&self) -> UnixTime {
                (**self).unix_now()
            }
        }

        $(#[$when])*
        impl<T: Timer + ?Sized> Timer for $pointer {
            type Sleep = T::Sleep;
            #[inline]
            fn sleep_until(&self, deadline: Instant) -> T::Sleep {
                (**self).sleep_until(deadline)
            }
        }
    )*};
}

for_shared_pointers!(through_pointer);
