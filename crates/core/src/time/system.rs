use super::{Clock, Instant, UnixTime, WallClock};
use core::time::Duration;
use std::sync::OnceLock;

/// The one origin of every [`SystemClock`] in the process, set by the first reading.
static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();

/// The operating system's monotonic and civil clocks.
///
/// All `SystemClock`s of a process share one origin, that of the first one made, so their instants
/// may be compared. The monotonic side is [`std::time::Instant`] (on Linux `CLOCK_MONOTONIC`:
/// steady, does not count suspended time); the civil side is [`std::time::SystemTime`]. One reading
/// costs what theirs costs and a subtraction. Where the standard library has no clocks, as on
/// `wasm32-unknown-unknown`, reading panics as theirs does: bring a [`Clock`] of your own there.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::time::{Clock, SystemClock};
///
/// let clock = SystemClock::new();
/// let before = clock.now();
/// assert!(SystemClock::new().now() >= before);
///
/// // To and from the standard library's instants, for APIs that speak those.
/// let deadline = before + Duration::from_secs(1);
/// let std_deadline = clock.to_std(deadline).expect("a second from now exists");
/// assert_eq!(clock.from_std(std_deadline), deadline);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    /// A copy of [`ORIGIN`], which spares each reading the look whether that is set.
    origin: std::time::Instant,
}

impl SystemClock {
    /// The system's clock.
    #[must_use]
    pub fn new() -> Self {
        let origin = *ORIGIN.get_or_init(read);
        Self { origin }
    }

    /// The standard library's instant as one of this clock; one from before the origin becomes
    /// [`Instant::ORIGIN`].
    #[must_use]
    pub fn from_std(&self, instant: std::time::Instant) -> Instant {
        Instant::ORIGIN + instant.saturating_duration_since(self.origin)
    }

    /// This clock's instant as one of the standard library, or `None` when the platform cannot
    /// express it (such as [`Instant::MAX`]).
    #[must_use]
    pub fn to_std(&self, instant: Instant) -> Option<std::time::Instant> {
        self.origin
            .checked_add(Duration::from_nanos(instant.as_nanos()))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
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
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no process runs for the 584 years that would take"
    )]
    fn now(&self) -> Instant {
        let elapsed = read().saturating_duration_since(self.origin);
        Instant::from_nanos(elapsed.as_nanos() as u64)
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
