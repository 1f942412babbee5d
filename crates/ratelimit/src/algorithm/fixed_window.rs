//! Fixed windows.

use crate::arrival::{Arrival, algorithm_by_arrival};
use crate::error::ConfigError;
use crate::timeline::{HORIZON, Steps, Timeline};
use core::time::Duration;
use purlin_core::time::Instant;

/// At most `limit` tokens in each window of fixed length: the one rule that a person counts along
/// with. "1,000 a day, from midnight to midnight."
///
/// Windows follow each other without a gap since the origin; whatever is left of one is lost at its
/// end. What is [reserved](crate::Limiter::reserve_at) beyond this window is taken from the ones that
/// follow, in the order of reservation, as resilience4j's `AtomicRateLimiter` does.
///
/// # The doubling at the boundary
///
/// The windows hold the limit, and a span of the same length that straddles two of them holds up to
/// twice as much:
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{FixedWindow, Instant, Limiter, Shared};
///
/// let limiter = Shared::new(FixedWindow::new(100, Duration::from_secs(60))?);
/// assert!(limiter.try_acquire_at(Instant::from_secs(59), 100).is_ok());
/// assert!(limiter.try_acquire_at(Instant::from_secs(60), 100).is_ok());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
///
/// Take it where the windows are somebody's contract (a quota a calendar day, the windows of an API
/// that you call), and elsewhere one of these, which cost no more: [`Gcra`](crate::Gcra), smooth and
/// at most `burst + rate * t` in every span; [`SlidingWindowCounter`](crate::SlidingWindowCounter),
/// near to the limit in every span, or strictly below with `strict`;
/// [`SlidingWindowLog`](crate::SlidingWindowLog), exact, in memory of the size of the limit.
///
/// # Time
///
/// Windows count from an origin, that of the clock unless [`starting_at`](Self::starting_at) says
/// otherwise; what is earlier is in the first window. They end at the [`horizon`](Self::horizon), four
/// and a half years later, from which on no tokens come any more: a clock that counts from 1970
/// needs an origin near the present. A clock that goes back to an earlier window finds no tokens
/// there.
///
/// The state is a word: the tokens that came up to the end of the last window that was used, less
/// those that it has left. A decision is O(1), without a division.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{FixedWindow, Instant, Limiter, Shared};
///
/// let limiter = Shared::new(FixedWindow::new(3, Duration::from_secs(10))?);
/// let now = Instant::from_secs(14);
/// assert!(limiter.try_acquire_at(now, 2).is_ok());
/// let denied = limiter.try_acquire_at(now, 2).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(6)));
/// // What there is stays there for others.
/// assert_eq!(limiter.peek_at(now, 0).remaining, 1);
///
/// // One of this window and one of the next.
/// let reservation = limiter.reserve_at(now, 2, Duration::from_secs(10)).unwrap();
/// assert_eq!(reservation.ready_at(), Instant::from_secs(20));
/// assert_eq!(limiter.peek_at(Instant::from_secs(20), 0).remaining, 2);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FixedWindow {
    arrival: Arrival<Steps>,
    window: Duration,
}

impl FixedWindow {
    /// `limit` tokens in each window of that length, the first of which begins when the clock's
    /// count does.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a limit or a window of zero. [`ConfigError::TooLarge`] for a window
    /// of more than four and a half years (2⁵⁷ ns), and for a limit of which a word cannot count as
    /// many as come in that time: for windows of a second that is 127 billion, and more for longer
    /// ones.
    pub fn new(limit: u64, window: Duration) -> Result<Self, ConfigError> {
        check_window(limit, window)?;
        let time = Steps::new(limit, window, limit, Instant::default());
        let time = time.map_err(|_| {
            // All windows up to the horizon, and the one that is open there.
            let windows = u128::from(HORIZON) / window.as_nanos() + 1;
            ConfigError::TooLarge {
                field: "limit",
                value: limit.into(),
                max: u128::from(u64::MAX - 1) / windows,
            }
        })?;
        let arrival = Arrival {
            time,
            token: 1,
            burst: limit,
            limit,
        };
        Ok(Self { arrival, window })
    }

    /// With windows that are counted from `origin`: so that one begins there, and for a clock that
    /// does not count from about the time at which this limiter starts.
    #[must_use]
    pub fn starting_at(self, origin: Instant) -> Self {
        let time = self.arrival.time.starting_at(origin);
        let arrival = Arrival {
            time,
            ..self.arrival
        };
        Self { arrival, ..self }
    }

    /// The length of a window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The last instant that it counts.
    #[must_use]
    pub fn horizon(&self) -> Instant {
        self.arrival.time.horizon()
    }
}

/// What a limit in a window of time must be, whatever the rule, if it counts up to [`HORIZON`].
pub(crate) const fn check_window(limit: u64, window: Duration) -> Result<(), ConfigError> {
    if limit == 0 {
        return Err(ConfigError::Zero { field: "limit" });
    }
    if window.is_zero() {
        return Err(ConfigError::Zero { field: "window" });
    }
    let (value, max) = (window.as_nanos(), HORIZON as u128);
    if value > max {
        let field = "window";
        return Err(ConfigError::TooLarge { field, value, max });
    }
    Ok(())
}

algorithm_by_arrival! {
    impl [] FixedWindow { type State = u64; |windows| &windows.arrival }
}
