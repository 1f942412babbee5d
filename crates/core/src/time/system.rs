use super::{Clock, Instant, UnixTime, WallClock};
use core::time::Duration;
use std::sync::OnceLock;

/// The one origin of every [`SystemClock`] in the process, set by the first reading.
static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();

/// The operating system's monotonic and civil clocks.
///
/// All `SystemClock`s of a process share one origin, the first reading, so their instants may be compared. The monotonic side is
/// [`std::time::Instant`] (on Linux `CLOCK_MONOTONIC`: steady, does not count suspended time); the civil side is
/// [`std::time::SystemTime`]. One reading costs what theirs costs and a subtraction.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::{Clock, SystemClock};
///
/// let clock = SystemClock::new();
/// let before = clock.now();
/// assert!(clock.now() >= before);
///
/// // To and from the standard library's instants, for APIs that speak those.
/// let deadline = before + Duration::from_secs(1);
/// let std_deadline = SystemClock::to_std(deadline).expect("a second from now exists");
/// assert_eq!(SystemClock::from_std(std_deadline), deadline);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The system's clock. Costs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// The standard library's instant as one of this clock; one from before the origin becomes [`Instant::ORIGIN`].
    #[must_use]
    #[inline]
    pub fn from_std(instant: std::time::Instant) -> Instant {
        Instant::ORIGIN + instant.saturating_duration_since(origin())
    }

    /// This clock's instant as one of the standard library, or `None` when the platform cannot express it
    /// (such as [`Instant::MAX`]).
    #[must_use]
    pub fn to_std(instant: Instant) -> Option<std::time::Instant> {
        origin().checked_add(Duration::from_nanos(instant.as_nanos()))
    }
}

#[inline]
fn origin() -> std::time::Instant {
    *ORIGIN.get_or_init(read)
}

#[inline]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the monotonic clock"
)]
fn read() -> std::time::Instant {
    std::time::Instant::now()
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Instant {
        Self::from_std(read())
    }
}

impl WallClock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the civil clock"
    )]
    fn unix_now(&self) -> UnixTime {
        std::time::SystemTime::now().into()
    }
}
